//! From syntax tree to model: generous with what only people read, strict with what decides.

use std::collections::BTreeMap;

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;

use super::model::{Budget, Objective, Phase, Status, Triggers};
use super::syntax;
use super::syntax::{Source, get, plain, word};
use crate::error::Result;
use crate::quantity;

/// What is read from a ledger.
pub(super) struct Contents {
    pub(super) phases: Vec<Phase>,
    pub(super) triggers: Triggers,
}

/// Reads the whole ledger.
pub(super) fn read(source: Source) -> Result<Contents> {
    let tree = source.tree()?;
    let reader = Reader { source };
    let root = reader.object(&tree, "the ledger")?;
    let Some(list) = get(root, "phases") else {
        let range = jsonc_parser::common::Range::new(root.range.start, root.range.start + 1);
        return Err(source.wrong(range, "the ledger has no `phases`", "this object needs a list `phases`"));
    };
    let mut phases = Vec::new();
    let mut seen = Seen::default();
    for item in reader.list(list, "`phases`")? {
        phases.push(reader.phase(item, &mut seen)?);
    }
    let triggers = match get(root, "trigger_conditions") {
        Some(value) => reader.triggers(reader.object(value, "`trigger_conditions`")?)?,
        None => Triggers::default(),
    };
    Ok(Contents { phases, triggers })
}

/// Where each id was first seen.
#[derive(Default)]
struct Seen {
    phases: BTreeMap<String, usize>,
    objectives: BTreeMap<String, usize>,
}

struct Reader<'t> {
    source: Source<'t>,
}

impl<'t> Reader<'t> {
    fn phase(&self, value: &Value<'t>, seen: &mut Seen) -> Result<Phase> {
        let object = self.object(value, "a phase")?;
        let id = self.id(object, "phase", &mut seen.phases)?;
        let what = format!("phase {id}");
        let mut objectives = Vec::new();
        if let Some(list) = get(object, "objectives") {
            for item in self.list(list, &format!("`objectives` of {what}"))? {
                objectives.push(self.objective(item, &id, seen)?);
            }
        }
        let status_word = self.status(object, &what)?;
        Ok(Phase {
            name: self.shown(object, "name").unwrap_or_default(),
            description: self.shown(object, "description").unwrap_or_default(),
            status: Status::of(&status_word).unwrap_or(Status::Pending),
            status_word,
            estimated_duration: self.shown(object, "estimated_duration"),
            resource_allocation: match get(object, "resource_allocation") {
                Some(value) => Some(self.budget(self.object(value, &format!("`resource_allocation` of {what}"))?)?),
                None => None,
            },
            success_criteria: self.sentences(object, "success_criteria"),
            objectives,
            id,
        })
    }

    fn objective(&self, value: &Value<'t>, phase: &str, seen: &mut Seen) -> Result<Objective> {
        let object = self.object(value, "an objective")?;
        let id = self.id(object, "objective", &mut seen.objectives)?;
        let what = format!("objective {id}");
        let status_word = self.status(object, &what)?;
        Ok(Objective {
            name: self.shown(object, "name").unwrap_or_default(),
            description: self.shown(object, "description").unwrap_or_default(),
            status: Status::of(&status_word).unwrap_or(Status::Pending),
            status_word,
            prerequisites: self.prerequisites(object, &what)?,
            deliverables: self.sentences(object, "deliverables"),
            validation_criteria: self.sentences(object, "validation_criteria"),
            estimated_duration: self.shown(object, "estimated_duration"),
            assigned_to: self.shown(object, "assigned_to"),
            completion_timestamp: self.shown(object, "completion_timestamp"),
            notes: self.shown(object, "notes"),
            dpb: get(object, "dpb").map(|value| plain(self.source, value)),
            phase: phase.to_owned(),
            id,
        })
    }

    fn budget(&self, object: &Object<'t>) -> Result<Budget> {
        Ok(Budget {
            memory: self.amount(object, "memory", quantity::size, "8GB or 8Gi")?,
            cpu: self.amount(object, "cpu", quantity::cores, "400m or 12 cores")?,
            storage: self.amount(object, "storage", quantity::size, "65GB or 65Gi")?,
        })
    }

    fn triggers(&self, object: &Object<'t>) -> Result<Triggers> {
        Ok(Triggers {
            storage_usage_threshold: self.amount(object, "storage_usage_threshold", quantity::size, "200Gi")?,
            s3: self.flag(object, "s3_requirements")?,
            analytics: self.flag(object, "analytics_requirements")?,
            data_processing: self.flag(object, "data_processing_requirements")?,
            evaluation_status: self.shown(object, "evaluation_status"),
            evaluation_notes: self.shown(object, "evaluation_notes"),
        })
    }

