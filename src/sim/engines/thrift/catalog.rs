//! A Hive metastore as it is after its first start: the catalog `hive`, the database `default`, no tables.
//!
//! Field ids and exceptions are those of Hive 4.0.0's `hive_metastore.thrift`.

use regex::Regex;

use super::wire::Value;

/// What there is to know about one metastore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim::engines) struct Catalog {
    /// `4.0.0`.
    pub(in crate::sim::engines) release: String,
    /// `metastore.warehouse.dir`.
    pub(in crate::sim::engines) warehouse: String,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// An exception that the method declares, by its field id.
    Thrown(i16, String),
    /// No such method.
    Unknown,
    /// A method or an argument that the true one has and this one does not.
    NotSimulated(String),
}

use Refusal::{NotSimulated, Thrown, Unknown};

/// Methods that a metastore has and that would change or need what is not modelled.
const OTHERS: [&str; 13] = [
    "create_database",
    "drop_database",
    "alter_database",
    "create_table",
    "create_table_with_environment_context",
    "drop_table",
    "drop_table_with_environment_context",
    "alter_table",
    "get_table_req",
    "get_table_objects_by_name",
    "get_partitions",
    "lock",
    "open_txns",
];

impl Catalog {
    /// Answers a method with its arguments, which are texts, in order of their field ids.
    pub(super) fn call(&self, method: &str, arguments: &[&str]) -> Result<Value, Refusal> {
        let list = |texts: &[&str]| Value::Texts(texts.iter().map(|text| (*text).to_owned()).collect());
        match (method, arguments) {
            ("get_all_databases", []) => Ok(list(&["default"])),
            ("get_databases", [pattern]) => {
                Ok(if matches(pattern, "default")? { list(&["default"]) } else { list(&[]) })
            }
            ("get_database", ["default"]) => Ok(self.default_database()),
            ("get_all_tables", ["default"]) | ("get_tables", ["default", _]) => Ok(list(&[])),
            ("get_database" | "get_all_tables", [name]) | ("get_tables", [name, _]) => {
                Err(Thrown(1, format!("database hive.{name}")))
            }
            ("get_table", [database, table]) if self.has_get_table() => {
                Err(Thrown(2, format!("hive.{database}.{table} table not found")))
            }
            ("get_catalogs", []) if !self.release.starts_with("2.") => Ok(Value::Struct(vec![(1, list(&["hive"]))])),
            ("getMetaConf", ["metastore.warehouse.dir" | "hive.metastore.warehouse.dir"]) => {
                Ok(Value::Text(self.warehouse.clone()))
            }
            ("getMetaConf", [key]) => Err(NotSimulated(format!("the setting {key}"))),
            ("getName", []) => Ok(Value::Text("hive".into())),
            ("getVersion", []) => Ok(Value::Text("3.0".into())),
            // ALIVE of fb303.
            ("getStatus", []) => Ok(Value::Int(2)),
            ("get_table", _) if !self.has_get_table() => Err(Unknown),
            (method, _) if OTHERS.contains(&method) => Err(NotSimulated(format!("the method {method}"))),
            _ => Err(Unknown),
        }
    }

    /// Hive 4.0.1 took it away.
    fn has_get_table(&self) -> bool {
        self.release.starts_with("3.") || self.release == "4.0.0"
    }

    fn default_database(&self) -> Value {
        let text = |text: &str| Value::Text(text.to_owned());
        Value::Struct(vec![
            (1, text("default")),
            (2, text("Default Hive database")),
            (3, text(&self.warehouse)),
            (4, Value::Pairs(Vec::new())),
            (6, text("public")),
            (7, Value::Int(2)),
            (8, text("hive")),
        ])
    }
}

/// Hive's patterns: `*` for anything, `|` between several.
fn matches(pattern: &str, name: &str) -> Result<bool, Refusal> {
    let parts = pattern.split('|').map(|part| regex::escape(part).replace(r"\*", ".*")).collect::<Vec<_>>();
    let pattern = Regex::new(&format!("^(?i:{})$", parts.join("|"))).map_err(|e| NotSimulated(e.to_string()))?;
    Ok(pattern.is_match(name))
}
