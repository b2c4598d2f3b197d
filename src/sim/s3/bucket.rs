//! What requests do to buckets.

use s3s::dto::{
    Bucket as BucketEntry, BucketLifecycleConfiguration, BucketLocationConstraint, CreateBucketInput,
    GetBucketLifecycleConfigurationOutput, GetBucketLocationOutput, HeadBucketOutput, ListBucketsOutput, Owner,
};
use s3s::{S3Result, s3_error};

use super::state::Bucket;
use super::store::Store;
use super::{lifecycle, service};

impl Store {
    pub(super) fn create(&self, input: &CreateBucketInput, user: &str) -> S3Result<String> {
        let mut state = self.lock();
        match state.buckets.get(&input.bucket) {
            // As RGW, and as S3 in us-east-1: creating one's own bucket again changes nothing.
            Some(bucket) if bucket.owner == user => {}
            Some(_) => return Err(s3_error!(BucketAlreadyExists, "bucket {} belongs to another user", input.bucket)),
            None => {
                state.buckets.insert(input.bucket.clone(), Bucket::new(user));
            }
        }
        Ok(format!("/{}", input.bucket))
    }

    pub(super) fn remove(&self, name: &str) -> S3Result<()> {
        let mut state = self.lock();
        let bucket = state.bucket(name)?;
        if !bucket.objects.is_empty() {
            return Err(s3_error!(BucketNotEmpty, "bucket {name} holds {} objects", bucket.objects.len()));
        }
        state.buckets.remove(name);
        Ok(())
    }

    pub(super) fn head_bucket(&self, name: &str) -> S3Result<HeadBucketOutput> {
        self.lock().bucket(name)?;
        Ok(HeadBucketOutput { bucket_region: Some(service::REGION.to_owned()), ..Default::default() })
    }

    /// `us-east-1` is written as no constraint.
    pub(super) fn location(&self, name: &str) -> S3Result<GetBucketLocationOutput> {
        self.lock().bucket(name)?;
        let elsewhere = Some(service::REGION).filter(|r| *r != "us-east-1");
        Ok(GetBucketLocationOutput { location_constraint: elsewhere.map(BucketLocationConstraint::from_static) })
    }

    pub(super) fn list_buckets(&self, user: &str) -> ListBucketsOutput {
        let state = self.lock();
        let own = state.buckets.iter().filter(|(_, b)| b.owner == user);
        let buckets = own.map(|(name, bucket)| BucketEntry {
            name: Some(name.clone()),
            creation_date: Some(bucket.created.into()),
            ..Default::default()
        });
        ListBucketsOutput { buckets: Some(buckets.collect()), owner: Some(owner(user)), ..Default::default() }
    }

    pub(super) fn set_lifecycle(&self, name: &str, rules: Option<BucketLifecycleConfiguration>) -> S3Result<()> {
        let rules = rules.ok_or_else(|| s3_error!(MalformedXML, "no lifecycle rules"))?;
        lifecycle::check_dto(&rules).map_err(|why| s3_error!(InvalidRequest, "{why}"))?;
        let kept = lifecycle::from_dto(&rules)?;
        self.lock().bucket_mut(name)?.lifecycle = Some(kept);
        Ok(())
    }

    pub(super) fn lifecycle(&self, name: &str) -> S3Result<GetBucketLifecycleConfigurationOutput> {
        let rules = self.lock().bucket(name)?.lifecycle.clone();
        let rules =
            rules.ok_or_else(|| s3_error!(NoSuchLifecycleConfiguration, "bucket {name} has no lifecycle rules"))?;
        let dto = lifecycle::to_dto(&rules)?;
        Ok(GetBucketLifecycleConfigurationOutput { rules: Some(dto.rules), ..Default::default() })
    }

    pub(super) fn remove_lifecycle(&self, name: &str) -> S3Result<()> {
        self.lock().bucket_mut(name)?.lifecycle = None;
        Ok(())
    }
}

pub(super) fn owner(user: &str) -> Owner {
    Owner { id: Some(user.to_owned()), display_name: Some(user.to_owned()) }
}
