//! Claims and volumes (kubernetes `pkg/controller/volume/persistentvolume` and the protection of claims in use): bound
//! to a volume that is there, or to one that the storage class' provisioner makes.

use serde_json::{Value, json};

use crate::manifest::quantity::Quantity;
use crate::sim::world::id::{Id, split};
use crate::sim::world::look::Look;
use crate::sim::world::plan::{Act, Note, Plan, Reporter};
use crate::sim::world::pods::ended;
use crate::sim::world::read::{annotation, created, deleting, labels, list, name, namespace, put, text, uid};
use crate::sim::world::reconcile::{Reconcile, Seen};
use crate::sim::world::selector::selects;
use crate::sim::world::view::View;

const CLAIM: &str = "PersistentVolumeClaim";
const VOLUME: &str = "PersistentVolume";
const CLASS: &str = "StorageClass.storage.k8s.io";
const PROTECTION: &str = "kubernetes.io/pvc-protection";
const BOUND: &str = "pv.kubernetes.io/bind-completed";
const BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
/// The node that the scheduler chose for a claim that waits for its consumer.
pub const SELECTED: &str = "volume.kubernetes.io/selected-node";

/// The binder of claims.
#[derive(Debug, Default)]
pub struct Claims;

impl Reconcile for Claims {
    fn name(&self) -> &'static str {
        "persistentvolume-controller"
    }

    fn user(&self) -> String {
        "system:serviceaccount:kube-system:persistent-volume-binder".into()
    }

    fn touched(&self, seen: &Seen, view: &View) -> Vec<String> {
        match seen.id.kind.as_str() {
            CLAIM => {
                let volume = seen.last().map(|c| text(c, "/spec/volumeName")).filter(|v| !v.is_empty());
                let volume = volume.map(|v| format!("volume {v}"));
                std::iter::once(format!("claim {}", seen.id.key())).chain(volume).collect()
            }
            VOLUME => {
                let claim = seen.last().and_then(claim_of).map(|(ns, name)| format!("claim {ns}/{name}"));
                let waiting = view.all(CLAIM).filter(|c| !is_bound(c)).map(|c| format!("claim {}", Id::of(c).key()));
                let own = format!("volume {}", seen.id.name);
                std::iter::once(own).chain(claim).chain(waiting).collect()
            }
            CLASS => view.all(CLAIM).filter(|c| !is_bound(c)).map(|c| format!("claim {}", Id::of(c).key())).collect(),
            "Pod" => {
                let of = |pod: &Value| {
                    claims_of(pod).into_iter().map(|c| format!("claim {}/{c}", namespace(pod))).collect::<Vec<_>>()
                };
                seen.last().map(of).unwrap_or_default()
            }
            _ => vec![],
        }
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let mut plan = Plan::default();
        match key.split_once(' ') {
            Some(("claim", key)) => {
                let (space, claim) = split(key);
                if let Some(claim) = look.view.get(CLAIM, space, claim) {
                    sync_claim(look, claim, &mut plan);
                }
            }
            Some(("volume", volume)) => {
                if let Some(volume) = look.view.get(VOLUME, "", volume) {
                    sync_volume(look, volume, &mut plan);
                }
            }
            _ => {}
        }
        plan
    }
}

/// The claims that a pod's volumes name; an ephemeral volume's claim is named after pod and volume.
pub fn claims_of(pod: &Value) -> Vec<String> {
    let of = |volume: &Value| {
        let named = text(volume, "/persistentVolumeClaim/claimName");
        if !named.is_empty() {
            return Some(named.to_owned());
        }
        volume.get("ephemeral").map(|_| format!("{}-{}", name(pod), text(volume, "/name")))
    };
    list(pod, "/spec/volumes").iter().filter_map(of).collect()
}

/// Whether a claim is bound.
pub fn is_bound(claim: &Value) -> bool {
    text(claim, "/status/phase") == "Bound"
}

