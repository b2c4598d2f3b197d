//! From the engine's errors to ours: one message, and every place of the call chain, innermost first.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{Dynamic, EvalAltResult, ParseError, ParseErrorType, Position};

use crate::error::{Code, Error, Place};
use crate::script::{library, thrown};

/// The texts of the scripts in play, by path below `scripts/`: what stands above a caret.
pub type Texts = Arc<BTreeMap<String, String>>;

/// A place in the script `path`, with its text; `length` characters under the caret.
pub fn place(texts: &BTreeMap<String, String>, path: &str, position: Position, length: usize) -> Option<Place> {
    let line = position.line()?;
    let column = position.position().unwrap_or(1);
    let file = if texts.contains_key(path) && path.contains('/') { library::display(path) } else { path.to_owned() };
    let place = Place::new(file, line, column).with_length(length);
    Some(match texts.get(path) {
        Some(text) => place.with_source(text.clone()),
        None => place,
    })
}

/// How many characters the word at `position` has: what a caret underlines.
pub fn word_length(text: &str, position: Position) -> usize {
    word_at(text, position).map_or(1, |word| word.chars().count().max(1))
}

fn word_at(text: &str, position: Position) -> Option<String> {
    let (line, column) = (position.line()?, position.position()?);
    let line = text.lines().nth(line - 1)?;
    Some(line.chars().skip(column.saturating_sub(1)).take_while(|c| c.is_alphanumeric() || *c == '_').collect())
}

/// The error of a run of `entry` (path below `scripts/`), with the places of all calls that led to it.
pub fn from_eval(error: &EvalAltResult, entry: &str, texts: &BTreeMap<String, String>) -> Error {
    let mut places = Vec::new();
    let mut source = entry.to_owned();
    let mut inner = error;
    loop {
        let next = match inner {
            EvalAltResult::ErrorInFunctionCall(_, called, deeper, position) => {
                let from = source.clone();
                if !called.is_empty() {
                    source.clone_from(called);
                }
                Some((from, *position, deeper))
            }
            EvalAltResult::ErrorInModule(path, deeper, position) => {
                let from = source.clone();
                source = format!("{}.rhai", path.trim_end_matches(".rhai"));
                Some((from, *position, deeper))
            }
            _ => None,
        };
        let Some((from, position, deeper)) = next else { break };
        places.push((from, position));
        inner = deeper;
    }
    places.push((source, inner.position()));
    let mut result = with_texts(&plain(inner), texts);
    let mut seen: Vec<Place> = Vec::new();
    for (path, position) in places.into_iter().rev() {
        let length = texts.get(&path).map_or(1, |text| word_length(text, position));
        let Some(place) = place(texts, &path, position, length) else { continue };
        if !seen.contains(&place) {
            seen.push(place);
        }
    }
    for place in seen {
        result = result.at(place);
    }
    result
}

/// The same error, where a place in a script that the host noted itself has its text.
fn with_texts(error: &Error, texts: &BTreeMap<String, String>) -> Error {
    let places = error.places().iter().map(|noted| {
        let Some(text) = texts.get(&noted.file).filter(|_| noted.source.is_none()) else { return noted.clone() };
        let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let length = word_length(text, Position::new(small(noted.line), small(noted.column)));
        Place { file: library::display(&noted.file), source: Some(text.clone()), length, ..noted.clone() }
    });
    thrown::rebuilt(error, error.message().to_owned(), places.collect::<Vec<_>>())
}

