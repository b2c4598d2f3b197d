"""Asks the true API server and writes down what it answers, for the tables of the simulator's tests.

usage: answers.py FILE…     inside with-cluster; each FILE is a list of cases and is written anew

A case: {"name", "path" (of the collection), "body"}; with "old" that object is created first and "body" put in its
place (below "subresource" if given), then it is removed; with "prepare" objects [[path, body]…] come first and stay.
The answer goes to "answer": {"code", "body", "warnings"}. Nothing of a case without "old" is kept: it is a dry run.
"""

import base64
import json
import os
import ssl
import sys
import tempfile
import time
import urllib.error
import urllib.request

config = json.loads(os.popen("kubectl config view --raw -o json").read())
server = config["clusters"][0]["cluster"]["server"]


def part(data):
    file = tempfile.NamedTemporaryFile()
    file.write(base64.b64decode(data))
    file.flush()
    return file


ca = part(config["clusters"][0]["cluster"]["certificate-authority-data"])
crt = part(config["users"][0]["user"]["client-certificate-data"])
key = part(config["users"][0]["user"]["client-key-data"])
context = ssl.create_default_context(cafile=ca.name)
context.load_cert_chain(crt.name, key.name)


def ask(method, path, body=None, validation="Strict", dry=False):
    url = f"{server}{path}?fieldValidation={validation}&fieldManager=test" + ("&dryRun=All" if dry else "")
    data = body if isinstance(body, str) or body is None else json.dumps(body)
    request = urllib.request.Request(url, method=method, data=data and data.encode(), headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, context=context) as answer:
            return answer.status, json.load(answer), answer.headers.get_all("Warning") or []
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), error.headers.get_all("Warning") or []


def bare(body):
    """Without what differs from run to run."""
    metadata = body.get("metadata", {})
    for name in ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "selfLink"):
        metadata.pop(name, None)
    return body


for file in sys.argv[1:]:
    with open(file, encoding="utf-8") as source:
        cases = json.load(source)
    for case in cases:
        path = case["path"]
        validation = case.get("validation", "Strict")
        for at, body in case.get("prepare", []):
            code, made, _ = ask("POST", at, body)
            if code != 201:
                sys.exit(f"{file}: {case['name']}: {made['message']}")
            time.sleep(3)  # a CRD is served a moment later
        if "old" in case:
            code, old, _ = ask("POST", path, case["old"])
            if code != 201:
                sys.exit(f"{file}: {case['name']}: {old}")
            name = old["metadata"]["name"]
            below = f"/{case['subresource']}" if "subresource" in case else ""
            time.sleep(1 if old["kind"] == "CustomResourceDefinition" else 0)
            body = json.loads(json.dumps(case["body"]))
            if body["metadata"].get("resourceVersion") is None and old["kind"] not in ("Deployment", "Pod"):
                latest = ask("GET", f"{path}/{name}")[1]
                body["metadata"]["resourceVersion"] = latest["metadata"]["resourceVersion"]
            code, answer, warnings = ask("PUT", f"{path}/{name}{below}", body, validation)
            while code == 409 and "has been modified" in answer["message"]:
                body["metadata"]["resourceVersion"] = ask("GET", f"{path}/{name}")[1]["metadata"]["resourceVersion"]
                code, answer, warnings = ask("PUT", f"{path}/{name}{below}", body, validation)
            ask("DELETE", f"{path}/{name}", {"gracePeriodSeconds": 0, "propagationPolicy": "Background"})
            for _ in range(100):
                if ask("GET", f"{path}/{name}")[0] == 404:
                    break
                time.sleep(0.1)
            case["created"] = bare(old)
        else:
            code, answer, warnings = ask("POST", path, case["body"], validation, dry=True)
        case["answer"] = {"code": code, "body": bare(answer) if code < 300 else {k: answer.get(k) for k in ("message", "reason", "details") if k in answer}}
        if warnings:
            case["answer"]["warnings"] = [w.split('"', 1)[1][:-1].replace('\\"', '"') for w in warnings]
    with open(file, "w", encoding="utf-8") as out:
        out.write("[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n]\n")
    print(f"{file}: {len(cases)} cases")
