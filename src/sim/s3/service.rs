//! S3's operations over the store.

use std::collections::BTreeMap;
use std::time::SystemTime;

use base64::Engine;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use md5::{Digest, Md5};
#[allow(clippy::wildcard_imports, reason = "an input and an output type for each of 24 operations")]
use s3s::dto::*;
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};

use super::state::Object;
use super::store::{Store, etag_of};

/// The one region there is.
pub(super) const REGION: &str = "us-east-1";

/// The largest object or part: as S3's own 5 GiB would fill the memory, 1 GiB.
const LARGEST: usize = 1024 * 1024 * 1024;

pub(super) struct Service(pub(super) Store);

/// `If-Match` and `If-None-Match`.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
}

impl Conditions {
    pub(super) fn new(if_match: Option<ETagCondition>, if_none_match: Option<ETagCondition>) -> Self {
        Self { if_match, if_none_match }
    }

    /// Whether a write may replace what stands there now. Call it under the lock of the write.
    pub(super) fn check_write(&self, now: Option<&Object>) -> S3Result<()> {
        if let Some(condition) = &self.if_match {
            let object = now.ok_or_else(|| s3_error!(NoSuchKey, "If-Match on a key that does not exist"))?;
            if !holds(condition, object) {
                return Err(s3_error!(PreconditionFailed, "If-Match: the object's tag is {}", object.etag));
            }
        }
        match (&self.if_none_match, now) {
            (Some(condition), Some(object)) if holds(condition, object) => {
                Err(s3_error!(PreconditionFailed, "If-None-Match: the object exists"))
            }
            _ => Ok(()),
        }
    }

    fn check_read(&self, object: &Object) -> S3Result<()> {
        if self.if_match.as_ref().is_some_and(|c| !holds(c, object)) {
            return Err(s3_error!(PreconditionFailed, "If-Match: the object's tag is {}", object.etag));
        }
        if self.if_none_match.as_ref().is_some_and(|c| holds(c, object)) {
            return Err(s3_error!(NotModified));
        }
        Ok(())
    }
}

fn holds(condition: &ETagCondition, object: &Object) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(tag) => tag.value() == object.etag,
    }
}

impl Service {
    fn user<T>(&self, request: &S3Request<T>) -> S3Result<String> {
        let key = request.credentials.as_ref().map(|c| c.access_key.as_str()).unwrap_or_default();
        let state = self.0.lock();
        let holder = state.holder(key).map(|(name, _)| name.to_owned());
        holder.ok_or_else(|| s3_error!(AccessDenied, "requests must be signed"))
    }

    fn read(&self, bucket: &str, key: &str, conditions: &Conditions) -> S3Result<Object> {
        let state = self.0.lock();
        let object = state.bucket(bucket)?.objects.get(key);
        let object = object.cloned().ok_or_else(|| s3_error!(NoSuchKey, "no object {key}"))?;
        conditions.check_read(&object)?;
        Ok(object)
    }

    /// A copy's source, which must lie in a bucket of the same user.
    fn source(&self, user: &str, source: &CopySource) -> S3Result<Object> {
        let CopySource::Bucket { bucket, key, version_id } = source else {
            return Err(s3_error!(NotImplemented, "copies from access points"));
        };
        if version_id.as_deref().is_some_and(|v| v != "null") {
            return Err(s3_error!(NotImplemented, "versions"));
        }
        if self.0.lock().bucket(bucket)?.owner != user {
            return Err(s3_error!(AccessDenied, "bucket {bucket} belongs to another user"));
        }
        self.read(bucket, key, &Conditions::default())
    }
}

type Answer<T> = S3Result<S3Response<T>>;

#[expect(clippy::unnecessary_wraps, reason = "the end of every operation, as the trait wants it")]
fn answer<T>(output: T) -> Answer<T> {
    Ok(S3Response::new(output))
}

#[async_trait::async_trait]
impl S3 for Service {
    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> Answer<CreateBucketOutput> {
        let location = self.0.create(&req.input, &self.user(&req)?)?;
        answer(CreateBucketOutput { location: Some(location) })
    }

    async fn delete_bucket(&self, req: S3Request<DeleteBucketInput>) -> Answer<DeleteBucketOutput> {
        self.0.remove(&req.input.bucket)?;
        answer(DeleteBucketOutput {})
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        answer(self.0.head_bucket(&req.input.bucket)?)
    }

    async fn list_buckets(&self, req: S3Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        answer(self.0.list_buckets(&self.user(&req)?))
    }

    async fn get_bucket_location(&self, req: S3Request<GetBucketLocationInput>) -> Answer<GetBucketLocationOutput> {
        answer(self.0.location(&req.input.bucket)?)
    }

