//! `probe`: proofs by use, in a validation only. Whatever a probe makes is registered first, and removed by the host.

use std::any::TypeId;
use std::sync::Arc;
use std::time::Duration;

use rhai::Dynamic;
use serde_json::{Value, json};

use crate::cluster::Delete;
use crate::error::{Code, Error, Result};
use crate::manifest::yaml::document;
use crate::probe::sql::{Login, Rows};
use crate::probe::{self, Timed, sql, thrift};
use crate::script::call::Call;
use crate::script::profile::Profiles;
use crate::script::registry::{HandleType, Section, Type, function, optional, param};
use crate::script::value::to_dynamic;

use super::reach::{connector, limit, namespace, one_of, port, secret, to_port};
use super::s3;
use super::session::Session;

/// How long a job may take, unless the script says otherwise.
const JOB_LIMIT: Duration = Duration::from_mins(10);

const CALLS: &[Code] =
    &[Code::NotFound, Code::NotReady, Code::Forbidden, Code::Denied, Code::Unavailable, Code::Timeout, Code::Failed];

pub(super) const SECTION: Section<Session> = Section {
    name: "probe",
    summary: "Proofs by use, in a validation only. Times are seconds, without opening the connection. What a probe makes is registered before it is made, and \
              removed by the host whatever happens. An address in the settings (`endpoints`) takes the place of a port-forward.",
    handle: None,
    functions: &[
        function(
            "s3",
            &[param("options", Type::Map)],
            "S3",
            "A signed S3 client of one bucket. Options: `bucket`, `target` (`svc/NAME`), `port`, `namespace`, and `secret` (`namespace/name`, with AccessKey/SecretKey \
             or AWS_ACCESS_KEY_ID/AWS_SECRET_ACCESS_KEY) or `access_key` and `secret_key`; `region`, `limit`.",
            s3::open,
        )
        .only(Profiles::VALIDATE)
        .errors(CALLS)
        .example("probe::s3(#{ bucket: \"tables\", access_key: \"AK\", secret_key: \"SK\" }).put(\"scratch/b\", \"hello\").elapsed < 5.0", "true"),
        function(
            "sql",
            &[param("target", Type::Text), param("query", Type::Text), optional("options", Type::Map)],
            "Sql",
            "Runs a query on PostgreSQL. `target` is a CloudNativePG cluster (its service `NAME-rw` and secret `NAME-app`) or `svc/NAME`. Options: `secret` (with username, \
             password, dbname), `database`, `user`, `password`, `namespace`, `port`, `limit`.",
            query,
        )
        .only(Profiles::VALIDATE)
        .errors(CALLS)
        .example("probe::sql(\"hive-metastore-db\", \"SELECT \\\"SCHEMA_VERSION\\\" FROM \\\"VERSION\\\"\", #{ user: \"app\", password: \"secret\", database: \"app\" }).value()", "\"4.0.0\""),
        function(
            "thrift",
            &[
                param("target", Type::Text),
                param("port", Type::Integer),
                param("method", Type::Text),
                optional("arguments", Type::Array),
                optional("options", Type::Map),
            ],
            "map",
            "Calls a method of a Hive Metastore: `#{value, elapsed}`. Options: `namespace`, `limit`.",
            call_thrift,
        )
        .only(Profiles::VALIDATE)
        .errors(CALLS)
        .example("probe::thrift(\"svc/hive-metastore\", 9083, \"get_all_databases\").value.contains(\"default\")", "true"),
        function(
            "http",
            &[param("target", Type::Text), param("path", Type::Text), optional("options", Type::Map)],
            "map",
            "GETs a path of a service (`svc/NAME:PORT`) through the API server's proxy: `#{status, body, elapsed}`; any status is an answer. Options: `port`, `namespace`, `limit`.",
            http,
        )
        .only(Profiles::VALIDATE)
        .errors(CALLS)
        .example("probe::http(\"svc/trino:8080\", \"/v1/info\").body.contains(\"starting\")", "true"),
        function(
            "job",
            &[param("job", Type::Any), optional("options", Type::Map)],
            "map",
            "Runs a Job (a manifest as a map, or a template that renders to one) to its end and removes it: `#{succeeded, log, reason, elapsed}`. Options: `vars`, `limit`.",
            job,
        )
        .only(Profiles::VALIDATE)
        .errors(CALLS)
        .example("probe::job(#{ apiVersion: \"batch/v1\", kind: \"Job\", metadata: #{ name: \"probe-a\" }, spec: #{} }).succeeded", "true"),
        function(
            "exec",
            &[param("target", Type::Text), param("command", Type::Array), optional("options", Type::Map)],
            "map",
            "Runs a command in a container of a ready pod (`deploy/NAME`, `pod/NAME`): `#{succeeded, code, stdout, stderr, elapsed}`. Options: `container`, `namespace`, `limit`.",
            exec,
        )
        .only(Profiles::VALIDATE)
        .errors(CALLS)
        .example("probe::exec(\"deploy/hive-metastore\", [\"cat\", \"/etc/hostname\"]).stdout.starts_with(\"hive-metastore\")", "true"),
        function("scratch", &[param("prefix", Type::Text)], "text", "A name that no other run uses, for scratch objects.", scratch)
            .only(Profiles::VALIDATE)
            .example("probe::scratch(\"s3\").starts_with(\"s3-\")", "true"),
    ],
};

