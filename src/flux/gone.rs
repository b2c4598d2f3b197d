//! Waiting until objects are gone: after a revert, Flux says "ready" while a finalizer still holds them.

use std::fmt::Write as _;

use serde_json::Value;

use crate::cancel::Cancel;
use crate::cluster::Cluster;
use crate::error::{Code, Error, Result};
use crate::progress::Progress;

use super::board::{Board, Key, Seen};
use super::deliver::{Run, TICK};
use super::delivery::Step;
use super::inventory::InventoryEntry;
use super::judgement::{condition, one_line, text};

/// An object that is not gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The object.
    pub object: InventoryEntry,
    /// Why: `deleted at …, held by finalizer x`.
    pub reason: String,
}

impl Run<'_> {
    /// Waits until the delivery's objects are gone.
    pub(crate) async fn gone(&mut self) -> Result<()> {
        let since = self.begin(Step::Gone);
        let objects = self.delivery.gone.clone();
        for object in &objects {
            self.board.watch(&Key::of(object)).await;
        }
        loop {
            match first_held(&self.board, &objects) {
                None => break,
                Some((reason, key)) => self.say(&reason, &key),
            }
            self.next().await?;
        }
        self.applied.gone = objects.len();
        self.end(Step::Gone, since, format!("{0} of {0} objects gone", objects.len()));
        Ok(())
    }
}

/// Waits until none of `objects` exists. When the time of `cancel` is over, the error's notes name those that are left
/// and who holds them.
pub async fn wait_gone(
    cluster: &Cluster,
    objects: &[InventoryEntry],
    cancel: &Cancel,
    progress: &Progress,
) -> Result<()> {
    let mut board = Board::new(cluster);
    let wait = async {
        for object in objects {
            board.watch(&Key::of(object)).await;
        }
        let mut said = String::new();
        while let Some((reason, _)) = first_held(&board, objects) {
            if reason != said {
                progress.say(&reason);
                said = reason;
            }
            board.next(TICK).await?;
        }
        Ok(())
    };
    match cancel.run(wait).await {
        Err(error) if error.code() == Code::Timeout => Err(still_there(&board, objects)),
        other => other,
    }
}

/// Looks once which of `objects` exist, and who holds them.
pub async fn held(cluster: &Cluster, objects: &[InventoryEntry]) -> Result<Vec<Held>> {
    let mut left = Vec::new();
    for object in objects {
        let found = match cluster
            .find(object.kind_name().as_str(), object.object.namespace.as_deref(), &object.object.name)
            .await
        {
            Err(error) if error.code() == Code::UnknownKind => None,
            other => other?,
        };
        if let Some(found) = found {
            left.push(Held { object: object.clone(), reason: holder(&found) });
        }
    }
    Ok(left)
}

fn first_held(board: &Board, objects: &[InventoryEntry]) -> Option<(String, Key)> {
    let mut left = 0;
    let mut first = None;
    for object in objects {
        let key = Key::of(object);
        let reason = match board.see(&key) {
            Seen::Absent => continue,
            Seen::Unknown => "not looked at yet".to_string(),
            Seen::Present(found) => holder(found),
        };
        left += 1;
        // One that is held says more than one that is not deleted yet.
        let better = matches!(board.see(&key), Seen::Present(o) if !text(o, "/metadata/deletionTimestamp").is_empty());
        if first.is_none() || (better && !matches!(first, Some((_, _, true)))) {
            first = Some((format!("{object} {reason}"), key, better));
        }
    }
    let (reason, key, _) = first?;
    let rest = if left > 1 { format!(", and {} more", left - 1) } else { String::new() };
    Some((format!("{reason}{rest}"), key))
}

fn still_there(board: &Board, objects: &[InventoryEntry]) -> Error {
    let left: Vec<(&InventoryEntry, String)> = objects
        .iter()
        .filter_map(|object| match board.see(&Key::of(object)) {
            Seen::Absent => None,
            Seen::Unknown => Some((object, "not looked at".to_string())),
            Seen::Present(found) => Some((object, holder(found))),
        })
        .collect();
    let mut note = String::from("left");
    for (object, reason) in &left {
        let _ = write!(note, "\n  {object} {reason}");
    }
    Error::new(Code::Timeout, format!("{} of {} objects are still there", left.len(), objects.len()))
        .note(note)
        .hint("Find out why the finalizer's controller does not let go; the objects disappear when it does")
}

/// Who keeps an object in being.
fn holder(object: &Value) -> String {
    let since = text(object, "/metadata/deletionTimestamp");
    if since.is_empty() {
        return "is not deleted yet".into();
    }
    let finalizers = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    let names: Vec<&str> = finalizers.into_iter().flatten().filter_map(Value::as_str).collect();
    if let Some(check) = condition(object, "Reconciling")
        .filter(|c| c.status == "True" && c.message.starts_with("Running health checks"))
    {
        let timeout = one_line(check.message);
        let timeout = timeout.rsplit(' ').next().unwrap_or_default();
        return format!("is being deleted; its running health check ends first (its timeout: {timeout})");
    }
    match names.len() {
        0 => "is being deleted".into(),
        1 => format!("is held by finalizer {}", names[0]),
        _ => format!("is held by finalizers {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_holds_an_object() {
        let deleted = |finalizers: Value, conditions: Value| {
            json!({"metadata": {"deletionTimestamp": "2026-11-24T10:00:00Z", "finalizers": finalizers},
                "status": {"conditions": conditions}})
        };
        assert_eq!(holder(&json!({"metadata": {}})), "is not deleted yet");
        assert_eq!(holder(&deleted(json!(["a/b"]), json!([]))), "is held by finalizer a/b");
        assert_eq!(holder(&deleted(json!(["a/b", "c/d"]), json!([]))), "is held by finalizers a/b, c/d");
        assert_eq!(holder(&deleted(Value::Null, json!([]))), "is being deleted");
        let checking = json!([{"type": "Reconciling", "status": "True",
            "message": "Running health checks for revision main@sha1:ab with a timeout of 1m0s"}]);
        assert_eq!(
            holder(&deleted(json!(["finalizers.fluxcd.io"]), checking)),
            "is being deleted; its running health check ends first (its timeout: 1m0s)"
        );
    }
}
