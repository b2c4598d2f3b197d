//! Fresh ids and the endings of generated names.

use std::hash::{BuildHasher, Hasher, RandomState};

/// The letters of `rand.SafeEncodeString`: no vowels, and nothing that looks like another.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// The longest base of a generated name.
const BASE: usize = 58;

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A random UUID (version 4).
pub(super) fn uid() -> String {
    let (a, b) = (random(), random());
    let third = (a & 0x0fff) | 0x4000;
    let fourth = ((b >> 48) & 0x3fff) | 0x8000;
    format!("{:08x}-{:04x}-{third:04x}-{fourth:04x}-{:012x}", a >> 32, (a >> 16) & 0xffff, b & 0xffff_ffff_ffff)
}

/// `generateName` with five letters at its end.
pub(super) fn generated(base: &str) -> String {
    let end = base.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= BASE).last().unwrap_or(0);
    format!("{}{}", &base[..end], suffix(5))
}

/// Random letters that are safe in a name.
pub(super) fn suffix(length: usize) -> String {
    let mut number = random();
    let count = LETTERS.len() as u64;
    let letters = (0..length).map(|_| {
        let letter = usize::try_from(number % count).map_or('x', |at| char::from(LETTERS[at]));
        number /= count;
        letter
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_and_names_keep_within_63_letters() {
        let id = uid();
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"));
        assert_ne!(id, uid());
        assert_eq!(generated(&"x".repeat(80)).len(), 63);
        assert!(generated("web-").starts_with("web-") && generated("web-").len() == 9);
    }
}
