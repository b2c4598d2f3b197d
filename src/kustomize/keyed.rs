//! Merges lists whose items are told apart by one or more keys, step by step as kustomize does (its results in odd cases,
//! such as an item without its key, follow from the steps).

use serde_json::{Map, Value};

use super::resource::plain_text;
use crate::error::Result;

type Texts = Vec<String>;

/// The list `dest` after the items of `patch`; `walk` merges two items.
pub(super) fn merge(
    dest: Vec<Value>,
    patch: &[Value],
    keys: &[&str],
    walk: &mut dyn FnMut(Option<Value>, Option<Value>) -> Result<Option<Value>>,
) -> Result<Vec<Value>> {
    let mut dest = dest;
    let mut values = distinct(patch.iter().chain(&dest), keys);
    if keys.len() > 1 {
        unify(&mut values);
    }
    let mut items: Vec<Value> = Vec::new();
    let mut used: Vec<&str> = keys.to_vec();
    for own in &values {
        let (valid, texts) = valid(&values, own, keys);
        let (exact, exact_texts) = self::valid(std::slice::from_ref(&texts), &texts, &valid);
        let old = dest.iter().position(|item| fits(item, &exact, &exact_texts));
        let new = patch.iter().find(|item| fits(item, &exact, &exact_texts)).cloned();
        let replaces = new.as_ref().is_some_and(|n| n.get("$patch").and_then(Value::as_str) == Some("replace"));
        let merged = walk(old.map(|at| dest[at].clone()), new)?;
        match merged.filter(|v| !v.is_null() && !v.as_object().is_some_and(Map::is_empty)) {
            None => put(&mut dest, &valid, &texts, None),
            Some(mut item) => {
                if let Some(map) = item.as_object_mut() {
                    for (key, text) in valid.iter().zip(&texts).filter(|(_, text)| !text.is_empty()) {
                        map.entry(*key).or_insert_with(|| text.as_str().into());
                    }
                }
                if let Some(at) = old.filter(|_| !replaces) {
                    dest[at] = item.clone();
                }
                put(&mut items, &valid, &texts, Some(item));
            }
        }
        used = valid;
    }
    append(&mut items, dest, &used);
    Ok(items)
}

/// The key texts of the items, each once; a missing key is an empty text.
fn distinct<'a>(items: impl Iterator<Item = &'a Value>, keys: &[&str]) -> Vec<Texts> {
    let mut values: Vec<Texts> = Vec::new();
    for item in items {
        let own: Texts = keys.iter().map(|key| text(item, key)).collect();
        if !values.contains(&own) {
            values.push(own);
        }
    }
    values
}

fn text(item: &Value, key: &str) -> String {
    item.get(key).map(plain_text).unwrap_or_default()
}

/// Items that share a key and differ only where one lacks another are one and the same.
fn unify(values: &mut [Texts]) {
    for i in 0..values.len() {
        for j in 0..values.len() {
            let agree = values[i].iter().zip(&values[j]).any(|(a, b)| a == b);
            let clash = values[i].iter().zip(&values[j]).any(|(a, b)| a != b && !a.is_empty() && !b.is_empty());
            if agree && !clash {
                let both: Texts =
                    values[i].iter().zip(&values[j]).map(|(a, b)| if a.is_empty() { b } else { a }.clone()).collect();
                values[i].clone_from(&both);
                values[j] = both;
            }
        }
    }
}

/// The keys that any item has, with this item's texts for them; all keys when none has any.
fn valid<'k>(all: &[Texts], own: &Texts, keys: &[&'k str]) -> (Vec<&'k str>, Texts) {
    let used: Vec<bool> = (0..keys.len()).map(|i| all.iter().any(|texts| !texts[i].is_empty())).collect();
    if !used.contains(&true) {
        return (keys.to_vec(), own.clone());
    }
    let chosen = |i: &usize| used[*i];
    (
        (0..keys.len()).filter(chosen).map(|i| keys[i]).collect(),
        (0..keys.len()).filter(chosen).map(|i| own[i].clone()).collect(),
    )
}

/// Whether an item has these keys with these texts; an empty text asks only for the key.
fn fits(item: &Value, keys: &[&str], texts: &[String]) -> bool {
    let has = |key: &str, wanted: &str| {
        item.get(key).is_some_and(|value| wanted.is_empty() || (!value.is_null() && plain_text(value) == wanted))
    };
    item.is_object() && keys.iter().zip(texts).all(|(key, text)| has(key, text)) && !texts.is_empty()
}

/// Replaces the items that fit by `new`, or adds it; without one the items are taken out.
fn put(list: &mut Vec<Value>, keys: &[&str], texts: &[String], new: Option<Value>) {
    let mut found = false;
    let mut kept = Vec::with_capacity(list.len() + 1);
    for item in list.drain(..) {
        if item.is_null() || item.as_object().is_some_and(Map::is_empty) {
            continue;
        }
        if !item.is_object() {
            kept.push(item);
        } else if fits(&item, keys, texts) {
            found = true;
            kept.extend(new.clone());
        } else if !texts.is_empty() {
            kept.push(item);
        }
    }
    if !found {
        kept.extend(new);
    }
    *list = kept;
}

/// Puts every item of `rest` into `list`, in place of the one with its keys or behind it.
fn append(list: &mut Vec<Value>, rest: Vec<Value>, keys: &[&str]) {
    for item in rest {
        let mut texts = Texts::new();
        for key in keys {
            match item.get(*key).filter(|v| !v.is_null()) {
                Some(value) => texts.push(plain_text(value)),
                None => list.push(item.clone()),
            }
        }
        if keys.len() > 1 {
            put(list, keys, &texts, None);
        }
        put(list, keys, &texts, Some(item));
    }
}
