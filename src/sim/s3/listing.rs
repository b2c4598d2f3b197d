//! Listing a bucket: prefix, delimiter, pages.

use std::collections::BTreeMap;
use std::ops::Bound;

use s3s::dto::{CommonPrefix, ETag, EncodingType, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input};
use s3s::dto::{ListObjectsV2Output, Object as Entry};
use s3s::{S3Result, s3_error};

use super::state::Object;
use super::store::Store;

/// S3's page size.
const MOST: i32 = 1000;

/// A page of a listing.
struct Page {
    entries: Vec<(String, Option<Entry>)>,
    /// Where the next page starts, after this key or group.
    next: Option<String>,
}

impl Store {
    pub(super) fn list_v2(&self, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
        let after = match &input.continuation_token {
            Some(token) => Some(from_token(token)?),
            None => input.start_after.clone(),
        };
        let most = input.max_keys.unwrap_or(MOST).clamp(0, MOST);
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let state = self.lock();
        let page = page(&state.bucket(&input.bucket)?.objects, &prefix, &delimiter, after.as_deref(), most);
        drop(state);
        let encode = encoder(input.encoding_type.as_ref());
        let (contents, groups) = split(page.entries, encode);
        Ok(ListObjectsV2Output {
            name: Some(input.bucket),
            key_count: Some(i32::try_from(contents.len() + groups.len()).unwrap_or(MOST)),
            max_keys: Some(most),
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(|n| hex::encode(n.as_bytes())),
            continuation_token: input.continuation_token,
            contents: Some(contents),
            common_prefixes: Some(groups),
            prefix: Some(encode(&prefix)),
            delimiter: input.delimiter.map(|d| encode(&d)),
            start_after: input.start_after.map(|s| encode(&s)),
            encoding_type: input.encoding_type,
            ..Default::default()
        })
    }

    pub(super) fn list_v1(&self, input: ListObjectsInput) -> S3Result<ListObjectsOutput> {
        let most = input.max_keys.unwrap_or(MOST).clamp(0, MOST);
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let state = self.lock();
        let page = page(&state.bucket(&input.bucket)?.objects, &prefix, &delimiter, input.marker.as_deref(), most);
        drop(state);
        let encode = encoder(input.encoding_type.as_ref());
        let (contents, groups) = split(page.entries, encode);
        Ok(ListObjectsOutput {
            name: Some(input.bucket),
            max_keys: Some(most),
            is_truncated: Some(page.next.is_some()),
            next_marker: page.next.map(|n| encode(&n)),
            contents: Some(contents),
            common_prefixes: Some(groups),
            prefix: Some(encode(&prefix)),
            marker: input.marker.map(|m| encode(&m)),
            delimiter: input.delimiter.map(|d| encode(&d)),
            encoding_type: input.encoding_type,
            ..Default::default()
        })
    }
}

fn page(objects: &BTreeMap<String, Object>, prefix: &str, delimiter: &str, after: Option<&str>, most: i32) -> Page {
    let mut page = Page { entries: Vec::new(), next: None };
    let most = usize::try_from(most).unwrap_or(0);
    // Whether the start is a group that was listed already, whose keys come after it.
    let listed = after.filter(|a| !delimiter.is_empty() && a.starts_with(prefix) && a.ends_with(delimiter));
    let start = match after {
        Some(after) if after >= prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix),
    };
    for (key, object) in objects.range::<str, _>((start, Bound::Unbounded)) {
        let Some(rest) = key.strip_prefix(prefix) else { break };
        if listed.is_some_and(|group| key.starts_with(group)) {
            continue;
        }
        let group = if delimiter.is_empty() { None } else { rest.find(delimiter) };
        let (name, entry) = match group {
            Some(end) => (key[..prefix.len() + end + delimiter.len()].to_owned(), None),
            None => (key.clone(), Some(entry(object))),
        };
        if page.entries.last().is_some_and(|(last, _)| *last == name) {
            continue;
        }
        if page.entries.len() == most {
            page.next = page.entries.last().map(|(last, _)| last.clone());
            break;
        }
        page.entries.push((name, entry));
    }
    page
}

fn entry(object: &Object) -> Entry {
    Entry {
        e_tag: Some(ETag::Strong(object.etag.clone())),
        last_modified: Some(object.modified.into()),
        size: i64::try_from(object.body.len()).ok(),
        storage_class: Some("STANDARD".to_owned().into()),
        ..Default::default()
    }
}

fn split(entries: Vec<(String, Option<Entry>)>, encode: fn(&str) -> String) -> (Vec<Entry>, Vec<CommonPrefix>) {
    let (mut contents, mut groups) = (Vec::new(), Vec::new());
    for (name, entry) in entries {
        match entry {
            Some(entry) => contents.push(Entry { key: Some(encode(&name)), ..entry }),
            None => groups.push(CommonPrefix { prefix: Some(encode(&name)) }),
        }
    }
    (contents, groups)
}

fn from_token(token: &str) -> S3Result<String> {
    let bytes = hex::decode(token).ok();
    bytes
        .and_then(|b| String::from_utf8(b).ok())
        .ok_or_else(|| s3_error!(InvalidArgument, "this continuation token is none of ours"))
}

fn encoder(encoding: Option<&EncodingType>) -> fn(&str) -> String {
    match encoding {
        Some(e) if e.as_str() == EncodingType::URL => percent_encoded,
        _ => str::to_owned,
    }
}

/// Encodes all but unreserved characters and `/`; a space as `%20`, which both kinds of decoders read.
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
