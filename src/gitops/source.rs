//! Sources of charts: one file each in the folder of repositories.

use serde_json::{Value, json};

use crate::error::{Code, Error, Result};
use crate::settings::Span;

use super::layout::{Layout, is_name};

/// What a script says about a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceOptions {
    /// `HelmRepository` or `OCIRepository`; by default what the URL says.
    pub kind: Option<String>,
    /// Where it is: `https://…` or `oci://…`.
    pub url: String,
    /// How often Flux looks; two hours by default.
    pub interval: Option<String>,
    /// For an `OCIRepository`: the tag, which is the chart's version.
    pub tag: Option<String>,
}

/// A Helm or OCI repository that Flux reads charts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name, also that of its file.
    pub name: String,
    /// `HelmRepository` or `OCIRepository`.
    pub kind: String,
    /// Where it is.
    pub url: String,
    /// How often Flux looks.
    pub interval: String,
    /// The tag of an `OCIRepository`.
    pub tag: Option<String>,
}

impl Source {
    /// A source whose name, kind, URL and interval fit together.
    pub fn new(name: &str, options: SourceOptions) -> Result<Self> {
        let bad = |why: String| Err(Error::new(Code::Invalid, format!("source {name}: {why}")));
        let is_oci = options.url.starts_with("oci://");
        if !is_name(name) {
            return bad("its name must be lower-case letters, digits and dashes".into());
        }
        if !is_oci && !options.url.starts_with("https://") && !options.url.starts_with("http://") {
            return bad(format!("url `{}` begins neither with https:// nor with oci://", options.url));
        }
        let kind = match options.kind {
            Some(kind) => kind,
            None if is_oci && options.tag.is_some() => "OCIRepository".into(),
            None => "HelmRepository".into(),
        };
        match kind.as_str() {
            "HelmRepository" if options.tag.is_some() => return bad("a HelmRepository has no tag".into()),
            "OCIRepository" if !is_oci => return bad("an OCIRepository has an oci:// url".into()),
            "OCIRepository" if options.tag.is_none() => return bad("an OCIRepository needs a tag".into()),
            "HelmRepository" | "OCIRepository" => {}
            other => return bad(format!("kind {other} is neither HelmRepository nor OCIRepository")),
        }
        let interval = options.interval.unwrap_or_else(|| "2h".into());
        if Span::new(&interval).is_none() {
            return bad(format!("interval `{interval}` is no span of time"));
        }
        Ok(Self { name: name.to_owned(), kind, url: options.url, interval, tag: options.tag })
    }

    /// Its manifest.
    pub fn manifest(&self, layout: &Layout) -> Value {
        let mut spec = json!({ "interval": self.interval, "url": self.url });
        if self.kind == "HelmRepository" && self.url.starts_with("oci://") {
            spec["type"] = "oci".into();
        }
        if let Some(tag) = &self.tag {
            spec["ref"] = json!({ "tag": tag });
            spec["layerSelector"] = json!({
                "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                "operation": "copy",
            });
        }
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": self.kind,
            "metadata": { "name": self.name, "namespace": layout.flux_namespace },
            "spec": spec,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(kind: Option<&str>, url: &str, tag: Option<&str>) -> Result<Source> {
        let options = SourceOptions {
            kind: kind.map(Into::into),
            url: url.into(),
            tag: tag.map(Into::into),
            ..SourceOptions::default()
        };
        Source::new("trino", options)
    }

    #[test]
    fn kinds_follow_the_url() {
        assert_eq!(source(None, "https://trinodb.github.io/charts", None).unwrap().kind, "HelmRepository");
        assert_eq!(source(None, "oci://ghcr.io/x/charts", None).unwrap().kind, "HelmRepository");
        assert_eq!(source(None, "oci://ghcr.io/x/charts/y", Some("1.0.0")).unwrap().kind, "OCIRepository");
        for (kind, url, tag) in [
            (None, "git://x", None),
            (Some("OCIRepository"), "https://x", Some("1")),
            (Some("OCIRepository"), "oci://x", None),
            (Some("HelmRepository"), "https://x", Some("1")),
            (Some("Bucket"), "https://x", None),
        ] {
            assert_eq!(source(kind, url, tag).unwrap_err().code(), Code::Invalid, "{url}");
        }
    }
}
