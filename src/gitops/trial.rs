//! What the API server says to a plan before anything is written: strict dry run, immutable fields, suspended parents.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::check::{Check, Verdict};
use crate::cluster::{Cluster, DryRun, Outcome};
use crate::error::{Code, Error, Result};
use crate::kustomize::Disk;
use crate::manifest::object::Id;

use super::danger;
use super::flux_files::Name;
use super::layout::Layout;
use super::plan::{Before, Plan};
use super::world::{Variables, World};

const NAME: &str = "API server";
/// Name of the check that looks at the Kustomizations which will apply the plan.
pub const FLUX: &str = "Flux";
const KUSTOMIZATION: &str = "Kustomization.kustomize.toolkit.fluxcd.io";

/// Everything that only the cluster can say about a plan; reads and dry runs, no effect.
pub async fn try_on(cluster: &Cluster, plan: &Plan) -> Result<Vec<Check>> {
    let applied: Vec<Value> = plan.objects.applied().cloned().collect();
    let (dry, live, above) =
        futures::join!(cluster.dry_run(&applied), against_live(cluster, &applied), above(cluster, plan));
    let mut checks = dry_run(&dry, &applied);
    checks.extend(live?);
    checks.extend(above?);
    Ok(checks)
}

/// What reads alone can say: immutable fields, and what stands above. That nothing was tried is said too.
pub async fn look_at(cluster: &Cluster, plan: &Plan) -> Result<Vec<Check>> {
    let applied: Vec<Value> = plan.objects.applied().cloned().collect();
    let (live, above) = futures::join!(against_live(cluster, &applied), above(cluster, plan));
    let seen = format!("has not tried {}: a review only reads, the dry run comes with execute", objects(applied.len()));
    let mut checks = vec![Check::new(NAME, Verdict::Skip, seen)];
    checks.extend(live?);
    checks.extend(above?);
    Ok(checks)
}

/// The repository's Kustomizations as they lie there, with the variables that they take from the cluster
/// (`postBuild.substituteFrom`) as far as these may be read; what may not, or is not there, is left out.
pub async fn before(cluster: &Cluster, root: &Path, layout: &Layout) -> Result<Before> {
    let tree = Disk::new(root)?;
    let world = World::of(&tree, layout, &Variables::new())?;
    let reads = world.unknown.iter().map(|reference| async move {
        let (kind, namespace, name) = reference;
        let object = cluster.find(kind.as_str(), Some(namespace), name).await;
        Ok::<_, Error>(match object {
            Ok(object) => object.map(|o| (reference.clone(), values_of(&o))),
            Err(error) if matches!(error.code(), Code::Forbidden | Code::UnknownKind) => None,
            Err(error) => return Err(error),
        })
    });
    let read = futures::future::join_all(reads).await.into_iter().filter_map(Result::transpose);
    let live: Variables = read.collect::<Result<_>>()?;
    let world = if live.is_empty() { world } else { World::of(&tree, layout, &live)? };
    Ok(Before { world, live })
}

/// The data of a `ConfigMap` or Secret as text.
fn values_of(object: &Value) -> BTreeMap<String, String> {
    let is_secret = object["kind"] == "Secret";
    let text = |value: &Value| {
        let text = value.as_str()?;
        if is_secret { String::from_utf8(STANDARD.decode(text).ok()?).ok() } else { Some(text.to_owned()) }
    };
    object["data"].as_object().into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), text(v)?))).collect()
}

/// The result of a dry run as checks: one for all that was accepted, one for what could only be held against a schema, one
/// a refusal.
pub fn dry_run(results: &[DryRun], applied: &[Value]) -> Vec<Check> {
    let mut accepted = 0;
    let mut by_schema: Vec<(String, String)> = Vec::new();
    let mut unknown: Vec<(String, String)> = Vec::new();
    let mut refused = Vec::new();
    for (result, object) in results.iter().zip(applied) {
        let id = result.object.to_string();
        match &result.outcome {
            Outcome::Accepted(_) => accepted += 1,
            // Flux deletes and makes such an object anew, which a dry run of an apply cannot know.
            Outcome::Refused(error) if error.message().contains("immutable") && danger::is_forced(object) => {
                accepted += 1;
            }
            Outcome::Unchecked(reason) if reason.contains("comes with the same change") || reason.contains("SOPS") => {
                by_schema.push((id, reason.clone()));
            }
            Outcome::Unchecked(reason) => unknown.push((id, reason.clone())),
            Outcome::Refused(error) => {
                let mut check = Check::new(NAME, Verdict::Fail, error.message().to_owned());
                check.remedy = error.hint_text().map(str::to_owned);
                check.details = error.notes().to_vec();
                refused.push(check);
            }
        }
    }
    let mut checks = Vec::new();
    if accepted > 0 {
        checks.push(Check::new(NAME, Verdict::Pass, format!("accepts {}", objects(accepted))));
    }
    checks.extend(grouped(&by_schema, Verdict::Pass, "held against schemas only"));
    checks.extend(grouped(&unknown, Verdict::Unknown, "could not be tried"));
    checks.extend(refused);
    checks
}

