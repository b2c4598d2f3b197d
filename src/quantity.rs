//! Amounts of memory, storage and CPU: Kubernetes' own notation, and what people write in a plan (`8 GB`, `12 cores`).

use std::fmt;
use std::str::FromStr;

use crate::error::{Code, Error, Result};

/// An exact amount. Held in billionths, Kubernetes' finest unit, so that sums never round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity {
    nanos: i128,
}

const NANOS: i128 = 1_000_000_000;

impl Quantity {
    /// Reads `512Mi`, `8GB`, `8 GB`, `1.5 GiB`, `400m`, `0.4`, `12 cores`, `1e3`, `2E`, …
    ///
    /// Suffixes as in Kubernetes (apimachinery, `resource.Quantity`): `n u m k M G T P E` by thousands, `Ki … Ei` by
    /// 1024, or a decimal exponent; a trailing `B` and the words core(s), cpu(s) and vcpu(s) change nothing.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || {
            Error::new(Code::Invalid, format!("`{text}` is not a quantity"))
                .hint("Write an amount like 512Mi, 8GB, 400m or 2 cores")
        };
        let trimmed = text.trim();
        let number_end = trimmed
            .char_indices()
            .find(|&(i, c)| !(c.is_ascii_digit() || c == '.' || (i == 0 && matches!(c, '+' | '-'))))
            .map_or(trimmed.len(), |(i, _)| i);
        let (number, rest) = trimmed.split_at(number_end);
        let (digits, decimals) = decimal(number).ok_or_else(bad)?;
        let (factor, divisor_digits) = suffix(rest).ok_or_else(bad)?;
        // nanos = digits × factor × 10^9 ÷ 10^decimals ÷ 10^divisor_digits
        let scale = 9_i64 - i64::from(decimals) - i64::from(divisor_digits);
        let value = digits.checked_mul(factor).ok_or_else(bad)?;
        let nanos = if scale >= 0 {
            let power = u32::try_from(scale).ok().and_then(|s| 10_i128.checked_pow(s)).ok_or_else(bad)?;
            value.checked_mul(power).ok_or_else(bad)?
        } else {
            let power = u32::try_from(-scale).ok().and_then(|s| 10_i128.checked_pow(s));
            power.map_or(value.signum(), |p| round_up(value, p))
        };
        Ok(Self { nanos })
    }

    /// An amount of bytes.
    pub fn from_bytes(bytes: i64) -> Self {
        Self { nanos: i128::from(bytes) * NANOS }
    }

    /// An amount of thousandths of a core.
    pub fn from_millis(millis: i64) -> Self {
        Self { nanos: i128::from(millis) * (NANOS / 1000) }
    }

    /// Whole bytes, rounded up as Kubernetes does (`Value()`); capped at the largest `i64`.
    pub fn bytes(self) -> i64 {
        clamp(round_up(self.nanos, NANOS))
    }

    /// Thousandths of a core, rounded up as Kubernetes does (`MilliValue()`); capped at the largest `i64`.
    pub fn millis(self) -> i64 {
        clamp(round_up(self.nanos, NANOS / 1000))
    }

    /// Their sum, capped at what can be held.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { nanos: self.nanos.saturating_add(other.nanos) }
    }

    /// This amount so many times.
    #[must_use]
    pub fn times(self, count: i64) -> Self {
        Self { nanos: self.nanos.saturating_mul(i128::from(count)) }
    }
}

impl FromStr for Quantity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

/// Whether a quantity is written as a number of cores (`400m`, `2 cores`) rather than of bytes.
pub fn is_cpu(text: &str) -> bool {
    let rest = text.trim().trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-'));
    matches!(rest.trim_start().to_ascii_lowercase().as_str(), "n" | "u")
        || rest.trim_start().starts_with('m')
        || without_words(rest).1
}

/// A quantity as one whole number: thousandths of a core if written as cores ([`is_cpu`]), else whole units, which for
/// memory and storage are bytes.
pub fn whole(text: &str) -> Result<i64> {
    let quantity = Quantity::parse(text)?;
    Ok(if is_cpu(text) { quantity.millis() } else { quantity.bytes() })
}

/// Bytes of an amount of memory or storage (`8GB`, `8 GB`, `8GiB`, a bare number); `None` for anything else.
pub fn size(text: &str) -> Option<u64> {
    if is_cpu(text) {
        return None;
    }
    u64::try_from(Quantity::parse(text).ok()?.bytes()).ok()
}

/// Thousandths of a core of an amount of CPU (`400m`, `12 cores`, a bare number); `None` for anything else.
pub fn cores(text: &str) -> Option<u64> {
    let is_bare = text.trim().ends_with(|c: char| c.is_ascii_digit() || c == '.');
    if !is_cpu(text) && !is_bare {
        return None;
    }
    u64::try_from(Quantity::parse(text).ok()?.millis()).ok()
}

