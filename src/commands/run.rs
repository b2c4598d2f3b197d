//! `dpb run …`.

use crate::check::{Check, Verdict};
use crate::error::{Code, Result};
use crate::report::{self, Format, Outcome};
use crate::run::{self, Request, Which};
use crate::settings;

use super::cli::{Delivery, FailOn, Run};
use super::open::Opener;

/// Runs a subcommand of `run`.
pub(super) fn run(opener: &Opener<'_>, command: &Run) -> Result<u8> {
    match command {
        Run::Review { id, phase, fail_on, output } => {
            review(opener, id.as_deref(), phase.as_deref(), *fail_on, (*output).into())
        }
        Run::Execute(args) => execute(opener, args),
        Run::Validate { id, phase, completed, output } => {
            let which = match (completed, phase) {
                (true, _) => Which::Completed,
                (false, Some(phase)) => Which::Phase(phase),
                (false, None) => Which::One(id.as_deref()),
            };
            let session = opener.session()?;
            let all = run::validate(&session, &which)?;
            let proved = all.iter().all(|v| v.proved);
            print(opener, &all, (*output).into())?;
            Ok(if proved { 0 } else { Code::NotReady.exit() })
        }
        Run::Adopt { id, override_reason, output } => {
            let session = opener.session()?;
            let execution = run::adopt(&session, id, override_reason.as_deref())?;
            let adopted = execution.outcome == Outcome::Completed;
            print(opener, &execution, (*output).into())?;
            Ok(if adopted { 0 } else { Code::NotReady.exit() })
        }
        Run::List { output } => {
            print(opener, &run::list(&opener.repo()?.state_dir())?, (*output).into())?;
            Ok(0)
        }
        Run::Log { run: id, output } => {
            print(opener, &run::log(&opener.repo()?.state_dir(), id.as_deref())?, (*output).into())?;
            Ok(0)
        }
    }
}

fn review(
    opener: &Opener<'_>,
    id: Option<&str>,
    phase: Option<&str>,
    fail_on: Option<FailOn>,
    format: Format,
) -> Result<u8> {
    let session = opener.session()?;
    let review = run::review(&session, id, phase)?;
    print(opener, &review, format)?;
    let warned = |checks: &[Check]| {
        checks.iter().any(|c| c.verdict == Verdict::Warn || (c.verdict == Verdict::Unknown && !c.optional))
    };
    let warnings = !review.warnings.is_empty()
        || warned(&review.platform)
        || review.objective.as_ref().is_some_and(|o| warned(&o.checks));
    Ok(match (review.ready, fail_on) {
        (false, _) => Code::NotReady.exit(),
        (true, Some(FailOn::Warn)) if warnings => 4,
        (true, _) => 0,
    })
}

fn execute(opener: &Opener<'_>, args: &super::cli::Execute) -> Result<u8> {
    let request = Request {
        id: args.id.clone(),
        dry_run: args.dry_run,
        yes: args.yes,
        reason: args.override_reason.clone(),
        delivery: args.delivery.map(|d| match d {
            Delivery::Flux => settings::Delivery::Flux,
            Delivery::Files => settings::Delivery::Files,
        }),
        timeout: args.timeout,
        no_rollback: args.no_rollback,
        diff: args.diff,
    };
    let session = opener.session()?;
    let execution = match run::execute(&session, &request) {
        Ok(execution) => execution,
        // `diff`-like commands say 1 for changes, so an error is 2 or more.
        Err(error) if args.exit_code => {
            opener.ui.error(&error);
            return Ok(error.code().exit().max(2));
        }
        Err(error) => return Err(error),
    };
    print(opener, &execution, args.output.into())?;
    Ok(run::exit_code(&execution, session.cancel.is_interrupted(), &request, args.exit_code))
}

/// Writes a report on standard output.
fn print(opener: &Opener<'_>, report: &impl report::Report, format: Format) -> Result<()> {
    opener.ui.out(&report::render(report, format, opener.ui.columns())?)
}
