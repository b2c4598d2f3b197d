//! In which order the elements of a patched list stand.

use serde_json::Value;

use super::super::go_text;
use super::super::status::Status;
use super::shape::unforeseen;

/// What identifies an element: the value of its key, or itself where there is no key.
pub(super) fn identity<'a>(item: &'a Value, key: &str) -> &'a Value {
    if key.is_empty() { item } else { &item[key] }
}

fn position(list: &[Value], item: &Value, key: &str) -> Option<usize> {
    list.iter().position(|other| identity(other, key) == identity(item, key))
}

/// 500 for an element without its key.
pub(super) fn no_key(item: &Value, key: &str) -> Status {
    unforeseen(format!("map: {} does not contain declared merge key: {key}", go_text::plain(item)))
}

/// Puts the elements that the patch speaks of into its order, leaves the others in theirs, and interleaves both by the
/// order of the live list as far as that goes.
pub(super) fn arrange(merged: Vec<Value>, wanted: &[Value], live: &[Value], key: &str) -> Result<Vec<Value>, Status> {
    if !key.is_empty() {
        for item in merged.iter().chain(wanted).chain(live) {
            if item.get(key).is_none() {
                return Err(no_key(item, key));
            }
        }
    }
    let (mut right, mut left): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|item| position(wanted, item, key).is_some());
    right.sort_by_key(|item| position(wanted, item, key));
    left.sort_by_key(|item| position(live, item, key));
    let mut out = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    loop {
        let from_left = match (left.peek(), right.peek()) {
            (None, None) => return Ok(out),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(l), Some(r)) => match (position(live, l, key), position(live, r, key)) {
                (Some(l), Some(r)) => l < r,
                _ => false,
            },
        };
        out.extend(if from_left { left.next() } else { right.next() });
    }
}

/// Whether the patch's elements stand in the order that it gives itself, and are all named there.
pub(super) fn check(patch: &[Value], wanted: &[Value], key: &str, directive: &str) -> Result<(), Status> {
    if wanted.is_empty() || patch.is_empty() {
        return Ok(());
    }
    let kept: Vec<&Value> = patch.iter().filter(|item| key.is_empty() || item["$patch"] != "delete").collect();
    let (mut at, mut order) = (0, 0);
    while at < kept.len() && order < wanted.len() {
        if kept[at].get(directive).is_some() {
            at += 1;
            continue;
        }
        if !key.is_empty() {
            for item in [kept[at], &wanted[order]] {
                if item.get(key).is_none() {
                    return Err(no_key(item, key));
                }
            }
        }
        if identity(kept[at], key) == identity(&wanted[order], key) {
            at += 1;
        }
        order += 1;
    }
    if at < kept.len() && order >= wanted.len() {
        let (patch, wanted) = (Value::Array(patch.to_vec()), Value::Array(wanted.to_vec()));
        return Err(unforeseen(format!(
            "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
            go_text::plain(&patch),
            go_text::plain(&wanted)
        )));
    }
    Ok(())
}
