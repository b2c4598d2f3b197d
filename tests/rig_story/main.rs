//! The life of two objectives on true controllers, as somebody at a terminal goes through it: one story, in order.
//! Run with `rig/test`; the rig holds too little data for any trigger (`options`).

/// Prints a line that the harness does not keep to itself.
macro_rules! timing {
    ($($line:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($line)*);
    }};
}

mod clock;
mod objects;
mod person;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use clock::{Watch, alone};
use objects::{Objects, assert_as_before};
use person::{LEDGER, Person};

const DATABASE: &str = "Cluster data-platform/hive-metastore-db";
/// Pods of the metastore itself, by name and container: neither its database nor its Job.
const METASTORE: [&str; 2] = ["^hive-metastore-", "^metastore$"];

/// A part of the story: each finds what the one before left.
type Step = fn(&Person);

#[test]
#[ignore = "needs the rig: rig/test"]
fn two_objectives_from_nothing_to_proved() {
    let Some(person) = Person::new() else {
        eprintln!("skipped: DPB_BIN, RIG_DIR and RIG_REPO name no rig; run rig/test");
        return;
    };
    let steps: [(&str, Step); 11] = [
        ("a review that is not ready, and a refused execute", not_ready),
        ("an override with a reason", overridden),
        ("a review only reads, and is quick", review_reads),
        ("a first execute that fails is taken back", first_fails),
        ("a retry adopts what was kept", retried),
        ("a changed setting that crashes is taken back", change_crashes),
        ("adopt", adopted),
        ("validation again, the last review, the stories of the runs", looked_back),
        ("Ctrl-C during the wait", interrupted),
        ("killed in the middle", killed),
        ("files only", files_only),
    ];
    for (name, step) in steps {
        eprintln!("\n== {name}");
        let began = Instant::now();
        step(&person);
        eprintln!("== {:.1} s: {name}", began.elapsed().as_secs_f64());
    }
}

fn not_ready(person: &Person) {
    person.dpb("init").exits(0).tells("Afterwards: dpb run review");
    person.commits("docs: begin the data platform");
    let (head, before) = (person.head(), Objects::of(person));

    let review = person.dpb("run review").exits(3);
    let review = review.shows("0 of 4 met").shows("1.1 S3 Storage Validation (pending)").shows("Blocked by 1 triggers");
    review.shows("Set the trigger that applies in goals.json").shows("Not ready. Afterwards: dpb run execute 1.1");
    let review = person.dpb("run review -o json").exits(3).json();
    assert_eq!((&review["ready"], &review["blockers"][0]["name"]), (&json!(false), &json!("triggers")), "{review:#}");
    assert_eq!(review["blockers"].as_array().unwrap().len(), 1, "{:#}", review["blockers"]);
    assert!(review["blockers"][0]["remedy"].is_string());

    let refused = person.dpb("run execute 1.1 --yes").exits(3);
    refused.tells("1.1 S3 Storage Validation cannot start").tells("nothing was written").tells("--override REASON");
    // Out of order.
    person.dpb("run execute 1.2 --yes").exits(3).tells("1.1 S3 Storage Validation").tells("nothing was written");
    assert_eq!(person.head(), head);
    assert_as_before(person, &before, &[]);
}

