//! `check`: named verdicts, with what was seen and what to do about it.

use std::sync::Arc;

use rhai::Dynamic;
use serde_json::Value;

use crate::check::{Check, Verdict};
use crate::cluster::health::{Readiness, readiness};
use crate::error::{Code, Error, Result};
use crate::goals::Status;
use crate::script::call::Call;
use crate::script::options::{Options, duration};
use crate::script::profile::Profiles;
use crate::script::registry::{Param, Section, Type, function, optional, param};
use crate::script::value::{from_dynamic, kind, literal};

use super::session::Session;
use super::unseen::{is_unseen, unknown};

/// Options of every check.
const OPTIONS: &[&str] = &["remedy", "command", "details", "optional", "seen"];

const SAID: &[Param] = &[param("name", Type::Text), param("seen", Type::Any), optional("options", Type::Map)];

pub(super) const SECTION: Section<Session> = Section {
    name: "check",
    summary: "Named verdicts. Every one takes a last map of options: `remedy` (a sentence), `command` (to type), `details` (more lines), \
              `optional: true` (shown, never in the way), `seen` (what to show when it holds). A failed check throws nothing: the host \
              judges when the function has ended. Where a value is asked for, a closure may stand too: if it cannot look \
              (`forbidden`, `unknown_kind`, `unavailable`, `timeout`, `denied`), the check is `unknown` with the reason, and the script goes on.",
    handle: None,
    functions: &[
        function("pass", SAID, "", "Holds.", |session, call| said(session, call, Verdict::Pass))
            .only(Profiles::JUDGE)
            .example("check::pass(\"room\", \"118 GB free\")", ""),
        function("warn", SAID, "", "Holds, with a reservation.", |session, call| said(session, call, Verdict::Warn))
            .only(Profiles::JUDGE)
            .example("check::warn(\"Ceph health\", \"HEALTH_WARN: 1 OSD near full\", #{ remedy: \"Add an OSD\" })", ""),
        function("fail", SAID, "", "Does not hold.", |session, call| said(session, call, Verdict::Fail))
            .only(Profiles::JUDGE)
            .example("check::fail(\"secrets\", \"no store\", #{ remedy: \"Create one\", command: \"kubectl get clustersecretstores\" })", ""),
        function("skip", SAID, "", "Not asked for, so not looked at.", |session, call| said(session, call, Verdict::Skip))
            .only(Profiles::JUDGE)
            .example("check::skip(\"analytics\", \"not asked for\")", ""),
        function("unknown", SAID, "", "Could not be looked at; `seen` says why.", |session, call| said(session, call, Verdict::Unknown))
            .only(Profiles::JUDGE)
            .example("check::unknown(\"utilisation\", \"no metrics are served\", #{ optional: true })", ""),
        function(
            "that",
            &[param("name", Type::Text), param("holds", Type::Any), optional("why", Type::TextOrFunction), optional("options", Type::Map)],
            "bool",
            "Holds if `holds` is true (a boolean, or a closure that gives one); `why` (a text, or a closure, called only then) is what was seen when it is not. Says which.",
            that,
        )
        .only(Profiles::JUDGE)
        .example("check::that(\"pods\", 2 > 3, || `${2} of 3 ready`)", "false"),
        function(
            "equal",
            &[param("name", Type::Text), param("actual", Type::Any), param("expected", Type::Any), optional("options", Type::Map)],
            "bool",
            "Holds if `actual` (a value, or a closure that gives one) equals `expected`. Says whether.",
            equal,
        )
        .only(Profiles::JUDGE)
        .example("check::equal(\"schema version\", \"4.0.0\", \"4.0.0\")", "true"),
        function(
            "within",
            &[param("name", Type::Text), param("seconds", Type::Number), param("limit", Type::Any), optional("options", Type::Map)],
            "bool",
            "Holds if `seconds` is no more than `limit` (`\"2s\"`, `\"500ms\"`, or seconds). Says whether.",
            within,
        )
        .only(Profiles::JUDGE)
        .example("check::within(\"metadata query\", 0.3, \"2s\")", "true"),
        function(
            "ready",
            &[param("name", Type::Text), param("object", Type::Any), optional("options", Type::Map)],
            "bool",
            "Holds if the object (or what a closure gives) is ready; `()` is an object that does not exist. Says whether.",
            ready,
        )
        .only(Profiles::JUDGE)
        .example("check::ready(\"metastore\", cluster::find(\"deploy\", \"hive-metastore\"))", "true"),
        function(
            "completed",
            &[param("id", Type::Id), optional("options", Type::Map)],
            "bool",
            "Holds if the ledger says that this objective is completed. Says whether.",
            completed,
        )
        .only(Profiles::JUDGE)
        .errors(&[Code::NotFound])
        .example("check::completed(\"1.1\")", "true"),
    ],
};

fn said(session: &Arc<Session>, call: &mut Call<'_>, verdict: Verdict) -> Result<Dynamic> {
    let options = call.options(2, OPTIONS)?;
    report(session, &options, call.text(0), verdict, &call.any(1).to_string())?;
    Ok(Dynamic::UNIT)
}

