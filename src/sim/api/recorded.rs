//! Tables of requests with the true server's answers (`rig/schema/answers.py` writes them anew).

use serde_json::{Value, json};

use super::decode::FieldValidation;
use super::resource::Resource;
use super::shipped;
use super::status::Status;
use super::types::Types;

fn cases(text: &str) -> Vec<Value> {
    serde_json::from_str::<Vec<Value>>(text).unwrap()
}

fn types() -> Types {
    let mut types = Types::shipped();
    for crd in shipped::crds() {
        types.set_crd(crd);
    }
    types
}

/// The resource of a collection's path.
fn resource(types: &Types, path: &str) -> std::sync::Arc<Resource> {
    let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
    let (group, version) = if steps[0] == "api" { ("", steps[1]) } else { (steps[1], steps[2]) };
    types.resource(&super::Gvr::new(group, version, steps.last().unwrap())).unwrap_or_else(|| panic!("{path}"))
}

fn namespace(path: &str) -> Option<&str> {
    path.split("/namespaces/").nth(1)?.split('/').next().filter(|_| path.matches('/').count() > 4)
}

/// As the server goes about a request, storage and admission apart.
fn create(resource: &Resource, case: &Value, body: &str) -> Result<(Value, Vec<String>), Status> {
    let validation = FieldValidation::parse(case["validation"].as_str().unwrap_or("Strict")).unwrap();
    let mut object = case[body].clone();
    let mut warnings = resource.decode(&mut object, &[], validation)?;
    warnings.extend(resource.deprecation().map(str::to_owned));
    if let Some(namespace) = namespace(case["path"].as_str().unwrap()) {
        object["metadata"]["namespace"] = json!(namespace);
    }
    resource.default(&mut object);
    object["metadata"]["uid"] = json!("0");
    resource.prepare_create(&mut object);
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let faults = resource.validate(&object, None, None);
    if faults.is_empty() {
        Ok((object, warnings))
    } else {
        Err(Status::invalid(&resource.gvr.group, &resource.kind, &name, &faults))
    }
}

fn update(resource: &Resource, case: &Value) -> Result<(Value, Vec<String>), Status> {
    let (mut old, _) = create(resource, case, "old")?;
    if resource.kind == "CustomResourceDefinition" {
        old["status"] = super::crd::accept(&old, &[], "2026-01-01T00:00:00Z");
    }
    old["metadata"]["resourceVersion"] = json!("1");
    let mut object = case["body"].clone();
    let warnings = resource.decode(&mut object, &[], FieldValidation::Strict)?;
    for field in ["namespace", "resourceVersion"] {
        if old["metadata"][field].is_string() {
            object["metadata"][field] = old["metadata"][field].clone();
        }
    }
    // What the server gave to the old object and nobody may take from it.
    let ips = ["clusterIP", "clusterIPs"];
    for field in ips {
        let given = case["created"]["spec"][field].clone();
        if resource.kind == "Service" && !given.is_null() {
            old["spec"][field] = given.clone();
            if object["spec"][field].is_null() {
                object["spec"][field] = given;
            }
        }
    }
    let subresource = case["subresource"].as_str();
    resource.default(&mut object);
    resource.prepare_update(&mut object, &old, subresource);
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let faults = resource.validate(&object, Some(&old), subresource);
    if faults.is_empty() {
        Ok((object, warnings))
    } else {
        Err(Status::invalid(&resource.gvr.group, &resource.kind, &name, &faults))
    }
}

