//! Scripts, compiled and checked once, however many threads run them.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use crate::error::{Error, Result};
use crate::script::compile::{Compiler, Program};
use crate::script::engine::compiler;
use crate::script::library::{Library, Source};
use crate::script::profile::Profile;

use super::REGISTRY;

/// The functions of an objective that the host calls.
const ENTRIES: [(&str, Profile); 3] =
    [("review", Profile::Review), ("execute", Profile::Execute), ("validate", Profile::Validate)];

static COMPILER: LazyLock<Compiler> = LazyLock::new(|| compiler(&REGISTRY));

/// The scripts that a run has read so far, by path below `scripts/`: each is read, compiled and checked once.
#[derive(Clone, Default)]
pub(super) struct Programs(Arc<Mutex<BTreeMap<String, Known>>>);

type Known = Arc<OnceLock<Result<Program>>>;

impl Programs {
    /// The script at `path`, free of faults. The first that is wrong is the error.
    pub(super) fn checked(&self, library: &Library, path: &str) -> Result<Program> {
        let known = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(path.to_owned()).or_default().clone()
        };
        known.get_or_init(|| checked(library, library.read(path)?)).clone()
    }
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