/// Bytes for people, by thousands: `4.5 GB`, `118.4 GB`, `512 MB`.
pub fn bytes_text(bytes: u64) -> String {
    scaled(bytes, 1000.0, &[" B", " kB", " MB", " GB", " TB", " PB", " EB"])
}

/// Bytes as claims are written, by 1024: `10Gi`, `312Gi`, `1.5Ti`.
pub fn claim_text(bytes: u64) -> String {
    scaled(bytes, 1024.0, &["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"])
}

/// Thousandths of a core for people: `300m`, `2`, `21.3`.
pub fn milli_text(millis: u64) -> String {
    if millis < 1000 && millis != 0 { format!("{millis}m") } else { one_decimal(millis as f64 / 1000.0) }
}

impl fmt::Display for Quantity {
    /// Kubernetes' notation without loss where that is short: `4Gi`, `300m`, `1500M`, else the plain number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos % NANOS != 0 {
            return if self.nanos % (NANOS / 1000) == 0 {
                write!(f, "{}m", self.nanos / (NANOS / 1000))
            } else {
                write!(f, "{}n", self.nanos)
            };
        }
        let units = self.nanos / NANOS;
        let binary = ["Ei", "Pi", "Ti", "Gi", "Mi", "Ki"].into_iter().zip((1..=6).rev().map(|i| 1_i128 << (10 * i)));
        let decimal = ["E", "P", "T", "G", "M"].into_iter().zip((2..=6).rev().map(|i| 1000_i128.pow(i)));
        let shortest = binary
            .chain(decimal)
            .filter(|(_, size)| units != 0 && units % size == 0)
            .map(|(suffix, size)| format!("{}{suffix}", units / size))
            .min_by_key(String::len);
        if let Some(text) = shortest {
            return f.write_str(&text);
        }
        write!(f, "{units}")
    }
}

/// A decimal number as its digits and how many of them stand after the point.
fn decimal(text: &str) -> Option<(i128, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let unsigned = whole.trim_start_matches(['+', '-']);
    if unsigned.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let digits: i128 = format!("{whole}{fraction}").parse().ok().or_else(|| {
        // `.5` and `-.5` have no digits before the point.
        format!("{}0{fraction}", &whole[..whole.len() - unsigned.len()]).parse().ok()
    })?;
    Some((digits, u32::try_from(fraction.len()).ok()?))
}

/// A suffix as a factor, and a power of ten to divide by.
fn suffix(text: &str) -> Option<(i128, u32)> {
    if let Some(exponent) = text.strip_prefix(['e', 'E'])
        && let Ok(power) = exponent.parse::<i32>()
    {
        return if power >= 0 {
            10_i128.checked_pow(u32::try_from(power).ok()?).map(|f| (f, 0))
        } else {
            Some((1, power.unsigned_abs()))
        };
    }
    let (unit, is_cores) = without_words(text);
    let unit = if is_cores { unit } else { unit.strip_suffix(['B', 'b']).unwrap_or(unit) };
    let thousand = |power: u32| Some((1000_i128.pow(power), 0));
    match unit {
        "" => Some((1, 0)),
        "n" => Some((1, 9)),
        "u" | "µ" => Some((1, 6)),
        "m" => Some((1, 3)),
        "k" | "K" => thousand(1),
        "M" => thousand(2),
        "G" => thousand(3),
        "T" => thousand(4),
        "P" => thousand(5),
        "E" => thousand(6),
        "Ki" => Some((1 << 10, 0)),
        "Mi" => Some((1 << 20, 0)),
        "Gi" => Some((1 << 30, 0)),
        "Ti" => Some((1 << 40, 0)),
        "Pi" => Some((1 << 50, 0)),
        "Ei" => Some((1 << 60, 0)),
        _ => None,
    }
}

/// The unit without a word for cores and spaces, and whether such a word was there.
fn without_words(text: &str) -> (&str, bool) {
    let trimmed = text.trim();
    let lower = trimmed.to_ascii_lowercase();
    for word in ["vcpus", "vcpu", "cpus", "cpu", "cores", "core"] {
        if lower.ends_with(word) && lower.len() == trimmed.len() {
            return (trimmed[..trimmed.len() - word.len()].trim_end(), true);
        }
    }
    (trimmed, false)
}

/// Division away from zero, as Kubernetes rounds.
fn round_up(value: i128, by: i128) -> i128 {
    let quotient = value / by;
    if value % by == 0 { quotient } else { quotient + value.signum() }
}

