//! `gitops`: what an objective delivers. Nothing is written here: the host plans, checks, commits and waits.

use std::any::TypeId;
use std::sync::Arc;

use rhai::Dynamic;
use serde_json::{Value, json};

use crate::error::{Code, Error, Result};
use crate::gitops::{AppOptions, ConfigOptions, SourceOptions};
use crate::script::call::Call;
use crate::script::profile::Profiles;
use crate::script::registry::{HandleType, Section, Type, function, optional, param};

use super::session::Session;

/// An application that a script declared: its position among the deliverables.
#[derive(Clone)]
pub(super) struct App(usize);

const APP_OPTIONS: &[&str] =
    &["namespace", "depends_on", "health", "ready_when", "timeout", "interval", "wait", "path"];

pub(super) const SECTION: Section<Session> = Section {
    name: "gitops",
    summary: "What an objective delivers: files of the GitOps tree. Declaring changes nothing; the host plans, checks, commits and waits.",
    handle: None,
    functions: &[
        function(
            "app",
            &[param("name", Type::Text), optional("options", Type::Map)],
            "App",
            "Declares an application: one Flux Kustomization and the folder that it applies. Options: `namespace`, `depends_on` (Kustomizations: `name` or \
             `namespace/name`), `health` (`Kind.group/name`), `ready_when` (`Kind.group` to a CEL expression, for kinds without conditions), `timeout`, `interval`, `wait`, `path`.",
            app,
        )
        .only(Profiles::EXECUTE)
        .errors(&[Code::Invalid])
        .example("gitops::app(\"hive-metastore\", #{ depends_on: [\"cloudnative-pg\"], timeout: \"10m\" }).name", "\"hive-metastore\""),
        function(
            "repo",
            &[param("name", Type::Text), param("options", Type::Map)],
            "",
            "Declares a Helm or OCI repository that charts come from. Options: `url`, `kind`, `interval`, `tag`.",
            repo,
        )
        .only(Profiles::EXECUTE)
        .errors(&[Code::Invalid])
        .example("gitops::repo(\"trino\", #{ url: \"https://trinodb.github.io/charts\" })", ""),
        function("file", &[param("path", Type::Text), param("text", Type::Text)], "", "Declares a file by its path in the repository.", file)
            .only(Profiles::EXECUTE)
            .errors(&[Code::Invalid, Code::Denied])
            .example("gitops::file(\"kubernetes/notes.txt\", \"hello\\n\")", ""),
        function(
            "include",
            &[param("kustomization", Type::Text), param("entry", Type::Text)],
            "",
            "Declares one line in the `resources:` of a kustomization.yaml that may exist already.",
            include,
        )
        .only(Profiles::EXECUTE)
        .errors(&[Code::Denied])
        .example("gitops::include(\"kubernetes/apps/kustomization.yaml\", \"./data-platform\")", ""),
        function(
            "doc",
            &[param("template", Type::Text), optional("vars", Type::Map), optional("options", Type::Map)],
            "",
            "Declares a page of the initiative's documentation, written once the objective is proved. Option: `file`; by default the name of the script.",
            doc,
        )
        .only(Profiles::EXECUTE)
        .errors(&[Code::NotFound, Code::Template])
        .example("gitops::doc(\"greeting.j2\", #{ who: \"ann\" })", ""),
    ],
};

pub(super) const APP: Section<Session> = Section {
    name: "App",
    summary: "An application that `gitops::app` declared. Templates see `app` (`name`, `namespace`, `path`) beside `settings` and `o`.",
    handle: Some(HandleType {
        id: TypeId::of::<App>,
        register: |engine| {
            engine.register_type_with_name::<App>("App");
        },
    }),
    functions: &[
        function(
            "render",
            &[param("template", Type::Text), optional("vars", Type::Map)],
            "",
            "Renders a template into `app/` and lists it as a resource; the file is named after the template, without `.j2`.",
            render,
        )
        .method()
        .only(Profiles::EXECUTE)
        .errors(&[Code::NotFound, Code::Template, Code::Invalid])
        .example("gitops::app(\"x\").render(\"greeting.j2\", #{ who: \"ann\" })", ""),
        function(
            "config",
            &[param("template", Type::Text), optional("vars", Type::Map), optional("options", Type::Map)],
            "",
            "Renders a template into a generated ConfigMap. Options: `name` (of the ConfigMap, `<app>-config` by default), `key`, `stable_name: true` (no hash).",
            config,
        )
        .method()
        .only(Profiles::EXECUTE)
        .errors(&[Code::NotFound, Code::Template, Code::Invalid])
        .example("gitops::app(\"x\").config(\"greeting.j2\", #{ who: \"ann\" }, #{ key: \"hello.txt\" })", ""),
        function("file", &[param("path", Type::Text), param("text", Type::Text)], "", "Adds a file to `app/` that nothing lists.", add_file)
            .method()
            .only(Profiles::EXECUTE)
            .errors(&[Code::Invalid])
            .example("gitops::app(\"x\").file(\"README.md\", \"hello\\n\")", ""),
        function("name", &[], "text", "Its name.", |session, call| described(session, call, "name"))
            .property()
            .only(Profiles::EXECUTE)
            .example("gitops::app(\"x\").name", "\"x\""),
        function("namespace", &[], "text", "Namespace of its objects.", |session, call| described(session, call, "namespace"))
            .property()
            .only(Profiles::EXECUTE)
            .example("gitops::app(\"x\").namespace", "\"data-platform\""),
        function("path", &[], "text", "Folder of its manifests.", |session, call| described(session, call, "path"))
            .property()
            .only(Profiles::EXECUTE)
            .example("gitops::app(\"x\").path", "\"kubernetes/apps/data-platform/x/app\""),
    ],
};