    async fn get_bucket_versioning(
        &self,
        req: S3Request<GetBucketVersioningInput>,
    ) -> Answer<GetBucketVersioningOutput> {
        // An answer without a status: never switched on.
        self.0.head_bucket(&req.input.bucket)?;
        answer(GetBucketVersioningOutput::default())
    }

    async fn put_bucket_lifecycle_configuration(
        &self,
        req: S3Request<PutBucketLifecycleConfigurationInput>,
    ) -> Answer<PutBucketLifecycleConfigurationOutput> {
        self.0.set_lifecycle(&req.input.bucket, req.input.lifecycle_configuration)?;
        answer(PutBucketLifecycleConfigurationOutput::default())
    }

    async fn get_bucket_lifecycle_configuration(
        &self,
        req: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> Answer<GetBucketLifecycleConfigurationOutput> {
        answer(self.0.lifecycle(&req.input.bucket)?)
    }

    async fn delete_bucket_lifecycle(
        &self,
        req: S3Request<DeleteBucketLifecycleInput>,
    ) -> Answer<DeleteBucketLifecycleOutput> {
        self.0.remove_lifecycle(&req.input.bucket)?;
        answer(DeleteBucketLifecycleOutput {})
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        answer(self.0.list_v2(req.input)?)
    }

    async fn list_objects(&self, req: S3Request<ListObjectsInput>) -> Answer<ListObjectsOutput> {
        answer(self.0.list_v1(req.input)?)
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        let input = req.input;
        let body = collect(input.body, input.content_md5.as_deref()).await?;
        let etag = etag_of(&body);
        let object = Object {
            body,
            etag: etag.clone(),
            modified: SystemTime::now(),
            content_type: input.content_type,
            metadata: from_metadata(input.metadata),
        };
        let conditions = Conditions::new(input.if_match, input.if_none_match);
        let mut state = self.0.lock();
        let objects = &mut state.bucket_mut(&input.bucket)?.objects;
        conditions.check_write(objects.get(&input.key))?;
        objects.insert(input.key, object);
        answer(PutObjectOutput { e_tag: Some(ETag::Strong(etag)), ..Default::default() })
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        let input = req.input;
        let object = self.read(&input.bucket, &input.key, &Conditions::new(input.if_match, input.if_none_match))?;
        let whole = object.body.len();
        let (body, content_range) = match input.range {
            None => (object.body, None),
            Some(range) => {
                let range = range.check(whole as u64).map_err(|e| s3_error!(e, InvalidRange))?;
                let said = format!("bytes {}-{}/{whole}", range.start, range.end.saturating_sub(1));
                let (start, end) = (to_index(range.start), to_index(range.end));
                (object.body.slice(start..end), Some(said))
            }
        };
        answer(GetObjectOutput {
            content_length: i64::try_from(body.len()).ok(),
            body: Some(Body::from(body).into()),
            content_range,
            accept_ranges: Some("bytes".to_owned()),
            content_type: object.content_type.or_else(|| Some("binary/octet-stream".to_owned())),
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(object.modified.into()),
            metadata: to_metadata(object.metadata),
            ..Default::default()
        })
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        let input = req.input;
        let object = self.read(&input.bucket, &input.key, &Conditions::new(input.if_match, input.if_none_match))?;
        answer(HeadObjectOutput {
            content_length: i64::try_from(object.body.len()).ok(),
            accept_ranges: Some("bytes".to_owned()),
            content_type: object.content_type.or_else(|| Some("binary/octet-stream".to_owned())),
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(object.modified.into()),
            metadata: to_metadata(object.metadata),
            ..Default::default()
        })
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        let user = self.user(&req)?;
        let input = req.input;
        let mut object = self.source(&user, &input.copy_source)?;
        Conditions::new(input.copy_source_if_match, input.copy_source_if_none_match)
            .check_read(&object)
            .map_err(|_| s3_error!(PreconditionFailed, "the copy's source"))?;
        if input.metadata_directive.is_some_and(|d| d.as_str() == MetadataDirective::REPLACE) {
            object.content_type = input.content_type;
            object.metadata = from_metadata(input.metadata);
        }
        object.modified = SystemTime::now();
        let result = CopyObjectResult {
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(object.modified.into()),
            ..Default::default()
        };
        self.0.lock().bucket_mut(&input.bucket)?.objects.insert(input.key, object);
        answer(CopyObjectOutput { copy_object_result: Some(result), ..Default::default() })
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        let input = req.input;
        let mut state = self.0.lock();
        let objects = &mut state.bucket_mut(&input.bucket)?.objects;
        if input.if_match.is_some() {
            Conditions::new(input.if_match, None).check_write(objects.get(&input.key))?;
        }
        objects.remove(&input.key);
        answer(DeleteObjectOutput::default())
    }

    async fn delete_objects(&self, req: S3Request<DeleteObjectsInput>) -> Answer<DeleteObjectsOutput> {
        let input = req.input;
        if input.delete.objects.len() > 1000 {
            return Err(s3_error!(MalformedXML, "more than 1000 keys"));
        }
        let mut state = self.0.lock();
        let objects = &mut state.bucket_mut(&input.bucket)?.objects;
        let mut deleted = Vec::new();
        for object in input.delete.objects {
            objects.remove(&object.key);
            deleted.push(DeletedObject { key: Some(object.key), ..Default::default() });
        }
        let quiet = input.delete.quiet == Some(true);
        answer(DeleteObjectsOutput { deleted: (!quiet).then_some(deleted), ..Default::default() })
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        let input = req.input;
        let metadata = from_metadata(input.metadata);
        let id = self.0.begin_upload(&input.bucket, &input.key, input.content_type, metadata)?;
        answer(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            ..Default::default()
        })
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        let input = req.input;
        let body = collect(input.body, input.content_md5.as_deref()).await?;
        let part = self.0.put_part(&input.bucket, &input.key, &input.upload_id, input.part_number, body)?;
        answer(UploadPartOutput { e_tag: Some(ETag::Strong(part.etag)), ..Default::default() })
    }

