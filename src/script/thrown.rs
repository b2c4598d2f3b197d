//! Errors on their way through a script: thrown as maps that it can match on, taken back without loss.

use rhai::{Dynamic, EvalAltResult, Map, Position};

use crate::error::{Code, Error, Place};

/// The key under which a thrown map keeps the host's own error.
const ORIGIN: &str = "origin";

/// The host's error inside a thrown map: what the map cannot say (places, notes).
#[derive(Clone, Debug)]
struct Origin(Error);

/// The host's error as a script catches it: `#{code, message, hint, kind, namespace, name}`.
pub fn to_map(error: &Error) -> Map {
    let text = |value: Option<&str>| value.map_or(Dynamic::UNIT, |text| Dynamic::from(text.to_owned()));
    let object = error.object_ref();
    let mut map = Map::new();
    map.insert("code".into(), error.code().as_str().into());
    map.insert("message".into(), error.message().into());
    map.insert("hint".into(), text(error.hint_text()));
    map.insert("kind".into(), text(object.map(|o| o.kind.as_str())));
    map.insert("namespace".into(), text(object.and_then(|o| o.namespace.as_deref())));
    map.insert("name".into(), text(object.map(|o| o.name.as_str())));
    map.insert(ORIGIN.into(), Dynamic::from(Origin(error.clone())));
    map
}

/// Throws the host's error at `position`. Ctrl-C and a fault of our own can't be caught by the script.
pub fn throw(error: &Error, position: Position) -> Box<EvalAltResult> {
    let value = Dynamic::from_map(to_map(error));
    if matches!(error.code(), Code::Interrupted | Code::Internal) {
        return Box::new(EvalAltResult::ErrorTerminated(value, position));
    }
    Box::new(EvalAltResult::ErrorRuntime(value, position))
}

/// What a script threw, as an error: maps of the host come back as they were, with what the script changed in them.
pub fn from_thrown(value: &Dynamic) -> Error {
    if let Ok(map) = value.as_map_ref() {
        return from_map(&map);
    }
    let text = value.to_string();
    let text = text.trim();
    Error::new(Code::Script, if text.is_empty() { "the script threw an error without a message" } else { text })
}

fn from_map(map: &Map) -> Error {
    let text = |key: &str| map.get(key).filter(|v| v.is_string()).map(ToString::to_string);
    let origin = map.get(ORIGIN).and_then(|v| v.clone().try_cast::<Origin>()).map(|origin| origin.0);
    let message = text("message");
    let mut error = match origin {
        Some(origin) if message.as_deref() == Some(origin.message()) => origin,
        Some(origin) => renamed(&origin, message.unwrap_or_default()),
        None => {
            let known = text("code").and_then(|code| Code::ALL.into_iter().find(|c| c.as_str() == code));
            let message = message.unwrap_or_else(|| crate::script::value::literal(&Dynamic::from_map(map.clone())));
            let mut error = Error::new(known.unwrap_or(Code::Script), message);
            if let (Some(kind), Some(name)) = (text("kind"), text("name")) {
                error = error.object(&kind, text("namespace").as_deref(), &name);
            }
            error
        }
    };
    if let Some(hint) = text("hint") {
        error = error.hint(hint);
    }
    error
}

/// The host's error under the message that a script gave it.
fn renamed(origin: &Error, message: String) -> Error {
    rebuilt(origin, message, origin.places().iter().cloned())
}

/// The same error with another message and other places.
pub fn rebuilt(origin: &Error, message: String, places: impl IntoIterator<Item = Place>) -> Error {
    let mut error = Error::new(origin.code(), message);
    if let Some(object) = origin.object_ref() {
        error = error.object(&object.kind, object.namespace.as_deref(), &object.name);
    }
    if let Some(hint) = origin.hint_text() {
        error = error.hint(hint);
    }
    error = places.into_iter().fold(error, Error::at);
    origin.notes().iter().fold(error, |error, note| error.note(note.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Error {
        Error::new(Code::Forbidden, "no right to list pods")
            .object("Pod", Some("storage"), "x")
            .at(Place::new("t.j2", 3, 4).with_source("…"))
            .note("as system:anonymous")
            .hint("kubectl auth can-i list pods -n storage")
    }

    #[test]
    fn a_host_error_comes_back_without_loss() {
        let error = full();
        let back = from_thrown(&Dynamic::from_map(to_map(&error)));
        assert_eq!(format!("{back:?}"), format!("{error:?}"));
    }

    #[test]
    fn what_a_script_changed_counts() {
        let mut map = to_map(&full());
        map.insert("message".into(), "the platform can't be looked at".into());
        map.insert("hint".into(), "ask ann".into());
        let back = from_thrown(&Dynamic::from_map(map));
        assert_eq!((back.code(), back.message()), (Code::Forbidden, "the platform can't be looked at"));
        assert_eq!(back.hint_text(), Some("ask ann"));
        assert_eq!(back.notes(), ["as system:anonymous"]);
        assert_eq!(back.places().len(), 1);
    }

    #[test]
    fn maps_and_texts_of_scripts() {
        let map = Map::from([("code".into(), "not_ready".into()), ("message".into(), "wait".into())]);
        assert_eq!(from_thrown(&Dynamic::from_map(map)).code(), Code::NotReady);
        let bare = Map::from([("wrong".into(), 1_i64.into())]);
        assert_eq!(from_thrown(&Dynamic::from_map(bare)).message(), "#{wrong: 1}");
        assert_eq!(from_thrown(&"boom".into()).message(), "boom");
    }
}
