//! Owners of `spec.replicas` as the `scale` subresource sees them, and back.

use serde_json::{Value, json};

use super::element::Element;
use super::managers::{self, Entry, Managers};
use super::set::Set;

const SCALE_VERSION: &str = "autoscaling/v1";

/// `managedFields` of the `Scale` that stands for an object: those who own its replicas. `replicas` is the path of the
/// number in the object (`["spec", "replicas"]`).
pub fn to_scale(parent: &Value, replicas: &[&str]) -> Value {
    let path = path(replicas);
    let parent = owners(parent).into_iter().filter(|(_, entry)| entry.fields.has(&path));
    let of_scale = parent.map(|(manager, entry)| {
        let fields = Set::of(&[&["spec", "replicas"]]);
        (manager, Entry { fields, api_version: SCALE_VERSION.into(), time: entry.time })
    });
    let managers: Managers = of_scale.collect();
    if managers.is_empty() { json!([]) } else { managers::encode(&managers) }
}

/// Takes the owners of a written `Scale` over into the object that it stands for.
pub fn from_scale(parent: &mut Value, scale: &Value, replicas: &[&str], api_version: &str) {
    let path = path(replicas);
    let mut of_scale = owners(scale);
    let mut managers = Managers::new();
    for (manager, mut entry) in owners(parent) {
        if entry.fields.has(&path) && of_scale.remove(&manager).is_none() {
            let mut taken = Set::default();
            taken.insert(&path);
            entry.fields = entry.fields.difference(&taken);
        }
        if !entry.fields.is_empty() {
            managers.insert(manager, entry);
        }
    }
    for (mut manager, entry) in of_scale {
        if !entry.fields.has(&[Element::field("spec"), Element::field("replicas")]) {
            continue;
        }
        let mut fields = Set::default();
        fields.insert(&path);
        if !manager.api_version.is_empty() {
            api_version.clone_into(&mut manager.api_version);
        }
        // As on the true server, these have no time.
        let new = Entry { fields, api_version: api_version.to_owned(), time: None };
        let known = managers.entry(manager).or_insert_with(|| new.clone());
        known.fields = known.fields.union(&new.fields);
    }
    managers::write(&managers, parent);
}

fn path(names: &[&str]) -> Vec<Element> {
    names.iter().map(|name| Element::field(name)).collect()
}

fn owners(object: &Value) -> Managers {
    managers::decode(&object["metadata"]["managedFields"]).unwrap_or_default()
}
