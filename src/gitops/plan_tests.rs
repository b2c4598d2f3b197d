//! Plans over the rig's reference repository and variations of it.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::check::Verdict;
use crate::gitops::{AppOptions, ConfigOptions, Layout, SourceOptions};
use crate::settings::Settings;

const DATABASE: &str = "\
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: web-db
  annotations:
    kustomize.toolkit.fluxcd.io/prune: disabled
spec:
  instances: 1
  storage: {size: 10Gi}
  resources:
    requests: {cpu: 100m, memory: 1Gi}
    limits: {memory: 1Gi}
";
const DEPLOYMENT: &str = "\
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: example.org/web:1
          resources:
            requests: {cpu: 100m, memory: 1Gi}
            limits: {memory: 1Gi}
      volumes:
        - name: config
          configMap: {name: web-config}
";
const USER: &str = "\
---
apiVersion: ceph.rook.io/v1
kind: CephObjectStoreUser
metadata:
  name: web
  annotations:
    kustomize.toolkit.fluxcd.io/prune: disabled
spec: {store: storage}
";

struct Given {
    repo: Disk,
    edits: BTreeMap<String, Option<Vec<u8>>>,
    deliverables: Deliverables,
}

/// The reference repository and an objective with two apps: one in `storage`, one in the platform's own namespace.
fn given() -> Given {
    let layout = Layout::new(&Settings::default()).unwrap();
    let mut deliverables = Deliverables::new(layout);
    let user = AppOptions {
        namespace: Some("storage".into()),
        depends_on: vec!["rook-ceph-cluster".into()],
        health: vec!["CephObjectStoreUser.ceph.rook.io/web".into()],
        ..AppOptions::default()
    };
    let user = deliverables.add_app("web-user", user).unwrap();
    deliverables.app(user).unwrap().add_resource("user.yaml", USER).unwrap();
    let web = AppOptions {
        depends_on: vec!["cloudnative-pg".into(), "web-user".into()],
        health: vec!["Cluster.postgresql.cnpg.io/web-db".into(), "Deployment/web".into()],
        ..AppOptions::default()
    };
    let web = deliverables.add_app("web", web).unwrap();
    let app = deliverables.app(web).unwrap();
    app.add_resource("database.yaml", DATABASE).unwrap();
    app.add_resource("deployment.yaml", DEPLOYMENT).unwrap();
    app.add_config("site.xml", "<x>1</x>\n", ConfigOptions::default()).unwrap();
    let repo = Path::new(env!("CARGO_MANIFEST_DIR")).join("rig/reference/repo");
    Given { repo: Disk::new(&repo).unwrap(), edits: BTreeMap::new(), deliverables }
}

impl Given {
    fn edit(mut self, path: &str, edit: impl Fn(String) -> String) -> Self {
        let text = Overlay::new(&self.repo, self.edits.clone()).unwrap().read_text(path).unwrap().unwrap_or_default();
        self.edits.insert(path.into(), Some(edit(text).into_bytes()));
        self
    }

    fn app(mut self, position: usize, edit: impl Fn(&mut crate::gitops::App)) -> Self {
        edit(self.deliverables.app(position).unwrap());
        self
    }

    fn plan(&self) -> Plan {
        let tree = Overlay::new(&self.repo, self.edits.clone()).unwrap();
        Plan::over(&tree, &self.deliverables, &Variables::new()).unwrap()
    }

    /// As if the plan had been committed.
    fn committed(mut self) -> Self {
        let changes = self.plan().changes;
        self.edits.extend(changes.into_iter().map(|c| (c.path, Some(c.after.into_bytes()))));
        self
    }
}

fn after<'a>(plan: &'a Plan, path: &str) -> &'a str {
    let found = plan.changes.iter().find(|c| c.path == path);
    &found
        .unwrap_or_else(|| panic!("{path} is not in {:?}", plan.changes.iter().map(|c| &c.path).collect::<Vec<_>>()))
        .after
}

/// Checks and dangers that are no pass, as `name: seen`.
fn faults(plan: &Plan) -> Vec<String> {
    let all = plan.checks.iter().chain(&plan.dangers);
    all.filter(|c| c.verdict != Verdict::Pass).map(|c| format!("{}: {}", c.name, c.seen)).collect()
}

fn name(namespace: &str, name: &str) -> Name {
    (namespace.into(), name.into())
}

