//! Field selectors: which fields of which kind can be selected by, and how they read.

use serde_json::Value;

use super::gvr::Gvr;
use super::object;
use super::status::Status;

/// Which objects are meant, by their fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    field: String,
    value: String,
    equal: bool,
}

impl FieldSelector {
    /// From text: `metadata.name=x,status.phase!=Running`; refused where a resource cannot be selected by a field.
    /// `custom`: the selectable fields of a custom resource; `None` for the server's own kinds.
    pub fn parse(text: &str, resource: &Gvr, custom: Option<&[String]>) -> Result<Self, Status> {
        let mut terms = Vec::new();
        for part in split(text).into_iter().filter(|part| !part.is_empty()) {
            let term = term(&part)
                .ok_or_else(|| Status::bad_request(format!("invalid selector: '{text}'; can't understand '{part}'")))?;
            check(&term.field, resource, custom)?;
            terms.push(term);
        }
        Ok(Self(terms))
    }

    /// Whether everything is meant.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an object of the resource is meant.
    pub fn matches(&self, resource: &Gvr, value: &Value) -> bool {
        self.0.iter().all(|term| (read(resource, value, &term.field) == term.value) == term.equal)
    }

    /// The one name that is meant, if it is one.
    pub fn name(&self) -> Option<&str> {
        self.0.iter().find(|t| t.equal && t.field == "metadata.name").map(|t| t.value.as_str())
    }
}

/// Cuts at commas that are not escaped.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == ',' && !escaped {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

fn term(part: &str) -> Option<Term> {
    let at = part.find(['=', '!'])?;
    let (field, rest) = part.split_at(at);
    let (value, equal) = if let Some(value) = rest.strip_prefix("!=") {
        (value, false)
    } else if let Some(value) = rest.strip_prefix("==") {
        (value, true)
    } else {
        (rest.strip_prefix('=')?, true)
    };
    let value = value.replace("\\,", ",").replace("\\=", "=").replace("\\\\", "\\");
    Some(Term { field: field.to_owned(), value, equal })
}

/// The fields of the server's own kinds beside name and namespace (`AddFieldLabelConversionFunc` and `SelectableFields`).
fn own_fields(resource: &Gvr) -> &'static [&'static str] {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("", "nodes") => &["spec.unschedulable"],
        ("", "replicationcontrollers") => &["status.replicas"],
        ("", "secrets") => &["type"],
        ("", "services") => &["spec.clusterIP", "spec.type"],
        ("", "namespaces") => &["status.phase"],
        ("batch", "jobs") => &["status.successful"],
        ("certificates.k8s.io", "certificatesigningrequests") => &["spec.signerName"],
        ("", "events") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("events.k8s.io", "events") => &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
        _ => &[],
    }
}

fn check(field: &str, resource: &Gvr, custom: Option<&[String]>) -> Result<(), Status> {
    if matches!(field, "metadata.name" | "metadata.namespace") {
        return Ok(());
    }
    if let Some(custom) = custom {
        let known = custom.iter().any(|path| path.trim_start_matches('.') == field);
        let no = || Status::bad_request(format!("field label not supported: {field}"));
        return if known { Ok(()) } else { Err(no()) };
    }
    if own_fields(resource).contains(&field) {
        return Ok(());
    }
    Err(Status::bad_request(if resource.group == "batch" && resource.plural == "jobs" {
        format!("field label \"{field}\" not supported for Job")
    } else if own_fields(resource).is_empty() {
        format!("\"{field}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    } else {
        format!("field label not supported: {field}")
    }))
}

/// A field as text, empty if it is absent.
fn read(resource: &Gvr, value: &Value, field: &str) -> String {
    match field {
        "metadata.name" => return object::name(value).to_owned(),
        "metadata.namespace" => return object::namespace(value).to_owned(),
        "spec.unschedulable" | "spec.hostNetwork" if value.pointer("/spec").is_some() => {
            let at = if field == "spec.unschedulable" { "unschedulable" } else { "hostNetwork" };
            return (value["spec"][at] == true).to_string();
        }
        "status.replicas" | "status.successful" => {
            let at = if field == "status.replicas" { "replicas" } else { "succeeded" };
            return value["status"][at].as_i64().unwrap_or(0).to_string();
        }
        "source" if resource.plural == "events" => {
            let component = value["source"]["component"].as_str().unwrap_or_default();
            let other = value["reportingComponent"].as_str().unwrap_or_default();
            return if component.is_empty() { other } else { component }.to_owned();
        }
        _ => {}
    }
    let found = field.split('.').try_fold(value, |value, part| value.get(part));
    match found {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(yes)) => yes.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_kind_is_selected_by_its_own_fields_only() {
        let pods = Gvr::new("", "v1", "pods");
        let pod = json!({"metadata": {"name": "a", "namespace": "n"}, "spec": {"nodeName": "x"}, "status": {"phase": "Running"}});
        for (text, wanted) in [
            ("metadata.name=a", true),
            ("spec.nodeName==x,status.phase!=Failed", true),
            ("spec.nodeName!=x", false),
            ("status.podIP=", true),
            ("spec.hostNetwork=false", true),
        ] {
            assert_eq!(FieldSelector::parse(text, &pods, None).unwrap().matches(&pods, &pod), wanted, "{text}");
        }
        let refused = |resource: &Gvr| FieldSelector::parse("spec.x=1", resource, None).unwrap_err();
        assert_eq!(refused(&pods).message(), "field label not supported: spec.x");
        assert_eq!(
            refused(&Gvr::new("", "v1", "configmaps")).message(),
            "\"spec.x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        );
        let status = FieldSelector::parse("metadata.name", &pods, None).unwrap_err();
        assert_eq!(status.message(), "invalid selector: 'metadata.name'; can't understand 'metadata.name'");
    }
}
