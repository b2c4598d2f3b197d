//! Reviews, validations, libraries of checks and expressions, on a small cluster in the process.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::stage::{Stage, world};
use crate::world::World;
use dpb::cancel::Cancel;
use dpb::check::Verdict;
use dpb::error::Code;
use dpb::script::api::{self, REGISTRY, docs_markdown};
use dpb::script::profile::Profile;

const SCRIPT: &str = "phases/9-try/9.1-try.rhai";

fn stage(script: &str, world: World) -> Stage {
    Stage::new(&[(SCRIPT, script)], world)
}

fn lines(checks: &[dpb::check::Check]) -> Vec<String> {
    checks.iter().map(|c| format!("{:?} {}: {}", c.verdict, c.name, c.seen)).collect()
}

#[test]
fn a_review_offers_only_what_reads() {
    assert_eq!(
        REGISTRY.offered(Profile::Review),
        [
            "cluster::get",
            "cluster::find",
            "cluster::exists",
            "cluster::list",
            "cluster::list_if_served",
            "cluster::condition",
            "cluster::health",
            "cluster::is_ready",
            "cluster::events",
            "cluster::logs",
            "cluster::why",
            "cluster::can_i",
            "cluster::version",
            "check::pass",
            "check::warn",
            "check::fail",
            "check::skip",
            "check::unknown",
            "check::that",
            "check::equal",
            "check::within",
            "check::ready",
            "check::completed",
            "capacity::nodes",
            "capacity::room",
            "capacity::usage",
            "capacity::fits",
            "flux::status",
            "flux::sources",
            "flux::kustomizations",
            "flux::roots",
            "prom::query",
            "manifest::render",
            "manifest::parse",
            "manifest::merge",
            "manifest::yaml",
            "manifest::quantity",
            "manifest::milli",
            "manifest::bytes",
            "manifest::claim",
            "manifest::cores",
            "goals::get",
            "goals::next",
            "goals::list",
            "goals::note",
            "goals::triggers",
            "data::dig",
            "log::detail",
            "log::info",
            "log::warn",
            "run::objective",
            "run::phase",
            "run::settings",
            "run::profile",
            "why",
        ]
    );
}

