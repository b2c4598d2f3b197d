//! YAML as kubectl reads it: several documents, anchors, merge keys, YAML 1.1 booleans and octals.

use serde_json::Value;
use serde_saphyr::{Budget, Options};

use super::locate::{self, Node};
use crate::error::{Code, Error, Place, Result};

/// One document of a YAML file.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// What it says.
    pub value: Value,
    /// The line of its first content, from 1.
    pub line: usize,
}

/// Reads every document of `text`; empty ones are left out, as kubectl does. `display` is the file's name in errors.
pub fn documents(text: &str, display: &str) -> Result<Vec<Document>> {
    let (lines, depth) = match locate::measured(text, display) {
        Ok((nodes, depth)) => (nodes.iter().filter(|n| !n.is_null()).map(|n| n.line).collect(), depth),
        Err(_) => (Vec::new(), 0),
    };
    let parse = || -> Result<Vec<Value>> {
        serde_saphyr::from_multiple_with_options(text, options()).map_err(|e| broken(&e, text, display))
    };
    // The parser recurses: what nests deep gets a stack of its own instead of overflowing the caller's.
    let values = if depth <= SHALLOW { parse()? } else { on_large_stack(parse)? };
    let known = lines.len() == values.len();
    Ok(values
        .into_iter()
        .enumerate()
        .map(|(i, value)| Document { value, line: if known { lines[i] } else { 1 } })
        .collect())
}

/// Reads a text that must hold exactly one document.
pub fn document(text: &str, display: &str) -> Result<Value> {
    let mut all = documents(text, display)?;
    match all.len() {
        1 => Ok(all.remove(0).value),
        0 => Err(Error::new(Code::Invalid, format!("{display} is empty")).at(Place::new(display, 1, 1))),
        _ => Err(Error::new(Code::Invalid, format!("{display} holds {} documents, one is expected", all.len()))
            .at(Place::new(display, all[1].line, 1).with_source(text).with_label("the second begins here"))),
    }
}

/// Reads JSON or YAML into a typed value, with the same rules and errors as [`documents`].
pub fn typed<T: serde::de::DeserializeOwned>(text: &str, display: &str) -> Result<T> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|e| broken(&e, text, display))
}

/// The place of the value at `path` (keys, or indices in decimal) in one of the documents of `text`: the key of a
/// mapping's entry, or the item of a list. The nearest parent that exists if the path ends earlier.
pub fn place(text: &str, display: &str, document: usize, path: &[&str]) -> Place {
    let start = Place::new(display, 1, 1).with_source(text);
    let Ok(nodes) = locate::outline(text, display) else { return start };
    let nodes: Vec<&Node> = nodes.iter().filter(|n| !n.is_null()).collect();
    nodes.get(document).map_or(start, |node| node.place_of(path, text, display))
}

/// How deep collections may nest on a stack of 2 MiB, that of a thread.
const SHALLOW: usize = 32;

fn on_large_stack<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, work);
        let thread = thread.map_err(|e| Error::new(Code::Internal, format!("starting a thread: {e}")))?;
        thread.join().map_err(|_| Error::new(Code::Internal, "reading a deeply nested file failed"))?
    })
}

/// Duplicate keys are an error, as `kubectl apply` and kustomize have it. Budgets far above any real repository: the
/// defaults refuse a CRD bundle; what is left guards against alias bombs.
fn options() -> Options {
    let mut budget = Budget::default();
    budget.max_buffered_comment_events = 100_000;
    budget.simple_key_max_lookahead = 1 << 20;
    budget.max_events = 50_000_000;
    budget.max_aliases = 1_000_000;
    budget.max_anchors = 1_000_000;
    budget.max_depth = 250;
    budget.max_documents = 100_000;
    budget.max_nodes = 20_000_000;
    budget.max_total_scalar_bytes = 1 << 30;
    budget.max_total_comment_bytes = 1 << 30;
    budget.max_merge_keys = 100_000;
    budget.enforce_alias_anchor_ratio = false;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.legacy_octal_numbers = true;
    options.ignore_binary_tag_for_string = true;
    options.with_snippet = false;
    options
}

