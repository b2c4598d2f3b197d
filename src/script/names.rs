//! Nearest names, for "did you mean".

/// The candidate nearest to `name`, if it is within a tight distance: one slip in short names, two in longer ones.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = match name.chars().count() {
        0..=2 => return None,
        3..=5 => 1,
        _ => 2,
    };
    let lower = name.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name)
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(b.1)))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_slip_away() {
        assert_eq!(nearest("is_redy", ["is_ready", "health"]), Some("is_ready"));
        assert_eq!(nearest("gte", ["get", "list"]), Some("get"));
        assert_eq!(nearest("frobnicate", ["get", "list"]), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest("Get", ["get"]), Some("get"));
    }
}
