//! Every text here was seen on a true server (1.36).

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::escalation::{Write, check_write};
use super::server::Question;
use super::*;
use crate::sim::api::{Gvr, Status, object};

const RBAC: &str = "rbac.authorization.k8s.io";
const BOB: &str = "system:serviceaccount:acc:bob";

/// Objects in a map, for these tests.
#[derive(Default)]
struct Shelf(BTreeMap<(String, String, String), Arc<Value>>);

impl Shelf {
    fn fresh() -> Self {
        let mut shelf = Self::default();
        bootstrap::objects().unwrap().into_iter().for_each(|object| shelf.put(object));
        let account = json!({"kind": "ServiceAccount", "metadata": {"name": "bob", "namespace": "acc", "uid": "u-1"}});
        shelf.put(account);
        shelf
    }

    fn put(&mut self, object: Value) {
        let plural = format!("{}s", object["kind"].as_str().unwrap().to_lowercase());
        let key = (plural, object::namespace(&object).to_owned(), object::name(&object).to_owned());
        self.0.insert(key, Arc::new(object));
    }

    /// A cluster role with one rule, bound to bob.
    fn give(&mut self, name: &str, rule: &Value) {
        self.put(json!({"kind": "ClusterRole", "metadata": {"name": name}, "rules": [rule]}));
        self.put(json!({"kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": "bob", "namespace": "acc"}]}));
    }
}

impl Objects for Shelf {
    fn find(&self, _: &str, plural: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.0.get(&(plural.to_owned(), namespace.to_owned(), name.to_owned())).cloned()
    }

    fn list(&self, _: &str, plural: &str, namespace: &str) -> Vec<Arc<Value>> {
        let fits = |(p, n, _): &(String, String, String)| p == plural && (namespace.is_empty() || n == namespace);
        self.0.iter().filter(|(key, _)| fits(key)).map(|(_, object)| object.clone()).collect()
    }
}

fn bob() -> User {
    User::service_account("acc", "bob", "u-1")
}

fn now() -> Timestamp {
    "2026-11-24T19:00:39Z".parse().unwrap()
}

fn core(plural: &str) -> Gvr {
    Gvr::new("", "v1", plural)
}

fn refusal(shelf: &Shelf, asked: &Attributes) -> Value {
    authorize(shelf, &bob(), asked).unwrap_err().to_value()
}

fn ask(shelf: &Shelf, user: &User, group: &str, plural: &str, body: Value) -> Result<Value, Status> {
    let (gvr, access) = (Gvr::new(group, "v1", plural), Access::new("key"));
    let namespace = if plural == "localsubjectaccessreviews" { "acc" } else { "" };
    let question = Question { resource: &gvr, subresource: "", namespace, name: "", body, id: "id".into() };
    access.answer(shelf, user, question, now()).unwrap()
}

fn token(shelf: &Shelf, access: &Access, spec: &Value) -> Result<Value, Status> {
    let question = Question {
        resource: &core("serviceaccounts"),
        subresource: "token",
        namespace: "acc",
        name: "bob",
        body: json!({"spec": spec}),
        id: "jti-1".into(),
    };
    access.answer(shelf, &User::admin(), question, now()).unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

#[test]
fn a_refusal_reads_as_on_the_true_server() {
    let shelf = Shelf::fresh();
    assert_eq!(
        refusal(&shelf, &Attributes::of("get", &core("pods"), "log", "acc", "x")),
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "pods \"x\" is forbidden: User \"system:serviceaccount:acc:bob\" cannot get resource \"pods/log\" in API group \"\" in the namespace \"acc\"",
            "reason": "Forbidden", "details": {"name": "x", "kind": "pods"}, "code": 403})
    );
    let message = |asked: &Attributes| refusal(&shelf, asked)["message"].as_str().unwrap().to_owned();
    assert_eq!(
        message(&Attributes::of("list", &Gvr::new("apps", "v1", "deployments"), "", "", "")),
        "deployments.apps is forbidden: User \"system:serviceaccount:acc:bob\" cannot list resource \"deployments\" in API group \"apps\" at the cluster scope"
    );
    assert_eq!(
        message(&Attributes::of("patch", &core("namespaces"), "", "", "acc")),
        "namespaces \"acc\" is forbidden: User \"system:serviceaccount:acc:bob\" cannot patch resource \"namespaces\" in API group \"\" in the namespace \"acc\""
    );
    let path = refusal(&shelf, &Attributes::of_path("get", "/metrics"));
    assert_eq!(path["message"], "forbidden: User \"system:serviceaccount:acc:bob\" cannot get path \"/metrics\"");
    assert_eq!(path["details"], json!({}));
}

