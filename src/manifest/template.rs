//! Templates: minijinja with strict undefined, and errors that name template, line and the missing name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::{Serde, Value as Template};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde_json::Value;

use super::emit;
use crate::error::{Code, Error, Place, Result};
use crate::quantity::{self, Quantity};

/// Instructions a template may use: far above any manifest, and an endless loop ends within a second.
const FUEL: u64 = 5_000_000;

/// Renders templates; others are found through its loader, for `include`, `import` and `extends`.
#[derive(Debug)]
pub struct Renderer {
    environment: Environment<'static>,
}

impl Renderer {
    /// A renderer whose templates include others that `loader` finds by name; `Ok(None)` if there is none.
    pub fn new(loader: impl Fn(&str) -> Result<Option<String>> + Send + Sync + 'static) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_debug(true);
        environment.set_fuel(Some(FUEL));
        let mut syntax = environment.syntax().to_builder();
        if let Ok(syntax) = syntax.keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true).build() {
            environment.set_syntax(syntax);
        }
        environment.set_loader(move |name| loader(name).map_err(|e| fault(&e)));
        environment.add_filter("yaml", |value: Template| as_yaml(&value));
        environment.add_filter("quote", |value: Template| Ok::<_, Fault>(emit::quote(&text(&value)?)));
        environment.add_filter("b64encode", |value: Template| Ok::<_, Fault>(STANDARD.encode(text(&value)?)));
        environment.add_filter("quantity", |value: Template| quantity::whole(&text(&value)?).map_err(|e| fault(&e)));
        environment.add_filter("bytes", |value: Template| parsed(&value).map(Quantity::bytes));
        environment.add_filter("millis", |value: Template| parsed(&value).map(Quantity::millis));
        Self { environment }
    }

    /// A renderer whose templates stand alone.
    pub fn standalone() -> Self {
        Self::new(|_| Ok(None))
    }

    /// Renders `source`, called `name` in errors, with the keys of the map `context` as its names.
    pub fn render(&self, name: &str, source: &str, context: &Value) -> Result<String> {
        let template =
            self.environment.template_from_named_str(name, source).map_err(|e| explain(&e, name, source, context))?;
        template.render(Template::from(Serde(context))).map_err(|e| explain(&e, name, source, context))
    }
}

type Fault = minijinja::Error;

/// `yaml`: a scalar is quoted as needed, a list or map becomes block YAML without final newline (use with `indent`).
fn as_yaml(value: &Template) -> Result<String, Fault> {
    defined(value)?;
    let json = serde_json::to_value(value).map_err(|e| Fault::new(ErrorKind::BadSerialization, e.to_string()))?;
    Ok(match &json {
        Value::String(text) => emit::scalar(text),
        other => emit::emit(other).trim_end_matches('\n').to_owned(),
    })
}

fn parsed(value: &Template) -> Result<Quantity, Fault> {
    Quantity::parse(&text(value)?).map_err(|e| fault(&e))
}

fn text(value: &Template) -> Result<String, Fault> {
    defined(value)?;
    Ok(value.to_string())
}

fn defined(value: &Template) -> Result<(), Fault> {
    if value.is_undefined() { Err(ErrorKind::UndefinedError.into()) } else { Ok(()) }
}

fn fault(error: &Error) -> Fault {
    Fault::new(ErrorKind::InvalidOperation, error.message().to_owned())
}

