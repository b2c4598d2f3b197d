//! One reading of the room for everybody who asks within a run: the list of all pods is the longest read of a review.

use std::fmt;
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::cluster::Cluster;
use crate::error::Result;

use super::room::{Room, room_for};

/// The room, read at the first question and shared by all clones. A failed reading is shared too.
#[derive(Clone)]
pub struct SharedRoom {
    cluster: Cluster,
    namespaces: Arc<[String]>,
    cell: Arc<OnceCell<Result<Arc<Room>>>>,
}

impl fmt::Debug for SharedRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedRoom").field("namespaces", &self.namespaces).finish_non_exhaustive()
    }
}

impl SharedRoom {
    /// Nothing is read yet. The pods of `namespaces` will be kept, for placement.
    pub fn new(cluster: Cluster, namespaces: impl IntoIterator<Item = String>) -> Self {
        Self { cluster, namespaces: namespaces.into_iter().collect(), cell: Arc::default() }
    }

    /// Whether it keeps the pods of all these namespaces.
    pub fn covers(&self, namespaces: &[&str]) -> bool {
        namespaces.iter().all(|wanted| self.namespaces.iter().any(|kept| kept == wanted))
    }

    /// The room: read now, or by whoever asked first.
    pub async fn get(&self) -> Result<Arc<Room>> {
        let read = async {
            let names: Vec<&str> = self.namespaces.iter().map(String::as_str).collect();
            room_for(&self.cluster, &names).await.map(Arc::new)
        };
        self.cell.get_or_init(|| read).await.clone()
    }
}
