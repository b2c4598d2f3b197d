//! Waiting for Flux without being fooled: a push is followed from the source through every Kustomization and
//! `HelmRelease` down to the pods, and each is believed only for the revision that was pushed.
//!
//! The judging functions (`judge_*`) are pure: one version of an object in, a [`Judgement`] out. [`deliver`] feeds them
//! with every version that the API server's watches bring, since a failed state may last ten milliseconds only.

mod apply;
mod board;
mod cause;
mod deliver;
mod delivery;
mod fault;
mod gone;
mod helm;
mod inventory;
mod judgement;
mod kustomization;
mod members;
mod pod;
mod release;
mod revision;
mod settle;
mod source;
mod status;
mod workload;

pub use deliver::deliver;
pub use delivery::{Applied, AppliedKustomization, Delivery, Descends, Named, Step, StepEvent, WorkloadSeen};
pub use fault::{Fault, LogTail};
pub use gone::{Held, held, wait_gone};
pub use helm::judge_helmrelease;
pub use inventory::{InventoryEntry, inventory};
pub use judgement::Judgement;
pub use kustomization::{has_applied, judge_kustomization};
pub use pod::{PodFault, judge_pod};
pub use revision::{commit_of, short};
pub use source::judge_source;
pub use status::{KustomizationStatus, ObjectStatus, SourceStatus, kustomizations, releases, sources, status};
pub use workload::judge_workload;
