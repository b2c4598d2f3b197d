use super::*;
use crate::sim::world::stage::Stage;

fn job(spec: &Value) -> Value {
    let mut object = json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "init", "namespace": "a", "uid": "u-init"},
        "spec": {"parallelism": 1, "completions": 1, "backoffLimit": 2, "selector": {"matchLabels": {"job": "init"}},
            "template": {"metadata": {"labels": {"job": "init"}}, "spec": {"restartPolicy": "Never", "containers": [{"name": "c"}]}}}});
    json_patch::merge(&mut object["spec"], spec);
    object
}

fn end_pods(stage: &mut Stage, how: &str) {
    let at = crate::sim::clock::stamp(stage.now());
    for mut pod in stage.all("Pod") {
        if active(&pod) {
            pod["status"] = json!({"phase": how, "containerStatuses": [{"state": {"terminated": {"finishedAt": at}}}]});
            stage.put(pod);
        }
    }
}

fn status(stage: &Stage) -> Value {
    stage.get(KIND, "a", "init")["status"].clone()
}

fn conditions(stage: &Stage) -> Vec<String> {
    let status = status(stage);
    list(&status, "/conditions")
        .iter()
        .map(|c| format!("{}={} {}", text(c, "/type"), text(c, "/status"), text(c, "/reason")))
        .collect()
}

#[test]
fn a_job_completes_in_the_true_steps() {
    let mut stage = Stage::new([job(&json!({}))]);
    stage.run(&mut Jobs, "a/init");
    assert_eq!(status(&stage)["active"], 1);
    assert!(has_finalizer(&stage.all("Pod")[0]));
    end_pods(&mut stage, "Succeeded");
    stage.run(&mut Jobs, "a/init");
    assert_eq!(list(&status(&stage), "/uncountedTerminatedPods/succeeded").len(), 1);
    assert_eq!(conditions(&stage), ["SuccessCriteriaMet=True CompletionsReached"]);
    stage.run(&mut Jobs, "a/init");
    assert_eq!(conditions(&stage), ["SuccessCriteriaMet=True CompletionsReached", "Complete=True CompletionsReached"]);
    let status = status(&stage);
    assert_eq!((&status["succeeded"], &status["ready"], &status["terminating"]), (&json!(1), &json!(0), &json!(0)));
    assert_eq!(status["uncountedTerminatedPods"], json!({}));
    assert!(status["completionTime"].is_string());
    assert_eq!(stage.events().last().unwrap(), "Normal Completed Job completed");
}

#[test]
fn failures_are_tried_again_later_and_later_until_the_limit() {
    let mut stage = Stage::new([job(&json!({}))]);
    for (failures, wait) in [(1, 10), (2, 20)] {
        stage.run(&mut Jobs, "a/init");
        end_pods(&mut stage, "Failed");
        stage.run(&mut Jobs, "a/init");
        let wake = stage.run(&mut Jobs, "a/init");
        assert_eq!(status(&stage)["failed"], failures);
        assert_eq!(wake, Some(seconds_later(stage.now(), wait)));
        stage.pass(wait);
    }
    stage.run(&mut Jobs, "a/init");
    end_pods(&mut stage, "Failed");
    stage.run(&mut Jobs, "a/init");
    stage.run(&mut Jobs, "a/init");
    assert_eq!(conditions(&stage), ["FailureTarget=True BackoffLimitExceeded", "Failed=True BackoffLimitExceeded"]);
    assert_eq!(
        stage.events().last().unwrap(),
        "Warning BackoffLimitExceeded Job has reached the specified backoff limit"
    );
    assert_eq!(status(&stage)["failed"], 3);
}

#[test]
fn a_deadline_ends_it_and_takes_its_pods() {
    let mut stage = Stage::new([job(&json!({"activeDeadlineSeconds": 30}))]);
    let wake = stage.run(&mut Jobs, "a/init");
    assert_eq!(wake, Some(seconds_later(stage.now(), 30)));
    stage.pass(30);
    stage.run(&mut Jobs, "a/init");
    stage.run(&mut Jobs, "a/init");
    stage.run(&mut Jobs, "a/init");
    assert_eq!(conditions(&stage), ["FailureTarget=True DeadlineExceeded", "Failed=True DeadlineExceeded"]);
}

#[test]
fn suspended_and_resumed() {
    let mut stage = Stage::new([job(&json!({"suspend": true}))]);
    stage.run(&mut Jobs, "a/init");
    assert_eq!(stage.all("Pod").len(), 0);
    assert_eq!(conditions(&stage), ["Suspended=True JobSuspended"]);
    assert_eq!(status(&stage).get("startTime"), None);
    stage.edit(KIND, "a", "init", |job| job["spec"]["suspend"] = json!(false));
    stage.run(&mut Jobs, "a/init");
    assert_eq!(stage.all("Pod").len(), 1);
    assert_eq!(conditions(&stage), ["Suspended=False JobResumed"]);
}

#[test]
fn completions_indexes_and_parallelism() {
    let mut stage = Stage::new([job(&json!({"completions": 3, "parallelism": 2, "completionMode": "Indexed"}))]);
    stage.run(&mut Jobs, "a/init");
    let indexes: Vec<Option<i64>> = stage.all("Pod").iter().map(index_of).collect();
    assert!(indexes.contains(&Some(0)) && indexes.contains(&Some(1)));
    for _ in 0..2 {
        end_pods(&mut stage, "Succeeded");
        stage.run(&mut Jobs, "a/init");
        stage.run(&mut Jobs, "a/init");
    }
    assert_eq!(status(&stage)["completedIndexes"], "0-2");
    assert!(holds(&stage.get(KIND, "a", "init"), "Complete"));
    assert_eq!((ranges(&[0, 1, 3, 5, 6, 7]), parse_ranges("0,1,5-7")), ("0,1,3,5-7".to_owned(), vec![0, 1, 5, 6, 7]));
}

#[test]
fn what_is_not_played_is_refused_in_words() {
    let mut stage = Stage::new([job(&json!({"podFailurePolicy": {"rules": []}}))]);
    stage.run(&mut Jobs, "a/init");
    assert_eq!(stage.events(), ["Warning NotSimulated spec.podFailurePolicy is not known to the simulator"]);
    assert!(holds(&stage.get(KIND, "a", "init"), "Failed"));
    assert_eq!(stage.all("Pod").len(), 0);
}

#[test]
fn a_finished_job_goes_when_its_time_is_over() {
    let mut stage = Stage::new([job(&json!({"ttlSecondsAfterFinished": 60}))]);
    stage.run(&mut Jobs, "a/init");
    end_pods(&mut stage, "Succeeded");
    stage.run(&mut Jobs, "a/init");
    stage.run(&mut Jobs, "a/init");
    assert_eq!(stage.run(&mut Jobs, "a/init"), Some(seconds_later(stage.now(), 60)));
    stage.pass(60);
    stage.run(&mut Jobs, "a/init");
    assert!(stage.all(KIND).is_empty());
}
