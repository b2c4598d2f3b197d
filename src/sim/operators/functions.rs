//! The methods of `world`, described where they are registered.

use std::any::TypeId;
use std::time::Duration;

use rhai::Dynamic;
use serde_json::{Value, json};

use super::world::{Handle, World, now};
use crate::error::{Code, Error, Result};
use crate::script::call::Call;
use crate::script::options::duration;
use crate::script::profile::Profiles;
use crate::script::registry::{Example, Function, HandleType, Param, Registry, Section, Shape, Type, optional, param};
use crate::script::value::to_dynamic;

/// All that a simulated operator may call.
pub static REGISTRY: Registry<World> = Registry { sections: &[&WORLD] };

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const CAPITALS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const SMALL: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

type Run = fn(&std::sync::Arc<World>, &mut Call<'_>) -> Result<Dynamic>;

const fn method(
    name: &'static str,
    params: &'static [Param],
    returns: &'static str,
    summary: &'static str,
    example: &'static str,
    run: Run,
) -> Function<World> {
    Function {
        name,
        shape: Shape::Method,
        params,
        returns,
        summary,
        errors: &[],
        example: Example { script: example, gives: "" },
        profiles: Profiles::ALL,
        run,
    }
}

const WORLD: Section<World> = Section {
    name: "World",
    summary: "What a simulated operator sees and does while it looks at one object.",
    handle: Some(HandleType {
        id: TypeId::of::<Handle>,
        register: |engine| {
            engine.register_type_with_name::<Handle>("World");
        },
    }),
    functions: &[
        method(
            "own",
            &[param("object", Type::Map)],
            "map",
            "Sees to it that an object exists as given, owned by the one looked at: it goes when that goes, and a change of it is a reason to look again. `apiVersion` and `namespace` may be left out.",
            r#"world.own(#{ kind: "ConfigMap", metadata: #{ name: "a" }, data: #{ key: "value" } })"#,
            |world, call| Ok(to_dynamic(&world.apply(call.json(0)?, true)?)),
        ),
        method(
            "put",
            &[param("object", Type::Map)],
            "map",
            "Sees to it that an object exists as given, owned by nobody: for kinds without namespace, or in another one. `fn removed(obj, world)` takes it away.",
            r#"world.put(#{ kind: "Namespace", metadata: #{ name: "a" } })"#,
            |world, call| Ok(to_dynamic(&world.apply(call.json(0)?, false)?)),
        ),
        method(
            "get",
            &[param("kind", Type::Text), param("name", Type::Text), optional("namespace", Type::Text)],
            "map",
            "An object; throws `not_found` when it is absent.",
            r#"world.get("StorageClass", "ceph-bucket")"#,
            |world, call| {
                let (kind, name) = (call.text(0), call.text(1));
                let found = world.find(&kind, &name, call.optional_text(2).as_deref())?;
                let absent = || Error::new(Code::NotFound, format!("{kind} {name} does not exist"));
                Ok(to_dynamic(&found.ok_or_else(absent)?))
            },
        ),
        method(
            "find",
            &[param("kind", Type::Text), param("name", Type::Text), optional("namespace", Type::Text)],
            "map or ()",
            "An object, or `()` when it is absent.",
            r#"world.find("Secret", "keys", "storage")"#,
            |world, call| {
                let found = world.find(&call.text(0), &call.text(1), call.optional_text(2).as_deref())?;
                Ok(found.as_ref().map_or(Dynamic::UNIT, to_dynamic))
            },
        ),
        method(
            "list",
            &[param("kind", Type::Text), optional("selector", Type::Text), optional("namespace", Type::Text)],
            "array",
            "The objects of a kind in the namespace of the one looked at, or another.",
            r#"world.list("Pod", "app=x")"#,
            |world, call| {
                let objects = world.list(&call.text(0), &call.text(1), call.optional_text(2))?;
                Ok(to_dynamic(&Value::Array(objects)))
            },
        ),
        method(
            "delete",
            &[param("kind", Type::Text), param("name", Type::Text), optional("namespace", Type::Text)],
            "",
            "Deletes an object; one that is absent is no error.",
            r#"world.delete("ObjectBucket", "obc-a-b")"#,
            |world, call| {
                world.delete(&call.text(0), &call.text(1), call.optional_text(2).as_deref())?;
                Ok(Dynamic::UNIT)
            },
        ),
        method(
            "ready",
            &[param("selector", Type::Text)],
            "integer",
            "How many pods with these labels are ready, in the namespace of the object looked at.",
            r#"world.ready("cnpg.io/cluster=db")"#,
            |world, call| Ok(Dynamic::from(i64::try_from(world.ready(&call.text(0))?).unwrap_or(i64::MAX))),
        ),
        method(
            "again",
            &[param("after", Type::Any)],
            "",
            "Looks at this object again after a time (`\"2s\"`, or seconds), changed or not. Without it, after 15 s.",
            r#"world.again("1s")"#,
            |world, call| {
                world.again(duration(&call.any(0))?.max(Duration::from_millis(100)));
                Ok(Dynamic::UNIT)
            },
        ),
        method("now", &[], "text", "The time, as the API writes it.", "world.now()", |_, _| Ok(now().into())),
        method(
            "condition",
            &[
                param("type", Type::Text),
                param("status", Type::Any),
                param("reason", Type::Text),
                param("message", Type::Text),
            ],
            "map",
            "A condition for the status. Its `lastTransitionTime` stays as long as its status does.",
            r#"world.condition("Ready", true, "ClusterIsReady", "Cluster is Ready")"#,
            |world, call| {
                let status = match call.any(1).as_bool() {
                    Ok(true) => "True".to_owned(),
                    Ok(false) => "False".to_owned(),
                    Err(_) => call.any(1).to_string(),
                };
                Ok(to_dynamic(&world.condition(&call.text(0), &status, &call.text(2), &call.text(3))?))
            },
        ),
        method(
            "unknown",
            &[param("fields", Type::Map), param("known", Type::Array)],
            "array",
            "The names of fields that are not among the known ones: what a simulated operator does not understand, it should refuse.",
            r#"world.unknown(obj.spec, ["instances", "storage"])"#,
            |_, call| {
                let known = call.json(1)?;
                let known: Vec<&str> = known.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                let unknown = call.map(0).into_keys().filter(|name| !known.contains(&name.as_str()));
                Ok(Dynamic::from_array(unknown.map(|name| Dynamic::from(name.to_string())).collect()))
            },
        ),
        method(
            "password",
            &[optional("label", Type::Text)],
            "text",
            "A password of 32 letters and digits; the same one each time for this object and label.",
            "world.password()",
            |world, call| Ok(world.token(&format!("password {}", call.text(0)), 32, LETTERS)?.into()),
        ),
        method(
            "token",
            &[param("label", Type::Text), param("length", Type::Integer)],
            "text",
            "Small letters and digits that look random; the same each time for this object and label.",
            r#"world.token("suffix", 8)"#,
            |world, call| Ok(world.token(&call.text(0), length(call)?, SMALL)?.into()),
        ),
        method(
            "access_key",
            &[optional("label", Type::Text)],
            "text",
            "An S3 access key of 20 capitals and digits; the same each time for this object and label.",
            "world.access_key()",
            |world, call| Ok(world.token(&format!("access key {}", call.text(0)), 20, CAPITALS)?.into()),
        ),
        method(
            "s3_user",
            &[param("name", Type::Text), param("access_key", Type::Text), param("secret_key", Type::Text)],
            "",
            "Sees to it that the object store has this user, with this pair of keys and no other.",
            r#"world.s3_user("iceberg", world.access_key(), world.password())"#,
            |world, call| {
                world.store.put_user(&call.text(0), &call.text(1), &call.text(2))?;
                Ok(Dynamic::UNIT)
            },
        ),
        method(
            "s3_keys",
            &[param("user", Type::Text)],
            "map or ()",
            "The keys of a user of the object store (`access_key`, `secret_key`), or `()` when there is no such user.",
            r#"world.s3_keys("iceberg")"#,
            |world, call| {
                let keys = world.store.keys(&call.text(0));
                let map = keys.map(|(access, secret)| json!({"access_key": access, "secret_key": secret}));
                Ok(map.as_ref().map_or(Dynamic::UNIT, to_dynamic))
            },
        ),
        method(
            "s3_forget_user",
            &[param("name", Type::Text)],
            "",
            "Removes a user from the object store; buckets stay.",
            r#"world.s3_forget_user("iceberg")"#,
            |world, call| {
                world.store.delete_user(&call.text(0));
                Ok(Dynamic::UNIT)
            },
        ),
        method(
            "s3_bucket",
            &[param("name", Type::Text), param("owner", Type::Text)],
            "",
            "Sees to it that the object store has this bucket, and that the user owns it.",
            r#"world.s3_bucket("tables", "iceberg")"#,
            |world, call| {
                world.store.put_bucket(&call.text(0), &call.text(1))?;
                Ok(Dynamic::UNIT)
            },
        ),
        method(
            "s3_forget_bucket",
            &[param("name", Type::Text)],
            "",
            "Removes a bucket with all that it holds.",
            r#"world.s3_forget_bucket("tables")"#,
            |world, call| {
                world.store.delete_bucket(&call.text(0));
                Ok(Dynamic::UNIT)
            },
        ),
        method(
            "s3_lifecycle",
            &[param("bucket", Type::Text), optional("rules", Type::Any)],
            "",
            "Sets a bucket's lifecycle rules, a map or JSON text (`{\"Rules\": […]}`); `()` removes them.",
            r#"world.s3_lifecycle("tables", obj.spec.additionalConfig.bucketLifecycle)"#,
            |world, call| {
                let rules = match call.json(1)? {
                    Value::Null => None,
                    Value::String(text) => Some(serde_json::from_str(&text).map_err(|e| {
                        Error::new(Code::Invalid, format!("lifecycle rules of bucket {}: no JSON: {e}", call.text(0)))
                    })?),
                    rules => Some(rules),
                };
                world.store.put_lifecycle(&call.text(0), rules.as_ref())?;
                Ok(Dynamic::UNIT)
            },
        ),
    ],
};

fn length(call: &Call<'_>) -> Result<usize> {
    let length = call.integer(1).and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=256).contains(n));
    length.ok_or_else(|| Error::new(Code::Invalid, "a token has 1 to 256 characters"))
}
