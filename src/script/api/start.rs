//! Running scripts: one function of an objective, the checks of a library side by side, an expression of a person.

use std::sync::Arc;
use std::thread;

use serde_json::Value;

use crate::check::Check;
use crate::error::{Code, Error, Result};
use crate::script::compile::Program;
use crate::script::engine::Machine;
use crate::script::library::{EVAL, Library, ObjectiveScript, Origin, Source};
use crate::script::profile::Profile;
use crate::script::{jail, value, walk};

use super::REGISTRY;
use super::compiled::{checked, program};
use super::host::Host;
use super::outcome::Outcome;
use super::session::Session;
use super::unseen::{failed, is_unseen, unknown};

/// Stack of a thread that runs a script: Rhai recurses, most of all in debug builds.
const STACK: usize = 16 << 20;

/// The objectives that have a script.
pub fn objectives(library: &Library) -> Result<Vec<ObjectiveScript>> {
    library.objectives()
}

/// Runs `review` of the objective `id`. What could not be looked at is a check of its own, never an error.
pub fn review(host: &Host, id: &str) -> Result<Outcome> {
    objective(host, id, "review", Profile::Review)
}

/// Runs `execute` of the objective `id`, which declares what it delivers and changes nothing.
pub fn execute(host: &Host, id: &str) -> Result<Outcome> {
    objective(host, id, "execute", Profile::Execute)
}

/// Runs `validate` of the objective `id`. A probe that fails is a failed check; scratch objects are in
/// [`Host::scratch`], whose `clean` is the caller's to call.
pub fn validate(host: &Host, id: &str) -> Result<Outcome> {
    objective(host, id, "validate", Profile::Validate)
}

fn objective(host: &Host, id: &str, function: &str, profile: Profile) -> Result<Outcome> {
    let script = host.library().objective(id)?.ok_or_else(|| {
        Error::new(Code::NotReady, format!("objective {id} has no script"))
            .hint(format!("Write one: scripts/phases/PHASE/{id}-NAME.rhai, with review(o), execute(o) and validate(o)"))
    })?;
    let program = program(host, &script.path)?;
    if !program.functions(1).iter().any(|f| f == function) {
        return Err(Error::new(Code::Script, format!("scripts/{} has no function {function}(o)", script.path))
            .hint("An objective's script has fn review(o), fn execute(o) and fn validate(o)"));
    }
    run(host, profile, Some(id), Some(script), program, function)
}

fn run(
    host: &Host,
    profile: Profile,
    id: Option<&str>,
    script: Option<ObjectiveScript>,
    program: Program,
    function: &str,
) -> Result<Outcome> {
    let session = Arc::new(Session::new(host, profile, id, script));
    let machine = Machine::new(&REGISTRY, profile, &session, host.bridge().cancel(), program);
    if let Err(error) = machine.call(function, vec![session.argument()]) {
        let name = || name_of(machine.program(), &error, function);
        match profile {
            Profile::Review if is_unseen(&error) => session.report(unknown(&name(), &error)),
            Profile::Validate if is_seen_failing(&error) => session.report(failed(&name(), &error)),
            _ => return Err(error),
        }
    }
    Ok(session.take())
}

/// Whether an error in a validation says that what was probed does not work, rather than that a script is wrong.
fn is_seen_failing(error: &Error) -> bool {
    is_unseen(error) || matches!(error.code(), Code::NotFound | Code::NotReady | Code::Failed | Code::Conflict)
}

/// What a check is called that an error kept from being made: as the script calls it, else after its function.
fn name_of(program: &Program, error: &Error, function: &str) -> String {
    let named = error.places().iter().find_map(|place| {
        let path = place.file.strip_prefix("scripts/").unwrap_or(&place.file);
        walk::enclosing_name(program.written.get(path)?, "check", place.line, place.column)
    });
    named.unwrap_or_else(|| function.replace('_', " "))
}

/// The check functions of a library (`lib/triggers`), in the order of their declaration.
pub fn check_functions(host: &Host, import: &str) -> Result<Vec<String>> {
    Ok(program(host, &jail::import(import)?)?.functions(1))
}

/// Runs check functions of a library side by side, each in a thread of its own: their checks, in the order of
/// `functions`. What could not be looked at is a check of its own. `o` is the objective `id`, where one is in view.
pub fn run_checks(
    host: &Host,
    import: &str,
    functions: &[String],
    id: Option<&str>,
) -> Result<Vec<(String, Result<Vec<Check>>)>> {
    let program = program(host, &jail::import(import)?)?;
    let one = |function: &str| -> Result<Vec<Check>> {
        Ok(run(host, Profile::Review, id, None, program.clone(), function)?.checks)
    };
    let one = &one;
    thread::scope(|scope| {
        let started: Vec<_> = functions
            .iter()
            .map(|function| {
                let thread = thread::Builder::new().name(function.clone()).stack_size(STACK);
                (function, thread.spawn_scoped(scope, move || one(function)))
            })
            .collect();
        let joined = started.into_iter().map(|(function, thread)| {
            let result = match thread {
                Ok(thread) => {
                    thread.join().unwrap_or_else(|panic| Err(crate::script::engine::fault(function, panic.as_ref())))
                }
                Err(error) => Err(Error::new(Code::Internal, format!("starting a thread: {error}"))),
            };
            (function.clone(), result)
        });
        Ok(joined.collect())
    })
}

/// The value of what a person typed: reads only.
pub fn eval(host: &Host, text: &str) -> Result<Value> {
    let source = Source { path: EVAL.into(), text: text.into(), origin: Origin::Repository };
    let program = checked(host.library(), source)?;
    let session = Arc::new(Session::new(host, Profile::Eval, None, None));
    let machine = Machine::new(&REGISTRY, Profile::Eval, &session, host.bridge().cancel(), program);
    value::from_dynamic(&machine.eval()?)
}
