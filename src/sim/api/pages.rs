//! The token of the next page: the version that a list began with, and the key to go on from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::status::Status;

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The version of the first page; absent for a list that goes on with whatever is there now.
    pub(super) version: Option<u64>,
    /// The key after which the next page starts, as far as it lies below the listed namespace.
    pub(super) after: String,
}

impl Place {
    /// Reads a token.
    pub(super) fn read(token: &str) -> Result<Self, Status> {
        let wrong =
            |why: &str| Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|e| wrong(&e.to_string()))?;
        let first = bytes.first().map(|b| char::from(*b)).unwrap_or_default();
        let token: Value = serde_json::from_slice(&bytes)
            .map_err(|_| wrong(&format!("invalid character '{first}' looking for beginning of value")))?;
        if token["v"] != "meta.k8s.io/v1" {
            let version = token["v"].as_str().unwrap_or_default();
            return Err(wrong(&format!("server does not recognize this encoded version \"{version}\"")));
        }
        let version = match token["rv"].as_i64() {
            None | Some(0) => return Err(wrong("incorrect encoded start resourceVersion (version meta.k8s.io/v1)")),
            Some(version) => u64::try_from(version).ok(),
        };
        let start = token["start"].as_str().unwrap_or_default();
        if start.is_empty() {
            return Err(wrong("encoded start key empty (version meta.k8s.io/v1)"));
        }
        let after = start.trim_end_matches('\0').trim_start_matches('/');
        Ok(Self { version, after: after.to_owned() })
    }

    /// Writes the token.
    pub(super) fn write(&self) -> String {
        let version = self.version.map_or(json!(-1), |version| json!(version));
        let token = json!({"v": "meta.k8s.io/v1", "rv": version, "start": format!("{}\0", self.after)});
        URL_SAFE_NO_PAD.encode(token.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_as_the_true_server_writes_it() {
        let place = Place { version: Some(508), after: "b.18eb10b282016bfc".into() };
        assert_eq!(Place::read(&place.write()).unwrap(), place);
        let own = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NTA4LCJzdGFydCI6ImIuMThlYjEwYjI4MjAxNmJmY1x1MDAwMCJ9";
        assert_eq!(Place::read(own).unwrap(), place);
        assert_eq!(place.write(), own);
    }

    #[test]
    fn a_broken_token_is_a_bad_request() {
        for token in ["xx", "", "e30", "@@"] {
            assert_eq!(Place::read(token).unwrap_err().code(), 400, "{token}");
        }
    }
}
