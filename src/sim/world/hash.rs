//! Hashes that become part of names, in the letters that Kubernetes uses (no vowels, nothing that looks like another).

use serde_json::Value;

const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// FNV-1a, 32 bits.
pub fn fnv32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// FNV-1a, 64 bits.
pub fn fnv64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A number's digits in those letters (apimachinery `rand.SafeEncodeString`).
pub fn safe(number: u32) -> String {
    number.to_string().bytes().map(|digit| char::from(LETTERS[usize::from(digit) % LETTERS.len()])).collect()
}

/// Five letters of a hash.
pub fn letters(mut hash: u64) -> String {
    let mut text = String::new();
    for _ in 0..5 {
        text.push(char::from(LETTERS[usize::try_from(hash % 27).unwrap_or_default()]));
        hash /= 27;
    }
    text
}

/// The hash of a pod template, as `pod-template-hash` and `controller-revision-hash` carry it. Not the true server's
/// number (that depends on how Go prints the structure), but as stable: equal templates have equal hashes.
pub fn template_hash(template: &Value, collisions: Option<i64>) -> String {
    let mut text = sorted(template).to_string();
    if let Some(collisions) = collisions {
        text.push_str(&collisions.to_string());
    }
    safe(fnv32(text.as_bytes()))
}

/// The value with its maps in the order of their keys, and without what is null.
pub fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().filter(|(_, v)| !v.is_null()).collect();
            entries.sort_by_key(|(key, _)| *key);
            Value::Object(entries.into_iter().map(|(k, v)| (k.clone(), sorted(v))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_templates_hash_alike_and_others_do_not() {
        let (a, b) = (json!({"x": 1, "y": {"z": null, "w": 2}}), json!({"y": {"w": 2}, "x": 1}));
        assert_eq!(template_hash(&a, None), template_hash(&b, None));
        assert_ne!(template_hash(&a, None), template_hash(&a, Some(0)));
        assert_ne!(template_hash(&a, None), template_hash(&json!({"x": 2}), None));
        assert!(template_hash(&a, None).bytes().all(|letter| LETTERS.contains(&letter)));
        assert_eq!(fnv32(b""), 0x811c_9dc5);
        assert_eq!(letters(123_456_789).len(), 5);
    }
}
