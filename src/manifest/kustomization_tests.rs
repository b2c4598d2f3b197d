use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::manifest::yaml;

fn added(text: &str) -> String {
    add_resource(text, "k.yaml", "./new/ks.yaml").unwrap().unwrap_or_else(|| "unchanged".to_owned())
}

fn removed(text: &str, entry: &str) -> String {
    remove_resource(text, "k.yaml", entry).unwrap().unwrap_or_else(|| "unchanged".to_owned())
}

#[test]
fn additions_follow_the_file() {
    let cases = [
        ("indented", "resources:\n  - ./a/ks.yaml\n", "resources:\n  - ./a/ks.yaml\n  - ./new/ks.yaml\n"),
        ("flush", "resources:\n- ./a\nb: 1\n", "resources:\n- ./a\n- ./new/ks.yaml\nb: 1\n"),
        ("wide", "resources:\n    -   a\n", "resources:\n    -   a\n    -   ./new/ks.yaml\n"),
        (
            "comments",
            "# top\nresources: # list\n  # first\n  - ./a # why\n  # - ./off\n  - ./c\n  # - ./d\n\n# end\n",
            "# top\nresources: # list\n  # first\n  - ./a # why\n  # - ./off\n  - ./c\n  - ./new/ks.yaml\n  # - ./d\n\n# end\n",
        ),
        ("double quotes", "resources:\n  - \"./a\"\n", "resources:\n  - \"./a\"\n  - \"./new/ks.yaml\"\n"),
        ("single quotes", "resources:\n  - './a'\n", "resources:\n  - './a'\n  - './new/ks.yaml'\n"),
        ("no final newline", "resources:\n  - ./a", "resources:\n  - ./a\n  - ./new/ks.yaml"),
        ("crlf", "resources:\r\n  - ./a\r\nb: 1\r\n", "resources:\r\n  - ./a\r\n  - ./new/ks.yaml\r\nb: 1\r\n"),
        ("anchor", "resources:\n  - &x ./a\n", "resources:\n  - &x ./a\n  - ./new/ks.yaml\n"),
        ("null", "resources:\nb: 1\n", "resources:\n  - ./new/ks.yaml\nb: 1\n"),
        ("null at the end", "b: 1\nresources:", "b: 1\nresources:\n  - ./new/ks.yaml"),
        ("null with comment", "resources: # none yet\n", "resources: # none yet\n  - ./new/ks.yaml\n"),
        ("tilde", "resources: ~ # x\n", "resources: # x\n  - ./new/ks.yaml\n"),
        (
            "all commented out",
            "resources:\n# - ./a\n# - ./b\n\nb: 1\n",
            "resources:\n# - ./a\n# - ./b\n- ./new/ks.yaml\n\nb: 1\n",
        ),
        (
            "all commented out, indented",
            "resources:\n    # - ./a\nb: 1\n",
            "resources:\n    # - ./a\n    - ./new/ks.yaml\nb: 1\n",
        ),
        ("null, others flush", "c:\n- x\nresources:\n", "c:\n- x\nresources:\n- ./new/ks.yaml\n"),
        ("absent", "kind: Kustomization\n", "kind: Kustomization\nresources:\n  - ./new/ks.yaml\n"),
        ("absent, no newline", "kind: K", "kind: K\nresources:\n  - ./new/ks.yaml\n"),
        ("absent, flush lists", "c:\n- x\n", "c:\n- x\nresources:\n- ./new/ks.yaml\n"),
        ("absent, block text", "t: |\n  a\n  b\n", "t: |\n  a\n  b\nresources:\n  - ./new/ks.yaml\n"),
        ("absent, end marker", "a: 1\n...\n", "a: 1\nresources:\n  - ./new/ks.yaml\n...\n"),
        ("empty", "", "resources:\n  - ./new/ks.yaml\n"),
        ("only comments", "---\n# soon\n", "---\n# soon\nresources:\n  - ./new/ks.yaml\n"),
        ("flow", "resources: [./a, ./b] # x\n", "resources: [./a, ./b, ./new/ks.yaml] # x\n"),
        ("flow, trailing comma", "resources: [./a, ]\n", "resources: [./a, ./new/ks.yaml, ]\n"),
        ("flow, quotes", "resources: ['a']\n", "resources: ['a', './new/ks.yaml']\n"),
        ("flow, lines", "resources: [\n  a,\n  b # last\n]\n", "resources: [\n  a,\n  b, # last\n  ./new/ks.yaml\n]\n"),
        ("flow, lines and comma", "resources: [\n  a,\n  b,\n]\n", "resources: [\n  a,\n  b,\n  ./new/ks.yaml,\n]\n"),
        ("flow, lines, bracket", "resources: [a,\n  b]\n", "resources: [a,\n  b,\n  ./new/ks.yaml]\n"),
        ("empty flow", "resources: []\nb: 1\n", "resources:\n  - ./new/ks.yaml\nb: 1\n"),
        ("empty flow, comment", "resources: [] # none\n", "resources: # none\n  - ./new/ks.yaml\n"),
        ("empty flow, two lines", "resources: [\n]\n", "resources: [./new/ks.yaml\n]\n"),
        ("flow root", "{kind: K, resources: [a]}\n", "{kind: K, resources: [a, ./new/ks.yaml]}\n"),
        ("flow root, absent", "{kind: K}\n", "{kind: K, resources: [./new/ks.yaml]}\n"),
        ("flow root, null", "{resources: , kind: K}\n", "{resources: [./new/ks.yaml] , kind: K}\n"),
        ("there", "resources:\n  - new/ks.yaml\n", "unchanged"),
        ("there, in flow", "resources: [\"./new/ks.yaml\"]\n", "unchanged"),
        ("key in quotes", "\"resources\":\n  - a\n", "\"resources\":\n  - a\n  - ./new/ks.yaml\n"),
    ];
    for (name, before, after) in cases {
        let result = added(before);
        assert_eq!(result, after, "{name}");
        if after != "unchanged" {
            let list = entries(&result, "k.yaml", "resources").unwrap();
            assert!(list.contains(&"./new/ks.yaml".to_owned()), "{name}: {list:?}");
            yaml::documents(&result, "k.yaml").unwrap();
        }
    }
}

