//! Which form of an answer a client takes.

use super::super::status::Status;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Yaml,
}

/// What is made of an object or list before it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// As it is.
    Plain,
    /// A table; the version of its kind.
    Table(String),
    /// Metadata alone; the version, and whether a list was asked for.
    Metadata(String, bool),
    /// Discovery of everything at once.
    Aggregated,
}

/// What a client takes first of all that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) form: Form,
    pub(super) shape: Shape,
}

const SERVED: [&str; 2] = ["application/json", "application/yaml"];

/// Reads an `Accept` header. `aggregated`: whether discovery can be had at once.
pub(super) fn read(header: &str, aggregated: bool) -> Result<Accepted, Status> {
    if header.trim().is_empty() {
        return Ok(Accepted { form: Form::Json, shape: Shape::Plain });
    }
    let mut known_media = false;
    for part in header.split(',') {
        let mut pieces = part.split(';').map(str::trim);
        let form = match pieces.next().unwrap_or_default() {
            "application/json" | "*/*" | "application/*" => Form::Json,
            "application/yaml" => Form::Yaml,
            _ => continue,
        };
        known_media = true;
        let (mut kind, mut group, mut version) = ("", "", "");
        for piece in pieces {
            match piece.split_once('=') {
                Some(("as", value)) => kind = value,
                Some(("g", value)) => group = value,
                Some(("v", value)) => version = value,
                _ => {}
            }
        }
        let meta = group == "meta.k8s.io" && matches!(version, "v1" | "v1beta1");
        let shape = match kind {
            "" => Shape::Plain,
            "Table" if meta => Shape::Table(version.to_owned()),
            "PartialObjectMetadata" if meta => Shape::Metadata(version.to_owned(), false),
            "PartialObjectMetadataList" if meta => Shape::Metadata(version.to_owned(), true),
            "APIGroupDiscoveryList" if aggregated && group == "apidiscovery.k8s.io" && version == "v2" => {
                Shape::Aggregated
            }
            _ => continue,
        };
        return Ok(Accepted { form, shape });
    }
    if known_media {
        return Err(Status::not_acceptable(&SERVED));
    }
    let text = format!("406: Not Acceptable\n\nAvailable representations: {}", SERVED.join(", "));
    Err(Status::new(406, "NotAcceptable", text).with_empty_details())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_form_that_is_served_is_taken() {
        let read = |header| read(header, false).map(|a| (a.form, a.shape));
        assert_eq!(read("").unwrap(), (Form::Json, Shape::Plain));
        assert_eq!(
            read("application/vnd.kubernetes.protobuf, application/json;q=0.9").unwrap(),
            (Form::Json, Shape::Plain)
        );
        assert_eq!(read("application/yaml").unwrap(), (Form::Yaml, Shape::Plain));
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        assert_eq!(read(kubectl).unwrap().1, Shape::Table("v1".into()));
        for header in
            ["application/vnd.kubernetes.protobuf", "text/html", "application/json;as=Table;v=v9;g=meta.k8s.io"]
        {
            assert_eq!(read(header).unwrap_err().code(), 406, "{header}");
        }
    }
}
