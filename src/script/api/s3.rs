//! `probe::s3`: a signed client of one bucket. Every key that is written is registered first.

use std::any::TypeId;
use std::sync::Arc;

use rhai::Dynamic;
use serde_json::{Value, json};

use crate::error::{Code, Error, Result};
use crate::probe::Timed;
use crate::probe::s3::{Client, Options as Signer};
use crate::script::call::Call;
use crate::script::profile::Profiles;
use crate::script::registry::{Function, HandleType, Param, Section, Type, function, param};
use crate::script::value::to_dynamic;

use super::reach::{connector, limit, namespace, one_of, port, secret};
use super::session::Session;

/// The largest object that a script may write: a proof is no load test.
const LARGEST: i64 = 1 << 28;

/// A client of one bucket.
#[derive(Clone)]
pub(super) struct S3Handle(Arc<Client>);

const KEY: &[Param] = &[param("key", Type::Text)];
const WRITE: &[Param] = &[param("key", Type::Text), param("text", Type::Text)];
const CALLS: &[Code] = &[Code::NotFound, Code::Forbidden, Code::Denied, Code::Unavailable, Code::Timeout, Code::Failed];

macro_rules! open {
    ($call:literal) => {
        concat!("probe::s3(#{ bucket: \"tables\", access_key: \"AK\", secret_key: \"SK\" })", $call)
    };
}

