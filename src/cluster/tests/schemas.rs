//! Manifests against schemas as Kubernetes writes them.

use serde_json::{Value, json};

use super::super::Schemas;

fn document() -> Schemas {
    Schemas::openapi(json!({"components": {"schemas": {
        "io.k8s.api.core.v1.Pod": {"type": "object",
            "properties": {
                "metadata": {"allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}], "default": {}},
                "spec": {"allOf": [{"$ref": "#/components/schemas/io.k8s.api.core.v1.PodSpec"}], "default": {}}},
            "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "Pod"}]},
        "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": {"type": "object", "properties": {
            "name": {"type": "string"}, "labels": {"type": "object", "additionalProperties": {"type": "string", "default": ""}},
            "creationTimestamp": {"allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.Time"}]}}},
        "io.k8s.apimachinery.pkg.apis.meta.v1.Time": {"type": "string", "format": "date-time"},
        "io.k8s.api.core.v1.PodSpec": {"type": "object", "required": ["containers"], "properties": {
            "containers": {"type": "array", "items": {"allOf": [{"$ref": "#/components/schemas/io.k8s.api.core.v1.Container"}], "default": {}}}}},
        "io.k8s.api.core.v1.Container": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string", "default": ""}, "image": {"type": "string"},
            "limits": {"type": "object", "additionalProperties": {"allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity"}]}},
            "port": {"allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.util.intstr.IntOrString"}]}}},
        "io.k8s.apimachinery.pkg.api.resource.Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
    }}}))
}

fn found(object: &Value) -> Vec<String> {
    document().check(object).unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn kubernetes_own_types_are_followed_through_references() {
    let good = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "creationTimestamp": null, "labels": {"app.kubernetes.io/name": "x"}},
        "spec": {"containers": [{"name": "c", "limits": {"cpu": 1, "memory": "1Gi"}, "port": "http"}]}});
    assert_eq!(found(&good), Vec::<String>::new());
    let bad = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"nmae": "a", "labels": {"app.kubernetes.io/name": 1}},
        "spec": {"containers": [{"imag": "x", "limits": {"cpu": true}, "port": 1.5}], "restart": "no"}});
    assert_eq!(
        found(&bad),
        [
            "metadata.nmae: unknown field (did you mean `name`?)",
            "metadata.labels.[app.kubernetes.io/name]: wants string, has a number",
            "spec.containers[0].imag: unknown field (did you mean `image`?)",
            "spec.containers[0].limits.cpu: wants string or number, has a boolean",
            "spec.containers[0].port: wants integer or string, has a number",
            "spec.containers[0].name: required field is missing",
            "spec.restart: unknown field",
        ]
        .map(|s| s.replace(".[", "["))
    );
    assert!(document().check(&json!({"apiVersion": "v2", "kind": "Pod"})).is_none());
}

#[test]
fn structural_schemas_bound_values_and_may_be_open() {
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 3},
        "list": {"type": "array", "minItems": 1, "items": {"type": "integer", "maximum": 5, "exclusiveMaximum": true}},
        "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        "closed": {"type": "object"},
        "either": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        "pod": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true},
    }}}});
    let check = |spec: Value| -> Vec<String> {
        let object =
            json!({"apiVersion": "x.io/v1", "kind": "X", "metadata": {"name": "a", "labels": {}}, "spec": spec});
        Schemas::check_custom(&schema, &object).iter().map(ToString::to_string).collect()
    };
    let good = json!({"name": "abc", "list": [1, 4.0], "any": {"x": {"y": 1}}, "closed": {}, "either": "50%", "pod": {"apiVersion": "v1", "spec": {}}, "gone": null});
    assert_eq!(check(good), ["spec.gone: unknown field"]);
    assert_eq!(
        check(json!({"name": "ABCD", "list": [5], "closed": {"a": 1}, "either": 1.5})),
        [
            "spec.name: 4 characters, at most 3 allowed",
            "spec.name: `ABCD` does not match ^[a-z]+$",
            "spec.list[0]: 5 is more than 5 allows",
            "spec.closed.a: unknown field",
            "spec.either: wants integer or string, has a number",
        ]
    );
    assert_eq!(check(json!({"list": []})), ["spec.list: 0 items, at least 1 wanted"]);
}
