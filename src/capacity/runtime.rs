//! What a `RuntimeClass` adds to the pods that name it: overhead, node selector, tolerations.

use serde_json::{Value, json};

/// A pod spec as the API server makes it when it knows the runtime class; unchanged when it names none.
pub(crate) fn with_runtime(mut spec: Value, class: Option<&Value>) -> Value {
    let Some(class) = class else { return spec };
    let Some(object) = spec.as_object_mut() else { return spec };
    if let Some(overhead) = class.pointer("/overhead/podFixed") {
        object.insert("overhead".into(), overhead.clone());
    }
    if let Some(selector) = class.pointer("/scheduling/nodeSelector").and_then(Value::as_object) {
        let own = object.entry("nodeSelector").or_insert_with(|| json!({}));
        if let Some(own) = own.as_object_mut() {
            own.extend(selector.clone());
        }
    }
    if let Some(tolerations) = class.pointer("/scheduling/tolerations").and_then(Value::as_array) {
        let own = object.entry("tolerations").or_insert_with(|| json!([]));
        if let Some(own) = own.as_array_mut() {
            own.extend(tolerations.iter().cloned());
        }
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overhead_selector_and_tolerations_are_added() {
        let class = json!({"overhead": {"podFixed": {"cpu": "250m"}},
            "scheduling": {"nodeSelector": {"kvm": "yes"}, "tolerations": [{"operator": "Exists"}]}});
        let spec = with_runtime(json!({"nodeSelector": {"disk": "ssd"}}), Some(&class));
        assert_eq!(
            spec,
            json!({"nodeSelector": {"disk": "ssd", "kvm": "yes"}, "overhead": {"cpu": "250m"},
                "tolerations": [{"operator": "Exists"}]})
        );
        assert_eq!(with_runtime(json!({}), None), json!({}));
    }
}
