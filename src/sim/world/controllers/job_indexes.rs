//! The indexes of an indexed Job that have succeeded, as its status lists them.

/// `0,2-4` as `completedIndexes` writes them: two in a row are listed, three or more are a range.
pub(super) fn ranges(indexes: &[i64]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut from = 0;
    while from < indexes.len() {
        let mut to = from;
        while to + 1 < indexes.len() && indexes[to + 1] == indexes[to] + 1 {
            to += 1;
        }
        match to - from {
            0 => parts.push(indexes[from].to_string()),
            1 => parts.push(format!("{},{}", indexes[from], indexes[to])),
            _ => parts.push(format!("{}-{}", indexes[from], indexes[to])),
        }
        from = to + 1;
    }
    parts.join(",")
}

/// Reads what [`ranges`] writes.
pub(super) fn parse_ranges(text: &str) -> Vec<i64> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts
        .flat_map(|part| {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            match (from.parse::<i64>(), to.parse::<i64>()) {
                (Ok(from), Ok(to)) => (from..=to).collect::<Vec<i64>>(),
                _ => vec![],
            }
        })
        .collect()
}
