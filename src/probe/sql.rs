//! SQL over `PostgreSQL`'s own protocol: a simple query, its rows as text.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::poll_fn;
use tokio::task::AbortHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Config, NoTls, SimpleQueryMessage};

use super::timed::{Timed, limited};
use super::{Connector, Stream};
use crate::error::{Code, Error, Result};

/// Who asks, and in which database.
#[derive(Clone)]
pub struct Login {
    /// Role.
    pub user: String,
    /// Its password.
    pub password: String,
    /// Database.
    pub database: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).field("database", &self.database).finish_non_exhaustive()
    }
}

/// Rows of a query; every value as `PostgreSQL` writes it, NULL as `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Column names.
    pub columns: Vec<String>,
    /// Rows, in order.
    pub rows: Vec<Vec<Option<String>>>,
    /// Rows that the last statement returned or changed.
    pub affected: u64,
}

impl Rows {
    /// The first column of the first row; `None` for no row or NULL.
    pub fn value(&self) -> Option<&str> {
        self.rows.first().and_then(|r| r.first()).and_then(|v| v.as_deref())
    }
}

/// Ends the task that drives a connection, when the query ends or is dropped.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs a query on a fresh connection. The time is the query's alone. TLS is not asked for: a port-forward is
/// encrypted up to the kubelet already.
pub async fn query(connector: &Connector, login: &Login, sql: &str, limit: Duration) -> Result<Timed<Rows>> {
    let what = format!("SQL on {connector}, database {}", login.database);
    limited(limit, &what, async {
        let stream = connector.open().await.map_err(|e| e.context(&what))?;
        on_stream(stream, login, sql).await.map_err(|e| failure(&what, sql, &e))
    })
    .await
}

async fn on_stream(stream: Stream, login: &Login, sql: &str) -> Result<Timed<Rows>, tokio_postgres::Error> {
    let mut config = Config::new();
    config.user(&login.user).password(&login.password).dbname(&login.database).application_name("dpb");
    let (client, mut connection) = config.connect_raw(stream, NoTls).await?;
    let driver = Driver(
        tokio::spawn(async move {
            let mut messages = poll_fn(move |cx| connection.poll_message(cx));
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notice(notice) = message {
                    tracing::debug!("postgres: {notice}");
                }
            }
        })
        .abort_handle(),
    );
    let start = std::time::Instant::now();
    let messages = client.simple_query(sql).await?;
    let elapsed = start.elapsed();
    drop(driver);
    Ok(Timed { value: rows(messages), elapsed })
}

fn rows(messages: Vec<SimpleQueryMessage>) -> Rows {
    let mut all = Rows::default();
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                all.columns = columns.iter().map(|c| c.name().to_owned()).collect();
                all.rows.clear();
            }
            SimpleQueryMessage::Row(row) => {
                all.rows.push((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect());
            }
            SimpleQueryMessage::CommandComplete(count) => all.affected = count,
            _ => {}
        }
    }
    all
}

fn failure(what: &str, sql: &str, error: &tokio_postgres::Error) -> Error {
    let Some(db) = error.as_db_error() else {
        return Error::new(Code::Unavailable, format!("{what}: {}", innermost(error)));
    };
    let state = db.code();
    let said = format!("{what}: {} (SQLSTATE {})", db.message(), state.code());
    let code = match *state {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => Code::Denied,
        SqlState::INSUFFICIENT_PRIVILEGE => Code::Forbidden,
        SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN | SqlState::INVALID_CATALOG_NAME => Code::NotFound,
        SqlState::CANNOT_CONNECT_NOW | SqlState::TOO_MANY_CONNECTIONS | SqlState::ADMIN_SHUTDOWN => Code::Unavailable,
        _ => Code::Invalid,
    };
    let error = Error::new(code, said).note(format!("query: {sql}"));
    match code {
        Code::Denied => error.hint("Compare the Secret's user and password with the database's roles"),
        _ => match db.hint() {
            Some(hint) => error.hint(hint),
            None => error,
        },
    }
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
