//! `cluster`: reading objects, their health, events and logs.

use std::sync::Arc;

use rhai::Dynamic;
use serde_json::{Value, json};

use crate::cluster::health::{self, Readiness};
use crate::cluster::{Query, object_ref, why};
use crate::error::{Code, Error, Result};
use crate::script::call::Call;
use crate::script::options::Options;
use crate::script::registry::{Param, Section, Type, function, optional, param};
use crate::script::value::{kind, to_dynamic};

use super::session::Session;

/// More objects than this are not handed to a script: choosing is the server's work.
const MOST: usize = 5000;

const READS: &[Code] = &[Code::UnknownKind, Code::Forbidden, Code::Denied, Code::Unavailable, Code::Timeout];
const GETS: &[Code] =
    &[Code::NotFound, Code::UnknownKind, Code::Forbidden, Code::Denied, Code::Unavailable, Code::Timeout];
const NAMED: &[Param] = &[param("kind", Type::Text), param("name", Type::Text), optional("options", Type::Map)];
const LISTED: &[Param] = &[param("kind", Type::Text), optional("options", Type::Map)];
const OBJECT: &[Param] = &[param("object", Type::MapOrNothing)];

pub(super) const SECTION: Section<Session> = Section {
    name: "cluster",
    summary: "Reading objects of the cluster. A kind is named as for kubectl: `deploy`, `Deployment`, `Deployment.apps`, `Cluster.postgresql.cnpg.io`. \
              A name may be `namespace/name`, or the namespace an option; without, it is the initiative's own (`o.namespace`).",
    handle: None,
    functions: &[
        function("get", NAMED, "map", "One object. Option: `namespace`.", get)
            .errors(GETS)
            .example("cluster::get(\"deploy\", \"hive-metastore\").status.readyReplicas", "1"),
        function("find", NAMED, "map or ()", "One object, or `()` when it does not exist. Option: `namespace`.", find)
            .errors(READS)
            .example("cluster::find(\"Service\", \"storage/absent\")", "()"),
        function("exists", NAMED, "bool", "Whether an object exists. Option: `namespace`.", exists)
            .errors(READS)
            .example("cluster::exists(\"Namespace\", \"storage\")", "true"),
        function(
            "list",
            LISTED,
            "array",
            "Objects of a kind; the server chooses. Options: `namespace`, `all_namespaces: true`, `labels` and `fields` (selectors). No more than 5,000.",
            list,
        )
        .errors(READS)
        .example("cluster::list(\"pod\", #{ labels: \"app.kubernetes.io/name=hive-metastore\" }).map(|p| p.metadata.name)", "[\"hive-metastore-7c9f\"]"),
        function("list_if_served", LISTED, "array", "As `list`; none where the server does not serve the kind at all.", list_if_served)
            .errors(&[Code::Forbidden, Code::Denied, Code::Unavailable, Code::Timeout])
            .example("cluster::list_if_served(\"ObjectBucketClaim.objectbucket.io\", #{ all_namespaces: true })", "[]"),
        function(
            "condition",
            &[param("object", Type::MapOrNothing), param("type", Type::Text)],
            "map or ()",
            "A condition of an object: `#{status, reason, message, since, is_true}`.",
            condition,
        )
        .example("cluster::condition(cluster::get(\"deploy\", \"hive-metastore\"), \"Available\").is_true", "true"),
        function(
            "health",
            OBJECT,
            "map",
            "Whether an object is ready, by the rules of its kind: `#{ready, known, reason}`; `known` is false where it does not say.",
            health_of,
        )
        .example("cluster::health(#{ kind: \"Job\", apiVersion: \"batch/v1\", metadata: #{ name: \"a\" }, status: #{ succeeded: 1, conditions: [#{ type: \"Complete\", status: \"True\" }] } }).ready", "true"),
        function("is_ready", OBJECT, "bool", "Whether an object is ready; `()` is not.", is_ready)
            .example("cluster::is_ready(())", "false"),
        function("events", &[param("object", Type::Map)], "array", "Events of an object, oldest first: `#{at, warning, reason, message, count, source}`.", events)
            .errors(READS)
            .example("cluster::events(cluster::get(\"deploy\", \"hive-metastore\")).len()", "0"),
        function(
            "logs",
            &[param("pod", Type::Any), optional("options", Type::Map)],
            "text",
            "The log of a pod, given as an object or by name. Options: `namespace`, `container`, `previous: true`, `tail` (lines).",
            logs,
        )
        .errors(GETS)
        .example("cluster::logs(\"hive-metastore-7c9f\", #{ tail: 1 })", "\"Started\\n\""),
        function(
            "why",
            &[param("object", Type::Any)],
            "text",
            "Why an object (or several, or one named `deploy/name`) is not ready: conditions, owned objects down to pods, events, last log lines.",
            explain,
        )
        .errors(GETS)
        .example("cluster::why(\"deploy/hive-metastore\").contains(\"Deployment data-platform/hive-metastore\")", "true"),
        function(
            "can_i",
            &[param("verb", Type::Text), param("kind", Type::Text), optional("options", Type::Map)],
            "bool",
            "Whether we may do `verb` on a kind, or on a subresource (`pods/log`). Option: `namespace`; without, in all of them.",
            can_i,
        )
        .errors(READS)
        .example("cluster::can_i(\"get\", \"pods/log\", #{ namespace: \"data-platform\" })", "true"),
        function("version", &[], "text", "Version of the API server.", version)
            .errors(&[Code::Forbidden, Code::Denied, Code::Unavailable, Code::Timeout])
            .example("cluster::version()", "\"v1.34.0\""),
    ],
};