/// The answer of a query.
#[derive(Clone)]
pub(super) struct Sql(Arc<Timed<Rows>>);

pub(super) const SQL: Section<Session> = Section {
    name: "Sql",
    summary: "The answer of `probe::sql`. Values are text, as PostgreSQL writes them; NULL is `()`.",
    handle: Some(HandleType {
        id: TypeId::of::<Sql>,
        register: |engine| {
            engine.register_type_with_name::<Sql>("Sql");
        },
    }),
    functions: &[
        function("value", &[], "text or ()", "First column of the first row.", |_, call| {
            Ok(call.handle::<Sql>()?.0.value.value().map_or(Dynamic::UNIT, |text| text.to_owned().into()))
        })
        .method()
        .only(Profiles::VALIDATE)
        .example("probe::sql(\"db\", \"select 1\", #{ user: \"app\", password: \"secret\", database: \"app\" }).value()", "\"1\""),
        function("rows", &[], "array", "Rows, as maps by column name.", |_, call| Ok(rows(&call.handle::<Sql>()?.0.value)))
            .method()
            .only(Profiles::VALIDATE)
            .example("probe::sql(\"db\", \"select 1\", #{ user: \"app\", password: \"secret\", database: \"app\" }).rows().len()", "1"),
        function("elapsed", &[], "number", "Seconds that the query took.", |_, call| Ok(call.handle::<Sql>()?.0.seconds().into()))
            .property()
            .only(Profiles::VALIDATE)
            .example("probe::sql(\"db\", \"select 1\", #{ user: \"app\", password: \"secret\", database: \"app\" }).elapsed < 5.0", "true"),
    ],
};

fn rows(all: &Rows) -> Dynamic {
    let row = |values: &Vec<Option<String>>| {
        let fields = all.columns.iter().zip(values).map(|(column, value)| (column.clone(), json!(value)));
        to_dynamic(&Value::Object(fields.collect()))
    };
    Dynamic::from_array(all.rows.iter().map(row).collect())
}

fn query(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(2, &["secret", "database", "user", "password", "namespace", "port", "limit"])?;
    let namespace = namespace(session, &options)?;
    let given = call.text(0);
    let (target, own_secret) = match given.split_once('/') {
        Some(_) => (given.clone(), None),
        None => (format!("svc/{given}-rw"), Some(format!("{given}-app"))),
    };
    let (user, password, mut database) = (options.text("user")?, options.text("password")?, options.text("database")?);
    let (user, password) = if let (Some(user), Some(password)) = (user, password) {
        (user, password)
    } else {
        let name = options.text("secret")?.or(own_secret).ok_or_else(|| {
            Error::new(Code::Invalid, "`probe::sql` needs the option `secret`")
                .hint("Name the Secret that holds username and password")
        })?;
        let data = secret(session, &name, &namespace)?;
        if database.is_none() {
            database = data.get("dbname").and_then(Value::as_str).map(str::to_owned);
        }
        (one_of(&data, &name, &["username", "user"])?, one_of(&data, &name, &["password"])?)
    };
    let login = Login { user, password, database: database.unwrap_or_else(|| "postgres".into()) };
    let connector = connector(session, "/endpoints/sql", &namespace, &target, port(&options, 5432)?)?;
    session.host.progress().say(&format!("SQL on {connector}"));
    let answer = session.host.bridge().block(sql::query(&connector, &login, &call.text(1), limit(&options)?))?;
    Ok(Dynamic::from(Sql(Arc::new(answer))))
}