#[test]
fn a_first_delivery_into_the_reference_repository() {
    let plan = given().plan();
    let paths: Vec<&str> = plan.changes.iter().map(|c| c.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "kubernetes/apps/data-platform/kustomization.yaml",
            "kubernetes/apps/data-platform/namespace.yaml",
            "kubernetes/apps/data-platform/web/app/config/site.xml",
            "kubernetes/apps/data-platform/web/app/database.yaml",
            "kubernetes/apps/data-platform/web/app/deployment.yaml",
            "kubernetes/apps/data-platform/web/app/kustomization.yaml",
            "kubernetes/apps/data-platform/web/ks.yaml",
            "kubernetes/apps/kustomization.yaml",
            "kubernetes/apps/storage/kustomization.yaml",
            "kubernetes/apps/storage/web-user/app/kustomization.yaml",
            "kubernetes/apps/storage/web-user/app/user.yaml",
            "kubernetes/apps/storage/web-user/ks.yaml",
        ]
    );
    assert_eq!(
        after(&plan, "kubernetes/apps/data-platform/kustomization.yaml"),
        "---\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - ./namespace.yaml\n  - ./web/ks.yaml\n"
    );
    let storage = plan.changes.iter().find(|c| c.path == "kubernetes/apps/storage/kustomization.yaml").unwrap();
    assert_eq!(storage.diff().counts(), (1, 0));
    assert!(storage.after.ends_with("  - ./rook-ceph/ks.yaml\n  - ./web-user/ks.yaml\n"));
    assert!(after(&plan, "kubernetes/apps/kustomization.yaml").ends_with("  - ./media\n  - ./data-platform\n"));
    let ks = after(&plan, "kubernetes/apps/data-platform/web/ks.yaml");
    assert!(ks.contains("    - name: cloudnative-pg\n      namespace: flux-system\n    - name: web-user\n      namespace: flux-system\n"), "{ks}");

    assert_eq!(faults(&plan), [""; 0]);
    let passed: Vec<&str> = plan.checks.iter().map(|c| c.name.as_str()).collect();
    for wanted in [
        "reached by Flux",
        "dependencies",
        "sources",
        "namespaces",
        "owners",
        "health checks",
        "requests and limits",
        "plain secrets",
        "protected data",
    ] {
        assert!(passed.contains(&wanted), "{wanted} in {passed:?}");
    }

    let chain = plan.chain();
    let ours: Vec<Name> = chain.iter().filter(|n| n.1.starts_with("web")).cloned().collect();
    assert_eq!(ours, [name("flux-system", "web-user"), name("flux-system", "web")]);
    assert_eq!(chain[0], name("flux-system", "cluster-apps"));
    let added: Vec<String> =
        plan.objects.added.iter().map(|m| crate::manifest::Id::of(&m.object).to_string()).collect();
    assert!(added.contains(&"Namespace data-platform".to_owned()), "{added:?}");
    assert!(added.contains(&"Kustomization flux-system/web".to_owned()), "{added:?}");
    assert!(added.contains(&"Deployment data-platform/web".to_owned()), "{added:?}");
    assert!(added.iter().any(|a| a.starts_with("ConfigMap data-platform/web-config-")), "{added:?}");
    assert!(plan.objects.changed.is_empty() && plan.objects.removed.is_empty());
    assert_eq!(plan.own_objects().len(), 4);
    assert_eq!(plan.objects_in("data-platform").len(), 3);
    assert!(!plan.is_empty());
}

#[test]
fn the_same_again_is_no_change() {
    let plan = given().committed().plan();
    assert!(plan.is_empty(), "{:?}", plan.changes);
    assert_eq!(plan.objects, Objects::default());
    assert_eq!(faults(&plan), [""; 0]);
    assert_eq!(plan.own_objects().len(), 4, "what is delivered stays known");
}

