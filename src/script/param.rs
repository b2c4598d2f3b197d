//! Parameters of a function of the host, and what they take.

use rhai::Dynamic;

use crate::script::value;

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Anything.
    Any,
    /// A string.
    Text,
    /// An id such as `"1.2"`: a string, since the number 1.10 would be 1.1.
    Id,
    /// A whole number.
    Integer,
    /// A whole number or a float.
    Number,
    /// `true` or `false`.
    Bool,
    /// A map.
    Map,
    /// An array.
    Array,
    /// A function or a closure.
    Function,
    /// A string, or a closure that gives one.
    TextOrFunction,
    /// A map, or `()`.
    MapOrNothing,
}

impl Type {
    /// As messages and documentation say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Text => "text",
            Self::Id => "id",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Bool => "bool",
            Self::Map => "map",
            Self::Array => "array",
            Self::Function => "function",
            Self::TextOrFunction => "text or function",
            Self::MapOrNothing => "map or ()",
        }
    }

    /// Whether it takes `value`.
    pub fn takes(self, value: &Dynamic) -> bool {
        match self {
            Self::Any => true,
            Self::Text | Self::Id => value.is_string(),
            Self::Integer => value.is_int(),
            Self::Number => value.is_int() || value.is_float(),
            Self::Bool => value.is_bool(),
            Self::Map => value.is_map(),
            Self::Array => value.is_array(),
            Self::Function => value.is_fnptr(),
            Self::TextOrFunction => value.is_string() || value.is_fnptr(),
            Self::MapOrNothing => value.is_map() || value.is_unit(),
        }
    }

    /// Why `value` does not do, as the end of a sentence.
    pub fn refusal(self, value: &Dynamic) -> String {
        let got = value::kind(value);
        match self {
            Self::Id => format!("an id is text (\"1.2\"; the number 1.10 would be 1.1), and this is {got}"),
            _ => format!("{} is wanted, and this is {got}", self.name()),
        }
    }
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Type,
    /// Whether it can be left out (only at the end).
    pub optional: bool,
}

/// A parameter that must be given.
pub const fn param(name: &'static str, kind: Type) -> Param {
    Param { name, kind, optional: false }
}

/// A parameter that can be left out.
pub const fn optional(name: &'static str, kind: Type) -> Param {
    Param { name, kind, optional: true }
}
