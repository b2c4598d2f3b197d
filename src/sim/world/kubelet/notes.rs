//! How the kubelet speaks of a pod.

use serde_json::Value;

use crate::sim::world::plan::{Act, Note, Reporter};
use crate::sim::world::read::{name, namespace, text, uid};

/// An event of the kubelet of a pod's node.
pub(super) fn note(pod: &Value, warning: bool, reason: &str, message: String, container: Option<(&str, &str)>) -> Act {
    let mut note = Note::new(pod, warning, reason, message);
    note.from = Some(Reporter { component: "kubelet".into(), host: text(pod, "/spec/nodeName").to_owned() });
    note.field = container.map(|(group, name)| format!("spec.{group}{{{name}}}"));
    Act::Event(note)
}

/// What a pod is called in the kubelet's messages: `name_namespace(uid)`.
pub(super) fn full_name(pod: &Value) -> String {
    format!("{}_{}({})", name(pod), namespace(pod), uid(pod))
}
