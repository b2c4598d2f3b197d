//! All pods that want a node beside all that have one: what every order of placing starts from.

use super::counts::{Counts, Field, Neighbour};
use super::demand::{Demand, PodKind, PodNeed};
use super::load::{Load, refusal};
use super::orders::Lots;
use super::refusal::Refusal;
use super::requests::Requests;
use super::room::{BoundPod, Room};
use super::score::scores;
use super::selector::Labels;
use super::wanted::Wanted;

/// What every order starts from.
pub(crate) struct Table<'a> {
    pub(crate) field: Field<'a>,
    room: &'a Room,
    pub(crate) entries: Vec<Entry<'a>>,
    /// By workload: the entries of its pods, one after the other.
    pub(crate) turns: Vec<Vec<usize>>,
    /// By workload: pods of the room that make way.
    leaving: Vec<Vec<usize>>,
    /// By workload: how many of these go first.
    ahead: Vec<i64>,
    pub(crate) start: State<'a>,
}

/// Pods that are all alike.
pub(crate) struct Entry<'a> {
    pub(crate) wanted: Wanted<'a>,
    /// The only node that is meant, for a `DaemonSet`.
    pub(crate) only: Option<usize>,
}

/// Who is where.
#[derive(Clone)]
pub(crate) struct State<'a> {
    pub(crate) loads: Vec<Load>,
    /// By entry.
    counts: Vec<Counts<'a>>,
    /// By workload, in the order in which they go.
    leaving: Vec<Vec<usize>>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(room: &'a Room, demand: &'a Demand) -> Self {
        let field = Field { nodes: &room.nodes, namespaces: &room.namespaces };
        let leaving: Vec<Vec<usize>> = demand.pods.iter().map(|need| leaving(room, need)).collect();
        let start = State { loads: loads(room), counts: Vec::new(), leaving: leaving.clone() };
        // A DaemonSet's pods make way node by node: the place is free when the new one comes.
        let ahead = |need: &PodNeed| if need.kind == PodKind::Daemon { i64::MAX } else { need.ahead };
        let ahead = demand.pods.iter().map(ahead).collect();
        let mut table = Self { field, room, entries: Vec::new(), turns: Vec::new(), leaving, ahead, start };
        for (index, need) in demand.pods.iter().enumerate() {
            table.take_up(index, need);
        }
        for entry in &table.entries {
            table.start.counts.push(count(field, &entry.wanted, &room.pods));
        }
        table
    }

    fn take_up(&mut self, index: usize, need: &'a PodNeed) {
        let first = self.entries.len();
        let wanted = |daemon| {
            let who = (need.namespace.as_str(), &need.labels);
            Wanted::new(who, &need.spec, need.requests.clone(), need.owner.clone(), daemon, self.field.nodes)
        };
        if need.kind != PodKind::Daemon {
            let going = self.leaving[index].len();
            let count = if going > 0 { need.wanted } else { need.new };
            self.turns.push(vec![first; usize::try_from(count).unwrap_or_default()]);
            let entry = Entry { wanted: wanted(false), only: None };
            self.entries.push(entry);
            return;
        }
        let has = |node: usize| {
            let here = |(i, pod): (usize, &BoundPod)| {
                pod.node == self.field.nodes[node].name
                    && pod.namespace == need.namespace
                    && !self.leaving[index].contains(&i)
                    && contains(&pod.labels, &need.labels)
            };
            self.room.pods.iter().enumerate().any(here)
        };
        let mut entries = Vec::new();
        for node in 0..self.field.nodes.len() {
            let mut wanted = wanted(true);
            if wanted.views[node].refusal.is_some() || has(node) {
                continue;
            }
            for (_, view) in wanted.views.iter_mut().enumerate().filter(|(other, _)| *other != node) {
                view.refusal = Some(Refusal::NotSelected);
                view.selected = false;
            }
            entries.push(Entry { wanted, only: Some(node) });
        }
        self.turns.push((first..first + entries.len()).collect());
        self.entries.append(&mut entries);
    }

    /// Whether any order and any choice of nodes goes well: each pod has a node where all of them together would fit.
    pub(crate) fn is_roomy(&self) -> bool {
        let mut total = Requests::default();
        let pods = self.turns.iter().map(Vec::len).sum::<usize>();
        for entry in self.turns.iter().flatten() {
            total.add(&self.entries[*entry].wanted.requests);
        }
        let roomy = |node: &usize| {
            let (whole, load) = (&self.field.nodes[*node], &self.start.loads[*node]);
            let enough = |(name, amount): (&str, i64)| whole.allocatable.get(name) - load.requested.get(name) >= amount;
            whole.allocatable_pods - load.pods >= i64::try_from(pods).unwrap_or(i64::MAX)
                && total.named().into_iter().all(enough)
        };
        let plain = |entry: &Entry<'_>, counts: &Counts<'_>| {
            let rules = &entry.wanted.rules;
            rules.near.is_empty()
                && rules.apart.is_empty()
                && rules.ports.is_empty()
                && counts.kept.is_empty()
                && entry.wanted.hard.is_empty()
        };
        self.leaving.iter().all(Vec::is_empty)
            && self.entries.iter().zip(&self.start.counts).all(|(entry, counts)| {
                let takes = |node: &usize| entry.wanted.views[*node].refusal.is_none();
                plain(entry, counts) && (0..self.field.nodes.len()).filter(takes).any(|node| roomy(&node))
            })
    }

    /// The node that the scheduler would choose for a pod of this entry; lots decide between equals.
    pub(crate) fn choose(&self, state: &State<'a>, entry: usize, lots: &mut Lots) -> Option<usize> {
        let (wanted, counts) = (&self.entries[entry].wanted, &state.counts[entry]);
        let takes = |node: &usize| refusal(self.field, wanted, counts, &state.loads[*node], *node).is_none();
        let taking: Vec<usize> = (0..self.field.nodes.len()).filter(takes).collect();
        if taking.len() < 2 {
            return taking.first().copied();
        }
        let scores = scores(self.field, wanted, counts, &state.loads, &taking);
        let best = scores.iter().max()?;
        let equals: Vec<usize> = taking.iter().zip(&scores).filter(|(_, s)| *s == best).map(|(n, _)| *n).collect();
        equals.get(lots.draw(equals.len())).copied()
    }

    /// A pod of an entry comes to a node.
    pub(crate) fn seat(&self, state: &mut State<'a>, entry: usize, node: usize) {
        let wanted = &self.entries[entry].wanted;
        state.loads[node].add(&wanted.requests, wanted.nonzero, &wanted.rules.ports);
        let (namespace, labels, rules) = (wanted.namespace, wanted.labels, &wanted.rules);
        self.tell(state, Neighbour { namespace, labels, rules, terminating: false }, node, 1);
    }

    /// How many pods make way before a workload's first new one comes.
    pub(crate) fn ahead(&self, need: usize) -> i64 {
        self.ahead[need]
    }

    /// The next pod that makes way for a workload's new ones goes, if any is left.
    pub(crate) fn let_go(&self, state: &mut State<'a>, need: usize) -> bool {
        let Some(pod) = state.leaving[need].pop().and_then(|i| self.room.pods.get(i)) else { return false };
        if let Some(node) = self.field.nodes.iter().position(|node| node.name == pod.node) {
            state.loads[node].remove(&pod.requests, pod.nonzero, &pod.rules.ports);
            self.tell(state, neighbour(pod), node, -1);
        }
        true
    }

    fn tell(&self, state: &mut State<'a>, pod: Neighbour<'_>, node: usize, by: i64) {
        for (entry, counts) in self.entries.iter().zip(&mut state.counts) {
            counts.change(self.field, &entry.wanted, pod, node, by);
        }
    }

    /// Why no node takes a pod of this entry.
    pub(crate) fn why(&self, state: &State<'a>, entry: usize) -> Vec<String> {
        let Entry { wanted, only, .. } = &self.entries[entry];
        (0..self.field.nodes.len())
            .filter(|node| only.is_none_or(|only| only == *node))
            .filter_map(|node| {
                let refusal = refusal(self.field, wanted, &state.counts[entry], &state.loads[node], node)?;
                Some(format!("{} {}", self.field.nodes[node].name, refusal.words()))
            })
            .collect()
    }
}