/// Whether a claim's class binds it only when a pod that uses it has a node.
pub fn waits_for_consumer(view: &View, claim: &Value) -> bool {
    let class = view.get(CLASS, "", text(claim, "/spec/storageClassName"));
    class.is_some_and(|class| text(class, "/volumeBindingMode") == "WaitForFirstConsumer")
}

fn claim_of(volume: &Value) -> Option<(String, String)> {
    let claim = volume.pointer("/spec/claimRef")?;
    Some((text(claim, "/namespace").to_owned(), text(claim, "/name").to_owned()))
}

fn sync_claim(look: &Look<'_>, claim: &Value, plan: &mut Plan) {
    if deleting(claim) {
        release_unused(look, claim, plan);
        return;
    }
    if is_bound(claim) {
        let volume = look.view.get(VOLUME, "", text(claim, "/spec/volumeName"));
        if volume.is_none() {
            let mut lost = claim.clone();
            lost["status"] = json!({"phase": "Lost"});
            plan.status(lost);
            let message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
            plan.warning(claim, "ClaimLost", message);
        }
        return;
    }
    if text(claim, "/status/phase").is_empty() {
        let mut pending = claim.clone();
        pending["status"] = json!({"phase": "Pending"});
        plan.status(pending);
        plan.wake_at(look.now);
        return;
    }
    let named = text(claim, "/spec/volumeName");
    if !named.is_empty() {
        if let Some(volume) = look.view.get(VOLUME, "", named).filter(|v| is_for(v, claim) || is_free(v)) {
            bind(claim, volume, plan);
        }
        return;
    }
    if give_default_class(look, claim, plan) {
        return;
    }
    let waits = waits_for_consumer(look.view, claim) && annotation(claim, SELECTED).is_none();
    let mut fitting: Vec<&Value> = look.view.all(VOLUME).filter(|v| is_for(v, claim) || fits(v, claim)).collect();
    fitting.sort_by_key(|volume| {
        (!is_for(volume, claim), size_of(volume, "/spec/capacity/storage"), name(volume).to_owned())
    });
    if let Some(volume) = fitting.first().filter(|volume| !waits || is_for(volume, claim)) {
        bind(claim, volume, plan);
        return;
    }
    provision(look, claim, waits, plan);
}

/// A claim without a class gets the default one, also later (`RetroactiveDefaultStorageClass`).
fn give_default_class(look: &Look<'_>, claim: &Value, plan: &mut Plan) -> bool {
    if claim.pointer("/spec/storageClassName").is_some() {
        return false;
    }
    let Some(class) = default_class(look.view) else { return false };
    let mut with = claim.clone();
    with["spec"]["storageClassName"] = Value::from(class);
    plan.update(with);
    true
}

/// The default storage class: the newest of those that say so.
pub fn default_class(view: &View) -> Option<&str> {
    let classes = view.all(CLASS).filter(|class| annotation(class, DEFAULT) == Some("true"));
    classes.max_by_key(|class| (created(class), std::cmp::Reverse(name(class)))).map(name)
}

