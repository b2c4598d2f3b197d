//! Tokens of service accounts: issued, read and checked, after `pkg/serviceaccount`.
//!
//! They are JSON web tokens with the claims of a true cluster, signed with HMAC instead of a key pair.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::api::object;

use super::go_text::quoted_list;
use super::hmac::hmac;
use super::objects::Objects;
use super::user::User;

/// Issuer, and the audience of the API server.
pub(super) const ISSUER: &str = "https://kubernetes.default.svc";
/// What a true server says of a token that nobody of its authenticators knows.
pub(super) const UNKNOWN: &str = "invalid bearer token";

/// Signs and checks tokens with one key.
#[derive(Clone)]
pub struct Tokens {
    key: Vec<u8>,
}

/// To whom a token is given, and for how long.
pub(super) struct Claim<'a> {
    pub(super) account: &'a Value,
    pub(super) audiences: Vec<String>,
    pub(super) seconds: i64,
    /// `pod`, `secret` or `node`, and the object.
    pub(super) bound: Option<(&'static str, &'a Value)>,
    /// The node of a bound pod.
    pub(super) node: Option<Value>,
    pub(super) id: String,
}

impl Tokens {
    /// With the key of a cluster: the tokens of another key are unknown.
    pub fn new(key: impl Into<Vec<u8>>) -> Self {
        Self { key: key.into() }
    }

    /// A signed token.
    pub(super) fn issue(&self, claim: &Claim, now: Timestamp) -> String {
        let reference = |object: &Value| json!({"name": object::name(object), "uid": object::uid(object)});
        let namespace = object::namespace(claim.account);
        let mut own = json!({"namespace": namespace, "serviceaccount": reference(claim.account)});
        if let Some((kind, object)) = claim.bound {
            own[kind] = reference(object);
        }
        if let Some(node) = &claim.node {
            own["node"] = node.clone();
        }
        let now = now.as_second();
        let claims = json!({
            "aud": claim.audiences, "exp": now + claim.seconds, "iat": now, "iss": ISSUER, "jti": claim.id,
            "kubernetes.io": own, "nbf": now,
            "sub": format!("system:serviceaccount:{namespace}:{}", object::name(claim.account)),
        });
        let part = |value: &Value| BASE64.encode(value.to_string());
        let head = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(&claims));
        let signature = BASE64.encode(hmac(&self.key, head.as_bytes()));
        format!("{head}.{signature}")
    }

    /// Who a token is of, and which of the wanted audiences it is for; or the true server's words.
    pub(super) fn check(
        &self,
        objects: &dyn Objects,
        token: &str,
        wanted: &[String],
        now: Timestamp,
    ) -> Result<(User, Vec<String>), String> {
        let claims = self.claims(token).ok_or_else(|| UNKNOWN.to_owned())?;
        let fault = |why: String| format!("[{UNKNOWN}, {why}]");
        let audiences: Vec<String> =
            claims["aud"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let common: Vec<String> = audiences.iter().filter(|a| wanted.contains(a)).cloned().collect();
        if common.is_empty() {
            let (own, wanted) = (quoted_list(&audiences), quoted_list(wanted));
            return Err(fault(format!("token audiences {own} is invalid for the target audiences {wanted}")));
        }
        let time = |field: &str| claims[field].as_i64().unwrap_or_default();
        let leeway = 60;
        if now.as_second() > time("exp") + leeway {
            return Err(fault("service account token has expired".into()));
        }
        if now.as_second() < time("nbf") - leeway {
            return Err(fault("service account token is not valid yet".into()));
        }
        let user =
            holder(objects, &claims["kubernetes.io"], claims["jti"].as_str().unwrap_or_default()).map_err(fault)?;
        Ok((user, common))
    }

    fn claims(&self, token: &str) -> Option<Value> {
        let (head, signature) = token.rsplit_once('.')?;
        let signature = BASE64.decode(signature).ok()?;
        let right = hmac(&self.key, head.as_bytes());
        let differs = signature.iter().zip(right).fold(0, |all, (a, b)| all | (a ^ b));
        if signature.len() != right.len() || differs != 0 {
            return None;
        }
        serde_json::from_slice(&BASE64.decode(head.split_once('.')?.1).ok()?).ok()
    }
}

/// The user of claims, if the account and what the token is bound to are still there.
fn holder(objects: &dyn Objects, own: &Value, id: &str) -> Result<User, String> {
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let namespace = text(own, "namespace");
    let (name, uid) = (text(&own["serviceaccount"], "name"), text(&own["serviceaccount"], "uid"));
    let account = objects.find("", "serviceaccounts", &namespace, &name);
    let account = account.ok_or_else(|| format!("serviceaccounts \"{name}\" not found"))?;
    if object::uid(&account) != uid {
        return Err(format!("service account UID ({}) does not match claim ({uid})", object::uid(&account)));
    }
    let mut user = User::service_account(&namespace, &name, &uid);
    user.extra.insert("authentication.kubernetes.io/credential-id".into(), vec![format!("JTI={id}")]);
    for (kind, plural, place) in
        [("secret", "secrets", namespace.as_str()), ("pod", "pods", namespace.as_str()), ("node", "nodes", "")]
    {
        if own[kind].is_null() {
            continue;
        }
        let (name, uid) = (text(&own[kind], "name"), text(&own[kind], "uid"));
        let beside_pod = kind == "node" && !own["pod"].is_null();
        if !beside_pod {
            let bound = objects.find("", plural, place, &name);
            let bound = bound.ok_or_else(|| "service account token has been invalidated".to_owned())?;
            if object::uid(&bound) != uid {
                return Err("service account token has been invalidated".into());
            }
        }
        if kind != "secret" {
            user.extra.insert(format!("authentication.kubernetes.io/{kind}-name"), vec![name]);
            user.extra.insert(format!("authentication.kubernetes.io/{kind}-uid"), vec![uid]);
        }
    }
    Ok(user)
}
