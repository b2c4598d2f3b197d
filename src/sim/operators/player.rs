//! One script at work: its thread, its queue, one object after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rhai::Dynamic;
use serde_json::Value;

use super::event::{Event, Log};
use super::functions::REGISTRY;
use super::objects::{Subject, write_status};
use super::queue::{Key, Queue};
use super::watches::Told;
use super::world::{Handle, World};
use crate::cluster::health;
use crate::error::{Code, Error, Result};
use crate::script::compile::Program;
use crate::script::engine::{Machine, compiler};
use crate::script::library::Library;
use crate::script::profile::Profile;
use crate::script::{check, value};

/// Operators change the cluster, and no profile of objectives offers their world: any one serves.
const PROFILE: Profile = Profile::Execute;

/// A script and what it has seen.
pub(super) struct Player {
    world: Arc<World>,
    machine: Machine,
    kinds: Vec<String>,
    has_removed: bool,
    queue: Queue,
    known: BTreeMap<Key, Value>,
    /// The last error of each object, so that it is told once.
    told: BTreeMap<Key, String>,
    log: Log,
}

/// Compiles and checks a script of `scripts/sim`.
pub(super) fn load(library: &Library, path: &str) -> Result<Program> {
    let compiler = compiler(&REGISTRY);
    let program = Program::load(library, path, &compiler)?;
    let entries = [("kinds", PROFILE), ("reconcile", PROFILE), ("removed", PROFILE)];
    if let Some(error) = check::program(&program, &REGISTRY, &compiler, &entries).into_iter().next() {
        return Err(error);
    }
    let lacks = |name: &str, params: usize| !program.functions(params).iter().any(|f| f == name);
    for (name, params, head) in [("kinds", 0, "fn kinds()"), ("reconcile", 2, "fn reconcile(obj, world)")] {
        if lacks(name, params) {
            return Err(Error::new(Code::Script, format!("scripts/{path} has no `{head}`"))
                .hint("A simulated operator has both fn kinds() and fn reconcile(obj, world)"));
        }
    }
    Ok(program)
}

