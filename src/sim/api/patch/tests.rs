//! Against what a true API server answered.

use serde_json::Value;

use super::super::patch_answers::{Row, rows};
use super::super::status::Status;
use super::*;

/// The body, if it is JSON.
fn body(row: &Row) -> Option<Value> {
    row.body().as_str().map_or_else(|| Some(row.body().clone()), |text| serde_json::from_str(text).ok())
}

fn patched(row: &Row) -> Result<Value, Status> {
    let force = row.query("force").map(|force| force == "true");
    let manager = row.query("fieldManager").map(|name| name.replace("%07", "\u{7}"));
    check_options(false, manager.as_deref(), force)?;
    let before = row.before().unwrap();
    let body = body(row).unwrap();
    let new = match row.kind() {
        "json" => json_patch(before, &body)?,
        "merge" => merge_patch(before, &body)?,
        _ => strategic_merge(&row.resource().schema, before, &body)?,
    };
    check_name(&new, row.name(), "default")?;
    Ok(new)
}

/// Refusals that come later: of what cannot be decoded, of validation and of storage.
fn is_later(row: &Row) -> bool {
    let message = row.answer()["message"].as_str().unwrap_or_default();
    message.starts_with(" \"\" is invalid: patch:")
        || message.contains("\" is invalid: ") && !message.starts_with("PatchOptions")
        || message.starts_with("Operation cannot be fulfilled")
}

#[test]
fn patches_as_the_true_server_does() {
    let mut failures = Vec::new();
    let mut seen = 0;
    for row in rows(&["json", "merge", "strategic"]) {
        let elsewhere = row.before().is_none() || row.subresource().is_some();
        if elsewhere || body(&row).is_none() || row.code() == 415 || is_later(&row) {
            continue;
        }
        seen += 1;
        let theirs = row.answer();
        failures.extend(match patched(&row) {
            Ok(new) if row.code() < 300 => {
                let new = Row::comparable(&row.with_defaults(&new));
                let theirs = Row::comparable(theirs);
                (new != theirs).then(|| format!("{}\n  ours   {new}\n  theirs {theirs}", row.title()))
            }
            Ok(new) => Some(format!("{}\n  ours   {new}\n  theirs {theirs}", row.title())),
            Err(status) => {
                let ours = status.to_value();
                (&ours != theirs).then(|| format!("{}\n  ours   {ours}\n  theirs {theirs}", row.title()))
            }
        });
    }
    assert!(failures.is_empty(), "{} of {seen} differ:\n{}", failures.len(), failures.join("\n"));
    assert!(seen > 70, "{seen}");
}

#[test]
fn names_what_a_json_patch_does_not_know() {
    let row = rows(&["json"]).into_iter().find(|row| row.name() == "json-unknown-member").unwrap();
    let found = unknown_members(row.body());
    assert_eq!(found, ["json patch unknown field \"[0].why\""]);
    assert!(row.answer()["message"].as_str().unwrap().ends_with(&format!("strict decoding error: {}", found[0])));
}

#[test]
fn quotes_a_patch_that_leads_nowhere() {
    let row = rows(&["strategic"]).into_iter().find(|row| row.name() == "strategic-unknown").unwrap();
    let text = super::super::go_text::plain(row.body());
    let why = "strict decoding error: unknown field \"template.spec.containrs\"";
    assert_eq!(&invalid_patch(&text, why).to_value(), row.answer());
}
