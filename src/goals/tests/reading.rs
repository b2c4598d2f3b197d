use super::{SHORT, ledger, shipped};
use crate::goals::{Status, shipped as text_of};

#[test]
fn the_shortest_ledger_is_read() {
    let ledger = ledger(SHORT);
    assert_eq!(ledger.objectives().map(|o| o.id.as_str()).collect::<Vec<_>>(), ["1.1", "1.2", "2.1"]);
    assert_eq!(ledger.objective("2.1").unwrap().phase, "phase_2");
    assert_eq!(ledger.progress().percent, 33);
    assert_eq!(ledger.progress().phases[0].completed, 1);
}

#[test]
fn the_shipped_ledger_is_complete() {
    let text = text_of("2026-11-20".parse().unwrap());
    assert!(text.ends_with("}\n") && !text.contains("0000"));
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&text).unwrap()).unwrap();
    assert_eq!(text, pretty + "\n", "two spaces, final newline");

    let ledger = shipped();
    let ids: Vec<String> = ledger.objectives().map(|o| o.id.clone()).collect();
    let wanted: Vec<String> = (1..=4).flat_map(|p| (1..=4).map(move |o| format!("{p}.{o}"))).collect();
    assert_eq!(ids, wanted);
    assert!(ledger.warnings().is_empty(), "{:?}", ledger.warnings());
    assert_eq!(ledger.value()["metadata"]["created"], "2026-11-20");
    for objective in ledger.objectives() {
        assert!(!objective.name.is_empty() && !objective.description.is_empty(), "{}", objective.id);
        assert!(!objective.deliverables.is_empty() && !objective.validation_criteria.is_empty(), "{}", objective.id);
        assert!(objective.estimated_duration.is_some(), "{}", objective.id);
    }
    let budgets: Vec<_> = ledger.phases().iter().map(|p| p.resource_allocation.unwrap()).collect();
    let memory: Vec<u64> = budgets.iter().map(|b| b.memory.unwrap() / 1_000_000_000).collect();
    assert_eq!(memory, [8, 42, 70, 70]);
    assert_eq!(budgets.iter().map(|b| b.cpu.unwrap()).collect::<Vec<_>>(), [400, 12_000, 12_000, 15_000]);
    assert_eq!(budgets[3].storage, Some(500_000_000_000));
    assert_eq!(ledger.triggers().storage_usage_threshold, Some(200 * 1024 * 1024 * 1024));
}

#[test]
fn odd_but_harmless_values_are_read_as_text() {
    let text = r#"{"phases":[{"id":"p","objectives":[{"id":"1","name":7,"deliverables":"one","notes":["a",1],
        "assigned_to":null,"validation_criteria":[true,"x"]}]}]}"#;
    let ledger = ledger(text);
    let objective = ledger.objective("1").unwrap();
    assert_eq!(objective.name, "7");
    assert_eq!(objective.deliverables, ["one"]);
    assert_eq!(objective.notes.as_deref(), Some(r#"["a",1]"#));
    assert_eq!(objective.validation_criteria, ["true", "x"]);
    assert_eq!((objective.status, objective.assigned_to.as_deref()), (Status::Pending, None));
}

#[test]
fn an_invented_status_counts_as_pending_and_is_named() {
    let ledger = ledger(&SHORT.replace("\"1.2\", \"status\": \"pending\"", "\"1.2\", \"status\": \"ready_to_start\""));
    let objective = ledger.objective("1.2").unwrap();
    assert_eq!((objective.status, objective.status_word.as_str()), (Status::Pending, "ready_to_start"));
    assert_eq!(
        ledger.unknown_words(),
        ["objective 1.2: the status `ready_to_start` counts as pending; `pending` is expected"]
    );
    assert_eq!(Status::meant_by("Done"), Status::Completed);
    assert_eq!(Status::meant_by("in-progress"), Status::InProgress);
}

#[test]
fn what_is_stale_or_leads_nowhere_is_named() {
    let text = r#"{"metadata":{"last_updated":"last week"},"trigger_conditions":{"evaluation_status":"maybe"},
        "phases":[{"id":"p","status":"completed","objectives":[
          {"id":"1.1","status":"completed","completion_timestamp":"yesterday"},
          {"id":"1.2","status":"pending","prerequisites":["1.2","9.9","a cup of tea"]}]}],
        "current_status":{"completion_percentage":50.0,"next_pending_objective":"1.1","mood":"good"}}"#;
    assert_eq!(
        ledger(text).warnings(),
        [
            "objective 1.2 names itself as a prerequisite",
            "objective 1.2: its prerequisite `9.9` is no objective",
            "objective 1.1: completion_timestamp `yesterday` is not RFC 3339",
            "metadata.last_updated `last week` has a form that dpb does not know: it is left as it is",
            "trigger_conditions.evaluation_status `maybe` is neither pending nor evaluated",
            "phase p says completed, its objectives say in_progress",
            "current_status.next_pending_objective says \"1.1\", the objectives say \"1.2\"",
        ]
    );
}

#[test]
fn an_unknown_objective_names_the_nearest() {
    let error = shipped().objective("1.22").unwrap_err();
    assert_eq!(error.message(), "no objective `1.22` in goals.json");
    assert!(error.hint_text().unwrap().starts_with("Nearest: 1.2 Hive Metastore Deployment, "), "{error:?}");
}

#[test]
fn a_phase_is_found_by_id_number_and_name() {
    let ledger = shipped();
    for name in ["phase_2", "2", "compute platform"] {
        assert_eq!(ledger.phase(name).unwrap().id, "phase_2");
    }
    assert_eq!(ledger.phase("9").unwrap_err().hint_text(), Some("Phases: phase_1, phase_2, phase_3, phase_4"));
}
