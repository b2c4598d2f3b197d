//! Generated ledgers: a change changes what it means to, whatever the file looks like.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ledger, now};
use crate::goals::Status;

/// Small steps of chance from one seed, so that a failing case can be told by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

/// JSON as people and tools leave it behind: keys in any order, any whitespace, foreign fields everywhere.
struct Writer {
    dice: Dice,
    out: String,
}

const BLANKS: [&str; 10] = ["", "", " ", "\n", "\n  ", "\t", "  \n\t ", "\r\n", " \n    ", "   "];
const WORDS: [&str; 7] = ["pending", "in_progress", "blocked", "completed", "done", "ready_to_start", "ÜBER\u{1F600}"];
const FOREIGN: [&str; 9] = [
    "1e3",
    "-0.50",
    "12345678901234567890123",
    r#""caf\u00e9 \/ \"quoted\" }]{[,:""#,
    r#"{"status":"pending","id":"1.1","dpb":{"status" : null}}"#,
    "[ ]",
    "{\n}",
    "[1,\t[true , {\"a\" :\"b\"}],null]",
    "false",
];

impl Writer {
    fn blank(&mut self) {
        let blank = self.dice.one(&BLANKS);
        self.out.push_str(blank);
    }

    fn object(&mut self, mut fields: Vec<(String, Field)>) {
        for n in 0..self.dice.roll(3) {
            let value = self.dice.one(&FOREIGN).to_owned();
            fields.push((format!("x-{n}"), Field::Raw(value)));
        }
        for at in (1..fields.len()).rev() {
            let other = self.dice.roll(at + 1);
            fields.swap(at, other);
        }
        self.list('{', '}', fields.into_iter().map(|(key, field)| (Some(key), field)).collect());
    }

    fn list(&mut self, open: char, close: char, items: Vec<(Option<String>, Field)>) {
        self.out.push(open);
        for (n, (key, field)) in items.into_iter().enumerate() {
            if n > 0 {
                self.blank();
                self.out.push(',');
            }
            self.blank();
            if let Some(key) = key {
                self.out.push_str(&json!(key).to_string());
                self.blank();
                self.out.push(':');
                self.blank();
            }
            match field {
                Field::Raw(text) => self.out.push_str(&text),
                Field::Object(fields) => self.object(fields),
                Field::List(items) => self.list('[', ']', items.into_iter().map(|item| (None, item)).collect()),
            }
        }
        self.blank();
        self.out.push(close);
    }
}

enum Field {
    Raw(String),
    Object(Vec<(String, Field)>),
    List(Vec<Field>),
}

fn text(value: &str) -> Field {
    Field::Raw(json!(value).to_string())
}

