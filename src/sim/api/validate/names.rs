//! What names, labels and keys may look like, in the words of `apimachinery/pkg/util/validation`.

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_WORDS: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const SUBDOMAIN_WORDS: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const LABEL_1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const LABEL_1035_WORDS: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const KEY_WORDS: &str =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/// How a kind's names are checked.
pub(in super::super) type Rule = fn(&str) -> Vec<String>;

fn regex_error(words: &str, format: &str, examples: &[&str]) -> String {
    let shown: Vec<String> = examples.iter().map(|e| format!("'{e}', ")).collect();
    format!("{words} (e.g. {}regex used for validation is '{format}')", shown.join(" or "))
}

fn too_long(most: usize) -> String {
    format!("must be no more than {most} characters")
}

/// Keys and values of labels say it otherwise.
fn too_many_bytes(most: usize) -> String {
    format!("must be no more than {most} bytes")
}

fn alnum_between(text: &str, first: fn(u8) -> bool, inner: fn(u8) -> bool, last: fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let (Some(head), Some(tail)) = (bytes.first(), bytes.last()) else { return false };
    first(*head) && last(*tail) && bytes.iter().all(|b| inner(*b))
}

fn lower_alnum(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

fn is_label(text: &str) -> bool {
    alnum_between(text, lower_alnum, |b| lower_alnum(b) || b == b'-', lower_alnum)
}

/// A DNS-1123 label: namespaces, containers, volumes.
pub(in super::super) fn dns_label(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if text.len() > 63 {
        found.push(too_long(63));
    }
    if !is_label(text) {
        if is_subdomain(text) {
            found.push("must not contain dots".into());
        } else {
            found.push(regex_error(LABEL_WORDS, LABEL, &["my-name", "123-abc"]));
        }
    }
    found
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

/// A DNS-1123 subdomain: most names.
pub(in super::super) fn dns_subdomain(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if text.len() > 253 {
        found.push(too_long(253));
    }
    if !is_subdomain(text) {
        let format = format!("{LABEL}(\\.{LABEL})*");
        found.push(regex_error(SUBDOMAIN_WORDS, &format, &["example.com"]));
    }
    found
}

/// A DNS-1035 label: services.
pub(in super::super) fn dns_1035_label(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if text.len() > 63 {
        found.push(too_long(63));
    }
    let fits = alnum_between(text, |b| b.is_ascii_lowercase(), |b| lower_alnum(b) || b == b'-', lower_alnum);
    if !fits {
        found.push(regex_error(LABEL_1035_WORDS, LABEL_1035, &["my-name", "abc-123"]));
    }
    found
}

fn is_key_part(text: &str) -> bool {
    let alnum = |b: u8| b.is_ascii_alphanumeric();
    alnum_between(text, alnum, |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'), alnum)
}

/// A label's key, a finalizer: `example.com/name`.
pub(in super::super) fn qualified(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let name = match text.split('/').collect::<Vec<_>>().as_slice() {
        [name] => *name,
        [prefix, name] => {
            if prefix.is_empty() {
                found.push("prefix part must be non-empty".into());
            } else {
                found.extend(dns_subdomain(prefix).into_iter().map(|m| format!("prefix part {m}")));
            }
            *name
        }
        _ => {
            let words = regex_error(KEY_WORDS, KEY, &["MyName", "my.name", "123-abc"]);
            return vec![format!(
                "a valid label key {words} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        found.push("name part must be non-empty".into());
    } else if name.len() > 63 {
        found.push(format!("name part {}", too_many_bytes(63)));
    }
    if !is_key_part(name) {
        found.push(format!("name part {}", regex_error(KEY_WORDS, KEY, &["MyName", "my.name", "123-abc"])));
    }
    found
}

/// A label's value.
pub(in super::super) fn label_value(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if text.len() > 63 {
        found.push(too_many_bytes(63));
    }
    if !text.is_empty() && !is_key_part(text) {
        let words = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
        let format = format!("({KEY})?");
        found.push(regex_error(words, &format, &["MyValue", "my_value", "12345"]));
    }
    found
}

/// A key of a config map or a secret.
pub(in super::super) fn config_key(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if text.len() > 253 {
        found.push(too_long(253));
    }
    let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if !fits {
        let words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
        found.push(regex_error(words, "[-._a-zA-Z0-9]+", &["key.name", "KEY_NAME", "key-name"]));
    }
    match text {
        "." => found.push("must not be '.'".into()),
        ".." => found.push("must not be '..'".into()),
        _ if text.starts_with("..") => found.push("must not start with '..'".into()),
        _ => {}
    }
    found
}

/// A name that can stand in a path: roles.
pub(in super::super) fn path_segment(text: &str) -> Vec<String> {
    match text {
        "." => return vec!["may not be '.'".into()],
        ".." => return vec!["may not be '..'".into()],
        _ => {}
    }
    let bad = ["/", "%"].into_iter().filter(|bad| text.contains(bad));
    bad.map(|bad| format!("may not contain '{bad}'")).collect()
}

/// A port's name.
pub(in super::super) fn port_name(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if text.len() > 15 {
        found.push(too_long(15));
    }
    if text.bytes().any(|b| !(lower_alnum(b) || b == b'-')) {
        found.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".into());
    }
    if !text.bytes().any(|b| b.is_ascii_lowercase()) {
        found.push("must contain at least one letter (a-z)".into());
    }
    if text.contains("--") {
        found.push("must not contain consecutive hyphens".into());
    }
    if text.starts_with('-') || text.ends_with('-') {
        found.push("must not begin or end with a hyphen".into());
    }
    found
}

/// A port's number.
pub(in super::super) fn port_number(port: i64) -> Vec<String> {
    if (1..=65535).contains(&port) { Vec::new() } else { vec!["must be between 1 and 65535, inclusive".into()] }
}

/// The name of an environment variable: anything printable without `=`.
pub(in super::super) fn env_name(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if text.is_empty() {
        found.push("environment variable name must be non-empty".into());
    }
    if text.bytes().any(|b| !(0x20..=0x7e).contains(&b) || b == b'=') {
        found.push(
            "a valid environment variable name must consist only of printable ASCII characters other than '='".into(),
        );
    }
    found
}

/// Any name that is not empty.
pub(in super::super) fn anything(_text: &str) -> Vec<String> {
    Vec::new()
}
