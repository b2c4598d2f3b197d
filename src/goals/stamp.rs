//! Dates and times in the form that a ledger has them in already.

use jiff::Zoned;
use jiff::civil::Date;

/// How a date is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A date, by its `strftime` pattern.
    Date(&'static str),
    /// RFC 3339, in UTC.
    Utc,
    /// RFC 3339, with an offset.
    Offset,
    /// A date and a time without an offset, by its pattern.
    Local(&'static str),
}

/// The form of a text; `None` when it is none that we know.
pub(super) fn form(text: &str) -> Option<Form> {
    for pattern in ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y"] {
        if Date::strptime(pattern, text).is_ok_and(|date| date.strftime(pattern).to_string() == text) {
            return Some(Form::Date(pattern));
        }
    }
    if text.parse::<jiff::Timestamp>().is_ok() {
        return Some(if text.ends_with(['Z', 'z']) { Form::Utc } else { Form::Offset });
    }
    ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]
        .into_iter()
        .find(|pattern| jiff::civil::DateTime::strptime(pattern, text).is_ok())
        .map(Form::Local)
}

/// A time in that form.
pub(super) fn write(form: Form, now: &Zoned) -> String {
    match form {
        Form::Date(pattern) | Form::Local(pattern) => now.strftime(pattern).to_string(),
        Form::Utc => rfc3339(now),
        Form::Offset => now.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
    }
}

/// RFC 3339 in UTC, whole seconds.
pub(super) fn rfc3339(now: &Zoned) -> String {
    now.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
