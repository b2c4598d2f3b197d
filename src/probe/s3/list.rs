//! Listings, and deleting many at once.

use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use md5::{Digest, Md5};
use rusty_s3::Method;

use super::Client;
use super::client::Call;
use super::xml::{Element, write};
use crate::error::{Code, Error, Result};
use crate::probe::Timed;

/// S3 takes at most this many keys in one `DeleteObjects`.
const MOST: usize = 1000;

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Key.
    pub key: String,
    /// Size in bytes.
    pub size: u64,
    /// Entity tag, without quotes.
    pub etag: String,
}

/// What a listing found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Objects, in the order of their keys.
    pub objects: Vec<Listed>,
    /// With a delimiter: the groups of keys below it.
    pub prefixes: Vec<String>,
}

impl Client {
    /// Lists every object under a prefix, page by page.
    pub async fn list(&self, prefix: &str) -> Result<Timed<Vec<Listed>>> {
        Ok(self.list_with(prefix, None, 1000).await?.map(|l| l.objects))
    }

    /// Lists what stands under a prefix, grouped by a delimiter, `page` entries a request.
    pub async fn list_with(&self, prefix: &str, delimiter: Option<&str>, page: u16) -> Result<Timed<Listing>> {
        let mut all = Timed { value: Listing::default(), elapsed: Duration::ZERO };
        let mut token: Option<String> = None;
        let most = page.to_string();
        loop {
            let what = self.named("LIST", prefix);
            let mut call = Call::new(what.clone(), Method::Get, None)
                .query("list-type", "2")
                .query("encoding-type", "url")
                .query("max-keys", &most)
                .query("prefix", prefix);
            if let Some(delimiter) = delimiter {
                call = call.query("delimiter", delimiter);
            }
            if let Some(token) = &token {
                call = call.query("continuation-token", token);
            }
            let answer = self.call(call).await?;
            all.elapsed += answer.elapsed;
            let page = Element::parse(&answer.value.text()).map_err(|e| e.context(&what))?;
            let encoded = page.text_of("EncodingType") == Some("url");
            let plain = |text: &str| if encoded { decoded(text) } else { text.to_owned() };
            for object in page.children("Contents") {
                all.value.objects.push(Listed {
                    key: plain(object.text_of("Key").unwrap_or_default()),
                    size: object.text_of("Size").and_then(|s| s.parse().ok()).unwrap_or(0),
                    etag: object.text_of("ETag").unwrap_or_default().trim_matches('"').to_owned(),
                });
            }
            let groups = page.children("CommonPrefixes").filter_map(|p| p.text_of("Prefix"));
            all.value.prefixes.extend(groups.map(plain));
            token = page.text_of("NextContinuationToken").map(str::to_owned);
            if page.text_of("IsTruncated") != Some("true") || token.is_none() {
                return Ok(all);
            }
        }
    }

    /// Deletes many objects with one request a thousand keys; a key that the server keeps is an error.
    pub async fn delete_many(&self, keys: &[String]) -> Result<Timed<()>> {
        let mut elapsed = Duration::ZERO;
        for some in keys.chunks(MOST) {
            let what = self.named("DELETE many of", "");
            let mut root = Element::with("Delete", vec![Element::of("Quiet", "true")]);
            root.children.extend(some.iter().map(|key| Element::with("Object", vec![Element::of("Key", key)])));
            let mut body = String::new();
            write(&mut body, &root);
            let sum = base64::engine::general_purpose::STANDARD.encode(Md5::digest(body.as_bytes()));
            let call = Call::new(what.clone(), Method::Post, None)
                .query("delete", "")
                .header("content-md5", &sum)
                .header("content-type", "application/xml")
                .body(Bytes::from(body));
            let answer = self.call(call).await?;
            elapsed += answer.elapsed;
            let result = Element::parse(&answer.value.text()).map_err(|e| e.context(&what))?;
            if let Some(kept) = result.children("Error").next() {
                let field = |name: &str| kept.text_of(name).unwrap_or_default().to_owned();
                let text = format!("{what}: kept {}: {}: {}", field("Key"), field("Code"), field("Message"));
                return Err(Error::new(Code::Failed, text));
            }
        }
        Ok(Timed { value: (), elapsed })
    }
}

/// Undoes the URL encoding of keys in a listing, where `+` is a space.
fn decoded(key: &str) -> String {
    let spaced = key.replace('+', " ");
    let mut bytes = Vec::with_capacity(spaced.len());
    let mut rest = spaced.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        if let (b'%', Some(byte)) = (first, digits.and_then(|d| u8::from_str_radix(d, 16).ok())) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
