//! A small server of one namespace, asked by kube's own client and, where it is at hand, by a true kubectl.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::{AsyncBufReadExt, TryStreamExt};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, AttachParams, LogParams};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::answer::{Body, body, typed};
use super::*;
use crate::sim::api::Status;
use crate::sim::api::access::Objects;
use crate::sim::api::object;
use crate::sim::clock::Clock;

#[derive(Default)]
struct World {
    objects: Mutex<BTreeMap<(String, String), Arc<Value>>>,
    lines: Mutex<Vec<LogLine>>,
}

impl World {
    fn put(&self, plural: &str, object: Value) {
        let key = (plural.to_owned(), object::name(&object).to_owned());
        self.objects.lock().unwrap().insert(key, Arc::new(object));
    }

    fn say(&self, time: &str, text: &str) {
        self.lines.lock().unwrap().push(LogLine { time: time.parse().unwrap(), text: text.into() });
    }
}

impl Objects for World {
    fn find(&self, _: &str, plural: &str, _: &str, name: &str) -> Option<Arc<Value>> {
        self.objects.lock().unwrap().get(&(plural.to_owned(), name.to_owned())).cloned()
    }

    fn list(&self, _: &str, plural: &str, _: &str) -> Vec<Arc<Value>> {
        let all = self.objects.lock().unwrap();
        all.iter().filter(|((p, _), _)| p == plural).map(|(_, object)| object.clone()).collect()
    }
}

impl Backends for World {
    fn logs(&self, _: &str, _: &str, container: &str, previous: bool) -> Result<Vec<LogLine>, Status> {
        if previous {
            let time = "2026-11-24T09:00:00Z".parse().unwrap();
            return Ok(vec![LogLine { time, text: format!("{container} before") }]);
        }
        Ok(self.lines.lock().unwrap().clone())
    }

    fn exec(&self, _: &str, _: &str, _: &str, command: &[String]) -> Result<ExecResult, Status> {
        match command[0].as_str() {
            "true" => Ok(ExecResult { stdout: b"fine\n".to_vec(), stderr: b"almost\n".to_vec(), code: 0 }),
            "false" => Ok(ExecResult { code: 3, ..ExecResult::default() }),
            other => Err(Status::not_simulated(format!("the command {other}"))),
        }
    }

    fn port(&self, _: &str, _: &str, port: u16) -> Option<BoxedIo> {
        if port != 8080 {
            return None;
        }
        let (near, mut far) = tokio::io::duplex(1024);
        tokio::spawn(async move {
            let mut buffer = vec![0; 4096];
            let count = far.read(&mut buffer).await.unwrap();
            let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
            let answer = if text.starts_with("GET ") {
                let first = text.lines().next().unwrap();
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{first}", first.len())
            } else {
                text.to_uppercase()
            };
            far.write_all(answer.as_bytes()).await.unwrap();
        });
        Some(Box::new(near))
    }
}

fn running(name: &str) -> Value {
    let state = json!({"running": {"startedAt": "2026-11-24T10:00:00Z"}});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "uid": "u-1"},
        "spec": {"nodeName": "n1", "containers": [{"name": "a", "ports": [{"containerPort": 8080}]}]},
        "status": {"phase": "Running", "podIP": "10.244.0.2", "containerStatuses": [{"name": "a", "state": state}]}})
}

