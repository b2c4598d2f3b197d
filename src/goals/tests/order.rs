use super::{ledger, now, shipped};
use crate::goals::{Ledger, Next, Status};

fn ids(list: Vec<&crate::goals::Objective>) -> Vec<&str> {
    list.into_iter().map(|objective| objective.id.as_str()).collect()
}

fn with(ledger: &Ledger, statuses: &[(&str, Status)]) -> Ledger {
    let edit = statuses.iter().fold(ledger.edit(&now()), |edit, (id, status)| edit.set_status(id, *status));
    super::ledger(&edit.text().unwrap())
}

#[test]
fn ids_among_the_prerequisites_count_else_everything_before() {
    let text = r#"{"phases":[{"id":"p","objectives":[{"id":"1.1"},{"id":"1.2"},
        {"id":"1.10","prerequisites":["1.1","a running cluster"]},{"id":"1.3","prerequisites":["1.1 completed"]}]}]}"#;
    let ledger = ledger(text);
    assert_eq!(ids(ledger.predecessors("1.10")), ["1.1"]);
    assert_eq!(ids(ledger.predecessors("1.3")), ["1.1", "1.2", "1.10"], "sentences are no ids");
    assert_eq!(ids(ledger.predecessors("1.2")), ["1.1"]);
    assert!(ledger.predecessors("1.1").is_empty());
}

#[test]
fn the_next_is_the_first_whose_predecessors_are_completed() {
    let ledger = shipped();
    let next = |ledger: &Ledger| match ledger.next() {
        Next::Objective(objective) => objective.id.clone(),
        Next::BlockedBy(objective) => format!("blocked by {}", objective.id),
        Next::Done => "done".to_owned(),
    };
    assert_eq!(next(&ledger), "1.1");
    let ledger = with(&ledger, &[("1.1", Status::Completed)]);
    assert_eq!(next(&ledger), "1.2");
    assert_eq!(next(&with(&ledger, &[("1.2", Status::InProgress)])), "1.2");
    assert_eq!(next(&with(&ledger, &[("1.2", Status::Blocked)])), "blocked by 1.2");
    let all: Vec<(String, Status)> = ledger.objectives().map(|o| (o.id.clone(), Status::Completed)).collect();
    let all: Vec<(&str, Status)> = all.iter().map(|(id, status)| (id.as_str(), *status)).collect();
    let done = with(&ledger, &all);
    assert_eq!(next(&done), "done");
    assert_eq!((done.progress().percent, done.current().active_phase), (100, None));
}

#[test]
fn a_circle_of_prerequisites_is_named() {
    let text =
        r#"{"phases":[{"id":"p","objectives":[{"id":"1","prerequisites":["2"]},{"id":"2","prerequisites":["1"]}]}]}"#;
    let ledger = ledger(text);
    assert!(matches!(ledger.next(), Next::BlockedBy(objective) if objective.id == "1"));
    assert_eq!(ledger.warnings(), ["no objective can come next: the prerequisites of 1 form a circle"]);
}

#[test]
fn half_a_percent_rounds_up() {
    let text = |done: usize, all: usize| {
        let status = |n: usize| if n < done { "completed" } else { "pending" };
        let list: Vec<String> = (0..all).map(|n| format!(r#"{{"id":"{n}","status":"{}"}}"#, status(n))).collect();
        format!(r#"{{"phases":[{{"id":"p","objectives":[{}]}}]}}"#, list.join(","))
    };
    for (done, all, percent) in [(1, 16, 6), (1, 8, 13), (0, 0, 0), (1, 200, 1), (2, 3, 67), (199, 200, 100)] {
        assert_eq!(ledger(&text(done, all)).progress().percent, percent, "{done} of {all}");
    }
}

#[test]
fn current_status_follows_from_the_objectives() {
    let ledger = with(&shipped(), &[("1.1", Status::Completed), ("1.2", Status::InProgress)]);
    let current = ledger.current();
    assert_eq!(current.active_phase.as_deref(), Some("phase_1"));
    assert_eq!(current.active_objective.as_deref(), Some("1.2"));
    assert_eq!(current.last_completed_objective.as_deref(), Some("1.1"));
    assert_eq!(current.next_pending_objective.as_deref(), Some("1.3"));
    assert_eq!(current.completion_percentage, 6);
    let blocked = with(&ledger, &[("1.2", Status::Blocked)]).current();
    assert_eq!((blocked.active_objective, blocked.next_pending_objective), (None, None));
    assert_eq!(blocked.active_phase.as_deref(), Some("phase_1"));
}

#[test]
fn only_the_first_of_a_phase_begins_it() {
    let ledger = shipped();
    assert!(ledger.begins_phase("2.1") && !ledger.begins_phase("2.2"));
}
