//! What Flux's controllers are started with.

use std::sync::Arc;
use std::time::Duration;

use super::charts::Charts;
use super::remotes::Remotes;

/// How the controllers work, and what they work on.
pub struct Options {
    /// The repositories.
    pub remotes: Arc<Remotes>,
    /// The charts.
    pub charts: Charts,
    /// How long to wait with another look at dependencies: `--requeue-dependency`.
    pub requeue_dependency: Duration,
    /// The feature gate `CancelHealthCheckOnNewRevision`.
    pub cancel_health_checks: bool,
    /// Workers of each controller: `--concurrent`. A running health check holds one.
    pub concurrent: usize,
    /// Why no remote can be reached just now, if that is so.
    pub away: Arc<dyn Fn() -> Option<String> + Send + Sync>,
}

impl Options {
    /// For these repositories and charts; as the reference cluster's Flux is started.
    pub fn new(remotes: Remotes, charts: Charts) -> Self {
        Self {
            remotes: Arc::new(remotes),
            charts,
            requeue_dependency: Duration::from_secs(2),
            cancel_health_checks: false,
            concurrent: 10,
            away: Arc::new(|| None),
        }
    }
}