#[test]
fn a_review_reports_checks_notes_and_reads() {
    let t = stage(
        "fn review(o) {
            check::ready(\"metastore\", cluster::find(\"deploy\", \"hive-metastore\"));
            check::ready(\"store\", cluster::find(\"deploy\", \"storage/absent\"), #{ remedy: \"make it\", command: \"kubectl create\" });
            check::that(\"pods\", cluster::list(\"pod\").len() == 3, || `${cluster::list(\"pod\").len()} of 3` + \"\\nsecond line\");
            check::equal(\"kinds\", 1, 1.0);
            check::equal(\"texts\", \"1\", 1);
            check::within(\"slow\", 3.0, \"2s\");
            check::completed(\"1.2\");
            goals::note(\"noted \" + o.settings.namespace);
        }",
        world(),
    );
    let outcome = api::review(&t.host, "9.1").unwrap();
    assert_eq!(
        lines(&outcome.checks),
        [
            "Pass metastore: Deployment data-platform/hive-metastore ready",
            "Fail store: Deployment storage/absent does not exist",
            "Fail pods: 1 of 3",
            "Pass kinds: 1",
            "Fail texts: \"1\", expected 1",
            "Fail slow: 3.0 s of 2.0 s",
            "Fail 1.2 Hive Metastore Deployment: pending, not completed",
        ]
    );
    assert_eq!(outcome.checks[2].details, ["second line"]);
    assert_eq!(outcome.checks[1].remedy.as_deref(), Some("make it"));
    assert_eq!(outcome.checks[6].command.as_deref(), Some("dpb run execute 1.2"));
    assert_eq!(outcome.notes, ["noted data-platform"]);
    assert_eq!(
        outcome.reads,
        [
            "get Deployment data-platform/hive-metastore",
            "get Deployment storage/absent",
            "list pod in namespace data-platform"
        ]
    );
}

#[test]
fn what_a_review_cannot_look_at_is_unknown_and_no_error() {
    let refused =
        World { refused: vec![("/secrets", 403, "Forbidden"), ("/services", 500, "InternalError")], ..world() };
    let t = stage(
        "fn review(o) {
            check::that(\"lazy\", || cluster::exists(\"secret\", \"x\"), \"absent\", #{ optional: true });
            check::ready(\"absent kind\", || cluster::find(\"Nope.example.org\", \"x\"));
            check::pass(\"still here\", \"yes\");
            check::ready(\"cut short\", cluster::find(\"secret\", \"x\"));
            check::pass(\"never\", \"reached\");
        }",
        refused,
    );
    let outcome = api::review(&t.host, "9.1").unwrap();
    let seen: Vec<_> = outcome.checks.iter().map(|c| (c.name.as_str(), c.verdict)).collect();
    assert_eq!(
        seen,
        [
            ("lazy", Verdict::Unknown),
            ("absent kind", Verdict::Unknown),
            ("still here", Verdict::Pass),
            ("cut short", Verdict::Unknown)
        ]
    );
    assert!(outcome.checks[0].optional && !outcome.checks[0].blocks());
    assert!(outcome.checks[3].remedy.is_some());
}

#[test]
fn an_error_of_the_script_itself_is_an_error() {
    let t = stage("fn review(o) {\n    check::pass(\"a\", \"b\");\n    throw \"broken\";\n}", world());
    let error = api::review(&t.host, "9.1").unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Script, "broken"));
    assert_eq!(error.places()[0].line, 3);
    assert_eq!(
        api::execute(&t.host, "9.1").unwrap_err().message(),
        format!("scripts/{SCRIPT} has no function execute(o)")
    );
    assert_eq!(api::review(&t.host, "7.7").unwrap_err().code(), Code::NotReady);
}

#[test]
fn a_probe_that_fails_is_a_failed_check_of_the_validation() {
    let t = stage(
        "fn validate(o) {\n    check::pass(\"a\", \"b\");\n    check::equal(\"pod\", cluster::get(\"pod\", \"gone\").kind, \"Pod\");\n}",
        world(),
    );
    let outcome = api::validate(&t.host, "9.1").unwrap();
    assert_eq!(lines(&outcome.checks), ["Pass a: b", "Fail pod: Pod data-platform/gone does not exist"]);
    assert_eq!(outcome.checks[1].details, [format!("at scripts/{SCRIPT}:3:34")]);
    assert!(!outcome.passed());
}

#[test]
fn a_native_call_that_waits_ends_at_the_deadline() {
    let t = stage(
        "fn validate(o) {\n    cluster::list(\"pod\")\n}\nfn execute(o) {\n    try { cluster::list(\"pod\") } catch { loop { } }\n}",
        World { silent: vec!["/api/v1/namespaces/data-platform/pods"], ..world() },
    );
    let start = Instant::now();
    let host = t.host.clone().with_cancel(Cancel::new().within(Duration::from_millis(200)));
    let outcome = api::validate(&host, "9.1").unwrap();
    assert_eq!(lines(&outcome.checks), ["Fail validate: the time given for this is over"]);
    let cancel = Cancel::new();
    let host = t.host.clone().with_cancel(cancel.clone());
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        cancel.interrupt();
    });
    assert_eq!(api::execute(&host, "9.1").unwrap_err().code(), Code::Interrupted);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[test]
fn checks_of_a_library_run_side_by_side_in_order() {
    let files = [(
        "lib/mine.rhai",
        "fn zeta(o) { check::ready(\"zeta\", cluster::find(\"deploy\", \"hive-metastore\")); }
fn alpha(o) { let s = cluster::list(\"secret\"); check::pass(\"alpha\", \"\"); }
fn broken(o) { throw \"no\"; }
private fn helper(o) { }",
    )];
    let t = Stage::new(&files, World { refused: vec![("/secrets", 403, "Forbidden")], ..world() });
    let functions = api::check_functions(&t.host, "lib/mine").unwrap();
    assert_eq!(functions, ["zeta", "alpha", "broken"]);
    let results = api::run_checks(&t.host, "lib/mine", &functions, None).unwrap();
    assert_eq!(lines(results[0].1.as_ref().unwrap()), ["Pass zeta: Deployment data-platform/hive-metastore ready"]);
    assert_eq!(results[1].1.as_ref().unwrap()[0].verdict, Verdict::Unknown);
    assert_eq!(results[2].1.as_ref().unwrap_err().places()[0].file, "scripts/lib/mine.rhai");
}

#[test]
fn an_expression_gives_plain_data() {
    let t = stage("", world());
    assert_eq!(api::eval(&t.host, "let x = 6; #{ a: x * 7, b: [\"c\"] }").unwrap(), json!({"a": 42, "b": ["c"]}));
    let error = api::eval(&t.host, "cluster::gte(\"pod\", \"x\")").unwrap_err();
    assert_eq!(error.message(), "no function `cluster::gte` with 2 arguments");
    assert_eq!(error.places()[0].label.as_deref(), Some("did you mean `get`?"));
    assert_eq!(api::eval(&t.host, "check::pass(\"a\", \"b\")").unwrap_err().code(), Code::Script);
}

#[test]
fn shipped_scripts_pass_the_check() {
    let library = dpb::script::library::Library::shipped();
    let mut wrong = Vec::new();
    for folder in ["phases", "lib"] {
        for path in
            library.files(folder).unwrap().keys().filter(|p| p.rsplit_once('.').is_some_and(|(_, e)| e == "rhai"))
        {
            for error in api::check(&library, path) {
                let place = error.places().first().map(|p| format!("{}:{}:{}", p.file, p.line, p.column));
                wrong.push(format!(
                    "{}: {error} {:?}",
                    place.unwrap_or_default(),
                    error.places().first().and_then(|p| p.label.clone())
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reference_is_fresh() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/script-api.md");
    let fresh = docs_markdown();
    if std::env::var_os("DPB_WRITE_DOCS").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == fresh, "docs/script-api.md is stale: run the tests once with DPB_WRITE_DOCS=1");
}
