//! What scripts work on: settings, ledger, cluster, library, and the bridge to the runtime.

use std::sync::Arc;

use serde_json::Value;

use crate::cancel::Cancel;
use crate::capacity::SharedRoom;
use crate::cluster::Cluster;
use crate::error::{Code, Error, Result};
use crate::gitops::Layout;
use crate::goals::Ledger;
use crate::progress::Progress;
use crate::script::bridge::Bridge;
use crate::script::library::Library;
use crate::script::programs::Programs;
use crate::settings::Settings;

use super::scratch::Scratch;

/// What scripts work on. Cheap to clone; may cross threads: each makes an engine of its own from it, and all
/// share what was compiled.
#[derive(Clone)]
pub struct Host(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    library: Library,
    bridge: Bridge,
    settings: Value,
    layout: Result<Layout>,
    ledger: Option<Arc<Ledger>>,
    cluster: Result<Cluster>,
    scratch: Scratch,
    progress: Progress,
    room: Option<SharedRoom>,
    programs: Programs,
}

impl Host {
    /// A host with scripts and a bridge, default settings, and neither ledger nor cluster.
    pub fn new(library: Library, bridge: Bridge) -> Self {
        let none = Error::new(Code::Unavailable, "no cluster is connected").hint("Name one: --context, --kubeconfig");
        Self(Arc::new(Parts {
            library,
            bridge,
            settings: Settings::default().as_value(),
            layout: Layout::new(&Settings::default()),
            ledger: None,
            cluster: Err(none),
            scratch: Scratch::new(),
            progress: Progress::silent(),
            room: None,
            programs: Programs::default(),
        }))
    }

    /// The settings.
    #[must_use]
    pub fn with_settings(mut self, settings: &Settings) -> Self {
        let parts = Arc::make_mut(&mut self.0);
        parts.settings = settings.as_value();
        parts.layout = Layout::new(settings);
        self
    }

    /// The ledger, as it stands when the run starts.
    #[must_use]
    pub fn with_ledger(mut self, ledger: Arc<Ledger>) -> Self {
        Arc::make_mut(&mut self.0).ledger = Some(ledger);
        self
    }

    /// The cluster, or why there is none. A review takes a shared view (`cluster.shared()`), a validation a fresh one.
    #[must_use]
    pub fn with_cluster(mut self, cluster: Result<Cluster>) -> Self {
        Arc::make_mut(&mut self.0).cluster = cluster;
        self
    }

    /// Where scratch objects are registered.
    #[must_use]
    pub fn with_scratch(mut self, scratch: Scratch) -> Self {
        Arc::make_mut(&mut self.0).scratch = scratch;
        self
    }

    /// Who hears what is being waited for.
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Self {
        Arc::make_mut(&mut self.0).progress = progress;
        self
    }

    /// One reading of the room for everybody who asks.
    #[must_use]
    pub fn with_room(mut self, room: SharedRoom) -> Self {
        Arc::make_mut(&mut self.0).room = Some(room);
        self
    }

    /// The same host, stopped by `cancel`.
    #[must_use]
    pub fn with_cancel(mut self, cancel: Cancel) -> Self {
        let bridge = self.0.bridge.with_cancel(cancel);
        Arc::make_mut(&mut self.0).bridge = bridge;
        self
    }

    /// Scripts and templates.
    pub fn library(&self) -> &Library {
        &self.0.library
    }

    /// The scripts that were compiled so far.
    pub(super) fn programs(&self) -> &Programs {
        &self.0.programs
    }

    /// The bridge to the runtime.
    pub fn bridge(&self) -> &Bridge {
        &self.0.bridge
    }

    /// The settings.
    pub fn settings(&self) -> &Value {
        &self.0.settings
    }

    /// Where deliverables lie in the repository.
    pub fn layout(&self) -> Result<Layout> {
        self.0.layout.clone()
    }

    /// A text among the settings, by JSON pointer; empty when it is not there.
    pub fn setting(&self, pointer: &str) -> &str {
        self.0.settings.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The ledger; an error when there is none.
    pub fn ledger(&self) -> Result<&Ledger> {
        self.0.ledger.as_deref().ok_or_else(|| {
            Error::new(Code::NotFound, "this repository has no goals.json").hint("Write one with: dpb goals init")
        })
    }

    /// The cluster; why there is none as an error.
    pub fn cluster(&self) -> Result<&Cluster> {
        self.0.cluster.as_ref().map_err(Clone::clone)
    }

    /// The reading of the room that is shared within a run, where there is one.
    pub fn room(&self) -> Option<&SharedRoom> {
        self.0.room.as_ref()
    }

    /// Scratch objects of this run.
    pub fn scratch(&self) -> &Scratch {
        &self.0.scratch
    }

    /// Who hears what is being waited for.
    pub fn progress(&self) -> &Progress {
        &self.0.progress
    }
}