#[test]
fn a_changed_configuration_rolls_the_pods() {
    let mut again = given().committed();
    let mut fresh = Deliverables::new(again.deliverables.layout().clone());
    for app in again.deliverables.apps() {
        let mut app = app.clone();
        for file in &mut app.files {
            file.text = file.text.replace("<x>1</x>", "<x>2</x>");
        }
        let position = fresh
            .add_app(&app.name, AppOptions { namespace: Some(app.namespace.clone()), ..AppOptions::default() })
            .unwrap();
        *fresh.app(position).unwrap() = app;
    }
    again.deliverables = fresh;
    let plan = again.plan();
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(plan.changes[0].diff().counts(), (1, 1));
    let kinds = |list: Vec<&Value>| list.iter().map(|o| o["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(kinds(plan.objects.changed.iter().map(|c| &c.after).collect()), ["Deployment"]);
    assert_eq!(kinds(plan.objects.added.iter().map(|c| &c.object).collect()), ["ConfigMap"]);
    assert_eq!(kinds(plan.objects.removed.iter().map(|c| &c.object).collect()), ["ConfigMap"]);
    assert_eq!(faults(&plan), [""; 0]);
}

#[test]
fn a_repository_whose_namespaces_share_a_component() {
    let mut given = given();
    for namespace in ["storage", "cnpg-system", "monitoring", "airflow", "external-secrets", "default"] {
        given = given.edit(&format!("kubernetes/apps/{namespace}/kustomization.yaml"), |text| {
            let kept: String = text.split_inclusive('\n').filter(|l| !l.contains("namespace.yaml")).collect();
            kept.replace(
                "kind: Kustomization\n",
                &format!("kind: Kustomization\nnamespace: {namespace}\ncomponents:\n  - ../../components/common\n"),
            )
        });
    }
    let second = given.deliverables.add_app("second", AppOptions::default()).unwrap();
    given
        .deliverables
        .app(second)
        .unwrap()
        .add_resource("x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")
        .unwrap();
    let plan = given.plan();
    assert_eq!(
        after(&plan, "kubernetes/apps/data-platform/kustomization.yaml"),
        "---\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: data-platform\ncomponents:\n  - ../../components/common\nresources:\n  - ./web/ks.yaml\n  - ./second/ks.yaml\n"
    );
    assert!(!plan.changes.iter().any(|c| c.path.ends_with("namespace.yaml")), "the component brings it");
    let ks = after(&plan, "kubernetes/apps/data-platform/web/ks.yaml");
    assert!(ks.contains("metadata:\n  name: web\n  namespace: data-platform\n"), "{ks}");
    assert!(
        ks.contains(
            "    - name: cloudnative-pg\n      namespace: cnpg-system\n    - name: web-user\n      namespace: storage\n"
        ),
        "{ks}"
    );
    assert!(plan.kustomizations.iter().any(|k| k.name == name("data-platform", "web") && k.is_ours));
    // The reference repository's own dependencies say flux-system, which is no longer true: not ours to report.
    assert_eq!(faults(&plan), [""; 0]);
}

#[test]
fn faults_name_file_and_line() {
    let wrong = given()
        .app(1, |app| app.depends_on = vec!["cnpg-system/cloudnative-pg".into(), "nothing".into()])
        .app(1, |app| {
            app.add_resource("more.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  key: x\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\nspec: {}\n").unwrap();
            let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n    - name: a\n      image: x\n";
            app.add_resource("pod.yaml", pod).unwrap();
        })
        .plan();
    assert_eq!(
        faults(&wrong),
        [
            "dependencies: kubernetes/apps/data-platform/web/ks.yaml:12: Kustomization cloudnative-pg lies in namespace flux-system, not in cnpg-system",
            "dependencies: kubernetes/apps/data-platform/web/ks.yaml:14: nothing in the repository makes Kustomization flux-system/nothing",
            "requests and limits: kubernetes/apps/data-platform/web/app/pod.yaml:6: container a of Pod data-platform/p lacks requests.cpu, requests.memory, limits.memory",
            "plain secrets: kubernetes/apps/data-platform/web/app/more.yaml:6: key key of Secret data-platform/s stands in plain text",
            "protected data: kubernetes/apps/data-platform/web/app/more.yaml:10: PersistentVolumeClaim data-platform/c holds data, and a revert would delete it",
        ]
    );
    assert_eq!(wrong.blockers().count(), 5);
}

#[test]
fn a_circle_of_dependencies() {
    let plan = given().app(0, |app| app.depends_on = vec!["web".into()]).plan();
    let faults = faults(&plan);
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].contains("flux-system/web-user → flux-system/web → flux-system/web-user"), "{faults:?}");
}

#[test]
fn two_owners_and_a_namespace_that_nothing_creates() {
    let plan = given()
        .edit("kubernetes/apps/storage/kustomization.yaml", |text| text.replace("  - ./namespace.yaml\n", ""))
        .edit("kubernetes/apps/media/archive/app/web.yaml", |_| {
            DEPLOYMENT.replace("  name: web\nspec", "  name: web\n  namespace: data-platform\nspec")
        })
        .edit("kubernetes/apps/media/archive/app/kustomization.yaml", |text| {
            text.replace("resources:\n", "resources:\n  - ./web.yaml\n")
        })
        .edit("kubernetes/apps/media/archive/ks.yaml", |text| text.replace("  targetNamespace: media\n", ""))
        .plan();
    let faults = faults(&plan);
    assert!(
        faults.contains(&"namespaces: nothing in the repository creates namespace storage".to_owned()),
        "{faults:?}"
    );
    assert!(
        faults.iter().any(|f| f.starts_with("owners: kubernetes/apps/data-platform/web/app/deployment.yaml:5: Deployment data-platform/web is made by more than one")),
        "{faults:?}"
    );
}

