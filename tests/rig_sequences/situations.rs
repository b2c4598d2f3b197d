//! The situations: what lies in the repository, what happens, and until when it is watched.

use std::fmt;

/// Something that happens.
pub(crate) enum Step {
    /// A commit of these files (an empty text removes one), pushed.
    Push(&'static [(&'static str, &'static str)]),
    /// The last commit taken back by a revert, pushed.
    Revert,
    /// The annotation `reconcile.fluxcd.io/requestedAt` of an object.
    Token(&'static str, &'static str, &'static str),
    /// A merge patch of an object's spec.
    Spec(&'static str, &'static str, &'static str),
    /// An object deleted.
    Delete(&'static str, &'static str),
    /// Nothing, until an object's line has these parts.
    Await(&'static str, &'static [&'static str]),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push(files) => {
                let names: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
                write!(f, "push {}", names.join(" "))
            }
            Self::Revert => f.write_str("revert"),
            Self::Token(kind, name, token) => write!(f, "token {token} on {kind} {name}"),
            Self::Spec(kind, name, patch) => write!(f, "patch {kind} {name} {patch}"),
            Self::Delete(kind, name) => write!(f, "delete {kind} {name}"),
            Self::Await(object, parts) => write!(f, "await {object} {}", parts.join(" ")),
        }
    }
}

/// An object and the parts that its line must have (`NEW`: the newest commit).
pub(crate) type Wanted = (&'static str, &'static [&'static str]);

/// What is played in a namespace of its own: source `repo`, root Kustomizations as named, each at the path of its name.
pub(crate) struct Situation {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// Roots with the fields that they have besides the usual ones, in JSON.
    pub(crate) roots: &'static [(&'static str, &'static str)],
    /// Steps, and what is awaited after them.
    pub(crate) acts: &'static [(&'static [Step], &'static [Wanted])],
}

macro_rules! config {
    ($name:literal, $value:literal) => {
        concat!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ", $name, "\ndata:\n  value: \"", $value, "\"\n")
    };
}

macro_rules! child {
    ($name:literal, $path:literal, $extra:literal) => {
        concat!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: ",
            $name,
            "\nspec:\n  path: ",
            $path,
            "\n  interval: 1h\n  retryInterval: 1h\n  timeout: 1m\n  prune: true\n  targetNamespace: NAMESPACE\n  sourceRef: {kind: GitRepository, name: repo}\n",
            $extra
        )
    };
}

macro_rules! deployment {
    ($name:literal, $replicas:literal, $extra:literal) => {
        concat!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: ", $name, "\nspec:\n  replicas: ", $replicas,
            "\n  selector: {matchLabels: {app: ", $name, "}}\n  template:\n    metadata: {labels: {app: ", $name,
            "}}\n    spec:\n      ", $extra, "\n      containers:\n        - name: main\n          image: registry.example.org/app:1\n          resources: {requests: {cpu: 10m, memory: 16Mi}}\n"
        )
    };
}

macro_rules! release {
    ($name:literal, $extra:literal) => {
        concat!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: ",
            $name,
            "\nspec:\n  interval: 1h\n  timeout: 1m\n  chart:\n    spec:\n      chart: ./charts/",
            $name,
            "\n      interval: 1h\n      sourceRef: {kind: GitRepository, name: repo}\n",
            $extra
        )
    };
}

const CHART: (&str, &str) =
    ("charts/sample/Chart.yaml", "apiVersion: v2\nname: sample\nversion: 1.0.0\nappVersion: 3.1.0\n");
const CHART_2: (&str, &str) =
    ("charts/sample/Chart.yaml", "apiVersion: v2\nname: sample\nversion: 2.0.0\nappVersion: 3.2.0\n");
const VALUES: (&str, &str) = ("charts/sample/values.yaml", "replicas: 1\nmessage: hello\nnodeSelector: {}\n");
const TEMPLATE: (&str, &str) = (
    "charts/sample/templates/all.yaml",
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  message: {{ .Values.message | quote }}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\nspec:\n  replicas: {{ .Values.replicas }}\n  selector: {matchLabels: {app: {{ .Release.Name }}}}\n  template:\n    metadata: {labels: {app: {{ .Release.Name }}}}\n    spec:\n      nodeSelector: {{ .Values.nodeSelector | toJson }}\n      containers:\n        - name: main\n          image: registry.example.org/app:1\n          resources: {requests: {cpu: 10m, memory: 16Mi}}\n",
);

