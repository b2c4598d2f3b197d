//! Thrift values without their schema.

/// A value as it stands on the wire.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Vec<u8>),
    Struct(Struct),
    Map(Vec<(Value, Value)>),
    /// A list or a set.
    List(Vec<Value>),
}

/// Fields by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Struct(pub(super) Vec<(i16, Value)>);

impl Struct {
    /// A field.
    pub(super) fn field(&self, id: i16) -> Option<&Value> {
        self.0.iter().find(|(i, _)| *i == id).map(|(_, v)| v)
    }

    /// A field's text.
    pub(super) fn text(&self, id: i16) -> Option<String> {
        match self.field(id) {
            Some(Value::Text(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }
}
