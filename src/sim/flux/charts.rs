//! Charts as scripts under `scripts/sim/charts`: which versions there are, which values they know, and the objects that a
//! release of them is made of.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rhai::Dynamic;
use serde_json::{Map, Value, json};

use crate::cancel::Cancel;
use crate::error::{Code, Error, Result};
use crate::script::compile::Program;
use crate::script::engine::{Machine, compiler};
use crate::script::library::Library;
use crate::script::profile::Profile;
use crate::script::registry::{Registry, Section};
use crate::script::{check, value};

/// Charts call nothing of the host.
pub(super) static REGISTRY: Registry<()> = Registry { sections: &[] as &[&Section<()>] };

const PROFILE: Profile = Profile::Execute;
const FOLDER: &str = "sim/charts";

/// The charts that a library has.
#[derive(Clone, Debug)]
pub struct Charts {
    library: Library,
    known: Arc<Mutex<BTreeMap<String, Chart>>>,
}

/// A chart: what it says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Name.
    pub name: String,
    /// The versions that the script plays, newest first; `*` plays any.
    pub versions: Vec<String>,
    /// Version of what it deploys.
    pub app_version: String,
    /// Default values; every value that the chart knows is in here. An empty map stands for one whose keys are free.
    pub values: Value,
}

/// A release, as a chart's script sees it.
#[derive(Clone, Debug)]
pub struct Release<'a> {
    /// Name.
    pub name: &'a str,
    /// Namespace.
    pub namespace: &'a str,
    /// Revision, from 1.
    pub revision: i64,
    /// Version of the chart.
    pub version: &'a str,
    /// Version of what it deploys.
    pub app_version: &'a str,
}

impl Charts {
    /// Those of a library.
    pub fn new(library: Library) -> Self {
        Self { library, known: Arc::default() }
    }

    /// The names of all charts.
    pub fn names(&self) -> Result<Vec<String>> {
        let files = self.library.files(FOLDER)?;
        let stem =
            |path: &String| Some(path.strip_prefix(FOLDER)?.strip_prefix('/')?.strip_suffix(".rhai")?.to_owned());
        Ok(files.keys().filter_map(stem).filter(|name| !name.contains('/') && !name.contains('.')).collect())
    }

    /// A chart by name; `None` when no script plays it.
    pub fn find(&self, name: &str) -> Result<Option<Chart>> {
        if let Some(chart) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(Some(chart.clone()));
        }
        let path = path(name);
        if name.contains(['/', '.']) || self.library.find(&path)?.is_none() {
            return Ok(None);
        }
        let machine = self.machine(name)?;
        let about = value::from_dynamic(&machine.call("chart", Vec::new())?)?;
        let wrong = |what: &str| Error::new(Code::Script, format!("scripts/{path}: {what}"));
        let texts =
            |field: &Value| field.as_array().map(|l| l.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        let chart = Chart {
            name: name.to_owned(),
            versions: texts(&about["versions"]).ok_or_else(|| wrong("fn chart() gives no versions"))?,
            app_version: about["app_version"].as_str().unwrap_or_default().to_owned(),
            values: value::from_dynamic(&machine.call("values", Vec::new())?)?,
        };
        if !chart.values.is_object() {
            return Err(wrong("fn values() must give a map"));
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), chart.clone());
        Ok(Some(chart))
    }

    /// The objects of a release with these values (defaults put in already).
    pub fn objects(&self, chart: &str, release: &Release<'_>, values: &Value) -> Result<Vec<Value>> {
        let machine = self.machine(chart)?;
        let release = json!({
            "name": release.name, "namespace": release.namespace, "revision": release.revision,
            "version": release.version, "app_version": release.app_version,
        });
        let args: Vec<Dynamic> = vec![value::to_dynamic(&release), value::to_dynamic(values)];
        match value::from_dynamic(&machine.call("objects", args)?)? {
            Value::Array(objects) if objects.iter().all(|o| !o["kind"].is_null() && !o["apiVersion"].is_null()) => {
                Ok(objects)
            }
            _ => Err(Error::new(
                Code::Script,
                format!("scripts/{}: fn objects(release, values) must give an array of objects", path(chart)),
            )),
        }
    }

    fn machine(&self, name: &str) -> Result<Machine> {
        let program = load(&self.library, &path(name))?;
        Ok(Machine::new(&REGISTRY, PROFILE, &Arc::new(()), &Cancel::new(), program))
    }
}

/// Compiles and checks a script of `scripts/sim/charts`.
pub(super) fn load(library: &Library, path: &str) -> Result<Program> {
    let compiler = compiler(&REGISTRY);
    let program = Program::load(library, path, &compiler)?;
    let entries = [("chart", PROFILE), ("values", PROFILE), ("objects", PROFILE)];
    if let Some(error) = check::program(&program, &REGISTRY, &compiler, &entries).into_iter().next() {
        return Err(error);
    }
    for (name, params, head) in
        [("chart", 0, "fn chart()"), ("values", 0, "fn values()"), ("objects", 2, "fn objects(release, values)")]
    {
        if !program.functions(params).iter().any(|f| f == name) {
            return Err(Error::new(Code::Script, format!("scripts/{path} has no `{head}`"))
                .hint("A simulated chart has fn chart(), fn values() and fn objects(release, values)"));
        }
    }
    Ok(program)
}

fn path(name: &str) -> String {
    format!("{FOLDER}/{name}.rhai")
}

