//! The world of the simulated cluster: controllers, scheduler and kubelets, played on its API.
//!
//! Controllers are pure: they look at objects ([`look::Look`]) and say what to write ([`plan::Plan`]).

pub mod admission;
pub mod conditions;
pub mod controller;
pub mod controllers;
pub mod driver;
pub mod eligible;
mod events;
pub mod hash;
pub mod id;
pub mod kubelet;
pub mod look;
pub mod owner;
pub mod plan;
#[cfg(test)]
mod play_tests;
pub mod pods;
pub mod read;
pub mod reconcile;
pub mod revisions;
pub mod scheduler;
pub mod selector;
#[cfg(test)]
mod stage;
pub mod timers;
pub mod usage;
pub mod view;
pub mod worked;
pub mod writes;

pub use controller::{Controller, Ctx};
pub use driver::World;
pub use timers::Look as Timer;