fn overridden(person: &Person) {
    let (head, reason) = (person.head(), "two terabytes of events arrive in winter");
    let said = person.dpb(&format!("run execute 1.1 --yes --override '{reason}'")).exits(0);
    said.tells("pushed to origin/main").shows("1.1 completed").shows("Next: dpb run review 1.2");
    person.head();
    let subjects = person.subjects(&head);
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(subjects[0].starts_with("feat(data-platform): ") && subjects[0].contains("(1.1)"), "{subjects:?}");
    assert_eq!(subjects[1], "docs(data-platform): 1.1 S3 Storage Validation completed");
    let record = person.git(&["show", "--name-only", "--format=", "HEAD"]);
    assert!(record.lines().all(|f| f.starts_with("docs/data-platform/bootstrap/")), "{record}");

    let objective = person.objective("1.1");
    assert_eq!(objective["status"], "completed");
    assert!(objective["completion_timestamp"].is_string());
    // Only triggers were in the way: the reason is theirs.
    assert_eq!(objective["dpb"]["override"], Value::Null);
    assert_eq!(objective["dpb"]["commit"].as_str(), Some(person.git(&["rev-parse", "HEAD~1"]).as_str()));
    let evidence = objective["dpb"]["evidence"].as_array().unwrap();
    assert!(evidence.len() > 10 && evidence.iter().all(|e| e["verdict"] == "pass"), "{evidence:#?}");
    let ledger = person.ledger();
    assert_eq!(ledger["trigger_conditions"]["evaluation_status"], "evaluated");
    assert!(ledger["trigger_conditions"]["evaluation_notes"].as_str().unwrap().contains(reason));
    let status = &ledger["current_status"];
    assert_eq!(
        (&status["last_completed_objective"], &status["next_pending_objective"]),
        (&json!("1.1"), &json!("1.2"))
    );
    let page = person.git(&["grep", "-l", reason, "--", "docs/data-platform/bootstrap/*.md"]);
    assert!(!page.is_empty(), "no page tells the reason");
    let phases = person.kubectl(&["-n", "data-platform", "get", "obc", "-o", "jsonpath={.items[*].status.phase}"]);
    assert_eq!(phases, "Bound Bound Bound");
}

/// What a review may send: reads, and questions about what one may do.
fn review_reads(person: &Person) {
    let head = person.head();
    let said = person.dpb("-vv run review").exits(0);
    let sent: Vec<(&str, &str)> = said.lines.iter().filter_map(|(_, line)| request(line)).collect();
    assert!(sent.len() > 30, "{} requests are logged: {}", sent.len(), said.err);
    let reads = |(method, url): &&(&str, &str)| {
        *method == "GET" || (*method == "POST" && url.contains("/authorization.k8s.io/"))
    };
    let writes: Vec<_> = sent.iter().filter(|s| !reads(s)).collect();
    assert!(writes.is_empty(), "a review sent {writes:#?}");
    assert_eq!(person.head(), head);

    let mut urls: Vec<String> = sent.iter().filter(|(m, _)| *m == "GET").map(|(_, url)| (*url).to_owned()).collect();
    urls.sort();
    urls.dedup();
    timing!("timing: {} requests of {} kinds", sent.len(), urls.len());
    // Another program may be in the way for a while: the rule has three rounds to be seen to hold.
    let holds = (0..3).any(|_| {
        let mut reviews: Vec<Duration> = (0..9).map(|_| person.dpb("run review").exits(0).took).collect();
        reviews.sort();
        let (least, median, most) = (reviews[0], reviews[4], reviews[8]);
        let requests = alone(&urls);
        let (slowest, url) = &requests[0];
        let rule = slowest.mul_f64(1.5) + Duration::from_millis(100);
        timing!(
            "timing: review {median:?} (median of 9, {least:?} to {most:?}); slowest request alone {slowest:?} {url}"
        );
        timing!("timing: rule 1.5 x slowest + 100 ms = {rule:?}: {}", if median < rule { "kept" } else { "broken" });
        median < rule
    });
    assert!(holds, "a review takes longer than 1.5 times its slowest request alone plus 100 ms");
}

/// The method, and path with query, of a line of `-vv`.
fn request(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace().skip_while(|w| *w != "TRACE").skip(1);
    let (method, url) = (words.next()?, words.next()?);
    url.starts_with('/').then_some((method, url))
}

