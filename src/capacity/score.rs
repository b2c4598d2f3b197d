//! Which of the nodes that take a pod the scheduler likes best: its default plugins and their weights.

use std::collections::BTreeMap;

use super::counts::{Counts, Field};
use super::load::Load;
use super::wanted::{HOST, Wanted};

const MAX: i64 = 100;

/// The scores of the nodes that take a pod, in their order.
pub(crate) fn scores(
    field: Field<'_>,
    wanted: &Wanted<'_>,
    counts: &Counts<'_>,
    loads: &[Load],
    nodes: &[usize],
) -> Vec<i64> {
    let view = |node: &usize| &wanted.views[*node];
    let mut taints: Vec<i64> = nodes.iter().map(|n| view(n).disliked).collect();
    normalize(&mut taints, true);
    let mut affinity: Vec<i64> = nodes.iter().map(|n| view(n).preference).collect();
    normalize(&mut affinity, false);
    let spread = spread(field, wanted, counts, nodes);
    let social = social(field, counts, nodes);
    let room = nodes.iter().map(|node| {
        let whole = &field.nodes[*node].allocatable;
        let (load, own) = (&loads[*node], (wanted.requests.cpu_milli, wanted.requests.memory));
        let whole = (whole.cpu_milli, whole.memory);
        least(load.nonzero, wanted.measure, whole)
            + balance((load.requested.cpu_milli, load.requested.memory), own, whole)
    });
    let mut total: Vec<i64> = room.collect();
    for (i, score) in total.iter_mut().enumerate() {
        *score += 3 * taints[i] + 2 * (affinity[i] + spread[i] + social[i]);
    }
    total
}

/// From 0 to 100 in proportion to the largest.
fn normalize(scores: &mut [i64], reverse: bool) {
    let most = scores.iter().copied().max().unwrap_or_default();
    for score in scores {
        let share = if most == 0 { 0 } else { MAX * *score / most };
        *score = if reverse { MAX - share } else { share };
    }
}

/// The less is requested, the better.
fn least(used: (i64, i64), own: (i64, i64), whole: (i64, i64)) -> i64 {
    let one = |used: i64, whole: i64| if used > whole { 0 } else { (whole - used) * MAX / whole };
    let parts: Vec<i64> = [(used.0 + own.0, whole.0), (used.1 + own.1, whole.1)]
        .into_iter()
        .filter(|(_, whole)| *whole > 0)
        .map(|(used, whole)| one(used, whole))
        .collect();
    parts.iter().sum::<i64>() / i64::try_from(parts.len().max(1)).unwrap_or(1)
}

/// The more the pod evens out how much of CPU and memory is requested, the better.
fn balance(used: (i64, i64), own: (i64, i64), whole: (i64, i64)) -> i64 {
    if own == (0, 0) {
        return 0;
    }
    let (after, before) = (evenness((used.0 + own.0, used.1 + own.1), whole), evenness(used, whole));
    MAX / 2 + (MAX / 2 + after - before) / 2
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // as the scheduler does
fn evenness(used: (i64, i64), whole: (i64, i64)) -> i64 {
    if whole.0 == 0 || whole.1 == 0 {
        return MAX;
    }
    let share = |used: i64, whole: i64| (used as f64 / whole as f64).min(1.0);
    let deviation = ((share(used.0, whole.0) - share(used.1, whole.1)) / 2.0).abs();
    ((1.0 - deviation) * MAX as f64) as i64
}

/// Constraints that prefer.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // as the scheduler does
fn spread(field: Field<'_>, wanted: &Wanted<'_>, counts: &Counts<'_>, nodes: &[usize]) -> Vec<i64> {
    if wanted.soft.is_empty() {
        return vec![0; nodes.len()];
    }
    let value = |key: &str, node: usize| field.domain(key, node).map(|(_, value)| value);
    let labelled =
        |node: usize| wanted.by_default || wanted.soft.iter().all(|one| value(&one.topology, node).is_some());
    let mut raw: Vec<Option<f64>> = nodes.iter().map(|node| labelled(*node).then_some(0.0)).collect();
    let scored = raw.iter().flatten().count();
    for (one, by_node) in wanted.soft.iter().zip(&counts.soft) {
        let mut domains: BTreeMap<&str, i64> = BTreeMap::new();
        for node in nodes.iter().filter(|node| labelled(**node)) {
            domains.entry(value(&one.topology, *node).unwrap_or_default()).or_default();
        }
        let size = if one.topology == HOST { scored } else { domains.len() };
        let weight = ((size + 2) as f64).ln();
        for (node, count) in by_node.iter().enumerate() {
            if labelled(node)
                && one.includes(&wanted.views[node])
                && let Some(sum) = domains.get_mut(value(&one.topology, node).unwrap_or_default())
            {
                *sum += count;
            }
        }
        for (score, node) in raw.iter_mut().zip(nodes) {
            let (Some(score), Some(domain)) = (score, value(&one.topology, *node)) else { continue };
            let count = if one.topology == HOST { by_node[*node] } else { domains[domain] };
            *score += count as f64 * weight + (one.most - 1) as f64;
        }
    }
    let raw: Vec<Option<i64>> = raw.into_iter().map(|score| score.map(|score| score.round() as i64)).collect();
    let (least, most) = (raw.iter().flatten().min().copied(), raw.iter().flatten().max().copied());
    let (least, most) = (least.unwrap_or_default(), most.unwrap_or_default());
    let one = |score: Option<i64>| match score {
        None => 0,
        Some(_) if most == 0 => MAX,
        Some(score) => MAX * (most + least - score) / most,
    };
    raw.into_iter().map(one).collect()
}

/// Preferences between pods.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // as the scheduler does
fn social(field: Field<'_>, counts: &Counts<'_>, nodes: &[usize]) -> Vec<i64> {
    let drawn = |node: usize| {
        let here = |((key, value), _): &(&(&str, &str), &i64)| field.domain(key, node) == Some((*key, *value));
        counts.drawn.iter().filter(here).map(|(_, weight)| weight).sum::<i64>()
    };
    let raw: Vec<i64> = nodes.iter().map(|node| drawn(*node)).collect();
    let (least, most) = (raw.iter().min().copied(), raw.iter().max().copied());
    let (least, range) = (least.unwrap_or_default(), most.unwrap_or_default() - least.unwrap_or_default());
    let one = |score| if range > 0 { (MAX as f64 * ((score - least) as f64 / range as f64)) as i64 } else { 0 };
    raw.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_scored_as_the_scheduler_does() {
        // Half of the CPU and a quarter of the memory used afterwards: (50 + 75) / 2.
        assert_eq!(least((400, 200), (100, 50), (1000, 1000)), 62);
        assert_eq!(least((1000, 0), (100, 0), (1000, 1000)), 50);
        assert_eq!(balance((0, 0), (0, 0), (1000, 1000)), 0);
        assert_eq!(balance((500, 0), (0, 500), (1000, 1000)), 87);
        assert_eq!(balance((0, 0), (500, 0), (1000, 1000)), 62);
    }

    #[test]
    fn scores_are_shares_of_the_largest() {
        let mut scores = [0, 1, 2];
        normalize(&mut scores, true);
        assert_eq!(scores, [100, 50, 0]);
        let mut none = [0, 0];
        normalize(&mut none, false);
        assert_eq!(none, [0, 0]);
    }
}
