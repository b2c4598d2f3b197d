//! The time of a simulated cluster: the real one, or one that jumps when nothing is left to do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Whether time passes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Stands still until [`Clock::advance_to`].
    Virtual,
    /// The machine's own time.
    Real,
}

/// A clock that all parts of one simulated cluster share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    mode: Mode,
    now: Mutex<Timestamp>,
    busy: AtomicUsize,
    touched: Mutex<Instant>,
}

impl Clock {
    /// A clock of a mode that starts now.
    pub fn new(mode: Mode) -> Self {
        Self::starting(mode, Timestamp::now())
    }

    /// A virtual clock that starts at a given time.
    pub fn virtual_from(start: Timestamp) -> Self {
        Self::starting(Mode::Virtual, start)
    }

    fn starting(mode: Mode, now: Timestamp) -> Self {
        let inner =
            Inner { mode, now: Mutex::new(now), busy: AtomicUsize::new(0), touched: Mutex::new(Instant::now()) };
        Self(Arc::new(inner))
    }

    /// How time passes.
    pub fn mode(&self) -> Mode {
        self.0.mode
    }

    /// The time in the cluster.
    pub fn now(&self) -> Timestamp {
        match self.0.mode {
            Mode::Real => Timestamp::now(),
            Mode::Virtual => *self.0.now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// The time as `metav1.Time` is written: RFC 3339 in UTC, whole seconds.
    pub fn stamp(&self) -> String {
        stamp(self.now())
    }

    /// The time as `metav1.MicroTime` is written: with six decimals.
    pub fn micro(&self) -> String {
        self.now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
    }

    /// Moves a virtual clock forward; never back, and a real one not at all.
    pub fn advance_to(&self, time: Timestamp) {
        if self.0.mode == Mode::Virtual {
            let mut now = self.0.now.lock().unwrap_or_else(PoisonError::into_inner);
            *now = time.max(*now);
        }
    }

    /// Holds a virtual clock as long as the guard lives: somebody works on something that takes real time.
    pub fn busy(&self) -> Busy {
        self.0.busy.fetch_add(1, Ordering::AcqRel);
        Busy(self.clone())
    }

    /// Whether somebody holds the clock.
    pub fn is_busy(&self) -> bool {
        self.0.busy.load(Ordering::Acquire) > 0
    }

    /// Notes that a client asked for something just now.
    pub fn touch(&self) {
        *self.0.touched.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Real time since a client last asked for something, or a holder let go.
    pub fn quiet_for(&self) -> Duration {
        self.0.touched.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

/// Holds a virtual clock; see [`Clock::busy`].
#[derive(Debug)]
pub struct Busy(Clock);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.touch();
        self.0.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A time as `metav1.Time` is written.
pub fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_moves_only_forward_and_when_told() {
        let clock = Clock::virtual_from("2026-11-24T10:00:00.25Z".parse().unwrap());
        assert_eq!(
            (clock.stamp().as_str(), clock.micro().as_str()),
            ("2026-11-24T10:00:00Z", "2026-11-24T10:00:00.250000Z")
        );
        clock.advance_to("2026-11-24T10:05:00Z".parse().unwrap());
        clock.advance_to("2026-11-24T10:01:00Z".parse().unwrap());
        assert_eq!(clock.stamp(), "2026-11-24T10:05:00Z");
    }

    #[test]
    fn a_guard_holds_the_clock_until_it_is_dropped() {
        let clock = Clock::new(Mode::Virtual);
        let guards = (clock.busy(), clock.busy());
        drop(guards.0);
        assert!(clock.is_busy());
        drop(guards.1);
        assert!(!clock.is_busy());
    }
}
