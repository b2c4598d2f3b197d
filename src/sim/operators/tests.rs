//! The shipped scripts and the examples compile; the loop on a small API server.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::fake_api::FakeApi;
use super::functions::REGISTRY;
use super::player::load;
use super::run::is_operator;
use super::{Event, Options, run};
use crate::cancel::Cancel;
use crate::error::{Code, Error, Result};
use crate::script::library::Library;

/// A library whose only simulated operator, beside the shipped ones, is `sim/try.rhai`.
fn library(script: &str) -> (tempfile::TempDir, Library) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("scripts/sim")).unwrap();
    std::fs::write(dir.path().join("scripts/sim/try.rhai"), script).unwrap();
    let library = Library::of_repository(dir.path());
    (dir, library)
}

fn told(error: &Error) -> String {
    let places: Vec<String> = error.places().iter().map(|p| format!("{}:{}:{}", p.file, p.line, p.column)).collect();
    format!("{error} at {places:?}")
}

#[test]
fn every_shipped_script_compiles_and_calls_only_what_exists() {
    let library = Library::shipped();
    let scripts: Vec<String> = library.files("sim").unwrap().into_keys().filter(|path| is_operator(path)).collect();
    assert!(scripts.len() >= 4, "{scripts:?}");
    for path in scripts {
        if let Err(error) = load(&library, &path) {
            panic!("{}", told(&error));
        }
    }
}

#[test]
fn every_example_compiles_and_calls_only_what_exists() {
    for (_, function) in REGISTRY.functions() {
        let example = function.example.script;
        assert!(example.contains(function.name), "{example}");
        let (_dir, library) = library(&format!("fn kinds() {{ [] }}\nfn reconcile(obj, world) {{ {example} }}"));
        if let Err(error) = load(&library, "sim/try.rhai") {
            panic!("{example}: {}", told(&error));
        }
    }
}

#[test]
fn a_script_without_its_functions_is_refused() {
    for (script, part) in [
        ("fn reconcile(obj, world) { #{} }", "has no `fn kinds()`"),
        ("fn kinds() { [] }", "has no `fn reconcile(obj, world)`"),
        ("fn kinds() { [] } fn reconcile(obj, world) { world.onw(#{}) }", "onw"),
        ("fn kinds() { [] ", "syntax error"),
    ] {
        let (_dir, library) = library(script);
        let error = load(&library, "sim/try.rhai").err().unwrap();
        assert_eq!(error.code(), Code::Script);
        assert!(error.message().contains(part), "{error}");
    }
}

/// Operators at work on a small API server.
struct Play {
    api: FakeApi,
    events: Arc<Mutex<Vec<Event>>>,
    cancel: Cancel,
    task: tokio::task::JoinHandle<Result<()>>,
    _dir: tempfile::TempDir,
}

const THING: &str = "/apis/example.org/v1/namespaces/a/things/one";
const LATE: &str = "/apis/example.org/v1/namespaces/a/lates/one";
const SECRET: &str = "/api/v1/namespaces/a/secrets/one-keys";

fn object(kind: &str, spec: &Value) -> Value {
    json!({"apiVersion": "example.org/v1", "kind": kind, "metadata": {"name": "one", "namespace": "a"}, "spec": spec})
}