fn clamp(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

fn scaled(bytes: u64, step: f64, units: &[&str]) -> String {
    let mut value = bytes as f64;
    let mut unit = 0;
    // 0.05 below the step, so that 999.96 MB is written as 1 GB and not as 1000 MB.
    while value >= step - 0.05 && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    format!("{}{}", one_decimal(value), units[unit])
}

fn one_decimal(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_every_notation() {
        let cases: [(&str, i64); 24] = [
            ("0", 0),
            ("128974848", 128_974_848),
            ("129e6", 129_000_000),
            ("129E6", 129_000_000),
            ("1e3", 1000),
            ("5e-1", 1),
            ("129M", 129_000_000),
            ("123Mi", 128_974_848),
            ("8GB", 8_000_000_000),
            ("8 GB", 8_000_000_000),
            (" 8 GiB ", 8 << 30),
            ("1.5Gi", 3 << 29),
            ("0.1Gi", 107_374_183),
            ("2E", 2_000_000_000_000_000_000),
            ("1Ei", 1 << 60),
            ("10kB", 10_000),
            ("10KB", 10_000),
            ("10Ki", 10_240),
            ("65GB", 65_000_000_000),
            ("100 B", 100),
            (".5Ki", 512),
            ("+1k", 1000),
            ("-2Mi", -(2 << 20)),
            ("7Ei", 7 << 60),
        ];
        for (text, bytes) in cases {
            assert_eq!(Quantity::parse(text).unwrap().bytes(), bytes, "{text}");
        }
    }

    #[test]
    fn millis_of_every_notation() {
        let cases = [
            ("400m", 400),
            ("0.4", 400),
            ("0.4 cores", 400),
            ("12 cores", 12_000),
            ("1 core", 1000),
            ("2 CPUs", 2000),
            ("250m cpu", 250),
            ("1", 1000),
            ("100u", 1),
            ("1500000n", 2),
            ("0.0001", 1),
        ];
        for (text, millis) in cases {
            assert_eq!(Quantity::parse(text).unwrap().millis(), millis, "{text}");
        }
    }

    #[test]
    fn whole_numbers_by_what_is_written() {
        assert_eq!(whole("8GB").unwrap(), 8_000_000_000);
        assert_eq!(whole("400m").unwrap(), 400);
        assert_eq!(whole("2 cores").unwrap(), 2000);
        assert_eq!(whole("3").unwrap(), 3);
        assert_eq!(whole("5Mi").unwrap(), 5 << 20);
    }

    #[test]
    fn sizes_and_cores_are_not_taken_for_each_other() {
        let sizes = [("8GB", 8_000_000_000), ("8 GB", 8_000_000_000), ("8Gi", 8 << 30), ("8GiB", 8 << 30)];
        for (text, wanted) in sizes.into_iter().chain([("1.5Ki", 1536), ("7", 7), ("512 Mi", 512 << 20)]) {
            assert_eq!(size(text), Some(wanted), "{text}");
        }
        for text in ["", "lots", "8 XB", "-1GB", "i", "8i", "400m", "12 cores"] {
            assert_eq!(size(text), None, "{text}");
        }
        for (text, wanted) in [("400m", 400), ("12 cores", 12_000), ("0.4", 400), ("1 core", 1000), ("12.", 12_000)] {
            assert_eq!(cores(text), Some(wanted), "{text}");
        }
        for text in ["", "400g", "8GB", "8Gi", "-1", "many cores"] {
            assert_eq!(cores(text), None, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in
            ["", "GB", "1.2.3", "8 XB", "--1", "1e", "1e99", "5 apples", "8GBB", "1mi", "99999999999999999999Ei", "é"]
        {
            let error = Quantity::parse(text).unwrap_err();
            assert_eq!(error.code(), Code::Invalid, "{text}");
            assert!(error.hint_text().is_some());
        }
    }

    #[test]
    fn sums_are_exact() {
        let tenth = Quantity::parse("0.1").unwrap();
        assert_eq!(tenth.times(3), Quantity::parse("0.3").unwrap());
        assert_eq!(tenth.plus(tenth).millis(), 200);
    }

    #[test]
    fn shown_to_people() {
        assert_eq!(bytes_text(4_500_000_000), "4.5 GB");
        assert_eq!(bytes_text(999_960_000), "1 GB");
        assert_eq!(bytes_text(0), "0 B");
        assert_eq!(claim_text(10 << 30), "10Gi");
        assert_eq!(claim_text(3 << 39), "1.5Ti");
        assert_eq!(milli_text(300), "300m");
        assert_eq!(milli_text(21_340), "21.3");
        assert_eq!(milli_text(2000), "2");
        assert_eq!(milli_text(0), "0");
    }

    #[test]
    fn display_reads_back() {
        for text in ["4Gi", "300m", "1500M", "65G", "1", "0", "7n", "1000", "10Ki", "8GB"] {
            let quantity = Quantity::parse(text).unwrap();
            assert_eq!(Quantity::parse(&quantity.to_string()).unwrap(), quantity, "{text} as {quantity}");
        }
        assert_eq!(Quantity::parse("4096Mi").unwrap().to_string(), "4Gi");
        assert_eq!(Quantity::parse("8GB").unwrap().to_string(), "8G");
    }
}
