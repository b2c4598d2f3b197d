//! Label and field selectors, read and refused in the true server's words.

use std::fmt;

use serde_json::Value;

use super::selector_lexer::{Lexer, Token};
use super::status::Status;

/// Which objects are meant, by their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equals,
    In,
    NotIn,
    Exists,
    DoesNotExist,
    GreaterThan,
    LessThan,
}

const NAME_PART: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

impl LabelSelector {
    /// From text: `a=b,c!=d,e in (f,g),!h`.
    pub fn parse(text: &str) -> Result<Self, Status> {
        parse(text).map(Self).map_err(Status::bad_request)
    }

    /// From a `LabelSelector` object: `matchLabels` and `matchExpressions`. An absent one matches nothing.
    pub fn of_object(selector: &Value) -> Option<Self> {
        if !selector.is_object() {
            return None;
        }
        let mut all = Vec::new();
        for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
            let values = vec![value.as_str().unwrap_or_default().to_owned()];
            all.push(Requirement { key: key.clone(), operator: Operator::Equals, values });
        }
        for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
            let operator = match expression["operator"].as_str() {
                Some("In") => Operator::In,
                Some("NotIn") => Operator::NotIn,
                Some("Exists") => Operator::Exists,
                Some("DoesNotExist") => Operator::DoesNotExist,
                _ => return None,
            };
            let values = expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let key = expression["key"].as_str().unwrap_or_default().to_owned();
            all.push(Requirement { key, operator, values: values.map(str::to_owned).collect() });
        }
        Some(Self(all))
    }

    /// Whether everything is meant.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an object has such labels.
    pub fn matches(&self, object: &Value) -> bool {
        self.matches_labels(&object["metadata"]["labels"])
    }

    /// Whether a map of labels is such.
    pub fn matches_labels(&self, labels: &Value) -> bool {
        self.0.iter().all(|requirement| requirement.matches(labels[requirement.key.as_str()].as_str()))
    }
}

impl Requirement {
    fn matches(&self, value: Option<&str>) -> bool {
        let listed = |value: &str| self.values.iter().any(|v| v == value);
        let number = |text: &str| text.parse::<i64>().ok();
        match self.operator {
            Operator::Equals | Operator::In => value.is_some_and(listed),
            Operator::NotIn => !value.is_some_and(listed),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::GreaterThan | Operator::LessThan => {
                let limit = self.values.first().map(String::as_str).and_then(number);
                match (value.and_then(number), limit) {
                    (Some(value), Some(limit)) if self.operator == Operator::GreaterThan => value > limit,
                    (Some(value), Some(limit)) => value < limit,
                    _ => false,
                }
            }
        }
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all: Vec<&Requirement> = self.0.iter().collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        for (i, one) in all.into_iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            let (key, mut values) = (&one.key, one.values.clone());
            values.sort();
            match one.operator {
                Operator::Equals => write!(f, "{key}={}", values.join(","))?,
                Operator::In => write!(f, "{key} in ({})", values.join(","))?,
                Operator::NotIn => write!(f, "{key} notin ({})", values.join(","))?,
                Operator::Exists => f.write_str(key)?,
                Operator::DoesNotExist => write!(f, "!{key}")?,
                Operator::GreaterThan => write!(f, "{key}>{}", values.join(","))?,
                Operator::LessThan => write!(f, "{key}<{}", values.join(","))?,
            }
        }
        Ok(())
    }
}

/// `labels.Parse` of apimachinery.
fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut lexer = Lexer::new(text);
    let mut all = Vec::new();
    loop {
        match lexer.peek() {
            Token::Identifier(_) | Token::Not => {
                all.push(requirement(&mut lexer).map_err(|e| format!("unable to parse requirement: {e}"))?);
                match lexer.next() {
                    Token::End => break,
                    Token::Comma => {
                        let then = lexer.peek();
                        if !matches!(then, Token::Identifier(_) | Token::Not) {
                            return Err(format!("found '{then}', expected: identifier after ','"));
                        }
                    }
                    other => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
                }
            }
            Token::End => break,
            other => return Err(format!("found '{other}', expected: !, identifier, or 'end of string'")),
        }
    }
    all.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(all)
}