#[test]
fn a_fresh_cluster_lets_everybody_discover_and_masters_do_all() {
    let shelf = Shelf::fresh();
    let anonymous = User::anonymous();
    assert!(decide(&shelf, &bob(), &Attributes::of_path("get", "/apis/apps/v1")).allowed);
    assert!(decide(&shelf, &anonymous, &Attributes::of_path("get", "/version")).allowed);
    assert!(!decide(&shelf, &anonymous, &Attributes::of_path("get", "/api")).allowed);
    assert!(decide(&shelf, &User::admin(), &Attributes::of("delete", &core("nodes"), "", "", "n")).allowed);
    let controller = User::named("system:serviceaccount:kube-system:deployment-controller");
    let sets = Gvr::new("apps", "v1", "replicasets");
    assert!(decide(&shelf, &controller, &Attributes::of("create", &sets, "", "acc", "")).allowed);
    assert!(!decide(&shelf, &controller, &Attributes::of("get", &core("secrets"), "", "acc", "s")).allowed);
}

#[test]
fn names_subresources_and_stars_count() {
    let mut shelf = Shelf::fresh();
    shelf.give(
        "named",
        &json!({"apiGroups": [""], "resources": ["pods", "*/scale"], "resourceNames": ["z"], "verbs": ["get"]}),
    );
    let may = |plural: &str, sub: &str, name: &str| {
        decide(&shelf, &bob(), &Attributes::of("get", &core(plural), sub, "acc", name)).allowed
    };
    assert!(may("pods", "", "z") && may("anything", "scale", "z"));
    assert!(!may("pods", "", "") && !may("pods", "", "y") && !may("pods", "log", "z") && !may("anything", "", "z"));
}

