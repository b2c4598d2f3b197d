//! `run`: what this run is about.

use std::sync::Arc;

use rhai::Dynamic;

use crate::error::Result;
use crate::script::call::Call;
use crate::script::registry::{Section, function};
use crate::script::value::to_dynamic;

use super::session::Session;

pub(super) const SECTION: Section<Session> = Section {
    name: "run",
    summary: "What this run is about, for libraries that were not handed `o`.",
    handle: None,
    functions: &[
        function(
            "objective",
            &[],
            "map",
            "The objective: `#{id, name, description, phase, status, prerequisites, deliverables, namespace}`.",
            objective,
        )
        .example("run::objective().id", "\"1.2\""),
        function("phase", &[], "text", "Id of its phase; empty when the ledger does not know it.", phase)
            .example("run::phase()", "\"phase_1\""),
        function("settings", &[], "map", "The settings, as `o.settings` has them.", settings)
            .example("run::settings().namespace", "\"data-platform\""),
        function(
            "profile",
            &[],
            "text",
            "What the script was started for: `review`, `execute`, `validate` or `eval`.",
            profile,
        )
        .example("run::profile()", "\"review\""),
    ],
};

fn objective(session: &Arc<Session>, _: &mut Call<'_>) -> Result<Dynamic> {
    Ok(to_dynamic(session.objective()))
}

fn phase(session: &Arc<Session>, _: &mut Call<'_>) -> Result<Dynamic> {
    Ok(to_dynamic(&session.objective()["phase"]))
}

fn settings(session: &Arc<Session>, _: &mut Call<'_>) -> Result<Dynamic> {
    Ok(to_dynamic(session.host.settings()))
}

fn profile(session: &Arc<Session>, _: &mut Call<'_>) -> Result<Dynamic> {
    Ok(session.profile.as_str().into())
}
