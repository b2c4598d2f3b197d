//! SQL and thrift against the rig's small servers, and against servers that misbehave.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::sql::Login;
use super::{Connector, sql, thrift};
use crate::error::Code;

const LIMIT: Duration = Duration::from_secs(10);

/// A server of `rig/servers`, ended with the test. Its output stays open, so that it can go on logging.
struct Server(Child, Connector, #[expect(dead_code, reason = "held open")] BufReader<ChildStdout>);

impl Server {
    fn start(script: &str, options: &[&str]) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("rig/servers").join(script);
        let mut child =
            Command::new("python3").arg(path).arg("0").args(options).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{script} said {line:?}"));
        let connector = Connector::endpoint(address).unwrap();
        Self(child, connector, output)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn login(password: &str) -> Login {
    Login { user: "app".into(), password: password.into(), database: "app".into() }
}

/// A server that sends `answer` as soon as it is asked anything, and keeps the connection open.
async fn mute(answer: &'static [u8]) -> Connector {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(answer).await.unwrap();
        let mut nothing = Vec::new();
        let _ = stream.read_to_end(&mut nothing).await;
    });
    Connector::endpoint(&address.to_string()).unwrap()
}

#[tokio::test]
async fn the_schema_version_is_read() {
    let server = Server::start("sql.py", &["--password", "secret"]);
    let rows =
        sql::query(&server.1, &login("secret"), r#"SELECT "SCHEMA_VERSION" FROM "VERSION""#, LIMIT).await.unwrap();
    assert_eq!(rows.value.value(), Some("4.0.0"));
    assert_eq!(rows.value.columns, ["SCHEMA_VERSION"]);
    assert!(rows.elapsed > Duration::ZERO && rows.elapsed < LIMIT);
    let one = sql::query(&server.1, &login("secret"), "select 1;", LIMIT).await.unwrap();
    assert_eq!(one.value.rows, [[Some("1".to_owned())]]);
}

#[tokio::test]
async fn sql_errors_keep_postgres_words() {
    let server = Server::start("sql.py", &["--password", "secret"]);
    for (query, code, state) in [
        (r#"SELECT "SCHEMA_VERSION" FROM VERSION"#, Code::NotFound, "42P01"),
        (r#"SELECT "NOPE" FROM "VERSION""#, Code::NotFound, "42703"),
        ("DROP TABLE x", Code::Invalid, "42601"),
    ] {
        let error = sql::query(&server.1, &login("secret"), query, LIMIT).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains(state), "{error}");
        assert_eq!(error.notes(), [format!("query: {query}")]);
    }
    let error = sql::query(&server.1, &login("guessed"), "SELECT 1", LIMIT).await.unwrap_err();
    assert_eq!(error.code(), Code::Denied);
    assert!(error.message().contains("password authentication failed"), "{error}");
    assert!(error.hint_text().is_some());
}

#[tokio::test]
async fn a_metadata_query_is_answered() {
    let server = Server::start("thrift.py", &[]);
    let call = |method: &'static str, arguments: Vec<serde_json::Value>| {
        let connector = server.1.clone();
        async move { thrift::call(&connector, method, &arguments, LIMIT).await }
    };
    let all = call("get_all_databases", vec![]).await.unwrap();
    assert_eq!(all.value, json!(["default"]));
    assert!(all.elapsed > Duration::ZERO);
    let one = call("get_database", vec![json!("default")]).await.unwrap().value;
    assert_eq!((&one["name"], &one["catalogName"], &one["ownerType"]), (&json!("default"), &json!("hive"), &json!(2)));
    assert_eq!(one["locationUri"], "s3a://iceberg-tables/warehouse");
    assert_eq!(call("get_catalogs", vec![]).await.unwrap().value, json!({"names": ["hive"]}));
    assert_eq!(call("get_databases", vec![json!("def*")]).await.unwrap().value, json!(["default"]));
    assert_eq!(call("get_tables", vec![json!("default"), json!("*")]).await.unwrap().value, json!([]));
    assert_eq!(call("getStatus", vec![]).await.unwrap().value, json!(2));
}

#[tokio::test]
async fn what_the_metastore_throws_is_told() {
    let server = Server::start("thrift.py", &["--lacks", "get_table"]);
    let absent = thrift::call(&server.1, "get_database", &[json!("nope")], LIMIT).await.unwrap_err();
    assert_eq!(absent.code(), Code::NotFound);
    assert!(absent.message().contains("NoSuchObjectException: database hive.nope"), "{absent}");
    let lacking = thrift::call(&server.1, "get_table", &[json!("a"), json!("b")], LIMIT).await.unwrap_err();
    assert_eq!(lacking.code(), Code::Failed);
    assert!(lacking.message().contains("Invalid method name: 'get_table'"), "{lacking}");
    assert!(lacking.hint_text().unwrap().contains("4.0.1"));
    let broken = Server::start("thrift.py", &["--fails", "Unable to open a test connection"]);
    let error = thrift::call(&broken.1, "get_all_databases", &[], LIMIT).await.unwrap_err();
    assert!(error.message().contains("MetaException: Unable to open"), "{error}");
}

#[tokio::test]
async fn wrong_calls_are_refused_before_they_are_sent() {
    let nowhere = Connector::endpoint("127.0.0.1:1").unwrap();
    for (method, arguments, part) in [
        ("get_databses", vec![], "not known"),
        ("get_database", vec![], "takes 1 arguments (name)"),
        ("get_database", vec![json!(1)], "must be text"),
    ] {
        let error = thrift::call(&nowhere, method, &arguments, LIMIT).await.unwrap_err();
        assert_eq!(error.code(), Code::Invalid);
        assert!(error.message().contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_server_of_another_kind_is_recognised() {
    let http = mute(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let error = thrift::call(&http, "get_all_databases", &[], LIMIT).await.unwrap_err();
    assert!(error.message().contains("no thrift"), "{error}");
}

#[tokio::test]
async fn silence_ends_at_the_limit() {
    let limit = Duration::from_millis(100);
    let start = Instant::now();
    let error = thrift::call(&mute(b"\x80\x01").await, "get_all_databases", &[], limit).await.unwrap_err();
    assert_eq!(error.code(), Code::Timeout);
    let error = sql::query(&mute(b"").await, &login("x"), "SELECT 1", limit).await.unwrap_err();
    assert_eq!(error.code(), Code::Timeout);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_answer_needs_no_end_of_stream() {
    let connector = mute(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
    let http = super::Http::new(connector.clone(), LIMIT);
    let base = connector.base_url().unwrap();
    let request = ::http::Request::get(base.as_str()).body(http_body_util::Full::default()).unwrap();
    assert_eq!(http.send(request, "GET /").await.unwrap().value.text(), "hi");
}