    /// An object without a key written twice: nobody could tell which of the two counts.
    fn object<'a>(&self, value: &'a Value<'t>, what: &str) -> Result<&'a Object<'t>> {
        let Value::Object(object) = value else { return Err(self.mistyped(value, what, "an object")) };
        let mut seen = BTreeMap::new();
        for property in &object.properties {
            if let Some(first) = seen.insert(property.name.as_str(), property.range.start) {
                let label = format!("first in line {}", self.source.line(first));
                let message = format!("the key `{}` is written twice", property.name.as_str());
                return Err(self.source.wrong(property.name.range(), &message, &label));
            }
        }
        Ok(object)
    }

    fn list<'a>(&self, value: &'a Value<'t>, what: &str) -> Result<&'a [Value<'t>]> {
        match value {
            Value::Array(array) => Ok(&array.elements),
            other => Err(self.mistyped(other, what, "a list")),
        }
    }

    fn id(&self, object: &Object<'t>, what: &str, seen: &mut BTreeMap<String, usize>) -> Result<String> {
        let Some(value) = get(object, "id") else {
            let range = jsonc_parser::common::Range::new(object.range.start, object.range.start + 1);
            return Err(self.source.wrong(range, &format!("{what} without an `id`"), "this object needs an `id`"));
        };
        let Value::StringLit(text) = value else {
            return Err(self.mistyped(value, &format!("the id of this {what}"), "text"));
        };
        let id = text.value.trim().to_owned();
        if id.is_empty() {
            return Err(self.source.wrong(value.range(), &format!("{what} with an empty id"), ""));
        }
        if let Some(first) = seen.insert(id.clone(), value.range().start) {
            let label = format!("first in line {}", self.source.line(first));
            return Err(self.source.wrong(value.range(), &format!("two {what}s have the id `{id}`"), &label));
        }
        Ok(id)
    }

    /// The word of a status; `pending` when it is absent.
    fn status(&self, object: &Object<'t>, what: &str) -> Result<String> {
        match get(object, "status") {
            None => Ok(Status::Pending.as_str().to_owned()),
            Some(Value::StringLit(text)) => Ok(text.value.clone().into_owned()),
            Some(other) => Err(self.mistyped(other, &format!("the status of {what}"), "text")),
        }
    }

    fn prerequisites(&self, object: &Object<'t>, what: &str) -> Result<Vec<String>> {
        let Some(value) = get(object, "prerequisites") else { return Ok(Vec::new()) };
        let mut entries = Vec::new();
        for item in self.list(value, &format!("`prerequisites` of {what}"))? {
            match item {
                Value::StringLit(text) => entries.push(text.value.clone().into_owned()),
                other => return Err(self.mistyped(other, &format!("a prerequisite of {what}"), "text")),
            }
        }
        Ok(entries)
    }

    fn amount(
        &self,
        object: &Object<'t>,
        key: &str,
        read: fn(&str) -> Option<u64>,
        example: &str,
    ) -> Result<Option<u64>> {
        let Some(value) = get(object, key) else { return Ok(None) };
        let number = match value {
            Value::StringLit(text) => read(&text.value),
            Value::NumberLit(number) => read(number.value),
            _ => None,
        };
        let message = format!("`{key}` is no amount");
        number.map(Some).ok_or_else(|| self.source.wrong(value.range(), &message, &format!("write it as {example}")))
    }

    fn flag(&self, object: &Object<'t>, key: &str) -> Result<bool> {
        match get(object, key) {
            None => Ok(false),
            Some(Value::BooleanLit(flag)) => Ok(flag.value),
            Some(other) => Err(self.mistyped(other, &format!("`{key}`"), "true or false")),
        }
    }

    /// A value that only people read, as text, whatever it is.
    fn shown(&self, object: &Object<'t>, key: &str) -> Option<String> {
        get(object, key).map(|value| self.text(value))
    }

    /// A list that only people read; a single value counts as a list of one.
    fn sentences(&self, object: &Object<'t>, key: &str) -> Vec<String> {
        match get(object, key) {
            Some(Value::Array(array)) => array.elements.iter().map(|item| self.text(item)).collect(),
            Some(other) => vec![self.text(other)],
            None => Vec::new(),
        }
    }

    fn text(&self, value: &Value<'t>) -> String {
        match value {
            Value::StringLit(text) => text.value.clone().into_owned(),
            other => plain(self.source, other).to_string(),
        }
    }

    fn mistyped(&self, value: &Value<'t>, what: &str, wanted: &str) -> crate::error::Error {
        let message = format!("{what} must be {wanted}, not {}", syntax::word(value));
        let label = match value {
            Value::NumberLit(number) if wanted == "text" => format!("write it as \"{}\"", number.value),
            _ => format!("{} here", word(value)),
        };
        self.source.wrong(value.range(), &message, &label)
    }
}
