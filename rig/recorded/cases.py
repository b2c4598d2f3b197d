"""What patches.py sends."""

import json

GROUP = "try.dpb.dev"


def crd(plural, kind, properties, status, scale=None):
    version = {
        "name": "v1", "served": True, "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {"type": "object", "properties": properties},
            "status": {"type": "object", "properties": {"phase": {"type": "string"}, "ready": {"type": "integer"}, "conditions": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
                "items": {"type": "object", "required": ["type"], "properties": {"type": {"type": "string"}, "status": {"type": "string"}}}}}},
        }}},
        "subresources": {},
    }
    if status:
        version["subresources"]["status"] = {}
    if scale:
        version["subresources"]["scale"] = scale
    return ("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "versions": [version],
                 "names": {"plural": plural, "kind": kind, "singular": kind.lower(), "listKind": kind + "List"}},
    })


WIDGET = {
    "size": {"type": "integer"},
    "replicas": {"type": "integer", "default": 1},
    "mode": {"type": "string", "default": "slow"},
    "note": {"type": "string", "nullable": True},
    "ports": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"],
              "items": {"type": "object", "required": ["port"], "properties": {
                  "port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}, "name": {"type": "string"},
                  "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}}}},
    "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
    "numbers": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "integer"}},
    "args": {"type": "array", "items": {"type": "string"}},
    "opts": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "half": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"known": {"type": "string"}}},
    "port": {"x-kubernetes-int-or-string": True},
    "deep": {"type": "object", "properties": {"one": {"type": "object", "properties": {"two": {"type": "string"}, "three": {"type": "string"}}}}},
}
SETUP = [
    crd("widgets", "Widget", WIDGET, True, {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.ready"}),
    crd("plains", "Plain", {"size": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}}}, False),
]
CASES = []
KINDS = {
    "configmaps": ("v1", "ConfigMap"), "services": ("v1", "Service"), "podtemplates": ("v1", "PodTemplate"),
    "deployments": ("apps/v1", "Deployment"), "ingresses": ("networking.k8s.io/v1", "Ingress"), "serviceaccounts": ("v1", "ServiceAccount"),
    "widgets": (GROUP + "/v1", "Widget"), "plains": (GROUP + "/v1", "Plain"),
}


class Case:
    def __init__(self, name, resource):
        self.name, self.resource, self.steps = name, resource, []
        CASES.append({"name": name, "steps": self.steps})

    def object(self, **fields):
        version, kind = KINDS[self.resource]
        metadata = {"name": self.name, **fields.pop("metadata", {})}
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}

    def step(self, do, body, sub=None, onto=None, **query):
        step = {"do": do, "on": [self.resource, self.name], "body": body, "query": query}
        if sub:
            step["sub"] = sub
        if onto:
            step["onto"] = onto
        self.steps.append(step)
        return self

    def create(self, manager="kubectl-create", **fields):
        return self.step("create", self.object(**fields), fieldManager=manager)

    def given(self, **fields):
        """As create, of no interest itself."""
        self.create(**fields)
        self.steps[-1]["quiet"] = True
        return self

    def apply(self, manager="one", force=None, sub=None, dry=False, raw=None, **fields):
        query = {} if manager is None else {"fieldManager": manager}
        if force is not None:
            query["force"] = force
        if dry:
            query["dryRun"] = "All"
        return self.step("apply", raw if raw is not None else self.object(**fields), sub, **query)

    def update(self, *onto, manager="updater", sub=None):
        return self.step("update", {}, sub, onto=list(onto), fieldManager=manager)

    def patch(self, how, body, sub=None, manager="patcher", **query):
        return self.step(how, body, sub, fieldManager=manager, **query)


