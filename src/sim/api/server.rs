//! The API server: one lock round the objects, and the way from a call to its verb.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde_json::Value;

use crate::sim::clock::Clock;
use crate::sim::faults::Faults;

use super::access::{self, Access, Attributes, Objects, User};
use super::admission::Admission;
use super::call::{Answer, Call, Verb};
use super::change::{Changes, Keep};
use super::definitions;
use super::gvr::Gvr;
use super::names;
use super::object;
use super::plugins::Plugins;
use super::pod_parts;
use super::resource::Resource;
use super::status::Status;
use super::store::Store;
use super::streams::Backends;
use super::types::Types;
use super::watch::{self, Watch};
use super::work::{State, Work};
use super::{create, finalize, read, removal, scale, update};

/// The API server of one simulated cluster. Cheap to clone; every call is synchronous and quick.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    state: Arc<Mutex<State>>,
    clock: Clock,
    admission: RwLock<Vec<Arc<dyn Admission>>>,
    access: RwLock<Arc<Access>>,
    backends: RwLock<Option<Arc<dyn Backends>>>,
    faults: RwLock<Faults>,
}

impl Api {
    /// A server without objects; the key that tokens are signed with is random.
    pub fn new(types: Types, clock: Clock, keep: Box<dyn Keep>) -> Self {
        let state = State { store: Store::new(keep), types };
        Self(Arc::new(Inner {
            state: Arc::new(Mutex::new(state)),
            clock,
            admission: RwLock::new(vec![Arc::new(Plugins)]),
            access: RwLock::new(Arc::new(Access::new(names::uid()))),
            backends: RwLock::default(),
            faults: RwLock::default(),
        }))
    }

    /// Takes over objects that were kept, and serves the kinds of the definitions among them.
    pub fn restore(&self, version: u64, objects: impl IntoIterator<Item = (Gvr, Arc<Value>)>) {
        let mut state = self.lock();
        state.store.restore(version, objects);
        definitions::serve_all(&mut state);
    }

    /// Knows other tokens from now on.
    pub fn set_access(&self, access: Access) {
        *self.0.access.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(access);
    }