/// The innermost cause as our error; templates that included it are callers.
fn explain(error: &Fault, name: &str, source: &str, context: &Value) -> Error {
    let mut chain = vec![error];
    let mut next: &dyn std::error::Error = error;
    while let Some(cause) = next.source() {
        if let Some(inner) = cause.downcast_ref::<Fault>() {
            chain.push(inner);
        }
        next = cause;
    }
    let inner = chain[chain.len() - 1];
    let missing = missing_name(inner);
    let message = match (&missing, inner.kind()) {
        (Some(path), _) => format!("`{path}` is not defined"),
        (None, ErrorKind::UndefinedError) => "a value is not defined".to_owned(),
        (None, ErrorKind::OutOfFuel) => "the template does not end".to_owned(),
        (None, ErrorKind::TemplateNotFound) => inner.detail().unwrap_or("template not found").to_owned(),
        (None, kind) => inner.detail().map_or_else(|| kind.to_string(), |d| format!("{kind}: {d}")),
    };
    let mut out = Error::new(Code::Template, format!("template {}: {message}", inner.name().unwrap_or(name)));
    for cause in chain.iter().rev() {
        out = out.at(place(cause, name, source));
    }
    if let Some(path) = missing {
        out = match nearest(&path, context) {
            Some(near) => out.hint(format!("Did you mean `{near}`?")),
            None => out.hint(known(&path, context)),
        };
    }
    out
}

fn place(error: &Fault, name: &str, source: &str) -> Place {
    let file = error.name().unwrap_or(name);
    let text = error.template_source().or_else(|| (file == name).then_some(source));
    let line = error.line().unwrap_or(1);
    let mut place = Place::new(file, line, 1);
    if let (Some(range), Some(text)) = (error.range(), text)
        && let (Some(before), Some(span)) = (text.get(..range.start), text.get(range.clone()))
    {
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        place.line = before.matches('\n').count() + 1;
        place.column = before[line_start..].chars().count() + 1;
        place = place.with_length(span.lines().next().unwrap_or_default().chars().count());
    }
    match text {
        Some(text) => place.with_source(text),
        None => place,
    }
}

/// The expression in "`a.b` is undefined", as minijinja describes it; else what a filter was given.
fn missing_name(error: &Fault) -> Option<String> {
    let Some(detail) = error.detail() else {
        let span = error.template_source()?.get(error.range()?)?;
        let name = span.split('|').next()?.trim();
        return (error.kind() == ErrorKind::UndefinedError && !name.is_empty()).then(|| name.to_owned());
    };
    let end = detail.find("` is undefined")?;
    let start = detail[..end].rfind('`')? + 1;
    Some(detail[start..end].to_owned())
}

/// Where the path leaves what is there: the part that exists, the map it names, and the missing key.
fn walk<'a>(path: &'a str, context: &'a Value) -> (Vec<&'a str>, Option<&'a serde_json::Map<String, Value>>, &'a str) {
    let mut known = Vec::new();
    let mut here = context;
    for key in path.split('.') {
        match here.get(key) {
            Some(value) => {
                known.push(key);
                here = value;
            }
            None => return (known, here.as_object(), key),
        }
    }
    (known, None, "")
}

fn nearest(path: &str, context: &Value) -> Option<String> {
    let (mut known, map, key) = walk(path, context);
    let near = map?
        .keys()
        .map(|k| (strsim::damerau_levenshtein(k, key), k))
        .filter(|(distance, k)| *distance <= (k.chars().count().max(key.chars().count()) / 3).max(1))
        .min()?;
    known.push(near.1);
    Some(known.join("."))
}