impl State<'_> {
    /// Which of the pods that make way goes first is not known.
    pub(crate) fn shuffle(&mut self, lots: &mut Lots) {
        self.leaving.iter_mut().for_each(|pods| lots.shuffle(pods));
    }
}

/// What is on the nodes of a room.
pub(crate) fn loads(room: &Room) -> Vec<Load> {
    let mut loads: Vec<Load> = room.nodes.iter().map(Load::of).collect();
    for pod in room.pods.iter().filter(|pod| !pod.rules.ports.is_empty()) {
        if let Some(node) = room.nodes.iter().position(|node| node.name == pod.node) {
            loads[node].ports.extend_from_slice(&pod.rules.ports);
        }
    }
    loads
}

/// Which pods of the room matter to one that wants a node.
pub(crate) fn count<'a>(field: Field<'a>, wanted: &Wanted<'_>, pods: &[BoundPod]) -> Counts<'a> {
    let mut counts = Counts::new(field, wanted);
    let all = wanted.looks_around();
    for pod in pods.iter().filter(|pod| !pod.node.is_empty() && (all || pod.rules.is_social())) {
        if let Some(node) = field.nodes.iter().position(|node| node.name == pod.node) {
            counts.change(field, wanted, neighbour(pod), node, 1);
        }
    }
    counts
}

/// A pod of the room, as others see it.
pub(crate) fn neighbour(pod: &BoundPod) -> Neighbour<'_> {
    Neighbour { namespace: &pod.namespace, labels: &pod.labels, rules: &pod.rules, terminating: pod.terminating }
}

fn leaving(room: &Room, need: &PodNeed) -> Vec<usize> {
    let goes = |pod: &BoundPod| need.replaced.iter().any(|(ns, name)| *ns == pod.namespace && *name == pod.name);
    room.pods.iter().enumerate().filter(|(_, pod)| goes(pod)).map(|(i, _)| i).collect()
}

fn contains(labels: &Labels, wanted: &Labels) -> bool {
    let stamp = |key: &str| key == "controller-revision-hash";
    !wanted.is_empty() && wanted.iter().all(|(key, value)| stamp(key) || labels.get(key) == Some(value))
}
