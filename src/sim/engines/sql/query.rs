//! The questions that a fresh database can answer.

use crate::sim::engines::database::Database;

/// Tables of the schema of a Hive metastore.
const TABLES: [&str; 58] = [
    "BUCKETING_COLS",
    "CDS",
    "COLUMNS_V2",
    "COMPACTION_QUEUE",
    "COMPLETED_COMPACTIONS",
    "COMPLETED_TXN_COMPONENTS",
    "CTLGS",
    "DATABASE_PARAMS",
    "DBS",
    "DB_PRIVS",
    "DELEGATION_TOKENS",
    "FUNCS",
    "FUNC_RU",
    "GLOBAL_PRIVS",
    "HIVE_LOCKS",
    "IDXS",
    "INDEX_PARAMS",
    "I_SCHEMA",
    "KEY_CONSTRAINTS",
    "MASTER_KEYS",
    "METASTORE_DB_PROPERTIES",
    "NEXT_COMPACTION_QUEUE_ID",
    "NEXT_LOCK_ID",
    "NEXT_WRITE_ID",
    "NOTIFICATION_LOG",
    "NOTIFICATION_SEQUENCE",
    "NUCLEUS_TABLES",
    "PARTITIONS",
    "PARTITION_EVENTS",
    "PARTITION_KEYS",
    "PARTITION_KEY_VALS",
    "PARTITION_PARAMS",
    "PART_COL_PRIVS",
    "PART_COL_STATS",
    "PART_PRIVS",
    "ROLES",
    "ROLE_MAP",
    "SDS",
    "SD_PARAMS",
    "SEQUENCE_TABLE",
    "SERDES",
    "SERDE_PARAMS",
    "SKEWED_COL_NAMES",
    "SKEWED_COL_VALUE_LOC_MAP",
    "SKEWED_STRING_LIST",
    "SKEWED_STRING_LIST_VALUES",
    "SKEWED_VALUES",
    "SORT_COLS",
    "TABLE_PARAMS",
    "TAB_COL_STATS",
    "TBLS",
    "TBL_COL_PRIVS",
    "TBL_PRIVS",
    "TXNS",
    "TXN_COMPONENTS",
    "TYPES",
    "TYPE_FIELDS",
    "VERSION",
];

/// What a database holds beside itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::sim::engines) struct Content {
    /// The version of the metastore's schema, once a Job has created it.
    pub(in crate::sim::engines) schema: Option<String>,
    /// How many databases the metastore has.
    pub(in crate::sim::engines) databases: usize,
}

/// Who asks, and in which database.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session<'a> {
    pub(super) user: &'a str,
    pub(super) database: &'a str,
}

/// An error of `PostgreSQL`: SQLSTATE and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) &'static str, pub(super) String);

/// Columns and rows, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Rows {
    fn one(column: &str, value: impl Into<String>) -> Self {
        Self { columns: vec![column.into()], rows: vec![vec![value.into()]] }
    }
}

/// Answers a statement.
pub(super) fn answer(text: &str, database: &Database, content: &Content, session: Session) -> Result<Rows, Refusal> {
    let words = words(text)?;
    let plain: Vec<String> = words.iter().map(Word::folded).collect();
    let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
    match plain[..] {
        ["select", number] if number.bytes().all(|c| c.is_ascii_digit()) => Ok(Rows::one("?column?", number)),
        ["show", "server_version"] => Ok(Rows::one("server_version", &database.version)),
        ["select", "current_database", "(", ")"] => Ok(Rows::one("current_database", session.database)),
        ["select", name @ ("current_user" | "session_user")] => Ok(Rows::one(name, session.user)),
        ["select", "count", "(", "*", ")", "from", ..] => {
            let table = table(&words[6..], database, content, session)?;
            let count = match table.as_str() {
                "VERSION" => 1,
                "DBS" => content.databases,
                "TBLS" | "PARTITIONS" => 0,
                other => return Err(unknown(&format!("the rows of \"{other}\""))),
            };
            Ok(Rows::one("count", count.to_string()))
        }
        ["select", ref rest @ ..] if rest.contains(&"from") => {
            let from = rest.iter().position(|word| *word == "from").unwrap_or_default() + 1;
            let table = table(&words[from + 1..], database, content, session)?;
            if table != "VERSION" {
                return Err(unknown(&format!("the rows of \"{table}\"")));
            }
            version(&words[1..from], content)
        }
        [
            "select" | "show" | "insert" | "update" | "delete" | "create" | "drop" | "alter" | "begin" | "commit"
            | "rollback" | "set" | "with" | "explain" | "truncate" | "grant" | "revoke" | "analyze" | "vacuum" | "copy",
            ..,
        ] => Err(unknown("this statement")),
        [first, ..] => Err(Refusal("42601", format!("syntax error at or near \"{first}\""))),
        [] => Err(Refusal("42601", "syntax error at end of input".into())),
    }
}

fn unknown(what: &str) -> Refusal {
    Refusal("0A000", format!("unknown to the simulator: {what}"))
}

/// The one table of a `FROM`, if it exists.
fn table(words: &[Word], database: &Database, content: &Content, session: Session) -> Result<String, Refusal> {
    let [word] = words else { return Err(unknown("a query of more than one plain table")) };
    let name = word.identifier();
    let there = session.database == database.name && content.schema.is_some();
    if !there || !TABLES.contains(&name.as_str()) {
        return Err(Refusal("42P01", format!("relation \"{name}\" does not exist")));
    }
    Ok(name)
}