# --- apply: ownership
Case("ssa-create", "configmaps").apply(data={"a": "1", "b": "2"})
Case("ssa-again", "configmaps").apply(data={"a": "1"}).apply(data={"a": "1"})
Case("ssa-change", "configmaps").apply(data={"a": "1"}).apply(data={"a": "2"})
Case("ssa-remove", "configmaps").apply(data={"a": "1", "b": "2"}).apply(data={"a": "1"}).apply()
Case("ssa-shared", "configmaps").apply(data={"a": "1"}).apply("two", data={"a": "1", "b": "1"}).apply(data={}).apply("two")
Case("ssa-conflict", "configmaps").apply(data={"a": "1"}).apply("two", data={"a": "2"}).apply("two", True, data={"a": "2"}).apply(data={"b": "1"})
Case("ssa-conflicts", "configmaps").apply(data={"a": "1", "b": "1"}).apply("two", data={"c": "1"}).apply("three", data={"a": "2", "b": "2", "c": "2"})
Case("ssa-conflict-update", "configmaps").create(data={"a": "1"}).apply(data={"a": "2"}).apply(data={"a": "1"}).apply(data={})
Case("ssa-three", "configmaps").create(data={"a": "1"}).update([["data", "b"], "1"]).patch("merge", {"data": {"c": "1"}}).apply(data={"a": "9", "b": "9", "c": "9"}).apply(force=True, data={"a": "9", "b": "9"})
Case("ssa-dry", "configmaps").apply(dry=True, data={"a": "1"})
Case("ssa-labels", "configmaps").apply(metadata={"labels": {"x": "1", "y": "2"}, "annotations": {"n": "1"}}).apply("two", metadata={"labels": {"z": "1"}}).apply(metadata={"labels": {"x": "1"}})
Case("ssa-owners", "configmaps").apply(metadata={"ownerReferences": [{"apiVersion": "v1", "kind": "Secret", "name": "s", "uid": "u-1"}], "finalizers": ["try.dpb.dev/a"]}).apply("two", metadata={"finalizers": ["try.dpb.dev/b"]}).apply(metadata={"finalizers": ["try.dpb.dev/c"]})
Case("ssa-empty-map", "configmaps").apply(data={}).apply(metadata={"labels": {}})
Case("ssa-null", "configmaps").apply(data={"a": "1"}).apply(data=None)
Case("ssa-binary", "configmaps").apply(data={"a": "1"}, binaryData={"b": "AQID"}, immutable=False)
# --- wrong input
Case("bad-managed-fields", "configmaps").apply(metadata={"managedFields": [{"manager": "x"}]}).apply(metadata={"managedFields": []})
Case("bad-no-manager", "configmaps").apply(None)
Case("bad-kind", "configmaps").apply(raw={"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bad-kind"}})
Case("bad-no-kind", "configmaps").apply(raw={"metadata": {"name": "bad-no-kind"}, "data": {"a": "1"}})
Case("bad-version", "deployments").apply(raw={"apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": {"name": "bad-version"}})
Case("bad-name", "configmaps").apply(raw={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}})
Case("bad-no-name", "configmaps").apply(raw={"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}}).apply(raw={"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "2"}})
Case("bad-namespace", "configmaps").apply(metadata={"namespace": "kube-system"})
Case("bad-uid", "configmaps").apply(metadata={"uid": "u-1"}).apply().apply(metadata={"uid": "u-2"})
Case("bad-version-number", "configmaps").apply(data={"a": "1"}).apply(metadata={"resourceVersion": "1"}, data={"a": "2"})
Case("bad-field", "configmaps").apply(dta={"a": "1"})
Case("bad-type", "configmaps").apply(data="text")
Case("bad-type-list", "podtemplates").apply(template={"spec": {"containers": "none"}})
Case("bad-number", "podtemplates").apply(template={"spec": {"priority": "high", "containers": []}})
Case("bad-string", "configmaps").apply(data={"a": 1})
Case("bad-string-map", "configmaps").apply(data={"a": {"b": ["c", 1, 1.5, True, None]}})
Case("bad-bool", "configmaps").apply(immutable="yes")
Case("bad-two", "podtemplates").apply(template={"spec": {"containers": [{"name": "a", "image": 1, "tty": "x"}], "priority": "p"}})
Case("bad-duplicate", "podtemplates").apply(template={"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "a", "image": "y"}]}})
Case("bad-duplicate-port", "podtemplates").apply(template={"spec": {"containers": [{"name": "a", "image": "x", "ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP"}]}]}})
Case("bad-duplicate-set", "configmaps").apply(metadata={"finalizers": ["a.b/c", "a.b/c"]})
Case("bad-no-key", "podtemplates").apply(template={"spec": {"containers": [{"image": "x"}]}})
Case("bad-null-item", "podtemplates").apply(template={"spec": {"containers": [None]}})
Case("bad-text-item", "podtemplates").apply(template={"spec": {"containers": ["x"]}})
Case("bad-set-item", "configmaps").apply(metadata={"finalizers": [{"a": "b"}]})
Case("bad-quantity", "podtemplates").apply(template={"spec": {"containers": [{"name": "a", "image": "x", "resources": {"limits": {"cpu": {"a": 1}}}}]}})
Case("bad-body-list", "configmaps").apply(raw=[1])
Case("bad-body-text", "configmaps").apply(raw="{")
Case("bad-force", "configmaps").create(data={"a": "1"}).patch("merge", {"data": {"b": "1"}}, force="true")
Case("bad-manager", "configmaps").apply("x" * 129).patch("merge", {"data": {"b": "1"}}, manager="a%07b")
# --- built-in kinds with structure
POD = {"containers": [{"name": "a", "image": "x", "env": [{"name": "K", "value": "v"}], "ports": [{"containerPort": 80, "name": "web"}],
                       "resources": {"limits": {"memory": "1Gi"}, "requests": {"cpu": 1}}, "args": ["-a"], "securityContext": {"runAsUser": 1}}],
       "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "configMap": {"name": "c"}}],
       "tolerations": [{"key": "k", "operator": "Exists"}], "nodeSelector": {"disk": "ssd"}}
