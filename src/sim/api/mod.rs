//! The API server of the simulated cluster: objects with versions, watches, verbs, HTTP.

pub mod access;
mod crd_resource;
pub mod decode;
mod decode_custom;
mod decode_go;
pub mod field_error;
pub mod go_type;
pub mod gvr;
pub mod json_text;
pub mod object;
pub mod quantity;
pub mod resource;
pub mod schema;
mod schema_read;
pub mod shipped;
pub mod status;
mod time_text;
pub mod types;

pub use decode::FieldValidation;
pub use field_error::{FieldError, FieldErrorKind};
pub use gvr::Gvr;
pub use json_text::parse_json;
pub use resource::Resource;
pub use schema::{ListType, Node, NodeRef};
pub use status::Status;
pub use types::Types;
