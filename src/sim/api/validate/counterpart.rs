//! What an element of a list was before a write.

use serde_json::Value;

use super::super::schema::{ListType, Node};

/// The element of the old list that an element of the new one goes back to: only maps tell.
pub(super) fn counterpart<'a>(node: &Node, item: &Value, old: &'a Value) -> Option<&'a Value> {
    let ListType::Map(keys) = &node.list_type else { return None };
    old.as_array()?.iter().find(|before| keys.iter().all(|key| before[key] == item[key]))
}
