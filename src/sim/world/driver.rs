//! The loop of the world: changes and timers, one after the other, in an order that does not depend on chance.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::cancel::Cancel;
use crate::sim::api::change::{Change, Changes};
use crate::sim::api::gvr::Gvr;
use crate::sim::api::server::Api;
use crate::sim::clock::{Clock, Mode};
use crate::sim::faults::{Fault, Faults};

use super::admission::{LimitRanges, Quotas};
use super::controller::{Controller, Ctx};
use super::controllers;
use super::events::Recorder;
use super::id::{Id, kind_name};
use super::kubelet::{Kubelets, Model};
use super::look::Pace;
use super::reconcile::Reconcile;
use super::scheduler::Scheduler;
use super::timers::{Look, Timers};
use super::view::{Served, View};
use super::worked::Worked;

/// A virtual clock rests for so long after a client asked for something.
const QUIET: Duration = Duration::from_millis(3);
/// How long an idle world sleeps before it looks whether somebody moved the clock.
const TICK: Duration = Duration::from_millis(20);
/// How long a world on a real clock sleeps at most: faults may come and go.
const PATIENCE: Duration = Duration::from_secs(1);
/// So far a virtual clock runs ahead of the last request, in seconds: a crash loop that nobody watches comes to rest.
const HORIZON: i64 = 3600;
/// So much is done before others get their turn.
const STRETCH: usize = 200;

fn worked(controller: impl Reconcile + 'static) -> Box<dyn Controller> {
    Box::new(Worked::new(controller))
}

/// Runs the controllers of one cluster.
pub struct World {
    api: Api,
    clock: Clock,
    faults: Faults,
    pace: Pace,
    controllers: Vec<Box<dyn Controller>>,
    view: View,
    changes: Changes,
    /// There from the beginning.
    first: Vec<Arc<Change>>,
    /// Came while the world rested.
    pending: Vec<Arc<Change>>,
    timers: Timers,
    names: Cell<u64>,
    events: RefCell<Recorder>,
    /// The faults as they were last seen.
    known_faults: Vec<Fault>,
    /// The virtual time at the last request of a client.
    touched: (Timestamp, Duration),
}

impl World {
    /// A world without controllers on an API server: what is there already counts as new to them.
    pub fn new(api: Api, faults: Faults) -> Self {
        let (version, objects, changes) = api.snapshot();
        let clock = api.clock().clone();
        faults.start(clock.now());
        let first = objects.into_iter().map(|(gvr, value)| {
            let (namespace, name) = (super::read::namespace(&value).to_owned(), super::read::name(&value).to_owned());
            Arc::new(Change { version, gvr, namespace, name, old: None, new: Some(value) })
        });
        let first = first.collect();
        let now = clock.now();
        let mut world = Self {
            api,
            clock,
            faults,
            pace: Pace::default(),
            controllers: vec![],
            view: View::default(),
            changes,
            first,
            pending: vec![],
            timers: Timers::default(),
            names: Cell::new(u64::try_from(now.as_millisecond()).unwrap_or_default() % 1_000_000_007),
            events: RefCell::default(),
            known_faults: vec![],
            touched: (now, Duration::ZERO),
        };
        world.known_faults = world.faults.list();
        world.learn_kinds();
        world
    }

    /// Plays slower or faster.
    pub fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// A world with every controller of the control plane, its scheduler and the kubelets. `model` says what runs in
    /// containers; `certificate` (PEM) is what clients know the API server by.
    pub fn populated(api: Api, faults: Faults, model: Option<Model>, certificate: &str) -> Self {
        api.add_admission(LimitRanges);
        api.add_admission(Quotas);
        let mut world = Self::new(api, faults);
        world.add(worked(controllers::Nodes::default()));
        world.add(worked(controllers::ServiceAccounts));
        world.add(worked(controllers::RootCertificates::new(certificate.to_owned())));
        world.add(worked(controllers::Deployments));
        world.add(worked(controllers::ReplicaSets::default()));
        world.add(worked(controllers::StatefulSets::default()));
        world.add(worked(controllers::DaemonSets::default()));
        world.add(worked(controllers::CronJobs));
        world.add(worked(controllers::Jobs));
        world.add(worked(controllers::Claims));
        world.add(worked(Scheduler));
        world.add(worked(Kubelets::new(model)));
        world.add(worked(controllers::Endpoints));
        world.add(worked(controllers::Disruptions));
        world.add(worked(controllers::QuotaStatus));
        world.add(worked(controllers::Garbage));
        world.add(worked(controllers::Namespaces));
        world
    }

    /// One more controller; before the world runs.
    pub fn add(&mut self, controller: Box<dyn Controller>) {
        self.controllers.push(controller);
    }

    /// The looks that are wanted: what a state keeps.
    pub fn timers(&self) -> Vec<(Timestamp, Look)> {
        self.timers.all()
    }

    /// Takes over looks that were kept.
    pub fn restore_timers(&mut self, timers: Vec<(Timestamp, Look)>) {
        for (at, look) in timers {
            self.timers.add(at, look);
        }
    }

    /// Runs until cancelled or until the API server is gone.
    pub async fn run(mut self, cancel: Cancel) {
        let running = async {
            while self.turn().await {}
            Ok(())
        };
        // Being cancelled is how a world ends.
        let _ = cancel.run(running).await;
    }

    /// One turn of the loop; whether there will be another.
    async fn turn(&mut self) -> bool {
        if self.work(STRETCH) {
            tokio::task::yield_now().await;
            return true;
        }
        if self.clock.mode() == Mode::Virtual && self.jump() {
            return true;
        }
        let rest = self.rest();
        tokio::select! {
            change = self.changes.next() => match change {
                Some(change) => self.pending.push(change),
                None => return false,
            },
            () = tokio::time::sleep(rest) => {}
        }
        true
    }

