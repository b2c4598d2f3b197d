//! `log`: lines for whoever runs with `-v`.

use std::sync::Arc;

use rhai::Dynamic;

use crate::error::Result;
use crate::script::call::Call;
use crate::script::registry::{Section, Type, function, param};

use super::session::Session;

pub(super) const SECTION: Section<Session> = Section {
    name: "log",
    summary: "Lines for whoever runs with `-v`; no part of a report.",
    handle: None,
    functions: &[
        function(
            "detail",
            &[param("text", Type::Any)],
            "",
            "Shown with `-vv` (`debug` is a reserved word of Rhai).",
            detail,
        )
        .example("log::detail(\"looked at 3 pods\")", ""),
        function("info", &[param("text", Type::Any)], "", "Shown with `-v`.", info)
            .example("log::info(\"the store is old\")", ""),
        function("warn", &[param("text", Type::Any)], "", "Always shown, on stderr.", warn)
            .example("log::warn(\"no metrics\")", ""),
    ],
};

fn detail(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    tracing::debug!(target: "dpb::script", objective = session.objective()["id"].as_str(), "{}", call.any(0));
    Ok(Dynamic::UNIT)
}

fn info(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    tracing::info!(target: "dpb::script", objective = session.objective()["id"].as_str(), "{}", call.any(0));
    Ok(Dynamic::UNIT)
}

fn warn(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    tracing::warn!(target: "dpb::script", objective = session.objective()["id"].as_str(), "{}", call.any(0));
    Ok(Dynamic::UNIT)
}