Case("pod-create", "podtemplates").create(template={"metadata": {"labels": {"a": "b"}}, "spec": POD})
Case("pod-apply", "podtemplates").apply(template={"metadata": {"labels": {"a": "b"}}, "spec": POD}).apply(
    "two", template={"spec": {"containers": [{"name": "a", "env": [{"name": "L", "value": "w"}], "ports": [{"containerPort": 80, "protocol": "UDP"}]}, {"name": "b", "image": "y"}]}}).apply(
    template={"spec": {"containers": [{"name": "a", "image": "x", "args": ["-b"]}], "tolerations": []}})
Case("pod-order", "podtemplates").apply(template={"spec": {"containers": [{"name": n, "image": "x"} for n in "abc"]}}).apply(
    "two", template={"spec": {"containers": [{"name": n, "image": "x"} for n in "cda"]}})
Case("pod-remove", "podtemplates").apply(template={"spec": {"containers": [{"name": n, "image": "x"} for n in "abc"]}}).apply(
    template={"spec": {"containers": [{"name": "c", "image": "x"}]}})
Case("pod-removed-not-owned", "podtemplates").create(template={"spec": {"containers": [{"name": n, "image": "x"} for n in "ab"]}}).apply(
    template={"spec": {"containers": [{"name": "b", "image": "x"}]}}).apply(template={"spec": {}})
Case("pod-null", "podtemplates").apply(template={"spec": {"containers": [{"name": "a", "image": "x", "env": None, "resources": None}], "nodeSelector": None, "priority": None, "securityContext": None}})
Case("pod-ports", "podtemplates").apply(template={"spec": {"containers": [{"name": "a", "image": "x", "ports": [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53}]}]}}).apply(
    template={"spec": {"containers": [{"name": "a", "image": "x", "ports": [{"containerPort": 53}]}]}})
Case("pod-atomic-conflict", "podtemplates").apply(template={"spec": {"containers": [{"name": "a", "image": "x", "args": ["1"]}]}}).apply(
    "two", template={"spec": {"containers": [{"name": "a", "args": ["2"]}]}})
Case("pod-volume-type", "podtemplates").apply(template={"spec": {"containers": [{"name": "a", "image": "x"}], "volumes": [{"name": "v", "emptyDir": {}}]}}).apply(
    template={"spec": {"containers": [{"name": "a", "image": "x"}], "volumes": [{"name": "v", "configMap": {"name": "c"}}]}})
Case("pod-quantity", "podtemplates").apply(template={"spec": {"containers": [{"name": "a", "image": "x", "resources": {"limits": {"cpu": 1}}}]}}).apply(
    "two", template={"spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": "1000m"}}}]}})
