//! One file per script module, thin: converts arguments and calls below. [`Host`] is what scripts work on; [`review`],
//! [`execute`], [`validate`], [`run_checks`] and [`eval`] run them.

#![allow(clippy::unnecessary_wraps, reason = "every function of the registry has one shape")]

mod capacity;
mod check;
mod cluster;
mod compiled;
mod data;
mod flux;
mod gitops;
mod goals;
mod host;
mod log;
mod manifest;
mod outcome;
mod probe;
mod prom;
mod reach;
mod run;
mod s3;
mod scratch;
mod session;
mod start;
mod unseen;

pub use compiled::check;
pub use host::Host;
pub use outcome::Outcome;
pub use scratch::{Kept, Removal, Scratch};
pub use session::Session;
pub use start::{check_functions, eval, execute, objectives, review, run_checks, validate};

use crate::script::docs;
use crate::script::registry::Registry;

/// All that scripts may call.
pub static REGISTRY: Registry<Session> = Registry {
    sections: &[
        &cluster::SECTION,
        &check::SECTION,
        &capacity::SECTION,
        &flux::SECTION,
        &prom::SECTION,
        &gitops::SECTION,
        &gitops::APP,
        &probe::SECTION,
        &s3::S3,
        &probe::SQL,
        &manifest::SECTION,
        &goals::SECTION,
        &data::SECTION,
        &log::SECTION,
        &run::SECTION,
        &cluster::GLOBAL,
    ],
};

/// `docs/script-api.md`.
pub fn docs_markdown() -> String {
    docs::markdown(
        "What scripts may call",
        "Generated from the descriptions in `src/script/api`; every example is run as a test. An objective's script has three\n\
         functions: `review(o)` reports checks, `execute(o)` declares deliverables, `validate(o)` probes the result. Each may call\n\
         what is offered in its profile. Every error of the host is a map `#{code, message, hint, kind, namespace, name}` that a\n\
         script can match on: `try { … } catch (e) { if e.code == \"not_found\" { … } }`.",
        &REGISTRY,
    )
}