    /// Works until nothing is left to do at this time, or so much is done; whether something was.
    pub fn work(&mut self, most: usize) -> bool {
        let mut done = 0;
        while done < most {
            if self.take_changes() {
                done += 1;
            }
            let Some(look) = self.timers.due(self.clock.now()) else { break };
            self.look(&look);
            done += 1;
        }
        done > 0
    }

    /// Works and jumps, without any rest, until nothing but the lazy is left or so many seconds have passed: for tests.
    pub fn settle(&mut self, seconds: i64) {
        let end = super::plan::seconds_later(self.clock.now(), seconds);
        loop {
            while self.work(usize::MAX) {}
            match self.timers.first_eager().filter(|at| *at <= end) {
                Some(at) => self.clock.advance_to(at),
                None => break,
            }
        }
    }

    fn rest(&self) -> Duration {
        let next = self.timers.first().map(|at| at.duration_since(self.clock.now()));
        let next = next.and_then(|left| Duration::try_from(left).ok());
        match self.clock.mode() {
            Mode::Real => next.unwrap_or(PATIENCE).min(PATIENCE),
            Mode::Virtual if self.timers.first_eager().is_some() => QUIET.min(TICK),
            Mode::Virtual => TICK,
        }
    }

    /// Moves a virtual clock to the next time at which something is to be done; whether it did.
    fn jump(&mut self) -> bool {
        let quiet = self.clock.quiet_for();
        // A request since the last look moves the horizon.
        if quiet < self.touched.1 || self.touched.1 == Duration::ZERO {
            self.touched.0 = self.clock.now();
        }
        self.touched.1 = quiet;
        if quiet < QUIET || self.clock.is_busy() || !self.changes.is_empty() {
            return false;
        }
        let Some(next) = self.timers.first_eager() else { return false };
        if next.duration_since(self.touched.0) > SignedDuration::from_secs(HORIZON) {
            return false;
        }
        self.clock.advance_to(next);
        true
    }

    fn take_changes(&mut self) -> bool {
        // All of the beginning is seen before anybody is told of it.
        let first: Vec<Arc<Change>> = std::mem::take(&mut self.first);
        let mut any = !first.is_empty();
        for change in &first {
            self.note(change);
        }
        for change in &first {
            self.tell(change);
        }
        for change in std::mem::take(&mut self.pending) {
            self.note(&change);
            self.tell(&change);
            any = true;
        }
        while let Some(change) = self.changes.try_next() {
            self.note(&change);
            self.tell(&change);
            any = true;
        }
        any | self.see_faults()
    }

    /// When faults come or go, everything is looked at again.
    fn see_faults(&mut self) -> bool {
        let faults = self.faults.list();
        // Those that count down are none of ours.
        let lasting = |all: &[Fault]| -> Vec<Fault> {
            all.iter().filter(|f| !matches!(f, Fault::TooMany(_) | Fault::Reset(_))).cloned().collect()
        };
        let (new, old) = (lasting(&faults), lasting(&self.known_faults));
        self.known_faults = faults;
        if new == old {
            return false;
        }
        let all: Vec<Arc<serde_json::Value>> = self.view.everything().cloned().collect();
        for value in all {
            let Some(served) = self.view.served(&super::id::kind_of(&value)) else { continue };
            let api_version = super::read::text(&value, "/apiVersion");
            let version = api_version.split_once('/').map_or(api_version, |(_, version)| version);
            let gvr = Gvr::new(&served.group, version, &served.plural);
            let (namespace, name) = (super::read::namespace(&value).to_owned(), super::read::name(&value).to_owned());
            self.tell(&Change { version: 0, gvr, namespace, name, old: None, new: Some(value) });
        }
        true
    }

    fn note(&mut self, change: &Change) {
        match &change.new {
            Some(new) => self.view.set(new.clone()),
            None => self.view.remove(&Id::of(change.object())),
        }
        if change.is("customresourcedefinitions", "apiextensions.k8s.io") {
            self.learn_kinds();
        }
    }

    fn tell(&mut self, change: &Change) {
        for index in 0..self.controllers.len() {
            self.with(index, |controller, ctx| controller.changed(ctx, change));
        }
    }

    fn look(&mut self, look: &Look) {
        let Some(index) = self.controllers.iter().position(|c| c.name() == look.controller) else { return };
        self.with(index, |controller, ctx| controller.due(ctx, &look.key));
    }

    fn with(&mut self, index: usize, work: impl FnOnce(&mut dyn Controller, &Ctx<'_>)) {
        let wanted = RefCell::new(Vec::new());
        let name = self.controllers[index].name().to_owned();
        let ctx = Ctx {
            api: &self.api,
            view: &self.view,
            faults: &self.faults,
            pace: &self.pace,
            now: self.clock.now(),
            names: &self.names,
            events: &self.events,
            wanted: &wanted,
            controller: &name,
        };
        work(self.controllers[index].as_mut(), &ctx);
        for (at, look) in wanted.into_inner() {
            self.timers.add(at, look);
        }
    }

    fn learn_kinds(&mut self) {
        let kinds: BTreeMap<String, Served> = self.api.with_types(|types| {
            let all = types.all();
            let served = all.iter().map(|resource| {
                let served = Served {
                    plural: resource.gvr.plural.clone(),
                    group: resource.gvr.group.clone(),
                    namespaced: resource.namespaced,
                };
                (kind_name(&resource.gvr.api_version(), &resource.kind), served)
            });
            served.collect()
        });
        self.view.serve(kinds);
    }
}
