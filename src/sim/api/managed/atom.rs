//! Schemas as the typed merge sees them: what kinds of values a place allows, and what is owned as a whole.

use serde_json::Value;

use super::super::schema::{GoType, ListType, Node, Own, Type};
use super::element::Element;

/// A place in a schema.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// One that the schema describes; with it, whether fields that it does not name are kept below.
    Known(&'a Node, bool),
    /// Anything, maps owned field by field: what a schema keeps without describing it.
    Deduced,
    /// Anything, owned as a whole.
    Whole,
    /// None that the schema declares.
    Undeclared,
}

/// What kind of scalar a place takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    /// A number.
    Number,
    /// A text.
    Text,
    /// True or false.
    Boolean,
    /// Any of these.
    Any,
}

/// A list.
#[derive(Clone, Copy, Debug)]
pub(super) struct List<'a> {
    /// Whether it is owned element by element.
    pub(super) associative: bool,
    /// The fields that identify an element; none for a set.
    pub(super) keys: &'a [String],
    /// The place of its elements.
    pub(super) item: Place<'a>,
}

/// A map or struct.
#[derive(Clone, Copy, Debug)]
pub(super) struct Map<'a> {
    /// Whether it is owned as a whole.
    pub(super) atomic: bool,
    node: Option<&'a Node>,
    keeps: bool,
    other: Place<'a>,
}

/// How a value of a place is treated.
#[derive(Clone, Copy, Debug)]
pub(super) enum Atom<'a> {
    /// As one.
    Scalar(Scalar),
    /// As a list.
    List(List<'a>),
    /// As a map or struct.
    Map(Map<'a>),
}

impl<'a> Place<'a> {
    /// The root of a kind's schema.
    pub(super) fn root(node: &'a Node) -> Self {
        Self::Known(node, node.preserve_unknown)
    }

    fn scalar(self) -> Option<Scalar> {
        let Self::Known(node, _) = self else { return (!matches!(self, Self::Undeclared)).then_some(Scalar::Any) };
        match node.ty {
            Type::Object | Type::Array => None,
            Type::Integer | Type::Number => Some(Scalar::Number),
            Type::Boolean => Some(Scalar::Boolean),
            Type::String if matches!(node.format.as_str(), "" | "byte") => Some(Scalar::Text),
            Type::String | Type::Any => Some(Scalar::Any),
        }
    }

    /// What it is as a list.
    pub(super) fn list(self) -> Option<List<'a>> {
        let Self::Known(node, keeps) = self else {
            let whole = List { associative: false, keys: &[], item: Self::Whole };
            return (!matches!(self, Self::Undeclared)).then_some(whole);
        };
        if !matches!(node.ty, Type::Array | Type::Any) || is_quantity(node) {
            return None;
        }
        let (associative, keys): (bool, &[String]) = match &node.list_type {
            ListType::Atomic => (false, &[]),
            ListType::Set => (true, &[]),
            ListType::Map(keys) => (true, keys),
        };
        Some(List { associative, keys, item: node.items.as_ref().map_or(Self::Whole, |item| below(item, keeps)) })
    }

    /// What it is as a map or struct.
    pub(super) fn map(self) -> Option<Map<'a>> {
        let (node, keeps) = match self {
            Self::Undeclared => return None,
            Self::Deduced => return Some(Map { atomic: false, node: None, keeps: false, other: Self::Deduced }),
            Self::Whole => return Some(Map { atomic: true, node: None, keeps: false, other: Self::Whole }),
            Self::Known(node, keeps) => (node, keeps),
        };
        if !matches!(node.ty, Type::Object | Type::Any) || is_quantity(node) {
            return None;
        }
        let other = match &node.additional {
            Some(additional) => below(additional, keeps),
            None if node.closed => Self::Undeclared,
            None if keeps || node.properties.is_empty() => Self::Deduced,
            None => Self::Undeclared,
        };
        Some(Map { atomic: node.atomic, node: Some(node), keeps, other })
    }

    /// How a value is treated here, and whether that follows from the value; a null, an absent value or one that is
    /// not allowed is treated as the first kind that is.
    pub(super) fn atom(self, value: Option<&Value>) -> (Option<Atom<'a>>, bool) {
        let (scalar, list, map) = (self.scalar(), self.list(), self.map());
        let kinds = usize::from(scalar.is_some()) + usize::from(list.is_some()) + usize::from(map.is_some());
        let by_value = match value {
            None | Some(Value::Null) => None,
            Some(Value::Array(_)) => list.map(Atom::List),
            Some(Value::Object(_)) => map.map(Atom::Map),
            Some(_) => scalar.map(Atom::Scalar),
        };
        let first = || map.map(Atom::Map).or_else(|| scalar.map(Atom::Scalar)).or_else(|| list.map(Atom::List));
        let told = kinds <= 1 || by_value.is_some();
        (by_value.or_else(first), told)
    }
}

