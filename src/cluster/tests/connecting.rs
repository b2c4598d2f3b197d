//! kubeconfig files, contexts, flags.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::super::connect::configure;
use super::super::kubeconfig::{Chosen, Surroundings, choose, read};
use super::super::{Cluster, Flags};
use crate::error::{Code, Error, Result};

fn config(name: &str, server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {name}\nclusters:\n- name: {name}\n  cluster: {{server: '{server}'}}\n\
         contexts:\n- name: {name}\n  context: {{cluster: {name}, user: {name}, namespace: {name}-ns}}\nusers:\n- name: {name}\n  user: {{token: {name}-token}}\n"
    )
}

fn folder() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    std::fs::write(&a, config("home", "https://home:6443")).unwrap();
    std::fs::write(&b, config("work", "https://work:6443")).unwrap();
    (dir, a, b)
}

fn list(paths: &[&Path]) -> Surroundings {
    let joined: OsString = std::env::join_paths(paths).unwrap();
    Surroundings { kubeconfig: Some(joined), home: None }
}

async fn chosen(flags: &Flags, around: &Surroundings) -> Result<Chosen> {
    match read(flags, around)? {
        Some(file) => choose(file, flags).await,
        None => Err(Error::new(Code::NotFound, "none")),
    }
}

#[tokio::test]
async fn a_list_of_files_is_merged_and_missing_ones_are_passed_over() {
    let (dir, a, b) = folder();
    let around = list(&[&dir.path().join("missing"), &a, &b]);
    let first = chosen(&Flags::default(), &around).await.unwrap();
    assert_eq!((first.context.as_str(), first.config.cluster_url.host()), ("home", Some("home")));
    assert_eq!(first.config.default_namespace, "home-ns");
    let flags = Flags { context: Some("work".into()), namespace: Some("other".into()), ..Flags::default() };
    let second = chosen(&flags, &around).await.unwrap();
    assert_eq!((second.cluster.as_str(), second.config.default_namespace.as_str()), ("work", "other"));
    let flags = Flags {
        cluster: Some("work".into()),
        as_: Some("ann".into()),
        as_group: vec!["ops".into(), "dev".into()],
        ..Flags::default()
    };
    let mixed = chosen(&flags, &around).await.unwrap();
    assert_eq!(mixed.config.cluster_url.host(), Some("work"));
    assert_eq!(mixed.config.auth_info.impersonate.as_deref(), Some("ann"));
    assert_eq!(mixed.config.auth_info.impersonate_groups.unwrap(), ["ops", "dev"]);
}

#[tokio::test]
async fn the_flags_file_counts_alone_and_must_be_there() {
    let (dir, a, b) = folder();
    let flags = Flags { kubeconfig: Some(b), ..Flags::default() };
    assert_eq!(chosen(&flags, &list(&[&a])).await.unwrap().context, "work");
    let flags = Flags { kubeconfig: Some(dir.path().join("missing")), ..Flags::default() };
    let error = chosen(&flags, &list(&[&a])).await.err().unwrap();
    assert_eq!(error.code(), Code::Invalid);
    assert!(error.message().contains("missing: No such file"), "{error}");
}

#[tokio::test]
async fn an_unknown_context_names_the_others() {
    let (_dir, a, b) = folder();
    let flags = Flags { context: Some("hoem".into()), ..Flags::default() };
    let error = chosen(&flags, &list(&[&a, &b])).await.err().unwrap();
    assert_eq!(error.message(), "the kubeconfig has no context `hoem`");
    assert_eq!(error.hint_text(), Some("Did you mean `home`? All of them: home, work"));
    let flags = Flags { user: Some("nobody".into()), ..Flags::default() };
    assert!(chosen(&flags, &list(&[&a])).await.err().unwrap().message().contains("no user `nobody`"));
}

#[tokio::test]
async fn without_any_kubeconfig_there_is_no_cluster() {
    let home = tempfile::tempdir().unwrap();
    let around = Surroundings { kubeconfig: None, home: Some(home.path().into()) };
    let error = configure(&Flags::default(), &around).await.err().unwrap();
    assert_eq!(error.code(), Code::Unavailable);
    assert_eq!(
        error.message(),
        "no cluster to talk to: there is no kubeconfig with a context in it, and this is no pod"
    );
    // An address alone is enough.
    let flags = Flags { server: Some("https://10.0.0.1:6443".into()), namespace: Some("a".into()), ..Flags::default() };
    let chosen = configure(&flags, &around).await.unwrap();
    assert_eq!((chosen.context.as_str(), chosen.config.default_namespace.as_str()), ("https://10.0.0.1:6443", "a"));
}

