//! Kubernetes' quantities as the server reads and writes them: exact errors, and the canonical form.

/// What is said of a text that is no quantity.
pub const WRONG_FORMAT: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const WRONG_SUFFIX: &str = "unable to parse quantity's suffix";
const WRONG_NUMBER: &str = "unable to parse numeric part of quantity";

const NANO: i128 = 1_000_000_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    Decimal,
    Exponent,
    Binary,
}

/// An amount, and how it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    nanos: i128,
    form: Form,
}

impl Amount {
    /// Reads a quantity; the error is the server's.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, suffix) = rest.split_at(end);
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && decimals.is_empty() || !suffix_fits(suffix) {
            return Err(WRONG_FORMAT);
        }
        if decimals.contains('.') {
            return Err(WRONG_FORMAT);
        }
        let (factor, tens, form) = unit(suffix).ok_or(WRONG_SUFFIX)?;
        let digits: i128 = format!("{whole}{decimals}").parse().map_err(|_| WRONG_NUMBER)?;
        let scale = 9 + i64::from(tens) - i64::try_from(decimals.len()).unwrap_or(i64::MAX);
        let value = digits.saturating_mul(factor);
        let nanos = if scale >= 0 {
            let power = u32::try_from(scale).ok().and_then(|s| 10_i128.checked_pow(s)).unwrap_or(i128::MAX);
            value.saturating_mul(power)
        } else {
            let power = u32::try_from(-scale).ok().and_then(|s| 10_i128.checked_pow(s)).unwrap_or(i128::MAX);
            let (quotient, rest) = (value / power, value % power);
            if rest > 0 { quotient + 1 } else { quotient }
        };
        // Larger ones are capped.
        let most = i128::from(i64::MAX) * NANO;
        let nanos = nanos.min(most);
        Ok(Self { nanos: if negative { -nanos } else { nanos }, form })
    }

    /// Billionths.
    pub fn nanos(self) -> i128 {
        self.nanos
    }

    /// Whether it is a whole number.
    pub fn is_whole(self) -> bool {
        self.nanos % NANO == 0
    }

    /// Whether thousandths are enough to write it.
    pub fn is_milli(self) -> bool {
        self.nanos % (NANO / 1000) == 0
    }

    /// In the canonical form: `1536Mi`, `500m`, `1`.
    pub fn canonical(self) -> String {
        if self.nanos == 0 {
            return "0".into();
        }
        let whole = self.nanos / NANO;
        if self.form == Form::Binary && whole.abs() >= 1024 {
            let rounded = if self.nanos % NANO > 0 { whole + 1 } else { whole };
            let (mut number, mut steps) = (rounded, 0);
            while number % 1024 == 0 && steps < 6 {
                number /= 1024;
                steps += 1;
            }
            let suffix = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][steps];
            return format!("{number}{suffix}");
        }
        let (mut number, mut exponent) = (self.nanos, -9);
        while number % 1000 == 0 && exponent < 18 {
            number /= 1000;
            exponent += 3;
        }
        if self.form == Form::Exponent {
            return if exponent == 0 { number.to_string() } else { format!("{number}e{exponent}") };
        }
        let suffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
        let suffix = usize::try_from((exponent + 9) / 3).ok().and_then(|at| suffixes.get(at)).unwrap_or(&"");
        format!("{number}{suffix}")
    }
}

fn suffix_fits(suffix: &str) -> bool {
    let letters = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let digits = letters.strip_prefix(['-', '+']).unwrap_or(letters);
    digits.bytes().all(|b| b.is_ascii_digit())
}

/// Factor, power of ten, form.
fn unit(suffix: &str) -> Option<(i128, i32, Form)> {
    Some(match suffix {
        "n" => (1, -9, Form::Decimal),
        "u" => (1, -6, Form::Decimal),
        "m" => (1, -3, Form::Decimal),
        "" => (1, 0, Form::Decimal),
        "k" => (1, 3, Form::Decimal),
        "M" => (1, 6, Form::Decimal),
        "G" => (1, 9, Form::Decimal),
        "T" => (1, 12, Form::Decimal),
        "P" => (1, 15, Form::Decimal),
        "E" => (1, 18, Form::Decimal),
        "Ki" => (1 << 10, 0, Form::Binary),
        "Mi" => (1 << 20, 0, Form::Binary),
        "Gi" => (1 << 30, 0, Form::Binary),
        "Ti" => (1 << 40, 0, Form::Binary),
        "Pi" => (1 << 50, 0, Form::Binary),
        "Ei" => (1 << 60, 0, Form::Binary),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            (1, exponent.parse::<i32>().ok().filter(|e| (-18..=18).contains(e))?, Form::Exponent)
        }
    })
}

/// The canonical form of a text that is a quantity.
pub fn canonical(text: &str) -> Result<String, &'static str> {
    Amount::parse(text).map(Amount::canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_canonical_form() {
        for (given, wanted) in [
            ("1.5Gi", "1536Mi"),
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1024Mi", "1Gi"),
            ("1536", "1536"),
            ("1e3", "1e3"),
            ("1000", "1k"),
            ("0.1Ki", "102400m"),
            ("-1.5", "-1500m"),
            ("0Gi", "0"),
            ("2.5e2", "250"),
            ("60000M", "60G"),
        ] {
            assert_eq!(canonical(given).as_deref(), Ok(wanted), "{given}");
        }
    }

    #[test]
    fn names_what_is_wrong() {
        for (given, wanted) in [
            ("", WRONG_FORMAT),
            ("abc", WRONG_FORMAT),
            ("1GB", WRONG_FORMAT),
            ("1mi", WRONG_SUFFIX),
            ("1 Gi", WRONG_FORMAT),
        ] {
            assert_eq!(canonical(given), Err(wanted), "{given}");
        }
    }
}