    async fn upload_part_copy(&self, req: S3Request<UploadPartCopyInput>) -> Answer<UploadPartCopyOutput> {
        let user = self.user(&req)?;
        let input = req.input;
        let object = self.source(&user, &input.copy_source)?;
        let body = match &input.copy_source_range {
            None => object.body,
            Some(text) => {
                let range = Range::parse(text).map_err(|e| s3_error!(e, InvalidArgument))?;
                let range = range.check(object.body.len() as u64).map_err(|e| s3_error!(e, InvalidRange))?;
                object.body.slice(to_index(range.start)..to_index(range.end))
            }
        };
        let part = self.0.put_part(&input.bucket, &input.key, &input.upload_id, input.part_number, body)?;
        let result = CopyPartResult {
            e_tag: Some(ETag::Strong(part.etag)),
            last_modified: Some(part.modified.into()),
            ..Default::default()
        };
        answer(UploadPartCopyOutput { copy_part_result: Some(result), ..Default::default() })
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        let input = req.input;
        let parts = input.multipart_upload.and_then(|m| m.parts).unwrap_or_default();
        let conditions = Conditions::new(input.if_match, input.if_none_match);
        let etag = self.0.complete_upload(&input.bucket, &input.key, &input.upload_id, &parts, &conditions)?;
        answer(CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, input.key)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(etag)),
            ..Default::default()
        })
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        self.0.abort_upload(&req.input.bucket, &req.input.key, &req.input.upload_id)?;
        answer(AbortMultipartUploadOutput::default())
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> Answer<ListMultipartUploadsOutput> {
        answer(self.0.uploads(req.input)?)
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        let input = req.input;
        let after = input.part_number_marker.unwrap_or(0);
        let mut parts = self.0.parts(&input.bucket, &input.key, &input.upload_id, after)?;
        let most = usize::try_from(input.max_parts.unwrap_or(1000).clamp(0, 1000)).unwrap_or(1000);
        let truncated = parts.len() > most;
        parts.truncate(most);
        answer(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            is_truncated: Some(truncated),
            next_part_number_marker: parts.last().filter(|_| truncated).and_then(|p| p.part_number),
            parts: Some(parts),
            ..Default::default()
        })
    }
}

/// Reads a whole body, and compares it with its MD5 where one was sent.
async fn collect(body: Option<StreamingBlob>, md5: Option<&str>) -> S3Result<Bytes> {
    let mut all = BytesMut::new();
    if let Some(mut body) = body {
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|e| s3_error!(IncompleteBody, "{e}"))?;
            if all.len() + piece.len() > LARGEST {
                return Err(s3_error!(EntityTooLarge, "more than 1 GiB"));
            }
            all.extend_from_slice(&piece);
        }
    }
    if let Some(md5) = md5 {
        let sent = base64::engine::general_purpose::STANDARD.decode(md5);
        let sent = sent.map_err(|e| s3_error!(e, InvalidDigest))?;
        if sent != Md5::digest(&all).as_slice() {
            return Err(s3_error!(BadDigest, "the body does not have the Content-MD5 that was sent"));
        }
    }
    Ok(all.freeze())
}

fn to_index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn from_metadata(metadata: Option<Metadata>) -> BTreeMap<String, String> {
    metadata.unwrap_or_default().into_iter().collect()
}

fn to_metadata(metadata: BTreeMap<String, String>) -> Option<Metadata> {
    (!metadata.is_empty()).then(|| metadata.into_iter().collect())
}
