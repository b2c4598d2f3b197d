//! The store and what the simulated operators do to it: users, buckets, lifecycle rules.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use md5::{Digest, Md5};
use s3s::{S3Result, s3_error};
use serde_json::Value;

use super::state::{Bucket, State, User};
use crate::error::{Code, Error, Result};

/// Users and buckets in memory. Cheap to clone; all clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Store(Arc<Mutex<State>>);

impl Store {
    /// A store with this state.
    pub fn new(state: State) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    /// A copy of what it holds.
    pub fn state(&self) -> State {
        self.lock().clone()
    }

    /// Gives a user exactly this pair of keys; makes the user where there is none.
    pub fn put_user(&self, name: &str, access_key: &str, secret_key: &str) -> Result<()> {
        let mut state = self.lock();
        if let Some((other, _)) = state.users.iter().find(|(n, u)| *n != name && u.keys.contains_key(access_key)) {
            return Err(Error::new(Code::Conflict, format!("S3 access key {access_key} belongs to user {other}")));
        }
        let keys = BTreeMap::from([(access_key.to_owned(), secret_key.to_owned())]);
        state.users.insert(name.to_owned(), User { keys });
        Ok(())
    }

    /// A user's first pair of keys.
    pub fn keys(&self, user: &str) -> Option<(String, String)> {
        let state = self.lock();
        state.users.get(user)?.keys.first_key_value().map(|(access, secret)| (access.clone(), secret.clone()))
    }

    /// Forgets a user. Buckets stay, and nobody reaches them until they get another owner.
    pub fn delete_user(&self, name: &str) {
        self.lock().users.remove(name);
    }

    /// Sees to it that a bucket exists and has this owner. A bucket that changes hands keeps its objects.
    pub fn put_bucket(&self, name: &str, owner: &str) -> Result<()> {
        let mut state = self.lock();
        if !state.users.contains_key(owner) {
            return Err(Error::new(
                Code::NotFound,
                format!("S3 user {owner}, who is to own bucket {name}, does not exist"),
            ));
        }
        match state.buckets.get_mut(name) {
            Some(bucket) => owner.clone_into(&mut bucket.owner),
            None => {
                state.buckets.insert(name.to_owned(), Bucket::new(owner));
            }
        }
        Ok(())
    }

    /// Deletes a bucket with all that it holds; one that is not there is no error.
    pub fn delete_bucket(&self, name: &str) {
        self.lock().buckets.remove(name);
    }

    /// Sets a bucket's lifecycle rules, `{"Rules": […]}`; `None` removes them.
    pub fn put_lifecycle(&self, bucket: &str, rules: Option<&Value>) -> Result<()> {
        if let Some(rules) = rules {
            super::lifecycle::check(rules)?;
        }
        let mut state = self.lock();
        let found = state.buckets.get_mut(bucket);
        let found = found.ok_or_else(|| Error::new(Code::NotFound, format!("S3 bucket {bucket} does not exist")))?;
        found.lifecycle = rules.cloned();
        Ok(())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves whole entries: each change is one insert or remove.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The user who holds an access key, and the secret key.
    pub(super) fn holder(&self, access_key: &str) -> Option<(&str, &str)> {
        self.users
            .iter()
            .find_map(|(name, user)| user.keys.get(access_key).map(|secret| (name.as_str(), secret.as_str())))
    }

    pub(super) fn bucket(&self, name: &str) -> S3Result<&Bucket> {
        self.buckets.get(name).ok_or_else(|| s3_error!(NoSuchBucket, "no bucket {name}"))
    }

    pub(super) fn bucket_mut(&mut self, name: &str) -> S3Result<&mut Bucket> {
        self.buckets.get_mut(name).ok_or_else(|| s3_error!(NoSuchBucket, "no bucket {name}"))
    }
}

impl Bucket {
    pub(super) fn new(owner: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            created: SystemTime::now(),
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
            lifecycle: None,
        }
    }
}

/// The entity tag of content: its MD5.
pub(super) fn etag_of(body: &[u8]) -> String {
    hex::encode(Md5::digest(body))
}
