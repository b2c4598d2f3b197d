//! The server's `OpenAPI` v3 documents, read by group version when one is needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::OnceCell;

use crate::error::{Code, Error, Result};

use super::ask::Ask;
use super::schema::Schemas;
use super::transport::{Call, Transport};

type Cell = Arc<OnceCell<Arc<Schemas>>>;
type Index = Arc<OnceCell<Value>>;

/// Documents read so far.
#[derive(Debug, Default)]
pub(super) struct OpenApi {
    documents: Mutex<HashMap<String, Cell>>,
    /// Where each document lies: one request for all that are read at the same time.
    index: Mutex<Index>,
}

impl OpenApi {
    /// Has the next use read them again.
    pub(super) fn forget(&self) {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *self.index.lock().unwrap_or_else(PoisonError::into_inner) = Index::default();
    }

    /// The schemas of a group version (`apps/v1`, `v1`).
    pub(super) async fn of(&self, transport: &Transport, api_version: &str) -> Result<Arc<Schemas>> {
        let key = if api_version.contains('/') { format!("apis/{api_version}") } else { format!("api/{api_version}") };
        let cell =
            self.documents.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default().clone();
        let schemas = cell.get_or_try_init(|| async {
            let index = self.index.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let (ask, get) = (Ask::path("/openapi/v3"), Call::get("/openapi/v3"));
            let index = index.get_or_try_init(|| transport.json(&ask, &get)).await?;
            let Some(path) = index["paths"][&key]["serverRelativeURL"].as_str() else {
                return Err(Error::new(
                    Code::UnknownKind,
                    format!("the API server publishes no schema of {api_version}"),
                ));
            };
            // The address carries a hash in its query.
            let document = transport.json(&Ask::path(path.split('?').next().unwrap_or(path)), &Call::get(path)).await?;
            Ok(Arc::new(Schemas::openapi(document)))
        });
        Ok(schemas.await?.clone())
    }
}
