//! What was kept, read into memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use serde_json::Value;

use super::super::api::Gvr;
use super::entry::{Entry, Key};

/// The objects of a cluster, and the named parts beside them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// The newest version that was given to a change; 0 if there was none.
    pub version: u64,
    /// The objects, as [`super::super::api::Store::restore`] takes them.
    pub objects: Vec<(Gvr, Arc<Value>)>,
    /// Parts by name.
    pub parts: BTreeMap<String, Value>,
}

/// Below this many, one thread is quicker than several.
const FEW: usize = 64;

/// Reads the values of entries, several at a time. The error is the key of one that is no JSON.
pub(super) fn values(entries: &[Entry<'_>]) -> Result<Vec<(Key, Value)>, String> {
    let one = |entry: &Entry<'_>| {
        let value = serde_json::from_slice(entry.value).ok();
        Key::parse(entry.key).zip(value).ok_or_else(|| entry.key.to_owned())
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(4);
    if entries.len() < FEW || threads == 1 {
        return entries.iter().map(one).collect();
    }
    let share = entries.len().div_ceil(threads);
    let shares: Vec<Result<Vec<(Key, Value)>, String>> = thread::scope(|scope| {
        let started: Vec<_> =
            entries.chunks(share).map(|share| scope.spawn(move || share.iter().map(one).collect())).collect();
        let ended = started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a thread".to_owned())));
        ended.collect()
    });
    let mut all = Vec::with_capacity(entries.len());
    for share in shares {
        all.extend(share?);
    }
    Ok(all)
}

impl Kept {
    /// Of keys and values.
    pub(super) fn of(version: u64, values: Vec<(Key, Value)>) -> Self {
        let mut kept = Self { version, ..Self::default() };
        for (key, value) in values {
            match key {
                Key::Object { gvr, .. } => kept.objects.push((gvr, Arc::new(value))),
                Key::Part(name) => {
                    kept.parts.insert(name, value);
                }
            }
        }
        kept
    }
}