fn world() -> Arc<World> {
    let world = World::default();
    world.put("pods", running("one"));
    let mut two = running("two");
    two["spec"]["initContainers"] = json!([{"name": "i"}]);
    two["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "b"}));
    world.put("pods", two);
    let mut pending = running("pending");
    pending["spec"].as_object_mut().unwrap().remove("nodeName");
    pending["status"] = json!({"phase": "Pending"});
    world.put("pods", pending);
    world.put("services", json!({"metadata": {"name": "svc"}, "spec": {"selector": {"a": "b"}, "ports": [{"name": "web", "port": 80}, {"name": "adm", "port": 81}]}}));
    world.put(
        "services",
        json!({"metadata": {"name": "empty"}, "spec": {"selector": {"a": "c"}, "ports": [{"port": 80}]}}),
    );
    world.put("services", json!({"metadata": {"name": "ext"}, "spec": {"type": "ExternalName"}}));
    world.put("endpointslices", json!({"metadata": {"name": "s", "labels": {"kubernetes.io/service-name": "svc"}},
        "ports": [{"name": "web", "port": 8080}, {"name": "adm", "port": 9}],
        "endpoints": [{"addresses": ["10.244.0.2"], "conditions": {"ready": true}, "targetRef": {"kind": "Pod", "name": "one"}}]}));
    world.say("2026-11-24T10:00:01Z", "first");
    world.say("2026-11-24T10:00:02.5Z", "second");
    Arc::new(world)
}

/// The API server of the tests: pods, what kubectl wants to know first, and the streams.
async fn serve(world: Arc<World>, request: Request<hyper::body::Incoming>) -> Result<Response<Body>, Infallible> {
    let clock = Clock::virtual_from("2026-11-24T10:00:04Z".parse().unwrap());
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.trim_start_matches('/').splitn(8, '/').collect();
    let answer = |value: Value| Ok(typed(http::StatusCode::OK, "application/json", body(value.to_string())));
    match parts[..] {
        ["api"] => answer(json!({"kind": "APIVersions", "versions": ["v1"]})),
        ["apis"] => answer(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": []})),
        ["api", "v1"] => answer(json!({"kind": "APIResourceList", "groupVersion": "v1", "resources": [
            {"name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod", "verbs": ["get"], "shortNames": ["po"]}]})),
        ["api", "v1", "namespaces", _, "pods", name] => match world.find("", "pods", "", name) {
            Some(pod) => answer((*pod).clone()),
            None => Ok(super::answer::bare(http::StatusCode::NOT_FOUND)),
        },
        ["api", "v1", "namespaces", namespace, plural, name, ..] if parts.len() > 6 => {
            let subresource = parts[6];
            let at = path.find(&format!("/{subresource}")).unwrap() + subresource.len() + 1;
            let target = Target { plural, namespace, name, subresource, rest: &path[at..] };
            Ok(Streams::new(world.clone(), world, clock).handle(target, request).await)
        }
        _ => Ok(super::answer::bare(http::StatusCode::NOT_FOUND)),
    }
}

/// A connection to a server of its own.
fn connect(world: &Arc<World>) -> tokio::io::DuplexStream {
    let (near, far) = tokio::io::duplex(256 * 1024);
    let world = world.clone();
    tokio::spawn(async move {
        let service = service_fn(move |request| serve(world.clone(), request));
        let _ = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(far), service)
            .with_upgrades()
            .await;
    });
    near
}

/// kube's client, with a connection of its own for every request.
fn client(world: &Arc<World>) -> Api<Pod> {
    let world = world.clone();
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        let io = connect(&world);
        async move {
            let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await?;
            tokio::spawn(connection.with_upgrades());
            client.send_request(request).await
        }
    });
    Api::namespaced(kube::Client::new(service, "default"), "default")
}

/// Code and body of a plain GET.
async fn get(world: &Arc<World>, path: &str) -> (u16, String) {
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(connect(world))).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(format!("/api/v1/namespaces/default/{path}")).body(Empty::<Bytes>::new()).unwrap();
    let answer = client.send_request(request).await.unwrap();
    let code = answer.status().as_u16();
    let text = String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let message = serde_json::from_str::<Value>(&text).ok().and_then(|v| v["message"].as_str().map(str::to_owned));
    (code, message.unwrap_or(text))
}

#[tokio::test]
async fn logs_are_cut_as_asked() {
    let world = world();
    let log = async |query: &str| get(&world, &format!("pods/one/log{query}")).await;
    assert_eq!(log("").await, (200, "first\nsecond\n".into()));
    assert_eq!(log("?tailLines=1").await.1, "second\n");
    assert_eq!(log("?tailLines=0").await.1, "");
    assert_eq!(log("?sinceSeconds=2").await.1, "second\n");
    assert_eq!(log("?sinceTime=2026-11-24T10:00:02Z").await.1, "second\n");
    assert_eq!(log("?limitBytes=8").await.1, "first\nse");
    assert_eq!(log("?timestamps=true&tailLines=1").await.1, "2026-11-24T10:00:02.500000000Z second\n");
}

