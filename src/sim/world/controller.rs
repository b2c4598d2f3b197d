//! What takes part in the world.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use jiff::Timestamp;

use crate::sim::api::change::Change;
use crate::sim::api::server::Api;
use crate::sim::faults::Faults;

use super::events::{Pen, Recorder};
use super::look::{Look, Pace};
use super::plan::later;
use super::timers;
use super::view::View;

/// A controller: it is told of every change, and wakes itself at times of its own. It must not wait in here; what takes
/// real time is done elsewhere, with the clock held ([`crate::sim::clock::Clock::busy`]).
pub trait Controller: Send {
    /// Its name; no two are alike.
    fn name(&self) -> &str;

    /// An object has changed (or was there when the world began: then it counts as new).
    fn changed(&mut self, ctx: &Ctx<'_>, change: &Change);

    /// A time that it asked for has come.
    fn due(&mut self, ctx: &Ctx<'_>, key: &str);
}

/// What a controller works with.
pub struct Ctx<'a> {
    /// The API server.
    pub api: &'a Api,
    /// Every object as it was last seen. Behind by what was written since.
    pub view: &'a View,
    /// The faults in force.
    pub faults: &'a Faults,
    /// How long the played parts of the world take.
    pub pace: &'a Pace,
    /// The time.
    pub now: Timestamp,
    pub(super) names: &'a Cell<u64>,
    pub(super) events: &'a RefCell<Recorder>,
    pub(super) wanted: &'a RefCell<Vec<(Timestamp, timers::Look)>>,
    pub(super) controller: &'a str,
}

impl Ctx<'_> {
    /// Wakes the controller at a time, or earlier if that was asked for before.
    pub fn at(&self, when: Timestamp, key: &str) {
        self.want(when, key, false);
    }

    /// The same after a while.
    pub fn after(&self, after: Duration, key: &str) {
        self.want(later(self.now, after), key, false);
    }

    /// The same for what comes round again and again, like an interval: a virtual clock does not jump there by itself.
    pub fn lazily_at(&self, when: Timestamp, key: &str) {
        self.want(when, key, true);
    }

    /// Records an event about an object.
    pub fn event(&self, note: &super::plan::Note) {
        let pen = Pen { api: self.api, view: self.view, names: self.names, now: self.now };
        self.events.borrow_mut().record(&pen, self.controller, note);
    }

    /// A look for a pure controller.
    pub fn look(&self) -> Look<'_> {
        Look { view: self.view, now: self.now, faults: self.faults, pace: self.pace, names: self.names }
    }

    fn want(&self, when: Timestamp, key: &str, lazy: bool) {
        let look = timers::Look { controller: self.controller.to_owned(), key: key.to_owned(), lazy };
        self.wanted.borrow_mut().push((when, look));
    }
}
