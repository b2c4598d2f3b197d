//! Access reviews: what we may do.

use http::Method;
use serde_json::{Value, json};

use crate::error::Result;

use super::ask::Ask;
use super::connect::Cluster;
use super::kind::Which;
use super::transport::{Call, JSON};

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// What the server said to "may I?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The server's reason; often empty.
    pub reason: String,
}

impl Cluster {
    /// Whether we may do `verb` on a resource (plural); `namespace` of `None` means in all of them.
    pub async fn can_i(
        &self,
        verb: &str,
        group: &str,
        resource: &str,
        namespace: Option<&str>,
        name: Option<&str>,
        subresource: Option<&str>,
    ) -> Result<Access> {
        let mut wanted = json!({"verb": verb, "group": group, "resource": resource});
        for (key, value) in [("namespace", namespace), ("name", name), ("subresource", subresource)] {
            if let Some(value) = value {
                wanted[key] = value.into();
            }
        }
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": wanted},
        });
        let call = Call::send(Method::POST, REVIEWS, JSON, &review);
        let ask = Ask { verb: "create", path: Some(REVIEWS.into()), ..Ask::default() };
        let key = format!("{REVIEWS} {}", review["spec"]);
        let answer: Value = self.read(key, async { Ok(self.inner.transport.json(&ask, &call).await?) }).await?;
        let status = &answer["status"];
        Ok(Access {
            allowed: status["allowed"] == true,
            reason: status["reason"]
                .as_str()
                .or_else(|| status["evaluationError"].as_str())
                .unwrap_or_default()
                .to_owned(),
        })
    }

    /// Whether we may do `verb` on objects of a kind, by any name.
    pub async fn can_i_kind(&self, verb: &str, kind: impl Into<Which<'_>>, namespace: Option<&str>) -> Result<Access> {
        let kind = self.resolve(kind.into()).await?;
        self.can_i(verb, &kind.group, &kind.plural, namespace.filter(|_| kind.namespaced), None, None).await
    }
}
