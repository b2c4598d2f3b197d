//! How times, lists and maps read in a cell.

use jiff::Timestamp;
use serde_json::Value;

/// What is said of nothing.
pub(super) const NONE: &str = "<none>";
/// What is said of what is not known.
pub(super) const UNKNOWN: &str = "<unknown>";

/// `duration.HumanDuration`.
pub(super) fn human(seconds: i64) -> String {
    let pair = |big: i64, b: &str, small: i64, s: &str| {
        if small == 0 { format!("{big}{b}") } else { format!("{big}{b}{small}{s}") }
    };
    if seconds < -1 {
        return "<invalid>".to_owned();
    }
    if seconds < 0 {
        return "0s".to_owned();
    }
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let days = hours / 24;
    match seconds {
        s if s < 120 => format!("{s}s"),
        _ if minutes < 10 => pair(minutes, "m", seconds % 60, "s"),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => pair(hours, "h", minutes % 60, "m"),
        _ if hours < 48 => format!("{hours}h"),
        _ if days < 8 => pair(days, "d", hours % 24, "h"),
        _ if days < 730 => format!("{days}d"),
        _ if days < 8 * 365 => pair(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

/// The seconds from a time of an object until now.
pub(super) fn seconds_since(time: &Value, now: Timestamp) -> Option<i64> {
    let time: Timestamp = time.as_str()?.parse().ok()?;
    Some(now.as_second() - time.as_second())
}

/// How old something is.
pub(super) fn age(time: &Value, now: Timestamp) -> String {
    seconds_since(time, now).map_or_else(|| UNKNOWN.to_owned(), human)
}

/// The age of an object.
pub(super) fn object_age(object: &Value, now: Timestamp) -> Value {
    age(&object["metadata"]["creationTimestamp"], now).into()
}

/// A text, or what stands for none.
pub(super) fn text_or(value: &Value, otherwise: &str) -> String {
    value.as_str().filter(|text| !text.is_empty()).unwrap_or(otherwise).to_owned()
}

/// A number, 0 if absent.
pub(super) fn number(value: &Value) -> Value {
    value.as_i64().unwrap_or(0).into()
}

/// `a=b,c=d` of a map of labels, or what stands for none.
pub(super) fn labels(map: &Value) -> String {
    let mut all: Vec<String> = map
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    all.sort();
    if all.is_empty() { NONE.to_owned() } else { all.join(",") }
}

/// Names and images of a pod template's containers.
pub(super) fn containers(spec: &Value) -> (Value, Value) {
    let of = |field: &str| {
        let all = spec["containers"].as_array().into_iter().flatten();
        all.map(|c| c[field].as_str().unwrap_or_default()).collect::<Vec<_>>().join(",")
    };
    (of("name").into(), of("image").into())
}

/// `RWO,RWX` of access modes.
pub(super) fn access_modes(modes: &Value) -> String {
    let short = |mode: &Value| match mode.as_str() {
        Some("ReadWriteOnce") => "RWO",
        Some("ReadOnlyMany") => "ROX",
        Some("ReadWriteMany") => "RWX",
        Some("ReadWriteOncePod") => "RWOP",
        _ => "",
    };
    let all: Vec<&str> = modes.as_array().into_iter().flatten().map(short).filter(|m| !m.is_empty()).collect();
    all.join(",")
}

/// The first few of a list, and how many more there are.
pub(super) fn some(all: &[String], most: usize) -> String {
    if all.is_empty() {
        return NONE.to_owned();
    }
    let shown = all.iter().take(most).cloned().collect::<Vec<_>>().join(",");
    if all.len() > most { format!("{shown} + {} more...", all.len() - most) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn durations_read_as_in_kubectl() {
        for (seconds, wanted) in [
            (-5, "<invalid>"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (11_000, "3h3m"),
            (90_000, "25h"),
            (180_000, "2d2h"),
            (864_000, "10d"),
            (70_000_000, "2y80d"),
        ] {
            assert_eq!(human(seconds), wanted, "{seconds}");
        }
    }
}