/// Kinds with the CEL expression that says when they are ready.
fn ready_when(value: Option<Value>) -> Result<Vec<(String, String)>> {
    let pairs = match value {
        None => return Ok(Vec::new()),
        Some(Value::Object(pairs)) => pairs,
        Some(_) => return Err(unreadable()),
    };
    pairs.into_iter().map(|(kind, rule)| Ok((kind, rule.as_str().ok_or_else(unreadable)?.to_owned()))).collect()
}

fn unreadable() -> Error {
    Error::new(Code::Invalid, "gitops::app: `ready_when` is a map of kinds to CEL expressions")
        .hint("Write #{ \"Kind.group\": \"status.phase == 'Ready'\" }")
}

fn app(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(1, APP_OPTIONS)?;
    let parsed = AppOptions {
        namespace: options.text("namespace")?,
        depends_on: options.texts("depends_on")?,
        health: options.texts("health")?,
        ready_when: ready_when(options.json("ready_when")?)?,
        timeout: options.text("timeout")?,
        interval: options.text("interval")?,
        wait: options.boolean("wait")?,
        path: options.text("path")?,
    };
    let position = session.declare(|all| all.add_app(&call.text(0), parsed))?;
    Ok(Dynamic::from(App(position)))
}

fn repo(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(1, &["kind", "url", "interval", "tag"])?;
    let source = SourceOptions {
        kind: options.text("kind")?,
        url: options.text("url")?.unwrap_or_default(),
        interval: options.text("interval")?,
        tag: options.text("tag")?,
    };
    session.declare(|all| all.add_source(&call.text(0), source))?;
    Ok(Dynamic::UNIT)
}

fn file(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    session.declare(|all| all.add_file(&call.text(0), call.text(1)))?;
    Ok(Dynamic::UNIT)
}

fn include(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    session.declare(|all| all.add_include(&call.text(0), &call.text(1)))?;
    Ok(Dynamic::UNIT)
}

fn doc(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(2, &["file"])?;
    let template = call.text(0);
    let text = session.render(&template, None, vars(call)?)?;
    let own = session.script().and_then(|script| script.folder().rsplit('/').next());
    let file = match (options.text("file")?, own) {
        (Some(file), _) => file,
        (None, Some(own)) => format!("{own}.md"),
        (None, None) => output(&template).to_owned(),
    };
    session.declare(|all| all.add_doc(&file, text))?;
    Ok(Dynamic::UNIT)
}

fn vars(call: &Call<'_>) -> Result<Value> {
    if call.any(1).is_unit() { Ok(Value::Null) } else { call.json(1) }
}

/// The file that a template becomes: its name without `lib/` and `.j2`.
fn output(template: &str) -> &str {
    let name = template.strip_prefix("lib/").unwrap_or(template);
    name.strip_suffix(".j2").unwrap_or(name)
}

/// What a template sees as `app`.
fn describe(session: &Session, app: &App) -> Result<Value> {
    session.declare(|all| {
        let app = all.app(app.0)?;
        Ok(json!({ "name": app.name, "namespace": app.namespace, "path": app.path() }))
    })
}

fn described(session: &Arc<Session>, call: &Call<'_>, key: &str) -> Result<Dynamic> {
    match describe(session, &call.handle::<App>()?)?[key].as_str() {
        Some(text) => Ok(text.to_owned().into()),
        None => Err(Error::new(Code::Internal, format!("an app without {key}"))),
    }
}

fn render(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let app = call.handle::<App>()?;
    let template = call.text(0);
    let text = session.render(&template, Some(&describe(session, &app)?), vars(call)?)?;
    session.declare(|all| all.app(app.0)?.add_resource(output(&template), text))?;
    Ok(Dynamic::UNIT)
}

fn config(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let app = call.handle::<App>()?;
    let options = call.options(2, &["name", "key", "stable_name"])?;
    let how = ConfigOptions {
        name: options.text("name")?,
        key: options.text("key")?,
        stable_name: options.boolean("stable_name")?.unwrap_or(false),
    };
    let template = call.text(0);
    let text = session.render(&template, Some(&describe(session, &app)?), vars(call)?)?;
    session.declare(|all| all.app(app.0)?.add_config(output(&template), text, how))?;
    Ok(Dynamic::UNIT)
}

fn add_file(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let app = call.handle::<App>()?;
    session.declare(|all| all.app(app.0)?.add_file(&call.text(0), call.text(1)))?;
    Ok(Dynamic::UNIT)
}