impl Chart {
    /// The version that a constraint asks for: the newest that fits.
    pub fn version(&self, constraint: &str) -> Option<&str> {
        let constraint = constraint.trim();
        self.versions
            .iter()
            .map(String::as_str)
            .find(|version| constraint.is_empty() || constraint == "*" || fits(version, constraint))
    }

    /// Whether the script plays this version.
    pub fn plays(&self, version: &str) -> bool {
        let plain = version.split('+').next().unwrap_or(version);
        self.versions.iter().any(|known| known == "*" || known == plain)
    }

    /// The values that the chart doesn't know, each as Helm words it.
    pub fn unknown(&self, values: &Value) -> Vec<String> {
        let mut found = Vec::new();
        compare(&self.values, values, "", &mut found);
        found
    }
}

/// Whether a version fits a constraint of the plain kinds: exact, `1.2.x`, `^1.2.3`, `~1.2.3`, `>=1.2.3`, several with blanks.
fn fits(version: &str, constraint: &str) -> bool {
    let numbers = |text: &str| -> Vec<u64> {
        text.trim_start_matches('v').split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
    };
    let have = numbers(version);
    constraint.split([' ', ',']).filter(|part| !part.is_empty()).all(|part| {
        let end = part.find(|c: char| c.is_ascii_alphanumeric() || c == '*').unwrap_or(0);
        let (operator, wanted) = part.split_at(end);
        let want = numbers(wanted);
        match operator {
            ">=" => have >= want,
            ">" => have > want,
            "<=" => have <= want,
            "<" => have < want,
            "^" => have >= want && have.first() == want.first(),
            "~" => have >= want && have.get(..2.min(want.len())) == want.get(..2.min(want.len())),
            "" | "=" if wanted.contains(['x', '*', 'X']) => have.starts_with(&want),
            "" | "=" => version.trim_start_matches('v') == wanted.trim_start_matches('v'),
            _ => false,
        }
    })
}

/// Collects keys of `given` that `known` lacks.
fn compare(known: &Value, given: &Value, at: &str, found: &mut Vec<String>) {
    let (Value::Object(known), Value::Object(given)) = (known, given) else { return };
    if known.is_empty() {
        return;
    }
    let strange: Vec<&str> = given.keys().filter(|key| !known.contains_key(*key)).map(String::as_str).collect();
    match strange.as_slice() {
        [] => {}
        [one] => found.push(format!("at '{at}': additional properties '{one}' not allowed")),
        many => found.push(format!("at '{at}': additional properties '{}' not allowed", many.join("', '"))),
    }
    for (key, value) in given {
        if let Some(known) = known.get(key) {
            compare(known, value, &format!("{at}/{key}"), found);
        }
    }
}

/// Values laid over defaults as Helm does: maps merge, `null` takes a key away, all else replaces.
pub(super) fn merge(under: &Value, over: &Value) -> Value {
    let (Value::Object(under), Value::Object(over)) = (under, over) else { return over.clone() };
    let mut all: Map<String, Value> = under.clone();
    for (key, value) in over {
        if value.is_null() {
            all.shift_remove(key);
            continue;
        }
        let merged = under.get(key).map_or_else(|| value.clone(), |old| merge(old, value));
        all.insert(key.clone(), merged);
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_constraints() {
        for (version, constraint, fit) in [
            ("1.18.0", "1.18.0", true),
            ("1.18.0", "1.x", true),
            ("1.18.0", "^1.2.0", true),
            ("2.0.0", "^1.2.0", false),
            ("1.18.3", "~1.18.1", true),
            ("1.19.0", "~1.18.1", false),
            ("1.18.0", ">=1.10.0 <2.0.0", true),
            ("1.18.0", "1.17.0", false),
        ] {
            assert_eq!(fits(version, constraint), fit, "{version} {constraint}");
        }
    }

    #[test]
    fn unknown_values_are_named_in_helms_words() {
        let chart = Chart {
            name: "x".into(),
            versions: vec!["1.0.0".into()],
            app_version: String::new(),
            values: json!({"image": {"tag": "1"}, "free": {}}),
        };
        let given = json!({"image": {"tog": "2"}, "free": {"any": 1}, "strange": true});
        assert_eq!(
            chart.unknown(&given),
            [
                "at '': additional properties 'strange' not allowed",
                "at '/image': additional properties 'tog' not allowed"
            ]
        );
        assert_eq!(chart.version("2.x"), None);
    }

    #[test]
    fn values_lie_over_defaults() {
        let merged = merge(
            &json!({"a": {"b": 1, "c": 2}, "l": [1], "gone": 1}),
            &json!({"a": {"c": 3}, "l": [2], "gone": null}),
        );
        assert_eq!(merged, json!({"a": {"b": 1, "c": 3}, "l": [2]}));
    }

    #[test]
    fn every_chart_compiles_and_makes_objects_of_its_defaults() {
        let charts = Charts::new(Library::shipped());
        let names = charts.names().unwrap();
        assert!(
            names.contains(&"airflow".to_owned()) && names.contains(&"kube-prometheus-stack".to_owned()),
            "{names:?}"
        );
        for name in names {
            let chart = charts.find(&name).unwrap().unwrap();
            let release = Release { name: "r", namespace: "n", revision: 1, version: "1.0.0", app_version: "1" };
            let objects = charts.objects(&name, &release, &chart.values).unwrap();
            assert!(!objects.is_empty(), "{name}");
        }
        assert_eq!(charts.find("nowhere").unwrap(), None);
    }
}