fn call_thrift(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(4, &["namespace", "limit"])?;
    let namespace = namespace(session, &options)?;
    let port = to_port(call.integer(1).unwrap_or_default())?;
    let arguments = match call.json(3)? {
        Value::Array(arguments) => arguments,
        _ => Vec::new(),
    };
    let (target, method) = (call.text(0), call.text(2));
    let connector = connector(session, "/endpoints/thrift", &namespace, &target, port)?;
    session.host.progress().say(&format!("thrift {method} on {connector}"));
    let answer = session.host.bridge().block(thrift::call(&connector, &method, &arguments, limit(&options)?))?;
    Ok(to_dynamic(&json!({ "value": answer.value, "elapsed": answer.seconds() })))
}

fn http(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(2, &["port", "namespace", "limit"])?;
    let given = call.text(0);
    let (target, port) = if let Some((target, port)) = given.rsplit_once(':') {
        (target.to_owned(), port.to_owned())
    } else {
        let port = options.get("port").map(ToString::to_string).ok_or_else(|| {
            Error::new(Code::Invalid, format!("`{}`: no port; write svc/NAME:PORT, or the option `port`", call.name()))
        })?;
        (given, port)
    };
    let namespace = namespace(session, &options)?;
    let cluster = session.host.cluster()?;
    let answer = session.host.bridge().block(probe::get(
        cluster,
        &namespace,
        &target,
        &port,
        &call.text(1),
        limit(&options)?,
    ))?;
    Ok(to_dynamic(&json!({ "status": answer.value.status, "body": answer.value.body, "elapsed": answer.seconds() })))
}

fn job(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(1, &["vars", "limit"])?;
    let mut manifest = match call.json(0)? {
        Value::String(template) => {
            let text = session.render(&template, None, options.json("vars")?.unwrap_or_default())?;
            document(&text, &template)?
        }
        Value::Object(map) => Value::Object(map),
        _ => {
            return Err(Error::new(
                Code::Invalid,
                format!("`{}`: a manifest or the name of a template is wanted", call.name()),
            ));
        }
    };
    if !manifest["metadata"].is_object() {
        manifest["metadata"] = json!({});
    }
    let metadata = &mut manifest["metadata"];
    if metadata["namespace"].is_null() {
        metadata["namespace"] = session.namespace().into();
    }
    if metadata["name"].is_null() {
        metadata["name"] = probe::scratch("probe").into();
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (namespace, name) = (text(&metadata["namespace"]), text(&metadata["name"]));
    let cluster = session.host.cluster()?.clone();
    let remover = (cluster.clone(), namespace.clone(), name.clone());
    session.host.scratch().intend(format!("Job {namespace}/{name}"), move || {
        Box::pin(async move {
            let (cluster, namespace, name) = remover;
            cluster.delete("Job.batch", Some(&namespace), &name, &Delete::default()).await.map(|_| ())
        })
    })?;
    let limit = options.time("limit")?.unwrap_or(JOB_LIMIT);
    let ended = session.host.bridge().block(probe::run_job(&cluster, &manifest, limit, session.host.progress()))?;
    Ok(to_dynamic(&json!({
        "succeeded": ended.value.succeeded, "log": ended.value.log, "reason": ended.value.reason, "elapsed": ended.seconds(),
    })))
}

fn exec(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(2, &["container", "namespace", "limit"])?;
    let namespace = namespace(session, &options)?;
    let command: Vec<String> = call.any(1).into_typed_array::<String>().map_err(|_| {
        Error::new(Code::Invalid, format!("`{}`: argument `command`: an array of texts is wanted", call.name()))
    })?;
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let container = options.text("container")?;
    let cluster = session.host.cluster()?;
    let target = call.text(0);
    let work = probe::exec(cluster, &namespace, &target, container.as_deref(), &words, limit(&options)?);
    let ended = session.host.bridge().block(work)?;
    Ok(to_dynamic(&json!({
        "succeeded": ended.value.succeeded, "code": ended.value.code, "stdout": ended.value.stdout, "stderr": ended.value.stderr,
        "elapsed": ended.seconds(),
    })))
}

fn scratch(_: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    Ok(probe::scratch(&call.text(0)).into())
}