fn first_fails(person: &Person) {
    let (head, ledger, before) = (person.head(), person.ledger(), Objects::of(person));
    person.fault("stage", &[&["crash-loop"], &METASTORE[..]].concat());
    let said = person.dpb("run execute 1.2 --yes -o json").exits(5);
    let report = said.json();
    let said = said.tells("container metastore exited 1").tells("CrashLoopBackOff").tells("last log lines");
    said.tells("MetaException").tells("Back-off restarting failed container").tells("unprotected objects gone");
    assert_eq!(report["outcome"], "rolled_back", "{report:#}");
    let rollback = &report["rollback"];
    assert_eq!((&rollback["gone"], &rollback["incomplete"]), (&rollback["to_go"], &Value::Null));
    let kept = kept(rollback);
    assert!(
        kept.contains(&DATABASE.to_owned()) && kept.iter().any(|k| k.starts_with("PersistentVolumeClaim ")),
        "{kept:?}"
    );
    for entry in rollback["kept"].as_array().unwrap() {
        // The command has to be one that works.
        let command = entry[1].as_str().unwrap().strip_prefix("kubectl ").unwrap();
        let words: Vec<&str> = command.split(' ').chain(["--dry-run=server"]).collect();
        person.kubectl(&words);
    }

    person.head();
    let subjects = person.subjects(&head);
    assert_eq!(subjects.len(), 3, "{subjects:?}");
    assert!(subjects[1].starts_with("revert(data-platform): 1.2"), "{subjects:?}");
    assert!(subjects[2].ends_with("1.2 Hive Metastore Deployment blocked"), "{subjects:?}");
    assert_eq!(person.changed(&head), [LEDGER], "tracked files differ from before");
    let objective = person.objective("1.2");
    assert_eq!(objective["status"], "blocked");
    assert!(objective["dpb"]["blocked"]["reason"].as_str().unwrap().contains("CrashLoopBackOff"), "{objective:#}");
    // Without the values of this objective, and what is derived from them, the ledger is as before.
    assert_eq!(without(person.ledger(), "1.2"), without(ledger, "1.2"));
    assert_as_before(person, &before, &kept);

    let refused = person.dpb("run execute --yes").exits(3);
    refused.tells("1.2 Hive Metastore Deployment is blocked").tells("dpb run execute 1.2");
}

/// What a rollback says that it kept.
fn kept(rollback: &Value) -> Vec<String> {
    rollback["kept"].as_array().unwrap().iter().map(|k| k[0].as_str().unwrap().to_owned()).collect()
}

/// A ledger without the values that a run of an objective writes.
fn without(mut ledger: Value, id: &str) -> Value {
    for key in ["current_status", "last_updated", "metadata"] {
        ledger.as_object_mut().unwrap().remove(key);
    }
    for phase in ledger["phases"].as_array_mut().unwrap() {
        phase.as_object_mut().unwrap().remove("status");
        for objective in phase["objectives"].as_array_mut().unwrap().iter_mut().filter(|o| o["id"] == id) {
            for key in ["status", "dpb", "completion_timestamp"] {
                objective.as_object_mut().unwrap().remove(key);
            }
        }
    }
    ledger
}

fn retried(person: &Person) {
    person.fault("heal", &[]);
    let before = Objects::of(person);
    // Something else than a trigger is in the way, and the operator knows better.
    person.fault("ceph", &["HEALTH_ERR"]);
    person.dpb("run execute 1.2 --yes").exits(3).tells("HEALTH_ERR").tells("--override REASON");
    let watch = Watch::new();
    let said = person.dpb("run execute 1.2 --yes --override 'the broken disk is out already'").exits(0);
    person.fault("ceph", &["HEALTH_OK"]);
    // Flux takes foreign annotations away, sooner or later: not while something is compared.
    person.kubectl(&[
        "-n",
        "storage",
        "annotate",
        "cephcluster",
        "storage",
        "sim.dpb/health-",
        "sim.dpb/health-message-",
    ]);
    assert_eq!(person.objective("1.2")["dpb"]["override"]["reason"], "the broken disk is out already");
    let flux = watch.ready_at(&["cluster-apps", "hive-metastore"], &person.git(&["rev-parse", "HEAD~1"]));
    let pushed = said.when("✓ commit");
    let (own, all) = (flux - pushed, said.took);
    timing!("timing: execute {all:?}, of which Flux from the push to its last Kustomization {own:?}");
    let marks = [
        ("gate", " gate  "),
        ("push", "✓ commit"),
        ("wait", "✓ workloads"),
        ("validation", "✓ validate"),
        ("record", "✓ record"),
    ];
    let at: Vec<String> = marks
        .iter()
        .map(|(name, mark)| format!("{name} at {:.2} s", (said.when(mark) - said.began).as_secs_f64()))
        .collect();
    timing!("timing: {}", at.join(", "));
    let noticed = said.when("✓ workloads").saturating_duration_since(flux);
    let added = (all.as_secs_f64() / own.as_secs_f64() - 1.0) * 100.0;
    timing!(
        "timing: the wait ends {noticed:?} after Flux; the execute adds {added:.0} % to Flux's time (rule: at most 10 %)"
    );
    assert!(added <= 10.0, "an execute adds {added:.1} % to the time that Flux itself takes");

    let objective = person.objective("1.2");
    assert_eq!(
        (&objective["status"], &objective["dpb"]["blocked"]),
        (&json!("completed"), &Value::Null),
        "{objective:#}"
    );
    person.head();
    let now = Objects::of(person);
    assert_eq!(now.uid(DATABASE), before.uid(DATABASE), "the database was made anew");
    let claims = now.named("PersistentVolumeClaim data-platform/hive-metastore-db");
    assert!(!claims.is_empty());
    for claim in claims {
        assert_eq!(now.uid(claim), before.uid(claim), "the volume was made anew");
    }
    said.shows("schema version").shows("1.2 Hive Metastore Deployment is completed.");
}

