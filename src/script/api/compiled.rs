//! Compiling and checking on the one engine that knows every function.

use std::sync::LazyLock;

use crate::error::{Error, Result};
use crate::script::compile::{Compiler, Program};
use crate::script::engine::compiler;
use crate::script::library::{Library, Source};
use crate::script::profile::Profile;

use super::REGISTRY;
use super::host::Host;

/// The functions of an objective that the host calls.
const ENTRIES: [(&str, Profile); 3] =
    [("review", Profile::Review), ("execute", Profile::Execute), ("validate", Profile::Validate)];

static COMPILER: LazyLock<Compiler> = LazyLock::new(|| compiler(&REGISTRY));

/// The script at `path` (below `scripts/`), free of faults: read, compiled and checked when a run first asks for it.
pub(super) fn program(host: &Host, path: &str) -> Result<Program> {
    host.programs().get(path, || checked(host.library(), host.library().read(path)?))
}

/// Compiles and checks: the first thing that is wrong is the error.
pub(super) fn checked(library: &Library, source: Source) -> Result<Program> {
    let program = Program::of(library, source, &COMPILER)?;
    let mut wrong = faults(&program).into_iter();
    match (wrong.next(), wrong.len()) {
        (None, _) => Ok(program),
        (Some(error), 0) => Err(error),
        (Some(error), more) => Err(error.note(format!("and {more} more; all of them: dpb scripts check"))),
    }
}

/// All that is wrong with the script at `path` (below `scripts/`), without running anything.
pub fn check(library: &Library, path: &str) -> Vec<Error> {
    match Program::load(library, path, &COMPILER) {
        Err(error) => vec![error],
        Ok(program) => faults(&program),
    }
}

fn faults(program: &Program) -> Vec<Error> {
    let path = program.entry.as_str();
    let entries: Vec<(String, Profile)> = if path.starts_with("phases/") {
        ENTRIES.map(|(function, profile)| (function.to_owned(), profile)).into()
    } else if ["lib/platform.rhai", "lib/triggers.rhai"].contains(&path) {
        // The functions of a library of checks are reviews; those of other libraries are called by whoever imports them.
        program.functions(1).into_iter().map(|function| (function, Profile::Review)).collect()
    } else {
        Vec::new()
    };
    let entries: Vec<_> = entries.iter().map(|(function, profile)| (function.as_str(), *profile)).collect();
    crate::script::check::program(program, &REGISTRY, &COMPILER, &entries)
}
