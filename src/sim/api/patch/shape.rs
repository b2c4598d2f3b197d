//! What a strategic merge patch reads off a schema: how a field merges, and by which key.

use super::super::schema::{Node, Type};
use super::super::status::Status;

/// The type of what is patched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape<'a>(Option<&'a Node>);

/// How a field is patched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    /// The field's type; of a list, that of its elements.
    pub(super) shape: Shape<'a>,
    /// `merge`, `replace` or nothing.
    pub(super) strategy: &'a str,
    /// What identifies an element; empty for scalars.
    pub(super) key: &'a str,
}

/// An error that the true server did not foresee: 500 with its bare text.
pub(super) fn unforeseen(text: impl Into<String>) -> Status {
    Status::new(500, "", text)
}

impl<'a> Shape<'a> {
    /// Of an object.
    pub(super) fn of(node: &'a Node) -> Self {
        Self(Some(node))
    }

    /// As Go calls the kind of type.
    pub(super) fn kind(self) -> &'static str {
        match self.0 {
            Some(node) if node.go.is_some() || !node.properties.is_empty() => "struct",
            Some(node) if node.is_map() => "map",
            Some(node) if node.ty == Type::Array => "slice",
            Some(node) if node.ty == Type::String => "string",
            _ => "struct",
        }
    }

    fn named(self, name: &str) -> Result<&'a Node, Status> {
        if self.kind() != "struct" {
            let kind = self.kind();
            let text = format!("merging an object in json but data type is not struct, instead is: {kind}");
            return Err(unforeseen(text));
        }
        let node = self.0.and_then(|node| node.properties.get(name)).map(|node| &**node);
        node.ok_or_else(|| {
            let go = self.0.and_then(|node| node.go.as_ref()).map_or("", |go| go.name.as_str());
            unforeseen(format!("unable to find api field in struct {go} for the json field \"{name}\""))
        })
    }

    /// A field that holds a map or struct.
    pub(super) fn map_field(self, name: &str) -> Result<Field<'a>, Status> {
        let node = self.named(name)?;
        field(node, Self(Some(node)))
    }

    /// A field that holds a list.
    pub(super) fn list_field(self, name: &str) -> Result<Field<'a>, Status> {
        let node = self.named(name)?;
        field(node, Self(node.items.as_deref()))
    }
}

fn field<'a>(node: &'a Node, shape: Shape<'a>) -> Result<Field<'a>, Status> {
    let strategies: Vec<&str> = node.patch_strategy.iter().map(String::as_str).collect();
    let strategy = match strategies.as_slice() {
        [] | ["retainKeys"] => "",
        [one] | ["retainKeys", one] | [one, "retainKeys"] => one,
        other => return Err(unforeseen(format!("unexpected patch strategy: [{}]", other.join(" ")))),
    };
    Ok(Field { shape, strategy, key: node.patch_merge_key.as_deref().unwrap_or_default() })
}
