//! What the store holds; it can be written out and read back.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Users and buckets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// By name.
    pub users: BTreeMap<String, User>,
    /// By name.
    pub buckets: BTreeMap<String, Bucket>,
    /// Number of the last multipart upload.
    pub uploads: u64,
}

/// Somebody who may sign requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Secret key by access key.
    pub keys: BTreeMap<String, String>,
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// The user who owns it.
    pub owner: String,
    /// When it was created.
    pub created: SystemTime,
    /// By key.
    pub objects: BTreeMap<String, Object>,
    /// Unfinished multipart uploads by id.
    pub uploads: BTreeMap<String, Upload>,
    /// Lifecycle rules, `{"Rules": […]}`.
    pub lifecycle: Option<Value>,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// Content.
    #[serde(with = "content")]
    pub body: Bytes,
    /// Entity tag, without quotes.
    pub etag: String,
    /// When it was written.
    pub modified: SystemTime,
    /// Media type.
    pub content_type: Option<String>,
    /// The user's own headers (`x-amz-meta-…`), without the prefix.
    pub metadata: BTreeMap<String, String>,
}

/// An unfinished multipart upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// Key of the object that it will become.
    pub key: String,
    /// When it was begun.
    pub begun: SystemTime,
    /// By number.
    pub parts: BTreeMap<i32, Part>,
    /// Media type.
    pub content_type: Option<String>,
    /// The user's own headers.
    pub metadata: BTreeMap<String, String>,
}

/// A part of an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Content.
    #[serde(with = "content")]
    pub body: Bytes,
    /// Entity tag, without quotes.
    pub etag: String,
    /// When it was written.
    pub modified: SystemTime,
}

/// Content as base64.
mod content {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(body))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Bytes::from).map_err(serde::de::Error::custom)
    }
}