    /// What knows the tokens.
    pub fn access(&self) -> Arc<Access> {
        self.0.access.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is behind the pods, for logs, exec, port-forward and proxy.
    pub fn set_backends(&self, backends: Arc<dyn Backends>) {
        *self.0.backends.write().unwrap_or_else(PoisonError::into_inner) = Some(backends);
    }

    /// What is behind the pods, once it is known.
    pub fn backends(&self) -> Option<Arc<dyn Backends>> {
        self.0.backends.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shows faults to clients from now on.
    pub fn set_faults(&self, faults: Faults) {
        *self.0.faults.write().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// The faults that clients are shown.
    pub fn faults(&self) -> Faults {
        self.0.faults.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets somebody take part in every write, after those that do already.
    pub fn add_admission(&self, admission: impl Admission + 'static) {
        self.0.admission.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(admission));
    }

    /// The cluster's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The feed of every change from now on.
    pub fn changes(&self) -> Changes {
        Changes::new(self.lock().store.subscribe(None))
    }

    /// Everything that is there, with the version it is from, and the feed of every change after it.
    pub fn snapshot(&self) -> (u64, Vec<(Gvr, Arc<Value>)>, Changes) {
        let mut state = self.lock();
        let mut all = Vec::new();
        for (resource, objects) in state.store.everything() {
            for value in objects.values() {
                let version = value["apiVersion"].as_str().unwrap_or_default();
                let (group, version) = version.split_once('/').unwrap_or(("", version));
                let plural = resource.split('.').next().unwrap_or_default();
                all.push((Gvr::new(group, version, plural), value.clone()));
            }
        }
        let feed = state.store.subscribe(None);
        (state.store.version(), all, Changes::new(feed))
    }

    /// Looks at the objects while nothing else happens; `look` must be quick and not call the server.
    pub fn with_store<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        look(&self.lock().store)
    }

    /// Looks at the kinds that are served; `look` must be quick and not call the server.
    pub fn with_types<T>(&self, look: impl FnOnce(&Types) -> T) -> T {
        look(&self.lock().types)
    }

    /// Forgets the past, so that watches and pages from older versions end with 410.
    pub fn compact(&self) {
        self.lock().store.compact();
    }

    /// 403 unless the user may do what is asked.
    pub fn authorize(&self, user: &User, asked: &Attributes) -> Result<(), Status> {
        access::authorize(&self.lock().store, user, asked)
    }

    /// The resource of this name; 404 if nothing of it is served.
    pub fn find_resource(&self, gvr: &Gvr) -> Result<Arc<Resource>, Status> {
        find(&self.lock().types, gvr)
    }

    /// 404 of a version that is not served.
    pub(super) fn unknown_version(&self, group: &str) -> Status {
        not_served(&self.lock().types, group)
    }

    /// Does what is asked. Who asks has been authorized already.
    pub fn call(&self, call: &Call) -> Result<Answer, Status> {
        let mut state = self.lock();
        let resource = find(&state.types, &call.gvr)?;
        if let Some(answer) = self.question(&state, call, &resource) {
            let value = answer?;
            return Ok(Answer { created: true, ..Answer::one(value) });
        }
        let admission = self.0.admission.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut work = Work {
            state: &mut state,
            clock: &self.0.clock,
            admission: &admission,
            call,
            warnings: resource.crd.iter().filter_map(|crd| crd.deprecation.clone()).collect(),
            resource,
        };
        let before = work.state.store.version();
        let answer = dispatch(&mut work);
        if work.state.store.version() != before {
            after(&mut work)?;
        }
        answer
    }

    /// Starts a watch.
    pub fn watch(&self, call: &Call) -> Result<Watch, Status> {
        let mut state = self.lock();
        let resource = find(&state.types, &call.gvr)?;
        if !resource.can("watch") {
            return Err(method_not_allowed());
        }
        let mut work =
            Work { state: &mut state, clock: &self.0.clock, admission: &[], resource, call, warnings: Vec::new() };
        watch::start(&mut work, &self.0.state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reviews and tokens: answered, and stored nowhere.
    fn question(&self, state: &State, call: &Call, resource: &Resource) -> Option<Result<Value, Status>> {
        if call.verb != Verb::Create {
            return None;
        }
        let question = access::Question {
            resource: &resource.gvr,
            subresource: call.subresource.as_deref().unwrap_or_default(),
            namespace: call.namespace(),
            name: call.name(),
            body: call.body.clone().unwrap_or_default(),
            id: names::uid(),
        };
        self.access().answer(&state.store, &call.user, question, self.0.clock.now())
    }
}

impl Objects for Api {
    fn find(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.with_store(|store| store.find(plural, group, namespace, name).cloned())
    }

    fn list(&self, group: &str, plural: &str, namespace: &str) -> Vec<Arc<Value>> {
        self.with_store(|store| store.list(plural, group, namespace).cloned().collect())
    }
}

/// The resource of a call; 404 if nothing of that name is served.
fn find(types: &Types, gvr: &Gvr) -> Result<Arc<Resource>, Status> {
    types.resource(gvr).ok_or_else(|| not_served(types, &gvr.group))
}

/// The server's own groups answer with a `Status`, everything else with plain text.
fn not_served(types: &Types, group: &str) -> Status {
    let own = types.all().iter().any(|resource| resource.gvr.group == group && !resource.is_custom());
    if own { nothing_there() } else { Status::no_such_path() }
}

fn nothing_there() -> Status {
    Status::no_such_resource().with_empty_details()
}

/// 405 in the words of the HTTP layer.
pub(super) fn method_not_allowed() -> Status {
    Status::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        .with_empty_details()
}

fn dispatch(work: &mut Work) -> Result<Answer, Status> {
    let (verb, resource) = (work.call.verb, work.resource.clone());
    let Some(part) = work.call.subresource.clone().filter(|part| !part.is_empty()) else {
        if work.resource.gvr.resource() == "bindings" && verb == Verb::Create {
            return pod_parts::bind(work);
        }
        let on_object = matches!(verb, Verb::Get | Verb::Update | Verb::Patch | Verb::Delete);
        let placed = !resource.namespaced || !work.call.namespace().is_empty() || matches!(verb, Verb::List);
        if !resource.can(verb.name()) || on_object == work.call.name().is_empty() || !placed {
            return Err(method_not_allowed());
        }
        return match verb {
            Verb::Get => read::get(work),
            Verb::List => read::list(work),
            Verb::Create => create::create(work),
            Verb::Update => update::update(work),
            Verb::Patch => update::patch(work),
            Verb::Delete => removal::delete(work),
            Verb::DeleteCollection => read::delete_collection(work),
            Verb::Watch => Err(Status::internal("a watch is no call")),
        };
    };
    let Some(found) = resource.subresource(&part) else {
        return Err(if resource.is_custom() {
            Status::not_found(&resource.gvr, work.call.name())
        } else {
            nothing_there()
        });
    };
    if !found.verbs.iter().any(|v| v == verb.name()) {
        return Err(method_not_allowed());
    }
    match (resource.gvr.resource().as_str(), part.as_str(), verb) {
        ("pods", "binding", _) => pod_parts::bind(work),
        ("pods", "eviction", _) => pod_parts::evict(work),
        ("namespaces", "finalize", _) => finalize::finalize(work),
        (_, "scale", _) => scale::scale(work),
        (_, "status", Verb::Get) => read::get(work),
        (_, "status", Verb::Update) => update::update(work),
        (_, "status", Verb::Patch) => update::patch(work),
        (name, part, _) => Err(Status::not_simulated(format!("{} of {name}/{part}", verb.name()))),
    }
}

/// What the server itself does after a write.
fn after(work: &mut Work) -> Result<(), Status> {
    let gvr = &work.resource.gvr;
    let now = work.clock.stamp();
    if gvr.resource() == definitions::gvr().resource() {
        let name = match &work.call.body {
            Some(body) if work.call.name().is_empty() => object::name(body).to_owned(),
            _ => work.call.name().to_owned(),
        };
        return definitions::settle(work.state, &name, &now);
    }
    // The last object of a definition that is being deleted may have gone.
    let Some(definition) = work.resource.crd.as_ref().map(|crd| crd.name.clone()) else { return Ok(()) };
    let going = work.state.store.get(&definitions::gvr(), "", &definition).is_some_and(|d| object::is_deleting(d));
    if going { definitions::settle(work.state, &definition, &now) } else { Ok(()) }
}
