//! The world of the simulated cluster: controllers, scheduler and kubelets, played on its API.
//!
//! Controllers are pure: they look at objects ([`look::Look`]) and say what to write ([`plan::Plan`]).

pub mod conditions;
pub mod controllers;
pub mod eligible;
mod hash;
pub mod id;
pub mod kubelet;
pub mod look;
pub mod owner;
pub mod plan;
pub mod pods;
pub mod read;
pub mod reconcile;
pub mod revisions;
pub mod scheduler;
pub mod selector;
#[cfg(test)]
mod stage;
pub mod view;
