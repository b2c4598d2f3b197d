//! Multipart uploads: made in parts, and abandoned ones aborted.

use bytes::Bytes;
use rusty_s3::Method;

use super::Client;
use super::client::{Call, etag};
use super::error::failure;
use super::xml::{Element, write};
use crate::error::{Code, Error, Result};
use crate::probe::Timed;

/// The smallest part that S3 takes, save the last one: 5 MiB.
pub const SMALLEST_PART: usize = 5 * 1024 * 1024;

/// What a multipart upload made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// Entity tag, without quotes.
    pub etag: String,
    /// Size in bytes.
    pub size: u64,
}

impl Client {
    /// Uploads `parts` parts of `part_size` bytes each (known content: byte `i` of the object is `i % 251`). An upload
    /// that fails is aborted; one whose future is dropped is left for [`Client::abort_uploads`].
    pub async fn multipart(&self, key: &str, parts: u16, part_size: usize) -> Result<Timed<Uploaded>> {
        if parts == 0 || (parts > 1 && part_size < SMALLEST_PART) {
            return Err(Error::new(
                Code::Invalid,
                format!(
                    "a multipart upload of {parts} parts of {part_size} bytes: S3 wants 5 MiB a part, save the last"
                ),
            ));
        }
        let what = self.named("create multipart upload", key);
        let answer = self.call(Call::new(what.clone(), Method::Post, Some(key)).query("uploads", "")).await?;
        let mut elapsed = answer.elapsed;
        let id = Element::parse(&answer.value.text())?
            .text_of("UploadId")
            .map(str::to_owned)
            .ok_or_else(|| Error::new(Code::Failed, format!("{what}: the answer has no UploadId")))?;
        match self.upload_parts(key, &id, parts, part_size).await {
            Ok(done) => {
                elapsed += done.elapsed;
                Ok(Timed { value: done.value, elapsed })
            }
            Err(error) => {
                // The first error is the one to tell; a failed abort is found by the next `abort_uploads`.
                let _ = self.abort(key, &id).await;
                Err(error)
            }
        }
    }

    async fn upload_parts(&self, key: &str, id: &str, parts: u16, part_size: usize) -> Result<Timed<Uploaded>> {
        let mut tags = Vec::new();
        let mut elapsed = std::time::Duration::ZERO;
        for number in 1..=parts {
            let start = usize::from(number - 1) * part_size;
            let body: Vec<u8> = (start..start + part_size).map(pattern).collect();
            let what = self.named(&format!("upload part {number} of"), key);
            let number = number.to_string();
            let call = Call::new(what, Method::Put, Some(key)).query("partNumber", &number).query("uploadId", id);
            let answer = self.call(call.body(Bytes::from(body))).await?;
            elapsed += answer.elapsed;
            tags.push(etag(&answer.value));
        }
        let what = self.named("complete multipart upload", key);
        let part = |(number, tag): (u16, &String)| {
            Element::with("Part", vec![Element::of("PartNumber", &number.to_string()), Element::of("ETag", tag)])
        };
        let root = Element::with("CompleteMultipartUpload", (1..).zip(&tags).map(part).collect());
        let mut body = String::new();
        write(&mut body, &root);
        let call = Call::new(what.clone(), Method::Post, Some(key)).query("uploadId", id).body(Bytes::from(body));
        let answer = self.call(call).await?;
        // S3 may answer 200 and then an error in the body.
        let body = Element::parse(&answer.value.text())?;
        if body.name == "Error" {
            return Err(failure(&what, &answer.value));
        }
        let tag = body.text_of("ETag").unwrap_or_default().trim_matches('"').to_owned();
        let size = u64::from(parts) * part_size as u64;
        Ok(Timed { value: Uploaded { etag: tag, size }, elapsed: elapsed + answer.elapsed })
    }

    /// Aborts every unfinished upload under a prefix: how many.
    pub async fn abort_uploads(&self, prefix: &str) -> Result<usize> {
        let what = self.named("list uploads of", "");
        let call = Call::new(what.clone(), Method::Get, None).query("prefix", prefix).query("uploads", "");
        let answer = self.call(call).await?;
        let list = Element::parse(&answer.value.text()).map_err(|e| e.context(&what))?;
        let mut count = 0;
        for upload in list.children("Upload") {
            if let (Some(key), Some(id)) = (upload.text_of("Key"), upload.text_of("UploadId")) {
                self.abort(key, id).await?;
                count += 1;
            }
        }
        Ok(count)
    }

    async fn abort(&self, key: &str, id: &str) -> Result<()> {
        let what = self.named("abort multipart upload", key);
        self.call(Call::new(what, Method::Delete, Some(key)).query("uploadId", id)).await.map(|_| ())
    }
}

/// Byte `i` of the content that [`Client::multipart`] writes.
fn pattern(index: usize) -> u8 {
    u8::try_from(index % 251).unwrap_or(0)
}