impl Play {
    fn start(script: &str, hidden: &[&'static str]) -> Self {
        let (dir, library) = library(script);
        let (api, cancel) = (FakeApi::new(hidden), Cancel::new());
        let events = Arc::new(Mutex::new(Vec::new()));
        let (cluster, stop, log) = (api.cluster(), cancel.clone(), Arc::clone(&events));
        let task = tokio::spawn(async move {
            let options = Options { only: vec!["try".into()], ..Options::default() };
            run(&cluster, &library, options, &stop, move |event| log.lock().unwrap().push(event)).await
        });
        Self { api, events, cancel, task, _dir: dir }
    }

    async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !done(self) {
            assert!(Instant::now() < end, "{what} did not come; {:?}", self.events.lock().unwrap());
            assert!(!self.task.is_finished(), "ended early");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn phase(&self, path: &str) -> Option<String> {
        self.api.object(path)?["status"]["phase"].as_str().map(str::to_owned)
    }

    fn troubles(&self) -> Vec<Error> {
        let events = self.events.lock().unwrap();
        events
            .iter()
            .filter_map(|e| if let Event::Trouble { error, .. } = e { Some(error.clone()) } else { None })
            .collect()
    }

    /// Stops it, which must be quick and no error.
    async fn stop(self) {
        self.cancel.interrupt();
        tokio::time::timeout(Duration::from_secs(5), self.task).await.expect("stops").unwrap().unwrap();
    }
}

const KEYS: &str = r#"
fn kinds() { ["Thing.example.org"] }
fn reconcile(obj, world) {
    world.own(#{ kind: "Secret", metadata: #{ name: obj.metadata.name + "-keys" }, stringData: #{ word: world.password() } });
    #{ phase: obj.spec.word, observedGeneration: obj.metadata.generation, conditions: [world.condition("Ready", true, "Made", "made")] }
}
fn removed(obj, world) { world.s3_forget_user(obj.metadata.name); }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_object_gets_its_status_and_what_it_owns() {
    let play = Play::start(KEYS, &[]);
    play.api.store(THING, object("Thing", &json!({"word": "first"})));
    play.until("the status", |p| p.phase(THING).as_deref() == Some("first")).await;
    let secret = play.api.object(SECRET).unwrap();
    let owner = &secret["metadata"]["ownerReferences"][0];
    assert_eq!((&owner["kind"], &owner["controller"]), (&json!("Thing"), &json!(true)));
    assert_eq!(owner["uid"], play.api.object(THING).unwrap()["metadata"]["uid"]);
    assert!(secret["stringData"].is_null() && secret["data"]["word"].is_string(), "{secret}");

    // What it owns comes back as it was.
    play.api.remove(SECRET);
    play.until("the Secret again", |p| p.api.object(SECRET).is_some()).await;
    assert_eq!(play.api.object(SECRET).unwrap()["data"], secret["data"]);

    play.api.store(THING, {
        let mut changed = play.api.object(THING).unwrap();
        changed["spec"]["word"] = json!("second");
        changed
    });
    play.until("the new status", |p| p.phase(THING).as_deref() == Some("second")).await;
    let thing = play.api.object(THING).unwrap();
    assert_eq!(thing["status"]["observedGeneration"], thing["metadata"]["generation"]);
    // A status that says nothing new is not written, so that writing it is no reason to look again.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(play.api.status_writes(), 2);

    play.api.remove(THING);
    play.until("the end", |p| p.events.lock().unwrap().iter().any(|e| matches!(e, Event::Gone { .. }))).await;
    assert!(play.api.object(SECRET).is_none());
    play.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_comes_later_is_played_when_it_comes() {
    let script = r#"fn kinds() { ["Late.example.org"] } fn reconcile(obj, world) { #{ phase: "Ready" } }"#;
    let play = Play::start(script, &["Late"]);
    play.until("the start", |p| !p.events.lock().unwrap().is_empty()).await;
    play.api.store(LATE, object("Late", &json!({})));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(play.phase(LATE), None);
    play.api.show_all();
    play.until("the status", |p| p.phase(LATE).as_deref() == Some("Ready")).await;
    assert!(play.troubles().is_empty());
    play.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_told_once_with_its_place_and_tried_again() {
    let script = "fn kinds() { [\"Thing.example.org\", \"Late.example.org\"] }\nfn reconcile(obj, world) {\n    if obj.kind == \"Late\" { return #{ phase: \"Ready\" }; }\n    #{ phase: obj.spec.word }\n}\n";
    let play = Play::start(script, &[]);
    play.api.store(THING, object("Thing", &json!({})));
    play.until("the error", |p| !p.troubles().is_empty()).await;
    // Others go on, and so does this one.
    play.api.store(LATE, object("Late", &json!({})));
    play.until("the other's status", |p| p.phase(LATE).as_deref() == Some("Ready")).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let troubles = play.troubles();
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    let place = &troubles[0].places()[0];
    assert_eq!((place.file.as_str(), place.line), ("scripts/sim/try.rhai", 4));
    assert!(troubles[0].message().contains("word"), "{}", troubles[0]);

    play.api.store(THING, {
        let mut mended = play.api.object(THING).unwrap();
        mended["spec"] = json!({"word": "good"});
        mended
    });
    play.until("the status", |p| p.phase(THING).as_deref() == Some("good")).await;
    play.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_script_ends_the_start_and_names_the_place() {
    let (_dir, library) = library("fn kinds() { [] }\nfn reconcile(obj, world) { world.redy(\"a=b\") }");
    let options = Options { only: vec!["try".into()], ..Options::default() };
    let error = run(&FakeApi::new(&[]).cluster(), &library, options, &Cancel::new(), |_| {}).await.unwrap_err();
    assert_eq!(error.places()[0].line, 2);
    let options = Options { only: vec!["nobody".into()], ..Options::default() };
    let error = run(&FakeApi::new(&[]).cluster(), &library, options, &Cancel::new(), |_| {}).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert!(error.hint_text().unwrap().contains("rook-ceph"));
}
