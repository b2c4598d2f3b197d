//! Durations as Go reads and writes them.

use std::time::Duration;

/// Reads `1h30m`, `90s`, `1.5s`, `100ms`; `None` for anything else.
pub(super) fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest.get(..end)?.parse().ok()?;
        rest = rest.get(end..)?;
        let (unit, scale) =
            [("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("ns", 1e-9), ("h", 3600.0), ("m", 60.0), ("s", 1.0)]
                .into_iter()
                .find(|(unit, _)| rest.starts_with(unit))?;
        rest = rest.get(unit.len()..)?;
        total += number * scale;
    }
    Duration::try_from_secs_f64(total).ok().filter(|_| !text.is_empty())
}

/// Writes a duration as Go's `Duration.String` does: `1m0s`, `5.2s`, `300ms`.
pub(super) fn text(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    let decimal = |unit: u128| {
        let (whole, rest) = (nanos / unit, nanos % unit);
        if rest == 0 {
            return whole.to_string();
        }
        let digits = unit.to_string().len() - 1;
        format!("{whole}.{}", format!("{rest:0digits$}").trim_end_matches('0'))
    };
    match nanos {
        0..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => format!("{}µs", decimal(1_000)),
        1_000_000..1_000_000_000 => format!("{}ms", decimal(1_000_000)),
        _ => {
            let minutes = duration.as_secs() / 60;
            let second = nanos % 60_000_000_000;
            let (whole, rest) = (second / 1_000_000_000, second % 1_000_000_000);
            let fraction =
                if rest == 0 { String::new() } else { format!(".{}", format!("{rest:09}").trim_end_matches('0')) };
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{whole}{fraction}s"),
                (0, minutes) => format!("{minutes}m{whole}{fraction}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{whole}{fraction}s"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_written_as_go_does() {
        for (read, written) in [
            ("1h", "1h0m0s"),
            ("90s", "1m30s"),
            ("1.5s", "1.5s"),
            ("300ms", "300ms"),
            ("1h30m", "1h30m0s"),
            ("2s", "2s"),
            ("0", "0s"),
        ] {
            assert_eq!(text(parse(read).unwrap()), written, "{read}");
        }
        assert_eq!((parse(""), parse("5"), parse("x")), (None, None, None));
        assert_eq!(text(Duration::from_micros(1_234)), "1.234ms");
    }
}