fn provision(look: &Look<'_>, claim: &Value, waits: bool, plan: &mut Plan) {
    let class_name = text(claim, "/spec/storageClassName");
    if class_name.is_empty() {
        let message = "no persistent volumes available for this claim and no storage class is set";
        plan.normal(claim, "FailedBinding", message);
        return;
    }
    let Some(class) = look.view.get(CLASS, "", class_name) else {
        let message = format!("storageclass.storage.k8s.io \"{class_name}\" not found");
        plan.warning(claim, "ProvisioningFailed", message);
        return;
    };
    let provisioner = text(class, "/provisioner");
    if waits {
        let used = look
            .view
            .list("Pod", namespace(claim))
            .find(|p| !ended(p) && claims_of(p).iter().any(|c| c == name(claim)));
        match used {
            Some(pod) => {
                let message = format!("waiting for pod {} to be scheduled", name(pod));
                plan.normal(claim, "WaitForPodScheduled", message);
            }
            None => {
                plan.normal(claim, "WaitForFirstConsumer", "waiting for first consumer to be created before binding");
            }
        }
        return;
    }
    if provisioner == "kubernetes.io/no-provisioner" {
        if !waits_for_consumer(look.view, claim) {
            plan.warning(claim, "ProvisioningFailed", "no volume plugin matched name: kubernetes.io/no-provisioner");
        }
        return;
    }
    let keys = ["volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner"];
    if annotation(claim, keys[1]) != Some(provisioner) {
        let mut asked = claim.clone();
        for key in keys {
            crate::sim::world::read::set_meta(&mut asked, "annotations", key, provisioner);
        }
        plan.update(asked);
        let message = format!(
            "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the \
             system administrator. If volume creation is delayed, please verify that the provisioner is running and \
             correctly registered."
        );
        plan.normal(claim, "ExternalProvisioning", message);
        return;
    }
    make_volume(look, claim, class, plan);
}

fn make_volume(look: &Look<'_>, claim: &Value, class: &Value, plan: &mut Plan) {
    let provisioner = text(class, "/provisioner");
    let volume_name = format!("pvc-{}", uid(claim));
    if look.view.get(VOLUME, "", &volume_name).is_some() {
        return;
    }
    let policy = match text(class, "/reclaimPolicy") {
        "" => "Delete",
        policy => policy,
    };
    let mut spec = json!({
        "capacity": {"storage": claim.pointer("/spec/resources/requests/storage").cloned().unwrap_or_else(|| json!("1Gi"))},
        "accessModes": list(claim, "/spec/accessModes"),
        "claimRef": reference(claim),
        "persistentVolumeReclaimPolicy": policy,
        "storageClassName": name(class),
        "volumeMode": claim.pointer("/spec/volumeMode").cloned().unwrap_or_else(|| json!("Filesystem")),
        "csi": {"driver": provisioner, "volumeHandle": volume_name, "volumeAttributes": {"storage.kubernetes.io/csiProvisionerIdentity": provisioner}},
    });
    if let Some(options) = class.get("mountOptions") {
        spec["mountOptions"] = options.clone();
    }
    plan.create(json!({"apiVersion": "v1", "kind": VOLUME, "spec": spec, "metadata": {
        "name": volume_name,
        "annotations": {"pv.kubernetes.io/provisioned-by": provisioner},
        "finalizers": ["external-provisioner.volume.kubernetes.io/finalizer", "kubernetes.io/pv-protection"],
    }}));
    let mut note =
        Note::new(claim, false, "ProvisioningSucceeded", format!("Successfully provisioned volume {volume_name}"));
    note.from = Some(Reporter { component: provisioner.to_owned(), host: String::new() });
    plan.acts.push(Act::Event(note));
}

fn reference(claim: &Value) -> Value {
    json!({"kind": CLAIM, "namespace": namespace(claim), "name": name(claim), "uid": uid(claim), "apiVersion": "v1",
        "resourceVersion": text(claim, "/metadata/resourceVersion")})
}

fn bind(claim: &Value, volume: &Value, plan: &mut Plan) {
    let mut taken = volume.clone();
    if text(volume, "/spec/claimRef/uid") != uid(claim) {
        taken["spec"]["claimRef"] = reference(claim);
        crate::sim::world::read::set_meta(&mut taken, "annotations", BY_CONTROLLER, "yes");
        plan.update(taken);
        // The status of both follows when the volume has been seen with its claim.
        return;
    }
    let mut fresh = claim.clone();
    let new = text(claim, "/spec/volumeName").is_empty();
    fresh["spec"]["volumeName"] = Value::from(name(volume));
    let mut changed = crate::sim::world::read::set_meta(&mut fresh, "annotations", BOUND, "yes");
    if new {
        changed |= crate::sim::world::read::set_meta(&mut fresh, "annotations", BY_CONTROLLER, "yes");
    }
    if changed || new {
        plan.update(fresh);
        return;
    }
    let capacity = volume.pointer("/spec/capacity").cloned().unwrap_or(json!({}));
    fresh["status"] = json!({"phase": "Bound", "accessModes": list(volume, "/spec/accessModes"), "capacity": capacity});
    plan.status(fresh);
}

