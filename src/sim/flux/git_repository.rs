//! `GitRepository`: follows a branch, a tag, a reference or a commit.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::events::{Event, Events};
use super::object::Object;
use super::remotes::Remotes;
use super::runner::{Again, Env, Reconciler, Seen, Step, is_due, key};
use super::source::{
    CONTROLLER, End, Failure, GIT_REPOSITORY, Summary, announce, artifact, begin, fetch_failed, finish,
    missing_artifact, refuse, revision, write,
};

/// The reconciler of `GitRepositories`.
pub(super) struct GitRepositories {
    remotes: Arc<Remotes>,
    away: Arc<dyn Fn() -> Option<String> + Send + Sync>,
    events: Events,
}

/// How long a fetch takes: whoever needs the artifact comes too early meanwhile.
const FETCH: Duration = Duration::from_millis(40);

/// What the simulator does not play.
const NOT_PLAYED: [&str; 8] = [
    "verify",
    "include",
    "ignore",
    "recurseSubmodules",
    "sparseCheckout",
    "proxySecretRef",
    "ref.semver",
    "serviceAccountName",
];

const SUMMARY: Summary = Summary {
    order: &[
        "StorageOperationFailed",
        "FetchFailed",
        "IncludeUnavailable",
        "ArtifactOutdated",
        "ArtifactInStorage",
        "SourceVerified",
        "Stalled",
        "Reconciling",
    ],
    negative: &[
        "StorageOperationFailed",
        "FetchFailed",
        "IncludeUnavailable",
        "ArtifactOutdated",
        "Stalled",
        "Reconciling",
    ],
};

impl GitRepositories {
    /// Over these repositories. `away` says why no remote can be reached just now, if that is so.
    pub(super) fn new(remotes: Arc<Remotes>, away: Arc<dyn Fn() -> Option<String> + Send + Sync>) -> Self {
        Self { remotes, away, events: Events::new(CONTROLLER) }
    }

    fn fetch(&self, env: &Env<'_>, object: &mut Object) -> End {
        if let Some(end) = refuse(object, env, &NOT_PLAYED) {
            return end;
        }
        let now = env.stamp();
        let failed = |message: String| {
            Failure::new("GitOperationFailed", format!("failed to checkout and determine revision: {message}"))
        };
        if let Some(why) = (self.away)() {
            let message = format!("unable to list remote for '{}': {why}", object.spec("/url"));
            return fetch_failed(object, env, failed(message));
        }
        let head = match self.remotes.head(&object.value) {
            Ok(head) => head,
            Err(error) => return fetch_failed(object, env, failed(error.message().to_owned())),
        };
        let stored = format!("stored artifact for revision '{}'", head.revision);
        let is_new = revision(&object.value) != head.revision;
        object.unmark("FetchFailed");
        if !is_new && object.is_true("ArtifactInStorage") {
            object.mark("ArtifactInStorage", "True", "Succeeded", &stored, &now);
            let message = format!("no changes since last reconciliation: observed revision '{}'", head.revision);
            return End::Unchanged(message);
        }
        if is_new {
            let message = format!("new upstream revision '{}'", head.revision);
            if !revision(&object.value).is_empty() {
                object.mark("ArtifactOutdated", "True", "NewRevision", &message, &now);
            }
            object.progress(true, &format!("building artifact: {message}"), &now);
            write(object, env);
            let made = artifact(object, "gitrepository", &head.revision, &format!("{}.tar.gz", head.commit), &now);
            object.set_status("artifact", made);
            let event = Event {
                reason: "NewArtifact",
                message: &format!("stored artifact for commit '{}'", head.subject),
                notes: vec![("source.toolkit.fluxcd.io/revision".into(), head.revision.clone())],
                ..Event::default()
            };
            self.events.record(env.server, &object.value, &event, &now);
        }
        object.unmark("ArtifactOutdated");
        object.mark("ArtifactInStorage", "True", "Succeeded", &stored, &now);
        object.set_status("observedInclude", json!(null));
        End::Success
    }
}

impl GitRepositories {
    fn end(&self, env: &Env<'_>, object: &mut Object, end: &End) -> Step<Object> {
        let interval = object.duration("/interval").unwrap_or(Duration::from_mins(1));
        Step::End(finish(object, env, &self.events, end, &SUMMARY, interval))
    }
}

impl Reconciler for GitRepositories {
    type Run = Object;

    fn kind(&self) -> &'static str {
        GIT_REPOSITORY
    }

    fn concerns(&self, _: &Env<'_>, seen: &Seen<'_>) -> Vec<String> {
        let own = seen.kind == GIT_REPOSITORY && is_due(seen);
        seen.new.filter(|_| own).map(key).into_iter().collect()
    }

    fn start(&mut self, env: &Env<'_>, namespace: &str, name: &str) -> Step<Object> {
        let Ok(value) = env.server.get(GIT_REPOSITORY, namespace, name) else { return Step::End(Again::Never) };
        let mut object = Object::new(GIT_REPOSITORY, value);
        if let Some(end) = begin(&mut object) {
            return self.end(env, &mut object, &end);
        }
        announce(&mut object, env);
        missing_artifact(&mut object, env);
        Step::Wait(FETCH, object)
    }

    fn resume(&mut self, env: &Env<'_>, mut object: Object) -> Step<Object> {
        let end = self.fetch(env, &mut object);
        self.end(env, &mut object, &end)
    }
}
