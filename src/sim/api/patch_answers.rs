//! What a true API server answered to creates, updates, patches and applies: `rig/recorded`.

use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

use super::gvr::Gvr;
use super::resource::Resource;
use super::types::Types;

/// A request and its answer.
#[derive(Clone, Debug)]
pub(super) struct Row(Value);

static DATA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(include_str!("patch_answers.json")).unwrap());
static TYPES: LazyLock<Types> = LazyLock::new(|| {
    let mut types = Types::shipped();
    DATA["crds"].as_array().unwrap().iter().for_each(|crd| types.set_crd(crd));
    types
});

/// All rows of some kinds of requests.
pub(super) fn rows(kinds: &[&str]) -> Vec<Row> {
    let all = DATA["rows"].as_array().unwrap();
    all.iter().filter(|row| kinds.contains(&row["do"].as_str().unwrap())).cloned().map(Row).collect()
}

impl Row {
    /// `create`, `update`, `apply`, `json`, `merge`, `strategic`.
    pub(super) fn kind(&self) -> &str {
        self.0["do"].as_str().unwrap()
    }

    /// The case and the request, to find it again.
    pub(super) fn title(&self) -> String {
        format!("{} {} {:?} {} {}", self.0["case"], self.kind(), self.subresource(), self.0["query"], self.0["body"])
    }

    /// What is written to.
    pub(super) fn resource(&self) -> Arc<Resource> {
        let plural = self.0["on"][0].as_str().unwrap();
        let (group, version) = match plural {
            "deployments" => ("apps", "v1"),
            "ingresses" => ("networking.k8s.io", "v1"),
            "widgets" | "plains" => ("try.dpb.dev", "v1"),
            _ => ("", "v1"),
        };
        TYPES.resource(&Gvr::new(group, version, plural)).unwrap()
    }

    /// The name in the URL.
    pub(super) fn name(&self) -> &str {
        self.0["on"][1].as_str().unwrap()
    }

    /// `status`, `scale`.
    pub(super) fn subresource(&self) -> Option<&str> {
        self.0["sub"].as_str()
    }

    /// A parameter of the request.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let value = self.0["query"].get(name)?;
        Some(value.as_str().map_or_else(|| value.to_string().to_lowercase(), str::to_owned))
    }

    /// The object before.
    pub(super) fn before(&self) -> Option<&Value> {
        Some(&self.0["before"]).filter(|before| before.is_object())
    }

    /// The body of the request; a text is one that is no JSON.
    pub(super) fn body(&self) -> &Value {
        &self.0["body"]
    }

    /// The HTTP code of the answer.
    pub(super) fn code(&self) -> u64 {
        self.0["code"].as_u64().unwrap()
    }

    /// The object, or the `Status`.
    pub(super) fn answer(&self) -> &Value {
        &self.0["answer"]
    }

    /// The time of the request: later than anything before it, and as the answer has it if it has a new one.
    pub(super) fn now(&self) -> String {
        let latest = |object: Option<&Value>| {
            let entries = object.and_then(|object| object["metadata"]["managedFields"].as_array());
            let times = entries.into_iter().flatten().filter_map(|entry| entry["time"].as_str().map(str::to_owned));
            times.max().unwrap_or_default()
        };
        let (before, after) = (latest(self.before()), latest(Some(self.answer())));
        if after > before { after } else { "2099-01-01T00:00:00Z".into() }
    }

    /// Gives an object the defaults that the true server gave it, and those only.
    pub(super) fn with_defaults(&self, object: &Value) -> Value {
        let mut object = object.clone();
        let _ = self.resource().read(&mut object, &[]);
        fill(&mut object, self.answer());
        object
    }

    /// An object without what differs from run to run and from write to write.
    pub(super) fn comparable(object: &Value) -> Value {
        let mut object = object.clone();
        for field in ["uid", "resourceVersion", "creationTimestamp", "generation", "namespace", "managedFields"] {
            super::object::remove_meta(&mut object, field);
        }
        sorted(&object)
    }
}

const DEFAULTED: [&str; 25] = [
    "clusterIP",
    "clusterIPs",
    "defaultMode",
    "dnsPolicy",
    "imagePullPolicy",
    "internalTrafficPolicy",
    "ipFamilies",
    "ipFamilyPolicy",
    "mode",
    "progressDeadlineSeconds",
    "protocol",
    "replicas",
    "restartPolicy",
    "revisionHistoryLimit",
    "rollingUpdate",
    "schedulerName",
    "securityContext",
    "sessionAffinity",
    "strategy",
    "targetPort",
    "terminationGracePeriodSeconds",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "type",
    "resources",
];

fn fill(object: &mut Value, answer: &Value) {
    match (object, answer) {
        (Value::Object(object), Value::Object(answer)) => {
            for (name, value) in answer {
                match object.get_mut(name) {
                    // Go writes a zero where no port was given.
                    Some(present) if name == "targetPort" && *present == 0 => *present = value.clone(),
                    Some(present) => fill(present, value),
                    None if DEFAULTED.contains(&name.as_str()) => {
                        object.insert(name.clone(), value.clone());
                    }
                    None => {}
                }
            }
        }
        (Value::Array(items), Value::Array(answer)) if items.len() == answer.len() => {
            items.iter_mut().zip(answer).for_each(|(item, answer)| fill(item, answer));
        }
        _ => {}
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            Value::Object(names.into_iter().map(|name| (name.clone(), sorted(&fields[name]))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