/// The innermost error, without places.
pub fn plain(error: &EvalAltResult) -> Error {
    let script = |message: String| Error::new(Code::Script, message);
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, deeper, _) | EvalAltResult::ErrorInModule(_, deeper, _) => {
            plain(deeper)
        }
        EvalAltResult::ErrorRuntime(value, _) | EvalAltResult::ErrorTerminated(value, _) => thrown::from_thrown(value),
        EvalAltResult::ErrorParsing(kind, _) => script(syntax(kind)),
        EvalAltResult::ErrorSystem(_, source) => match source.downcast_ref::<Error>() {
            Some(error) => error.clone(),
            None => script(error.to_string()),
        },
        EvalAltResult::ErrorFunctionNotFound(signature, _) => script(format!("no function `{signature}`"))
            .hint("Either the name is wrong, or one of the arguments has another type than it takes"),
        EvalAltResult::ErrorModuleNotFound(name, _) => script(format!("no module `{name}` here")),
        EvalAltResult::ErrorVariableNotFound(name, _) => script(format!("no variable `{name}`")),
        EvalAltResult::ErrorPropertyNotFound(name, _) => script(format!("no property `{name}`")),
        EvalAltResult::ErrorIndexNotFound(index, _) => {
            script(format!("no element {}", crate::script::value::literal(index)))
        }
        EvalAltResult::ErrorMismatchDataType(wanted, got, _) if wanted.is_empty() => {
            script(format!("this is {got}, which does not fit here"))
        }
        EvalAltResult::ErrorMismatchDataType(wanted, got, _)
        | EvalAltResult::ErrorMismatchOutputType(wanted, got, _) => {
            script(format!("{wanted} is wanted, and this is {got}"))
        }
        EvalAltResult::ErrorArrayBounds(len, index, _) => script(format!("element {index} of an array of {len}")),
        EvalAltResult::ErrorStringBounds(len, index, _) => script(format!("character {index} of a text of {len}")),
        EvalAltResult::ErrorDataRace(name, _) => script(format!("`{name}` is read while a closure over it runs"))
            .hint("Take what the closure needs into another variable first"),
        EvalAltResult::ErrorTooManyOperations(_) => {
            script("the script does more than it may: probably an endless loop".into())
                .hint("A script may take 10 million steps; select on the server, and loop over less")
        }
        EvalAltResult::ErrorStackOverflow(_) => {
            script("functions call each other deeper than 64 levels: probably without end".into())
        }
        EvalAltResult::ErrorDataTooLarge(kind, _) => script(format!("{kind} grew larger than a script may hold")),
        EvalAltResult::ErrorTooManyVariables(_) => script("more variables than a script may have".into()),
        EvalAltResult::ErrorTooManyModules(_) => script("more imports than a script may have".into()),
        EvalAltResult::ErrorArithmetic(message, _) => script(lower_first(message)),
        other => script(lower_first(&without_position(&other.to_string()))),
    }
}

/// A script that does not compile.
pub fn from_parse(error: &ParseError, path: &str, texts: &BTreeMap<String, String>) -> Error {
    let position = error.position();
    let length = texts.get(path).map_or(1, |text| word_length(text, position));
    let mut result = Error::new(Code::Script, syntax(error.err_type()));
    if matches!(error.err_type(), ParseErrorType::PropertyExpected)
        && let Some(word) =
            texts.get(path).and_then(|text| word_at(text, position)).filter(|w| rhai::is_valid_identifier(w))
    {
        result =
            result.hint(format!("`{word}` is a reserved word of Rhai: as a key write it in quotes, m[\"{word}\"]"));
    }
    match place(texts, path, position, length) {
        Some(place) => result.at(place),
        None => result,
    }
}

/// The message of a syntax error, in one line.
pub fn syntax(kind: &ParseErrorType) -> String {
    match kind {
        ParseErrorType::VariableUndefined(name) => format!("no variable `{name}`"),
        ParseErrorType::ModuleUndefined(name) => format!("no module `{name}`"),
        ParseErrorType::Reserved(word) => {
            format!("`{word}` is a reserved word; as a key write it in quotes: m[\"{word}\"]")
        }
        ParseErrorType::UnexpectedEOF => "the script ends in the middle of something".into(),
        ParseErrorType::FnDuplicatedDefinition(name, count) => {
            format!("function `{name}` with {count} parameters is there twice")
        }
        ParseErrorType::BadInput(error) => format!("syntax error: {}", lower_first(&error.to_string())),
        other => format!("syntax error: {}", lower_first(&other.to_string())),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

fn without_position(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.rfind(" (line ").map_or(line, |at| &line[..at]).to_owned()
}

/// The value that ends a script from outside: the reason, which no script can catch.
pub fn termination(error: &Error) -> Dynamic {
    Dynamic::from_map(thrown::to_map(error))
}
