//! Requests that were put to a true API server, and its answers, which are written down in `golden`: the simulator is
//! held against them. What may differ stands in `docs/simulator.md`, each with its reason.
//!
//! `rig_differential` puts them to a true server again. An answer is read with
//! `zcat tests/differential/golden/objects.jsonl.gz | jq 'select(.story == "services")'`.
//! `DPB_DIFFERENTIAL=TEXT` plays only the stories whose name contains it.

mod accepted;
mod compare;
mod corpus;
#[allow(dead_code, reason = "answers are written by the rig")]
mod golden;
mod normal;
mod open;
mod play;
mod pointer;
mod simulator;

use std::fmt::Write as _;
use std::time::Duration;

use accepted::Accepted;
use open::Open;
use serde_json::Value;

/// Every story has its answers, one a step, to the request that stands in the file; and no answer is left over.
#[test]
fn every_request_has_the_answer_of_a_true_server() {
    let stories = corpus::stories("");
    assert!(stories.iter().map(|s| s.steps.len()).sum::<usize>() >= 400, "the issue asks for 400 requests");
    for story in &stories {
        let answers = golden::read(&story.topic).remove(&story.name).unwrap_or_default();
        let told: Vec<&str> = answers.iter().map(|a| a["request"].as_str().unwrap()).collect();
        let asked: Vec<&str> = story.steps.iter().map(|s| s.title.as_str()).collect();
        assert_eq!(told, asked, "{}/{}: renew the answers with the rig", story.topic, story.name);
        assert!(answers.iter().all(|a| a.get("error").is_none()), "{}: an error among the answers", story.name);
    }
    for topic in stories.iter().map(|s| s.topic.as_str()) {
        for name in golden::read(topic).keys() {
            assert!(stories.iter().any(|s| s.name == *name), "{topic}: answers to a story {name} that is gone");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulator_answers_as_a_true_server() {
    let filter = std::env::var("DPB_DIFFERENTIAL").unwrap_or_default();
    let accepted = Accepted::read();
    let open = Open::read();
    let client = simulator::client();
    let (mut requests, mut different, mut report) = (0, 0, String::new());
    for story in corpus::stories(&filter) {
        let truth = golden::read(&story.topic).remove(&story.name).unwrap_or_default();
        let answers = play::play(&story, &client, Duration::from_secs(3)).await;
        for (i, answer) in answers.iter().enumerate() {
            let truth = truth.get(i).unwrap_or(&Value::Null);
            let mut fields = compare::differences(truth, answer);
            fields.retain(|field| !accepted.accepts(&story.name, i + 1, field));
            requests += 1;
            if fields.is_empty() {
                continue;
            }
            if open.contains(&story.name, i + 1) {
                continue;
            }
            different += 1;
            let _ = writeln!(report, "{}/{} {} ({}.yaml)", story.name, i + 1, story.steps[i].title, story.topic);
            let _ = writeln!(report, "    fields: {}", fields.join(", "));
            report += &compare::shown(truth, answer);
        }
    }
    if std::env::var_os("DPB_DIFFERENTIAL_OPEN").is_some() {
        open.write();
        println!("{report}");
        return;
    }
    assert!(report.is_empty(), "{different} of {requests} answers differ:\n{report}");
    if filter.is_empty() {
        let idle: Vec<String> =
            accepted.idle().iter().map(|r| format!("{} {} ({})", r.request, r.field, r.reason)).collect();
        assert!(open.closed().is_empty(), "open.txt names answers that are right by now: {:?}", open.closed());
        assert!(idle.is_empty(), "docs/simulator.md accepts what does not differ any more:\n{}", idle.join("\n"));
    }
}