/// Columns of the one row of the table `VERSION`.
fn version(words: &[Word], content: &Content) -> Result<Rows, Refusal> {
    let schema = content.schema.clone().unwrap_or_default();
    let row = [
        ("VER_ID", "1".to_owned()),
        ("SCHEMA_VERSION", schema.clone()),
        ("VERSION_COMMENT", format!("Hive release version {schema}")),
    ];
    let mut rows = Rows { columns: Vec::new(), rows: vec![Vec::new()] };
    for part in words.split(|word| *word == Word::Sign(',')) {
        let wanted: Vec<&(&str, String)> = match part {
            [Word::Sign('*')] => row.iter().collect(),
            [word @ (Word::Plain(_) | Word::Quoted(_))] => {
                let name = word.identifier();
                let column = row.iter().find(|(column, _)| *column == name);
                vec![column.ok_or_else(|| Refusal("42703", format!("column \"{name}\" does not exist")))?]
            }
            _ => return Err(unknown("an expression in this query")),
        };
        for (column, value) in wanted {
            rows.columns.push((*column).to_owned());
            rows.rows[0].push(value.clone());
        }
    }
    Ok(rows)
}

/// A word of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    /// A keyword, number or name without quotes.
    Plain(String),
    /// A name in double quotes.
    Quoted(String),
    /// Anything else.
    Sign(char),
}

impl Word {
    /// As the name of something: without quotes `PostgreSQL` folds it to lower case.
    fn identifier(&self) -> String {
        match self {
            Self::Plain(text) => text.to_lowercase(),
            Self::Quoted(text) => text.clone(),
            Self::Sign(sign) => sign.to_string(),
        }
    }

    /// For the comparison with keywords, which are never quoted.
    fn folded(&self) -> String {
        match self {
            Self::Quoted(text) => format!("\"{text}\""),
            other => other.identifier(),
        }
    }
}

fn words(text: &str) -> Result<Vec<Word>, Refusal> {
    let mut words = Vec::new();
    let mut rest = text.trim().trim_end_matches(|c: char| c == ';' || c.is_whitespace());
    while let Some(first) = rest.chars().next() {
        let part = |c: char| c.is_alphanumeric() || c == '_' || c == '.' || c == '$';
        if first.is_whitespace() {
            rest = rest.trim_start();
        } else if first == '"' {
            let end = rest[1..]
                .find('"')
                .ok_or_else(|| Refusal("42601", format!("unterminated quoted identifier at or near \"{rest}\"")))?;
            words.push(Word::Quoted(rest[1..=end].to_owned()));
            rest = &rest[end + 2..];
        } else if part(first) {
            let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
            words.push(Word::Plain(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            words.push(Word::Sign(first));
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(text: &str, schema: Option<&str>) -> Result<Rows, Refusal> {
        let database = Database {
            namespace: "n".into(),
            cluster: "db".into(),
            uid: "u".into(),
            name: "metastore".into(),
            logins: Vec::new(),
            version: "17.5".into(),
        };
        let content = Content { schema: schema.map(str::to_owned), databases: 1 };
        answer(text, &database, &content, Session { user: "metastore", database: "metastore" })
    }

    #[test]
    fn knows_the_version_of_a_schema_that_is_there() {
        let wanted = Rows::one("SCHEMA_VERSION", "4.0.0");
        assert_eq!(ask("SELECT \"SCHEMA_VERSION\" FROM \"VERSION\"", Some("4.0.0")), Ok(wanted.clone()));
        assert_eq!(ask("select \"SCHEMA_VERSION\"\n from \"VERSION\" ;", Some("4.0.0")), Ok(wanted));
        assert_eq!(
            ask("select * from \"VERSION\"", Some("4.0.0")).unwrap().rows,
            [["1", "4.0.0", "Hive release version 4.0.0"]]
        );
        assert_eq!(ask("SELECT count(*) FROM \"DBS\"", Some("4.0.0")), Ok(Rows::one("count", "1")));
        assert_eq!(ask("select 1", None), Ok(Rows::one("?column?", "1")));
        assert_eq!(ask("show server_version", None), Ok(Rows::one("server_version", "17.5")));
    }

    #[test]
    fn refuses_what_is_not_there_and_what_it_does_not_know() {
        let no = |text: &str, schema| {
            let Refusal(state, message) = ask(text, schema).unwrap_err();
            format!("{state} {message}")
        };
        let version = "SELECT \"SCHEMA_VERSION\" FROM \"VERSION\"";
        assert_eq!(no(version, None), "42P01 relation \"VERSION\" does not exist");
        assert_eq!(
            no("SELECT \"SCHEMA_VERSION\" FROM VERSION", Some("4.0.0")),
            "42P01 relation \"version\" does not exist"
        );
        assert_eq!(
            no("SELECT schema_version FROM \"VERSION\"", Some("4.0.0")),
            "42703 column \"schema_version\" does not exist"
        );
        assert_eq!(
            no("SELECT count(*) FROM \"ROLES\"", Some("4.0.0")),
            "0A000 unknown to the simulator: the rows of \"ROLES\""
        );
        assert_eq!(
            no("SELECT a FROM \"VERSION\" WHERE 1=1", Some("4.0.0")),
            "0A000 unknown to the simulator: a query of more than one plain table"
        );
        assert_eq!(no("DROP TABLE \"VERSION\"", Some("4.0.0")), "0A000 unknown to the simulator: this statement");
        assert_eq!(no("select 1; select 2", None), "0A000 unknown to the simulator: this statement");
        assert_eq!(no("selct 1", None), "42601 syntax error at or near \"selct\"");
        assert_eq!(no("select \"x", None), "42601 unterminated quoted identifier at or near \"\"x\"");
    }
}
