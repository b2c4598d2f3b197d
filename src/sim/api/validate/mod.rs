//! What the server refuses of an object, in its words.

mod access;
mod cel;
mod claim;
mod configs;
mod container;
mod counterpart;
mod cron;
mod custom;
mod format;
mod jobs;
mod meta;
mod names;
mod network;
mod path;
mod placement;
mod pod;
mod probe;
mod resources;
mod services;
mod volume;
mod workloads;

use serde_json::Value;

use super::crd;
use super::field_error::FieldError;
use super::resource::Resource;
pub(super) use cel::program as cel_program;
pub(super) use custom::check_schema;
pub(super) use names::{dns_1035_label, dns_subdomain};
pub(super) use path::{Faults, Path, each, text};

impl Resource {
    /// Whether all that the true server asks of this kind is asked here too. Of the others (webhooks, admission policies,
    /// device claims, flow control, certificates, …) only metadata and types are looked at: a create should be refused.
    pub fn is_validated(&self) -> bool {
        const UNKNOWN_GROUPS: [&str; 5] = [
            "admissionregistration.k8s.io",
            "resource.k8s.io",
            "flowcontrol.apiserver.k8s.io",
            "certificates.k8s.io",
            "apiregistration.k8s.io",
        ];
        const UNKNOWN: [&str; 8] = [
            "csidrivers",
            "csinodes",
            "csistoragecapacities",
            "volumeattachments",
            "volumeattributesclasses",
            "servicecidrs",
            "ipaddresses",
            "podtemplates",
        ];
        self.is_custom()
            || !(UNKNOWN_GROUPS.contains(&self.gvr.group.as_str()) || UNKNOWN.contains(&self.gvr.plural.as_str()))
    }

    /// The faults of an object, defaults filled in; `old` on update, `subresource` for `status` and the like.
    pub fn validate(&self, new: &Value, old: Option<&Value>, subresource: Option<&str>) -> Vec<FieldError> {
        let mut faults = Faults::default();
        match (self.is_custom(), subresource) {
            (true, Some("status")) => custom::check_status(self, new, old, &mut faults),
            (true, _) => custom::check(self, new, old, &mut faults),
            (false, Some("status")) => {
                if let Some(old) = old {
                    meta::check(self, new, Some(old), &mut faults);
                }
            }
            (false, _) => {
                meta::check(self, new, old, &mut faults);
                builtin(self.gvr.group.as_str(), self.kind.as_str(), new, old, &mut faults);
            }
        }
        faults.0
    }
}

/// What each of the server's own kinds asks for beyond its metadata.
fn builtin(group: &str, kind: &str, new: &Value, old: Option<&Value>, faults: &mut Faults) {
    match (group, kind) {
        ("", "Pod") => pod::pod(new, old, faults),
        ("", "Service") => services::service(new, old, faults),
        ("", "ConfigMap") => configs::config_map(new, old, faults),
        ("", "Secret") => configs::secret(new, old, faults),
        ("", "PersistentVolumeClaim") => claim::claim(new, old, faults),
        ("", "PersistentVolume") => claim::volume(new, old, faults),
        ("", "ResourceQuota") => configs::quota(new, old, faults),
        ("", "LimitRange") => configs::limit_range(new, faults),
        ("", "Node") => configs::node(new, faults),
        ("", "ReplicationController") => workloads::replication_controller(new, faults),
        ("apps", "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet") => {
            workloads::workload(kind, new, old, faults);
        }
        ("batch", "Job") => jobs::job(new, old, faults),
        ("batch", "CronJob") => jobs::cron_job(new, old, faults),
        ("networking.k8s.io", "NetworkPolicy") => network::policy(new, faults),
        ("networking.k8s.io", "Ingress") => network::ingress(new, faults),
        ("autoscaling", "HorizontalPodAutoscaler") => network::autoscaler(new, faults),
        ("policy", "PodDisruptionBudget") => configs::disruption_budget(new, faults),
        ("rbac.authorization.k8s.io", "Role") => access::role(new, false, faults),
        ("rbac.authorization.k8s.io", "ClusterRole") => access::role(new, true, faults),
        ("rbac.authorization.k8s.io", "RoleBinding") => access::binding(new, old, false, faults),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding") => access::binding(new, old, true, faults),
        ("storage.k8s.io", "StorageClass") => claim::storage_class(new, old, faults),
        ("scheduling.k8s.io", "PriorityClass") => configs::priority_class(new, old, faults),
        ("coordination.k8s.io", "Lease") => configs::lease(new, faults),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => faults.0.extend(crd::validate(new, old)),
        _ => {}
    }
}