#[test]
fn what_flux_would_replace_is_found() {
    let plan = given()
        .edit("kubernetes/flux/cluster/ks.yaml", |text| {
            text.replace(
                "          retryInterval: 1m\n",
                "          retryInterval: 1m\n          postBuild: {substitute: {A: b}}\n",
            )
        })
        .app(1, |app| {
            app.add_resource(
                "run.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: run}\ndata:\n  run.sh: echo ${HOME}\n",
            )
            .unwrap();
        })
        .plan();
    let faults = faults(&plan);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].starts_with("substitution: kubernetes/apps/data-platform/web/app/run.yaml:"), "{faults:?}");
}

#[test]
fn dangers_of_a_change() {
    let before = given().committed();
    let mut next = Deliverables::new(before.deliverables.layout().clone());
    for app in before.deliverables.apps() {
        let mut app = app.clone();
        app.health.clear();
        app.files.retain(|f| f.file != "database.yaml");
        for file in &mut app.files {
            file.text = file.text.replace("app: web", "app: other");
        }
        let position = next
            .add_app(&app.name, AppOptions { namespace: Some(app.namespace.clone()), ..AppOptions::default() })
            .unwrap();
        *next.app(position).unwrap() = app;
    }
    let mut after = before.edit("kubernetes/flux/cluster/ks.yaml", |text| {
        text.replace("  wait: false\n", "  wait: false\n  suspend: true\n")
    });
    after.deliverables = next;
    assert_eq!(
        faults(&after.plan()),
        [
            "danger: Cluster data-platform/web-db stays in the cluster without an owner: its file goes, and it is marked prune: disabled",
            "danger: Deployment data-platform/web: spec.selector cannot change",
            "danger: Kustomization flux-system/cluster-apps is suspended: nothing below it would be applied",
        ]
    );
}

#[test]
fn sources_are_listed_once_and_conflicts_told() {
    let mut given = given();
    let options = |url: &str| SourceOptions { url: url.into(), ..SourceOptions::default() };
    given.deliverables.add_source("trino", options("https://trinodb.github.io/charts")).unwrap();
    let plan = given.plan();
    let list = after(&plan, "kubernetes/flux/meta/repos/kustomization.yaml");
    assert!(list.contains("  - ./prometheus-community.yaml\n  - ./trino.yaml\n  # - ./bitnami.yaml"), "{list}");
    assert!(plan.chain().contains(&name("flux-system", "cluster-meta")));
    assert!(given.committed().plan().is_empty());
}

#[test]
fn lists_of_people_and_files_anywhere() {
    let mut given = given();
    given
        .deliverables
        .add_file(
            "kubernetes/apps/default/echo/app/extra.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}",
        )
        .unwrap();
    given.deliverables.add_include("kubernetes/apps/default/echo/app/kustomization.yaml", "./extra.yaml").unwrap();
    given.deliverables.add_doc("1.9-web.md", "# 1.9\n").unwrap();
    assert_eq!(given.deliverables.add_doc("../../../x.md", "").unwrap_err().code(), crate::error::Code::Denied);
    assert_eq!(given.deliverables.add_file(".git/config", "").unwrap_err().code(), crate::error::Code::Denied);
    let plan = given.plan();
    assert_eq!(after(&plan, "kubernetes/apps/default/echo/app/extra.yaml").chars().last(), Some('\n'));
    assert!(plan.changes.iter().any(|c| c.path == "kubernetes/apps/default/echo/app/kustomization.yaml"));
    assert_eq!(plan.docs[0].path, "docs/data-platform/bootstrap/1.9-web.md");
    assert!(plan.objects.added.iter().any(|m| m.object["metadata"]["name"] == "extra" && m.by.1 == "echo"));
}

#[test]
fn a_repository_without_flux_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let given =
        Given { repo: Disk::new(dir.path()).unwrap(), edits: BTreeMap::new(), deliverables: given().deliverables };
    let plan = given.plan();
    assert!(
        faults(&plan)[0].contains("no root: kubernetes/flux/cluster holds no Flux Kustomization"),
        "{:?}",
        faults(&plan)
    );
}