const fn method(
    name: &'static str,
    params: &'static [Param],
    summary: &'static str,
    run: fn(&Arc<Session>, &mut Call<'_>) -> Result<Dynamic>,
) -> Function<Session> {
    function(name, params, "map", summary, run).method().only(Profiles::VALIDATE).errors(CALLS)
}

pub(super) const S3: Section<Session> = Section {
    name: "S3",
    summary: "A client that `probe::s3` opened. Every call gives a map with `elapsed` (seconds). It writes and deletes only below \
              `s3.lifecycle.scratch_prefix` of the settings, and whatever it wrote is removed when the validation ends.",
    handle: Some(HandleType {
        id: TypeId::of::<S3Handle>,
        register: |engine| {
            engine.register_type_with_name::<S3Handle>("S3");
        },
    }),
    functions: &[
        method("put", WRITE, "Writes an object: `#{etag, elapsed}`.", put).example(open!(".put(\"scratch/b\", \"hello\").etag.len() > 0"), "true"),
        method("put_bytes", &[param("key", Type::Text), param("size", Type::Integer)], "Writes `size` bytes of known content: `#{etag, size, elapsed}`.", put_bytes)
            .example(open!(".put_bytes(\"scratch/big\", 1000).size"), "1000"),
        method("put_if_absent", WRITE, "Writes an object unless there is one already (`If-None-Match: *`): `#{written, elapsed}`.", put_if_absent)
            .example(open!(".put_if_absent(\"scratch/once\", \"first\").written"), "true"),
        method("get", KEY, "Reads an object as text: `#{value, size, elapsed}`.", get).errors(CALLS).example(open!(".get(\"seed\").value"), "\"seeded\""),
        method("get_bytes", KEY, "Reads an object without handing out its content: `#{size, elapsed}`.", get_bytes).example(open!(".get_bytes(\"seed\").size"), "6"),
        method(
            "get_range",
            &[param("key", Type::Text), param("from", Type::Integer), param("to", Type::Integer)],
            "Reads the bytes `from` to `to`, both included, as text: `#{value, size, elapsed}`.",
            get_range,
        )
        .example(open!(".get_range(\"seed\", 1, 3).value"), "\"eed\""),
        method("head", KEY, "Size and tag of an object: `#{size, etag, content_type, last_modified, elapsed}`.", head).example(open!(".head(\"seed\").size"), "6"),
        method("list", &[param("prefix", Type::Text)], "Objects under a prefix: `#{keys, objects: [#{key, size, etag}], elapsed}`.", list)
            .example(open!(".list(\"se\").keys"), "[\"seed\"]"),
        method("delete", KEY, "Deletes an object; one that is not there is no error: `#{elapsed}`.", delete).example(open!(".delete(\"scratch/gone\").elapsed < 5.0"), "true"),
        method("delete_prefix", &[param("prefix", Type::Text)], "Deletes every object under a prefix: `#{count, elapsed}`.", delete_prefix)
            .example(open!(".delete_prefix(\"scratch/nothing/\").count"), "0"),
        method(
            "multipart",
            &[param("key", Type::Text), param("parts", Type::Integer), param("part_size", Type::Integer)],
            "Writes an object in parts (of at least 5 MiB, save the last): `#{size, etag, elapsed}`.",
            multipart,
        )
        .example(open!(".multipart(\"scratch/parts\", 2, 5242880).size"), "10485760"),
        method(
            "lifecycle",
            &[],
            "The bucket's rules: `#{rules: [#{id, enabled, prefix, abort_multipart_days, expire_days}], elapsed}`; days are `()` where a rule has none.",
            lifecycle,
        )
        .example(open!(".lifecycle().rules"), "[#{ id: \"drop\", enabled: true, prefix: \"scratch/\", abort_multipart_days: 7, expire_days: 1 }]"),
    ],
};

pub(super) fn open(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let known = &["bucket", "target", "port", "namespace", "secret", "access_key", "secret_key", "region", "limit"];
    let options = call.options(0, known)?;
    let needed = |name: &str| Error::new(Code::Invalid, format!("`{}` needs the option `{name}`", call.name()));
    let bucket = options.text("bucket")?.ok_or_else(|| needed("bucket"))?;
    let namespace = namespace(session, &options)?;
    let given = (options.text("access_key")?, options.text("secret_key")?);
    let (access_key, secret_key) = if let (Some(access), Some(secret)) = given {
        (access, secret)
    } else {
        let name = options.text("secret")?.ok_or_else(|| needed("secret"))?;
        let data = secret(session, &name, &namespace)?;
        (
            one_of(&data, &name, &["AccessKey", "AWS_ACCESS_KEY_ID"])?,
            one_of(&data, &name, &["SecretKey", "AWS_SECRET_ACCESS_KEY"])?,
        )
    };
    let target =
        options.text("target")?.unwrap_or_else(|| format!("svc/{}", session.host.setting("/storage/rgw_service")));
    let connector = connector(session, "/endpoints/s3", &namespace, &target, port(&options, 80)?)?;
    let mut signer = Signer::new(&access_key, &secret_key);
    signer.limit = limit(&options)?;
    signer.region = options.text("region")?.unwrap_or_else(|| session.host.setting("/storage/region").to_owned());
    session.host.progress().say(&format!("S3 on {connector}, bucket {bucket}"));
    Ok(Dynamic::from(S3Handle(Arc::new(Client::new(connector, &bucket, &signer)?))))
}

/// Refuses to write or delete anything but scratch objects: a bucket holds people's data.
fn only_scratch(session: &Session, call: &Call<'_>) -> Result<String> {
    let (key, prefix) = (call.text(0), session.host.setting("/s3/lifecycle/scratch_prefix"));
    if prefix.is_empty() || !key.starts_with(prefix) {
        let error = Error::new(Code::Denied, format!("`{}`: `{key}` is no scratch object", call.name()));
        return Err(error
            .hint(format!("Probes write and delete only below `{prefix}` (s3.lifecycle.scratch_prefix in dpb.yaml)")));
    }
    Ok(key)
}

/// The client, once the key that is about to be written is registered.
fn writing(session: &Session, call: &Call<'_>) -> Result<(Arc<Client>, String)> {
    let client = call.handle::<S3Handle>()?.0;
    let key = only_scratch(session, call)?;
    let (same, gone) = (Arc::clone(&client), key.clone());
    session.host.scratch().intend(format!("object {key} in bucket {}", client.bucket()), move || {
        Box::pin(async move {
            same.abort_uploads(&gone).await?;
            same.delete(&gone).await.map(|_| ())
        })
    })?;
    Ok((client, key))
}

fn answer<T>(timed: &Timed<T>, mut map: Value) -> Dynamic {
    map["elapsed"] = timed.seconds().into();
    to_dynamic(&map)
}

fn size(call: &Call<'_>, i: usize) -> Result<usize> {
    let given = call.integer(i).unwrap_or_default();
    if !(0..=LARGEST).contains(&given) {
        return Err(Error::new(
            Code::Invalid,
            format!("`{}`: {given} bytes; from 0 to {LARGEST} can be written", call.name()),
        ));
    }
    usize::try_from(given).map_err(|_| Error::new(Code::Invalid, format!("`{}`: {given} bytes", call.name())))
}

fn put(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let (client, key) = writing(session, call)?;
    let done = session.host.bridge().block(client.put(&key, call.text(1)))?;
    Ok(answer(&done, json!({ "etag": done.value.etag })))
}

fn put_bytes(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let size = size(call, 1)?;
    let content: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).unwrap_or(0)).collect();
    let (client, key) = writing(session, call)?;
    let done = session.host.bridge().block(client.put(&key, content))?;
    Ok(answer(&done, json!({ "etag": done.value.etag, "size": size })))
}