impl Player {
    /// Compiles the script and asks it for its kinds.
    pub(super) fn new(library: &Library, path: &str, world: World, log: Log) -> Result<Self> {
        let program = load(library, path)?;
        let has_removed = program.functions(2).iter().any(|f| f == "removed");
        let world = Arc::new(world);
        let machine = Machine::new(&REGISTRY, PROFILE, &world, world.bridge.cancel(), program);
        let kinds = value::from_dynamic(&machine.call("kinds", Vec::new())?)?;
        let kinds: Option<Vec<String>> = serde_json::from_value(kinds).ok();
        let kinds = kinds.ok_or_else(|| {
            Error::new(Code::Script, format!("scripts/{path}: fn kinds() must give an array of texts"))
                .hint(r#"Like ["Cluster.postgresql.cnpg.io"]"#)
        })?;
        let (queue, known, told) = (Queue::default(), BTreeMap::new(), BTreeMap::new());
        Ok(Self { world, machine, kinds, has_removed, queue, known, told, log })
    }

    /// The kinds that it plays, as the script names them.
    pub(super) fn kinds(&self) -> &[String] {
        &self.kinds
    }

    /// Works until the watches are gone, or it should stop.
    pub(super) fn work(mut self, inbox: &Receiver<Told>) {
        while self.world.bridge.cancel().check().is_ok() {
            let rest = self.queue.rest(Instant::now()).unwrap_or(Duration::from_hours(1));
            match inbox.recv_timeout(rest) {
                Ok(told) => self.hear(told),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while let Ok(told) = inbox.try_recv() {
                self.hear(told);
            }
            if let Some(key) = self.queue.next(Instant::now()) {
                self.look(&key);
            }
        }
    }

    fn hear(&mut self, told: Told) {
        let now = Instant::now();
        match told {
            Told::All(kind, objects) => {
                let keyed: Vec<(Key, Value)> = objects.into_iter().map(|o| (key(kind, &o), o)).collect();
                let there: BTreeSet<Key> = keyed.iter().map(|(key, _)| key.clone()).collect();
                let gone: Vec<Key> =
                    self.known.keys().filter(|k| k.kind == kind && !there.contains(k)).cloned().collect();
                for key in self.queue.keep(kind, &there).into_iter().chain(gone) {
                    self.removed(&key);
                }
                for (key, object) in keyed {
                    self.seen(key, object, now);
                }
            }
            Told::Changed(kind, object) => self.seen(key(kind, &object), object, now),
            Told::Gone(kind, object) => {
                let key = key(kind, &object);
                self.known.insert(key.clone(), object);
                self.removed(&key);
            }
            Told::Owned(key) => {
                if self.known.contains_key(&key) {
                    self.queue.changed(key, now);
                }
            }
        }
    }

    fn seen(&mut self, key: Key, object: Value, now: Instant) {
        let generation = |o: &Value| (o["metadata"]["generation"].clone(), o["metadata"]["uid"].clone());
        let before = self.known.insert(key.clone(), object);
        let after = &self.known[&key];
        if before.as_ref().map(generation) == Some(generation(after)) {
            self.queue.changed(key, now);
        } else {
            self.queue.touched(key, now);
        }
    }

    fn look(&mut self, key: &Key) {
        let result = self.reconcile(key);
        let again = self.world.end();
        let now = Instant::now();
        match result {
            Ok(()) => {
                self.told.remove(key);
                if self.known.contains_key(key) {
                    self.queue.done(key.clone(), again, now);
                }
            }
            Err(error) if error.code() == Code::Interrupted => {}
            Err(error) => {
                let object = self.label(key);
                if self.told.get(key).is_none_or(|told| told != error.message()) {
                    self.told.insert(key.clone(), error.message().to_owned());
                    self.log.tell(Event::Trouble { script: self.world.script.clone(), object, error });
                }
                self.queue.failed(key.clone(), now);
            }
        }
    }

    fn reconcile(&mut self, key: &Key) -> Result<()> {
        let cluster = self.world.cluster.clone();
        let (kind, object) = self.world.bridge.block(async {
            let kind = cluster.kind(&self.kinds[key.kind]).await?;
            let object = cluster.find(&kind, key.namespace.as_deref(), &key.name).await?;
            Ok((kind, object))
        })?;
        let Some(object) = object else { return Ok(()) };
        if !object["metadata"]["deletionTimestamp"].is_null() {
            return Ok(());
        }
        let subject = Subject { kind, object };
        self.world.begin(subject.clone());
        let args = vec![value::to_dynamic(&subject.object), Dynamic::from(Handle)];
        let status = value::from_dynamic(&self.machine.call("reconcile", args)?)?;
        if !status.is_object() {
            return match status {
                Value::Null => Ok(()),
                _ => Err(Error::new(
                    Code::Script,
                    format!("reconcile of {}: it must return the status, a map", subject.label()),
                )),
            };
        }
        let news = self.world.bridge.block(write_status(&self.world.cluster, &subject, &status))?;
        if news {
            let state = state(&subject.object, &status);
            self.log.tell(Event::Status { script: self.world.script.clone(), object: subject.label(), state });
        }
        Ok(())
    }

    fn removed(&mut self, key: &Key) {
        let label = self.label(key);
        self.queue.forget(key);
        self.told.remove(key);
        let Some(object) = self.known.remove(key) else { return };
        self.log.tell(Event::Gone { script: self.world.script.clone(), object: label.clone() });
        if !self.has_removed {
            return;
        }
        let result = self.world.bridge.block(self.world.cluster.kind(&self.kinds[key.kind])).and_then(|kind| {
            self.world.begin(Subject { kind, object: object.clone() });
            self.machine.call("removed", vec![value::to_dynamic(&object), Dynamic::from(Handle)])
        });
        self.world.end();
        if let Err(error) = result {
            self.log.tell(Event::Trouble { script: self.world.script.clone(), object: label, error });
        }
    }

    fn label(&self, key: &Key) -> String {
        let kind = self.kinds[key.kind].split('.').next().unwrap_or_default();
        match &key.namespace {
            Some(namespace) => format!("{kind} {namespace}/{}", key.name),
            None => format!("{kind} {}", key.name),
        }
    }
}

fn key(kind: usize, object: &Value) -> Key {
    let metadata = &object["metadata"];
    Key {
        kind,
        namespace: metadata["namespace"].as_str().map(str::to_owned),
        name: metadata["name"].as_str().unwrap_or_default().to_owned(),
    }
}

/// The state in a word or two: the phase, or what the condition `Ready` says.
fn state(object: &Value, status: &Value) -> String {
    if let Some(phase) = status["phase"].as_str() {
        return phase.to_owned();
    }
    let mut merged = object.clone();
    merged["status"] = status.clone();
    match health::condition(&merged, "Ready") {
        Some(ready) if ready.is_true() => "Ready".to_owned(),
        Some(ready) => ready.text(),
        None => "status written".to_owned(),
    }
}
