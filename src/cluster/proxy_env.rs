//! The proxy between us and the API server, chosen as kubectl chooses it (Go's `httpproxy`).
//!
//! A proxy of the kubeconfig counts always; one of the environment only for servers that `NO_PROXY` does not name, and
//! never for this machine itself.

use std::net::IpAddr;

use http::Uri;

use crate::error::{Code, Error, Result};

/// The proxy for `server`, given what the kubeconfig says and the environment.
pub(super) fn proxy_for(
    server: &Uri,
    kubeconfig: Option<&str>,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Option<Uri>> {
    let either = |name: &str| {
        env(name).filter(|v| !v.is_empty()).or_else(|| env(&name.to_lowercase()).filter(|v| !v.is_empty()))
    };
    let proxy = if let Some(proxy) = kubeconfig {
        proxy.to_owned()
    } else {
        let name = if server.scheme_str() == Some("http") { "HTTP_PROXY" } else { "HTTPS_PROXY" };
        let Some(proxy) = either(name) else { return Ok(None) };
        if goes_direct(server, &either("NO_PROXY").unwrap_or_default()) {
            return Ok(None);
        }
        proxy
    };
    let full = if proxy.contains("://") { proxy } else { format!("http://{proxy}") };
    // The client resolves names at a SOCKS proxy in any case, which is what the `h` asks for.
    let full = full.strip_prefix("socks5h://").map(|rest| format!("socks5://{rest}")).unwrap_or(full);
    let uri: Uri = full.parse().map_err(|e| bad_proxy(&full, &format!("{e}")))?;
    match uri.scheme_str() {
        Some("http" | "https" | "socks5") => Ok(Some(uri)),
        _ => Err(bad_proxy(&full, "only http, https and socks5 are known")),
    }
}

fn bad_proxy(proxy: &str, why: &str) -> Error {
    let shown = proxy.rsplit_once('@').map_or(proxy, |(_, host)| host);
    Error::new(Code::Invalid, format!("proxy `{shown}`: {why}"))
        .hint("Check proxy-url in the kubeconfig, HTTPS_PROXY, HTTP_PROXY")
}

fn goes_direct(server: &Uri, no_proxy: &str) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_lowercase();
    let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("http") { 80 } else { 443 });
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|a| a.is_loopback()) {
        return true;
    }
    no_proxy.split(',').map(|entry| entry.trim().to_lowercase()).filter(|e| !e.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let Some((network, bits)) = entry.split_once('/') {
            return matches!((network.parse(), bits.parse(), address), (Ok(n), Ok(b), Some(a)) if in_network(a, n, b));
        }
        if let Ok(only) = entry.trim_matches(['[', ']']).parse::<IpAddr>() {
            return address == Some(only);
        }
        let (name, wanted) = match entry.rsplit_once(':') {
            Some((name, number)) => (name.trim_matches(['[', ']']).to_owned(), number.parse().ok()),
            None => (entry, None),
        };
        if wanted.is_some_and(|w: u16| w != port) {
            return false;
        }
        if let Ok(only) = name.parse::<IpAddr>() {
            return address == Some(only);
        }
        let bare = name.trim_start_matches('*').trim_start_matches('.');
        (host == bare && !name.starts_with('.')) || host.ends_with(&format!(".{bare}"))
    })
}

fn in_network(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let (a, n, width) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (u128::from(a.to_bits()), u128::from(n.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits(), n.to_bits(), 128),
        _ => return false,
    };
    bits <= width && (bits == 0 || a >> (width - bits) == n >> (width - bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(server: &str, kubeconfig: Option<&str>, env: &[(&str, &str)]) -> Option<String> {
        let find = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        proxy_for(&server.parse().unwrap(), kubeconfig, find).unwrap().map(|u| u.to_string())
    }

    #[test]
    fn no_proxy_is_matched_against_the_server_not_the_proxy() {
        let env = [
            ("HTTPS_PROXY", "http://proxy.corp:3128"),
            ("NO_PROXY", "proxy.corp,10.0.0.0/8,.home.arpa,k8s.example:6443"),
        ];
        assert_eq!(chosen("https://api.example:6443", None, &env).as_deref(), Some("http://proxy.corp:3128/"));
        assert_eq!(chosen("https://10.1.2.3:6443", None, &env), None);
        assert_eq!(chosen("https://11.1.2.3:6443", None, &env).as_deref(), Some("http://proxy.corp:3128/"));
        assert_eq!(chosen("https://k8s.home.arpa", None, &env), None);
        assert_eq!(chosen("https://k8s.example:6443", None, &env), None);
        assert!(chosen("https://k8s.example:443", None, &env).is_some());
        assert_eq!(chosen("https://127.0.0.1:6443", None, &env), None);
    }

    #[test]
    fn a_proxy_of_the_kubeconfig_counts_always() {
        let env = [("NO_PROXY", "*")];
        assert_eq!(chosen("https://a", Some("socks5h://p:1080"), &env).as_deref(), Some("socks5://p:1080/"));
        assert_eq!(chosen("https://a", Some("proxy:3128"), &env).as_deref(), Some("http://proxy:3128/"));
        assert_eq!(chosen("https://a", None, &[]), None);
    }

    #[test]
    fn an_odd_proxy_is_told_without_its_password() {
        let error = proxy_for(&"https://a".parse().unwrap(), Some("ftp://ann:secret@p"), |_| None).unwrap_err();
        assert!(error.message().contains("`p`") && !error.message().contains("secret"), "{error}");
    }
}
