use super::*;
use crate::sim::world::stage::Stage;

fn cron(spec: &Value) -> Value {
    let mut object = json!({"apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": {"name": "tidy", "namespace": "a", "uid": "u-tidy"},
        "spec": {"schedule": "*/5 * * * *", "concurrencyPolicy": "Allow", "successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 1,
            "jobTemplate": {"metadata": {"labels": {"app": "tidy"}}, "spec": {"template": {}}}}});
    json_patch::merge(&mut object["spec"], spec);
    object
}

fn finish(stage: &mut Stage, how: &str) {
    let at = stamp(stage.now());
    for mut job in stage.all("Job.batch") {
        if finished(&job).is_none() {
            job["status"] =
                json!({"conditions": [{"type": how, "status": "True"}], "completionTime": at, "startTime": at});
            stage.put(job);
        }
    }
}

#[test]
fn a_job_at_each_time_and_only_the_last_is_kept() {
    let mut stage = Stage::new([cron(&json!({}))]);
    stage.run(&mut CronJobs, "a/tidy");
    assert_eq!(stage.all("Job.batch").len(), 0);
    stage.pass(300);
    stage.run(&mut CronJobs, "a/tidy");
    let minutes = stage.now().as_second() / 60;
    assert_eq!(stage.names("Job.batch"), [format!("tidy-{minutes}")]);
    let object = stage.get(KIND, "a", "tidy");
    assert_eq!(object["status"]["lastScheduleTime"], json!(stamp(stage.now())));
    assert_eq!(list(&object, "/status/active").len(), 1);
    let job = &stage.all("Job.batch")[0];
    let key = "batch.kubernetes.io/cronjob-scheduled-timestamp";
    assert_eq!(crate::sim::world::read::annotation(job, key), Some("2026-11-24T10:05:00Z"));
    finish(&mut stage, "Complete");
    stage.run(&mut CronJobs, "a/tidy");
    assert_eq!(stage.get(KIND, "a", "tidy")["status"].get("active"), None);
    assert!(
        stage
            .events()
            .iter()
            .any(|e| e == &format!("Normal SawCompletedJob Saw completed job: tidy-{minutes}, condition: Complete"))
    );
    stage.pass(300);
    stage.run(&mut CronJobs, "a/tidy");
    finish(&mut stage, "Complete");
    stage.run(&mut CronJobs, "a/tidy");
    assert_eq!(stage.names("Job.batch"), [format!("tidy-{}", minutes + 5)]);
}

#[test]
fn concurrency_and_suspension() {
    for (policy, names) in [("Allow", 2), ("Forbid", 1), ("Replace", 1)] {
        let mut stage = Stage::new([cron(&json!({"concurrencyPolicy": policy}))]);
        for _ in 0..2 {
            stage.pass(300);
            stage.run(&mut CronJobs, "a/tidy");
        }
        assert_eq!(stage.names("Job.batch").len(), names, "{policy}");
    }
    let mut stage = Stage::new([cron(&json!({"suspend": true}))]);
    stage.pass(600);
    stage.run(&mut CronJobs, "a/tidy");
    assert_eq!(stage.names("Job.batch").len(), 0);
}

#[test]
fn schedules_in_zones_and_words() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    for (text, zone, from, wanted) in [
        ("0 3 * * *", "Europe/Berlin", "2026-07-01T12:00:00Z", "2026-07-02T01:00:00Z"),
        ("@hourly", "UTC", "2026-07-01T12:10:00Z", "2026-07-01T13:00:00Z"),
        ("@every 90m", "UTC", "2026-07-01T12:00:00Z", "2026-07-01T13:30:00Z"),
        ("0 0 13 * 5", "UTC", "2026-07-11T12:00:00Z", "2026-07-13T00:00:00Z"),
    ] {
        let schedule = Schedule::parse(text, TimeZone::get(zone).unwrap()).unwrap();
        assert_eq!(schedule.after(at(from)), Some(at(wanted)), "{text}");
    }
    assert!(Schedule::parse("61 * * * *", TimeZone::UTC).is_err());
    let mut stage = Stage::new([cron(&json!({"timeZone": "Mars/Base"}))]);
    stage.run(&mut CronJobs, "a/tidy");
    assert!(stage.events()[0].starts_with("Warning UnknownTimeZone"));
}