fn that(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(3, OPTIONS)?;
    let Some(holds) = seen(session, call, &options, 1)? else { return Ok(false.into()) };
    let holds = holds.as_bool().map_err(|_| {
        Error::new(
            Code::Invalid,
            format!("`{}`: argument `holds`: true or false is wanted, and this is {}", call.name(), kind(&holds)),
        )
    })?;
    if holds {
        report(session, &options, call.text(0), Verdict::Pass, "")?;
        return Ok(true.into());
    }
    let why = match call.len() {
        0..=2 => String::new(),
        _ => match call.told(2) {
            Err(error) if is_unseen(&error) => {
                format!("it does not hold; why could not be looked at: {}", error.message())
            }
            told => told?,
        },
    };
    report(session, &options, call.text(0), Verdict::Fail, &why)?;
    Ok(false.into())
}

fn equal(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(3, OPTIONS)?;
    let Some(actual) = seen(session, call, &options, 1)? else { return Ok(false.into()) };
    let expected = call.any(2);
    let same = same(&from_dynamic(&actual)?, &from_dynamic(&expected)?);
    let show = |value: &Dynamic| if kind(&actual) == kind(&expected) { plain(value) } else { literal(value) };
    if same {
        report(session, &options, call.text(0), Verdict::Pass, &plain(&actual))?;
    } else {
        let said = format!("{}, expected {}", show(&actual), show(&expected));
        report(session, &options, call.text(0), Verdict::Fail, &said)?;
    }
    Ok(same.into())
}

fn plain(value: &Dynamic) -> String {
    if value.is_string() { value.to_string() } else { literal(value) }
}

/// Equality as people mean it: 1 is 1.0, and the order of a map's keys does not count.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

fn within(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(3, OPTIONS)?;
    let seconds = call.number(1).unwrap_or_default();
    let limit = duration(&call.any(2))?.as_secs_f64();
    let holds = seconds <= limit;
    let said = format!("{} of {}", seconds_text(seconds), seconds_text(limit));
    report(session, &options, call.text(0), if holds { Verdict::Pass } else { Verdict::Fail }, &said)?;
    Ok(holds.into())
}

fn seconds_text(seconds: f64) -> String {
    if seconds < 1.0 && seconds > 0.0 {
        format!("{:.0} ms", (seconds * 1000.0).max(1.0))
    } else {
        format!("{seconds:.1} s")
    }
}

fn ready(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(2, OPTIONS)?;
    let Some(object) = seen(session, call, &options, 1)? else { return Ok(false.into()) };
    if object.is_unit() {
        let what = session.absent().unwrap_or_else(|| "it".into());
        report(session, &options, call.text(0), Verdict::Fail, &format!("{what} does not exist"))?;
        return Ok(false.into());
    }
    let object = from_dynamic(&object)?;
    let named = crate::cluster::object_ref(&object).to_string();
    let (verdict, said) = match readiness(&object) {
        Readiness::Ready => (Verdict::Pass, format!("{named} ready")),
        Readiness::NotReady(reason) => (Verdict::Fail, format!("{named} not ready: {reason}")),
        Readiness::Unknown(reason) => (Verdict::Unknown, format!("{named}: {reason}")),
    };
    report(session, &options, call.text(0), verdict, &said)?;
    Ok((verdict == Verdict::Pass).into())
}

fn completed(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(1, OPTIONS)?;
    let id = call.text(0);
    let objective = session.host.ledger()?.objective(&id)?;
    let named = format!("{id} {}", objective.name);
    if objective.status == Status::Completed {
        let since = objective.completion_timestamp.as_deref().and_then(|at| at.get(..10));
        let said = since.map_or("completed".into(), |day| format!("completed {day}"));
        report(session, &options, named, Verdict::Pass, &said)?;
        return Ok(true.into());
    }
    let mut check = built(&options, named, Verdict::Fail, &format!("{}, not completed", objective.status_word))?;
    if check.remedy.is_none() {
        check = check.remedy("Execute it first");
    }
    if check.command.is_none() {
        check = check.command(format!("dpb run execute {id}"));
    }
    session.report(check);
    Ok(false.into())
}

/// Argument `i`, or what it gives when it is a closure; `None` when that could not look, which is reported.
fn seen(session: &Arc<Session>, call: &Call<'_>, options: &Options, i: usize) -> Result<Option<Dynamic>> {
    let Some(function) = call.function(i) else { return Ok(Some(call.any(i))) };
    match call.call(&function) {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_unseen(&error) => {
            let mut check = unknown(&call.text(0), &error);
            check.optional = options.boolean("optional")?.unwrap_or(false);
            session.report(check);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn report(session: &Arc<Session>, options: &Options, name: String, verdict: Verdict, seen: &str) -> Result<()> {
    session.report(built(options, name, verdict, seen)?);
    Ok(())
}

/// The check; what was seen beyond its first line becomes details.
fn built(options: &Options, name: String, verdict: Verdict, seen: &str) -> Result<Check> {
    let told = options.text("seen")?.filter(|_| verdict == Verdict::Pass);
    let seen = told.as_deref().unwrap_or(seen);
    let mut lines = seen.lines().map(str::to_owned);
    let mut check = Check::new(name, verdict, lines.next().unwrap_or_default());
    check.details =
        lines.chain(options.texts("details")?.iter().flat_map(|text| text.lines()).map(str::to_owned)).collect();
    if verdict != Verdict::Pass {
        check.remedy = options.text("remedy")?;
        check.command = options.text("command")?;
    }
    check.optional = options.boolean("optional")?.unwrap_or(false);
    Ok(check)
}