#[test]
fn reviews_say_why() {
    let mut shelf = Shelf::fresh();
    shelf.give("imp", &json!({"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]}));
    let review = |attributes: Value| {
        let body = json!({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": attributes});
        ask(&shelf, &bob(), "authorization.k8s.io", "selfsubjectaccessreviews", body)
    };
    assert_eq!(
        review(json!({"resourceAttributes": {"verb": "impersonate", "resource": "users"}})).unwrap()["status"],
        json!({"allowed": true, "reason": "RBAC: allowed by ClusterRoleBinding \"imp\" of ClusterRole \"imp\" to ServiceAccount \"bob/acc\""})
    );
    assert_eq!(
        review(json!({"nonResourceAttributes": {"verb": "get", "path": "/version"}})).unwrap()["status"]["reason"],
        "RBAC: allowed by ClusterRoleBinding \"system:discovery\" of ClusterRole \"system:discovery\" to Group \"system:authenticated\""
    );
    assert_eq!(
        review(json!({"resourceAttributes": {"verb": "get", "resource": "pods"}})).unwrap()["status"],
        json!({"allowed": false})
    );
    assert_eq!(
        review(json!({})).unwrap_err().message(),
        ".authorization.k8s.io \"\" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified"
    );
    assert_eq!(
        review(json!({"nonResourceAttributes": {"verb": "get", "path": "/metrics"}, "resourceAttributes": {}}))
            .unwrap_err()
            .message(),
        ".authorization.k8s.io \"\" is invalid: spec.nonResourceAttributes: Invalid value: {\"Path\":\"/metrics\",\"Verb\":\"get\"}: cannot be specified in combination with resourceAttributes"
    );
}

#[test]
fn reviews_of_others_and_of_a_namespace() {
    let mut shelf = Shelf::fresh();
    shelf.put(json!({"kind": "Role", "metadata": {"name": "r1", "namespace": "acc"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "resourceNames": ["z"], "verbs": ["get"]}]}));
    shelf.put(json!({"kind": "RoleBinding", "metadata": {"name": "r1", "namespace": "acc"},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "r1"}, "subjects": [{"kind": "ServiceAccount", "name": "bob"}]}));
    let subject = |spec: Value| {
        ask(&shelf, &User::admin(), "authorization.k8s.io", "subjectaccessreviews", json!({"spec": spec}))
    };
    let pod = json!({"verb": "get", "resource": "pods", "namespace": "acc", "name": "z"});
    assert_eq!(
        subject(json!({"user": BOB, "resourceAttributes": pod})).unwrap()["status"]["reason"],
        "RBAC: allowed by RoleBinding \"r1/acc\" of Role \"r1\" to ServiceAccount \"bob/acc\""
    );
    assert_eq!(
        subject(json!({"resourceAttributes": pod})).unwrap_err().message(),
        ".authorization.k8s.io \"\" is invalid: spec.user: Invalid value: \"\": at least one of user or group must be specified"
    );
    let local = json!({"metadata": {"namespace": "acc"}, "spec": {"user": "x", "resourceAttributes": {"verb": "get", "namespace": "other"}}});
    assert_eq!(
        ask(&shelf, &User::admin(), "authorization.k8s.io", "localsubjectaccessreviews", local).unwrap_err().message(),
        ".authorization.k8s.io \"\" is invalid: spec.resourceAttributes.namespace: Invalid value: \"other\": must match metadata.namespace"
    );
    let rules =
        ask(&shelf, &bob(), "authorization.k8s.io", "selfsubjectrulesreviews", json!({"spec": {"namespace": "acc"}}))
            .unwrap();
    let told = rules["status"]["resourceRules"].as_array().unwrap();
    assert!(
        told.contains(&json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["z"]}))
    );
    assert_eq!((told.len(), &rules["status"]["incomplete"]), (3, &json!(false)));
}

#[test]
fn a_binding_without_its_role_is_told() {
    let mut shelf = Shelf::fresh();
    let subjects = json!([{"kind": "ServiceAccount", "name": "bob", "namespace": "acc"}]);
    shelf.put(json!({"kind": "ClusterRoleBinding", "metadata": {"name": "gone"}, "subjects": subjects, "roleRef": {"kind": "ClusterRole", "name": "gone"}}));
    shelf.put(json!({"kind": "RoleBinding", "metadata": {"name": "gone2", "namespace": "acc"}, "subjects": subjects, "roleRef": {"kind": "Role", "name": "gone2"}}));
    assert_eq!(
        decide(&shelf, &bob(), &Attributes::of("get", &core("secrets"), "", "acc", "")).reason,
        "RBAC: [clusterrole.rbac.authorization.k8s.io \"gone\" not found, role.rbac.authorization.k8s.io \"gone2\" not found]"
    );
    let message = authorize(&shelf, &bob(), &Attributes::of("list", &core("secrets"), "", "", "")).unwrap_err();
    assert!(
        message
            .message()
            .ends_with("at the cluster scope: RBAC: clusterrole.rbac.authorization.k8s.io \"gone\" not found")
    );
}

#[test]
fn nobody_gives_what_they_do_not_hold() {
    let mut shelf = Shelf::fresh();
    shelf.give("pods", &json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}));
    let write = |user: &User, plural: &str, namespace: &str, new: Value| {
        let resource = Gvr::new(RBAC, "v1", plural);
        check_write(&shelf, user, &Write { resource: &resource, namespace, name: "", new: &new, old: None })
    };
    let role = |rules: Value| json!({"metadata": {"name": "e1"}, "rules": rules});
    assert_eq!(
        write(
            &bob(),
            "roles",
            "acc",
            role(json!([{"apiGroups": [""], "resources": ["pods"], "resourceNames": ["z"], "verbs": ["get"]}]))
        ),
        Ok(())
    );
    let wide = role(
        json!([{"apiGroups": ["", "apps"], "resources": ["secrets"], "resourceNames": ["a", "b"], "verbs": ["get", "list"]}, {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]),
    );
    assert_eq!(write(&User::admin(), "roles", "acc", wide.clone()), Ok(()));
    let refused = write(&bob(), "roles", "acc", wide).unwrap_err();
    assert_eq!(
        refused.message(),
        "roles.rbac.authorization.k8s.io \"e1\" is forbidden: user \"system:serviceaccount:acc:bob\" (groups=[\"system:serviceaccounts\" \"system:serviceaccounts:acc\" \"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n\
         {APIGroups:[\"\"], Resources:[\"secrets\"], ResourceNames:[\"a\"], Verbs:[\"get\" \"list\"]}\n\
         {APIGroups:[\"\"], Resources:[\"secrets\"], ResourceNames:[\"b\"], Verbs:[\"get\" \"list\"]}\n\
         {APIGroups:[\"apps\"], Resources:[\"secrets\"], ResourceNames:[\"a\"], Verbs:[\"get\" \"list\"]}\n\
         {APIGroups:[\"apps\"], Resources:[\"secrets\"], ResourceNames:[\"b\"], Verbs:[\"get\" \"list\"]}\n\
         {NonResourceURLs:[\"/metrics\"], Verbs:[\"get\"]}"
    );
    let gathers =
        json!({"metadata": {"name": "e4"}, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}});
    assert_eq!(
        write(&bob(), "clusterroles", "", gathers).unwrap_err().message(),
        "clusterroles.rbac.authorization.k8s.io \"e4\" is forbidden: must have cluster-admin privileges to use the aggregationRule"
    );
    let binding = |kind: &str, name: &str| json!({"metadata": {"name": "e5"}, "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name}, "subjects": []});
    assert!(write(&bob(), "clusterrolebindings", "", binding("ClusterRole", "cluster-admin")).unwrap_err().message().ends_with(
        "not currently held:\n{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"*\"]}\n{NonResourceURLs:[\"*\"], Verbs:[\"*\"]}"
    ));
    let gone = write(&bob(), "rolebindings", "acc", binding("Role", "gone")).unwrap_err();
    assert_eq!((gone.code(), gone.message()), (404, "rolebindings.rbac.authorization.k8s.io \"gone\" not found"));
    assert_eq!(write(&bob(), "rolebindings", "acc", binding("ClusterRole", "pods")), Ok(()));
}

#[test]
fn whoever_may_bind_or_escalate_gives_more() {
    let mut shelf = Shelf::fresh();
    shelf.give("mighty", &json!({"apiGroups": [RBAC], "resources": ["clusterroles"], "verbs": ["bind", "escalate"]}));
    for (plural, new) in [
        (
            "clusterrolebindings",
            json!({"metadata": {"name": "b"}, "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"}}),
        ),
        (
            "clusterroles",
            json!({"metadata": {"name": "r"}, "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}),
        ),
    ] {
        let resource = Gvr::new(RBAC, "v1", plural);
        let write = Write { resource: &resource, namespace: "", name: "", new: &new, old: None };
        assert_eq!(check_write(&shelf, &bob(), &write), Ok(()), "{plural}");
    }
}

#[test]
fn an_aggregated_role_gathers_by_labels() {
    let role = json!({"metadata": {"name": "agg"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}});
    let part = |name: &str, label: &str| {
        Arc::new(
            json!({"metadata": {"name": name, "labels": {"a": label}}, "rules": [{"apiGroups": [""], "resources": [name], "verbs": ["get"]}]}),
        )
    };
    let wanted = aggregated(&role, &[part("secrets", "b"), part("nodes", "c"), Arc::new(role.clone())]).unwrap();
    assert_eq!(wanted, json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]));
    let all: Vec<Arc<Value>> = bootstrap::objects().unwrap().into_iter().map(Arc::new).collect();
    for role in all.iter().filter(|role| role["kind"] == "ClusterRole") {
        assert_eq!(aggregated(role, &all), None, "{} is as its parts say", object::name(role));
    }
}

