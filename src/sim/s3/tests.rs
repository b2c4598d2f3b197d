//! The server against our own client, over loopback.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::{Server, State, Store};
use crate::error::Code;
use crate::probe::Connector;
use crate::probe::s3::{Client, Options, SMALLEST_PART};

struct World {
    store: Store,
    endpoint: String,
    task: tokio::task::JoinHandle<crate::error::Result<()>>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl World {
    async fn new() -> Self {
        let store = Store::default();
        store.put_user("ann", "ANN", "ann's secret").unwrap();
        store.put_user("bob", "BOB", "bob's secret").unwrap();
        store.put_bucket("lake", "ann").unwrap();
        let server = Server::bind("127.0.0.1:0".parse().unwrap(), &store).await.unwrap();
        let endpoint = format!("http://{}", server.address().unwrap());
        Self { store, endpoint, task: tokio::spawn(server.run()) }
    }

    fn client(&self, bucket: &str, access: &str, secret: &str) -> Client {
        let options = Options { limit: Duration::from_secs(10), ..Options::new(access, secret) };
        Client::new(Connector::endpoint(&self.endpoint).unwrap(), bucket, &options).unwrap()
    }

    fn ann(&self) -> Client {
        self.client("lake", "ANN", "ann's secret")
    }
}

#[tokio::test]
async fn an_object_comes_back_as_it_went() {
    let world = World::new().await;
    let s3 = world.ann();
    let put = s3.put("a/b.txt", "hello, world").await.unwrap();
    assert_eq!(put.value.etag, "e4d7f1b4ed2e42d15898f4b27b019da4");
    assert!(put.elapsed > Duration::ZERO);
    assert_eq!(s3.get("a/b.txt").await.unwrap().value, "hello, world");
    assert_eq!(s3.get_range("a/b.txt", 7, 11).await.unwrap().value, "world");
    assert_eq!(s3.get_range("a/b.txt", 7, 500).await.unwrap().value, "world");
    let head = s3.head("a/b.txt").await.unwrap().value;
    assert_eq!((head.size, head.etag), (12, put.value.etag));
    s3.delete("a/b.txt").await.unwrap();
    s3.delete("a/b.txt").await.unwrap();
    assert_eq!(s3.get("a/b.txt").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(s3.head("a/b.txt").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(s3.get_range("a/b.txt", 0, 1).await.unwrap_err().code(), Code::NotFound);
    s3.put("empty", "").await.unwrap();
    assert_eq!(s3.head("empty").await.unwrap().value.size, 0);
    assert!(s3.get_range("empty", 0, 1).await.unwrap_err().message().contains("InvalidRange"));
}

#[tokio::test]
async fn a_wrong_secret_and_a_stranger_are_refused() {
    let world = World::new().await;
    world.ann().put("k", "v").await.unwrap();
    let wrong = world.client("lake", "ANN", "guessed").get("k").await.unwrap_err();
    assert_eq!(wrong.code(), Code::Denied);
    assert!(wrong.message().contains("SignatureDoesNotMatch"), "{wrong}");
    assert!(wrong.hint_text().is_some());
    let unknown = world.client("lake", "EVE", "x").get("k").await.unwrap_err();
    assert!(unknown.message().contains("InvalidAccessKeyId"), "{unknown}");
    let stranger = world.client("lake", "BOB", "bob's secret");
    assert_eq!(stranger.get("k").await.unwrap_err().code(), Code::Forbidden);
    assert_eq!(stranger.put("k", "w").await.unwrap_err().code(), Code::Forbidden);
    assert_eq!(stranger.list("").await.unwrap_err().code(), Code::Forbidden);
    assert_eq!(stranger.create_bucket().await.unwrap_err().code(), Code::Conflict);
    assert_eq!(stranger.delete_bucket().await.unwrap_err().code(), Code::Forbidden);
    assert_eq!(world.ann().get("k").await.unwrap().value, "v");
}

#[tokio::test]
async fn an_unsigned_request_is_refused() {
    use http_body_util::Full;
    let world = World::new().await;
    let http = crate::probe::Http::new(Connector::endpoint(&world.endpoint).unwrap(), Duration::from_secs(10));
    let request = http::Request::get(format!("{}/lake/k", world.endpoint)).body(Full::new(Bytes::new())).unwrap();
    assert_eq!(http.send(request, "unsigned").await.unwrap().value.status, 403);
}

#[tokio::test]
async fn keys_are_kept_byte_for_byte() {
    let world = World::new().await;
    let s3 = world.ann();
    let long = format!("long/{}", "x".repeat(1024 - 5));
    let keys = ["a+b", "a b", "a%2Bb", "100%", "é/ü?&=#", "a//b", "/lead", "q'\"<>", "tab\there", long.as_str()];
    for key in keys {
        s3.put(key, key.to_owned()).await.unwrap_or_else(|e| panic!("{key}: {e}"));
    }
    for key in keys {
        assert_eq!(s3.get(key).await.unwrap().value, key);
        assert_eq!(s3.head(key).await.unwrap().value.size, key.len() as u64);
    }
    let mut listed: Vec<String> = s3.list("").await.unwrap().value.into_iter().map(|o| o.key).collect();
    let mut wanted: Vec<String> = keys.iter().map(|k| (*k).to_owned()).collect();
    listed.sort();
    wanted.sort();
    assert_eq!(listed, wanted);
    let error = s3.put(&"x".repeat(1025), "v").await.unwrap_err();
    assert!(error.message().contains("KeyTooLong"), "{error}");
    assert_eq!(s3.list("x").await.unwrap().value, []);
    s3.delete_many(&wanted).await.unwrap();
    assert_eq!(s3.list("").await.unwrap().value, []);
}

#[tokio::test]
async fn listings_group_and_page() {
    let world = World::new().await;
    let s3 = world.ann();
    for key in ["a/1", "a/2", "a/b/1", "a/b/2", "a/c/1", "a/d", "b/1", "a.txt"] {
        s3.put(key, "v").await.unwrap();
    }
    let keys = |l: &crate::probe::s3::Listing| l.objects.iter().map(|o| o.key.clone()).collect::<Vec<_>>();
    for page in [1, 2, 3, 1000] {
        let all = s3.list_with("a/", None, page).await.unwrap().value;
        assert_eq!(keys(&all), ["a/1", "a/2", "a/b/1", "a/b/2", "a/c/1", "a/d"], "page {page}");
        let grouped = s3.list_with("a/", Some("/"), page).await.unwrap().value;
        assert_eq!(keys(&grouped), ["a/1", "a/2", "a/d"], "page {page}");
        assert_eq!(grouped.prefixes, ["a/b/", "a/c/"], "page {page}");
        let roots = s3.list_with("", Some("/"), page).await.unwrap().value;
        assert_eq!((keys(&roots), roots.prefixes), (vec!["a.txt".to_owned()], vec!["a/".to_owned(), "b/".to_owned()]));
    }
    assert_eq!(s3.list("zzz").await.unwrap().value, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_conditional_puts_have_one_winner() {
    let world = World::new().await;
    for round in 0..20 {
        let key = format!("metadata/v{round}.json");
        let racers = (0..8).map(|i| {
            let (s3, key) = (world.ann(), key.clone());
            async move { (i, s3.put_if_absent(&key, format!("racer {i}")).await.unwrap().value) }
        });
        let racers: Vec<_> = racers.map(tokio::spawn).collect();
        let mut winners = Vec::new();
        for racer in racers {
            let (i, won) = racer.await.unwrap();
            if won {
                winners.push(i);
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        assert_eq!(world.ann().get(&key).await.unwrap().value, format!("racer {}", winners[0]));
    }
}

#[tokio::test]
async fn a_put_over_a_known_tag_needs_that_tag() {
    let world = World::new().await;
    let s3 = world.ann();
    let first = s3.put("k", "one").await.unwrap().value.etag;
    assert!(s3.put_if_match("k", "two", &first).await.unwrap().value);
    assert!(!s3.put_if_match("k", "three", &first).await.unwrap().value);
    assert_eq!(s3.get("k").await.unwrap().value, "two");
    assert_eq!(s3.put_if_match("absent", "x", &first).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_multipart_upload_is_put_together() {
    let world = World::new().await;
    let s3 = world.ann();
    let made = s3.multipart("big", 3, SMALLEST_PART).await.unwrap().value;
    assert_eq!(made.size, 3 * SMALLEST_PART as u64);
    assert!(made.etag.ends_with("-3"), "{}", made.etag);
    let at = 2 * SMALLEST_PART as u64 - 2;
    let expected: Vec<u8> = (at..at + 4).map(|i| u8::try_from(i % 251).unwrap()).collect();
    assert_eq!(s3.get_range("big", at, at + 3).await.unwrap().value, expected);
    assert_eq!(s3.head("big").await.unwrap().value.size, made.size);
    assert_eq!(s3.multipart("small", 2, 1000).await.unwrap_err().code(), Code::Invalid);
    assert!(world.store.state().buckets["lake"].uploads.is_empty());
}

#[tokio::test]
async fn abandoned_uploads_are_found_and_aborted() {
    let world = World::new().await;
    let s3 = world.ann();
    for key in ["scratch/1", "scratch/2", "kept"] {
        world.store.begin_upload("lake", key, None, std::collections::BTreeMap::new()).unwrap();
    }
    assert_eq!(s3.abort_uploads("scratch/").await.unwrap(), 2);
    let left = world.store.state();
    let left: Vec<&str> = left.buckets["lake"].uploads.values().map(|u| u.key.as_str()).collect();
    assert_eq!(left, ["kept"]);
}

#[tokio::test]
async fn a_bucket_lives_and_goes_when_it_is_empty() {
    let world = World::new().await;
    let s3 = world.client("other", "ANN", "ann's secret");
    assert!(!s3.head_bucket().await.unwrap().value);
    let error = s3.put("k", "v").await.unwrap_err();
    assert!(error.message().contains("NoSuchBucket") && error.hint_text().is_some(), "{error}");
    s3.create_bucket().await.unwrap();
    s3.create_bucket().await.unwrap();
    s3.put("k", "v").await.unwrap();
    let error = s3.delete_bucket().await.unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    assert!(error.message().contains("BucketNotEmpty"), "{error}");
    s3.delete("k").await.unwrap();
    s3.delete_bucket().await.unwrap();
    assert!(!s3.head_bucket().await.unwrap().value);
}

#[tokio::test]
async fn lifecycle_rules_are_read_back() {
    let world = World::new().await;
    let s3 = world.ann();
    assert_eq!(s3.lifecycle().await.unwrap().value, None);
    let rules = json!({"Rules": [
        {"ID": "abort", "Status": "Enabled", "Filter": {"Prefix": ""}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}},
        {"ID": "scratch", "Status": "Enabled", "Filter": {"Prefix": "scratch/"}, "Expiration": {"Days": 1}},
    ]});
    s3.put_lifecycle(&rules).await.unwrap();
    assert_eq!(s3.lifecycle().await.unwrap().value, Some(rules.clone()));
    world.store.put_lifecycle("lake", None).unwrap();
    assert_eq!(s3.lifecycle().await.unwrap().value, None);
    world.store.put_lifecycle("lake", Some(&rules)).unwrap();
    assert_eq!(s3.lifecycle().await.unwrap().value, Some(rules));
    let nothing = json!({"Rules": [{"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}}]});
    assert_eq!(s3.put_lifecycle(&nothing).await.unwrap_err().code(), Code::Invalid);
}

#[tokio::test]
async fn the_state_outlives_the_server() {
    let world = World::new().await;
    world.ann().put("k", Bytes::from_static(&[0, 159, 146, 150])).await.unwrap();
    let written = serde_json::to_string(&world.store.state()).unwrap();
    let state: State = serde_json::from_str(&written).unwrap();
    assert_eq!(state, world.store.state());
    let again = Store::new(state);
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), &again).await.unwrap();
    let endpoint = format!("http://{}", server.address().unwrap());
    let again = World { store: again, endpoint, task: tokio::spawn(server.run()) };
    assert_eq!(again.ann().get("k").await.unwrap().value, [0u8, 159, 146, 150].as_slice());
}

#[tokio::test]
async fn a_dropped_call_leaves_a_working_client() {
    let world = World::new().await;
    let s3 = world.ann();
    s3.put("k", vec![7; 3_000_000]).await.unwrap();
    for micros in [1, 50, 200, 1000, 5000] {
        // Wherever it is cut, the next call works and gets its own answer.
        let _ = tokio::time::timeout(Duration::from_micros(micros), s3.get("k")).await;
        assert_eq!(s3.head("k").await.unwrap().value.size, 3_000_000);
    }
}
