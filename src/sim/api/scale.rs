//! The `scale` subresource: a `Scale` in front of the kinds that have replicas.

use serde_json::{Value, json};

use super::call::{Answer, PatchType, Verb};
use super::field_error::FieldError;
use super::fields_owned;
use super::object;
use super::resource::Resource;
use super::selectors::LabelSelector;
use super::status::Status;
use super::update;
use super::work::Work;

/// GET, PUT and PATCH of a scale.
pub(super) fn scale(work: &mut Work) -> Result<Answer, Status> {
    let parent = work.current()?;
    let paths = Paths::of(&work.resource);
    let now = paths.read(&parent);
    let (wanted, mut new) = match (work.call.verb, work.call.patch) {
        (Verb::Get, _) => return Ok(work.answer(now, false)),
        (Verb::Update, _) => (work.body()?, None),
        (_, Some(kind)) => {
            fields_owned::check(work, kind)?;
            if kind == PatchType::Apply {
                let (scale, new) = fields_owned::apply_scale(work, &parent, &now, &work.body()?, &paths.spec)?;
                (scale, Some(new))
            } else {
                (fields_owned::patched_scale(&now, &work.body()?, kind)?, None)
            }
        }
        (_, None) => return Err(Status::bad_request("the patch has no type")),
    };
    check(work, &wanted)?;
    let sent = object::version(&wanted);
    if !sent.is_empty() && sent != object::version(&parent) {
        return Err(Status::modified(&work.resource.gvr, object::name(&parent)));
    }
    let replicas = wanted["spec"]["replicas"].as_i64().unwrap_or(0);
    let new = if let Some(mut new) = new.take() {
        paths.write(&mut new, replicas);
        new
    } else {
        let mut new = (*parent).clone();
        paths.write(&mut new, replicas);
        fields_owned::track_scale(work, &parent, &wanted, &mut new, &paths.spec);
        new
    };
    let mut call = work.call.clone();
    call.subresource = None;
    let warnings = std::mem::take(&mut work.warnings);
    let mut inner = Work { warnings, ..work.with(&call) };
    let answer = update::replace(&mut inner, &parent, new)?;
    let scale = paths.read(&answer.value());
    Ok(Answer { warnings: answer.warnings, ..Answer::one(scale) })
}

fn check(work: &Work, wanted: &Value) -> Result<(), Status> {
    let text = |field: &str| wanted[field].as_str().unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if !kind.is_empty() && (kind != "Scale" || api_version != "autoscaling/v1") {
        let version = api_version.rsplit('/').next().unwrap_or_default();
        return Err(Status::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a Scale: converting ({version}.{kind}) to (autoscaling.Scale): unknown conversion"
        )));
    }
    if object::name(wanted) != work.call.name() {
        let (name, url) = (object::name(wanted), work.call.name());
        return Err(Status::bad_request(if name.is_empty() {
            format!("the name of the object ({url} based on URL) was undeterminable: name must be provided")
        } else {
            format!("the name of the object ({name}) does not match the name on the URL ({url})")
        }));
    }
    let replicas = wanted["spec"]["replicas"].as_i64().unwrap_or(0);
    if replicas < 0 {
        let error = FieldError::invalid("spec.replicas", &replicas.to_string(), "must be greater than or equal to 0");
        return Err(Status::invalid("autoscaling", "Scale", work.call.name(), &[error]));
    }
    Ok(())
}

/// Where a kind keeps its replicas.
struct Paths {
    spec: Vec<String>,
    status: Vec<String>,
    selector: Option<Vec<String>>,
    custom: bool,
}

impl Paths {
    fn of(resource: &Resource) -> Self {
        let path = |text: &str| text.trim_start_matches('.').split('.').map(str::to_owned).collect::<Vec<_>>();
        match &resource.scale {
            Some(scale) => Self {
                spec: path(&scale.spec),
                status: path(&scale.status),
                selector: (!scale.selector.is_empty()).then(|| path(&scale.selector)),
                custom: true,
            },
            None => Self {
                spec: path("spec.replicas"),
                status: path("status.replicas"),
                selector: Some(path("spec.selector")),
                custom: false,
            },
        }
    }

    fn read(&self, parent: &Value) -> Value {
        let at = |path: &[String]| path.iter().try_fold(parent, |value, part| value.get(part));
        let number = |path: &[String]| at(path).and_then(Value::as_i64);
        let mut metadata = json!({});
        for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
            if !parent["metadata"][field].is_null() {
                metadata[field] = parent["metadata"][field].clone();
            }
        }
        let mut scale = json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": {},
            "status": {"replicas": number(&self.status).unwrap_or(0)}});
        if let Some(replicas) = number(&self.spec) {
            scale["spec"]["replicas"] = json!(replicas);
        }
        let selector = self.selector.as_deref().and_then(at).map(|selector| self.selector_text(selector));
        if let Some(selector) = selector.filter(|text| !text.is_empty()) {
            scale["status"]["selector"] = json!(selector);
        }
        scale
    }

    fn selector_text(&self, selector: &Value) -> String {
        if self.custom {
            return selector.as_str().unwrap_or_default().to_owned();
        }
        let of_object = selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some();
        let selector = if of_object { selector.clone() } else { json!({"matchLabels": selector}) };
        LabelSelector::of_object(&selector).map(|selector| selector.to_string()).unwrap_or_default()
    }

    fn write(&self, parent: &mut Value, replicas: i64) {
        let mut at = parent;
        for part in &self.spec {
            if !at.is_object() {
                *at = json!({});
            }
            at = &mut at[part.as_str()];
        }
        *at = json!(replicas);
    }
}
