//! Reading `dpb.yaml`, with errors that show the place.

use std::path::Path;

use serde_saphyr::{DeserializeError, Location, Options};

use super::{Settings, table::Setting};
use crate::error::{Code, Error, Place, Result, io_error};

/// Name of the settings file, at the root of the target repository.
pub const FILE: &str = "dpb.yaml";

impl Settings {
    /// Reads `dpb.yaml` at the root of `repo`; all defaults when there is none.
    pub fn load(repo: &Path) -> Result<Self> {
        let path = repo.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, FILE),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                Err(Error::new(Code::Settings, format!("{FILE} is not UTF-8 text")))
            }
            Err(error) => Err(io_error("reading", &path, &error)),
        }
    }

    /// Reads settings from `text`; `display` names it in errors.
    pub fn parse(text: &str, display: &str) -> Result<Self> {
        let options: Options = serde_saphyr::options! { with_snippet: false };
        let read: Result<Option<Self>, _> = serde_saphyr::from_str_with_options(text, options);
        read.map(Option::unwrap_or_default).map_err(|error| explain(&error, text, display))
    }
}

/// What to do about a value that is wrong.
const OR_DEFAULT: &str = "Write a value of that form, or take the key out: then its default counts";

/// One of our errors for one of the parser's: what is wrong, the place, the nearest key.
fn explain(error: &DeserializeError, text: &str, display: &str) -> Error {
    let error = error.without_snippet();
    let (message, label, hint) = match error {
        DeserializeError::SerdeUnknownField { field, expected, .. } => {
            let label = nearest(field, expected).map(|near| format!("did you mean `{near}`?"));
            let elsewhere = elsewhere(field);
            let hint = if elsewhere.is_empty() {
                format!("Keys known here: {}", expected.join(", "))
            } else {
                format!("`{field}` is known as {}; keys known here: {}", elsewhere.join(", "), expected.join(", "))
            };
            (format!("unknown key `{field}`"), label, Some(hint))
        }
        DeserializeError::SerdeUnknownVariant { variant, expected, .. } => {
            let label = nearest(variant, expected).map(|near| format!("did you mean `{near}`?"));
            (format!("unknown word `{variant}`"), label, Some(format!("One of: {}", expected.join(", "))))
        }
        DeserializeError::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("?");
            (format!("the key `{key}` is written twice"), None, Some("Keep one of the two".to_owned()))
        }
        DeserializeError::InvalidScalar { ty, .. } => (expected_scalar(ty), None, Some(OR_DEFAULT.to_owned())),
        DeserializeError::Message { msg, .. } => (msg.clone(), None, Some(OR_DEFAULT.to_owned())),
        DeserializeError::Unexpected { expected: "mapping start", .. } => {
            ("keys are expected here, as `key: value`".to_owned(), None, Some(OR_DEFAULT.to_owned()))
        }
        DeserializeError::MultipleDocuments { .. } => {
            ("a second document begins above this line".to_owned(), None, Some("Take out the line `---`".to_owned()))
        }
        other => (plain(&other.render()), None, Some("Mend the YAML there".to_owned())),
    };
    let wrong = Error::new(Code::Settings, format!("{display}: {message}"));
    let wrong = match hint {
        Some(hint) => wrong.hint(hint),
        None => wrong,
    };
    match error.location() {
        Some(location) => wrong.at(place(location, text, display, label)),
        None => wrong,
    }
}

fn expected_scalar(ty: &str) -> String {
    match ty {
        "u16" => "a whole number from 0 to 65535 is expected here".to_owned(),
        "u32" | "u64" => "a whole number is expected here".to_owned(),
        "bool" => "true or false is expected here".to_owned(),
        other => format!("a {other} is expected here"),
    }
}

/// The parser's sentence without its trailing position, first letter lower case.
fn plain(rendered: &str) -> String {
    let first = rendered.lines().next().unwrap_or_default();
    if first.contains("tabs disallowed") {
        return "a tab can't indent YAML: use spaces".to_owned();
    }
    let bare = first.split(" at line ").next().unwrap_or(first);
    let mut letters = bare.chars();
    letters.next().map_or_else(String::new, |c| c.to_lowercase().chain(letters).collect())
}

fn place(location: Location, text: &str, display: &str, label: Option<String>) -> Place {
    let line = usize::try_from(location.line()).unwrap_or(1).max(1);
    let column = usize::try_from(location.column()).unwrap_or(1).max(1);
    let (column, length) = word_at(text, line, column);
    let place = Place::new(display, line, column).with_source(text).with_length(length);
    match label {
        Some(label) => place.with_label(label),
        None => place,
    }
}

/// Column and length of the word at that place; of the key where the place is the colon after it.
fn word_at(text: &str, line: usize, column: usize) -> (usize, usize) {
    let letters: Vec<char> = text.lines().nth(line - 1).unwrap_or_default().chars().collect();
    let ends = |c: &char| c.is_whitespace() || matches!(c, ':' | ',' | '#' | '}' | ']');
    if letters.get(column - 1) == Some(&':') {
        let length = letters[..column - 1].iter().rev().take_while(|c| !ends(c)).count();
        return (column - length, length.max(1));
    }
    if matches!(letters.get(column - 1), Some('{' | '[')) {
        return (column, 1);
    }
    (column, letters.iter().skip(column - 1).take_while(|c| !ends(c)).count().max(1))
}

/// The known key nearest to `word`, if one is near enough to be a slip.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let best = known.iter().map(|k| (strsim::damerau_levenshtein(word, k), *k)).min_by_key(|(d, _)| *d)?;
    (best.0 <= (word.chars().count() / 3).max(1)).then_some(best.1)
}

/// Where else a key of this name is known, as dotted paths: it may only stand in the wrong section.
fn elsewhere(word: &str) -> Vec<String> {
    fn walk(entries: &[super::Entry], prefix: &str, word: &str, found: &mut Vec<String>) {
        for entry in entries {
            let path = if prefix.is_empty() { entry.name.to_owned() } else { format!("{prefix}.{}", entry.name) };
            if entry.name == word {
                found.push(path.clone());
            }
            walk(&entry.children, &path, word, found);
        }
    }
    let mut found = Vec::new();
    walk(&Settings::entries(), "", word, &mut found);
    found.truncate(4);
    found
}