Case("service", "services").apply(spec={"ports": [{"port": 80}, {"port": 81, "name": "b", "targetPort": "x"}], "selector": {"a": "b"}}).apply(
    spec={"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}], "selector": {"a": "b"}}).apply("two", spec={"ports": [{"port": 80, "name": "z"}]})
# --- scale and status
DEPLOYMENT = {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "x"}]}}}
Case("deploy-conflict", "deployments").create("kubectl", spec=DEPLOYMENT).apply(spec={"replicas": 2})
Case("deploy-scale", "deployments").apply(spec=DEPLOYMENT).patch("merge", {"spec": {"replicas": 1}}, "scale", "scaler").apply(spec={**DEPLOYMENT, "replicas": 0})
Case("widget-scale", "widgets").apply(spec={"replicas": 2, "size": 1}).apply(
    "scaler", None, "scale", raw={"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "widget-scale"}, "spec": {"replicas": 3}}).apply(
    "scaler", True, "scale", raw={"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "widget-scale"}, "spec": {"replicas": 3}})
Case("widget-scale-update", "widgets").apply(spec={"replicas": 2}).update([["spec", "replicas"], 4], manager="scaler", sub=None).patch(
    "merge", {"spec": {"replicas": 5}}, "scale", "second")
Case("ingress-status", "ingresses").apply(spec={"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}).apply(
    "lb", None, "status", status={"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}, spec={"ingressClassName": "x"}).patch(
    "merge", {"status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.5"}]}}}, "status", "lb").apply(
    "lb", status={"loadBalancer": {"ingress": [{"ip": "9.9.9.9"}]}}, spec={"ingressClassName": "y"})
Case("widget-status", "widgets").apply(spec={"size": 1}).apply(
    "op", None, "status", status={"phase": "Up", "conditions": [{"type": "Ready", "status": "True"}]}, metadata={"labels": {"a": "b"}}, spec={"size": 7}).apply(
    "op2", None, "status", status={"phase": "Down"}).patch("merge", {"status": {"ready": 3}, "spec": {"size": 8}}, "status", "op3").apply(
    "op", None, "status", status={"conditions": [{"type": "Live", "status": "True"}]})
# --- custom resources
Case("widget-create", "widgets").create(spec={"size": 1, "tags": ["a"], "args": ["x"], "ports": [{"port": 80}], "free": {"a": {"b": 1}, "c": [1, 2]}, "labels": {"l": "1"}, "opts": {"a": "1"}, "deep": {}}, status={"phase": "ignored"})
Case("widget-apply", "widgets").apply(spec={"size": 1, "tags": ["a", "b"], "args": ["x"], "ports": [{"port": 80, "tags": ["t"]}], "free": {"a": {"b": 1}, "c": [1, 2]},
                                            "half": {"known": "k", "new": {"x": 1}}, "labels": {"l": "1"}, "opts": {"a": "1"}, "deep": {"one": {"two": "2"}}, "port": "http", "numbers": [3, 1]}).apply(
    "two", spec={"tags": ["b", "c"], "ports": [{"port": 80, "protocol": "TCP", "name": "web"}], "free": {"a": {"d": 2}}, "labels": {"m": "1"}, "deep": {"one": {"three": "3"}}, "numbers": [2, 1]}).apply(
    spec={"tags": ["a"], "deep": {}}).apply("two", spec={"opts": {"b": "1"}})
Case("widget-conflict", "widgets").apply(spec={"args": ["x"], "opts": {"a": "1"}, "port": 80, "ports": [{"port": 80, "name": "p"}]}).apply(
    "two", spec={"args": ["y"], "opts": {"a": "1", "b": "2"}, "port": "80", "ports": [{"port": 80, "name": "q"}]})
Case("widget-null", "widgets").apply(spec={"note": None, "size": None, "mode": None, "tags": None}).apply(spec={"note": None, "labels": None})
Case("widget-unknown", "widgets").apply(spec={"sise": 1})
Case("widget-int-float", "widgets").apply(spec={"size": 1, "free": {"x": 1}}).apply("two", spec={"free": {"x": 1.0}})
Case("widget-bad-set", "widgets").apply(spec={"numbers": [1, 2, 1]}).apply(spec={"tags": [None]}).apply(spec={"ports": [{"name": "x"}]})
Case("plain-status", "plains").apply(spec={"size": 1}, status={"phase": "x"}).apply("two", status={"phase": "y"})
# --- update: managedFields
Case("update-fields", "configmaps").create(data={"a": "1"}).update([["data", "b"], "2"]).update([["data", "a"], "3"]).update([["data", "b"]]).update()
Case("update-same-manager", "configmaps").create(data={"a": "1"}).update([["data", "b"], "2"], manager="kubectl-create").update([["data", "a"]], manager="kubectl-create")
Case("update-reset", "configmaps").create(data={"a": "1"}).update([["metadata", "managedFields"], []]).update([["data", "b"], "1"]).apply(data={"c": "1"})
Case("update-drop", "configmaps").create(data={"a": "1"}).update([["metadata", "managedFields"]], [["data", "b"], "1"])
Case("update-own", "configmaps").create(data={"a": "1"}).update(
    [["metadata", "managedFields"], [{"manager": "mine", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:a": {}}}}]])
Case("update-bad-managed", "configmaps").create(data={"a": "1"}).update(
    [["metadata", "managedFields"], [{"manager": "mine", "operation": "Guess", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {}}]])
Case("update-widget", "widgets").create(spec={"size": 1, "tags": ["a"], "ports": [{"port": 1}, {"port": 2}]}).update(
    [["spec", "tags"], ["b", "a"]], [["spec", "ports"], [{"port": 2, "name": "x"}]])
cap = Case("update-cap", "configmaps").create(data={"a": "1"})
for number in range(11):
    cap.update([["data", f"k{number}"], "1"], manager=f"m{number:02}")
Case("last-applied", "configmaps").create("kubectl-client-side-apply", data={"a": "1", "b": "1"}, metadata={"annotations": {
    "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "last-applied", "annotations": {}}, "data": {"a": "1", "b": "1"}})}}).apply(
    "kubectl", data={"a": "2", "b": "1"}).update([["data", "b"], "7"]).apply("kubectl", data={"a": "3", "b": "2"})
# --- JSON patch
BASE = {"a": "1", "b": "2"}


def json_patch(name, *operations, **query):
    Case(name, "configmaps").given(data=BASE).patch("json", list(operations), **query)


json_patch("json-add", {"op": "add", "path": "/data/c", "value": "3"}, {"op": "remove", "path": "/data/a"}, {"op": "replace", "path": "/data/b", "value": "9"})
json_patch("json-copy", {"op": "copy", "from": "/data/a", "path": "/data/c"}, {"op": "move", "from": "/data/b", "path": "/data/d"}, {"op": "test", "path": "/data/d", "value": "2"})
json_patch("json-slash", {"op": "add", "path": "/metadata/annotations", "value": {}}, {"op": "add", "path": "/metadata/annotations/x.y~1z", "value": "1"})
json_patch("json-test", {"op": "test", "path": "/data/a", "value": "2"})
json_patch("json-test-missing", {"op": "test", "path": "/data/z", "value": "2"})
json_patch("json-test-null", {"op": "test", "path": "/data/z", "value": None}, {"op": "add", "path": "/data/q", "value": "1"})
json_patch("json-test-deep", {"op": "test", "path": "/binaryData/z", "value": "2"})
json_patch("json-remove-missing", {"op": "remove", "path": "/data/z"})
json_patch("json-remove-deep", {"op": "remove", "path": "/binaryData/z"})
json_patch("json-replace-missing", {"op": "replace", "path": "/data/z", "value": "1"})
json_patch("json-replace-deep", {"op": "replace", "path": "/binaryData/z", "value": "1"})
json_patch("json-add-deep", {"op": "add", "path": "/binaryData/z", "value": "1"})
json_patch("json-move-missing", {"op": "move", "from": "/data/z", "path": "/data/y"})
json_patch("json-copy-deep", {"op": "copy", "from": "/binaryData/z", "path": "/data/y"})
json_patch("json-copy-to-deep", {"op": "copy", "from": "/data/a", "path": "/binaryData/y"})
json_patch("json-move-to-deep", {"op": "move", "from": "/data/a", "path": "/binaryData/y"})
json_patch("json-unknown-op", {"op": "shift", "path": "/data/a"})
json_patch("json-no-op", {"path": "/data/a"})
json_patch("json-no-path", {"op": "add", "value": "1"})
json_patch("json-no-from", {"op": "move", "path": "/data/a"})
json_patch("json-no-value", {"op": "add", "path": "/data/c"})
json_patch("json-relative", {"op": "add", "path": "data/c", "value": "1"})
json_patch("json-unknown-member", {"op": "add", "path": "/data/c", "value": "1", "why": "x"}, fieldValidation="Strict")
json_patch("json-type", {"op": "replace", "path": "/data/a", "value": 5})
json_patch("json-whole", {"op": "replace", "path": "", "value": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "json-whole"}}})
json_patch("json-name", {"op": "replace", "path": "/metadata/name", "value": "other"})
Case("json-object", "configmaps").given(data=BASE).patch("json", {"op": "add", "path": "/data/c", "value": "1"}).patch("json", "{", fieldValidation="Strict").patch("json", [1]).patch("json", [{"op": 1, "path": "/data/c"}])
Case("json-list", "widgets").given(spec={"args": ["a", "b", "c"]}).patch("json", [{"op": "add", "path": "/spec/args/1", "value": "x"}, {"op": "add", "path": "/spec/args/-", "value": "y"}, {"op": "remove", "path": "/spec/args/0"}, {"op": "replace", "path": "/spec/args/-1", "value": "z"}])
for name, operation in {
    "add-far": {"op": "add", "path": "/spec/args/9", "value": "x"}, "add-word": {"op": "add", "path": "/spec/args/x", "value": "x"},
    "remove-far": {"op": "remove", "path": "/spec/args/9"}, "remove-word": {"op": "remove", "path": "/spec/args/x"}, "replace-far": {"op": "replace", "path": "/spec/args/9", "value": "x"},
    "test-far": {"op": "test", "path": "/spec/args/9", "value": "x"}, "move-far": {"op": "move", "from": "/spec/args/9", "path": "/spec/args/0"}, "copy-far": {"op": "copy", "from": "/spec/args/-9", "path": "/spec/args/0"},
    "through-text": {"op": "add", "path": "/spec/mode/x", "value": "x"},
}.items():
    Case("json-list-" + name, "widgets").given(spec={"args": ["a"]}).patch("json", [operation])
Case("json-missing-object", "configmaps").patch("json", [{"op": "add", "path": "/data/c", "value": "1"}])
# --- merge patch
Case("merge", "configmaps").given(data=BASE).patch("merge", {"data": {"a": None, "c": "3"}, "metadata": {"labels": {"x": None, "y": "1"}}})
Case("merge-null", "configmaps").given(data=BASE).patch("merge", {"data": None})
Case("merge-list", "widgets").given(spec={"ports": [{"port": 1}, {"port": 2}], "free": {"a": {"b": 1}}}).patch("merge", {"spec": {"ports": [{"port": 3}], "free": {"a": 5, "n": {"m": None, "l": 1}}}})
Case("merge-bad", "configmaps").given(data=BASE).patch("merge", [1]).patch("merge", "{").patch("merge", "null").patch("merge", "5").patch("merge", {"data": {"a": 5}}).patch("merge", [1], fieldValidation="Ignore")
Case("merge-unknown", "configmaps").given(data=BASE).patch("merge", {"dta": {"a": "5"}}, fieldValidation="Strict")
Case("merge-managed-fields", "configmaps").given(data=BASE).patch("merge", {"metadata": {"managedFields": [{}]}}).patch("merge", {"data": {"a": "4"}})
Case("merge-version", "configmaps").given(data=BASE).patch("merge", {"metadata": {"resourceVersion": "1"}, "data": {"a": "4"}})
# --- strategic merge patch
CONTAINERS = [{"name": "a", "image": "x", "env": [{"name": "K", "value": "v"}, {"name": "L", "value": "w"}], "args": ["1"], "ports": [{"containerPort": 80}]}, {"name": "b", "image": "y"}, {"name": "c", "image": "z"}]


def strategic(name, *patches, **query):
    case = Case("strategic-" + name, "podtemplates").given(metadata={"finalizers": ["a.b/x", "a.b/y"], "labels": {"l": "1"}}, template={"spec": {
        "containers": CONTAINERS, "volumes": [{"name": "v", "emptyDir": {}}], "tolerations": [{"key": "k", "operator": "Exists"}], "nodeSelector": {"a": "b"}}})
    for body in patches:
        case.patch("strategic", body, **query)


strategic("merge", {"template": {"spec": {"containers": [{"name": "b", "image": "new"}, {"name": "d", "image": "w"}], "nodeSelector": {"c": "d", "a": None}}}})
strategic("delete", {"template": {"spec": {"containers": [{"name": "b", "$patch": "delete"}, {"name": "a", "env": [{"name": "K", "$patch": "delete"}]}]}}})
strategic("replace-list", {"template": {"spec": {"containers": [{"name": "n", "image": "n"}, {"$patch": "replace"}]}}})
strategic("replace-map", {"template": {"spec": {"nodeSelector": {"$patch": "replace", "x": "y"}}}, "metadata": {"labels": {"$patch": "delete"}}})
strategic("order", {"template": {"spec": {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}, {"name": "b"}], "containers": [{"name": "a", "image": "n"}]}}})
strategic("order-only", {"template": {"spec": {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}]}}})
strategic("order-wrong", {"template": {"spec": {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}], "containers": [{"name": "a", "image": "n"}, {"name": "c", "image": "n"}]}}})
strategic("atomic", {"template": {"spec": {"tolerations": [{"key": "z", "operator": "Exists"}], "containers": [{"name": "a", "args": ["2", "3"]}]}}})
strategic("primitive", {"metadata": {"finalizers": ["a.b/z", "a.b/x"]}}, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.b/y", "a.b/none"]}},
          {"metadata": {"$setElementOrder/finalizers": ["a.b/z", "a.b/x"], "finalizers": ["a.b/z"]}})
