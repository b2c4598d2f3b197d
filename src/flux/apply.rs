//! The chain of Kustomizations: parents apply the revision before their children are believed.

use std::collections::HashSet;

use serde_json::Value;

use crate::error::Result;

use super::board::{Key, Seen};
use super::cause;
use super::deliver::Run;
use super::delivery::{Named, Step};
use super::fault::Fault;
use super::judgement::{Judgement, condition, full_name, generation, is_suspended, text};
use super::kustomization::{dependency, has_applied, is_checking_health, judge_kustomization};
use super::revision::short;

/// How far a chain of dependencies is followed.
const DEPTH: usize = 12;

impl Run<'_> {
    /// Waits until every Kustomization of the chain has applied our revision; their health may still be looked at.
    pub(crate) async fn apply(&mut self) -> Result<()> {
        let since = self.begin(Step::Apply);
        let mut opened = HashSet::new();
        loop {
            match self.chain(&mut opened).await? {
                Chain::Applied => break,
                Chain::Waiting(reason, key) => self.say(&reason, &key),
                Chain::Failed(fault) => return Err(self.fail(Step::Apply, since, *fault)),
            }
            self.next().await?;
        }
        let names: Vec<&str> = self.delivery.chain.iter().map(|name| name.name.as_str()).collect();
        let seen = format!("{} at {}", names.join(" → "), short(&self.applied.revision));
        self.end(Step::Apply, since, seen);
        Ok(())
    }

    /// Looks at the whole chain once. `opened` remembers whose parent was seen to have applied.
    pub(crate) async fn chain(&mut self, opened: &mut HashSet<usize>) -> Result<Chain> {
        let mut waiting: Option<(String, Key)> = None;
        for place in 0..self.delivery.chain.len() {
            let (judgement, key) = (self.judge(place, opened).await?, Key::kustomization(&self.delivery.chain[place]));
            match judgement {
                Judgement::Ready => {
                    let took = self.started.elapsed();
                    self.ready_after.entry(place).or_insert(took);
                }
                Judgement::Waiting(reason) => {
                    let applied = opened.contains(&place)
                        && self.board.present(&key).is_some_and(|ks| has_applied(ks, &|r| self.is_ours(r)));
                    if applied {
                        if let Some(fault) = self.hanging_parent(&key).await? {
                            return Ok(Chain::Failed(Box::new(fault)));
                        }
                    } else {
                        waiting.get_or_insert((reason, key));
                    }
                }
                Judgement::Failed(reason) => {
                    let fault = self.failed_kustomization(place, &key, &reason).await;
                    return Ok(Chain::Failed(Box::new(fault)));
                }
            }
        }
        Ok(waiting.map_or(Chain::Applied, |(reason, key)| Chain::Waiting(reason, key)))
    }

    /// Judges one Kustomization of the chain, if its parent allows to.
    async fn judge(&mut self, place: usize, opened: &mut HashSet<usize>) -> Result<Judgement> {
        let key = Key::kustomization(&self.delivery.chain[place]);
        let ks = match self.board.see(&key) {
            Seen::Present(ks) => ks.clone(),
            Seen::Unknown => return Ok(Judgement::waiting(format!("the first word of {}", key.object()))),
            Seen::Absent => return Ok(self.absent(place, &key)),
        };
        self.learn(&ks).await;
        if !opened.contains(&place) {
            if let Some(parent) = self.parent(&ks, place) {
                let parent_key = Key::kustomization(&self.delivery.chain[parent]);
                if let Some(parent) = self.board.present(&parent_key).cloned() {
                    self.learn(&parent).await;
                }
                let applied = self.board.present(&parent_key).is_some_and(|p| has_applied(p, &|r| self.is_ours(r)));
                if !applied {
                    return Ok(Judgement::waiting(format!("{} to apply {}", parent_key.object(), key.object())));
                }
            }
            opened.insert(place);
            // The parent's watch may be ahead of the child's: what is known of the child may be its old spec.
            self.board.refresh(&key).await?;
        }
        let Some(ks) = self.board.present(&key).cloned() else { return Ok(self.absent(place, &key)) };
        self.learn(&ks).await;
        let token = self.tokens.get(&place).cloned();
        let judgement = self.believe(&ks, token.as_deref());
        if let Judgement::Waiting(_) = judgement {
            // A failure of our revision may have passed within ten milliseconds.
            if let Some(failed) = self.board.failed(&key).filter(|f| generation(f) == generation(&ks)).cloned() {
                self.learn(&failed).await;
                if let failed @ Judgement::Failed(_) = self.believe(&failed, token.as_deref()) {
                    return Ok(failed);
                }
            }
            return self.with_dependency(&ks, judgement).await;
        }
        Ok(judgement)
    }

    fn believe(&self, ks: &Value, token: Option<&str>) -> Judgement {
        match judge_kustomization(ks, token, &|r| self.is_ours(r)) {
            // It failed before it was asked again.
            Judgement::Failed(_)
                if !is_suspended(ks) && token.is_some_and(|t| text(ks, "/status/lastHandledReconcileAt") != t) =>
            {
                Judgement::waiting(format!("Kustomization {} to try again", full_name(ks)))
            }
            judgement => judgement,
        }
    }

    /// The place in the chain of the Kustomization that made this one.
    fn parent(&self, ks: &Value, place: usize) -> Option<usize> {
        let label = |key: &str| {
            let labels = ks.pointer("/metadata/labels")?;
            labels.get(format!("kustomize.toolkit.fluxcd.io/{key}"))?.as_str()
        };
        let parent = Named::new(label("namespace")?, label("name")?);
        let found = self.delivery.chain.iter().position(|name| *name == parent)?;
        (found != place).then_some(found)
    }

    /// One that does not exist (yet): final when all before it are done.
    fn absent(&self, place: usize, key: &Key) -> Judgement {
        let object = key.object();
        if place == 0 {
            return Judgement::failed(format!("{object} does not exist"));
        }
        let done = (0..place).all(|i| self.ready_after.contains_key(&i));
        if done {
            let parent = &self.delivery.chain[place - 1];
            return Judgement::failed(format!("{object} is not made by Kustomization {parent}"));
        }
        Judgement::waiting(format!("{object} to be made"))
    }

    /// Names what a dependant waits for, down to the root, and fails when that root can't become ready.
    async fn with_dependency(&mut self, ks: &Value, judgement: Judgement) -> Result<Judgement> {
        let mut path = vec![full_name(ks)];
        let mut current = ks.clone();
        while let Some((namespace, name)) = dependency(&current).and_then(|d| d.split_once('/')) {
            let key = Key::new(super::board::KUSTOMIZATION, namespace, name);
            let label = format!("{namespace}/{name}");
            if path.contains(&label) {
                return Ok(Judgement::failed(format!(
                    "Kustomizations wait for each other: {} → {label}",
                    path.join(" → ")
                )));
            }
            path.push(label);
            self.board.watch(&key).await;
            current = match self.board.see(&key) {
                Seen::Present(next) if path.len() < DEPTH => next.clone(),
                Seen::Absent => return Ok(Judgement::waiting(format!("{}, which does not exist", chain_text(&path)))),
                _ => return Ok(Judgement::Waiting(chain_text(&path))),
            };
        }
        if path.len() == 1 {
            return Ok(judgement);
        }
        self.learn(&current).await;
        let same_source = same_source(ks, &current);
        let own = format!("Kustomization {}", full_name(&current));
        let place = self.delivery.chain.iter().position(|name| name.to_string() == full_name(&current));
        let token = place.and_then(|place| self.tokens.get(&place)).cloned();
        let judgement = match self.believe(&current, token.as_deref()) {
            Judgement::Failed(reason) => Judgement::Failed(rest_of(&reason, &own).to_string()),
            Judgement::Waiting(reason) => Judgement::Waiting(rest_of(&reason, &own).to_string()),
            Judgement::Ready => Judgement::Ready,
        };
        Ok(match judgement {
            Judgement::Failed(reason) if same_source && !reason.contains("HealthCheckFailed") => {
                Judgement::failed(format!("{}: {reason}", chain_text(&path)))
            }
            Judgement::Failed(reason) | Judgement::Waiting(reason) => {
                Judgement::waiting(format!("{}: {reason}", chain_text(&path)))
            }
            Judgement::Ready => Judgement::Waiting(chain_text(&path)),
        })
    }

    /// A parent whose health check waits for a suspended child that is not ready never ends well
    /// (fluxcd/kustomize-controller#1100). One that was ready when it was suspended keeps that, and is no hindrance.
    async fn hanging_parent(&mut self, key: &Key) -> Result<Option<Fault>> {
        let Some(parent) = self.board.present(key).cloned() else { return Ok(None) };
        let waits = parent.pointer("/spec/wait").and_then(Value::as_bool).unwrap_or(false);
        if !waits || !is_checking_health(&parent, &|r| self.is_ours(r)) {
            return Ok(None);
        }
        let children = super::inventory(&parent);
        for child in children.iter().filter(|c| c.is("kustomize.toolkit.fluxcd.io", "Kustomization")) {
            let child = Key::of(child);
            self.board.watch(&child).await;
            if let Some(ks) = self.board.present(&child).filter(|ks| is_suspended(ks) && stays_unready(ks)) {
                let mut fault = Fault::new(key.object(), format!("hangs on its suspended child {}", full_name(ks)));
                fault.hint = Some(resume_hint(&child));
                return Ok(Some(fault));
            }
        }
        Ok(None)
    }

    async fn failed_kustomization(&mut self, place: usize, key: &Key, reason: &str) -> Fault {
        let own = format!("Kustomization {}", self.delivery.chain[place]);
        let plain = rest_of(reason, &own);
        let mut fault = cause::of_object(self.cluster, key.object(), plain).await;
        if self.board.present(key).is_some_and(is_suspended) {
            fault.hint = Some(resume_hint(key));
        }
        if reason.contains("HealthCheckFailed") {
            self.explain_health(key, &mut fault).await;
        }
        fault
    }
}

