//! The formats of texts that schemas of custom resources may ask for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a text is of a format; a format that nobody knows fits everything, as on the true server.
pub(super) fn fits(format: &str, text: &str) -> bool {
    match format {
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "duration" => duration(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => cidr(text),
        "uuid" | "uuid3" | "uuid4" | "uuid5" => uuid(format, text),
        "byte" => base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).is_ok(),
        "uri" => text.contains(':') && url::Url::parse(text).is_ok() || text.starts_with('/'),
        "hostname" => hostname(text),
        "email" => text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty()),
        "mac" => mac(text),
        _ => true,
    }
}

/// Go's durations (`1h30m`, `-1.5s`), and plain words as `3 days`.
fn duration(text: &str) -> bool {
    const UNITS: [&str; 7] = ["ns", "us", "µs", "ms", "s", "m", "h"];
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        if number.parse::<f64>().is_err() || !UNITS.contains(&unit) {
            return words(text);
        }
        rest = after;
    }
    true
}

fn words(text: &str) -> bool {
    const UNITS: [&str; 14] = ["ns", "nano", "us", "micro", "ms", "milli", "s", "sec", "m", "min", "h", "hr", "d", "w"];
    const LONG: [&str; 8] = ["nanosecond", "microsecond", "millisecond", "second", "minute", "hour", "day", "week"];
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = text[digits..].trim().to_lowercase();
    let single = unit.strip_suffix('s').unwrap_or(&unit);
    digits > 0 && (UNITS.contains(&unit.as_str()) || UNITS.contains(&single) || LONG.contains(&single))
}

/// What is wrong with a network.
pub(super) fn cidr_fault(text: &str) -> Option<&'static str> {
    if !cidr(text) {
        return Some("must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
    }
    let (address, bits) = text.split_once('/')?;
    let (value, width) = match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(ip) => (u128::from(ip.to_bits()), 32),
        IpAddr::V6(ip) => (ip.to_bits(), 128),
    };
    let free = width - bits.parse::<u32>().ok()?;
    let mask = 1_u128.checked_shl(free).map_or(u128::MAX, |one| one - 1);
    (value & mask != 0).then_some("must not have bits set beyond the prefix length")
}

fn cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

fn uuid(format: &str, text: &str) -> bool {
    let hex: String = text.chars().filter(|c| *c != '-').collect();
    let version = format.strip_prefix("uuid").unwrap_or_default();
    let right = version.is_empty() || hex.as_bytes().get(12).is_some_and(|b| version.as_bytes() == [*b]);
    hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()) && right
}

fn hostname(text: &str) -> bool {
    let label = |part: &str| {
        let bytes = part.as_bytes();
        let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        part.len() <= 63
            && edge(bytes.first())
            && edge(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    };
    text.len() <= 255 && !text.is_empty() && text.split('.').all(label)
}

fn mac(text: &str) -> bool {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    matches!(parts.len(), 6 | 8) && parts.iter().all(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit()))
}
