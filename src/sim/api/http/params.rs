//! Query parameters and `DeleteOptions`, checked in the true server's words.

use serde_json::Value;

use super::super::call::{CallOptions, Verb};
use super::super::field_error::{FieldError, FieldErrorKind};
use super::super::status::Status;

const LONGEST_MANAGER: usize = 128;

/// The parameters of a query.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn read(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned())).collect())
    }

    /// The first value of a parameter, empty if it is absent.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Whether a flag is set: anything but `false` and `0`, as Go's conversion reads it.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.has(name) && !matches!(self.text(name).to_ascii_lowercase().as_str(), "false" | "0")
    }

    fn number(&self, name: &str) -> Result<Option<i64>, Status> {
        let text = self.text(name);
        if text.is_empty() {
            return Ok(None);
        }
        let wrong = || Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"));
        text.parse().map(Some).map_err(|_| wrong())
    }

    /// The options of a call.
    pub(super) fn options(&self, verb: Verb) -> Result<CallOptions, Status> {
        let limit = self.number("limit")?.unwrap_or(0);
        let timeout = self.number("timeoutSeconds")?.unwrap_or(0);
        let options = CallOptions {
            dry_run: self.has("dryRun") && !self.text("dryRun").is_empty(),
            field_manager: self.text("fieldManager").to_owned(),
            force: self.flag("force"),
            field_validation: self.text("fieldValidation").to_owned(),
            label_selector: self.text("labelSelector").to_owned(),
            field_selector: self.text("fieldSelector").to_owned(),
            limit: usize::try_from(limit).unwrap_or(0),
            cont: self.text("continue").to_owned(),
            resource_version: self.text("resourceVersion").to_owned(),
            rv_match: self.text("resourceVersionMatch").to_owned(),
            propagation: self.has("propagationPolicy").then(|| self.text("propagationPolicy").to_owned()),
            orphan_dependents: self.has("orphanDependents").then(|| self.flag("orphanDependents")),
            grace_seconds: self.number("gracePeriodSeconds")?,
            uid: None,
            version: None,
            send_initial_events: self.has("sendInitialEvents").then(|| self.flag("sendInitialEvents")),
            bookmarks: self.flag("allowWatchBookmarks"),
            timeout_seconds: u64::try_from(timeout).ok().filter(|seconds| *seconds > 0),
        };
        self.check(verb, &options)?;
        Ok(options)
    }

    fn check(&self, verb: Verb, options: &CallOptions) -> Result<(), Status> {
        let kind = match verb {
            Verb::Create => "CreateOptions",
            Verb::Update => "UpdateOptions",
            Verb::Patch => "PatchOptions",
            Verb::Delete | Verb::DeleteCollection => return check_deletion(options, self.text("dryRun")),
            Verb::Get | Verb::List | Verb::Watch => return Ok(()),
        };
        let mut errors = Vec::new();
        errors.extend(dry_run(self.text("dryRun")));
        errors.extend(manager(&options.field_manager));
        let validation = options.field_validation.as_str();
        if !matches!(validation, "" | "Ignore" | "Strict" | "Warn") {
            let allowed = ["", "Ignore", "Strict", "Warn"];
            errors.push(FieldError::not_supported("fieldValidation", &format!("{validation:?}"), &allowed));
        }
        refuse(kind, &errors)
    }
}

fn refuse(kind: &str, errors: &[FieldError]) -> Result<(), Status> {
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid("meta.k8s.io", kind, "", errors)) }
}

fn dry_run(text: &str) -> Option<FieldError> {
    let wrong = !matches!(text, "" | "All");
    wrong.then(|| FieldError::not_supported("dryRun", &format!("[{text:?}]"), &["All"]))
}

fn manager(name: &str) -> Option<FieldError> {
    if name.len() > LONGEST_MANAGER {
        let text = format!("Too long: may not be more than {LONGEST_MANAGER} bytes");
        return Some(FieldError::new(FieldErrorKind::TooLong, "fieldManager", text));
    }
    let (at, c) = name.chars().enumerate().find(|(_, c)| c.is_control())?;
    let quoted: String =
        name.chars().map(|c| if c.is_control() { format!("\\x{:02x}", c as u32) } else { c.to_string() }).collect();
    let detail = format!("invalid character U+{:04X} (at position {at})", c as u32);
    Some(FieldError::invalid("fieldManager", &format!("\"{quoted}\""), &detail))
}

fn check_deletion(options: &CallOptions, dry: &str) -> Result<(), Status> {
    let mut errors = Vec::new();
    if let Some(policy) = options.propagation.as_deref() {
        if options.orphan_dependents.is_some() {
            let detail = "orphanDependents and deletionPropagation cannot be both set";
            errors.push(FieldError::invalid("propagationPolicy", &format!("{policy:?}"), detail));
        } else if !matches!(policy, "Foreground" | "Background" | "Orphan" | "") {
            let allowed = ["Foreground", "Background", "Orphan", "nil"];
            errors.push(FieldError::not_supported("propagationPolicy", &format!("{policy:?}"), &allowed));
        }
    }
    errors.extend(dry_run(dry));
    refuse("DeleteOptions", &errors)
}

/// Takes over `DeleteOptions` from the body of a delete; they win over the query.
pub(super) fn deletion(options: &mut CallOptions, body: &Value) -> Result<(), Status> {
    let kind = body["kind"].as_str().unwrap_or_default();
    if !matches!(kind, "" | "DeleteOptions") {
        let version = body["apiVersion"].as_str().unwrap_or_default();
        return Err(Status::bad_request(format!(
            "no kind \"{kind}\" is registered for version \"{version}\" in scheme \"pkg/runtime/scheme.go:111\""
        )));
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    options.propagation = text(&body["propagationPolicy"]).or(options.propagation.take());
    options.orphan_dependents = body["orphanDependents"].as_bool().or(options.orphan_dependents);
    options.grace_seconds = body["gracePeriodSeconds"].as_i64().or(options.grace_seconds);
    options.uid = text(&body["preconditions"]["uid"]);
    options.version = text(&body["preconditions"]["resourceVersion"]);
    let dry: Vec<&str> = body["dryRun"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    options.dry_run |= !dry.is_empty();
    check_deletion(options, dry.first().copied().unwrap_or_default())
}