#[test]
fn a_token_is_good_until_it_ends_or_its_account_does() {
    let (mut shelf, access) = (Shelf::fresh(), Access::new("key"));
    let answer = token(&shelf, &access, &json!({})).unwrap();
    assert_eq!(
        (&answer["status"]["expirationTimestamp"], &answer["spec"]["audiences"]),
        (&json!("2026-11-24T20:00:39Z"), &json!(["https://kubernetes.default.svc"]))
    );
    let bearer = format!("Bearer {}", answer["status"]["token"].as_str().unwrap());
    let who = |shelf: &Shelf, bearer: &str, at: &str| {
        access.authenticate(shelf, &headers(&[("authorization", bearer)]), &User::anonymous(), at.parse().unwrap())
    };
    let user = who(&shelf, &bearer, "2026-11-24T19:59:00Z").unwrap();
    assert_eq!((user.name.as_str(), user.uid.as_str()), (BOB, "u-1"));
    assert_eq!(user.extra["authentication.kubernetes.io/credential-id"], ["JTI=jti-1"]);
    assert_eq!(
        who(&shelf, &bearer, "2026-11-24T20:02:00Z").unwrap_err().to_value(),
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "Unauthorized", "reason": "Unauthorized", "code": 401})
    );
    assert_eq!(who(&shelf, "Bearer abc", "2026-11-24T19:59:00Z").unwrap_err().code(), 401);
    assert_eq!(who(&shelf, "Basic abc", "2026-11-24T19:59:00Z").unwrap(), User::anonymous());
    assert_eq!(who(&shelf, &bearer.replace("Bearer ey", "Bearer eY"), "2026-11-24T19:59:00Z").unwrap_err().code(), 401);
    let again = json!({"kind": "ServiceAccount", "metadata": {"name": "bob", "namespace": "acc", "uid": "u-2"}});
    shelf.put(again);
    assert_eq!(who(&shelf, &bearer, "2026-11-24T19:59:00Z").unwrap_err().code(), 401);
}

