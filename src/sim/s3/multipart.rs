//! Multipart uploads.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use md5::{Digest, Md5};
use s3s::dto::{CompletedPart, ETag, ListMultipartUploadsInput, ListMultipartUploadsOutput};
use s3s::dto::{MultipartUpload, Part as PartEntry};
use s3s::{S3Result, s3_error};

use super::service::Conditions;
use super::state::{Bucket, Object, Part, Upload};
use super::store::{Store, etag_of};

/// The smallest part that is not the last: 5 MiB.
const SMALLEST: usize = 5 * 1024 * 1024;

impl Store {
    pub(super) fn begin_upload(
        &self,
        bucket: &str,
        key: &str,
        content_type: Option<String>,
        metadata: BTreeMap<String, String>,
    ) -> S3Result<String> {
        let mut state = self.lock();
        state.bucket(bucket)?;
        state.uploads += 1;
        let id = format!("upload-{:08}", state.uploads);
        let upload =
            Upload { key: key.to_owned(), begun: SystemTime::now(), parts: BTreeMap::new(), content_type, metadata };
        state.bucket_mut(bucket)?.uploads.insert(id.clone(), upload);
        Ok(id)
    }

    pub(super) fn put_part(&self, bucket: &str, key: &str, id: &str, number: i32, body: Bytes) -> S3Result<Part> {
        if !(1..=10_000).contains(&number) {
            return Err(s3_error!(InvalidArgument, "part number {number} is not between 1 and 10000"));
        }
        let part = Part { etag: etag_of(&body), body, modified: SystemTime::now() };
        let mut state = self.lock();
        upload_mut(state.bucket_mut(bucket)?, key, id)?.parts.insert(number, part.clone());
        Ok(part)
    }

    pub(super) fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
        wanted: &[CompletedPart],
        conditions: &Conditions,
    ) -> S3Result<String> {
        let mut state = self.lock();
        let bucket = state.bucket_mut(bucket)?;
        let upload = upload_mut(bucket, key, id)?;
        if wanted.is_empty() {
            return Err(s3_error!(MalformedXML, "no parts"));
        }
        let mut body = BytesMut::new();
        let mut sums = Md5::new();
        let mut last = 0;
        for (index, part) in wanted.iter().enumerate() {
            let number = part.part_number.unwrap_or(0);
            if number <= last {
                return Err(s3_error!(InvalidPartOrder, "part {number} comes after part {last}"));
            }
            last = number;
            let same_tag = |p: &&Part| part.e_tag.as_ref().is_none_or(|t| t.value() == p.etag);
            let found = upload.parts.get(&number).filter(same_tag);
            let found = found.ok_or_else(|| s3_error!(InvalidPart, "part {number} was not uploaded with that tag"))?;
            if index + 1 < wanted.len() && found.body.len() < SMALLEST {
                return Err(s3_error!(EntityTooSmall, "part {number} has {} bytes, at least 5 MiB", found.body.len()));
            }
            sums.update(hex::decode(&found.etag).unwrap_or_default());
            body.extend_from_slice(&found.body);
        }
        conditions.check_write(bucket.objects.get(key))?;
        let Some(upload) = bucket.uploads.remove(id) else { return Err(no_upload(id)) };
        let etag = format!("{}-{}", hex::encode(sums.finalize()), wanted.len());
        let object = Object {
            body: body.freeze(),
            etag: etag.clone(),
            modified: SystemTime::now(),
            content_type: upload.content_type,
            metadata: upload.metadata,
        };
        bucket.objects.insert(key.to_owned(), object);
        Ok(etag)
    }

    pub(super) fn abort_upload(&self, bucket: &str, key: &str, id: &str) -> S3Result<()> {
        let mut state = self.lock();
        let bucket = state.bucket_mut(bucket)?;
        upload_mut(bucket, key, id)?;
        bucket.uploads.remove(id);
        Ok(())
    }

    pub(super) fn parts(&self, bucket: &str, key: &str, id: &str, after: i32) -> S3Result<Vec<PartEntry>> {
        let mut state = self.lock();
        let upload = upload_mut(state.bucket_mut(bucket)?, key, id)?;
        let parts = upload.parts.iter().filter(|(number, _)| **number > after);
        let entry = |(number, part): (&i32, &Part)| PartEntry {
            part_number: Some(*number),
            e_tag: Some(ETag::Strong(part.etag.clone())),
            size: i64::try_from(part.body.len()).ok(),
            last_modified: Some(part.modified.into()),
            ..Default::default()
        };
        Ok(parts.map(entry).collect())
    }

    pub(super) fn uploads(&self, input: ListMultipartUploadsInput) -> S3Result<ListMultipartUploadsOutput> {
        let state = self.lock();
        let prefix = input.prefix.clone().unwrap_or_default();
        let uploads = state.bucket(&input.bucket)?.uploads.iter().filter(|(_, u)| u.key.starts_with(&prefix));
        let mut entries: Vec<MultipartUpload> = uploads
            .map(|(id, upload)| MultipartUpload {
                key: Some(upload.key.clone()),
                upload_id: Some(id.clone()),
                initiated: Some(upload.begun.into()),
                ..Default::default()
            })
            .collect();
        entries.sort_by(|a, b| (&a.key, &a.upload_id).cmp(&(&b.key, &b.upload_id)));
        Ok(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            prefix: input.prefix,
            is_truncated: Some(false),
            uploads: Some(entries),
            ..Default::default()
        })
    }
}

fn upload_mut<'a>(bucket: &'a mut Bucket, key: &str, id: &str) -> S3Result<&'a mut Upload> {
    bucket.uploads.get_mut(id).filter(|u| u.key == key).ok_or_else(|| no_upload(id))
}

fn no_upload(id: &str) -> s3s::S3Error {
    s3_error!(NoSuchUpload, "no upload {id} of this key: it was completed or aborted")
}
