//! Plays a story on one side and writes down its answers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::io::AsyncBufReadExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::io::StreamReader;

use crate::corpus::{Act, Request, Story, Until};
use crate::normal::Normal;
use crate::pointer;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The answers of a story, one a step, ready to be compared.
/// `patience` is how long a step waits for what it wants before it takes what there is.
pub(crate) async fn play(story: &Story, client: &Client, patience: Duration) -> Vec<Value> {
    let mut player =
        Player { client, patience, kept: BTreeMap::new(), watches: BTreeMap::new(), normal: Normal::default() };
    for (i, namespace) in story.namespaces.iter().enumerate() {
        let name = if i == 0 { "ns".to_owned() } else { format!("ns{}", i + 1) };
        player.kept.insert(name, json!(namespace));
        player.namespace(namespace).await;
    }
    let mut answers = Vec::new();
    for (i, step) in story.steps.iter().enumerate() {
        let began = Instant::now();
        let raw = match &step.act {
            Act::Send(request, until) => player.send_until(request, until.as_ref()).await,
            Act::Watch(name, request) => player.watch(name, request).await,
            Act::Events(name, count) => player.events(name, *count).await,
        };
        if began.elapsed() > Duration::from_secs(4) {
            println!("{}/{} {} took {:.1?}", story.name, i + 1, step.title, began.elapsed());
        }
        for (name, at) in &step.keep {
            let value = raw["body"].pointer(at).cloned();
            let value = value.unwrap_or_else(|| json!(format!("nothing-at-{}", at.replace('/', "-"))));
            player.kept.insert(name.clone(), value);
        }
        let mut answer = player.normal.answer(raw);
        for pattern in story.without.iter().chain(&step.without) {
            pointer::remove_everywhere(&mut answer, pattern);
        }
        if !step.only.is_empty() {
            let body = answer["body"].take();
            answer["body"] = step.only.iter().map(|p| (p.clone(), pointer::select(&body, p))).collect();
        }
        let mut record = json!({"story": story.name, "step": i + 1, "request": step.title});
        record.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
        answers.push(record);
    }
    answers
}

struct Player<'a> {
    client: &'a Client,
    patience: Duration,
    kept: BTreeMap<String, Value>,
    watches: BTreeMap<String, UnboundedReceiver<Value>>,
    normal: Normal,
}

impl Player<'_> {
    /// Makes a namespace, and waits for the service account that pods need.
    async fn namespace(&self, name: &str) {
        let send = |method: &str, path: String, body: Option<Value>| Request {
            method: method.to_owned(),
            path,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body,
        };
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let made = self.send(&send("POST", "/api/v1/namespaces".to_owned(), Some(body))).await;
        assert_eq!(made["code"], 201, "namespace {name}: {made}");
        let account = send("GET", format!("/api/v1/namespaces/{name}/serviceaccounts/default"), None);
        let got = self.send_until(&account, Some(&Until::Code(200))).await;
        assert_eq!(got["code"], 200, "the default service account of {name}: {got}");
    }

    async fn send_until(&self, request: &Request, until: Option<&Until>) -> Value {
        let began = Instant::now();
        loop {
            let answer = self.send(request).await;
            let done = match until {
                None => true,
                Some(Until::Code(code)) => answer["code"] == *code,
                Some(Until::Is(at, is)) => answer["body"].pointer(at) == Some(&self.filled(is)),
                Some(Until::Exists(at)) => answer["body"].pointer(at).is_some(),
            };
            if done || began.elapsed() > self.patience {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn open(&self, request: &Request) -> Result<http::Response<Body>, String> {
        let path = self.filled_text(&request.path).replace(' ', "%20");
        let mut http = http::Request::builder().method(request.method.as_str()).uri(&path);
        for (name, value) in &request.headers {
            http = http.header(name, self.filled_text(value));
        }
        let body = match &request.body {
            None => Vec::new(),
            Some(Value::String(raw)) => self.filled_text(raw).into_bytes(),
            Some(value) => self.filled(value).to_string().into_bytes(),
        };
        let request = http.body(Body::from(body)).unwrap_or_else(|e| panic!("{path}: {e}"));
        let sent = tokio::time::timeout(PATIENCE, self.client.send(request)).await;
        sent.map_err(|_| "no answer came".to_owned())?.map_err(|e| e.to_string())
    }

    async fn send(&self, request: &Request) -> Value {
        let response = match self.open(request).await {
            Ok(response) => response,
            Err(e) => return json!({"error": e}),
        };
        let mut answer = head(&response);
        let bytes = tokio::time::timeout(PATIENCE, response.into_body().collect()).await;
        let bytes = match bytes {
            Ok(Ok(all)) => all.to_bytes(),
            Ok(Err(e)) => return json!({"error": e.to_string()}),
            Err(_) => return json!({"error": "the answer does not end"}),
        };
        answer["body"] = match std::str::from_utf8(&bytes) {
            Ok(text) => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
            Err(_) => json!("<bytes>"),
        };
        answer
    }

    async fn watch(&mut self, name: &str, request: &Request) -> Value {
        let response = match self.open(request).await {
            Ok(response) => response,
            Err(e) => return json!({"error": e}),
        };
        let answer = head(&response);
        let (sender, receiver) = unbounded_channel();
        self.watches.insert(name.to_owned(), receiver);
        tokio::spawn(async move {
            let bytes = response.into_body().into_data_stream().map_err(std::io::Error::other);
            let mut lines = StreamReader::new(Box::pin(bytes)).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let event = serde_json::from_str(&line).unwrap_or(json!(line));
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        answer
    }

    async fn events(&mut self, name: &str, count: Option<usize>) -> Value {
        let watch = self.watches.get_mut(name).unwrap_or_else(|| panic!("no watch {name}"));
        let mut events = Vec::new();
        while count.is_none_or(|n| events.len() < n) {
            match tokio::time::timeout(self.patience, watch.recv()).await {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(_) => return json!({"events": events, "error": "no further event came"}),
            }
        }
        json!({"events": events})
    }

    /// `value` with its variables filled in: `<name>` in a text, the value itself where it is the whole text.
    fn filled(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                let whole = text.strip_prefix('<').and_then(|t| t.strip_suffix('>')).and_then(|t| self.kept.get(t));
                whole.cloned().unwrap_or_else(|| Value::String(self.filled_text(text)))
            }
            Value::Array(all) => all.iter().map(|v| self.filled(v)).collect(),
            Value::Object(map) => map.iter().map(|(k, v)| (self.filled_text(k), self.filled(v))).collect(),
            other => other.clone(),
        }
    }

    fn filled_text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.kept {
            let mark = format!("<{name}>");
            if text.contains(&mark) {
                text = text.replace(&mark, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
        }
        text
    }
}

fn head(response: &http::Response<Body>) -> Value {
    let header = |v: &http::HeaderValue| v.to_str().unwrap_or("?").to_owned();
    let mut answer = json!({
        "code": response.status().as_u16(),
        "type": response.headers().get("content-type").map(header),
    });
    let warnings: Vec<String> = response.headers().get_all("warning").iter().map(header).collect();
    if !warnings.is_empty() {
        answer["warnings"] = json!(warnings);
    }
    for name in ["location", "retry-after", "allow"] {
        if let Some(value) = response.headers().get(name) {
            answer[name] = json!(header(value));
        }
    }
    answer
}
