//! One connection: log in, then simple queries.

use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use futures::{SinkExt, StreamExt, stream};
use pgwire::api::auth::cleartext::CleartextPasswordAuthStartupHandler;
use pgwire::api::auth::{AuthSource, DefaultServerParameterProvider, LoginInfo, Password};
use pgwire::api::query::SimpleQueryHandler;
use pgwire::api::results::{DataRowEncoder, FieldFormat, FieldInfo, QueryResponse, Response};
use pgwire::api::store::PortalStore;
use pgwire::api::{ClientInfo, ClientPortalStore, DefaultClient, NoopHandler, PgWireConnectionState, Type};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use pgwire::messages::response::{GssEncResponse, SslResponse};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage, SslNegotiationMetaMessage};
use pgwire::tokio::server::{PgWireMessageServerCodec, process_error, process_message};
use tokio::io::DuplexStream;
use tokio_util::codec::Framed;

use crate::sim::engines::database::Database;

use super::query::{Content, Refusal, Rows, Session, answer};

fn error(severity: &str, state: &str, message: String) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new(severity.into(), state.into(), message)))
}

/// Lets in whom the Secrets name.
struct Door(Arc<Database>);

impl Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Door").field(&self.0.cluster).finish()
    }
}

impl Door {
    fn refuse(login: &LoginInfo) -> PgWireError {
        let user = login.user().unwrap_or_default();
        error("FATAL", "28P01", format!("password authentication failed for user \"{user}\""))
    }
}

#[async_trait]
impl AuthSource for Door {
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Password> {
        let own = self.0.logins.iter().find(|(user, _)| Some(user.as_str()) == login.user());
        let (_, password) = own.ok_or_else(|| Self::refuse(login))?;
        Ok(Password::new(None, password.clone().into_bytes()))
    }

    async fn verify_password(&self, login: &LoginInfo, presented: &[u8]) -> PgWireResult<Option<()>> {
        let user = login.user().unwrap_or_default();
        let password = std::str::from_utf8(presented).unwrap_or_default();
        if !self.0.admits(user, password) {
            return Err(Self::refuse(login));
        }
        let database = login.database().unwrap_or(user);
        if database != self.0.name && database != "postgres" {
            return Err(error("FATAL", "3D000", format!("database \"{database}\" does not exist")));
        }
        Ok(None)
    }
}

/// Answers statements.
struct Desk {
    database: Arc<Database>,
    content: Content,
}

#[async_trait]
impl SimpleQueryHandler for Desk {
    async fn do_query<C>(&self, client: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
    {
        let told = client.metadata();
        let user = told.get("user").map(String::as_str).unwrap_or_default();
        let database = told.get("database").map_or(user, String::as_str);
        let rows = answer(query, &self.database, &self.content, Session { user, database });
        let rows = rows.map_err(|Refusal(state, message)| error("ERROR", state, message))?;
        Ok(vec![response(rows)])
    }
}

fn response(rows: Rows) -> Response {
    let text = |name: String| FieldInfo::new(name, None, None, Type::TEXT, FieldFormat::Text);
    let columns = Arc::new(rows.columns.into_iter().map(text).collect::<Vec<_>>());
    let mut encoder = DataRowEncoder::new(columns.clone());
    let rows = stream::iter(rows.rows).map(move |row| {
        row.iter().try_for_each(|value| encoder.encode_field(value))?;
        Ok(encoder.take_row())
    });
    Response::Query(QueryResponse::new(columns, rows))
}

/// Serves one connection until the client leaves.
pub(in crate::sim::engines) async fn serve(io: DuplexStream, database: Database, content: Content) {
    if let Err(error) = talk(io, Arc::new(database), content).await {
        tracing::debug!("a connection to a simulated database: {error}");
    }
}

async fn talk(io: DuplexStream, database: Arc<Database>, content: Content) -> Result<(), std::io::Error> {
    let mut parameters = DefaultServerParameterProvider::default();
    parameters.server_version.clone_from(&database.version);
    let door = Arc::new(CleartextPasswordAuthStartupHandler::new(Door(database.clone()), parameters));
    let desk = Arc::new(Desk { database, content });
    let none = Arc::new(NoopHandler);
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut socket = Framed::new(io, PgWireMessageServerCodec::<String>::new(DefaultClient::new(nowhere, false)));
    // Encryption is refused; what comes next is the start of a session.
    loop {
        let refusal = match socket.next().await {
            Some(Ok(PgWireFrontendMessage::SslNegotiation(SslNegotiationMetaMessage::PostgresSsl(_)))) => {
                PgWireBackendMessage::SslResponse(SslResponse::Refuse)
            }
            Some(Ok(PgWireFrontendMessage::SslNegotiation(SslNegotiationMetaMessage::PostgresGss(_)))) => {
                PgWireBackendMessage::GssEncResponse(GssEncResponse::Refuse)
            }
            Some(Ok(_)) => break,
            _ => return Ok(()),
        };
        socket.send(refusal).await?;
    }
    socket.set_state(PgWireConnectionState::AwaitingStartup);
    while let Some(Ok(message)) = socket.next().await {
        if matches!(message, PgWireFrontendMessage::Terminate(_)) {
            break;
        }
        let extended = message.is_extended_query();
        let done =
            process_message(message, &mut socket, door.clone(), desk.clone(), none.clone(), none.clone(), none.clone());
        if let Err(error) = done.await {
            let over = error.is_fatal();
            process_error(&mut socket, error, extended).await?;
            if over {
                break;
            }
        }
    }
    Ok(())
}