#[tokio::test]
async fn logs_are_refused_in_the_true_words() {
    let world = world();
    let log = async |rest: &str| get(&world, &format!("pods/{rest}")).await;
    assert_eq!(
        log("two/log").await,
        (400, "a container name must be specified for pod two, choose one of: [i a b]".into())
    );
    assert_eq!(log("two/log?container=x").await, (400, "container x is not valid for pod two".into()));
    assert_eq!(log("two/log?container=b").await, (400, "container \"b\" in pod \"two\" is not available".into()));
    assert_eq!(log("nope/log").await, (404, "pods \"nope\" not found".into()));
    assert_eq!(log("pending/log").await, (204, String::new()));
    assert_eq!(
        log("one/log?previous=true").await,
        (400, "previous terminated container \"a\" in pod \"one\" not found".into())
    );
    assert_eq!(log("one/log?tailLines=abc").await, (400, "strconv.ParseInt: parsing \"abc\": invalid syntax".into()));
    assert_eq!(
        log("one/log?tailLines=-1").await,
        (
            422,
            "PodLogOptions \"one\" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0".into()
        )
    );
    assert_eq!(
        log("one/log?sinceSeconds=5&sinceTime=2026-01-01T00:00:00Z").await,
        (422, "PodLogOptions \"one\" is invalid: []: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified".into())
    );
    for (state, last, wanted) in [
        (json!({"waiting": {"reason": "ContainerCreating"}}), json!({}), "waiting to start: ContainerCreating"),
        (
            json!({"waiting": {"reason": "ImagePullBackOff"}}),
            json!({}),
            "waiting to start: trying and failing to pull image",
        ),
        (json!({"terminated": {"exitCode": 1}}), json!({}), "terminated"),
    ] {
        let mut pod = running("three");
        pod["status"]["containerStatuses"][0] = json!({"name": "a", "state": state, "lastState": last});
        world.put("pods", pod);
        assert_eq!(log("three/log").await, (400, format!("container \"a\" in pod \"three\" is {wanted}")));
    }
    let mut pod = running("three");
    let ended = json!({"terminated": {"exitCode": 1, "containerID": "sim://1"}});
    pod["status"]["containerStatuses"][0] =
        json!({"name": "a", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended});
    world.put("pods", pod);
    assert_eq!(log("three/log").await, (200, "a before\n".into()));
    assert_eq!(log("three/log?previous=true").await, (200, "a before\n".into()));
}

#[tokio::test]
async fn a_followed_log_goes_on_until_its_container_ends() {
    let world = world();
    let params = LogParams { follow: true, tail_lines: Some(1), ..LogParams::default() };
    let mut lines = client(&world).log_stream("one", &params).await.unwrap().lines();
    assert_eq!(lines.try_next().await.unwrap().as_deref(), Some("second"));
    world.say("2026-11-24T10:00:05Z", "third");
    assert_eq!(lines.try_next().await.unwrap().as_deref(), Some("third"));
    let mut pod = running("one");
    pod["status"]["containerStatuses"][0]["state"] = json!({"terminated": {"exitCode": 0, "containerID": "sim://1"}});
    world.put("pods", pod);
    assert_eq!(tokio::time::timeout(Duration::from_secs(5), lines.try_next()).await.unwrap().unwrap(), None);
}

async fn exec(world: &Arc<World>, command: &str) -> (String, String, Value) {
    let params = AttachParams::default().stdout(true).stderr(true);
    let mut process = client(world).exec("one", vec![command], &params).await.unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    let status = process.take_status().unwrap();
    let (mut stdout, mut stderr) = (process.stdout().unwrap(), process.stderr().unwrap());
    stdout.read_to_string(&mut out).await.unwrap();
    stderr.read_to_string(&mut err).await.unwrap();
    let status = status.await.unwrap();
    process.join().await.unwrap();
    (out, err, serde_json::to_value(status).unwrap())
}

#[tokio::test]
async fn a_command_tells_its_output_and_its_end() {
    let world = world();
    let (out, err, status) = exec(&world, "true").await;
    assert_eq!((out.as_str(), err.as_str(), &status["status"]), ("fine\n", "almost\n", &json!("Success")));
    let (_, _, status) = exec(&world, "false").await;
    assert_eq!(
        status["message"],
        "command terminated with non-zero exit code: error executing command [false], exit code 3"
    );
    assert_eq!(
        (&status["reason"], &status["details"]["causes"][0]),
        (&json!("NonZeroExitCode"), &json!({"reason": "ExitCode", "message": "3"}))
    );
    let (_, _, status) = exec(&world, "cat").await;
    assert_eq!(status["message"], "unknown to the simulator: the command cat");
}

#[tokio::test]
async fn exec_and_attach_are_refused_before_they_start() {
    let world = world();
    let ask = async |path: &str| get(&world, path).await;
    assert_eq!(ask("pods/one/exec?command=ls&stdout=1").await, (400, "Upgrade request required".into()));
    assert_eq!(ask("pods/pending/exec?command=ls").await, (400, "pod pending does not have a host assigned".into()));
    assert_eq!(ask("pods/pending/portforward").await, (400, "pod pending does not have a host assigned".into()));
    assert_eq!(
        ask("pods/one/portforward?ports=abc").await,
        (400, "cannot convert to []int32: strconv.ParseUint: parsing \"abc\": invalid syntax".into())
    );
    let params = AttachParams::default().stdin(true);
    let refused = client(&world).exec("one", vec!["cat"], &params).await.err().unwrap().to_string();
    assert!(refused.contains("501"), "{refused}");
}

