//! The lines of a wait: one live line a step, ended with what was seen.

use std::sync::{Arc, Mutex, PoisonError};

use crate::check::Verdict;
use crate::flux::StepEvent;
use crate::progress::Progress;
use crate::ui::{Live, Ui};

/// Turns the events of a wait into lines.
#[derive(Clone)]
pub(super) struct Steps {
    ui: Ui,
    current: Arc<Mutex<Option<Live>>>,
}

impl Steps {
    /// No step yet.
    pub(super) fn new(ui: &Ui) -> Self {
        Self { ui: ui.clone(), current: Arc::default() }
    }

    /// Where the wait says why it waits: the line of the step that lasts.
    pub(super) fn progress(&self) -> Progress {
        let current = Arc::clone(&self.current);
        Progress::new(move |reason| {
            if let Some(live) = current.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
                live.say(reason);
            }
        })
    }

    /// A step began or ended.
    pub(super) fn on(&self, event: &StepEvent) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            StepEvent::Started(step) => *current = Some(self.ui.live(step.as_str())),
            StepEvent::Done { seen, .. } => end(&mut current, Verdict::Pass, seen),
            StepEvent::Failed { fault, .. } => {
                end(&mut current, Verdict::Fail, &format!("{}: {}", fault.object, fault.reason));
            }
            StepEvent::TimedOut { reason, .. } => end(&mut current, Verdict::Fail, &format!("out of time: {reason}")),
        }
    }
}

fn end(current: &mut Option<Live>, verdict: Verdict, seen: &str) {
    if let Some(live) = current.take() {
        live.end(verdict, seen);
    }
}