fn is_for(volume: &Value, claim: &Value) -> bool {
    let own = text(volume, "/spec/claimRef/uid");
    claim_of(volume).is_some_and(|(ns, named)| ns == namespace(claim) && named == name(claim))
        && (own.is_empty() || own == uid(claim))
}

fn is_free(volume: &Value) -> bool {
    volume.pointer("/spec/claimRef").is_none_or(Value::is_null) && !deleting(volume)
}

/// Whether a volume that nobody has would do.
fn fits(volume: &Value, claim: &Value) -> bool {
    let modes = list(volume, "/spec/accessModes");
    let mode = |object: &Value| match text(object, "/spec/volumeMode") {
        "" => "Filesystem".to_owned(),
        mode => mode.to_owned(),
    };
    is_free(volume)
        && text(volume, "/spec/storageClassName") == text(claim, "/spec/storageClassName")
        && mode(volume) == mode(claim)
        && list(claim, "/spec/accessModes").iter().all(|wanted| modes.contains(wanted))
        && size_of(volume, "/spec/capacity/storage") >= size_of(claim, "/spec/resources/requests/storage")
        && claim.pointer("/spec/selector").is_none_or(|s| selects(Some(s), &labels(volume, "/metadata/labels")))
}

fn size_of(object: &Value, pointer: &str) -> i64 {
    Quantity::parse(text(object, pointer)).map_or(0, Quantity::bytes)
}

/// A claim that nobody uses any more may go.
fn release_unused(look: &Look<'_>, claim: &Value, plan: &mut Plan) {
    let finalizers = list(claim, "/metadata/finalizers");
    let used = look.view.list("Pod", namespace(claim)).any(|pod| {
        !ended(pod) && !text(pod, "/spec/nodeName").is_empty() && claims_of(pod).iter().any(|c| c == name(claim))
    });
    if used || !finalizers.iter().any(|f| f == PROTECTION) {
        return;
    }
    let left: Vec<&Value> = finalizers.iter().filter(|f| *f != PROTECTION).collect();
    let left = if left.is_empty() { Value::Null } else { json!(left) };
    plan.merge(claim, json!({"metadata": {"finalizers": left}}));
}

fn sync_volume(look: &Look<'_>, volume: &Value, plan: &mut Plan) {
    let claim = claim_of(volume).and_then(|(ns, claim)| look.view.get(CLAIM, &ns, &claim));
    let own = text(volume, "/spec/claimRef/uid");
    let held = claim.filter(|claim| own.is_empty() || uid(claim) == own);
    let word = match (claim_of(volume), held) {
        (None, _) => "Available",
        (Some(_), _) if own.is_empty() => "Available",
        (Some(_), Some(_)) => "Bound",
        (Some(_), None) => "Released",
    };
    if deleting(volume) {
        if word != "Bound" && !list(volume, "/metadata/finalizers").is_empty() {
            plan.merge(volume, json!({"metadata": {"finalizers": null}}));
        }
        return;
    }
    if text(volume, "/status/phase") != word {
        let mut fresh = volume.clone();
        let mut status = json!({"phase": word, "lastPhaseTransitionTime": look.stamp()});
        put(&mut status, "reason", None);
        fresh["status"] = status;
        plan.status(fresh);
        plan.wake_at(look.now);
        return;
    }
    let policy = text(volume, "/spec/persistentVolumeReclaimPolicy");
    let made_here = annotation(volume, "pv.kubernetes.io/provisioned-by").is_some();
    if word == "Released" && policy == "Delete" && made_here {
        plan.delete(volume);
    }
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
