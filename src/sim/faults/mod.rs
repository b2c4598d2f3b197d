//! What goes wrong in the simulated cluster on request.

mod fault;
mod glob;

pub use fault::{Denial, Fault, Faults};
pub use glob::Glob;
