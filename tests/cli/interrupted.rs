//! Ctrl-C while something is waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::api::Request;
use crate::environment::Environment;
use crate::stand_in::with_fault;

/// A server that hangs on paths with this ending, and tells when it began to.
fn hanging(ending: &'static str) -> (String, Arc<AtomicBool>) {
    let reached = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&reached);
    let hang = move |request: &Request| {
        if request.path.ends_with(ending) {
            tell.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_mins(1));
        }
        None
    };
    (with_fault(hang), reached)
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_mins(1), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn while_the_cluster_is_looked_at() {
    for command in [&["run", "review"][..], &["run", "execute", "1.1", "--yes"], &["eval", "cluster::list(\"node\")"]] {
        let (address, reached) = hanging("/nodes");
        let env = Environment::small_on(&address);
        let child = env.start(command);
        until("the request", || reached.load(Ordering::SeqCst));
        let began = Instant::now();
        child.signal("INT");
        let outcome = child.end().exits(130).says("interrupted");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        assert_eq!((outcome.stdout.as_str(), env.changed().as_str()), ("", ""));
    }
}

#[test]
fn in_an_endless_script() {
    let env = Environment::small();
    let child = env.start(&["eval", "loop { }"]);
    std::thread::sleep(Duration::from_millis(300));
    child.signal("INT");
    let outcome = child.end();
    // Where the machine was quick, the limit of operations ended it first.
    assert!([130, 1].contains(&outcome.code), "{outcome:?}");
}

#[test]
fn while_flux_is_waited_for_the_delivery_is_taken_back() {
    let env = Environment::small();
    let base = env.git(&["rev-parse", "HEAD"]);
    let child = env.start(&["run", "execute", "1.1", "--yes"]);
    let at_remote = |n: usize| {
        env.git(&["--git-dir", "../origin.git", "rev-list", "--count", &format!("{base}..main")]) == n.to_string()
    };
    until("the push of the delivery", || at_remote(1));
    std::thread::sleep(Duration::from_millis(500));
    child.signal("INT");
    until("the push of the revert", || at_remote(2));
    // The canned Flux follows nothing: a second Ctrl-C ends the wait for the revert.
    std::thread::sleep(Duration::from_millis(500));
    child.signal("INT");
    let outcome = child.end().exits(6).says("interrupted again");
    assert!(outcome.stdout.contains("1.1"), "{}", outcome.stdout);
    // Tracked files are as before.
    assert_eq!(env.git(&["diff", "--stat", &base, "origin/main", "--", "kubernetes"]), "");
    assert!(!env.repo().join("kubernetes/apps/data-platform/small").exists());
    // The journal has its end, and tells the story.
    env.dpb(&["run", "log"]).succeeds().prints("push-revert");
}

#[test]
fn a_time_out_after_the_push_is_taken_back() {
    let env = Environment::small();
    let base = env.git(&["rev-parse", "HEAD"]);
    let child = env.start(&["run", "execute", "1.1", "--yes", "--timeout", "1s"]);
    let at_remote = |n: usize| {
        env.git(&["--git-dir", "../origin.git", "rev-list", "--count", &format!("{base}..main")]) == n.to_string()
    };
    until("the push of the revert", || at_remote(2));
    // Ctrl-C does not stop a taking back; the second one does.
    for _ in 0..2 {
        std::thread::sleep(Duration::from_millis(500));
        child.signal("INT");
    }
    child.end().exits(6).says("flux-system").says("interrupted again");
}
