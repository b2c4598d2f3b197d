use serde_json::json;

use super::{SHORT, ledger, now, shipped};
use crate::error::Code;
use crate::goals::Status;

#[test]
fn completing_changes_a_handful_of_values() {
    let ledger = ledger(SHORT);
    let text = ledger.edit(&now()).complete("1.2").text().unwrap();
    let wanted = SHORT
        .replace(
            "\"1.2\", \"status\": \"pending\" }",
            "\"1.2\", \"status\": \"completed\", \"completion_timestamp\": \"2026-11-24T08:12:33Z\" }",
        )
        .replace("\"phase_1\", \"status\": \"pending\"", "\"phase_1\", \"status\": \"completed\"")
        .replace("\"active_phase\": \"phase_1\"", "\"active_phase\": \"phase_2\"")
        .replace("\"completion_percentage\": 33", "\"completion_percentage\": 67");
    assert_eq!(text, wanted);
}

#[test]
fn our_own_fields_go_into_one_object_laid_out_as_the_file() {
    let ledger = shipped();
    let edit = ledger.edit(&now()).set_status("1.1", Status::Blocked).set_dpb(
        "1.1",
        json!({"blocked": {"reason": "no quota", "run": "20261124-0912-1.1"}, "seen": [1, 2], "gone": null}),
    );
    let text = edit.text().unwrap();
    let inserted = r#"      "completion_timestamp": null,
          "dpb": {
            "blocked": {
              "reason": "no quota",
              "run": "20261124-0912-1.1"
            },
            "seen": [
              1,
              2
            ]
          }
        },"#;
    assert!(text.contains(inserted), "{text}");
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&text).unwrap()).unwrap();
    assert_eq!(text, pretty + "\n");
    assert!(text.contains("\"last_updated\": \"2026-11-24\"") && text.contains("\"created\": \"2026-11-20\""));
}

#[test]
fn keys_of_ours_are_merged_and_taken_away() {
    let text = r#"{"phases":[{"id":"p","objectives":[{"id":"1","dpb":{"a":1,"b":{"x":1},"c":3}}]}]}"#;
    let text = ledger(text).edit(&now()).set_dpb("1", json!({"a": null, "b": {"y": 2}, "d": "new"})).text().unwrap();
    assert_eq!(
        text,
        r#"{"phases":[{"id":"p","objectives":[{"id":"1","dpb":{"b":{"y": 2},"c":3,"d":"new"}}]}]}"#
            .replace(": 2", ":2")
    );
}

#[test]
fn a_person_s_phase_status_stays_while_its_derivation_does() {
    let text = SHORT.replace("\"phase_2\", \"status\": \"pending\"", "\"phase_2\", \"status\": \"ready_to_start\"");
    let text = ledger(&text).edit(&now()).complete("1.2").text().unwrap();
    assert!(text.contains("\"phase_2\", \"status\": \"ready_to_start\""));
    let text = ledger(&text).edit(&now()).set_status("2.1", Status::InProgress).text().unwrap();
    assert!(text.contains("\"phase_2\", \"status\": \"in_progress\""));
}

#[test]
fn a_rollback_leaves_no_trace_but_what_it_means_to() {
    let before = shipped();
    let before =
        ledger(&before.text().replace(
            "\"status\": \"pending\",\n      \"estimated",
            "\"status\": \"ready_to_start\",\n      \"estimated",
        ));
    let running = before.edit(&now()).set_status("1.1", Status::InProgress).set_dpb("1.1", json!({"run": "x"}));
    let running = ledger(&running.text().unwrap());
    assert_eq!(running.phases()[0].status_word, "in_progress");
    let restored = running.edit(&now()).restore("1.1", &before).text().unwrap();
    assert_eq!(restored.replace("2026-11-24", "2026-11-20"), before.text());

    let blocked = running.edit(&now()).restore("1.1", &before).set_status("1.1", Status::Blocked).text().unwrap();
    let blocked = ledger(&blocked);
    assert_eq!((blocked.phases()[0].status_word.as_str(), &blocked.objective("1.1").unwrap().dpb), ("blocked", &None));
}