fn broken(error: &serde_saphyr::Error, text: &str, display: &str) -> Error {
    let text_of_error = error.without_snippet().to_string();
    let message = text_of_error.lines().next().unwrap_or_default();
    let message = match message.find(" at line ") {
        Some(end) if error.location().is_some() => &message[..end],
        _ => message,
    };
    let short = message.strip_prefix("error: ").unwrap_or(message).trim_end_matches('.');
    let (line, column) = error.location().map_or((1, 1), |l| {
        (usize::try_from(l.line()).unwrap_or(1).max(1), usize::try_from(l.column()).unwrap_or(1).max(1))
    });
    Error::new(Code::Invalid, format!("{display} is not valid YAML: {short}"))
        .at(Place::new(display, line, column).with_source(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(text: &str) -> Value {
        document(text, "x.yaml").unwrap()
    }

    #[test]
    fn reads_as_kubectl_does() {
        let cases = [
            ("mode: 0644", json!({"mode": 420})),
            ("mode: 0o644", json!({"mode": 420})),
            ("a: yes\nb: \"yes\"\nc: Off", json!({"a": true, "b": "yes", "c": false})),
            ("a: &x app\nb: *x", json!({"a": "app", "b": "app"})),
            ("a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  l: 3", json!({"a": {"k": 1, "l": 2}, "b": {"k": 1, "l": 3}})),
            ("a: 1.5\nb: 1e3\nc: -3", json!({"a": 1.5, "b": 1000.0, "c": -3})),
            ("a:\nb: ~\nc: null", json!({"a": null, "b": null, "c": null})),
            ("8080: x\ntrue: z", json!({"8080": "x", "true": "z"})),
            ("a: |\n  x\n  y\nb: >-\n  p\n  q", json!({"a": "x\ny\n", "b": "p q"})),
            ("d: 2026-11-24\nv: 1.2.3", json!({"d": "2026-11-24", "v": "1.2.3"})),
            ("n: 18446744073709551615", json!({"n": u64::MAX})),
            ("{\"a\": [1, 2]}", json!({"a": [1, 2]})),
            (
                "s: ENC[AES256_GCM,data:abc=,iv:x/y==,type:str]",
                json!({"s": "ENC[AES256_GCM,data:abc=,iv:x/y==,type:str]"}),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(one(text), expected, "{text}");
        }
    }

    #[test]
    fn keeps_key_order_and_finds_the_line_of_each_document() {
        let text = "# head\n---\nz: 1\na: 2\n---\n# nothing\n---\nkind: B\n";
        let docs = documents(text, "x.yaml").unwrap();
        assert_eq!(docs.iter().map(|d| d.line).collect::<Vec<_>>(), [3, 8]);
        assert_eq!(serde_json::to_string(&docs[0].value).unwrap(), r#"{"z":1,"a":2}"#);
    }

    #[test]
    fn errors_carry_a_place() {
        let error = documents("a: 1\nb: [1, 2\nc: 3\n", "dir/x.yaml").unwrap_err();
        assert_eq!(error.code(), Code::Invalid);
        assert!(error.message().starts_with("dir/x.yaml is not valid YAML: "), "{error}");
        assert!(!error.message().contains('\n'));
        assert!(error.places()[0].line >= 2);
        let double = documents("a: 1\nb: 2\na: 3\n", "x.yaml").unwrap_err();
        assert_eq!(double.places()[0].line, 3, "{double}");
    }

    #[test]
    fn exactly_one_document() {
        assert_eq!(document("", "x.yaml").unwrap_err().message(), "x.yaml is empty");
        let two = document("a: 1\n---\nb: 1\n", "x.yaml").unwrap_err();
        assert_eq!(two.places()[0].line, 3);
    }

    #[test]
    fn places_of_paths() {
        let text = "kind: A\n---\nspec:\n  dependsOn:\n    - name: x\n    - name: y\n";
        let at = |path: &[&str]| {
            let p = place(text, "x.yaml", 1, path);
            (p.line, p.column)
        };
        assert_eq!(at(&["spec", "dependsOn"]), (4, 3));
        assert_eq!(at(&["spec", "dependsOn", "1"]), (6, 7));
        assert_eq!(at(&["spec", "dependsOn", "1", "name"]), (6, 7));
        assert_eq!(at(&["spec", "missing", "deep"]), (3, 1));
    }

    #[test]
    fn large_and_deep_files_are_read() {
        let text: String = "---\nname: x\n".repeat(3000);
        assert_eq!(documents(&text, "x.yaml").unwrap().len(), 3000);
        let deep = (0..100).fold(String::new(), |text, i| text + &" ".repeat(i) + "k:\n");
        assert!(documents(&deep, "x.yaml").is_ok());
    }
}
