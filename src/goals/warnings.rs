//! What is odd in a ledger, and yet no error.

use serde_json::Value;

use super::model::Status;
use super::{Ledger, Next, stamp};

impl Ledger {
    /// Everything odd, one sentence each: words that nobody knows, prerequisites that lead nowhere, a stale
    /// `current_status`.
    pub fn warnings(&self) -> Vec<String> {
        let mut all = self.unknown_words();
        all.extend(self.prerequisites_that_lead_nowhere());
        all.extend(self.timestamps());
        all.extend(self.stale());
        all
    }

    /// Status words that nobody knows.
    pub fn unknown_words(&self) -> Vec<String> {
        let phases = self.phases().iter().map(|phase| (format!("phase {}", phase.id), &phase.status_word));
        let objectives =
            self.objectives().map(|objective| (format!("objective {}", objective.id), &objective.status_word));
        let odd = phases.chain(objectives).filter(|(_, word)| Status::of(word).is_none());
        let sentence = |(what, word): (String, &String)| {
            format!("{what}: the status `{word}` counts as pending; `{}` is expected", Status::meant_by(word))
        };
        odd.map(sentence).collect()
    }

    fn prerequisites_that_lead_nowhere(&self) -> Vec<String> {
        let mut all = Vec::new();
        for objective in self.objectives() {
            for entry in objective.prerequisites.iter().map(|entry| entry.trim()) {
                if entry == objective.id {
                    all.push(format!("objective {entry} names itself as a prerequisite"));
                } else if looks_like_an_id(entry) && !self.objectives().any(|other| other.id == entry) {
                    all.push(format!("objective {}: its prerequisite `{entry}` is no objective", objective.id));
                }
            }
        }
        if let Next::BlockedBy(objective) = self.next()
            && objective.status != Status::Blocked
        {
            all.push(format!("no objective can come next: the prerequisites of {} form a circle", objective.id));
        }
        all
    }

    fn timestamps(&self) -> Vec<String> {
        let mut all = Vec::new();
        for objective in self.objectives() {
            match &objective.completion_timestamp {
                Some(text) if text.parse::<jiff::Timestamp>().is_err() => {
                    all.push(format!("objective {}: completion_timestamp `{text}` is not RFC 3339", objective.id));
                }
                _ => {}
            }
        }
        if let Some(Value::String(text)) = self.value().pointer("/metadata/last_updated")
            && stamp::form(text).is_none()
        {
            all.push(format!("metadata.last_updated `{text}` has a form that dpb does not know: it is left as it is"));
        }
        if let Some(word) = &self.triggers().evaluation_status
            && !matches!(word.as_str(), "pending" | "evaluated")
        {
            all.push(format!("trigger_conditions.evaluation_status `{word}` is neither pending nor evaluated"));
        }
        all
    }

    /// Where `current_status` and the phases' status disagree with the objectives.
    pub fn stale(&self) -> Vec<String> {
        let mut all = Vec::new();
        for phase in self.phases() {
            if Status::of(&phase.status_word).is_some_and(|status| status != phase.derived()) {
                let (says, is) = (&phase.status_word, phase.derived());
                all.push(format!("phase {} says {says}, its objectives say {is}", phase.id));
            }
        }
        let derived = serde_json::to_value(self.current()).unwrap_or_default();
        for (key, says) in self.value().get("current_status").and_then(Value::as_object).into_iter().flatten() {
            match derived.get(key) {
                Some(is) if !same(is, says) => {
                    all.push(format!("current_status.{key} says {says}, the objectives say {is}"));
                }
                _ => {}
            }
        }
        all
    }
}

/// Equal as people mean it: 25 and 25.0 are one number.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() < f64::EPSILON,
        _ => a == b,
    }
}

/// Digits and dots: `1.2`.
fn looks_like_an_id(entry: &str) -> bool {
    entry.starts_with(|c: char| c.is_ascii_digit()) && entry.chars().all(|c| c.is_ascii_digit() || c == '.')
}
