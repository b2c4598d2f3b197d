//! Owner references.

use serde_json::{Value, json};

use super::id::kind_name;
use super::read::{flag, list, name, text, uid};

/// The owner references of an object.
pub fn owners(object: &Value) -> &[Value] {
    list(object, "/metadata/ownerReferences")
}

/// The owner that controls it.
pub fn controller(object: &Value) -> Option<&Value> {
    owners(object).iter().find(|owner| flag(owner, "/controller"))
}

/// Whether `object` is controlled by `owner`.
pub fn controlled_by(object: &Value, owner: &Value) -> bool {
    controller(object).is_some_and(|c| text(c, "/uid") == uid(owner) && !uid(owner).is_empty())
}

/// The name of the controller if it is of this kind (`ReplicaSet.apps`).
pub fn controller_name<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    let owner = controller(object)?;
    (kind_name(text(owner, "/apiVersion"), text(owner, "/kind")) == kind).then(|| text(owner, "/name"))
}

/// A reference to a controlling owner.
pub fn controller_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": text(owner, "/apiVersion"),
        "kind": text(owner, "/kind"),
        "name": name(owner),
        "uid": uid(owner),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// The object with one more owner, which controls it.
pub fn adopt(object: &Value, owner: &Value) -> Value {
    let mut adopted = object.clone();
    let mut references = owners(object).to_vec();
    references.push(controller_reference(owner));
    adopted["metadata"]["ownerReferences"] = Value::Array(references);
    adopted
}

/// The object without this owner.
pub fn release(object: &Value, owner: &Value) -> Value {
    let mut released = object.clone();
    let left: Vec<Value> = owners(object).iter().filter(|o| text(o, "/uid") != uid(owner)).cloned().collect();
    super::read::put(&mut released["metadata"], "ownerReferences", (!left.is_empty()).then_some(Value::Array(left)));
    released
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adopted_and_released() {
        let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "r", "uid": "1"}});
        let pod = json!({"kind": "Pod", "metadata": {"name": "p"}});
        let adopted = adopt(&pod, &owner);
        assert!(controlled_by(&adopted, &owner) && !controlled_by(&pod, &owner));
        assert_eq!(controller_name(&adopted, "ReplicaSet.apps"), Some("r"));
        assert_eq!(controller_name(&adopted, "Job.batch"), None);
        assert_eq!(release(&adopted, &owner), pod);
    }
}
