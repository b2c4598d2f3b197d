//! The API server of the simulated cluster: objects with versions, watches, verbs, HTTP.

pub mod access;
pub mod field_error;
pub mod gvr;
pub mod object;
pub mod status;

pub use field_error::{FieldError, FieldErrorKind};
pub use gvr::Gvr;
pub use status::Status;