fn requirement(lexer: &mut Lexer) -> Result<Requirement, String> {
    let mut operator = None;
    if lexer.peek() == Token::Not {
        operator = Some(Operator::DoesNotExist);
        lexer.next();
    }
    let key = match lexer.next() {
        Token::Identifier(key) => key,
        other => return Err(format!("found '{other}', expected: identifier")),
    };
    check_key(&key)?;
    if matches!(lexer.peek(), Token::End | Token::Comma) {
        let operator = operator.unwrap_or(Operator::Exists);
        return Ok(Requirement { key, operator, values: Vec::new() });
    }
    let (operator, set) = match lexer.next() {
        Token::Identifier(word) if word == "in" => (Operator::In, true),
        Token::Identifier(word) if word == "notin" => (Operator::NotIn, true),
        Token::Equals => (Operator::Equals, false),
        Token::NotEquals => (Operator::NotIn, false),
        Token::Greater => (Operator::GreaterThan, false),
        Token::Less => (Operator::LessThan, false),
        other => {
            return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt"));
        }
    };
    let values = if set { values(lexer)? } else { vec![exact(lexer)?] };
    for (i, value) in values.iter().enumerate() {
        if matches!(operator, Operator::GreaterThan | Operator::LessThan) && value.parse::<i64>().is_err() {
            return Err(format!(
                "values[{i}]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer"
            ));
        }
        check_value(&key, i, value)?;
    }
    Ok(Requirement { key, operator, values })
}

fn values(lexer: &mut Lexer) -> Result<Vec<String>, String> {
    match lexer.next() {
        Token::Open => {}
        other => return Err(format!("found '{other}', expected: '('")),
    }
    let mut all = Vec::new();
    loop {
        match lexer.next() {
            Token::Identifier(value) => all.push(value),
            Token::Comma if matches!(lexer.peek(), Token::Comma | Token::Close) => all.push(String::new()),
            Token::Comma => {}
            Token::Close => {
                if all.is_empty() {
                    all.push(String::new());
                }
                all.sort();
                all.dedup();
                return Ok(all);
            }
            other => return Err(format!("found '{other}', expected: ',' or ')'")),
        }
    }
}

fn exact(lexer: &mut Lexer) -> Result<String, String> {
    if matches!(lexer.peek(), Token::End | Token::Comma) {
        return Ok(String::new());
    }
    match lexer.next() {
        Token::Identifier(value) => Ok(value),
        other => Err(format!("found '{other}', expected: identifier")),
    }
}

fn check_key(key: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("<nil>: Invalid value: \"{key}\": {why}"));
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if prefix.is_some_and(str::is_empty) {
        return wrong("prefix part must be non-empty");
    }
    if name.is_empty() {
        return wrong(&format!("name part must be non-empty; {NAME_PART}"));
    }
    if name.len() > 63 {
        return wrong("name part must be no more than 63 bytes");
    }
    if !is_name(name) {
        return wrong(NAME_PART);
    }
    Ok(())
}

fn check_value(key: &str, at: usize, value: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("values[{at}][{key}]: Invalid value: \"{value}\": {why}"));
    if value.len() > 63 {
        return wrong("must be no more than 63 bytes");
    }
    if !value.is_empty() && !is_name(value) {
        return wrong(LABEL_VALUE);
    }
    Ok(())
}

fn is_name(text: &str) -> bool {
    let edge = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    edge(text.bytes().next())
        && edge(text.bytes().last())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_match_as_on_the_true_server() {
        let object = json!({"metadata": {"labels": {"a": "1", "app.kubernetes.io/name": "x"}}});
        for (text, wanted) in [
            ("", true),
            ("a", true),
            ("!a", false),
            ("b", false),
            ("!b", true),
            ("a=1", true),
            ("a==1,app.kubernetes.io/name=x", true),
            ("a!=1", false),
            ("b!=1", true),
            ("a in (1,2)", true),
            ("a notin (1, 2)", false),
            ("b notin (1)", true),
            ("a>0", true),
            ("a<1", false),
            ("a=", false),
            ("a in (1),!b,app.kubernetes.io/name", true),
        ] {
            assert_eq!(LabelSelector::parse(text).unwrap().matches(&object), wanted, "{text}");
        }
    }

    #[test]
    fn a_malformed_selector_is_refused_in_the_true_words() {
        for (text, wanted) in [
            ("a===b", "unable to parse requirement: found '=', expected: identifier"),
            ("=", "found '=', expected: !, identifier, or 'end of string'"),
            ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
            ("a=!", "unable to parse requirement: found '!', expected: identifier"),
        ] {
            assert_eq!(LabelSelector::parse(text).unwrap_err().message(), wanted, "{text}");
        }
        let status = LabelSelector::parse("a=-x").unwrap_err();
        assert_eq!(status.code(), 400);
        assert!(
            status
                .message()
                .starts_with("unable to parse requirement: values[0][a]: Invalid value: \"-x\": a valid label")
        );
    }

    #[test]
    fn an_object_that_selects_nothing_matches_everything_and_an_absent_one_nothing() {
        let object = json!({"metadata": {"labels": {"a": "1"}}});
        assert!(LabelSelector::of_object(&json!({})).unwrap().matches(&object));
        assert!(LabelSelector::of_object(&Value::Null).is_none());
        let selector = json!({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]});
        assert!(!LabelSelector::of_object(&selector).unwrap().matches(&object));
    }
}