pub(super) const GLOBAL: Section<Session> = Section {
    name: "",
    summary: "Shorthands.",
    handle: None,
    functions: &[function("why", &[param("object", Type::Any)], "text", "The same as `cluster::why`.", explain)
        .errors(GETS)
        .example("why(\"deploy/data-platform/hive-metastore\").contains(\"ready\")", "true")],
};

/// Namespace and name of an object that a script names.
fn named(session: &Session, call: &Call<'_>) -> Result<(String, String)> {
    let options = call.options(2, &["namespace"])?;
    let name = call.text(1);
    if let Some((namespace, name)) = name.split_once('/') {
        return Ok((namespace.to_owned(), name.to_owned()));
    }
    Ok((namespace(session, &options)?, name))
}

fn namespace(session: &Session, options: &Options) -> Result<String> {
    Ok(options.text("namespace")?.filter(|ns| !ns.is_empty()).unwrap_or_else(|| session.namespace().to_owned()))
}

fn found(session: &Session, call: &Call<'_>) -> Result<Option<Value>> {
    let (namespace, name) = named(session, call)?;
    let kind = call.text(0);
    let cluster = session.host.cluster()?;
    let (found, kind) = session.host.bridge().block(async {
        let kind = cluster.kind(&kind).await?;
        Ok((cluster.find(&kind, Some(&namespace), &name).await?, kind))
    })?;
    let label =
        if kind.namespaced { format!("{} {namespace}/{name}", kind.kind) } else { format!("{} {name}", kind.kind) };
    session.read(format!("get {label}"));
    session.missed(found.is_none().then_some(label));
    Ok(found)
}

fn get(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let (namespace, name) = named(session, call)?;
    let kind = call.text(0);
    let cluster = session.host.cluster()?;
    let object = session.host.bridge().block(cluster.get(&kind, Some(&namespace), &name))?;
    session.read(format!("get {}", object_ref(&object)));
    Ok(to_dynamic(&object))
}

fn find(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    Ok(found(session, call)?.as_ref().map_or(Dynamic::UNIT, to_dynamic))
}

fn exists(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    Ok(found(session, call)?.is_some().into())
}

fn list(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(1, &["namespace", "all_namespaces", "labels", "fields"])?;
    let everywhere = options.boolean("all_namespaces")?.unwrap_or(false);
    let query = Query {
        namespace: if everywhere { None } else { Some(namespace(session, &options)?) },
        labels: options.text("labels")?,
        fields: options.text("fields")?,
        limit: u32::try_from(MOST + 1).ok(),
    };
    let kind = call.text(0);
    let cluster = session.host.cluster()?;
    let objects = session.host.bridge().block(cluster.list(&kind, &query))?;
    let within = query.namespace.as_deref().map_or("all namespaces".to_owned(), |ns| format!("namespace {ns}"));
    let mut chosen = String::new();
    for selector in query.labels.iter().chain(&query.fields) {
        chosen.push_str(", ");
        chosen.push_str(selector);
    }
    session.read(format!("list {kind} in {within}{chosen}"));
    if objects.len() > MOST {
        return Err(Error::new(Code::Invalid, format!("more than {MOST} objects of kind {kind} in {within}{chosen}"))
            .hint("Let the server choose: options `labels`, `fields`, `namespace`"));
    }
    Ok(Dynamic::from_array(objects.iter().map(to_dynamic).collect()))
}

fn list_if_served(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    match list(session, call) {
        Err(error) if error.code() == Code::UnknownKind => Ok(Dynamic::from_array(Vec::new())),
        other => other,
    }
}

