//! From a request's body to an object: wrong types, unknown fields, fields that occur twice.

use serde_json::Value;

use super::decode_custom;
use super::decode_go::GoReader;
use super::resource::Resource;
use super::shipped::shipped;
use super::status::Status;

/// What is done about unknown and duplicate fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FieldValidation {
    /// They are dropped.
    Ignore,
    /// They are dropped, and a warning says so.
    #[default]
    Warn,
    /// The request is refused.
    Strict,
}

impl FieldValidation {
    /// From the parameter of a request; an empty one is a warning.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "Warn" => Some(Self::Warn),
            "Ignore" => Some(Self::Ignore),
            "Strict" => Some(Self::Strict),
            _ => None,
        }
    }
}

impl Resource {
    /// Reads a body: it becomes what the server would keep of it before defaults. `duplicates` are the paths of
    /// [`super::json_text::parse_json`]. Returns the warnings.
    pub fn decode(
        &self,
        body: &mut Value,
        duplicates: &[String],
        validation: FieldValidation,
    ) -> Result<Vec<String>, Status> {
        let (kind, api_version) = (body["kind"].as_str().unwrap_or(&self.kind), body["apiVersion"].as_str());
        let given =
            api_version.unwrap_or_default().rsplit('/').next().filter(|v| !v.is_empty()).unwrap_or(&self.gvr.version);
        let head = format!("{kind} in version \"{given}\" cannot be handled as a {}", self.kind);
        let refused = |why: String| Status::bad_request(format!("{head}: {why}"));
        self.is_of_type(kind, api_version).map_err(refused)?;
        let strict = self.read(body, duplicates).map_err(refused)?;
        if body.is_object() {
            body["kind"] = Value::String(self.kind.clone());
            body["apiVersion"] = Value::String(self.api_version());
        }
        match validation {
            FieldValidation::Ignore => Ok(Vec::new()),
            FieldValidation::Warn => Ok(strict),
            FieldValidation::Strict if strict.is_empty() => Ok(strict),
            FieldValidation::Strict => Err(refused(strict_error(&strict))),
        }
    }

    /// Whether a body says that it is what this resource consists of; what it leaves out counts as right.
    fn is_of_type(&self, kind: &str, api_version: Option<&str>) -> Result<(), String> {
        let wanted = self.api_version();
        let given = api_version.filter(|v| !v.is_empty()).unwrap_or(&wanted);
        if self.is_custom() || (kind == self.kind && given == wanted) {
            return Ok(());
        }
        let (group, version) = given.split_once('/').unwrap_or(("", given));
        let known =
            shipped().resources.iter().any(|r| r.kind == kind && r.gvr.group == group && r.gvr.version == version);
        if !known {
            return Err(format!(
                "no kind {kind:?} is registered for version {given:?} in scheme \"pkg/runtime/scheme.go:111\""
            ));
        }
        let package = match self.gvr.group.split('.').next() {
            None | Some("") => "core",
            Some(package) => package,
        };
        Err(format!("converting ({version}.{kind}) to ({package}.{}): unknown conversion", self.kind))
    }

    /// Reads a body as [`Self::decode`] does; returns what strict reading finds fault with, or the error of a type.
    pub fn read(&self, body: &mut Value, duplicates: &[String]) -> Result<Vec<String>, String> {
        let mut strict = Vec::new();
        if self.is_custom() {
            strict.extend(duplicates.iter().map(|path| format!("duplicate field \"{path}\"")));
            strict.extend(decode_custom::read(self, body)?);
        } else {
            let mut reader = GoReader::default();
            let read = reader.object(&self.schema, body.take());
            *body = read;
            if let Some(fatal) = reader.fatal {
                return Err(fatal);
            }
            strict.extend(reader.strict);
            strict.extend(duplicates.iter().map(|path| format!("duplicate field \"{path}\"")));
        }
        Ok(strict)
    }
}

/// The words in which strict reading refuses: `strict decoding error: unknown field "spec.foo"`.
pub fn strict_error(faults: &[String]) -> String {
    format!("strict decoding error: {}", faults.join(", "))
}
