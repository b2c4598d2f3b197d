//! Who asks.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The group whose members may do everything, whatever the roles say.
pub const MASTERS: &str = "system:masters";
/// The group of everybody who is known.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group of everybody else.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// Who sends no credentials where some are needed.
pub const ANONYMOUS: &str = "system:anonymous";

/// A user as the API server knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// `jane`, `system:serviceaccount:NAMESPACE:NAME`.
    pub name: String,
    /// Of a service account its uid; empty for most others.
    pub uid: String,
    /// Every group, `system:authenticated` included.
    pub groups: Vec<String>,
    /// What the authenticator adds.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// The administrator: in `system:masters`.
    pub fn admin() -> Self {
        Self { groups: vec![MASTERS.into(), AUTHENTICATED.into()], ..Self::plain("admin") }
    }

    /// Who sends no credentials.
    pub fn anonymous() -> Self {
        Self { groups: vec![UNAUTHENTICATED.into()], ..Self::plain(ANONYMOUS) }
    }

    /// A service account with its fixed groups.
    pub fn service_account(namespace: &str, name: &str, uid: &str) -> Self {
        let mut groups = service_account_groups(namespace);
        groups.push(AUTHENTICATED.into());
        Self { uid: uid.into(), groups, ..Self::plain(&format!("system:serviceaccount:{namespace}:{name}")) }
    }

    /// A user known by name alone: a service account gets its groups, everybody else `system:authenticated`.
    pub fn named(name: &str) -> Self {
        match service_account_of(name) {
            Some((namespace, account)) => Self::service_account(namespace, account, ""),
            None if name == ANONYMOUS => Self::anonymous(),
            None => Self { groups: vec![AUTHENTICATED.into()], ..Self::plain(name) },
        }
    }

    fn plain(name: &str) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Whether a group is theirs.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|g| g == group)
    }

    /// As `UserInfo` of a review; what is empty is left out.
    pub fn to_value(&self) -> Value {
        let mut info = Map::new();
        info.insert("username".into(), json!(self.name));
        if !self.uid.is_empty() {
            info.insert("uid".into(), json!(self.uid));
        }
        if !self.groups.is_empty() {
            info.insert("groups".into(), json!(self.groups));
        }
        if !self.extra.is_empty() {
            info.insert("extra".into(), json!(self.extra));
        }
        Value::Object(info)
    }
}

/// `system:serviceaccounts` and the one of the namespace.
pub(super) fn service_account_groups(namespace: &str) -> Vec<String> {
    vec!["system:serviceaccounts".into(), format!("system:serviceaccounts:{namespace}")]
}

/// Namespace and name of a service account's user name.
pub fn service_account_of(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    let plain = |part: &str| {
        let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = part.bytes().all(|c| inner(c) || c == b'-' || c == b'.');
        fits && part.bytes().next().is_some_and(inner) && part.bytes().last().is_some_and(inner)
    };
    (plain(namespace) && !namespace.contains('.') && plain(name)).then_some((namespace, name))
}
