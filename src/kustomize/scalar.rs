//! What an unquoted YAML scalar means, as Go's `yaml.v3` (which kustomize reads with) and `yaml.v2` decide it.

use base64::Engine as _;
use serde_json::{Number, Value};

/// The value of a plain scalar; `None` when it has no form in JSON (`.inf`, `.nan`).
pub(super) fn plain(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "true" | "True" | "TRUE" => return Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Value::Bool(false)),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf"
        | "-.INF" => return None,
        _ => {}
    }
    if let Some(time) = timestamp(text) {
        return Some(Value::String(time));
    }
    Some(number(text).unwrap_or_else(|| Value::String(text.to_owned())))
}

/// The value of a plain scalar as `yaml.v2` reads it: also `yes`, `no`, `on`, `off`, `y`, `n`. Flux reads the text
/// that variables were put into this way.
pub(super) fn plain_old(text: &str) -> Option<Value> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(Value::Bool(true)),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(Value::Bool(false)),
        _ if timestamp(text).is_some() => Some(Value::String(text.to_owned())),
        _ => plain(text),
    }
}

/// A folded text after it was written by Go's emitter and read again: where a line that is not indented is followed by
/// one that is, an empty line comes between (and a text that starts indented loses line breaks instead).
pub(super) fn refolded(text: &str) -> String {
    let printable = |c: char| !c.is_control() || c == '\n';
    if !text.contains('\n') || text.ends_with(' ') || text.contains(" \n") || !text.chars().all(printable) {
        return text.to_owned();
    }
    let doubles = text.trim_start_matches('\n').starts_with(|c: char| c != ' ');
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    let mut indented = true;
    while !rest.is_empty() {
        let breaks = rest.len() - rest.trim_start_matches('\n').len();
        let written = breaks + usize::from(breaks > 0 && !indented && doubles && !out.is_empty());
        rest = &rest[breaks..];
        let folds = !out.is_empty() && !indented && breaks > 0 && !rest.starts_with(' ') && !rest.is_empty();
        match written {
            1 if folds => out.push(' '),
            _ if folds => out.extend(std::iter::repeat_n('\n', written - 1)),
            _ if rest.is_empty() && breaks == 1 => out.push('\n'),
            _ => out.extend(std::iter::repeat_n('\n', written)),
        }
        let end = rest.find('\n').unwrap_or(rest.len());
        indented = rest.starts_with(' ');
        out.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    out
}

/// The value of a scalar with one of YAML's own tags; `None` when it does not fit.
pub(super) fn tagged(tag: &str, text: &str) -> Option<Value> {
    match (tag, plain(text)) {
        ("int" | "float", Some(value @ Value::Number(_)))
        | ("bool", Some(value @ Value::Bool(_)))
        | ("null", Some(value @ Value::Null)) => Some(value),
        ("timestamp", _) => timestamp(text).map(Value::String),
        _ => None,
    }
}

/// The text behind `!!binary`.
pub(super) fn binary(text: &str) -> Result<Value, &'static str> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(compact).map_err(|_| "!!binary is not base64")?;
    String::from_utf8(bytes).map(Value::String).map_err(|_| "!!binary holds no text")
}

fn number(text: &str) -> Option<Value> {
    let first = *text.as_bytes().first()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    if first == b'.' {
        return float(text).filter(|_| is_float(text));
    }
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    integer(&digits).or_else(|| if is_float(&digits) { float(&digits) } else { None })
}

/// Go's `strconv.ParseInt(s, 0, 64)`: `0x`, `0o`, `0b`, and a leading zero for octal.
fn integer(text: &str) -> Option<Value> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = rest.to_ascii_lowercase();
    let (radix, digits) = if let Some(hex) = lower.strip_prefix("0x") {
        (16, hex)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        (8, octal)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        (2, binary)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        let value = i64::try_from(-i128::from(magnitude)).ok()?;
        return Some(Value::from(value));
    }
    Some(Value::from(magnitude))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty()),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    mantissa_fits && exponent_fits
}

/// A float as Go's JSON encoder writes it: without a fraction where it has none.
fn float(text: &str) -> Option<Value> {
    let value: f64 = text.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    Some(whole(value).map_or_else(|| Number::from_f64(value).map_or(Value::Null, Value::Number), Value::from))
}

#[allow(clippy::cast_possible_truncation)] // bounded to what f64 holds exactly
fn whole(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i64)
}

/// A date or a time, in the form that Go gives it in JSON (RFC 3339).
fn timestamp(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return None;
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && text.len() == 10
    {
        return Some(format!("{date}T00:00:00Z"));
    }
    let (date, rest) = text.split_at_checked(10)?;
    let date: jiff::civil::Date = date.parse().ok()?;
    let rest = rest.trim_start_matches(' ');
    let rest = rest.strip_prefix(['T', 't']).unwrap_or(rest);
    let zone_at = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone_at);
    let time: jiff::civil::Time = clock.trim_end().parse().ok()?;
    if clock.len() < 8 || clock.as_bytes().get(2) != Some(&b':') {
        return None;
    }
    let zone = match zone {
        "" | "Z" => "Z",
        zone if zone.len() == 6 && zone.as_bytes()[3] == b':' => zone,
        _ => return None,
    };
    Some(format!("{date}T{time}{zone}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn folded_texts_come_back_as_go_leaves_them() {
        assert_eq!(refolded("a\n  b\n)"), "a\n\n  b\n)");
        assert_eq!(refolded("a\nb\n\nc\n"), "a\nb\n\nc\n");
        assert_eq!(refolded("one line\n"), "one line\n");
    }

    #[test]
    fn plain_scalars_mean_what_go_says() {
        for (text, value) in [
            ("0644", json!(420)),
            ("0o644", json!(420)),
            ("0x1F", json!(31)),
            ("1_000", json!(1000)),
            ("0b11", json!(3)),
            ("1e3", json!(1000)),
            ("1.10", json!(1.1)),
            ("1.0", json!(1)),
            ("5.", json!(5)),
            (".5", json!(0.5)),
            ("-0", json!(0)),
            ("+5", json!(5)),
            ("12345678901234567890", json!(12_345_678_901_234_567_890_u64)),
            ("1:30", json!("1:30")),
            ("1.20.3", json!("1.20.3")),
            ("yes", json!("yes")),
            ("on", json!("on")),
            ("True", json!(true)),
            ("~", json!(null)),
            ("-", json!("-")),
            ("089", json!(89)),
            ("2024-01-01", json!("2024-01-01T00:00:00Z")),
            ("2024-01-01T10:00:00Z", json!("2024-01-01T10:00:00Z")),
            ("2024-01-01-x", json!("2024-01-01-x")),
        ] {
            assert_eq!(plain(text), Some(value), "{text}");
        }
        assert_eq!(plain(".inf"), None);
        assert_eq!(plain_old("on"), Some(json!(true)));
    }
}
