//! Ready or not, by generation and by one condition.

use serde_json::Value;

use super::condition::Condition;

/// Whether an object is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is.
    Ready,
    /// It is not, for this reason.
    NotReady(String),
    /// It does not say; the reason why not.
    Unknown(String),
}

impl Readiness {
    /// Whether it is ready.
    pub fn is_ready(&self) -> bool {
        *self == Self::Ready
    }

    /// Why it is not ready; empty when it is.
    pub fn reason(&self) -> &str {
        match self {
            Self::Ready => "",
            Self::NotReady(reason) | Self::Unknown(reason) => reason,
        }
    }
}

/// What a condition says, unless it speaks of an older spec.
pub(super) fn by_condition(object: &Value, found: &Condition) -> Readiness {
    let generation = object["metadata"]["generation"].as_i64();
    if let (Some(seen), Some(now)) = (found.observed_generation, generation)
        && seen < now
    {
        return Readiness::NotReady(format!(
            "{} still speaks of generation {seen}, the object is at {now}",
            found.kind
        ));
    }
    match found.status.as_str() {
        "True" => Readiness::Ready,
        _ => Readiness::NotReady(found.text()),
    }
}

/// Not ready while the controller has not seen the newest spec.
pub(super) fn lag(object: &Value) -> Option<Readiness> {
    let (seen, now) = (object["status"]["observedGeneration"].as_i64()?, object["metadata"]["generation"].as_i64()?);
    (seen < now)
        .then(|| Readiness::NotReady(format!("its controller has seen generation {seen}, the object is at {now}")))
}
