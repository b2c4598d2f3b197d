//! Subresources of pods that change something: `binding` and `eviction`.

use serde_json::{Value, json};

use super::call::Answer;
use super::gvr::Gvr;
use super::object;
use super::removal;
use super::selectors::LabelSelector;
use super::status::Status;
use super::work::Work;

fn done(work: &mut Work) -> Answer {
    let value = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    work.answer(value, true)
}

fn pods() -> Gvr {
    Gvr::new("", "v1", "pods")
}

/// POST of a `Binding`: puts a pod on a node.
pub(super) fn bind(work: &mut Work) -> Result<Answer, Status> {
    let binding = work.body()?;
    let name = if work.call.name().is_empty() { object::name(&binding) } else { work.call.name() }.to_owned();
    if name != object::name(&binding) {
        return Err(Status::bad_request("name in URL does not match name in Binding object"));
    }
    let kind = binding["target"]["kind"].as_str().unwrap_or_default();
    if !matches!(kind, "" | "Node") {
        return Err(Status::new(
            500,
            "",
            format!("target.kind: Unsupported value: \"{kind}\": supported values: \"Node\", \"<empty>\""),
        ));
    }
    let node = binding["target"]["name"].as_str().unwrap_or_default().to_owned();
    if node.is_empty() {
        return Err(Status::new(500, "", "target.name: Required value"));
    }
    let found = work.state.store.get(&pods(), work.namespace(), &name).cloned();
    let pod = found.ok_or_else(|| Status::not_found(&pods(), &name))?;
    let conflict = |why: &str| Status::conflict(&Gvr::new("", "v1", "pods/binding"), &name, why);
    if object::is_deleting(&pod) {
        return Err(conflict(&format!("pod {name} is being deleted, cannot be assigned to a host")));
    }
    let uid = object::uid(&binding);
    if !uid.is_empty() && uid != object::uid(&pod) {
        let (uid, is) = (uid.to_owned(), object::uid(&pod));
        return Err(conflict(&format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({is}). The object might have been deleted and then recreated"
        )));
    }
    if let Some(on) = pod["spec"]["nodeName"].as_str().filter(|on| !on.is_empty()) {
        return Err(conflict(&format!("pod {name} is already assigned to node \"{on}\"")));
    }
    if pod["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty()) {
        return Err(conflict(&format!("pod {name} has non-empty .spec.schedulingGates")));
    }
    if work.dry_run() {
        return Ok(done(work));
    }
    let mut new = (*pod).clone();
    new["spec"]["nodeName"] = json!(node);
    for (key, value) in binding["metadata"]["annotations"].as_object().into_iter().flatten() {
        new["metadata"]["annotations"][key.as_str()] = value.clone();
    }
    let at = work.clock.stamp();
    set_condition(
        &mut new,
        json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": at}),
    );
    work.state.store.put(&pods(), object::order(new))?;
    Ok(done(work))
}

/// Puts a condition in the place of the one of its type; the time stays if its status does.
fn set_condition(pod: &mut Value, mut condition: Value) {
    if !pod["status"].is_object() {
        pod["status"] = json!({});
    }
    if !pod["status"]["conditions"].is_array() {
        pod["status"]["conditions"] = json!([]);
    }
    let Some(all) = pod["status"]["conditions"].as_array_mut() else { return };
    match all.iter_mut().find(|one| one["type"] == condition["type"]) {
        Some(one) => {
            if one["status"] == condition["status"] {
                condition["lastTransitionTime"] = one["lastTransitionTime"].clone();
            }
            *one = condition;
        }
        None => all.push(condition),
    }
}

/// POST of an `Eviction`: deletes a pod, unless a disruption budget forbids it.
pub(super) fn evict(work: &mut Work) -> Result<Answer, Status> {
    let eviction = work.body()?;
    if object::name(&eviction) != work.call.name() {
        return Err(Status::bad_request("name in URL does not match name in Eviction object"));
    }
    let pod = work.stored()?;
    let options = &eviction["deleteOptions"];
    let mut call = work.call.clone();
    call.subresource = None;
    call.options.grace_seconds = options["gracePeriodSeconds"].as_i64();
    call.options.propagation = options["propagationPolicy"].as_str().map(str::to_owned);
    let dry = call.options.dry_run || options["dryRun"].as_array().is_some_and(|d| !d.is_empty());
    call.options.dry_run = dry;
    for (field, is) in [("uid", object::uid(&pod)), ("resourceVersion", object::version(&pod))] {
        if let Some(wanted) = options["preconditions"][field].as_str().filter(|wanted| *wanted != is) {
            let why = format!("the precondition {field} ({wanted}) does not match the record ({is})");
            return Err(Status::conflict(&Gvr::new("", "", "Pod"), object::name(&pod), &why));
        }
    }
    let phase = pod["status"]["phase"].as_str().unwrap_or("Pending");
    let exempt = matches!(phase, "Succeeded" | "Failed" | "Pending") || object::is_deleting(&pod);
    if !exempt {
        budget(work, &pod, dry)?;
    }
    let mut inner = work.with(&call);
    if !dry {
        let mut marked = (*pod).clone();
        let at = inner.clock.stamp();
        let condition = json!({"type": "DisruptionTarget", "status": "True", "lastProbeTime": null, "lastTransitionTime": at,
            "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"});
        set_condition(&mut marked, condition);
        inner.state.store.put(&pods(), object::order(marked))?;
    }
    let pod = inner.current()?;
    removal::one(&mut inner, &pod)?;
    Ok(done(work))
}

/// Takes one disruption from the pod's budget.
fn budget(work: &mut Work, pod: &Value, dry: bool) -> Result<(), Status> {
    let kind = Gvr::new("policy", "v1", "poddisruptionbudgets");
    let all = work.state.store.list("poddisruptionbudgets", "policy", work.namespace());
    let meant = |budget: &Value| {
        LabelSelector::of_object(&budget["spec"]["selector"]).is_some_and(|selector| selector.matches(pod))
    };
    let matching: Vec<_> = all.filter(|budget| meant(budget)).cloned().collect();
    let budget = match matching.as_slice() {
        [] => return Ok(()),
        [budget] => budget,
        _ => {
            let why =
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(Status::new(500, "", why));
        }
    };
    let (name, status) = (object::name(budget), &budget["status"]);
    let number = |field: &str| status[field].as_i64().unwrap_or(0);
    let no = |message: &str| {
        let refusal =
            Status::new(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.");
        refusal.with_causes(&[("DisruptionBudget", message, "")])
    };
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.into_iter().any(|c| c["type"] == "Ready" && c["status"] == "True");
    let always = budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow";
    let enough = number("currentHealthy") >= number("desiredHealthy") && number("desiredHealthy") > 0;
    if !ready && (always || enough) {
        return Ok(());
    }
    if number("observedGeneration") < budget["metadata"]["generation"].as_i64().unwrap_or(0) {
        return Err(no(&format!("The disruption budget {name} is still being processed by the server.")));
    }
    if number("disruptionsAllowed") <= 0 {
        let (needs, has) = (number("desiredHealthy"), number("currentHealthy"));
        return Err(no(&format!("The disruption budget {name} needs {needs} healthy pods and has {has} currently")));
    }
    if !dry {
        let mut new = (**budget).clone();
        new["status"]["disruptionsAllowed"] = json!(number("disruptionsAllowed") - 1);
        new["status"]["disruptedPods"][object::name(pod)] = json!(work.clock.stamp());
        work.state.store.put(&kind, new)?;
    }
    Ok(())
}
