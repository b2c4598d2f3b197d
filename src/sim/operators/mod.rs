//! Operators played by scripts against an API server that lacks them: `dpb sim operators`.
//!
//! A script under `scripts/sim` says which kinds it plays (`fn kinds()`) and what becomes of an object
//! (`fn reconcile(obj, world)`, which returns the status; `fn removed(obj, world)`, where it cares). Each script has a
//! thread of its own with a queue; watches feed it, and whatever it does goes through a plain client.

mod event;
mod functions;
mod objects;
mod player;
mod queue;
mod run;
mod watches;
mod world;

pub use event::Event;
pub use functions::REGISTRY;
pub use run::{Options, run};
pub use world::{Handle, World};

#[cfg(test)]
mod fake_api;
#[cfg(test)]
mod tests;
