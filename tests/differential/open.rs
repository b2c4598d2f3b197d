//! Answers that are known to be wrong and still to be put right, as against those of `docs/simulator.md`, which may stay.
//!
//! The list can only get shorter: what is not in it must be right, and what is right must not be in it.
//! `DPB_DIFFERENTIAL_OPEN=1 cargo test --test differential` writes it anew.

#![allow(clippy::format_push_string, reason = "a report, once a run")]

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::corpus;

/// The lines `story/step` of `open.txt`.
pub(crate) struct Open {
    listed: BTreeSet<String>,
    met: RefCell<BTreeSet<String>>,
}

impl Open {
    /// Reads the list.
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string(corpus::folder().join("open.txt")).unwrap_or_default();
        let listed = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect();
        Self { listed, met: RefCell::default() }
    }

    /// Whether this wrong answer is listed.
    pub(crate) fn contains(&self, story: &str, step: usize) -> bool {
        let name = format!("{story}/{step}");
        self.met.borrow_mut().insert(name.clone());
        self.listed.contains(&name)
    }

    /// What is listed and was right.
    pub(crate) fn closed(&self) -> Vec<String> {
        self.listed.difference(&self.met.borrow()).cloned().collect()
    }

    /// Lists what was wrong in this run.
    pub(crate) fn write(&self) {
        let mut text = "# Wrong answers of the simulator, still to be put right: story/step. See open.rs.\n".to_owned();
        for name in self.met.borrow().iter() {
            text += &format!("{name}\n");
        }
        std::fs::write(corpus::folder().join("open.txt"), text).unwrap();
    }
}
