//! `goals`: the ledger, as it stood when the run began.

use std::sync::Arc;

use rhai::Dynamic;
use serde_json::{Value, json};

use crate::error::{Code, Result};
use crate::goals::{Next, Objective};
use crate::script::call::Call;
use crate::script::registry::{Section, Type, function, param};
use crate::script::value::to_dynamic;

use super::session::Session;

pub(super) const SECTION: Section<Session> = Section {
    name: "goals",
    summary: "The ledger (goals.json), as it stood when the run began.",
    handle: None,
    functions: &[
        function(
            "get",
            &[param("id", Type::Id)],
            "map",
            "An objective: `#{id, name, description, phase, status, completed, prerequisites, deliverables, completion_timestamp, notes}`.",
            get,
        )
        .errors(&[Code::NotFound])
        .example("goals::get(\"1.1\").completed", "true"),
        function("next", &[], "map", "The next objective; `()` when all are completed, or when one that is blocked stands before it.", next)
            .errors(&[Code::NotFound])
            .example("goals::next().id", "\"1.2\""),
        function("list", &[], "array", "Every objective, in the order of the ledger.", list)
            .errors(&[Code::NotFound])
            .example("goals::list().map(|o| o.id)", "[\"1.1\", \"1.2\"]"),
        function("note", &[param("text", Type::Text)], "", "Adds a note to the report of this run.", note).example("goals::note(\"S3 Select is not in use\")", ""),
        function(
            "triggers",
            &[],
            "map",
            "Reasons to start: `#{storage_usage_threshold (bytes), s3_requirements, analytics_requirements, data_processing_requirements, evaluation_status, evaluation_notes}`.",
            triggers,
        )
        .errors(&[Code::NotFound])
        .example("goals::triggers().storage_usage_threshold", "214748364800"),
    ],
};

fn get(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    Ok(to_dynamic(&map(session.host.ledger()?.objective(&call.text(0))?)))
}

fn next(session: &Arc<Session>, _: &mut Call<'_>) -> Result<Dynamic> {
    Ok(match session.host.ledger()?.next() {
        Next::Objective(objective) => to_dynamic(&map(objective)),
        Next::BlockedBy(_) | Next::Done => Dynamic::UNIT,
    })
}

fn list(session: &Arc<Session>, _: &mut Call<'_>) -> Result<Dynamic> {
    let all = session.host.ledger()?.objectives().map(|objective| to_dynamic(&map(objective)));
    Ok(Dynamic::from_array(all.collect()))
}

fn note(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    session.note(call.text(0));
    Ok(Dynamic::UNIT)
}

fn triggers(session: &Arc<Session>, _: &mut Call<'_>) -> Result<Dynamic> {
    let triggers = session.host.ledger()?.triggers();
    Ok(to_dynamic(&json!({
        "storage_usage_threshold": triggers.storage_usage_threshold,
        "s3_requirements": triggers.s3,
        "analytics_requirements": triggers.analytics,
        "data_processing_requirements": triggers.data_processing,
        "evaluation_status": triggers.evaluation_status,
        "evaluation_notes": triggers.evaluation_notes,
    })))
}

fn map(objective: &Objective) -> Value {
    json!({
        "id": objective.id,
        "name": objective.name,
        "description": objective.description,
        "phase": objective.phase,
        "status": objective.status_word,
        "completed": objective.status == crate::goals::Status::Completed,
        "prerequisites": objective.prerequisites,
        "deliverables": objective.deliverables,
        "completion_timestamp": objective.completion_timestamp,
        "notes": objective.notes,
    })
}
