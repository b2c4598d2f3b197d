//! From a request's body to an object: wrong types, unknown fields, fields that occur twice.

use serde_json::Value;

use super::decode_custom;
use super::decode_go::GoReader;
use super::resource::Resource;
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
        let refused = |why: String| {
            let (kind, version) = (&self.kind, &self.gvr.version);
            Status::bad_request(format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"))
        };
        let strict = self.read(body, duplicates).map_err(refused)?;
        match validation {
            FieldValidation::Ignore => Ok(Vec::new()),
            FieldValidation::Warn => Ok(strict),
            FieldValidation::Strict if strict.is_empty() => Ok(strict),
            FieldValidation::Strict => Err(refused(strict_error(&strict))),
        }
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