fn condition(_: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let found = health::condition(&call.json(0)?, &call.text(1));
    Ok(found.map_or(Dynamic::UNIT, |c| {
        to_dynamic(&json!({
            "status": c.status, "reason": c.reason, "message": c.message, "since": c.since, "is_true": c.is_true(),
        }))
    }))
}

fn health_of(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let object = call.json(0)?;
    if object.is_null() {
        let what = session.absent().unwrap_or_else(|| "it".into());
        return Ok(to_dynamic(&json!({ "ready": false, "known": true, "reason": format!("{what} does not exist") })));
    }
    let readiness = health::readiness(&object);
    let known = !matches!(readiness, Readiness::Unknown(_));
    Ok(to_dynamic(&json!({ "ready": readiness.is_ready(), "known": known, "reason": readiness.reason() })))
}

fn is_ready(_: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let object = call.json(0)?;
    Ok((!object.is_null() && health::is_ready(&object)).into())
}

fn events(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let object = object_ref(&call.json(0)?);
    let cluster = session.host.cluster()?;
    let events = session.host.bridge().block(cluster.events(&object))?;
    session.read(format!("events of {object}"));
    let all = events.into_iter().map(|e| {
        to_dynamic(&json!({
            "at": e.at, "warning": e.warning, "reason": e.reason, "message": e.message, "count": e.count, "source": e.source,
        }))
    });
    Ok(Dynamic::from_array(all.collect()))
}

fn logs(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(1, &["namespace", "container", "previous", "tail"])?;
    let pod = call.any(0);
    let (namespace, name) = if pod.is_map() {
        let pod = object_ref(&call.json(0)?);
        (pod.namespace.unwrap_or_else(|| session.namespace().to_owned()), pod.name)
    } else if let Some((namespace, name)) = call.text(0).split_once('/') {
        (namespace.to_owned(), name.to_owned())
    } else if pod.is_string() {
        (namespace(session, &options)?, call.text(0))
    } else {
        return Err(Error::new(
            Code::Invalid,
            format!("`{}`: a pod or its name is wanted, and this is {}", call.name(), kind(&pod)),
        ));
    };
    let container = options.text("container")?;
    let previous = options.boolean("previous")?.unwrap_or(false);
    let tail = options.integer("tail")?.and_then(|n| u32::try_from(n).ok());
    let cluster = session.host.cluster()?;
    let log = session.host.bridge().block(cluster.logs(&namespace, &name, container.as_deref(), previous, tail))?;
    session.read(format!("log of Pod {namespace}/{name}"));
    Ok(log.into())
}

fn explain(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let cluster = session.host.cluster()?;
    let bridge = session.host.bridge();
    let target = call.any(0);
    if target.is_string() {
        let lines = bridge.block(why::why_named(cluster, &call.text(0), Some(session.namespace())))?;
        return Ok(lines.join("\n").into());
    }
    let objects = match call.json(0)? {
        Value::Array(objects) => objects,
        Value::Null => {
            let what = session.absent().unwrap_or_else(|| "it".into());
            return Ok(format!("{what} does not exist").into());
        }
        object => vec![object],
    };
    if objects.is_empty() {
        return Ok("there is none".into());
    }
    let mut lines = Vec::new();
    for object in objects.iter().filter(|o| !health::is_ready(o)).take(3) {
        lines.extend(bridge.block(why::why(cluster, object))?);
    }
    if lines.is_empty() {
        for object in objects.iter().take(3) {
            lines.extend(bridge.block(why::why(cluster, object))?);
        }
    }
    Ok(lines.join("\n").into())
}

fn can_i(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(2, &["namespace"])?;
    let namespace = options.text("namespace")?.filter(|ns| !ns.is_empty());
    let (verb, wanted) = (call.text(0), call.text(1));
    let cluster = session.host.cluster()?;
    let (kind, subresource) = match wanted.split_once('/') {
        Some((kind, subresource)) => (kind.to_owned(), Some(subresource.to_owned())),
        None => (wanted, None),
    };
    let access = session.host.bridge().block(async {
        let kind = cluster.kind(&kind).await?;
        let namespace = namespace.as_deref().filter(|_| kind.namespaced);
        cluster.can_i(&verb, &kind.group, &kind.plural, namespace, None, subresource.as_deref()).await
    })?;
    Ok(access.allowed.into())
}

fn version(session: &Arc<Session>, _: &mut Call<'_>) -> Result<Dynamic> {
    let cluster = session.host.cluster()?;
    Ok(session.host.bridge().block(cluster.server_version())?.into())
}
