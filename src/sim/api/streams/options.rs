//! Query parameters, converted as the true server does it.

use url::form_urlencoded;

use crate::sim::api::Status;

/// The parameters of a request.
pub(super) struct Options(Vec<(String, String)>);

impl Options {
    pub(super) fn read(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The first value, if it is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// Set, and neither `false` nor `0`.
    pub(super) fn flag(&self, name: &str) -> bool {
        let value = self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        value.is_some_and(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Status> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| Status::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax")))
        };
        self.text(name).map(parse).transpose()
    }

    /// Port numbers, given one by one or with commas.
    pub(super) fn ports(&self, name: &str) -> Result<Vec<u16>, Status> {
        let all = self.all(name);
        let parts = all.iter().flat_map(|value| value.split(',')).filter(|part| !part.is_empty());
        let parse = |part: &str| {
            part.parse().map_err(|_| {
                let why = format!("cannot convert to []int32: strconv.ParseUint: parsing \"{part}\": invalid syntax");
                Status::bad_request(why)
            })
        };
        parts.map(parse).collect()
    }
}
