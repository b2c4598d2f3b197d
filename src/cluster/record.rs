//! Which requests were sent: so that a test can prove that a review only reads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::Request;
use kube::client::Body;

/// Requests of one method to one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// HTTP method.
    pub method: String,
    /// Path without its query.
    pub path: String,
    /// Whether the query said `dryRun=All`.
    pub dry_run: bool,
    /// How many of them.
    pub count: u64,
}

impl Sent {
    /// Whether nothing on the server can have changed: a read, a dry run, or an access review.
    ///
    /// A WebSocket of `exec` starts with a GET but runs a program: it counts as a change.
    pub fn only_reads(&self) -> bool {
        match self.method.as_str() {
            "GET" | "HEAD" => !self.path.ends_with("/exec") && !self.path.ends_with("/attach"),
            "POST" => self.dry_run || (self.path.contains("/authorization.k8s.io/") && self.path.ends_with("reviews")),
            _ => self.dry_run,
        }
    }
}

/// Counts requests; memory is bounded by the number of different paths.
#[derive(Clone, Debug, Default)]
pub(super) struct Record(Arc<Mutex<BTreeMap<Key, u64>>>);

/// Method, path, whether it was a dry run.
type Key = (String, String, bool);

impl Record {
    pub(super) fn add(&self, request: &Request<Body>) {
        tracing::trace!("{} {}", request.method(), request.uri());
        let dry_run = request.uri().query().is_some_and(|q| q.split('&').any(|pair| pair == "dryRun=All"));
        let key = (request.method().to_string(), request.uri().path().to_owned(), dry_run);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert(0) += 1;
    }

    pub(super) fn all(&self) -> Vec<Sent> {
        let record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = |((method, path, dry_run), count): (&Key, &u64)| Sent {
            method: method.clone(),
            path: path.clone(),
            dry_run: *dry_run,
            count: *count,
        };
        record.iter().map(sent).collect()
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(method: &str, path: &str, dry_run: bool) -> Sent {
        Sent { method: method.into(), path: path.into(), dry_run, count: 1 }
    }

    #[test]
    fn access_reviews_and_dry_runs_are_reads() {
        assert!(sent("GET", "/api/v1/pods", false).only_reads());
        assert!(sent("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", false).only_reads());
        assert!(sent("PATCH", "/api/v1/namespaces/a/configmaps/b", true).only_reads());
        assert!(!sent("PATCH", "/api/v1/namespaces/a/configmaps/b", false).only_reads());
        assert!(!sent("POST", "/api/v1/namespaces", false).only_reads());
        assert!(!sent("GET", "/api/v1/namespaces/a/pods/b/exec", false).only_reads());
    }
}
