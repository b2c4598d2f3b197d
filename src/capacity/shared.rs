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
    /// Nothing is read yet. The labels of `namespaces` will be known even where namespaces may not be listed.
    pub fn new(cluster: Cluster, namespaces: impl IntoIterator<Item = String>) -> Self {
        Self { cluster, namespaces: namespaces.into_iter().collect(), cell: Arc::default() }
    }

    /// The room: read now, or by whoever asked first.
    pub async fn get(&self) -> Result<Arc<Room>> {
        let read = async {
            let names: Vec<&str> = self.namespaces.iter().map(String::as_str).collect();
            room_for(&self.cluster, &names).await.map(Arc::new)
        };
        self.cell.get_or_init(|| read).await.clone()
    }

    /// The room for new pods in these namespaces: the shared one, unless it cannot know the labels of one of them.
    pub async fn of(&self, namespaces: &[&str]) -> Result<Arc<Room>> {
        let room = self.get().await?;
        let is_known = |wanted: &&str| self.namespaces.iter().any(|known| known == wanted);
        if room.knows_all_namespaces || namespaces.iter().all(is_known) {
            return Ok(room);
        }
        room_for(&self.cluster, namespaces).await.map(Arc::new)
    }
}
