//! Which names a CRD gets, and when it is served.

use serde_json::{Value, json};

use super::super::validate::text;
use super::condition;

/// The status of a CRD after the server has looked at its names: accepted names, `NamesAccepted`, `Established`, stored
/// versions. `others` are all other CRDs; `now` is the time of a condition that changes. Served is what is established.
pub fn accept(crd: &Value, others: &[&Value], now: &str) -> Value {
    let wanted = &crd["spec"]["names"];
    let mut status = crd["status"].clone();
    if !status.is_object() {
        status = json!({});
    }
    let mut accepted = status["acceptedNames"].clone();
    if !accepted.is_object() {
        accepted = json!({});
    }
    let group = others.iter().filter(|other| {
        other["spec"]["group"] == crd["spec"]["group"] && other["metadata"]["name"] != crd["metadata"]["name"]
    });
    let (mut resources, mut kinds) = (Vec::new(), Vec::new());
    for other in group {
        let names = &other["status"]["acceptedNames"];
        resources.extend([text(names, "plural"), text(names, "singular")]);
        resources.extend(names["shortNames"].as_array().into_iter().flatten().filter_map(Value::as_str));
        kinds.extend([text(names, "kind"), text(names, "listKind")]);
    }
    let mut conflict: Option<(&str, String)> = None;
    for (field, reason, taken) in [
        ("plural", "PluralConflict", &resources),
        ("singular", "SingularConflict", &resources),
        ("kind", "KindConflict", &kinds),
        ("listKind", "ListKindConflict", &kinds),
    ] {
        let name = text(wanted, field);
        if accepted[field] != wanted[field] && taken.contains(&name) {
            conflict = Some((reason, format!("{name:?} is already in use")));
        } else {
            accepted[field] = wanted[field].clone();
        }
        if field == "singular" {
            let ours = accepted["shortNames"].clone();
            let is_ours = |name: &Value| ours.as_array().is_some_and(|list| list.contains(name));
            let short: Vec<&Value> = wanted["shortNames"].as_array().into_iter().flatten().collect();
            let bad =
                short.iter().find(|name| !is_ours(name) && resources.contains(&name.as_str().unwrap_or_default()));
            match bad {
                Some(name) => conflict = Some(("ShortNamesConflict", format!("{name} is already in use"))),
                None => copy(&mut accepted, wanted, "shortNames"),
            }
        }
    }
    copy(&mut accepted, wanted, "categories");
    let established = condition(crd, "Established") == Some("True");
    match &conflict {
        None => {
            set(&mut status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now);
            set(
                &mut status,
                "Established",
                "True",
                "InitialNamesAccepted",
                "the initial names have been accepted",
                now,
            );
        }
        Some((reason, message)) => {
            set(&mut status, "NamesAccepted", "False", reason, message, now);
            if !established {
                set(&mut status, "Established", "False", "NotAccepted", "not all names are accepted", now);
            }
        }
    }
    status["acceptedNames"] = accepted;
    let storage = crd["spec"]["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|v| v["storage"] == true)
        .map(|v| v["name"].clone());
    if !status["storedVersions"].is_array() {
        status["storedVersions"] = json!([]);
    }
    if let (Some(name), Some(list)) = (storage, status["storedVersions"].as_array_mut())
        && !list.contains(&name)
    {
        list.push(name);
    }
    status
}

fn copy(to: &mut Value, from: &Value, field: &str) {
    if from[field].is_null() {
        if let Some(fields) = to.as_object_mut() {
            fields.shift_remove(field);
        }
    } else {
        to[field] = from[field].clone();
    }
}

fn set(status: &mut Value, ty: &str, value: &str, reason: &str, message: &str, now: &str) {
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(list) = status["conditions"].as_array_mut() else { return };
    let known = list.iter().position(|c| c["type"] == ty);
    let since = known
        .filter(|at| list[*at]["status"] == value)
        .map_or_else(|| json!(now), |at| list[at]["lastTransitionTime"].clone());
    let condition =
        json!({"type": ty, "status": value, "lastTransitionTime": since, "reason": reason, "message": message});
    match known {
        Some(at) => list[at] = condition,
        None => list.push(condition),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crd(plural: &str, kind: &str, short: &str) -> Value {
        json!({
            "metadata": {"name": format!("{plural}.example.org")},
            "spec": {
                "group": "example.org",
                "names": {"plural": plural, "singular": plural, "kind": kind, "listKind": format!("{kind}List"), "shortNames": [short]},
                "versions": [{"name": "v1", "served": true, "storage": true}],
            },
        })
    }

    #[test]
    fn the_first_gets_its_names_and_the_second_is_told() {
        let mut first = crd("foos", "Foo", "f");
        first["status"] = accept(&first, &[], "2026-01-01T00:00:00Z");
        assert_eq!(condition(&first, "Established"), Some("True"));
        assert_eq!(first["status"]["storedVersions"], json!(["v1"]));
        let mut second = crd("bars", "Foo", "b");
        second["status"] = accept(&second, &[&first], "2026-01-01T00:00:00Z");
        assert_eq!(condition(&second, "NamesAccepted"), Some("False"));
        assert_eq!(condition(&second, "Established"), Some("False"));
        let told = &second["status"]["conditions"][0];
        assert_eq!(
            (&told["reason"], &told["message"]),
            (&json!("ListKindConflict"), &json!("\"FooList\" is already in use"))
        );
    }

    #[test]
    fn a_condition_that_stays_keeps_its_time() {
        let mut only = crd("foos", "Foo", "f");
        only["status"] = accept(&only, &[], "2026-01-01T00:00:00Z");
        let again = accept(&only, &[], "2026-02-02T00:00:00Z");
        assert_eq!(again, only["status"]);
    }
}
