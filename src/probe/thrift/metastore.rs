//! The metastore's methods that a proof needs, with the field ids of Hive 4.0.0's `hive_metastore.thrift` and of the
//! `fb303.thrift` that it extends.

use serde_json::{Map, Value as Json, json};

use super::codec::write_call;
use super::value::{Struct, Value};
use crate::error::{Code, Error, Result};

/// A method: its arguments (all strings), the shape of its answer, the exceptions it declares by field id.
#[derive(Debug)]
pub(super) struct Signature {
    name: &'static str,
    arguments: &'static [(i16, &'static str)],
    answer: Shape,
    exceptions: &'static [(i16, &'static str)],
}

/// How an answer's fields are called.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// Strings, numbers, lists and maps of them: nothing to name.
    Plain,
    /// A structure: field ids, names, and the shape of each.
    Struct(&'static [(i16, &'static str, Shape)]),
    /// A list of one shape.
    List(&'static Shape),
}

use Shape::{List, Plain};

const META: &[(i16, &str)] = &[(1, "MetaException")];
const NO_SUCH: &[(i16, &str)] = &[(1, "NoSuchObjectException"), (2, "MetaException")];
const META_NO_SUCH: &[(i16, &str)] = &[(1, "MetaException"), (2, "NoSuchObjectException")];

const DATABASE: Shape = Shape::Struct(&[
    (1, "name", Plain),
    (2, "description", Plain),
    (3, "locationUri", Plain),
    (4, "parameters", Plain),
    (6, "ownerName", Plain),
    (7, "ownerType", Plain),
    (8, "catalogName", Plain),
    (9, "createTime", Plain),
    (10, "managedLocationUri", Plain),
    (11, "type", Plain),
    (12, "connector_name", Plain),
    (13, "remote_dbname", Plain),
]);

const FIELD: Shape = Shape::Struct(&[(1, "name", Plain), (2, "type", Plain), (3, "comment", Plain)]);

const STORAGE: Shape = Shape::Struct(&[
    (1, "cols", List(&FIELD)),
    (2, "location", Plain),
    (3, "inputFormat", Plain),
    (4, "outputFormat", Plain),
    (5, "compressed", Plain),
    (6, "numBuckets", Plain),
    (10, "parameters", Plain),
]);

const TABLE: Shape = Shape::Struct(&[
    (1, "tableName", Plain),
    (2, "dbName", Plain),
    (3, "owner", Plain),
    (4, "createTime", Plain),
    (5, "lastAccessTime", Plain),
    (6, "retention", Plain),
    (7, "sd", STORAGE),
    (8, "partitionKeys", List(&FIELD)),
    (9, "parameters", Plain),
    (12, "tableType", Plain),
    (17, "catName", Plain),
]);

const METHODS: &[Signature] = &[
    Signature { name: "get_all_databases", arguments: &[], answer: Plain, exceptions: META },
    Signature { name: "get_databases", arguments: &[(1, "pattern")], answer: Plain, exceptions: META },
    Signature { name: "get_database", arguments: &[(1, "name")], answer: DATABASE, exceptions: NO_SUCH },
    Signature { name: "get_all_tables", arguments: &[(1, "db_name")], answer: Plain, exceptions: META },
    Signature { name: "get_tables", arguments: &[(1, "db_name"), (2, "pattern")], answer: Plain, exceptions: META },
    Signature {
        name: "get_table",
        arguments: &[(1, "dbname"), (2, "tbl_name")],
        answer: TABLE,
        exceptions: META_NO_SUCH,
    },
    Signature { name: "get_catalogs", arguments: &[], answer: Shape::Struct(&[(1, "names", Plain)]), exceptions: META },
    Signature { name: "getMetaConf", arguments: &[(1, "key")], answer: Plain, exceptions: META },
    Signature { name: "getName", arguments: &[], answer: Plain, exceptions: &[] },
    Signature { name: "getVersion", arguments: &[], answer: Plain, exceptions: &[] },
    Signature { name: "getStatus", arguments: &[], answer: Plain, exceptions: &[] },
];

/// Every method that can be called, with the names of its arguments.
pub fn methods() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    METHODS.iter().map(|m| (m.name, m.arguments.iter().map(|(_, name)| *name).collect()))
}

pub(super) fn find(method: &str) -> Result<&'static Signature> {
    METHODS.iter().find(|m| m.name == method).ok_or_else(|| {
        let known: Vec<&str> = METHODS.iter().map(|m| m.name).collect();
        Error::new(Code::Invalid, format!("thrift method `{method}` is not known"))
            .hint(format!("Known are {}", known.join(", ")))
    })
}

pub(super) fn encode(signature: &Signature, arguments: &[Json]) -> Result<Vec<u8>> {
    let names: Vec<&str> = signature.arguments.iter().map(|(_, name)| *name).collect();
    if arguments.len() != names.len() {
        return Err(Error::new(
            Code::Invalid,
            format!(
                "thrift {} takes {} arguments ({}), got {}",
                signature.name,
                names.len(),
                names.join(", "),
                arguments.len()
            ),
        ));
    }
    let mut texts = Vec::new();
    for ((id, name), value) in signature.arguments.iter().zip(arguments) {
        let text = value.as_str().ok_or_else(|| {
            Error::new(Code::Invalid, format!("thrift {}: argument {name} must be text, got {value}", signature.name))
        })?;
        texts.push((*id, text));
    }
    Ok(write_call(signature.name, &texts))
}

pub(super) fn decode(signature: &Signature, result: &Struct) -> Result<Json> {
    if let Some(value) = result.field(0) {
        return Ok(to_json(value, signature.answer));
    }
    for (id, name) in signature.exceptions {
        if let Some(Value::Struct(exception)) = result.field(*id) {
            let text = exception.text(1).unwrap_or_default();
            let code = if *name == "NoSuchObjectException" { Code::NotFound } else { Code::Failed };
            return Err(Error::new(code, format!("{name}: {text}")));
        }
    }
    Err(Error::new(Code::Failed, "the answer holds neither a result nor a known exception"))
}

fn to_json(value: &Value, shape: Shape) -> Json {
    match (value, shape) {
        (Value::Bool(b), _) => json!(b),
        (Value::Int(i), _) => json!(i),
        (Value::Double(d), _) => json!(d),
        (Value::Text(bytes), _) => json!(String::from_utf8_lossy(bytes)),
        (Value::List(items), Shape::List(item)) => items.iter().map(|v| to_json(v, *item)).collect(),
        (Value::List(items), _) => items.iter().map(|v| to_json(v, Plain)).collect(),
        (Value::Map(pairs), _) => {
            let mut map = Map::new();
            for (key, value) in pairs {
                let key = match to_json(key, Plain) {
                    Json::String(s) => s,
                    other => other.to_string(),
                };
                map.insert(key, to_json(value, Plain));
            }
            Json::Object(map)
        }
        (Value::Struct(fields), shape) => {
            let names = if let Shape::Struct(names) = shape { names } else { &[] };
            let mut map = Map::new();
            for (id, value) in &fields.0 {
                match names.iter().find(|(i, ..)| i == id) {
                    Some((_, name, shape)) => map.insert((*name).to_owned(), to_json(value, *shape)),
                    None => map.insert(format!("field_{id}"), to_json(value, Plain)),
                };
            }
            Json::Object(map)
        }
    }
}