/// A ledger of one to four phases with up to four objectives each, and the ids in it.
fn generated(seed: u64) -> (String, Vec<String>) {
    let mut dice = Dice(seed);
    let (mut phases, mut ids) = (Vec::new(), Vec::new());
    for p in 1..=1 + dice.roll(4) {
        let mut objectives = Vec::new();
        for o in 1..=1 + dice.roll(4) {
            let id = format!("{p}.{o}");
            let mut fields = vec![("id".to_owned(), text(&id))];
            if dice.roll(8) > 0 {
                fields.push(("status".to_owned(), text(dice.one(&WORDS))));
            }
            if dice.roll(2) > 0 {
                let stamp = dice.one(&["null", r#""2026-11-01T10:00:00Z""#, r#""yesterday""#]);
                fields.push(("completion_timestamp".to_owned(), Field::Raw(stamp.to_owned())));
            }
            if dice.roll(3) == 0 {
                fields.push(("dpb".to_owned(), Field::Raw("{ \"blocked\":{\"why\" : \"x\"},\n \"n\":1 }".to_owned())));
            }
            if dice.roll(2) == 0 && o > 1 {
                fields.push((
                    "prerequisites".to_owned(),
                    Field::List(vec![text(&format!("{p}.{}", o - 1)), text("tea")]),
                ));
            }
            ids.push(id);
            objectives.push(Field::Object(fields));
        }
        let mut fields = vec![("id".to_owned(), text(&format!("phase_{p}")))];
        fields.push(("status".to_owned(), text(dice.one(&WORDS))));
        fields.push(("objectives".to_owned(), Field::List(objectives)));
        phases.push(Field::Object(fields));
    }
    let current = vec![
        ("active_phase".to_owned(), text("phase_1")),
        ("active_objective".to_owned(), Field::Raw("null".to_owned())),
        ("completion_percentage".to_owned(), Field::Raw(dice.one(&["0", "12.5", "1e1", "\"7\""]).to_owned())),
    ];
    let metadata = vec![("last_updated".to_owned(), text("2026-01-01"))];
    let root = vec![
        ("phases".to_owned(), Field::List(phases)),
        ("current_status".to_owned(), Field::Object(current)),
        ("metadata".to_owned(), Field::Object(metadata)),
    ];
    let mut writer = Writer { dice, out: String::new() };
    writer.blank();
    writer.object(root);
    writer.blank();
    (writer.out, ids)
}

/// Every scalar of a JSON text with its path, and the text with these scalars left out. Its own small reader: what is
/// tested must not judge itself.
fn scalars(text: &str) -> (Vec<(String, String)>, String) {
    let (mut found, mut rest) = (Vec::new(), String::new());
    let mut stack: Vec<(char, String, usize)> = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut awaits_key = false;
    while let Some((at, c)) = chars.next() {
        match c {
            '{' | '[' => {
                stack.push((c, String::new(), 0));
                awaits_key = c == '{';
                rest.push(c);
            }
            '}' | ']' => {
                stack.pop();
                awaits_key = false;
                rest.push(c);
            }
            ',' => {
                let top = stack.last_mut().unwrap();
                top.2 += 1;
                awaits_key = top.0 == '{';
                rest.push(c);
            }
            ':' => {
                awaits_key = false;
                rest.push(c);
            }
            c if c.is_whitespace() => rest.push(c),
            _ => {
                let mut end = at + c.len_utf8();
                if c == '"' {
                    let mut escaped = false;
                    for (at, c) in chars.by_ref() {
                        end = at + 1;
                        if c == '"' && !escaped {
                            break;
                        }
                        escaped = c == '\\' && !escaped;
                    }
                } else {
                    while let Some((at, c)) = chars.peek().copied() {
                        if c.is_whitespace() || ",]}".contains(c) {
                            break;
                        }
                        end = at + c.len_utf8();
                        chars.next();
                    }
                }
                let token = &text[at..end];
                if awaits_key {
                    stack.last_mut().unwrap().1 = serde_json::from_str(token).unwrap();
                    rest.push_str(token);
                } else {
                    let step = |(open, key, index): &(char, String, usize)| {
                        if *open == '{' { format!("/{key}") } else { format!("/{index}") }
                    };
                    found.push((stack.iter().map(step).collect(), token.to_owned()));
                }
            }
        }
    }
    (found, rest)
}

/// Where an objective lies.
fn path(value: &Value, id: &str) -> String {
    for (p, phase) in value["phases"].as_array().unwrap().iter().enumerate() {
        for (o, objective) in phase["objectives"].as_array().unwrap().iter().enumerate() {
            if objective["id"] == id {
                return format!("/phases/{p}/objectives/{o}");
            }
        }
    }
    panic!("no {id}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_change_of_one_status_changes_only_the_values_it_means_to(seed: u64, pick: prop::sample::Index, to in 0..4usize) {
        let (before, ids) = generated(seed);
        let id = &ids[pick.index(ids.len())];
        let status = Status::ALL[to];
        let old = ledger(&before);
        // A status that isn't there yet would be added: the second property looks at that.
        let place = path(old.value(), id);
        prop_assume!(old.value().pointer(&format!("{place}/status")).is_some());

        let after = old.edit(&now()).set_status(id, status).text().unwrap();

        let new = ledger(&after);
        prop_assert_eq!(new.objective(id).unwrap().status_word.as_str(), status.as_str());
        let phase = place.split("/objectives").next().unwrap().to_owned() + "/status";
        let mut meant = vec![format!("{place}/status"), phase, "/metadata/last_updated".to_owned()];
        if status != Status::Completed && status != Status::InProgress {
            meant.push(format!("{place}/completion_timestamp"));
        }
        let (old_values, old_rest) = scalars(&before);
        let (new_values, new_rest) = scalars(&after);
        prop_assert_eq!(old_rest, new_rest, "whitespace, keys and brackets");
        prop_assert_eq!(old_values.len(), new_values.len());
        for ((path, old), (new_path, new)) in old_values.iter().zip(&new_values) {
            prop_assert_eq!(path, new_path);
            let may = meant.contains(path) || path.starts_with("/current_status/") && !path.contains("x-");
            prop_assert!(old == new || may, "{} went from {} to {}", path, old, new);
        }
        let changed = old.objective(id).unwrap().status_word != status.as_str();
        prop_assert_eq!(before != after, changed || old.objective(id).unwrap().completion_timestamp.is_some()
            && meant.len() == 4);
        if before != after {
            prop_assert!(!new.stale().iter().any(|warning| warning.starts_with("current_status")), "{:?}", new.stale());
        }
    }

    #[test]
    fn what_a_run_adds_can_be_taken_away_to_the_last_byte(seed: u64, pick: prop::sample::Index) {
        let (text, ids) = generated(seed);
        let id = &ids[pick.index(ids.len())];
        // A first write brings what is derived up to date (in our own way of writing numbers).
        let before = ledger(&text.replace("1e1", "11")).edit(&now()).set("/metadata/x-write", json!(seed)).text().unwrap();
        let before = ledger(&before);

        let run = before.edit(&now()).complete(id).set_notes(id, "proved").set_dpb(
            id,
            json!({"evidence": {"rows": [1, 2], "text": "ä\n"}, "blocked": null}),
        );
        let during = ledger(&run.text().unwrap());
        prop_assert_eq!(during.objective(id).unwrap().status, Status::Completed);
        let dpb = during.objective(id).unwrap().dpb.clone().unwrap();
        prop_assert_eq!(&dpb["evidence"]["rows"][1], 2);
        prop_assert!(dpb.get("blocked").is_none());

        let after = during.edit(&now()).restore(id, &before).text().unwrap();
        prop_assert_eq!(after, before.text());
    }
}