/// How the chain stands.
pub(crate) enum Chain {
    /// All have applied; some may still look at their objects' health.
    Applied,
    /// The first that has not, and why.
    Waiting(String, Key),
    /// One can no longer.
    Failed(Box<Fault>),
}

/// A reason without the name that it begins with.
fn rest_of<'r>(reason: &'r str, name: &str) -> &'r str {
    reason.strip_prefix(name).map_or(reason, |rest| rest.trim_start_matches([':', ' ']))
}

fn chain_text(path: &[String]) -> String {
    format!("Kustomization {}", path.join(" waits for "))
}

fn resume_hint(key: &Key) -> String {
    let namespace = key.namespace.as_deref().unwrap_or_default();
    format!("Resume it: flux resume kustomization {} -n {namespace}", key.name)
}

/// Whether a suspended Kustomization will not become ready: `Unknown` still has a reconciliation under way that ends.
fn stays_unready(ks: &Value) -> bool {
    condition(ks, "Ready").is_none_or(|c| c.status == "False")
}

/// Whether two Kustomizations are fed by one source: only then does Flux want the same revision of both.
fn same_source(a: &Value, b: &Value) -> bool {
    let source = |ks: &Value| {
        let namespace = text(ks, "/spec/sourceRef/namespace");
        let own = text(ks, "/metadata/namespace");
        let namespace = if namespace.is_empty() { own } else { namespace };
        (
            text(ks, "/spec/sourceRef/kind").to_string(),
            namespace.to_string(),
            text(ks, "/spec/sourceRef/name").to_string(),
        )
    };
    source(a) == source(b)
}
