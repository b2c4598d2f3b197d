//! Times as the server reads and writes them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// RFC 3339 in UTC, with seconds or microseconds; the error is Go's.
pub(super) fn normal(text: &str, micro: bool) -> Result<String, String> {
    let layout = if micro { "2006-01-02T15:04:05.000000Z07:00" } else { "2006-01-02T15:04:05Z07:00" };
    let wrong =
        |rest: &str, wanted: &str| format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {wanted:?}");
    let shaped = text.len() >= 20 && text.as_bytes().get(10) == Some(&b'T');
    let time: Timestamp = text.parse().ok().filter(|_| shaped).ok_or_else(|| wrong(text, "2006"))?;
    let rest = text.get(19..).unwrap_or_default();
    let digits = rest.strip_prefix('.').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    if micro && digits != 6 {
        return Err(wrong(rest, ".000000"));
    }
    let zoned = time.to_zoned(TimeZone::UTC);
    Ok(zoned.strftime(if micro { "%Y-%m-%dT%H:%M:%S.%6fZ" } else { "%Y-%m-%dT%H:%M:%SZ" }).to_string())
}
