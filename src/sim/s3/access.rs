//! Who may sign, and who may reach into which bucket.

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

use super::store::Store;

/// Looks keys up in the store.
pub(super) struct Signers(pub(super) Store);

#[async_trait::async_trait]
impl S3Auth for Signers {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.0.lock().holder(access_key) {
            Some((_, secret)) => Ok(SecretKey::from(secret)),
            None => Err(s3_error!(InvalidAccessKeyId, "no user has this access key")),
        }
    }
}

/// Lets a bucket's owner in, and nobody else.
pub(super) struct Owners(pub(super) Store);

#[async_trait::async_trait]
impl S3Access for Owners {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let credentials = cx.credentials().ok_or_else(|| s3_error!(AccessDenied, "requests must be signed"))?;
        let state = self.0.lock();
        let (user, _) = state
            .holder(&credentials.access_key)
            .ok_or_else(|| s3_error!(InvalidAccessKeyId, "no user has this access key"))?;
        match cx.s3_path().get_bucket_name() {
            Some(name) if cx.s3_op().name() != "CreateBucket" => match state.buckets.get(name) {
                Some(bucket) if bucket.owner != user => {
                    Err(s3_error!(AccessDenied, "bucket {name} belongs to another user"))
                }
                // An absent bucket is the operation's to report.
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}
