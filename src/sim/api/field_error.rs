//! What is wrong with one field of an object, as `field.Error` of the true server says it.

/// The kind of the fault; decides the `reason` of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldErrorKind {
    /// A value is missing.
    Required,
    /// A value is malformed.
    Invalid,
    /// A value is none of those allowed.
    NotSupported,
    /// A value that must be unique occurs twice.
    Duplicate,
    /// A value must not be set here.
    Forbidden,
    /// A text is too long.
    TooLong,
    /// A list is too long.
    TooMany,
    /// A value is of the wrong JSON type.
    TypeInvalid,
    /// What a value points to is not there.
    NotFound,
    /// The server itself failed on it.
    Internal,
}

impl FieldErrorKind {
    /// The `reason` of a cause.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::NotFound => "FieldValueNotFound",
            Self::Internal => "InternalError",
        }
    }
}

/// One fault of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// What kind of fault.
    pub kind: FieldErrorKind,
    /// The field's path: `spec.containers[0].image`.
    pub field: String,
    /// The whole text of the cause, kind included: `Required value: must be set`.
    pub message: String,
}

impl FieldError {
    /// From its parts; `message` is the whole text of the cause.
    pub fn new(kind: FieldErrorKind, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, field: field.into(), message: message.into() }
    }

    /// `Required value`, with a detail if there is one.
    pub fn required(field: impl Into<String>, detail: &str) -> Self {
        Self::new(FieldErrorKind::Required, field, worded("Required value", detail))
    }

    /// `Invalid value: VALUE: detail`; the value as the true server prints it (texts in quotes).
    pub fn invalid(field: impl Into<String>, value: &str, detail: &str) -> Self {
        Self::new(FieldErrorKind::Invalid, field, worded(&format!("Invalid value: {value}"), detail))
    }

    /// `Forbidden: detail`.
    pub fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self::new(FieldErrorKind::Forbidden, field, worded("Forbidden", detail))
    }

    /// `Duplicate value: VALUE`.
    pub fn duplicate(field: impl Into<String>, value: &str) -> Self {
        Self::new(FieldErrorKind::Duplicate, field, format!("Duplicate value: {value}"))
    }

    /// `Unsupported value: VALUE: supported values: "A", "B"`.
    pub fn not_supported(field: impl Into<String>, value: &str, allowed: &[&str]) -> Self {
        let allowed: Vec<String> = allowed.iter().map(|a| format!("\"{a}\"")).collect();
        let detail =
            if allowed.is_empty() { String::new() } else { format!("supported values: {}", allowed.join(", ")) };
        Self::new(FieldErrorKind::NotSupported, field, worded(&format!("Unsupported value: {value}"), &detail))
    }

    /// `field: message`, as it stands in the message of a `Status`.
    pub fn line(&self) -> String {
        format!("{}: {}", self.field, self.message)
    }
}

fn worded(head: &str, detail: &str) -> String {
    if detail.is_empty() { head.to_owned() } else { format!("{head}: {detail}") }
}
