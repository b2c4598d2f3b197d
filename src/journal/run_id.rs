//! Names of runs.

use std::path::Path;

use jiff::Zoned;

/// `20261124-0912-1.2`: when it began (local time) and its objective; with `-2` and so on when the name is taken.
pub fn run_id(state_dir: &Path, now: &Zoned, objective: &str) -> String {
    // An id comes from a file that people write: it must not lead out of the folder.
    let safe = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' };
    let objective: String = objective.chars().map(safe).collect();
    let name = format!("{}-{objective}", now.strftime("%Y%m%d-%H%M"));
    let free = |id: &String| !super::path(state_dir, id).exists();
    let numbered = (2..u32::MAX).map(|n| format!("{name}-{n}"));
    std::iter::once(name.clone()).chain(numbered).find(free).unwrap_or(name)
}