#[test]
fn removals_leave_the_rest() {
    let cases = [
        ("resources:\n  - ./a\n  - b # why\n  # - c\n", "./b", "resources:\n  - ./a\n  # - c\n"),
        ("resources:\n- a\n- b\n", "a", "resources:\n- b\n"),
        ("resources:\n  - a\nb: 1\n", "./a/", "resources: []\nb: 1\n"),
        ("resources: [a, b, c]\n", "b", "resources: [a, c]\n"),
        ("resources: [a, b]\n", "a", "resources: [b]\n"),
        ("resources: [a]\n", "a", "resources: []\n"),
        ("resources:\n  - a\n", "z", "unchanged"),
        ("kind: K\n", "a", "unchanged"),
        ("resources:\n", "a", "unchanged"),
        ("", "a", "unchanged"),
        ("resources:\r\n  - a\r\n  - b\r\n", "a", "resources:\r\n  - b\r\n"),
    ];
    for (before, entry, after) in cases {
        assert_eq!(removed(before, entry), after, "{before:?}");
    }
}

#[test]
fn what_is_not_a_list_is_refused() {
    for text in ["resources: text\n", "resources: {a: 1}\n", "- a\n", "a: 1\n---\nb: 1\n", "r: &x [a]\nresources: *x\n"]
    {
        let error = add_resource(text, "dir/k.yaml", "./x").unwrap_err();
        assert_eq!(error.code(), Code::Kustomize, "{text:?}");
        assert_eq!(error.places()[0].file, "dir/k.yaml");
    }
    assert_eq!(add_resource("a: [\n", "k.yaml", "x").unwrap_err().code(), Code::Invalid);
}

/// A kustomization as people write them: comments, blank lines, both list styles, other keys around.
fn any_file() -> impl Strategy<Value = (String, usize)> {
    let noise = prop_oneof![
        Just(String::new()),
        Just("\n".to_owned()),
        Just("# note: é - x\n".to_owned()),
        Just("    # - ./off\n".to_owned()),
    ];
    let item = ("[a-z]{1,6}", prop_oneof![Just(""), Just(" # why"), Just("   ")], 0..3_usize);
    (
        noise.clone(),
        prop_oneof![Just("  "), Just(""), Just("    ")],
        prop::collection::vec((item, noise.clone()), 1..6),
        noise.clone(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(head, indent, items, tail, key_before, key_after, newline)| {
            let mut text = head;
            if key_before {
                text.push_str("kind: Kustomization\n");
            }
            text.push_str("resources:\n");
            let count = items.len();
            for (i, ((name, comment, quotes), noise)) in items.into_iter().enumerate() {
                let quote = ["", "'", "\""][quotes];
                writeln!(text, "{indent}- {quote}./{name}{i}{quote}{comment}").unwrap();
                text.push_str(&noise);
            }
            text.push_str(&tail);
            if key_after {
                text.push_str("labels:\n  - pairs:\n      a: b\n");
            } else if !newline {
                text.truncate(text.trim_end_matches('\n').len());
            }
            (text, count)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn one_line_comes_and_goes((text, count) in any_file()) {
        let before = yaml::document(&text, "k").unwrap();
        let with = added(&text);
        let mut expected = before.clone();
        expected["resources"].as_array_mut().unwrap().push("./new/ks.yaml".into());
        prop_assert_eq!(&yaml::document(&with, "k").unwrap(), &expected);
        prop_assert_eq!(with.lines().count(), text.lines().count() + 1);
        let others: Vec<_> = with.lines().filter(|l| !l.contains("./new/ks.yaml")).collect();
        prop_assert_eq!(others, text.lines().collect::<Vec<_>>());
        prop_assert_eq!(entries(&with, "k", "resources").unwrap().len(), count + 1);
        prop_assert_eq!(add_resource(&with, "k", "new/ks.yaml").unwrap(), None);
        let back = removed(&with, "new/ks.yaml");
        prop_assert_eq!(back.trim_end_matches('\n'), text.trim_end_matches('\n'));
    }
}
