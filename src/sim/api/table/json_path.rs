//! The JSON paths of printer columns: fields, indices, and a filter by one field.

use serde_json::Value;

/// The first value at a path as `.status.conditions[?(@.type=="Ready")].status`; nothing where the path leads nowhere,
/// and for what it does not know.
pub(super) fn find(object: &Value, path: &str) -> Option<Value> {
    walk(object, path.trim_start_matches('$'))
}

fn walk(value: &Value, path: &str) -> Option<Value> {
    if path.is_empty() {
        return (!value.is_null()).then(|| value.clone());
    }
    if let Some(rest) = path.strip_prefix('.') {
        if rest.starts_with('[') || rest.is_empty() {
            return walk(value, rest);
        }
        let (field, rest) = field(rest);
        return walk(value.get(&field)?, rest);
    }
    let rest = path.strip_prefix('[')?;
    if let Some(filter) = rest.strip_prefix("?(@.") {
        let (condition, rest) = filter.split_once(")]")?;
        let (name, wanted) = condition.split_once("==")?;
        let wanted = wanted.trim().trim_matches(['"', '\'']);
        let (name, all) = (name.trim(), value.as_array()?);
        let found = all.iter().find(|one| match name.split('.').try_fold(*one, |v, part| v.get(part)) {
            Some(Value::String(text)) => text == wanted,
            Some(other) => *other == wanted,
            None => false,
        })?;
        return walk(found, rest);
    }
    let (index, rest) = rest.split_once(']')?;
    let name = index.trim_matches(['"', '\'']);
    if name.len() != index.len() {
        return walk(value.get(name)?, rest);
    }
    if index == "*" {
        return walk(value.as_array()?.first()?, rest);
    }
    let all = value.as_array()?;
    let at: i64 = index.parse().ok()?;
    let at = if at < 0 { at + i64::try_from(all.len()).ok()? } else { at };
    walk(all.get(usize::try_from(at).ok()?)?, rest)
}

/// A field's name, `\.` standing for a dot in it, and what follows.
fn field(path: &str) -> (String, &str) {
    let mut name = String::new();
    let mut letters = path.char_indices();
    while let Some((at, c)) = letters.next() {
        match c {
            '\\' => name.extend(letters.next().map(|(_, c)| c)),
            '.' | '[' => return (name, &path[at..]),
            _ => name.push(c),
        }
    }
    (name, "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::find;

    #[test]
    fn paths_of_columns_are_followed() {
        let object = json!({"metadata": {"annotations": {"a.b/c": "x"}}, "spec": {"list": [{"n": 1}, {"n": 2}]},
            "status": {"conditions": [{"type": "A", "status": "False"}, {"type": "Ready", "status": "True"}]}});
        assert_eq!(find(&object, ".status.conditions[?(@.type==\"Ready\")].status"), Some(json!("True")));
        assert_eq!(find(&object, ".spec.list[1].n"), Some(json!(2)));
        assert_eq!(find(&object, ".metadata.annotations.a\\.b/c"), Some(json!("x")));
        assert_eq!(find(&object, ".metadata.annotations['a.b/c']"), Some(json!("x")));
        assert_eq!(find(&object, ".spec.none.x"), None);
    }
}