strategic("retain", {"template": {"spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}]}}},
          {"template": {"spec": {"volumes": [{"name": "v", "$retainKeys": ["name"], "hostPath": {"path": "/x"}}]}}}, {"template": {"spec": {"volumes": [{"name": "v", "$retainKeys": "name"}]}}})
strategic("null", {"template": {"spec": {"volumes": None, "nodeSelector": None, "containers": [{"name": "a", "env": None}]}}})
strategic("port", {"template": {"spec": {"containers": [{"name": "a", "ports": [{"containerPort": 80, "name": "web"}, {"containerPort": 81}]}]}}})
strategic("no-key", {"template": {"spec": {"containers": [{"image": "n"}]}}})
strategic("bad-directive", {"template": {"spec": {"containers": [{"name": "a", "$patch": "shift"}]}}}, {"template": {"spec": {"nodeSelector": {"$patch": "shift"}}}}, {"template": {"spec": {"containers": [{"name": "a", "$patch": "merge"}]}}})
strategic("delete-no-key", {"template": {"spec": {"containers": [{"$patch": "delete"}]}}})
strategic("unknown", {"template": {"spec": {"containrs": [{"name": "a"}]}}}, fieldValidation="Strict")
strategic("types", {"template": {"spec": {"containers": {"name": "a"}}}}, {"template": {"spec": {"containers": ["a"]}}}, {"template": 5})
strategic("bad", [1], "{", {"$patch": "delete"}, {"$setElementOrder/foo": [{"name": "a"}], "foo": []}, {"template": {"spec": {"$setElementOrder/containers": "x"}}}, {"metadata": {"$deleteFromPrimitiveList/finalizers": "x"}}, {"metadata": {"$deleteFromPrimitiveList": ["x"]}})
strategic("lists", {"metadata": {"finalizers": [["a"]]}}, {"metadata": {"finalizers": ["a.b/q", 5]}})
Case("strategic-service", "services").given(spec={"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]}).patch("strategic", {"spec": {"ports": [{"port": 80, "name": "c"}], "selector": {"x": "y"}}})
Case("strategic-deployment", "deployments").given(spec={**DEPLOYMENT, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}).patch(
    "strategic", {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}})
Case("strategic-account", "serviceaccounts").given(imagePullSecrets=[{"name": "a"}]).patch("strategic", {"imagePullSecrets": [{"name": "b"}], "secrets": [{"name": "s"}]})
Case("strategic-widget", "widgets").given(spec={"size": 1}).patch("strategic", {"spec": {"size": 2}})
