//! JSON pointers in which `*` stands for any key or index.

use serde_json::Value;

/// Takes away what `pattern` names from the body, from each item of a list and from the object of each event.
pub(crate) fn remove_everywhere(answer: &mut Value, pattern: &str) {
    let parts: Vec<String> = parts(pattern);
    remove(&mut answer["body"], &parts);
    for list in ["/body/items", "/body/rows", "/events"] {
        for item in answer.pointer_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            remove(item, &parts);
            if let Some(object) = item.get_mut("object") {
                remove(object, &parts);
            }
        }
    }
    if answer["body"].is_null() {
        answer.as_object_mut().unwrap().shift_remove("body");
    }
}

fn remove(value: &mut Value, parts: &[String]) {
    let Some((first, rest)) = parts.split_first() else { return };
    match value {
        Value::Object(map) if rest.is_empty() => {
            if first == "*" {
                map.clear();
            } else {
                map.shift_remove(first);
            }
        }
        Value::Object(map) => {
            for (_, v) in map.iter_mut().filter(|(k, _)| first == "*" || *k == first) {
                remove(v, rest);
            }
            // A map is not left empty by what is taken out of it.
            if rest.len() == 1 && map.get(first).and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
                map.shift_remove(first);
            }
        }
        Value::Array(all) if rest.is_empty() => {
            if first == "*" {
                all.clear();
            } else if let Some(i) = first.parse::<usize>().ok().filter(|i| *i < all.len()) {
                all.remove(i);
            }
        }
        Value::Array(all) => {
            for (i, v) in all.iter_mut().enumerate() {
                if first == "*" || *first == i.to_string() {
                    remove(v, rest);
                }
            }
        }
        _ => {}
    }
}

/// What `pattern` names: the value, or a list of values where it holds a `*`.
pub(crate) fn select(value: &Value, pattern: &str) -> Value {
    if !pattern.contains('*') {
        return value.pointer(pattern).cloned().unwrap_or(Value::Null);
    }
    let mut found = Vec::new();
    gather(value, &parts(pattern), &mut found);
    Value::Array(found)
}

fn gather(value: &Value, parts: &[String], found: &mut Vec<Value>) {
    let Some((first, rest)) = parts.split_first() else {
        found.push(value.clone());
        return;
    };
    match value {
        Value::Object(map) if first == "*" => map.values().for_each(|v| gather(v, rest, found)),
        Value::Array(all) if first == "*" => all.iter().for_each(|v| gather(v, rest, found)),
        Value::Object(map) => map.get(first).into_iter().for_each(|v| gather(v, rest, found)),
        Value::Array(all) => {
            first.parse::<usize>().ok().and_then(|i| all.get(i)).into_iter().for_each(|v| gather(v, rest, found));
        }
        _ => {}
    }
}

fn parts(pattern: &str) -> Vec<String> {
    pattern.split('/').skip(1).map(|p| p.replace("~1", "/").replace("~0", "~")).collect()
}
