//! An S3 client for proofs: every call signed (Signature Version 4), checked, and timed.
//!
//! Signing is `rusty-s3`'s, for the host that the server sees; bytes go over any [`Connector`]. Path-style addresses.

mod client;
mod error;
mod lifecycle;
mod list;
mod multipart;
mod xml;

pub use client::{Client, Head, Options, Put};
pub use lifecycle::{from_xml as lifecycle_from_xml, to_xml as lifecycle_to_xml};
pub use list::{Listed, Listing};
pub use multipart::{SMALLEST_PART, Uploaded};
