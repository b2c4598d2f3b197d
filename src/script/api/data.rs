//! `data`: reaching into maps that may lack what is looked for.

use std::sync::Arc;

use rhai::Dynamic;

use crate::error::{Code, Error, Result};
use crate::script::call::Call;
use crate::script::registry::{Section, Type, function, param};

use super::session::Session;

pub(super) const SECTION: Section<Session> = Section {
    name: "data",
    summary: "Reaching into maps and arrays that may lack what is looked for.",
    handle: None,
    functions: &[function(
        "dig",
        &[param("value", Type::Any), param("path", Type::Text), param("default", Type::Any)],
        "any",
        "What lies at `path` (`a.b[0].c`; `a[\"x.y\"]` for a key with dots) in a map or an array; `default` when any step is missing or `()`.",
        dig,
    )
    .example("data::dig(#{ a: #{ b: [#{ c: 7 }] } }, \"a.b[0].c\", 0) + data::dig(#{}, \"a.b\", 1)", "8")],
};

fn dig(_: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let mut value = call.any(0);
    for step in steps(&call.text(1))? {
        let next = match &step {
            Step::Key(key) => value.as_map_ref().ok().and_then(|map| map.get(key.as_str()).cloned()),
            Step::Index(index) => value.as_array_ref().ok().and_then(|items| items.get(*index).cloned()),
        };
        match next {
            Some(next) => value = next,
            None => return Ok(call.any(2)),
        }
    }
    Ok(if value.is_unit() { call.any(2) } else { value })
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

fn steps(path: &str) -> Result<Vec<Step>> {
    let wrong =
        || Error::new(Code::Invalid, format!("`{path}` is no path")).hint("Like a.b[0].c, or a[\"key.with.dots\"]");
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (step, tail) = if let Some(quoted) = inner.strip_prefix('"') {
                let (key, tail) = quoted.split_once("\"]").ok_or_else(wrong)?;
                (Step::Key(key.to_owned()), tail)
            } else {
                let (index, tail) = inner.split_once(']').ok_or_else(wrong)?;
                (Step::Index(index.parse().map_err(|_| wrong())?), tail)
            };
            steps.push(step);
            rest = tail;
        } else {
            let plain = rest.strip_prefix('.').filter(|_| !steps.is_empty()).unwrap_or(rest);
            let end = plain.find(['.', '[']).unwrap_or(plain.len());
            if end == 0 {
                return Err(wrong());
            }
            steps.push(Step::Key(plain[..end].to_owned()));
            rest = &plain[end..];
        }
    }
    if steps.is_empty() { Err(wrong()) } else { Ok(steps) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_keys_and_indices() {
        let key = |k: &str| Step::Key(k.into());
        assert_eq!(steps("a.b[0].c").unwrap(), [key("a"), key("b"), Step::Index(0), key("c")]);
        assert_eq!(steps("a[\"x.y/z\"].b").unwrap(), [key("a"), key("x.y/z"), key("b")]);
        for wrong in ["", ".a", "a..b", "a[", "a[x]", "a.[0]"] {
            assert_eq!(steps(wrong).unwrap_err().code(), Code::Invalid, "{wrong}");
        }
    }
}
