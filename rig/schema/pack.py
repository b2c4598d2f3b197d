"""Packs what rig/schemas took from the API server into one file: no descriptions, keys in a fixed order, fixed bytes.

usage: pack.py FOLDER FILE
"""

import glob
import gzip
import json
import sys

folder, target = sys.argv[1:]


def load(name):
    with open(f"{folder}/{name}", encoding="utf-8") as file:
        return json.load(file)


def drop_descriptions(node, names=False):
    """`names`: the keys are names of somebody's fields, of which one may be called `description`."""
    if isinstance(node, list):
        return [drop_descriptions(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for key, value in node.items():
        if names:
            kept[key] = drop_descriptions(value)
        elif key in ("description", "externalDocs") and not isinstance(value, dict):
            continue
        elif key in ("default", "enum", "example"):
            if key != "example":
                kept[key] = value
        else:
            kept[key] = drop_descriptions(value, key in ("properties", "patternProperties", "definitions"))
    return kept


def friendly(path):
    """`k8s.io/api/core/v1.Pod` as OpenAPI calls it: `io.k8s.api.core.v1.Pod`."""
    host, _, rest = path.partition("/")
    return ".".join(reversed(host.split("."))) + "." + rest.replace("/", ".")


go = load("go.json")["types"]


def terse(path):
    """A Go type: `*T`, `[]T`, `{key}T` for maps, `@name=T` for a named one, `#schema` for a struct, else a plain one."""
    if path.startswith("*"):
        return "*" + terse(path[1:])
    if path.startswith("[]"):
        return "[]" + terse(path[2:])
    if path.startswith("map["):
        key, _, elem = path[4:].partition("]")
        return "{" + (go[key]["name"] if key in go else key) + "}" + terse(elem)
    if path not in go:
        return path
    known = go[path]
    if known["kind"] == "struct":
        return "#" + friendly(path)
    if known["kind"] == "interface":
        return "any"
    if known.get("own"):
        return "#" + friendly(path)
    if known["kind"] == "slice":
        return f"@{known['name']}=[]" + terse(known["elem"])
    if known["kind"] == "map":
        return f"@{known['name']}={{string}}" + terse(known["elem"])
    return f"@{known['name']}={known['kind']}"


def fields_of(path):
    for field in go[path].get("fields", []):
        if "i" in field.get("f", ""):
            yield from fields_of(field["t"].lstrip("*"))
        else:
            yield [field["n"], field.get("f", ""), terse(field["t"])]


by_name = {friendly(path): path for path in go}
custom = {crd["spec"]["group"] for crd in load("crds.json")["items"]}

schemas = {}
for path in sorted(glob.glob(f"{folder}/v3/*.json")):
    if any(path.endswith(f"apis_{group}_{version}.json") for group in custom for version in ["v1", "v2", "v1alpha1", "v1beta1", "v1beta2", "v2beta1"]):
        continue
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        schema = drop_descriptions(schema)
        kinds = schema.get("x-kubernetes-group-version-kind")
        if kinds:
            # DeleteOptions and WatchEvent name every group version.
            schema["x-kubernetes-group-version-kind"] = kinds[:1] if len(kinds) > 1 else kinds
        if name in by_name and go[by_name[name]]["kind"] == "struct":
            known = go[by_name[name]]
            schema["go"] = {"name": known["name"]}
            if known.get("own"):
                schema["go"]["own"] = True
            else:
                schema["go"]["fields"] = list(fields_of(by_name[name]))
        schemas[name] = schema

discovery = []
for root in ("api", "apis"):
    for group in load(f"{root}.json")["items"]:
        name = group["metadata"].get("name", "")
        if name in custom:
            continue
        versions = [
            {"version": v["version"], "resources": v["resources"]} for v in group["versions"]
        ]
        discovery.append({"group": name, "versions": versions})

crds = []
for crd in load("crds.json")["items"]:
    if crd["spec"]["group"] == "kwok.x-k8s.io":
        continue
    metadata = {k: crd["metadata"][k] for k in ("name", "annotations", "labels") if k in crd["metadata"]}
    metadata["annotations"] = {
        k: v for k, v in metadata.get("annotations", {}).items() if k.startswith(("controller-gen", "api-approved", "operator.prometheus"))
    }
    if not metadata["annotations"]:
        del metadata["annotations"]
    spec = drop_descriptions(crd["spec"])
    crds.append({"apiVersion": crd["apiVersion"], "kind": crd["kind"], "metadata": metadata, "spec": spec})
crds.sort(key=lambda crd: crd["metadata"]["name"])

version = load("version.json")["gitVersion"]
packed = {"server": version, "discovery": discovery, "schemas": dict(sorted(schemas.items())), "crds": crds}
data = json.dumps(packed, separators=(",", ":"), ensure_ascii=False).encode()
with open(target, "wb") as file:
    file.write(gzip.compress(data, 9, mtime=0))
print(f"{len(schemas)} schemas, {len(crds)} CRDs of {version}: {len(data)} bytes, compressed {len(gzip.compress(data, 9, mtime=0))}")
