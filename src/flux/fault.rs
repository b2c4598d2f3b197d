//! What is at fault when a delivery fails: object, reason, events, last log lines, probable cause.

use std::fmt::Write as _;

use crate::error::{Code, Error, ObjectRef};

/// The last lines of a container's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogTail {
    /// `namespace/name` of the pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Whether it is the log of the instance before the present one.
    pub previous: bool,
    /// Oldest first.
    pub lines: Vec<String>,
}

/// Why a delivery can no longer become ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The object at fault.
    pub object: ObjectRef,
    /// One line, without the object: `container metastore exited 1 three times (CrashLoopBackOff)`.
    pub reason: String,
    /// Its latest events, newest last: `Warning BackOff (x3): Back-off restarting failed container`.
    pub events: Vec<String>,
    /// What its container wrote last.
    pub log: Option<LogTail>,
    /// What probably lies behind it: one sentence.
    pub cause: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault without events, log or cause.
    pub fn new(object: ObjectRef, reason: impl Into<String>) -> Self {
        Self { object, reason: reason.into(), events: Vec::new(), log: None, cause: None, hint: None }
    }

    /// The fault as an error of code `failed`: log lines, events and cause become notes, in this order.
    pub fn to_error(&self) -> Error {
        let object = &self.object;
        let mut error = Error::new(Code::Failed, format!("{object}: {}", self.reason)).object(
            &object.kind,
            object.namespace.as_deref(),
            &object.name,
        );
        if let Some(log) = self.log.as_ref().filter(|log| !log.lines.is_empty()) {
            error = error.note(block("last log lines", &log.lines));
        }
        if !self.events.is_empty() {
            error = error.note(block("events", &self.events));
        }
        if let Some(cause) = &self.cause {
            error = error.note(cause.clone());
        }
        match &self.hint {
            Some(hint) => error.hint(hint.clone()),
            None => error,
        }
    }
}

fn block(title: &str, lines: &[String]) -> String {
    let mut text = title.to_string();
    for line in lines {
        let _ = write!(text, "\n  {line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_carries_log_events_and_cause() {
        let object = ObjectRef { kind: "Pod".into(), namespace: Some("data".into()), name: "hive-1".into() };
        let mut fault = Fault::new(object, "container metastore exited 1 three times (CrashLoopBackOff)");
        fault.log = Some(LogTail {
            pod: "data/hive-1".into(),
            container: "metastore".into(),
            previous: true,
            lines: vec!["MetaException: Version information not found in metastore".into()],
        });
        fault.events = vec!["Warning BackOff: Back-off restarting failed container".into()];
        fault.cause = Some("probably because Job data/schema failed (BackoffLimitExceeded)".into());
        let error = fault.to_error();
        assert_eq!(error.code(), Code::Failed);
        assert_eq!(error.message(), "Pod data/hive-1: container metastore exited 1 three times (CrashLoopBackOff)");
        assert_eq!(
            error.notes(),
            [
                "last log lines\n  MetaException: Version information not found in metastore",
                "events\n  Warning BackOff: Back-off restarting failed container",
                "probably because Job data/schema failed (BackoffLimitExceeded)",
            ]
        );
    }
}