fn change_crashes(person: &Person) {
    person.edits("dpb.yaml", "memory_limit: 4Gi", "memory_limit: 5Gi");
    person.commits("feat: more memory for the metastore");
    let (head, ledger, before) = (person.head(), person.ledger(), Objects::of(person));
    person.fault("stage", &[&["crash-loop"], &METASTORE[..]].concat());
    let said = person.dpb("run execute 1.2 --yes -o json").exits(5);
    let report = said.json();
    said.tells("CrashLoopBackOff").tells("last log lines").tells("stays completed");
    assert_eq!((&report["outcome"], &report["objective"]["status"]), (&json!("rolled_back"), &json!("completed")));
    person.head();
    assert_eq!(person.subjects(&head).len(), 2, "{:?}", person.subjects(&head));
    assert_eq!(person.changed(&head), [""; 0], "tracked files differ from before");
    assert_eq!(person.ledger(), ledger);
    let now = assert_as_before(person, &before, &kept(&report["rollback"]));
    assert_eq!(
        now.uid("Deployment data-platform/hive-metastore"),
        before.uid("Deployment data-platform/hive-metastore")
    );
    person.fault("heal", &[]);
}

fn adopted(person: &Person) {
    person.dpb("goals set 1.2 pending").exits(0);
    assert_eq!(person.objective("1.2")["status"], "pending");
    person.commits("docs: look at the metastore again");
    let (head, before) = (person.head(), Objects::of(person));
    person.dpb("run adopt 1.2").exits(0).shows("1.2 completed");
    person.head();
    assert_eq!(person.subjects(&head), ["docs(data-platform): 1.2 Hive Metastore Deployment completed"]);
    assert!(person.changed(&head).iter().all(|f| f.starts_with("docs/")), "{:?}", person.changed(&head));
    let objective = person.objective("1.2");
    assert_eq!((&objective["status"], &objective["dpb"]["adopted"]), (&json!("completed"), &json!(true)));
    assert!(!objective["dpb"]["evidence"].as_array().unwrap().is_empty());
    assert_as_before(person, &before, &[]);
    person.dpb("run adopt 1.2").exits(3).tells("completed already");
}

