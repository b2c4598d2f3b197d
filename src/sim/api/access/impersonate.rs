//! Acting as somebody else, after `apiserver/pkg/endpoints/filters/impersonation` (constrained modes first, then the old one).

use std::collections::BTreeMap;

use http::HeaderMap;

use crate::sim::api::{Gvr, Status};

use super::attributes::Attributes;
use super::go_text::{go_strings, quoted};
use super::objects::Objects;
use super::rbac::authorize;
use super::user::{
    ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, User, service_account_groups, service_account_of,
};

const EXTRA: &str = "impersonate-extra-";
const GROUP: &str = "authentication.k8s.io";

/// The ways to be allowed; each has its own verbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    AssociatedNode,
    ArbitraryNode,
    ServiceAccount,
    UserInfo,
    Legacy,
}

impl Mode {
    const ALL: [Self; 5] =
        [Self::AssociatedNode, Self::ArbitraryNode, Self::ServiceAccount, Self::UserInfo, Self::Legacy];

    fn word(self) -> &'static str {
        match self {
            Self::AssociatedNode => "associated-node",
            Self::ArbitraryNode => "arbitrary-node",
            Self::ServiceAccount => "serviceaccount",
            Self::UserInfo => "user-info",
            Self::Legacy => "",
        }
    }

    /// Whether the mode is for such a user at all.
    fn fits(self, wanted: &User, requestor: &User) -> bool {
        let bare = wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty();
        let node = node_of(&wanted.name);
        match self {
            Self::AssociatedNode => {
                let own = requestor.extra.get("authentication.kubernetes.io/node-name");
                let own = own.filter(|names| names.len() == 1).map(|names| names[0].as_str());
                bare && node.is_some() && own == node && service_account_of(&requestor.name).is_some()
            }
            Self::ArbitraryNode => bare && node.is_some(),
            Self::ServiceAccount => bare && service_account_of(&wanted.name).is_some(),
            Self::UserInfo => node.is_none() && service_account_of(&wanted.name).is_none(),
            Self::Legacy => true,
        }
    }
}

fn node_of(user: &str) -> Option<&str> {
    let name = user.strip_prefix("system:node:")?;
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'.';
    (!name.is_empty() && name.bytes().all(plain)).then_some(name)
}

/// Whom the headers ask to be, if they do.
pub(super) fn wanted(headers: &HeaderMap) -> Result<Option<User>, Status> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let values = |name: &str| -> Vec<String> {
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
    };
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in headers.keys().filter(|name| name.as_str().starts_with(EXTRA)) {
        extra.entry(unescaped(&name.as_str()[EXTRA.len()..])).or_default().extend(values(name.as_str()));
    }
    let user = User {
        name: text("impersonate-user"),
        uid: text("impersonate-uid"),
        groups: values("impersonate-group"),
        extra,
    };
    if !user.name.is_empty() {
        return Ok(Some(user));
    }
    if user == User::default() {
        return Ok(None);
    }
    let map: Vec<String> =
        user.extra.iter().map(|(key, values)| format!("{}:{}", quoted(key), go_strings(values))).collect();
    let map = if map.is_empty() {
        "map[string][]string(nil)".to_owned()
    } else {
        format!("map[string][]string{{{}}}", map.join(", "))
    };
    let info = format!(
        "&user.DefaultInfo{{Name:\"\", UID:{}, Groups:{}, Extra:{map}}}",
        quoted(&user.uid),
        go_strings(&user.groups)
    );
    Err(Status::bad_request(format!("requested {info} without impersonating a user name")))
}

/// `%2F` and the like in the key of an extra header; malformed ones stay as they are.
fn unescaped(key: &str) -> String {
    let mut out = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'%' {
            out.push(first);
            rest = after;
            continue;
        }
        let decoded = after.get(..2).and_then(|two| hex::decode(two).ok());
        let Some(decoded) = decoded else { return key.to_owned() };
        out.extend(decoded);
        rest = &after[2..];
    }
    String::from_utf8(out).unwrap_or_else(|_| key.to_owned())
}

/// The user to go on as and the mode that allowed it. `last` is the mode that worked for the requestor before: it is tried
/// first, so that its refusal is the one that is told.
pub(super) fn become_user(
    objects: &dyn Objects,
    requestor: &User,
    wanted: &User,
    asked: &Attributes,
    last: Option<Mode>,
) -> Result<(User, Mode), Status> {
    let mut first = None;
    let order = last.into_iter().chain(Mode::ALL.into_iter().filter(|mode| Some(*mode) != last));
    for mode in order.filter(|mode| mode.fits(wanted, requestor)) {
        match try_mode(objects, requestor, wanted, asked, mode) {
            Ok(user) => return Ok((user, mode)),
            Err(status) => first = first.or(Some(status)),
        }
    }
    Err(first.unwrap_or_else(|| Status::internal("all impersonation modes failed")))
}

fn try_mode(
    objects: &dyn Objects,
    requestor: &User,
    wanted: &User,
    asked: &Attributes,
    mode: Mode,
) -> Result<User, Status> {
    let constrained = mode != Mode::Legacy;
    if constrained {
        let verb = format!("impersonate-on:{}:{}", mode.word(), asked.verb);
        authorize(objects, requestor, &Attributes { verb, ..asked.clone() })?;
    }
    let verb = if constrained { format!("impersonate:{}", mode.word()) } else { "impersonate".into() };
    let base = if constrained { GROUP } else { "" };
    let may = |group: &str, plural: &str, sub: &str, namespace: &str, name: &str| {
        let asked = Attributes::of(&verb, &Gvr::new(group, "v1", plural), sub, namespace, name);
        authorize(objects, requestor, &asked)
    };
    let mut user = wanted.clone();
    if let Some((namespace, name)) = service_account_of(&wanted.name) {
        may(base, "serviceaccounts", "", namespace, name)?;
        if wanted.groups.is_empty() {
            user.groups = service_account_groups(namespace);
        }
    } else if let Some(node) = node_of(&wanted.name).filter(|_| constrained) {
        let node = if mode == Mode::AssociatedNode { "*" } else { node };
        may(base, "nodes", "", "", node)?;
        user.groups = vec!["system:nodes".into()];
    } else {
        may(base, "users", "", "", &wanted.name)?;
    }
    if !wanted.uid.is_empty() {
        may(GROUP, "uids", "", "", &wanted.uid)?;
    }
    if constrained && wanted.groups.iter().any(|group| group == MASTERS) {
        let asked = Attributes::of(&verb, &Gvr::new(base, "v1", "groups"), "", "", MASTERS);
        return Err(asked.forbidden(requestor, "impersonating the system:masters group is not allowed"));
    }
    let all_groups = constrained && wanted.groups.len() >= 4 && may(base, "groups", "", "", "*").is_ok();
    if !all_groups {
        wanted.groups.iter().try_for_each(|group| may(base, "groups", "", "", group))?;
    }
    for (key, values) in &wanted.extra {
        values.iter().try_for_each(|value| may(GROUP, "userextras", key, "", value))?;
    }
    let group = if user.name == ANONYMOUS { UNAUTHENTICATED } else { AUTHENTICATED };
    if !user.is_in(group) && !user.is_in(UNAUTHENTICATED) {
        user.groups.push(group.into());
    }
    Ok(user)
}