impl<'a> Map<'a> {
    /// The place of a field.
    pub(super) fn field(&self, name: &str) -> Place<'a> {
        let Some(node) = self.node else { return self.other };
        let Some(field) = node.properties.get(name) else { return self.other };
        if field.ty == Type::Object && field.properties.is_empty() && is_raw(node, name) {
            return Place::Whole;
        }
        below(field, self.keeps)
    }

    /// Whether a field is named by the schema.
    pub(super) fn declares(&self, name: &str) -> bool {
        self.node.is_some_and(|node| node.properties.contains_key(name))
    }

    /// Whether no field is named, and all are kept: such a place has no rules that could change.
    pub(super) fn is_deduced(&self) -> bool {
        matches!(self.other, Place::Deduced | Place::Whole) && self.node.is_none_or(|node| node.properties.is_empty())
    }
}

impl List<'_> {
    /// How an element is chosen, or why it cannot be.
    pub(super) fn element(&self, value: &Value) -> Result<Element, String> {
        if !self.associative {
            return Err("invalid indexing of non-associative list".into());
        }
        if self.keys.is_empty() {
            return match value {
                Value::Object(_) => Err("associative list without keys has an element that's a map type".into()),
                Value::Array(_) => Err("not supported: associative list with lists as elements".into()),
                Value::Null => Err("associative list without keys has an element that's an explicit null".into()),
                scalar => Ok(Element::Value(scalar.clone())),
            };
        }
        let fields = match value {
            Value::Object(fields) => fields,
            Value::Null => return Err("associative list with keys may not have a null element".into()),
            _ => return Err("associative list with keys may not have non-map elements".into()),
        };
        let Some(item) = self.item.map() else { return Err("associative list may not have non-map types".into()) };
        let mut keys = Vec::with_capacity(self.keys.len());
        for key in self.keys {
            let default = || item.node.and_then(|node| node.properties.get(key)).and_then(|node| node.default.as_ref());
            if let Some(value) = fields.get(key).or_else(default) {
                keys.push((key.clone(), value.clone()));
            }
        }
        if keys.is_empty() {
            let named: Vec<String> = self.keys.iter().map(|key| super::super::go_text::quote(key)).collect();
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{}] (and doesn't have default \
                 values for any key fields)",
                named.join(" ")
            ));
        }
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Element::Key(keys))
    }
}

fn below(node: &Node, keeps: bool) -> Place<'_> {
    Place::Known(node, keeps || node.preserve_unknown)
}

/// The server's quantities are scalars, whatever else their schema allows.
fn is_quantity(node: &Node) -> bool {
    node.ty == Type::Any && !node.int_or_string && !node.junctors.one_of.is_empty() && node.properties.is_empty()
}

/// Whether the Go field holds raw JSON.
fn is_raw(node: &Node, name: &str) -> bool {
    let Some(go) = &node.go else { return false };
    let Some(field) = go.fields.iter().find(|field| field.name == name) else { return false };
    let mut ty = &field.ty;
    while let GoType::Pointer(inner) = ty {
        ty = inner;
    }
    matches!(ty, GoType::Own(Own::Raw))
}