const READY: &[&str] = &["Ready=True/ReconciliationSucceeded", "applied NEW"];
const GIT: Step = Step::Token("GitRepository", "repo", "t1");
const GIT_2: Step = Step::Token("GitRepository", "repo", "t2");

/// All of them.
pub(crate) const ALL: &[Situation] = &[
    Situation {
        name: "good",
        about: "A good push, and an empty commit after it.",
        files: &[("root/c.yaml", config!("c", "1"))],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("Kustomization root", READY)]),
            (&[Step::Push(&[("root/c.yaml", config!("c", "2"))]), GIT], &[("Kustomization root", READY)]),
            (&[Step::Push(&[]), GIT_2], &[("Kustomization root", READY)]),
        ],
    },
    Situation {
        name: "broken",
        about: "YAML that can't be read, then mended.",
        files: &[("root/c.yaml", config!("c", "1"))],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("Kustomization root", READY)]),
            (
                &[Step::Push(&[("root/c.yaml", "kind: ConfigMap\n  name: c\n: x\n")]), GIT],
                &[("Kustomization root", &["Ready=False/BuildFailed", "attempted NEW"])],
            ),
            (&[Step::Push(&[("root/c.yaml", config!("c", "3"))]), GIT_2], &[("Kustomization root", READY)]),
        ],
    },
    Situation {
        name: "missing-file",
        about: "A kustomization.yaml that lists a file which isn't there.",
        files: &[("root/c.yaml", config!("c", "1"))],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("Kustomization root", READY)]),
            (
                &[Step::Push(&[("root/kustomization.yaml", "resources:\n  - c.yaml\n  - nowhere.yaml\n")]), GIT],
                &[("Kustomization root", &["Ready=False/BuildFailed", "attempted NEW"])],
            ),
        ],
    },
    Situation {
        name: "refused",
        about: "A manifest that the API server refuses, then a revert.",
        files: &[("root/c.yaml", config!("c", "1")), ("root/web.yaml", deployment!("web", "1", ""))],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("Kustomization root", READY)]),
            (
                &[
                    Step::Push(&[("root/c.yaml", config!("c", "2")), ("root/web.yaml", deployment!("web", "-1", ""))]),
                    GIT,
                ],
                &[("Kustomization root", &["Ready=False/ReconciliationFailed", "attempted NEW"])],
            ),
            (&[Step::Revert, GIT_2], &[("Kustomization root", READY)]),
        ],
    },
    Situation {
        name: "unknown-field",
        about: "A field that the schema doesn't have is dropped without a word.",
        files: &[("root/web.yaml", deployment!("web", "1", ""))],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("Kustomization root", READY)]),
            (
                &[Step::Push(&[("root/web.yaml", deployment!("web", "1", "nonsense: true"))]), GIT],
                &[("Kustomization root", READY)],
            ),
        ],
    },
    Situation {
        name: "unknown-kind",
        about: "A kind that nobody serves.",
        files: &[("root/c.yaml", config!("c", "1"))],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("Kustomization root", READY)]),
            (
                &[
                    Step::Push(&[("root/x.yaml", "apiVersion: example.org/v1\nkind: Nothing\nmetadata:\n  name: x\n")]),
                    GIT,
                ],
                &[("Kustomization root", &["Ready=False/ReconciliationFailed", "attempted NEW"])],
            ),
        ],
    },
    Situation {
        name: "missing-path",
        about: "A child whose path is not in the repository, then is.",
        files: &[("root/child.yaml", child!("child", "./nowhere", ""))],
        roots: &[("root", "{}")],
        acts: &[
            (
                &[],
                &[("Kustomization root", READY), ("Kustomization child", &["Ready=False/ArtifactFailed", "not found"])],
            ),
            (
                &[Step::Push(&[("nowhere/c.yaml", config!("c", "1"))]), GIT],
                &[("Kustomization root", READY), ("Kustomization child", READY)],
            ),
        ],
    },
    Situation {
        name: "missing-source",
        about: "A Kustomization whose source nobody defines.",
        files: &[("root/c.yaml", config!("c", "1"))],
        roots: &[("root", r#"{"sourceRef": {"kind": "GitRepository", "name": "elsewhere"}}"#)],
        acts: &[(
            &[],
            &[
                ("Kustomization root", &["Ready=False/ArtifactFailed", "not found"]),
                ("GitRepository repo", &["Ready=True"]),
            ],
        )],
    },
    Situation {
        name: "dependent",
        about: "A dependant follows what it depends on.",
        files: &[
            ("root/a.yaml", child!("first", "./first", "")),
            ("root/b.yaml", child!("second", "./second", "  dependsOn: [{name: first}]\n")),
            ("first/c.yaml", config!("first", "1")),
            ("second/c.yaml", config!("second", "1")),
        ],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("Kustomization first", READY), ("Kustomization second", READY)]),
            (
                &[Step::Push(&[("first/c.yaml", config!("first", "2"))]), GIT],
                &[("Kustomization root", READY), ("Kustomization first", READY), ("Kustomization second", READY)],
            ),
        ],
    },
    Situation {
        name: "dependency-fails",
        about: "What it depends on is refused; a dependant waits until that is mended.",
        files: &[
            ("root/a.yaml", child!("first", "./first", "")),
            ("root/b.yaml", child!("second", "./second", "  dependsOn: [{name: first}]\n")),
            ("first/web.yaml", deployment!("web", "-1", "")),
            ("second/c.yaml", config!("second", "1")),
        ],
        roots: &[("root", "{}")],
        acts: &[
            (
                &[],
                &[
                    ("Kustomization first", &["Ready=False/ReconciliationFailed"]),
                    ("Kustomization second", &["Ready=False/DependencyNotReady"]),
                ],
            ),
            (
                &[Step::Push(&[("first/web.yaml", deployment!("web", "1", ""))]), GIT],
                &[("Kustomization first", READY), ("Kustomization second", READY)],
            ),
        ],
    },
    Situation {
        name: "no-dependency",
        about: "It depends on one that doesn't exist.",
        files: &[("root/c.yaml", config!("c", "1"))],
        roots: &[("root", r#"{"dependsOn": [{"name": "ghost"}]}"#)],
        acts: &[(&[], &[("Kustomization root", &["Ready=False/DependencyNotReady"])])],
    },
    Situation {
        name: "suspended",
        about: "Suspended, pushed, asked by token, resumed.",
        files: &[("root/c.yaml", config!("c", "1"))],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("Kustomization root", READY)]),
            (&[Step::Spec("Kustomization", "root", r#"{"suspend": true}"#)], &[("Kustomization root", &["suspended"])]),
            (
                &[Step::Push(&[("root/c.yaml", config!("c", "2"))]), GIT, Step::Token("Kustomization", "root", "k1")],
                &[("Kustomization root", &["handled k1"]), ("GitRepository repo", &["artifact NEW", "handled t1"])],
            ),
            (&[Step::Spec("Kustomization", "root", r#"{"suspend": false}"#)], &[("Kustomization root", READY)]),
        ],
    },
    Situation {
        name: "source-suspended",
        about: "The source is suspended: a push and a token change nothing but the token.",
        files: &[("root/c.yaml", config!("c", "1"))],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("Kustomization root", READY)]),
            (
                &[
                    Step::Spec("GitRepository", "repo", r#"{"suspend": true}"#),
                    Step::Push(&[("root/c.yaml", config!("c", "2"))]),
                    GIT,
                ],
                &[("GitRepository repo", &["suspended", "handled t1"])],
            ),
            (&[Step::Spec("GitRepository", "repo", r#"{"suspend": false}"#)], &[("Kustomization root", READY)]),
        ],
    },
    Situation {
        name: "asked",
        about: "A token on a Kustomization that has nothing to do, and the same token again.",
        files: &[("root/c.yaml", config!("c", "1"))],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("Kustomization root", READY)]),
            (&[Step::Token("Kustomization", "root", "k1")], &[("Kustomization root", &["handled k1", "Ready=True"])]),
            (&[GIT], &[("GitRepository repo", &["handled t1"])]),
        ],
    },
    Situation {
        name: "healthy",
        about: "With `wait`, a Deployment that comes up.",
        files: &[("root/web.yaml", deployment!("web", "1", ""))],
        roots: &[("root", r#"{"wait": true}"#)],
        acts: &[
            (&[], &[("Kustomization root", READY)]),
            (&[Step::Push(&[("root/web.yaml", deployment!("web", "2", ""))]), GIT], &[("Kustomization root", READY)]),
        ],
    },
    Situation {
        name: "unhealthy",
        about: "A health check that fails by its timeout, then a push that mends it.",
        files: &[("root/c.yaml", config!("c", "1"))],
        roots: &[("root", r#"{"wait": true, "timeout": "8s"}"#)],
        acts: &[
            (&[], &[("Kustomization root", READY)]),
            (
                &[Step::Push(&[("root/web.yaml", deployment!("web", "1", "nodeSelector: {no: where}"))]), GIT],
                &[("Kustomization root", &["Ready=False/HealthCheckFailed", "attempted NEW"])],
            ),
            (&[Step::Push(&[("root/web.yaml", deployment!("web", "1", ""))]), GIT_2], &[("Kustomization root", READY)]),
        ],
    },
    Situation {
        name: "blocked",
        about: "A push while a health check runs is taken up when that has ended.",
        files: &[("root/c.yaml", config!("c", "1"))],
        roots: &[("root", r#"{"wait": true, "timeout": "12s"}"#)],
        acts: &[
            (&[], &[("Kustomization root", READY)]),
            (
                &[
                    Step::Push(&[("root/web.yaml", deployment!("web", "1", "nodeSelector: {no: where}"))]),
                    GIT,
                    Step::Await("Kustomization root", &["Running health checks", "attempted NEW"]),
                    Step::Push(&[("root/web.yaml", deployment!("web", "1", ""))]),
                    GIT_2,
                    Step::Token("Kustomization", "root", "k1"),
                ],
                &[("Kustomization root", &["Ready=True/ReconciliationSucceeded", "applied NEW", "handled k1"])],
            ),
        ],
    },
    Situation {
        name: "named-check",
        about: "A named health check of an object that isn't there.",
        files: &[("root/c.yaml", config!("c", "1"))],
        roots: &[(
            "root",
            r#"{"timeout": "8s", "healthChecks": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "ghost", "namespace": "default"}]}"#,
        )],
        acts: &[(&[], &[("Kustomization root", &["Ready=False/HealthCheckFailed", "attempted NEW"])])],
    },
    Situation {
        name: "pruned",
        about: "Objects that leave the repository; one says that it is not to be pruned.",
        files: &[
            ("root/c.yaml", config!("c", "1")),
            ("root/gone.yaml", config!("gone", "1")),
            (
                "root/kept.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kept\n  annotations:\n    kustomize.toolkit.fluxcd.io/prune: disabled\n",
            ),
        ],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("Kustomization root", READY)]),
            (&[Step::Push(&[("root/gone.yaml", ""), ("root/kept.yaml", "")]), GIT], &[("Kustomization root", READY)]),
        ],
    },
    Situation {
        name: "child-goes",
        about: "A child that leaves its parent takes what it owns along.",
        files: &[
            ("root/c.yaml", config!("c", "1")),
            ("root/child.yaml", child!("child", "./child", "")),
            ("child/c.yaml", config!("child", "1")),
        ],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("Kustomization root", READY), ("Kustomization child", READY)]),
            (
                &[Step::Push(&[("root/child.yaml", "")]), GIT],
                &[("Kustomization root", READY), ("Kustomization child", &["gone"])],
            ),
        ],
    },
    Situation {
        name: "deleted",
        about: "A Kustomization deleted by hand: a finalizer prunes what it owns, and its parent makes it again when asked.",
        files: &[
            ("root/c.yaml", config!("c", "1")),
            ("root/child.yaml", child!("child", "./child", "")),
            ("child/c.yaml", config!("child", "1")),
        ],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("Kustomization root", READY), ("Kustomization child", READY)]),
            (&[Step::Delete("Kustomization", "child")], &[("Kustomization child", &["gone"])]),
            (
                &[Step::Token("Kustomization", "root", "k1")],
                &[("Kustomization root", &["handled k1", "Ready=True"]), ("Kustomization child", READY)],
            ),
        ],
    },
    Situation {
        name: "immutable",
        about: "A change that the API server does not allow, then with force.",
        files: &[("root/web.yaml", deployment!("web", "1", ""))],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("Kustomization root", READY)]),
            (
                &[
                    Step::Push(&[(
                        "root/web.yaml",
                        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  selector: {matchLabels: {app: other}}\n  template:\n    metadata: {labels: {app: other}}\n    spec:\n      containers: [{name: main, image: registry.example.org/app:1}]\n",
                    )]),
                    GIT,
                ],
                &[("Kustomization root", &["Ready=False/ReconciliationFailed", "attempted NEW"])],
            ),
            (&[Step::Spec("Kustomization", "root", r#"{"force": true}"#)], &[("Kustomization root", READY)]),
        ],
    },
    Situation {
        name: "variables",
        about: "Variables from a ConfigMap that isn't there, then is.",
        files: &[
            ("root/c.yaml", config!("c", "${GREETING}")),
            ("vars/v.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: vars\ndata:\n  GREETING: hello\n"),
        ],
        roots: &[("root", r#"{"postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "vars"}]}}"#)],
        acts: &[
            (&[], &[("Kustomization root", &["Ready=False/BuildFailed"])]),
            (
                &[Step::Spec(
                    "Kustomization",
                    "root",
                    r#"{"postBuild": {"substitute": {"GREETING": "hello"}, "substituteFrom": null}}"#,
                )],
                &[("Kustomization root", READY)],
            ),
        ],
    },
    Situation {
        name: "no-branch",
        about: "A branch that the remote doesn't have.",
        files: &[("root/c.yaml", config!("c", "1"))],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("Kustomization root", READY)]),
            (
                &[Step::Spec("GitRepository", "repo", r#"{"ref": {"branch": "nowhere"}}"#)],
                &[("GitRepository repo", &["Ready=False/GitOperationFailed"])],
            ),
        ],
    },
    Situation {
        name: "release",
        about: "A HelmRelease: installed, its values changed, its template changed without a new version, a new version.",
        files: &[CHART, VALUES, TEMPLATE, ("root/release.yaml", release!("sample", "  values: {message: one}\n"))],
        roots: &[("root", r#"{"wait": true}"#)],
        acts: &[
            (&[], &[("Kustomization root", READY), ("HelmRelease sample", &["Ready=True/InstallSucceeded"])]),
            (
                &[Step::Push(&[("root/release.yaml", release!("sample", "  values: {message: two}\n"))]), GIT],
                &[("Kustomization root", READY), ("HelmRelease sample", &["Ready=True/UpgradeSucceeded"])],
            ),
            (
                &[Step::Push(&[("charts/sample/templates/_more.tpl", "{{- define \"more\" }}{{ end }}\n")]), GIT_2],
                &[("Kustomization root", READY)],
            ),
            (
                &[Step::Push(&[CHART_2]), Step::Token("GitRepository", "repo", "t3")],
                &[
                    ("Kustomization root", READY),
                    ("HelmRelease sample", &["Ready=True/UpgradeSucceeded", "attempted 2.0.0"]),
                ],
            ),
        ],
    },
    Situation {
        name: "release-refused",
        about: "A HelmRelease whose upgrade the API server refuses, without retries; then mended.",
        files: &[CHART, VALUES, TEMPLATE, ("root/release.yaml", release!("sample", ""))],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("HelmRelease sample", &["Ready=True/InstallSucceeded"])]),
            (
                &[Step::Push(&[("root/release.yaml", release!("sample", "  values: {replicas: -1}\n"))]), GIT],
                &[("HelmRelease sample", &["Stalled=True", "Ready=False/UpgradeFailed"])],
            ),
            (
                &[Step::Push(&[("root/release.yaml", release!("sample", "  values: {replicas: 2}\n"))]), GIT_2],
                &[("HelmRelease sample", &["Ready=True/UpgradeSucceeded"])],
            ),
        ],
    },
    Situation {
        name: "release-rolls-back",
        about: "A HelmRelease whose pods don't come up within its timeout: the upgrade is tried twice, then rolled back.",
        files: &[CHART, VALUES, TEMPLATE, ("root/release.yaml", release!("sample", ""))],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("HelmRelease sample", &["Ready=True/InstallSucceeded"])]),
            (
                &[
                    Step::Push(&[(
                        "root/release.yaml",
                        release!(
                            "sample",
                            "  upgrade: {timeout: 8s, remediation: {retries: 1, remediateLastFailure: true}}\n  values: {nodeSelector: {no: where}}\n"
                        ),
                    )]),
                    GIT,
                ],
                &[("HelmRelease sample", &["Stalled=True", "RollbackSucceeded"])],
            ),
        ],
    },
    Situation {
        name: "release-retries",
        about: "A HelmRelease that retries on failure, and one install that fails.",
        files: &[
            CHART,
            VALUES,
            TEMPLATE,
            (
                "root/release.yaml",
                release!(
                    "sample",
                    "  install: {strategy: {name: RetryOnFailure, retryInterval: 1h}}\n  values: {replicas: -1}\n"
                ),
            ),
        ],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("HelmRelease sample", &["Ready=False/InstallFailed", "ProgressingWithRetry"])]),
            (
                &[
                    Step::Push(&[(
                        "root/release.yaml",
                        release!("sample", "  install: {strategy: {name: RetryOnFailure, retryInterval: 1h}}\n"),
                    )]),
                    GIT,
                ],
                &[("HelmRelease sample", &["Ready=True/"])],
            ),
        ],
    },
    Situation {
        name: "release-no-chart",
        about: "A HelmRelease whose chart isn't in the repository, with a dependency that doesn't exist; then suspended.",
        files: &[("root/release.yaml", release!("sample", ""))],
        roots: &[("root", "{}")],
        acts: &[
            (
                &[],
                &[
                    ("HelmChart s-release-no-chart-sample", &["Ready=False"]),
                    ("HelmRelease sample", &["Ready=False/SourceNotReady"]),
                ],
            ),
            (
                &[Step::Spec("HelmRelease", "sample", r#"{"dependsOn": [{"name": "ghost"}]}"#)],
                &[("HelmRelease sample", &["Ready=False/DependencyNotReady"])],
            ),
            (&[Step::Spec("HelmRelease", "sample", r#"{"suspend": true}"#)], &[("HelmRelease sample", &["suspended"])]),
        ],
    },
    Situation {
        name: "release-goes",
        about: "A HelmRelease that leaves the repository is uninstalled.",
        files: &[
            CHART,
            VALUES,
            TEMPLATE,
            ("root/c.yaml", config!("c", "1")),
            ("root/release.yaml", release!("sample", "")),
        ],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("HelmRelease sample", &["Ready=True/InstallSucceeded"])]),
            (
                &[Step::Push(&[("root/release.yaml", "")]), GIT],
                &[
                    ("Kustomization root", READY),
                    ("HelmRelease sample", &["gone"]),
                    ("HelmChart s-release-goes-sample", &["gone"]),
                ],
            ),
        ],
    },
    Situation {
        name: "release-drifts",
        about: "Drift of a HelmRelease is corrected.",
        files: &[
            CHART,
            VALUES,
            TEMPLATE,
            ("root/release.yaml", release!("sample", "  driftDetection: {mode: enabled}\n")),
        ],
        roots: &[("root", "{}")],
        acts: &[
            (&[], &[("HelmRelease sample", &["Ready=True/InstallSucceeded"])]),
            (&[Step::Token("HelmRelease", "sample", "h1")], &[("HelmRelease sample", &["handled h1", "Ready=True"])]),
        ],
    },
];
