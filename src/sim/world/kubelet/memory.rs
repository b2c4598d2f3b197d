//! What the kubelets remember from look to look; lost with the process, and made again.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use serde_json::Value;

use crate::sim::world::hash::fnv32;
use crate::sim::world::read::{text, uid};
use crate::sim::world::view::View;

use super::model::Model;

/// What the kubelets remember.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) model: Option<Model>,
    /// Images by node.
    pub(super) images: HashSet<(String, String)>,
    /// When the pull of a container's image began: pod uid and container.
    pub(super) pulls: BTreeMap<(String, String), Timestamp>,
    /// Pods that were told to stop, and when they will have.
    pub(super) stopping: HashMap<String, Timestamp>,
    /// Addresses in use, by pod uid.
    pub(super) addresses: HashMap<String, String>,
    /// Events that were told once for a pod.
    pub(super) told: HashSet<(String, String)>,
}

impl Memory {
    /// Forgets pods that are gone.
    pub(super) fn forget(&mut self, view: &View) {
        let there = |own: &str| view.by_uid(own).is_some();
        self.pulls.retain(|(own, _), _| there(own));
        self.stopping.retain(|own, _| there(own));
        self.addresses.retain(|own, _| there(own));
        self.told.retain(|(own, _)| there(own));
    }

    /// The pod's address: one that no other pod has.
    pub(super) fn address(&mut self, view: &View, pod: &Value) -> String {
        let known = text(pod, "/status/podIP");
        if !known.is_empty() {
            return known.to_owned();
        }
        if self.addresses.is_empty() {
            let all = view.all("Pod").filter(|p| !text(p, "/status/podIP").is_empty());
            self.addresses = all.map(|p| (uid(p).to_owned(), text(p, "/status/podIP").to_owned())).collect();
        }
        let used: HashSet<&String> = self.addresses.values().collect();
        let mut number = fnv32(uid(pod).as_bytes()) % 65_000;
        let free = loop {
            let address = format!("10.244.{}.{}", number / 254, number % 254 + 1);
            if !used.contains(&address) || used.len() >= 65_000 {
                break address;
            }
            number = (number + 1) % 65_000;
        };
        self.addresses.insert(uid(pod).to_owned(), free.clone());
        free
    }
}
