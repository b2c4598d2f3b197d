//! Plain values with a form: amounts and spans of time.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::Setting;

/// Units of an [`Amount`], as Kubernetes and people write them.
const UNITS: [&str; 22] = [
    "", "m", "k", "K", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB",
    "TiB", "cores",
];

/// An amount of memory, storage or CPU, kept as it is written (`60GB`, `10Gi`, `200m`, `6`); its form is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Amount(String);

impl Amount {
    /// Takes a text whose form is a number and a unit; `None` when it is something else.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        (number.parse::<f64>().is_ok() && UNITS.contains(&unit.trim())).then(|| Self(text.to_owned()))
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::new(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` is no amount: write a number and a unit (`60GB`, `10Gi`, `200m`)"
            ))
        })
    }
}

impl Setting for Amount {}

/// A span of time, kept as Flux writes it (`30m`, `1h30m`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Span(String);

impl Span {
    /// Takes a text in the form of Go's durations (`90s`, `1h30m`), above zero; `None` when it is something else.
    pub fn new(text: &str) -> Option<Self> {
        read_span(text).map(|_| Self(text.to_owned()))
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same as a duration.
    pub fn duration(&self) -> Duration {
        read_span(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::new(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("`{text}` is no span of time: write it as `90s`, `10m` or `1h30m`"))
        })
    }
}

impl Setting for Span {}

/// Hours, minutes, seconds and milliseconds, each a number with its unit, as Flux' CRDs accept them.
fn read_span(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let (unit, seconds) = [("ms", 0.001), ("h", 3600.0), ("m", 60.0), ("s", 1.0)]
            .into_iter()
            .find(|(unit, _)| rest.starts_with(unit))?;
        sum += number * seconds;
        rest = &rest[unit.len()..];
    }
    let span = Duration::try_from_secs_f64(sum).ok()?;
    (!span.is_zero()).then_some(span)
}