#[tokio::test]
async fn a_port_is_forwarded_and_a_closed_one_tells_so() {
    let world = world();
    let mut forward = client(&world).portforward("one", &[8080, 9]).await.unwrap();
    let mut stream = forward.take_stream(8080).unwrap();
    let error = forward.take_error(9).unwrap();
    stream.write_all(b"hello").await.unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HELLO");
    let error = error.await.unwrap();
    assert!(
        error.starts_with("error forwarding port 9 to pod one, uid u-1: failed to connect to localhost:9"),
        "{error}"
    );
}

#[tokio::test]
async fn the_proxy_finds_pods_and_services() {
    let world = world();
    let ask = async |path: &str| get(&world, path).await;
    assert_eq!(ask("services/svc:web/proxy/a/b?x=1").await, (200, "GET /a/b?x=1 HTTP/1.1".into()));
    assert_eq!(ask("services/svc:80/proxy/").await, (200, "GET / HTTP/1.1".into()));
    assert_eq!(ask("pods/one/proxy/x").await, (200, "GET /x HTTP/1.1".into()));
    assert_eq!(
        ask("services/svc:adm/proxy/x").await,
        (503, "error trying to reach service: dial tcp 10.244.0.2:9: connect: connection refused".into())
    );
    assert_eq!(ask("services/svc/proxy/x").await, (503, "no endpoints available for service \"svc\"".into()));
    assert_eq!(ask("services/svc:99/proxy/x").await, (503, "no service port 99 found for service \"svc\"".into()));
    assert_eq!(ask("services/svc:nope/proxy/x").await, (503, "no endpoints available for service \"svc:nope\"".into()));
    assert_eq!(ask("services/empty:80/proxy/x").await, (503, "no endpoints available for service \"empty\"".into()));
    assert_eq!(ask("services/ext/proxy/x").await, (404, "services \"ext\" not found".into()));
    assert_eq!(ask("services/ftp:svc:80/proxy/x").await, (400, "invalid service request \"ftp:svc:80\"".into()));
    assert_eq!(ask("pods/pending/proxy/x").await, (400, "address not allowed".into()));
    assert_eq!(ask("services/svc:web/proxy").await.0, 301);
}

/// `DPB_KUBECTL=PATH cargo test --lib streams -- --ignored`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a kubectl: DPB_KUBECTL"]
async fn a_true_kubectl_reads_logs_runs_commands_and_forwards_ports() {
    let kubectl = std::env::var("DPB_KUBECTL").expect("DPB_KUBECTL");
    let world = world();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let behind = world.clone();
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            let world = behind.clone();
            let service = service_fn(move |request| serve(world.clone(), request));
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(io), service).with_upgrades());
        }
    });
    let home = tempfile::tempdir().unwrap();
    let command = |websockets: bool, arguments: &[&str]| {
        let mut command = tokio::process::Command::new(&kubectl);
        command.env_clear().env("HOME", home.path()).args(["--server", &address]).args(arguments).kill_on_drop(true);
        let on = if websockets { "true" } else { "false" };
        command.env("KUBECTL_PORT_FORWARD_WEBSOCKETS", on).env("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", on);
        command
    };
    let run = async |websockets: bool, arguments: &[&str]| {
        let output = command(websockets, arguments).output().await.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run(true, &["logs", "one"]).await, (Some(0), "first\nsecond\n".into(), String::new()));
    for websockets in [true, false] {
        assert_eq!(
            run(websockets, &["exec", "one", "--", "true"]).await,
            (Some(0), "fine\n".into(), "almost\n".into())
        );
        assert_eq!(run(websockets, &["exec", "one", "--", "false"]).await.0, Some(3));
        let mut forward = command(websockets, &["port-forward", "pod/one", ":8080"]);
        let mut forward = forward.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut out = tokio::io::BufReader::new(forward.stdout.take().unwrap());
        tokio::io::AsyncBufReadExt::read_line(&mut out, &mut line).await.unwrap();
        let address =
            line.strip_prefix("Forwarding from ").and_then(|rest| rest.split(" -> ").next()).expect(&line).to_owned();
        for _ in 0..3 {
            let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
            stream.write_all(b"hello").await.unwrap();
            let mut answer = String::new();
            let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await;
            read.expect("the stream ends with the one behind it").unwrap();
            assert_eq!(answer, "HELLO");
        }
        forward.kill().await.unwrap();
    }
}