#[test]
fn a_completed_objective_that_is_restored_is_completed_as_before() {
    let before = ledger(&shipped().edit(&now()).complete("1.1").set_dpb("1.1", json!({"evidence": 1})).text().unwrap());
    let later = "2026-12-01T09:00:00+01:00[Europe/Berlin]".parse().unwrap();
    let running = ledger(&before.edit(&later).set_status("1.1", Status::InProgress).text().unwrap());
    assert!(running.objective("1.1").unwrap().completion_timestamp.is_some(), "kept while a run is at it");
    let restored = ledger(&running.edit(&later).restore("1.1", &before).text().unwrap());
    assert_eq!(restored.objective("1.1").unwrap(), before.objective("1.1").unwrap());
    let reset = ledger(&restored.edit(&later).set_status("1.1", Status::Pending).text().unwrap());
    assert_eq!(reset.objective("1.1").unwrap().completion_timestamp, None);
}

#[test]
fn an_override_of_the_triggers_is_recorded() {
    let edit = ledger(SHORT).edit(&now()).set_evaluation("evaluated", "asked for by \"ops\"");
    let after = ledger(&edit.text().unwrap());
    assert_eq!(after.triggers().evaluation_status.as_deref(), Some("evaluated"));
    assert_eq!(after.triggers().evaluation_notes.as_deref(), Some("asked for by \"ops\""));
    let text = shipped().edit(&now()).set_evaluation("evaluated", "x").text().unwrap();
    assert!(text.contains("\"evaluation_status\": \"evaluated\",\n    \"evaluation_notes\": \"x\"\n"));
}

#[test]
fn last_updated_keeps_its_form() {
    for (form, wanted) in [
        ("2026-01-02", "2026-11-24"),
        ("2026/01/02", "2026/11/24"),
        ("02.01.2026", "24.11.2026"),
        ("2026-01-02T03:04:05Z", "2026-11-24T08:12:33Z"),
        ("2026-01-02T03:04:05.123Z", "2026-11-24T08:12:33Z"),
        ("2026-01-02T03:04:05+02:00", "2026-11-24T09:12:33+01:00"),
        ("2026-01-02T03:04:05", "2026-11-24T09:12:33"),
        ("2026-01-02 03:04", "2026-11-24 09:12"),
        ("last week", "last week"),
    ] {
        let text = format!(
            r#"{{"metadata":{{"last_updated":"{form}"}},"phases":[{{"id":"p","objectives":[{{"id":"1"}}]}}]}}"#
        );
        let after = ledger(&ledger(&text).edit(&now()).complete("1").text().unwrap());
        assert_eq!(after.value()["metadata"]["last_updated"], wanted);
    }
}

#[test]
fn a_change_that_changes_nothing_leaves_the_text() {
    let ledger = ledger(SHORT);
    assert_eq!(ledger.edit(&now()).set_status("1.2", Status::Pending).text().unwrap(), SHORT);
}

#[test]
fn any_value_can_be_set_by_its_pointer() {
    let after = ledger(SHORT).edit(&now()).set("/phases/0/objectives/1/assigned_to", json!("ann")).text().unwrap();
    assert!(after.contains("\"status\": \"pending\", \"assigned_to\": \"ann\" }"), "{after}");
    let error = ledger(SHORT).edit(&now()).set("/phases/9/id", json!("x")).text().unwrap_err();
    assert_eq!(error.message(), "goals.json: `phases.9.id` can't be set: there is no such place");
}

#[test]
fn an_unknown_objective_can_not_be_changed() {
    assert_eq!(ledger(SHORT).edit(&now()).complete("7").text().unwrap_err().code(), Code::NotFound);
}

#[test]
fn empty_and_one_line_objects_are_extended_as_they_are_laid_out() {
    let base = "{\n\t\"phases\": [\n\t\t{\"id\": \"p\", \"objectives\": [{ \"id\" : \"1\", \"dpb\" : {} }]}\n\t]\n}";
    let after = ledger(base).edit(&now()).set_dpb("1", json!({"run": "x"})).text().unwrap();
    assert_eq!(after, base.replace("{} }", "{\n\t\t\t\"run\": \"x\"\n\t\t} }"));
    let after = ledger(base).edit(&now()).set_notes("1", "n").text().unwrap();
    assert_eq!(after, base.replace("{} }", "{}, \"notes\" : \"n\" }"));
}