/// One check a reason, with its objects as details.
fn grouped(items: &[(String, String)], verdict: Verdict, what: &str) -> Vec<Check> {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for (id, reason) in items {
        match reasons.iter_mut().find(|(r, _)| r == reason) {
            Some((_, ids)) => ids.push(id.clone()),
            None => reasons.push((reason, vec![id.clone()])),
        }
    }
    reasons
        .into_iter()
        .map(|(reason, ids)| {
            let mut check = Check::new(NAME, verdict, format!("{} {what}: {reason}", objects(ids.len())));
            check.details = ids;
            check
        })
        .collect()
}

fn objects(count: usize) -> String {
    format!("{count} object{}", if count == 1 { "" } else { "s" })
}

/// Fields that cannot change, by what is live now (the repository may never have said them).
async fn against_live(cluster: &Cluster, applied: &[Value]) -> Result<Vec<Check>> {
    let reads = applied.iter().map(|object| async move {
        let id = Id::of(object);
        // A kind that is not served: the dry run says why.
        let Ok(kind) = cluster.kind_of(object).await else { return Ok(Vec::new()) };
        match cluster.find(&kind, id.namespace.as_deref(), &id.name).await {
            Ok(Some(live)) => Ok(danger::against_live(object, &live)),
            Ok(None) => Ok(Vec::new()),
            Err(error) if error.code() == Code::UnknownKind => Ok(Vec::new()),
            Err(error) if error.code() == Code::Forbidden => {
                Ok(vec![Check::new("danger", Verdict::Unknown, error.message().to_owned()).optional()])
            }
            Err(error) => Err(error),
        }
    });
    let found: Vec<Result<Vec<Check>>> = futures::future::join_all(reads).await;
    Ok(found.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Parents and dependencies as they are in the cluster: suspended, stalled, never ready.
async fn above(cluster: &Cluster, plan: &Plan) -> Result<Vec<Check>> {
    let ours: Vec<&Name> = plan.kustomizations.iter().filter(|k| k.is_ours).map(|k| &k.name).collect();
    let mut wanted: Vec<Name> = Vec::new();
    for kustomization in &plan.kustomizations {
        let parents = (!kustomization.is_new).then(|| kustomization.name.clone());
        let dependencies =
            kustomization.depends_on.iter().filter(|d| kustomization.is_ours && !ours.contains(d)).cloned();
        for name in parents.into_iter().chain(dependencies) {
            if !wanted.contains(&name) {
                wanted.push(name);
            }
        }
    }
    let found = wanted.iter().map(|(namespace, name)| cluster.find(KUSTOMIZATION, Some(namespace), name));
    let found = futures::future::join_all(found).await;
    let mut checks = Vec::new();
    let mut ready = 0;
    for (name, live) in wanted.iter().zip(found) {
        match live {
            Ok(Some(live)) => match state(name, &live) {
                // What is delivered again may be what mends it.
                Some(check) if ours.contains(&name) && live["spec"]["suspend"] != true => {
                    checks.push(Check { verdict: Verdict::Warn, ..check });
                }
                Some(check) => checks.push(check),
                None => ready += 1,
            },
            // Written, but not delivered yet.
            Ok(None) if ours.contains(&name) => {}
            // A parent that the repository has and the cluster lacks: Flux has not applied it yet.
            Ok(None) => checks.push(
                Check::new(FLUX, Verdict::Fail, format!("Kustomization {}/{} is not in the cluster", name.0, name.1))
                    .remedy("Has Flux applied this repository? Look at the Kustomization above it")
                    .command("kubectl get kustomizations -A"),
            ),
            Err(error) if error.code() == Code::Forbidden => {
                checks.push(Check::new(FLUX, Verdict::Unknown, error.message().to_owned()));
            }
            Err(error) if error.code() == Code::UnknownKind => {
                return Ok(vec![
                    Check::new(FLUX, Verdict::Fail, "the cluster has no Flux: it does not serve Kustomizations")
                        .remedy("Install Flux, and let it read this repository"),
                ]);
            }
            Err(error) => return Err(error),
        }
    }
    if checks.is_empty() && ready > 0 {
        checks.push(Check::new(FLUX, Verdict::Pass, format!("{ready} Kustomizations above and before it are ready")));
    }
    Ok(checks)
}

/// What is wrong with a live Kustomization; `None` if nothing is.
fn state(name: &Name, live: &Value) -> Option<Check> {
    let say = |verdict, what: &str| Check::new(FLUX, verdict, format!("Kustomization {}/{} {what}", name.0, name.1));
    if live["spec"]["suspend"] == true {
        return Some(
            say(Verdict::Fail, "is suspended: nothing below or after it would be applied")
                .command(format!("flux resume kustomization {} -n {}", name.1, name.0)),
        );
    }
    let conditions = live["status"]["conditions"].as_array();
    let condition = |kind: &str| conditions.into_iter().flatten().find(|c| c["type"] == kind);
    let text = |c: &Value| c["message"].as_str().unwrap_or_default().lines().next().unwrap_or_default().to_owned();
    if let Some(stalled) = condition("Stalled").filter(|c| c["status"] == "True") {
        return Some(say(Verdict::Fail, &format!("is stalled: {}", text(stalled))));
    }
    match condition("Ready") {
        Some(ready) if ready["status"] == "True" => None,
        // In progress: it may be ready by the time that it counts.
        Some(ready) if ready["status"] == "Unknown" || passes(ready) => {
            Some(say(Verdict::Warn, &format!("is not ready yet: {}", text(ready))))
        }
        Some(ready) => Some(
            say(Verdict::Fail, &format!("is not ready: {}", text(ready)))
                .command(format!("kubectl -n {} describe kustomization {}", name.0, name.1)),
        ),
        None => Some(say(Verdict::Warn, "has never been ready")),
    }
}

/// Reasons for `Ready=False` that come and go by themselves, on every push: not a state to refuse a delivery for.
fn passes(ready: &Value) -> bool {
    let reason = ready["reason"].as_str().unwrap_or_default();
    matches!(reason, "DependencyNotReady" | "ArtifactFailed" | "HealthCheckCanceled" | "Progressing")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ObjectRef;

    fn result(name: &str, outcome: Outcome) -> DryRun {
        let object = ObjectRef { kind: "Job".into(), namespace: Some("n".into()), name: name.into() };
        DryRun { object, outcome }
    }

    #[test]
    fn a_dry_run_as_checks() {
        let plain = json!({"kind": "Job"});
        let forced =
            json!({"kind": "Job", "metadata": {"annotations": {"kustomize.toolkit.fluxcd.io/force": "enabled"}}});
        let immutable =
            || Outcome::Refused(Error::new(Code::Invalid, "Job n/b: spec.template: field is immutable").hint("h"));
        let reason = "namespace n comes with the same change: checked against the server's schema only";
        let results = [
            result("a", Outcome::Accepted(json!({}))),
            result("b", immutable()),
            result("c", immutable()),
            result("d", Outcome::Unchecked(reason.into())),
            result("e", Outcome::Unchecked(reason.into())),
            result("f", Outcome::Unchecked("503".into())),
        ];
        let objects = [plain.clone(), forced, plain.clone(), plain.clone(), plain.clone(), plain];
        let checks = dry_run(&results, &objects);
        let said: Vec<_> = checks.iter().map(|c| (c.verdict, c.seen.as_str())).collect();
        assert_eq!(
            said,
            [
                (Verdict::Pass, "accepts 2 objects"),
                (Verdict::Pass, &*format!("2 objects held against schemas only: {reason}")),
                (Verdict::Unknown, "1 object could not be tried: 503"),
                (Verdict::Fail, "Job n/b: spec.template: field is immutable"),
            ]
        );
        assert_eq!(checks[1].details, ["Job n/d", "Job n/e"]);
    }

    #[test]
    fn states_of_a_live_kustomization() {
        let name = ("ns".to_owned(), "k".to_owned());
        let of = |value: Value| state(&name, &value).map(|c| c.verdict);
        let ready =
            |status: &str| json!({"status": {"conditions": [{"type": "Ready", "status": status, "message": "m"}]}});
        assert_eq!(of(ready("True")), None);
        assert_eq!(of(ready("False")), Some(Verdict::Fail));
        let mut waits = ready("False");
        waits["status"]["conditions"][0]["reason"] = "DependencyNotReady".into();
        assert_eq!(of(waits), Some(Verdict::Warn), "it comes and goes with every push");
        assert_eq!(of(ready("Unknown")), Some(Verdict::Warn));
        assert_eq!(of(json!({})), Some(Verdict::Warn));
        let mut suspended = ready("True");
        suspended["spec"] = json!({"suspend": true});
        assert_eq!(of(suspended), Some(Verdict::Fail), "a suspended one keeps a frozen Ready=True");
    }
}

#[cfg(test)]
#[path = "trial_tests.rs"]
mod asked;
