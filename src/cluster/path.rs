//! Paths of requests.

use crate::error::{Code, Error, Result};

/// Refuses what would lead the path of a request elsewhere.
pub(super) fn segment<'a>(what: &str, text: &'a str) -> Result<&'a str> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '%' | '?' | '#' | '\\');
    if text.is_empty() || text == "." || text == ".." || text.contains(odd) {
        return Err(Error::new(Code::Invalid, format!("`{text}` is no {what} of an object")));
    }
    Ok(text)
}

/// A path with its query, encoded.
pub(super) fn with_query(path: &str, query: &[(&str, String)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let mut encoder = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in query {
        encoder.append_pair(key, value);
    }
    format!("{path}?{}", encoder.finish())
}
