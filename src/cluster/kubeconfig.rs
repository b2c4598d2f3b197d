//! Which kubeconfig files count, and the settings of one context with the flags laid over them.

use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster as Server, Config, KubeConfigOptions, Kubeconfig, KubeconfigError, NamedCluster};

use crate::error::{Code, Error, Result};

use super::flags::Flags;

/// A client configuration with the names that belong to it.
pub(super) struct Chosen {
    pub(super) config: Config,
    pub(super) context: String,
    pub(super) cluster: String,
    /// The proxy that the kubeconfig itself names.
    pub(super) proxy: Option<String>,
}

/// What is looked at besides the flags, so that tests need no environment of their own.
pub(super) struct Surroundings {
    pub(super) kubeconfig: Option<std::ffi::OsString>,
    pub(super) home: Option<PathBuf>,
}

impl Surroundings {
    pub(super) fn current() -> Self {
        let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
        Self { kubeconfig: std::env::var_os("KUBECONFIG").filter(|v| !v.is_empty()), home }
    }

    /// The files to read: the flag's alone, else those of `KUBECONFIG`, else `~/.kube/config`.
    fn files(&self, flags: &Flags) -> Vec<PathBuf> {
        match (&flags.kubeconfig, &self.kubeconfig) {
            (Some(file), _) => vec![file.clone()],
            (None, Some(list)) => std::env::split_paths(list).filter(|p| !p.as_os_str().is_empty()).collect(),
            (None, None) => self.home.iter().map(|home| home.join(".kube/config")).collect(),
        }
    }
}

/// Reads and merges the files that exist; `None` when there is none, or nothing in them.
pub(super) fn read(flags: &Flags, around: &Surroundings) -> Result<Option<Kubeconfig>> {
    let mut merged: Option<Kubeconfig> = None;
    for file in around.files(flags) {
        // Like kubectl: a missing file of a list is passed over, one that a flag names must be there.
        if flags.kubeconfig.is_none() && !file.exists() {
            continue;
        }
        let next = Kubeconfig::read_from(&file).map_err(|e| unreadable(&file, &e))?;
        merged = Some(match merged {
            None => next,
            Some(first) => first.merge(next).map_err(|e| unreadable(&file, &e))?,
        });
    }
    Ok(merged.filter(|c| !c.clusters.is_empty() || !c.contexts.is_empty()))
}

fn unreadable(file: &Path, error: &KubeconfigError) -> Error {
    let reason = match error {
        KubeconfigError::ReadConfig(io, _) => io.to_string(),
        KubeconfigError::Parse(parse) => parse.to_string(),
        other => other.to_string(),
    };
    Error::new(Code::Invalid, format!("kubeconfig {}: {}", file.display(), reason.lines().next().unwrap_or_default()))
        .hint("Mend the file, or name another: --kubeconfig, KUBECONFIG")
}

/// The configuration that `flags` choose from `file`.
pub(super) async fn choose(mut file: Kubeconfig, flags: &Flags) -> Result<Chosen> {
    let names: Vec<String> = file.contexts.iter().map(|c| c.name.clone()).collect();
    let wanted = flags.context.clone().or_else(|| file.current_context.clone().filter(|c| !c.is_empty()));
    let context = match wanted {
        Some(name) if names.contains(&name) => name,
        Some(name) => return Err(no_context(&name, &names)),
        None => {
            return Err(Error::new(Code::Invalid, "the kubeconfig has no current context").hint(format!(
                "Name one with --context, or set it: kubectl config use-context NAME ({})",
                names.join(", ")
            )));
        }
    };
    if let Some(user) = flags.user.as_ref().filter(|u| !file.auth_infos.iter().any(|a| a.name == **u)) {
        return Err(
            Error::new(Code::Invalid, format!("the kubeconfig has no user `{user}`")).hint("See: kubectl config view")
        );
    }
    let settings = file.contexts.iter().find(|c| c.name == context).and_then(|c| c.context.clone()).unwrap_or_default();
    let cluster = flags.cluster.clone().unwrap_or(settings.cluster);
    if let Some(server) = &flags.server
        && !file.clusters.iter().any(|c| c.name == cluster)
    {
        let only = Server { server: Some(server.clone()), ..Server::default() };
        file.clusters.push(NamedCluster { name: cluster.clone(), cluster: Some(only), ..NamedCluster::default() });
    }
    for named in file.clusters.iter_mut().filter(|c| c.name == cluster) {
        lay_over_cluster(named.cluster.get_or_insert_default(), flags);
    }
    let proxy = file.clusters.iter().find(|c| c.name == cluster).and_then(|c| c.cluster.as_ref()?.proxy_url.clone());
    let options =
        KubeConfigOptions { context: Some(context.clone()), cluster: flags.cluster.clone(), user: flags.user.clone() };
    let mut config = Config::from_custom_kubeconfig(file, &options).await.map_err(|e| {
        Error::new(Code::Invalid, format!("kubeconfig, context {context}: {e}")).hint("See: kubectl config view")
    })?;
    lay_over(&mut config, flags);
    Ok(Chosen { config, context, cluster, proxy: proxy.filter(|p| !p.is_empty()) })
}

fn no_context(name: &str, names: &[String]) -> Error {
    let near = names
        .iter()
        .min_by_key(|n| strsim::damerau_levenshtein(n, name))
        .filter(|n| strsim::jaro_winkler(n, name) > 0.8);
    let hint = match near {
        Some(near) => format!("Did you mean `{near}`? All of them: {}", names.join(", ")),
        None => format!("There are: {}", names.join(", ")),
    };
    Error::new(Code::Invalid, format!("the kubeconfig has no context `{name}`")).hint(hint)
}

fn lay_over_cluster(cluster: &mut Server, flags: &Flags) {
    if let Some(server) = &flags.server {
        cluster.server = Some(server.clone());
    }
    if let Some(file) = &flags.certificate_authority {
        cluster.certificate_authority = Some(file.display().to_string());
        cluster.certificate_authority_data = None;
    }
    if flags.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
    }
    if let Some(name) = &flags.tls_server_name {
        cluster.tls_server_name = Some(name.clone());
    }
}

/// What concerns the user and the namespace; also laid over a pod's own configuration.
pub(super) fn lay_over(config: &mut Config, flags: &Flags) {
    if let Some(namespace) = &flags.namespace {
        config.default_namespace.clone_from(namespace);
    }
    if let Some(token) = &flags.token {
        config.auth_info = AuthInfo { token: Some(token.text().to_owned().into()), ..AuthInfo::default() };
    }
    let user = &mut config.auth_info;
    if let (Some(certificate), Some(key)) = (&flags.client_certificate, &flags.client_key) {
        user.client_certificate = Some(certificate.display().to_string());
        user.client_key = Some(key.display().to_string());
        (user.client_certificate_data, user.client_key_data) = (None, None);
    }
    if flags.as_.is_some() || flags.as_uid.is_some() || !flags.as_group.is_empty() {
        user.impersonate.clone_from(&flags.as_);
        user.impersonate_uid.clone_from(&flags.as_uid);
        user.impersonate_groups = Some(flags.as_group.clone()).filter(|g| !g.is_empty());
        user.impersonate_user_extra = None;
    }
}
