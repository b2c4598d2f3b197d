use super::{SHORT, broken, ledger, shipped};
use crate::error::{Code, Error};
use crate::goals::Ledger;

/// Message, place, what the caret underlines, label.
fn shown(error: &Error) -> String {
    assert_eq!(error.code(), Code::Ledger);
    assert!(error.hint_text().unwrap().contains("git restore goals.json"), "{error:?}");
    let place = &error.places()[0];
    let line = place.source.as_deref().unwrap().lines().nth(place.line - 1).unwrap_or_default();
    let under: String = line.chars().skip(place.column - 1).take(place.length).collect();
    let label = place.label.as_deref().unwrap_or("-");
    format!("{} | {}:{}:{} `{under}` {label}", error.message(), place.file, place.line, place.column)
}

#[test]
fn a_file_cut_in_half_shows_where_it_ends() {
    let cut = &SHORT[..SHORT.find("\"1.2\"").unwrap() + 3];
    assert_eq!(
        shown(&broken(cut)),
        "goals.json: the file is cut off | goals.json:5:17 `.` ends here; the `{` of line 5 is not closed"
    );
}

#[test]
fn every_cut_is_an_error_with_a_place() {
    let text = shipped().text().to_owned();
    let whole = text.trim_end().len();
    for cut in (0..whole).step_by(97).chain([0, 1, whole - 1]).filter(|cut| text.is_char_boundary(*cut)) {
        assert_eq!(broken(&text[..cut]).places().len(), 1, "cut at {cut}");
    }
}

#[test]
fn an_empty_file_is_said() {
    assert_eq!(shown(&broken("")), "goals.json: the file is empty | goals.json:1:1 `` -");
    assert_eq!(shown(&broken(" \n")), "goals.json: the file is empty | goals.json:1:1 ` ` -");
}

#[test]
fn a_duplicate_id_shows_the_second_and_names_the_first() {
    let text = SHORT.replace("\"id\": \"2.1\"", "\"id\": \"1.2\"");
    assert_eq!(
        shown(&broken(&text)),
        "goals.json: two objectives have the id `1.2` | goals.json:8:15 `\"1.2\"` first in line 5"
    );
    let text = SHORT.replace("phase_2", "phase_1");
    assert_eq!(
        shown(&broken(&text)),
        "goals.json: two phases have the id `phase_1` | goals.json:7:13 `\"phase_1\"` first in line 3"
    );
}

#[test]
fn an_id_that_is_a_number_is_refused() {
    assert_eq!(
        shown(&broken(&SHORT.replace("\"1.2\"", "1.10"))),
        "goals.json: the id of this objective must be text, not a number | goals.json:5:15 `1.10` write it as \"1.10\""
    );
}

#[test]
fn wrong_types_show_their_place() {
    for (from, to, wanted) in [
        (
            "\"status\": \"completed\"",
            "\"status\": true",
            "the status of objective 1.1 must be text, not true or false | goals.json:4:32 `true` true or false here",
        ),
        (
            "\"status\": \"completed\"",
            "\"prerequisites\": \"1.0\"",
            "`prerequisites` of objective 1.1 must be a list, not text | goals.json:4:39 `\"1.0\"` text here",
        ),
        (
            "{ \"id\": \"1.1\", \"status\": \"completed\" }",
            "[]",
            "an objective must be an object, not a list | goals.json:4:7 `[]` a list here",
        ),
        ("{ \"id\": \"1.1\", ", "{ ", "objective without an `id` | goals.json:4:7 `{` this object needs an `id`"),
        (
            "\"id\": \"phase_2\"",
            "\"id\": \"phase_2\", \"resource_allocation\": {\"memory\": \"plenty\"}",
            "`memory` is no amount | goals.json:7:58 `\"plenty\"` write it as 8GB or 8Gi",
        ),
        (
            "\"id\": \"1.1\"",
            "\"id\": \"1.1\", \"status\": \"done\"",
            "the key `status` is written twice | goals.json:4:40 `\"status\"` first in line 4",
        ),
    ] {
        assert_eq!(shown(&broken(&SHORT.replace(from, to))), format!("goals.json: {wanted}"));
    }
    assert_eq!(
        shown(&broken("{\"phases\": 1}")),
        "goals.json: `phases` must be a list, not a number | goals.json:1:12 `1` a number here"
    );
    assert_eq!(
        shown(&broken("{\"goals\": []}")),
        "goals.json: the ledger has no `phases` | goals.json:1:1 `{` this object needs a list `phases`"
    );
    assert_eq!(
        shown(&broken("[]")),
        "goals.json: the ledger must be an object, not a list | goals.json:1:1 `[]` a list here"
    );
    assert_eq!(
        shown(&broken(r#"{"phases":[],"trigger_conditions":{"s3_requirements":"yes"}}"#)),
        "goals.json: `s3_requirements` must be true or false, not text | goals.json:1:54 `\"yes\"` text here"
    );
}

#[test]
fn lenient_json_is_refused_with_its_place() {
    for (text, line, column) in [
        ("{\"phases\": [],}", 1, 15),
        ("{\n  // comment\n  \"phases\": []\n}", 2, 3),
        ("{\"phases\": [] \"x\": 1}", 1, 15),
        ("{'phases': []}", 1, 2),
        ("{\"ä\": +1}", 1, 7),
        ("{\"phases\": []} {}", 1, 16),
    ] {
        let error = broken(text);
        assert!(error.message().starts_with("goals.json: this is no JSON: "), "{error}");
        let place = &error.places()[0];
        assert_eq!((place.line, place.column), (line, column), "{text}: {error}");
    }
}

#[test]
fn a_byte_order_mark_is_no_fault() {
    let ledger = ledger(&format!("\u{feff}{SHORT}"));
    let text = ledger.edit(&super::now()).complete("1.2").text().unwrap();
    assert!(text.starts_with("\u{feff}{\n") && text.contains("\"1.2\", \"status\": \"completed\""), "{text}");
}

#[test]
fn a_missing_file_and_a_file_that_is_no_text_are_said() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("goals.json");
    let error = Ledger::load(&path, "docs/goals.json").unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::NotFound, "no ledger at docs/goals.json"));
    std::fs::write(&path, b"{\n\xff}").unwrap();
    let error = Ledger::load(&path, "docs/goals.json").unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Ledger, "docs/goals.json: line 2 is not UTF-8 text"));
}
