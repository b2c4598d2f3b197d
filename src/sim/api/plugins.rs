//! The admission plugins that the true server always runs and that change or refuse objects of its own kinds.

use serde_json::{Value, json};

use super::admission::{Admission, Attempt};
use super::call::Verb;
use super::crd;
use super::names;
use super::object;
use super::status::Status;

const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
const PVC_PROTECTION: &str = "kubernetes.io/pvc-protection";
const PV_PROTECTION: &str = "kubernetes.io/pv-protection";
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Seconds that a pod stays on a node that is not ready or not reachable.
const TOLERATED: i64 = 300;

/// Priority, `DefaultTolerationSeconds`, `ServiceAccount`, `DefaultStorageClass`, `StorageObjectInUseProtection`,
/// `TaintNodesByCondition`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plugins;

impl Admission for Plugins {
    fn mutate(&self, attempt: &Attempt, object: &mut Value) -> Result<(), Status> {
        if attempt.creates("pods", "") {
            priority(attempt, object)?;
            tolerations(object);
            service_account(attempt, object)?;
        } else if attempt.creates("persistentvolumeclaims", "") {
            storage_class(attempt, object);
            protect(object, PVC_PROTECTION);
        } else if attempt.creates("persistentvolumes", "") {
            protect(object, PV_PROTECTION);
        } else if attempt.creates("nodes", "") {
            taint(object);
        } else if attempt.creates("priorityclasses", "scheduling.k8s.io") {
            one_default(attempt, object)?;
        }
        Ok(())
    }

    fn check(&self, attempt: &Attempt, object: &Value) -> Result<(), Status> {
        let writes = matches!(attempt.verb, Verb::Create | Verb::Update);
        if writes && attempt.is("customresourcedefinitions", "apiextensions.k8s.io") {
            return crd::refusal(object).map_or(Ok(()), |why| Err(Status::not_simulated(why)));
        }
        Ok(())
    }

    fn warn(&self, attempt: &Attempt, object: &Value) -> Vec<String> {
        if !matches!(attempt.verb, Verb::Create | Verb::Update) || !attempt.subresource.is_empty() {
            return Vec::new();
        }
        let (group, plural) = (attempt.resource.gvr.group.as_str(), attempt.resource.gvr.plural.as_str());
        if group == "admissionregistration.k8s.io" {
            return vec![format!("unknown to the simulator: {plural} are stored, and nothing is asked of them")];
        }
        let enforced = object::label(object, "pod-security.kubernetes.io/enforce");
        if attempt.is("namespaces", "") && enforced.is_some_and(|level| level != "privileged") {
            return vec!["unknown to the simulator: pod security is not enforced".to_owned()];
        }
        Vec::new()
    }
}

fn protect(object: &mut Value, finalizer: &str) {
    let mut all: Vec<String> = object::finalizers(object).into_iter().map(str::to_owned).collect();
    if !all.iter().any(|one| one == finalizer) {
        all.push(finalizer.to_owned());
        object::set_meta(object, "finalizers", json!(all));
    }
}

fn taint(node: &mut Value) {
    let taint = json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"});
    match node["spec"]["taints"].as_array_mut() {
        Some(all) if all.iter().any(|one| one["key"] == taint["key"] && one["effect"] == taint["effect"]) => {}
        Some(all) => all.push(taint),
        None => node["spec"]["taints"] = json!([taint]),
    }
}

fn one_default(attempt: &Attempt, class: &Value) -> Result<(), Status> {
    if class["globalDefault"] != true {
        return Ok(());
    }
    let mut all = attempt.store.list("priorityclasses", "scheduling.k8s.io", "");
    match all.find(|other| other["globalDefault"] == true && object::name(other) != object::name(class)) {
        Some(other) => {
            let why = format!(
                "PriorityClass {} is already marked as default. Only one default can exist",
                object::name(other)
            );
            Err(attempt.forbidden(&why))
        }
        None => Ok(()),
    }
}

fn priority(attempt: &Attempt, pod: &mut Value) -> Result<(), Status> {
    let name = pod["spec"]["priorityClassName"].as_str().unwrap_or_default().to_owned();
    let class = if name.is_empty() {
        let all = attempt.store.list("priorityclasses", "scheduling.k8s.io", "");
        all.filter(|class| class["globalDefault"] == true).min_by_key(|class| class["value"].as_i64()).cloned()
    } else {
        let found = attempt.store.find("priorityclasses", "scheduling.k8s.io", "", &name).cloned();
        Some(found.ok_or_else(|| attempt.forbidden(&format!("no PriorityClass with name {name} was found")))?)
    };
    let (mut value, mut policy) = (0, "PreemptLowerPriority".to_owned());
    if let Some(class) = class {
        value = class["value"].as_i64().unwrap_or(0);
        if let Some(own) = class["preemptionPolicy"].as_str() {
            policy = String::from(own);
        }
        pod["spec"]["priorityClassName"] = json!(object::name(&class));
    }
    if let Some(sent) = pod["spec"]["priority"].as_i64().filter(|sent| *sent != value) {
        let why = format!(
            "the integer value of priority ({sent}) must not be provided in pod spec; priority admission controller computed {value} from the given PriorityClass name"
        );
        return Err(attempt.forbidden(&why));
    }
    if let Some(sent) = pod["spec"]["preemptionPolicy"].as_str().filter(|sent| *sent != policy) {
        let why = format!(
            "the string value of PreemptionPolicy ({sent}) must not be provided in pod spec; priority admission controller computed {policy} from the given PriorityClass name"
        );
        return Err(attempt.forbidden(&why));
    }
    pod["spec"]["priority"] = json!(value);
    pod["spec"]["preemptionPolicy"] = json!(policy);
    Ok(())
}

