use super::*;
use crate::error::{Code, Error};

fn broken(text: &str) -> Error {
    Settings::parse(text, "dpb.yaml").unwrap_err()
}

/// Message, place, what the caret underlines, label.
fn shown(error: &Error) -> String {
    let place = &error.places()[0];
    let line = place.source.as_deref().unwrap().lines().nth(place.line - 1).unwrap();
    let under: String = line.chars().skip(place.column - 1).take(place.length).collect();
    format!(
        "{} | {}:{}:{} `{under}` {}",
        error.message(),
        place.file,
        place.line,
        place.column,
        place.label.as_deref().unwrap_or("-")
    )
}

#[test]
fn an_empty_file_and_a_file_of_comments_have_the_defaults() {
    assert_eq!(Settings::parse("", "dpb.yaml").unwrap(), Settings::default());
    assert_eq!(Settings::parse("# nothing yet\n", "dpb.yaml").unwrap(), Settings::default());
}

#[test]
fn a_section_whose_keys_are_commented_out_has_its_defaults() {
    let settings = Settings::parse("storage:\n  # namespace: rook\nnamespace: lake\n", "dpb.yaml").unwrap();
    assert_eq!(settings.storage, Storage::default());
    assert_eq!(settings.namespace, "lake");
}

#[test]
fn one_key_changes_one_value() {
    let settings = Settings::parse("metastore:\n  database:\n    size: 20Gi\n", "dpb.yaml").unwrap();
    let mut wanted = Settings::default();
    wanted.metastore.database.size = Amount::new("20Gi").unwrap();
    assert_eq!(settings, wanted);
}

#[test]
fn the_commented_file_reads_back_as_the_defaults() {
    let text = commented();
    assert_eq!(Settings::parse(&text, "dpb.yaml").unwrap(), Settings::default(), "{text}");
    assert!(text.contains("  # Name of the CephObjectStore.\n  object_store: storage\n"), "{text}");
}

#[test]
fn every_key_is_explained() {
    fn walk(entries: &[Entry]) {
        for entry in entries {
            assert!(!entry.doc.concat().trim().is_empty(), "{}", entry.name);
            walk(&entry.children);
        }
    }
    walk(&Settings::entries());
}

#[test]
fn the_value_for_scripts_is_nested_as_the_file() {
    let value = Settings::default().as_value();
    assert_eq!(value["storage"]["block"], "ceph-block");
    assert_eq!(value["metastore"]["database"]["size"], "10Gi");
    assert_eq!(value["limits"]["node_percent"], 70);
    assert_eq!(value["delivery"], "flux");
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let error = broken("namespace: lake\nstorage:\n  object_stor: x\n");
    assert_eq!(error.code(), Code::Settings);
    assert_eq!(
        shown(&error),
        "dpb.yaml: unknown key `object_stor` | dpb.yaml:3:3 `object_stor` did you mean `object_store`?"
    );
}

#[test]
fn a_key_in_the_wrong_section_names_the_right_one() {
    let error = broken("schema_version: 4.0.0\n");
    assert!(error.hint_text().unwrap().starts_with("`schema_version` is known as metastore.schema_version;"));
}

#[test]
fn a_wrong_type_shows_the_value() {
    assert_eq!(
        shown(&broken("storage:\n  rgw_port: http\n")),
        "dpb.yaml: a whole number from 0 to 65535 is expected here | dpb.yaml:2:13 `http` -"
    );
}

#[test]
fn a_wrong_amount_shows_the_value() {
    assert_eq!(
        shown(&broken("limits:\n  memory: plenty\n")),
        "dpb.yaml: `plenty` is no amount: write a number and a unit (`60GB`, `10Gi`, `200m`) | dpb.yaml:2:11 `plenty` -"
    );
}

#[test]
fn an_unknown_delivery_lists_the_words() {
    assert_eq!(
        shown(&broken("delivery: fluxx\n")),
        "dpb.yaml: unknown word `fluxx` | dpb.yaml:1:11 `fluxx` did you mean `flux`?"
    );
}

#[test]
fn a_key_written_twice_is_refused() {
    assert_eq!(
        shown(&broken("namespace: a\nnamespace: b\n")),
        "dpb.yaml: the key `namespace` is written twice | dpb.yaml:2:1 `namespace` -"
    );
}

#[test]
fn a_value_left_out_is_refused() {
    assert_eq!(shown(&broken("namespace:\n")), "dpb.yaml: no value is written here | dpb.yaml:1:1 `namespace` -");
}

#[test]
fn a_file_cut_off_is_refused() {
    assert_eq!(shown(&broken("storage: {namespace: x\n")), "dpb.yaml: unclosed bracket '{' | dpb.yaml:1:10 `{` -");
}

#[test]
fn spans_are_read_as_go_writes_them() {
    assert_eq!(Span::new("1h30m").unwrap().duration().as_secs(), 5400);
    assert_eq!(Span::new("90s").unwrap().duration().as_secs(), 90);
    for wrong in ["", "10", "m", "10 m", "0s", "5d", "-5m"] {
        assert_eq!(Span::new(wrong), None, "{wrong}");
    }
}

#[test]
fn amounts_are_a_number_and_a_unit() {
    for right in ["60GB", "8 GB", "10Gi", "200m", "6", "0.5", "12 cores"] {
        assert!(Amount::new(right).is_some(), "{right}");
    }
    for wrong in ["", "GB", "10GG", "-1", "1.2.3"] {
        assert_eq!(Amount::new(wrong), None, "{wrong}");
    }
}
