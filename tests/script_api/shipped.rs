//! The shipped scripts on a small cluster: what they declare, what they ask, what their proofs say.

use std::time::Instant;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::stage::{Stage, s3, world};
use crate::world::World;
use dpb::check::Verdict;
use dpb::manifest::documents;
use dpb::script::api;
use dpb::settings::Settings;

#[test]
fn every_shipped_objective_declares_manifests() {
    let stage = Stage::new(&[], world());
    for script in api::objectives(stage.host.library()).unwrap() {
        let outcome =
            api::execute(&stage.host, &script.id).unwrap_or_else(|e| panic!("{}: {e} {:?}", script.id, e.places()));
        let declared = outcome.deliverables.unwrap();
        assert!(!declared.apps().is_empty(), "{}", script.id);
        assert!(
            declared
                .docs()
                .keys()
                .all(|page| page.ends_with(&format!("{}.md", script.folder().rsplit('/').next().unwrap())))
        );
        for app in declared.apps() {
            for file in app.files.iter().filter(|f| f.role == dpb::gitops::app::Role::Resource) {
                let all =
                    documents(&file.text, &file.file).unwrap_or_else(|e| panic!("{} {}: {e}", script.id, file.file));
                assert!(
                    all.iter().all(|d| d.value["kind"].is_string() && d.value["metadata"]["name"].is_string()),
                    "{}",
                    file.file
                );
            }
        }
    }
}

#[test]
fn a_review_sends_nothing_but_reads() {
    let stage = Stage::new(&[], world());
    let start = Instant::now();
    for import in ["lib/triggers", "lib/platform"] {
        let functions = api::check_functions(&stage.host, import).unwrap();
        assert!(functions.len() > 3);
        for (function, checks) in api::run_checks(&stage.host, import, &functions, Some("1.2")).unwrap() {
            let checks = checks.unwrap_or_else(|e| panic!("{function}: {e} {:?}", e.places()));
            assert!(!checks.is_empty(), "{function} reports nothing");
        }
    }
    for script in api::objectives(stage.host.library()).unwrap() {
        assert!(!api::review(&stage.host, &script.id).unwrap().checks.is_empty(), "{}", script.id);
    }
    let sent = stage.host.cluster().unwrap().requests();
    assert!(!sent.is_empty());
    let writes: Vec<_> = sent.iter().filter(|sent| !sent.only_reads()).collect();
    assert!(writes.is_empty(), "{writes:?}");
    println!("reviewed in {:?}", start.elapsed());
}

fn object(api_version: &str, kind: &str, namespace: &str, name: &str, status: &Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"namespace": namespace, "name": name}, "status": status})
}

#[test]
fn the_proof_of_1_1_passes_on_a_true_s3_server_and_leaves_nothing() {
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let mut keys = object("v1", "Secret", "storage", "rook-ceph-object-user-storage-iceberg", &json!({}));
    keys["data"] = json!({"AccessKey": encode("AK"), "SecretKey": encode("SK")});
    let bound = |name: &str| {
        object("objectbucket.io/v1alpha1", "ObjectBucketClaim", "data-platform", name, &json!({"phase": "Bound"}))
    };
    let mut all = world().objects;
    all.extend([
        keys,
        object("ceph.rook.io/v1", "CephObjectStoreUser", "storage", "iceberg", &json!({"phase": "Ready"})),
        bound("iceberg-tables"),
        bound("iceberg-backups"),
        bound("spark-events"),
    ]);
    let stage = Stage::new(&[], World { objects: all, ..World::default() });
    let mut settings = Settings::default();
    settings.endpoints.s3 = s3(&stage);
    let host = stage.host.clone().with_settings(&settings);
    let outcome = api::validate(&host, "1.1").unwrap();
    let wrong: Vec<_> = outcome.checks.iter().filter(|c| c.verdict != Verdict::Pass).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(outcome.checks.len() > 15);
    assert!(stage.runtime.block_on(host.scratch().clean()).is_empty());
    let left = dpb::script::bridge::Bridge::new(stage.runtime.handle().clone(), dpb::cancel::Cancel::new());
    let connector = dpb::probe::Connector::endpoint(&settings.endpoints.s3).unwrap();
    let client =
        dpb::probe::s3::Client::new(connector, "iceberg-tables", &dpb::probe::s3::Options::new("AK", "SK")).unwrap();
    let keys = left.block(client.list("")).unwrap().value;
    assert!(keys.is_empty(), "{keys:?}");
}

#[test]
fn a_probe_writes_and_deletes_only_scratch_objects() {
    let open = "probe::s3(#{ bucket: \"tables\", access_key: \"AK\", secret_key: \"SK\" })";
    for call in ["put(\"seed\", \"x\")", "delete(\"seed\")", "delete_prefix(\"\")", "multipart(\"seed\", 1, 10)"] {
        let script = format!("fn validate(o) {{ {open}.{call} }}");
        let stage = Stage::new(&[("phases/9-try/9.1-try.rhai", script.as_str())], world());
        let mut settings = Settings::default();
        settings.endpoints.s3 = s3(&stage);
        let host = stage.host.clone().with_settings(&settings);
        let outcome = api::validate(&host, "9.1").unwrap();
        assert!(outcome.checks[0].seen.ends_with("is no scratch object"), "{call}: {:?}", outcome.checks);
        assert!(host.scratch().pending().is_empty(), "{call}");
    }
}