fn put_if_absent(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let (client, key) = writing(session, call)?;
    let done = session.host.bridge().block(client.put_if_absent(&key, call.text(1)))?;
    Ok(answer(&done, json!({ "written": done.value })))
}

fn get(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let client = call.handle::<S3Handle>()?.0;
    let done = session.host.bridge().block(client.get(&call.text(0)))?;
    Ok(answer(&done, json!({ "value": String::from_utf8_lossy(&done.value), "size": done.value.len() })))
}

fn get_bytes(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let client = call.handle::<S3Handle>()?.0;
    let done = session.host.bridge().block(client.get(&call.text(0)))?;
    Ok(answer(&done, json!({ "size": done.value.len() })))
}

fn get_range(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let client = call.handle::<S3Handle>()?.0;
    let end = |i: usize| {
        let given = call.integer(i).unwrap_or_default();
        u64::try_from(given)
            .map_err(|_| Error::new(Code::Invalid, format!("`{}`: {given} is no position", call.name())))
    };
    let done = session.host.bridge().block(client.get_range(&call.text(0), end(1)?, end(2)?))?;
    Ok(answer(&done, json!({ "value": String::from_utf8_lossy(&done.value), "size": done.value.len() })))
}

fn head(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let client = call.handle::<S3Handle>()?.0;
    let done = session.host.bridge().block(client.head(&call.text(0)))?;
    let head = &done.value;
    let map = json!({
        "size": head.size, "etag": head.etag, "content_type": head.content_type, "last_modified": head.last_modified,
    });
    Ok(answer(&done, map))
}

fn list(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let client = call.handle::<S3Handle>()?.0;
    let done = session.host.bridge().block(client.list(&call.text(0)))?;
    let keys: Vec<&str> = done.value.iter().map(|o| o.key.as_str()).collect();
    let objects: Vec<Value> =
        done.value.iter().map(|o| json!({ "key": o.key, "size": o.size, "etag": o.etag })).collect();
    Ok(answer(&done, json!({ "keys": keys, "objects": objects })))
}

fn delete(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let client = call.handle::<S3Handle>()?.0;
    let done = session.host.bridge().block(client.delete(&only_scratch(session, call)?))?;
    Ok(answer(&done, json!({})))
}

fn delete_prefix(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let client = call.handle::<S3Handle>()?.0;
    let prefix = only_scratch(session, call)?;
    let (listed, deleted) = session.host.bridge().block(async {
        let listed = client.list(&prefix).await?;
        let keys: Vec<String> = listed.value.iter().map(|o| o.key.clone()).collect();
        let deleted = client.delete_many(&keys).await?;
        Ok((listed, deleted))
    })?;
    Ok(answer(&deleted, json!({ "count": listed.value.len() })))
}

fn multipart(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let part_size = size(call, 2)?;
    let parts = u16::try_from(call.integer(1).unwrap_or_default()).ok().filter(|p| (1..=100).contains(p));
    let parts = parts
        .ok_or_else(|| Error::new(Code::Invalid, format!("`{}`: from 1 to 100 parts can be written", call.name())))?;
    let (client, key) = writing(session, call)?;
    let done = session.host.bridge().block(client.multipart(&key, parts, part_size))?;
    Ok(answer(&done, json!({ "size": done.value.size, "etag": done.value.etag })))
}

fn lifecycle(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let client = call.handle::<S3Handle>()?.0;
    let done = session.host.bridge().block(client.lifecycle())?;
    let rules = done.value.as_ref().and_then(|all| all["Rules"].as_array()).map(Vec::as_slice).unwrap_or_default();
    let rules: Vec<Value> = rules.iter().map(rule).collect();
    Ok(answer(&done, json!({ "rules": rules })))
}

/// A rule as scripts compare it; its prefix stands in one of three places.
fn rule(rule: &Value) -> Value {
    let prefix = ["/Filter/Prefix", "/Filter/And/Prefix", "/Prefix"]
        .iter()
        .find_map(|p| rule.pointer(p).and_then(Value::as_str));
    json!({
        "id": rule["ID"].as_str().unwrap_or_default(),
        "enabled": rule["Status"] == "Enabled",
        "prefix": prefix.unwrap_or_default(),
        "abort_multipart_days": rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"],
        "expire_days": rule["Expiration"]["Days"],
    })
}
