//! All of it behind one face, for the API server.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::api::object;
use crate::sim::api::{Gvr, Status};
use crate::sim::clock;

use super::attributes::Attributes;
use super::impersonate::{self, Mode};
use super::objects::Objects;
use super::review::{self, Kind};
use super::token::{ISSUER, Tokens};
use super::token_request;
use super::user::User;

/// The API group of token reviews.
const AUTHENTICATION: &str = "authentication.k8s.io";

/// Knows tokens, and answers the questions about access that the API server is asked.
pub struct Access {
    tokens: Tokens,
    fixed: BTreeMap<String, User>,
    modes: Mutex<HashMap<String, Mode>>,
}

/// A POST to a resource that only answers and stores nothing.
pub struct Question<'a> {
    /// The resource.
    pub resource: &'a Gvr,
    /// `token` of a service account; else empty.
    pub subresource: &'a str,
    /// The namespace of the path.
    pub namespace: &'a str,
    /// The name in the path, for a subresource.
    pub name: &'a str,
    /// The decoded body, `managedFields` included where the true server tells them.
    pub body: Value,
    /// A fresh id, for a token that may be issued.
    pub id: String,
}

impl Access {
    /// With the key that tokens of service accounts are signed with; it must last as long as the cluster's state.
    pub fn new(key: impl Into<Vec<u8>>) -> Self {
        Self { tokens: Tokens::new(key), fixed: BTreeMap::new(), modes: Mutex::default() }
    }

    /// With a bearer token of a fixed user, as in the kubeconfig of an administrator.
    #[must_use]
    pub fn with_token(mut self, token: &str, user: User) -> Self {
        self.fixed.insert(token.to_owned(), user);
        self
    }

    /// Who asks, by the `Authorization` header; without one `otherwise`, and 401 for a token that is not known or no longer
    /// good. A scheme other than `Bearer` counts as none, as on the true server.
    pub fn authenticate(
        &self,
        objects: &dyn Objects,
        headers: &HeaderMap,
        otherwise: &User,
        now: Timestamp,
    ) -> Result<User, Status> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut parts = given.trim().splitn(3, ' ');
        let (scheme, token) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return Ok(otherwise.clone());
        }
        let found = self.check(objects, token, &[ISSUER.to_owned()], now);
        found.map(|(user, _)| user).map_err(|_| Status::unauthorized())
    }

    /// The user to act as, by the `Impersonate-*` headers; the user itself without any.
    pub fn impersonate(
        &self,
        objects: &dyn Objects,
        user: User,
        headers: &HeaderMap,
        asked: &Attributes,
    ) -> Result<User, Status> {
        let Some(wanted) = impersonate::wanted(headers)? else { return Ok(user) };
        let mut modes = self.modes.lock().unwrap_or_else(PoisonError::into_inner);
        let last = modes.get(&user.name).copied();
        let (other, mode) = impersonate::become_user(objects, &user, &wanted, asked, last)?;
        modes.insert(user.name, mode);
        Ok(other)
    }

    /// Answers a POST to one of the resources that store nothing; nothing for every other resource.
    pub fn answer(
        &self,
        objects: &dyn Objects,
        user: &User,
        question: Question,
        now: Timestamp,
    ) -> Option<Result<Value, Status>> {
        let Question { resource, subresource, namespace, name, body, id } = question;
        let answer = match (resource.group.as_str(), resource.plural.as_str(), subresource) {
            ("", "serviceaccounts", "token") => {
                token_request::answer(objects, &self.tokens, (namespace, name), body, id, now)
            }
            (review::GROUP, "selfsubjectaccessreviews", "") => review::access(objects, user, Kind::OfSelf, body),
            (review::GROUP, "subjectaccessreviews", "") => review::access(objects, user, Kind::OfSubject, body),
            (review::GROUP, "localsubjectaccessreviews", "") => review::access(objects, user, Kind::Local, body),
            (review::GROUP, "selfsubjectrulesreviews", "") => review::rules(objects, user, &body),
            (AUTHENTICATION, "selfsubjectreviews", "") => Ok(json!({
                "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
                "metadata": {"creationTimestamp": clock::stamp(now)}, "status": {"userInfo": user.to_value()},
            })),
            (AUTHENTICATION, "tokenreviews", "") => self.token_review(objects, body, now),
            _ => return None,
        };
        Some(answer)
    }

    fn token_review(&self, objects: &dyn Objects, mut review: Value, now: Timestamp) -> Result<Value, Status> {
        let token = review["spec"]["token"].as_str().unwrap_or_default();
        if token.is_empty() {
            return Err(Status::bad_request("token is required for TokenReview in authentication"));
        }
        let asked = review["spec"]["audiences"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut audiences: Vec<String> = asked.map(str::to_owned).collect();
        if audiences.is_empty() {
            audiences.push(ISSUER.into());
        }
        review["status"] = match self.check(objects, token, &audiences, now) {
            Ok((user, common)) => json!({"authenticated": true, "user": user.to_value(), "audiences": common}),
            Err(why) => json!({"user": {}, "error": why}),
        };
        Ok(object::order(review))
    }

    fn check(
        &self,
        objects: &dyn Objects,
        token: &str,
        audiences: &[String],
        now: Timestamp,
    ) -> Result<(User, Vec<String>), String> {
        match self.fixed.get(token) {
            Some(user) => Ok((user.clone(), audiences.to_vec())),
            None => self.tokens.check(objects, token, audiences, now),
        }
    }
}
