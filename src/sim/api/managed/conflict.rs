//! How conflicts between appliers are told.

use super::super::status::Status;
use super::element::path_text;
use super::updater::Conflicts;

/// 409 with one cause a field.
pub(super) fn status(conflicts: &Conflicts) -> Status {
    let causes: Vec<(String, String)> = conflicts
        .iter()
        .map(|(manager, path)| (format!("conflict with {}", manager.shown()), path_text(path)))
        .collect();
    let causes: Vec<(&str, &str, &str)> =
        causes.iter().map(|(message, field)| ("FieldManagerConflict", message.as_str(), field.as_str())).collect();
    Status::new(409, "Conflict", message(conflicts)).with_causes(&causes)
}

fn message(conflicts: &Conflicts) -> String {
    if let [(manager, path)] = conflicts.as_slice() {
        return format!("Apply failed with 1 conflict: conflict with {}: {}", manager.shown(), path_text(path));
    }
    let mut lines = Vec::new();
    let mut last = None;
    // They come sorted by manager.
    for (manager, path) in conflicts {
        if last != Some(manager) {
            lines.push(format!("conflicts with {}:", manager.shown()));
            last = Some(manager);
        }
        lines.push(format!("- {}", path_text(path)));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}
