"""Sends create, update, patch and apply requests to the API server of the rig and writes down what it answers, for the
tests of src/sim/api/managed and src/sim/api/patch.

    rig/with-cluster --bare --no-operators python3 rig/recorded/patches.py src/sim/api/patch_answers.json

A case is a list of steps on objects of its own name; of each step the object before it, the request and the answer are
kept. Cases run beside each other; between steps of one more than a second passes, so that times tell who wrote last.
"""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from cases import CASES, SETUP

PORT = 28001
BASE = f"http://127.0.0.1:{PORT}"
TYPES = {
    "apply": "application/apply-patch+yaml",
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}
PATHS = {
    "configmaps": "/api/v1/namespaces/{ns}/configmaps",
    "services": "/api/v1/namespaces/{ns}/services",
    "podtemplates": "/api/v1/namespaces/{ns}/podtemplates",
    "serviceaccounts": "/api/v1/namespaces/{ns}/serviceaccounts",
    "deployments": "/apis/apps/v1/namespaces/{ns}/deployments",
    "ingresses": "/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses",
    "widgets": "/apis/try.dpb.dev/v1/namespaces/{ns}/widgets",
    "plains": "/apis/try.dpb.dev/v1/namespaces/{ns}/plains",
    "customresourcedefinitions": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
}


def send(method, path, body=None, kind="application/json", agent="recorder"):
    data = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
    request = urllib.request.Request(BASE + path, data=data, method=method)
    request.add_header("Content-Type", kind)
    request.add_header("User-Agent", agent)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        try:
            return error.code, json.loads(text)
        except ValueError:
            return error.code, text


def play(index, case, results):
    rows = []
    for step in case["steps"]:
        resource, name = step["on"]
        collection = PATHS[resource].format(ns="default")
        item = f"{collection}/{name}"
        _, before = send("GET", item)
        if not isinstance(before, dict) or before.get("kind") == "Status":
            before = None
        query = "&".join(f"{key}={value}" for key, value in step.get("query", {}).items())
        verb = step["do"]
        sub = "/" + step["sub"] if "sub" in step else ""
        if verb == "create":
            code, answer = send("POST", f"{collection}?{query}", step["body"])
        elif verb == "update":
            body = step["body"]
            if step.get("onto"):  # change the object that is there
                body = json.loads(json.dumps(before))
                for change in step["onto"]:
                    target = body
                    for key in change[0][:-1]:
                        target = target[key]
                    if len(change) == 1:
                        target.pop(change[0][-1])
                    else:
                        target[change[0][-1]] = change[1]
            code, answer = send("PUT", f"{item}{sub}?{query}", body)
            step = {**step, "body": body}
        else:
            code, answer = send("PATCH", f"{item}{sub}?{query}", step["body"], TYPES[verb])
        row = {"case": case["name"], **{k: v for k, v in step.items() if k != "onto"}, "before": before, "code": code, "answer": answer}
        if not step.get("quiet"):
            rows.append(row)
        time.sleep(1.2)
    results[index] = rows


def main():
    proxy = subprocess.Popen(["kubectl", "proxy", f"--port={PORT}", "--reject-paths=^$"])
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(BASE + "/readyz", timeout=2).read()
                break
            except OSError:
                time.sleep(0.1)
        for path, body in SETUP:
            code, answer = send("POST", path, body)
            assert code in (200, 201), answer
        time.sleep(3)
        results = [None] * len(CASES)
        threads = [threading.Thread(target=play, args=(i, case, results)) for i, case in enumerate(CASES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        proxy.terminate()
        proxy.wait()
    missing = [CASES[i]["name"] for i, rows in enumerate(results) if rows is None]
    assert not missing, missing
    lines = [json.dumps(row, separators=(",", ":")) for rows in results for row in rows]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        crds = ",\n".join(json.dumps(body, separators=(",", ":")) for _, body in SETUP)
        file.write('{"crds": [\n' + crds + '\n], "rows": [\n' + ",\n".join(lines) + "\n]}\n")
    print(len(CASES), "cases,", len(lines), "rows")


main()
