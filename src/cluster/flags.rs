//! kubectl's connection flags.

use std::path::PathBuf;

/// A bearer token; its debug form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl From<String> for Token {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What kubectl's connection flags say; everything is optional and means what it means there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--kubeconfig`: this file alone is read, `KUBECONFIG` is not looked at.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`
    pub context: Option<String>,
    /// `--cluster`
    pub cluster: Option<String>,
    /// `--user`
    pub user: Option<String>,
    /// `--namespace`: for namespaced kinds without a namespace of their own.
    pub namespace: Option<String>,
    /// `--as`: the user to act as.
    pub as_: Option<String>,
    /// `--as-group`, repeated.
    pub as_group: Vec<String>,
    /// `--as-uid`
    pub as_uid: Option<String>,
    /// `--request-timeout`: `30s`, `2m`, plain seconds, `0` for none.
    pub request_timeout: Option<String>,
    /// `--server`
    pub server: Option<String>,
    /// `--token`
    pub token: Option<Token>,
    /// `--tls-server-name`
    pub tls_server_name: Option<String>,
    /// `--certificate-authority`
    pub certificate_authority: Option<PathBuf>,
    /// `--client-certificate`
    pub client_certificate: Option<PathBuf>,
    /// `--client-key`
    pub client_key: Option<PathBuf>,
    /// `--insecure-skip-tls-verify`
    pub insecure_skip_tls_verify: bool,
}