/// Without what admission, storage and the world outside give.
fn bare(mut object: Value) -> Value {
    for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"] {
        super::object::remove_meta(&mut object, field);
    }
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    let mut drop = |path: &str| {
        if let Some((parent, name)) = path.rsplit_once('/')
            && let Some(fields) = object.pointer_mut(parent).and_then(Value::as_object_mut)
        {
            fields.shift_remove(name);
        }
    };
    let given: &[&str] = match kind.as_str() {
        "Service" => &[
            "/spec/clusterIP",
            "/spec/clusterIPs",
            "/spec/ipFamilies",
            "/spec/ipFamilyPolicy",
            "/spec/healthCheckNodePort",
        ],
        "Pod" => &["/spec/tolerations", "/spec/priority", "/spec/preemptionPolicy"],
        "Node" => &["/spec"],
        "Job" => &["/metadata/labels", "/spec/selector", "/spec/template/metadata"],
        "PersistentVolumeClaim" => &["/metadata/finalizers"],
        "CustomResourceDefinition" => &["/status/conditions"],
        "PersistentVolume" => &["/metadata/finalizers", "/status/lastPhaseTransitionTime"],
        _ => &[],
    };
    for path in given {
        drop(path);
    }
    for port in object.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten() {
        port.as_object_mut().map(|port| port.shift_remove("nodePort"));
    }
    object
}

/// What the server refuses an object for, in no particular order: some of its own come from maps.
fn faults(details: &Value) -> Vec<String> {
    let causes = details["causes"].as_array().into_iter().flatten();
    // Without the differences of whole structs that some faults append.
    let words = |cause: &Value| {
        cause["message"].as_str().unwrap_or_default().split("\n@@").next().unwrap_or_default().to_owned()
    };
    let mut lines: Vec<String> = causes.map(|c| format!("{}: {} ({})", c["field"], words(c), c["reason"])).collect();
    lines.sort();
    lines.dedup();
    lines
}

fn run(text: &str) {
    let mut types = types();
    let mut wrong = Vec::new();
    for case in cases(text) {
        for prepared in case["prepare"].as_array().into_iter().flatten() {
            let mut crd = prepared[1].clone();
            resource(&types, prepared[0].as_str().unwrap()).default(&mut crd);
            types.set_crd(&crd);
        }
        let resource = resource(&types, case["path"].as_str().unwrap());
        let answer = if case["old"].is_object() { update(&resource, &case) } else { create(&resource, &case, "body") };
        let wanted = &case["answer"];
        let (code, got, want) = match answer {
            Ok((object, warnings)) => {
                let (mut got, mut want) = (bare(object), bare(wanted["body"].clone()));
                if case["old"].is_object() && case["subresource"].is_null() {
                    // The controllers of the true server were at work in between.
                    for object in [&mut got, &mut want] {
                        object.as_object_mut().unwrap().shift_remove("status");
                    }
                }
                let told = wanted["warnings"].as_array().cloned().unwrap_or_default();
                (201, json!([got, warnings]), json!([want, told]))
            }
            Err(status) if status.code() == 422 => {
                (422, json!(faults(&status.to_value()["details"])), json!(faults(&wanted["body"]["details"])))
            }
            Err(status) => (status.code(), json!(status.message()), wanted["body"]["message"].clone()),
        };
        let wanted_code = wanted["code"].as_u64().unwrap();
        let same_code = u64::from(code) == wanted_code || code == 201 && wanted_code == 200;
        if !same_code || got != want {
            let true_answer = if wanted_code >= 300 { wanted["body"]["message"].to_string() } else { String::new() };
            wrong.push(format!("{}: {code} {got}\n   true server: {wanted_code} {want} {true_answer}", case["name"]));
        }
    }
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn bodies_are_read_as_by_the_true_server() {
    run(include_str!("recorded/decoding.json"));
}

#[test]
fn defaults_are_those_of_the_true_server() {
    run(include_str!("recorded/defaults.json"));
}

#[test]
fn objects_are_refused_as_by_the_true_server() {
    run(include_str!("recorded/validation.json"));
}

#[test]
fn changes_are_refused_as_by_the_true_server() {
    run(include_str!("recorded/updates.json"));
}

#[test]
fn crds_are_refused_as_by_the_true_server() {
    run(include_str!("recorded/crds.json"));
}

#[test]
fn custom_resources_are_refused_as_by_the_true_server() {
    run(include_str!("recorded/custom.json"));
}