#[tokio::test]
async fn a_token_does_not_show_in_the_flags() {
    let flags = Flags { token: Some("secret".to_owned().into()), ..Flags::default() };
    assert!(!format!("{flags:?}").contains("secret"));
}

#[tokio::test]
async fn a_broken_file_is_told_with_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("broken");
    std::fs::write(&file, "clusters: [").unwrap();
    let error = chosen(&Flags::default(), &list(&[&file])).await.err().unwrap();
    assert_eq!(error.code(), Code::Invalid);
    assert!(error.message().starts_with(&format!("kubeconfig {}: ", file.display())), "{error}");
}

#[tokio::test]
async fn nobody_listening_is_told_with_address_and_context() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config");
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    std::fs::write(&file, config("home", &format!("https://127.0.0.1:{port}"))).unwrap();
    let flags = Flags { kubeconfig: Some(file), ..Flags::default() };
    let cluster = Cluster::connect(&flags).await.unwrap();
    assert_eq!((cluster.context(), cluster.cluster_name(), cluster.namespace()), ("home", "home", "home-ns"));
    assert!(cluster.requests().is_empty(), "connecting asks nothing of the server");
    let error = cluster.server_version().await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(
        error.message().starts_with(&format!("no answer from https://127.0.0.1:{port} (context home): ")),
        "{error}"
    );
    assert!(error.message().contains("refused"), "{error}");
}

#[tokio::test]
async fn an_exec_plugin_that_fails_is_denied_with_its_last_words() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config");
    let text = config("home", "https://127.0.0.1:1").replace(
        "user: {token: home-token}",
        "user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['-c', 'echo please log in >&2; exit 3'], interactiveMode: Never}}",
    );
    std::fs::write(&file, text).unwrap();
    let flags = Flags { kubeconfig: Some(file), ..Flags::default() };
    let error = Cluster::connect(&flags).await.unwrap_err();
    assert_eq!(error.code(), Code::Denied);
    assert!(error.message().ends_with("please log in"), "{error}");
}

#[tokio::test]
async fn an_exec_plugin_runs_once_and_its_token_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let (file, runs) = (dir.path().join("config"), dir.path().join("runs"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let script = format!(
        r#"echo run >> {}; echo "{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"tok\",\"expirationTimestamp\":\"2999-01-01T00:00:00Z\"}}}}""#,
        runs.display()
    );
    let exec = serde_json::json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script], "interactiveMode": "Never"}});
    std::fs::write(&file, config("home", &server).replace("user: {token: home-token}", &format!("user: {exec}")))
        .unwrap();
    let flags = Flags { kubeconfig: Some(file), as_: Some("ann".into()), ..Flags::default() };
    let cluster = Cluster::connect(&flags).await.unwrap();
    assert_eq!(std::fs::read_to_string(&runs).unwrap(), "run\n");

    let answer = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = vec![0; 4096];
        let count = stream.read(&mut bytes).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 23\r\n\r\n{\"gitVersion\":\"v1.2.3\"}").await.unwrap();
        String::from_utf8_lossy(&bytes[..count]).to_lowercase()
    });
    assert_eq!(cluster.server_version().await.unwrap(), "v1.2.3");
    let request = answer.await.unwrap();
    assert!(request.contains("authorization: bearer tok\r\n"), "{request}");
    assert!(request.contains("impersonate-user: ann\r\n"), "{request}");
}

#[tokio::test]
async fn a_request_timeout_that_is_no_duration_is_an_error_of_usage() {
    let (_dir, a, _b) = folder();
    for (text, good) in [("1m30s", true), ("30", true), ("0", true), ("soon", false), ("1x", false), ("", false)] {
        let flags = Flags { kubeconfig: Some(a.clone()), request_timeout: Some(text.into()), ..Flags::default() };
        let result = Cluster::connect(&flags).await;
        assert_eq!(result.map(|_| ()).map_err(|e| e.code()), if good { Ok(()) } else { Err(Code::Usage) }, "{text}");
    }
}