fn looked_back(person: &Person) {
    let before = Objects::of(person);
    let all = person.dpb("run validate --completed -o json").exits(0).json();
    let ids: Vec<&Value> = all.as_array().unwrap().iter().map(|v| &v["objective"]["id"]).collect();
    assert_eq!(ids, ["1.1", "1.2"]);
    assert!(all.as_array().unwrap().iter().all(|v| v["proved"] == true), "{all:#}");
    assert_as_before(person, &before, &[]);

    let review =
        person.dpb("run review").exits(3).shows("2 of 16 objectives, 13 %").shows("objective 1.3 has no script");
    review.shows("Not ready.");
    person.dpb("run execute --yes").exits(3).tells("objective 1.3 has no script").tells("nothing was written");
    person.dpb("run review -o markdown").exits(3).shows("1.3");

    let runs = person.dpb("run list -o json").exits(0).json();
    let runs: Vec<(&str, &str)> = runs
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["objective"].as_str().unwrap(), r["outcome"].as_str().unwrap()))
        .collect();
    let newest_first = [
        ("1.2", "adopted"),
        ("1.2", "rolled_back"),
        ("1.2", "completed"),
        ("1.2", "rolled_back"),
        ("1.1", "completed"),
    ];
    assert_eq!(runs, newest_first);
    person.dpb("run list").exits(0).shows("rolled_back");
    person.dpb("run log").exits(0).shows("adopted").shows("commit-record");
}

fn interrupted(person: &Person) {
    let (head, before) = (person.head(), Objects::of(person));
    person.fault("stage", &["never-ready", "^hive-metastore-[0-9a-f]{6,}-"]);
    // The memory of before is set already; only this run would deliver it.
    let running = person.start("run execute 1.2 --yes");
    running.until("… workloads");
    running.signal("INT");
    let said = running.end().exits(130);
    said.tells("interrupted").tells("reverted").tells("stays completed");
    person.head();
    assert_eq!(person.changed(&head), [""; 0]);
    assert_as_before(person, &before, &[]);
    person.fault("heal", &[]);

    person.dpb("run execute 1.2 --yes").exits(0).shows("1.2 Hive Metastore Deployment is completed.");
    let limit = "jsonpath={.spec.template.spec.containers[0].resources.limits.memory}";
    assert_eq!(person.kubectl(&["-n", "data-platform", "get", "deploy", "hive-metastore", "-o", limit]), "5Gi");
}

fn killed(person: &Person) {
    person.edits("dpb.yaml", "memory_limit: 5Gi", "memory_limit: 6Gi");
    person.commits("feat: yet more memory for the metastore");
    let head = person.head();
    let running = person.start("run execute 1.2 --yes");
    running.until("✓ commit");
    running.signal("KILL");
    assert_eq!(running.end().code, None);
    let commit = person.git(&["rev-parse", "--short=7", "HEAD"]);
    person.dpb("run list").exits(0).shows("cut off");
    for command in ["run execute 1.2 --yes", "run adopt 1.2 --override ''"] {
        let told = person.dpb(command);
        assert_eq!(told.code, Some(3), "{}", told.err);
        if command.contains("execute") {
            let told = told.tells("was cut off after").tells(&format!("it pushed {commit}"));
            told.tells(&format!("seen now: origin/main holds {commit}")).tells("dpb run log").tells("--override");
        }
    }
    assert_eq!(person.subjects(&head).len(), 1);
    person.dpb("run execute 1.2 --yes --override 'the machine went down, nothing else'").exits(0);
    person.head();
    let limit = "jsonpath={.spec.template.spec.containers[0].resources.limits.memory}";
    assert_eq!(person.kubectl(&["-n", "data-platform", "get", "deploy", "hive-metastore", "-o", limit]), "6Gi");
    assert_eq!(person.objective("1.2")["status"], "completed");
    person.dpb("run list").exits(0).shows("left_as_found");
}

fn files_only(person: &Person) {
    person.edits("dpb.yaml", "memory_limit: 6Gi", "memory_limit: 7Gi");
    person.commits("feat: still more memory for the metastore");
    let (head, ledger, before) = (person.head(), person.ledger(), Objects::of(person));
    let said = person.dpb("run execute 1.2 --yes --delivery files").exits(0);
    said.shows("not delivered");
    assert_eq!(person.changed(&head), ["kubernetes/apps/data-platform/hive-metastore/app/deployment.yaml"]);
    assert_eq!(person.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(person.ledger(), ledger);
    assert_as_before(person, &before, &[]);
    // What is not committed is somebody's work now: it stands in the way.
    let refused = person.dpb("run execute 1.2 --yes").exits(1);
    refused.tells("deployment.yaml").tells("nothing was written");
    person.git(&["checkout", "-q", "--", "."]);
    person.head();
}
