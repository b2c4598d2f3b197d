//! The stories of `tests/differential` on a true API server: its answers are those written down, or are written down.
//!
//! Run with `RIG_TARGETS=rig_differential rig/test`. With `DPB_DIFFERENTIAL_GOLDEN=1` the answers are written anew;
//! `DPB_DIFFERENTIAL=TEXT` plays only the stories whose name contains it.

#![allow(clippy::format_push_string, reason = "a report, once a run")]

#[path = "../differential/compare.rs"]
mod compare;
#[path = "../differential/corpus.rs"]
mod corpus;
#[path = "../differential/golden.rs"]
mod golden;
#[path = "../differential/normal.rs"]
mod normal;
#[path = "../differential/play.rs"]
mod play;
#[path = "../differential/pointer.rs"]
mod pointer;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn the_true_server_answers_as_written_down() {
    let mut config = kube::Config::infer().await.expect("KUBECONFIG names the rig");
    config.default_retry = false; // a 503 is an answer
    let client = kube::Client::try_from(config).unwrap();
    let filter = std::env::var("DPB_DIFFERENTIAL").unwrap_or_default();
    let renew = std::env::var_os("DPB_DIFFERENTIAL_GOLDEN").is_some();
    let mut fresh: BTreeMap<String, Vec<(String, Vec<Value>)>> = BTreeMap::new();
    let (mut requests, mut report) = (0, String::new());
    for story in corpus::stories(&filter) {
        let answers = play::play(&story, &client, Duration::from_secs(20)).await;
        requests += answers.len();
        if !renew {
            let written = golden::read(&story.topic).remove(&story.name).unwrap_or_default();
            for (i, answer) in answers.iter().enumerate() {
                let truth = written.get(i).unwrap_or(&Value::Null);
                if !compare::differences(truth, answer).is_empty() {
                    report += &format!(
                        "{}/{} {}\n{}",
                        story.name,
                        i + 1,
                        story.steps[i].title,
                        compare::shown(truth, answer)
                    );
                }
            }
        }
        fresh.entry(story.topic).or_default().push((story.name, answers));
    }
    println!("{requests} requests");
    if renew {
        for (topic, stories) in fresh {
            let mut old = golden::read(&topic);
            let all = corpus::stories("").into_iter().filter(|s| s.topic == topic);
            let mut stories: BTreeMap<String, Vec<Value>> = stories.into_iter().collect();
            let answers = all.filter_map(|s| stories.remove(&s.name).or_else(|| old.remove(&s.name)));
            golden::write(&topic, &answers.flatten().collect::<Vec<Value>>());
        }
    }
    assert!(report.is_empty(), "the true server answers otherwise than written down (first, fresh below):\n{report}");
}