fn known(path: &str, context: &Value) -> String {
    let (known, map, _) = walk(path, context);
    let keys: Vec<&str> = map.map(|m| m.keys().map(String::as_str).collect()).unwrap_or_default();
    match (keys.is_empty(), known.is_empty()) {
        (true, _) => "Pass it when the template is rendered, or give it a default: {{ x | default(1) }}".to_owned(),
        (false, true) => format!("Known names: {}", keys.join(", ")),
        (false, false) => format!("`{}` holds: {}", known.join("."), keys.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(source: &str, context: &Value) -> Result<String> {
        Renderer::standalone().render("t.yaml.j2", source, context)
    }

    #[test]
    fn filters() {
        let context = json!({"s": "yes", "n": 3, "m": {"z": 1, "a": ["x: y"]}, "q": "2Gi", "c": "250m", "t": "a\"b"});
        let cases = [
            ("{{ s | yaml }} {{ n | yaml }} {{ t | quote }}", r#""yes" 3 "a\"b""#),
            ("a:\n  {{ m | yaml | indent(2) }}\n", "a:\n  z: 1\n  a:\n    - \"x: y\"\n"),
            ("{{ s | b64encode }}", "eWVz"),
            ("{{ q | quantity }} {{ c | quantity }} {{ q | bytes }} {{ c | millis }}", "2147483648 250 2147483648 250"),
            ("{% for x in [1, 2] %}\n- {{ x }}\n{% endfor %}\nend\n", "- 1\n- 2\nend\n"),
            ("  {% if n > 2 %}\n  yes\n  {% endif %}\n", "  yes\n"),
            ("{{ s | upper }}<&>", "YES<&>"),
        ];
        for (source, expected) in cases {
            assert_eq!(render(source, &context).unwrap(), expected, "{source}");
        }
    }

    #[test]
    fn a_missing_name_is_named_with_its_place() {
        let context = json!({"settings": {"metastore": {"image": "x"}}, "o": {"id": "1.2"}});
        let error = render("kind: A\nimage: {{ settings.metastore.imgae }}\n", &context).unwrap_err();
        assert_eq!(error.code(), Code::Template);
        assert_eq!(error.message(), "template t.yaml.j2: `settings.metastore.imgae` is not defined");
        assert_eq!(error.hint_text(), Some("Did you mean `settings.metastore.image`?"));
        let place = &error.places()[0];
        assert_eq!((place.file.as_str(), place.line), ("t.yaml.j2", 2));
        assert_eq!(place.column, 11);
        assert_eq!(place.length, "settings.metastore.imgae".len());
        assert!(place.source.is_some());
        let top = render("{{ sttings.x }}", &context).unwrap_err();
        assert_eq!(top.hint_text(), Some("Did you mean `settings`?"));
        let far = render("{{ o.elsewhere }}", &context).unwrap_err();
        assert_eq!(far.hint_text(), Some("`o` holds: id"));
        for used in [
            "{% if nothing %}x{% endif %}",
            "{% for x in nothing %}{% endfor %}",
            "{{ nothing.deep.er }}",
            "{{ nothing | yaml }}",
        ] {
            let error = render(used, &context).unwrap_err();
            assert!(error.message().contains("not defined"), "{used}: {error}");
        }
    }

    #[test]
    fn syntax_errors_and_endless_loops_end() {
        let error = render("a\n{% if x %}\n", &json!({})).unwrap_err();
        assert_eq!(error.code(), Code::Template);
        assert!(error.message().starts_with("template t.yaml.j2: syntax error"), "{error}");
        let error =
            render("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", &json!({}));
        assert!(error.unwrap_err().message().contains("does not end"));
        assert!(render("{{ 'x' | quantity }}", &json!({})).unwrap_err().message().contains("not a quantity"));
        assert!(render("{{ 'x' | yml }}", &json!({})).unwrap_err().message().contains("yml"));
    }

    #[test]
    fn includes_come_from_the_loader_and_errors_name_both() {
        let renderer = Renderer::new(|name| {
            Ok(match name {
                "part.j2" => Some("p: {{ o.id }}\nq: {{ o.nmae }}\n".to_owned()),
                "fine.j2" => Some("p: {{ o.id }}\n".to_owned()),
                _ => None,
            })
        });
        let context = json!({"o": {"id": "1", "name": "n"}});
        assert_eq!(renderer.render("t", "{% include 'fine.j2' %}", &context).unwrap(), "p: 1\n");
        let error = renderer.render("t", "x\n{% include 'part.j2' %}\n", &context).unwrap_err();
        assert_eq!(error.message(), "template part.j2: `o.nmae` is not defined");
        let at: Vec<_> = error.places().iter().map(|p| (p.file.as_str(), p.line)).collect();
        assert_eq!(at, [("part.j2", 2), ("t", 2)]);
        let error = renderer.render("t", "{% include 'none.j2' %}", &context).unwrap_err();
        assert!(error.message().contains("none.j2"), "{error}");
    }
}