fn tolerations(pod: &mut Value) {
    let mut all = pod["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let covers = |one: &Value| {
            let is = one["key"].as_str().unwrap_or_default();
            let effect = one["effect"].as_str().unwrap_or_default();
            (is == key || is.is_empty()) && matches!(effect, "NoExecute" | "")
        };
        if !all.iter().any(covers) {
            all.push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATED}));
        }
    }
    pod["spec"]["tolerations"] = json!(all);
}

fn service_account(attempt: &Attempt, pod: &mut Value) -> Result<(), Status> {
    if object::annotation(pod, "kubernetes.io/config.mirror").is_some() {
        return Ok(());
    }
    let name =
        pod["spec"]["serviceAccountName"].as_str().filter(|name| !name.is_empty()).unwrap_or("default").to_owned();
    pod["spec"]["serviceAccountName"] = json!(name);
    pod["spec"]["serviceAccount"] = json!(name);
    let account = attempt.store.find("serviceaccounts", "", attempt.namespace, &name).cloned();
    let account = account.ok_or_else(|| {
        let space = attempt.namespace;
        attempt
            .forbidden(&format!("error looking up service account {space}/{name}: serviceaccount \"{name}\" not found"))
    })?;
    let wanted = pod["spec"]["automountServiceAccountToken"].as_bool();
    let wanted = wanted.or(account["automountServiceAccountToken"].as_bool()).unwrap_or(true);
    if wanted {
        mount_token(pod);
    }
    if pod["spec"]["imagePullSecrets"].as_array().is_none_or(Vec::is_empty)
        && account["imagePullSecrets"].as_array().is_some_and(|all| !all.is_empty())
    {
        pod["spec"]["imagePullSecrets"] = account["imagePullSecrets"].clone();
    }
    Ok(())
}

/// The projected volume with token, certificate and namespace, in every container that has nothing at its place.
fn mount_token(pod: &mut Value) {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    let known =
        volumes.into_iter().filter_map(|v| v["name"].as_str()).find(|name| name.starts_with("kube-api-access-"));
    let known = known.map(str::to_owned);
    let name = known.clone().unwrap_or_else(|| format!("kube-api-access-{}", names::suffix(5)));
    let mut mounted = false;
    for field in ["initContainers", "containers"] {
        for container in pod["spec"][field].as_array_mut().into_iter().flatten() {
            let mounts = container["volumeMounts"].as_array().into_iter().flatten();
            if mounts.into_iter().any(|mount| mount["mountPath"] == TOKEN_PATH) {
                continue;
            }
            let mount = json!({"name": name, "readOnly": true, "mountPath": TOKEN_PATH});
            match container["volumeMounts"].as_array_mut() {
                Some(all) => all.push(mount),
                None => container["volumeMounts"] = json!([mount]),
            }
            mounted = true;
        }
        if pod["spec"][field].is_null()
            && let Some(spec) = pod["spec"].as_object_mut()
        {
            spec.shift_remove(field);
        }
    }
    if !mounted || known.is_some() {
        return;
    }
    let volume = json!({"name": name, "projected": {"sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
    ], "defaultMode": 420}});
    match pod["spec"]["volumes"].as_array_mut() {
        Some(all) => all.push(volume),
        None => pod["spec"]["volumes"] = json!([volume]),
    }
}

fn storage_class(attempt: &Attempt, claim: &mut Value) {
    let named = !claim["spec"]["storageClassName"].is_null();
    let older = object::annotation(claim, "volume.beta.kubernetes.io/storage-class").is_some();
    if named || older {
        return;
    }
    let all = attempt.store.list("storageclasses", "storage.k8s.io", "");
    let defaults = all.filter(|class| object::annotation(class, DEFAULT_CLASS) == Some("true"));
    // The newest; of several of one age the first by name.
    let mut defaults: Vec<_> = defaults.collect();
    defaults.sort_by(|a, b| {
        let at = |class: &Value| object::meta(class, "creationTimestamp").to_owned();
        at(b).cmp(&at(a)).then_with(|| object::name(a).cmp(object::name(b)))
    });
    if let Some(class) = defaults.first() {
        claim["spec"]["storageClassName"] = json!(object::name(class));
    }
}
