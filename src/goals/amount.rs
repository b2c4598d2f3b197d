//! Amounts as people write them into a ledger.

/// Bytes of `8GB`, `8 GB` (decimal), `8Gi`, `8GiB` (binary) or a bare number.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let letters = unit.strip_suffix('B').or_else(|| unit.strip_suffix('b')).unwrap_or(unit);
    let (letter, base) = match letters.strip_suffix('i') {
        Some(letter) => (letter, 1024.0_f64),
        None => (letters, 1000.0),
    };
    let power = match letter {
        "" if base < 1001.0 => 0,
        "k" | "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        "P" => 5,
        _ => return None,
    };
    whole(number * base.powi(power))
}

/// Thousandths of a core of `400m`, `12 cores`, `0.4` or a bare number.
pub(super) fn millis(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    match unit.to_ascii_lowercase().as_str() {
        "m" => whole(number),
        "" | "core" | "cores" | "cpu" | "cpus" | "vcpu" | "vcpus" => whole(number * 1000.0),
        _ => None,
    }
}

fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim()))
}

/// A number of whole units; `None` beyond what 64 bits of a float hold exactly enough.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
fn whole(number: f64) -> Option<u64> {
    (number.is_finite() && (0.0..=9.0e18).contains(&number)).then(|| number.round() as u64)
}
