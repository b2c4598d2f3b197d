//! The options of a call: a last map, in which an unknown name is an error and not a silence.

use std::time::Duration;

use rhai::{Dynamic, Map};
use serde_json::Value;

use crate::error::{Code, Error, Result};
use crate::script::{names, value};

/// Named arguments.
#[derive(Debug)]
pub struct Options {
    function: String,
    map: Map,
}

impl Options {
    /// Takes `map` as options of `function`, if it holds nothing but `known` names.
    pub fn new(function: &str, map: Map, known: &[&str]) -> Result<Self> {
        for name in map.keys() {
            if !known.contains(&name.as_str()) {
                let error = Error::new(Code::Invalid, format!("`{function}` has no option `{name}`"));
                let near = names::nearest(name, known.iter().copied());
                return Err(error.hint(match near {
                    Some(near) => format!("Did you mean `{near}`?"),
                    None => format!("It takes: {}", known.join(", ")),
                }));
            }
        }
        Ok(Self { function: function.to_owned(), map })
    }

    /// The option, if it is there and not `()`.
    pub fn get(&self, name: &str) -> Option<&Dynamic> {
        self.map.get(name).filter(|v| !v.is_unit())
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<Option<String>> {
        self.get(name).map(|v| v.clone().into_string().map_err(|_| self.wrong(name, "text", v))).transpose()
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> Result<Option<i64>> {
        self.get(name).map(|v| v.as_int().map_err(|_| self.wrong(name, "an integer", v))).transpose()
    }

    /// `true` or `false`; `false` when it is not there.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>> {
        self.get(name).map(|v| v.as_bool().map_err(|_| self.wrong(name, "true or false", v))).transpose()
    }

    /// Texts: an array of them, or a single one.
    pub fn texts(&self, name: &str) -> Result<Vec<String>> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        if value.is_string() {
            return Ok(vec![value.to_string()]);
        }
        let wrong = || self.wrong(name, "an array of texts", value);
        let items = value.as_array_ref().map_err(|_| wrong())?;
        items.iter().map(|item| item.clone().into_string().map_err(|_| wrong())).collect()
    }

    /// Plain data.
    pub fn json(&self, name: &str) -> Result<Option<Value>> {
        self.get(name).map(|v| value::from_dynamic(v).map_err(|e| e.context(self.at(name)))).transpose()
    }

    /// A time: `"30s"`, `"10m"`, or a number of seconds.
    pub fn time(&self, name: &str) -> Result<Option<Duration>> {
        self.get(name).map(|v| duration(v).map_err(|e| e.context(self.at(name)))).transpose()
    }

    fn at(&self, name: &str) -> String {
        format!("`{}`: option `{name}`", self.function)
    }

    fn wrong(&self, name: &str, wanted: &str, got: &Dynamic) -> Error {
        Error::new(Code::Invalid, format!("{}: {wanted} is wanted, and this is {}", self.at(name), value::kind(got)))
    }
}

/// A time as scripts write it: `"90s"`, `"1h30m"`, `"500ms"`, or a number of seconds.
pub fn duration(value: &Dynamic) -> Result<Duration> {
    let wrong = || {
        Error::new(Code::Invalid, format!("`{value}` is no time"))
            .hint("Write it as Go does (\"30s\", \"1h30m\", \"500ms\") or as seconds")
    };
    if let Some(seconds) = value.as_float().ok().or_else(|| value.as_int().ok().map(|i| i as f64)) {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    let text = value.as_immutable_string_ref().map_err(|_| wrong())?;
    parse(text.trim()).ok_or_else(wrong)
}

fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let factor = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = tail;
    }
    if text.is_empty() { None } else { Duration::try_from_secs_f64(seconds).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_option_is_named() {
        let map = Map::from([("namespase".into(), "x".into())]);
        let error = Options::new("cluster::get", map, &["namespace"]).unwrap_err();
        assert_eq!(error.message(), "`cluster::get` has no option `namespase`");
        assert_eq!(error.hint_text(), Some("Did you mean `namespace`?"));
    }

    #[test]
    fn times_read_as_go_writes_them() {
        for (text, millis) in [("2s", 2000), ("1h30m", 5_400_000), ("500ms", 500), ("1.5s", 1500)] {
            assert_eq!(duration(&text.into()).unwrap().as_millis(), millis, "{text}");
        }
        assert_eq!(duration(&3_i64.into()).unwrap().as_secs(), 3);
        for wrong in ["", "s", "5", "5 apples", "-1s"] {
            assert!(duration(&wrong.into()).is_err(), "{wrong}");
        }
        assert!(duration(&(-1_i64).into()).is_err());
    }
}