#[test]
fn token_requests_and_reviews_in_the_true_words() {
    let (shelf, access) = (Shelf::fresh(), Access::new("key"));
    let why = |spec: Value| token(&shelf, &access, &spec).unwrap_err().message().to_owned();
    assert_eq!(
        why(json!({"expirationSeconds": 60})),
        "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes"
    );
    assert_eq!(
        why(json!({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}})),
        "pods \"p\" not found"
    );
    assert_eq!(
        why(json!({"boundObjectRef": {"kind": "Deployment", "apiVersion": "apps/v1", "name": "p"}})),
        "cannot bind token to object of type apps/v1, Kind=Deployment"
    );
    let review =
        |spec: Value| ask(&shelf, &User::admin(), "authentication.k8s.io", "tokenreviews", json!({"spec": spec}));
    assert_eq!(
        review(json!({"token": "abc"})).unwrap()["status"],
        json!({"user": {}, "error": "invalid bearer token"})
    );
    assert_eq!(
        review(json!({"token": ""})).unwrap_err().message(),
        "token is required for TokenReview in authentication"
    );
    let issued = token(&shelf, &access, &json!({})).unwrap()["status"]["token"].clone();
    assert_eq!(review(json!({"token": issued})).unwrap()["status"]["user"]["username"], BOB);
    assert_eq!(
        review(json!({"token": issued, "audiences": ["other"]})).unwrap()["status"]["error"],
        "[invalid bearer token, token audiences [\"https://kubernetes.default.svc\"] is invalid for the target audiences [\"other\"]]"
    );
}

#[test]
fn acting_as_somebody_needs_the_right_to() {
    let mut shelf = Shelf::fresh();
    let access = Access::new("key");
    let pods = Attributes::of("list", &core("pods"), "", "", "");
    let act = |shelf: &Shelf, user: User, pairs: &[(&'static str, &str)]| {
        access.impersonate(shelf, user, &headers(pairs), &pods)
    };
    let why =
        |shelf: &Shelf, pairs: &[(&'static str, &str)]| act(shelf, bob(), pairs).unwrap_err().message().to_owned();
    assert_eq!(act(&shelf, bob(), &[]).unwrap(), bob());
    assert_eq!(
        why(&shelf, &[("impersonate-user", "jane")]),
        "pods is forbidden: User \"system:serviceaccount:acc:bob\" cannot impersonate-on:user-info:list resource \"pods\" in API group \"\" at the cluster scope"
    );
    assert_eq!(
        why(&shelf, &[("impersonate-group", "devs")]),
        "requested &user.DefaultInfo{Name:\"\", UID:\"\", Groups:[]string{\"devs\"}, Extra:map[string][]string(nil)} without impersonating a user name"
    );
    shelf.give("imp", &json!({"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]}));
    assert_eq!(act(&shelf, bob(), &[("impersonate-user", "jane")]).unwrap(), User::named("jane"));
    assert_eq!(
        why(&shelf, &[("impersonate-user", "jane"), ("impersonate-group", "devs")]),
        "groups \"devs\" is forbidden: User \"system:serviceaccount:acc:bob\" cannot impersonate resource \"groups\" in API group \"\" at the cluster scope"
    );
    assert_eq!(
        why(&shelf, &[("impersonate-user", "jane"), ("impersonate-extra-foo", "5")]),
        "userextras.authentication.k8s.io \"5\" is forbidden: User \"system:serviceaccount:acc:bob\" cannot impersonate resource \"userextras/foo\" in API group \"authentication.k8s.io\" at the cluster scope"
    );
    let full = act(
        &shelf,
        User::admin(),
        &[
            ("impersonate-user", "jane"),
            ("impersonate-group", "devs"),
            ("impersonate-uid", "77"),
            ("impersonate-extra-scopes.x", "a"),
        ],
    )
    .unwrap();
    assert_eq!(
        full.to_value(),
        json!({"username": "jane", "uid": "77", "groups": ["devs", "system:authenticated"], "extra": {"scopes.x": ["a"]}})
    );
    let account = act(&shelf, User::admin(), &[("impersonate-user", BOB)]).unwrap();
    assert_eq!(account.groups, ["system:serviceaccounts", "system:serviceaccounts:acc", "system:authenticated"]);
}
