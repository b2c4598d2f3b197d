//! In which order the scheduler may come to the new pods: controllers create them side by side, so any interleaving of
//! the workloads can happen.

/// Drawing lots, the same every time (Vigna's `SplitMix64`).
#[derive(Clone, Debug)]
pub(crate) struct Lots(u64);

impl Lots {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`; 0 when there is none.
    pub(crate) fn draw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let sides = u64::try_from(sides).unwrap_or(u64::MAX).max(1);
        usize::try_from((mixed ^ (mixed >> 31)) % sides).unwrap_or_default()
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.draw(i + 1));
        }
    }
}

/// The fewest and the most orders that are tried.
const FEWEST: usize = 12;
const MOST: usize = 160;
/// Roughly so many looks at a node are affordable.
const LOOKS: usize = 400_000;

/// Orders worth trying, as lists of workloads; each occurs as often as it has pods. `sizes` sorts the workloads by what
/// one pod asks for. The first is the order in which they were given.
pub(crate) fn orders(turns: &[usize], sizes: &[i64], nodes: usize) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..turns.len()).filter(|need| turns[*need] > 0).collect();
    let whole = |needs: &[usize]| -> Vec<usize> {
        needs.iter().flat_map(|need| std::iter::repeat_n(*need, turns[*need])).collect()
    };
    let pods: usize = turns.iter().sum();
    let budget = (LOOKS / (pods * nodes).max(1)).clamp(FEWEST, MOST);
    let mut by_size = all.clone();
    by_size.sort_by_key(|need| std::cmp::Reverse(sizes[*need]));
    let reversed = |list: &[usize]| list.iter().rev().copied().collect::<Vec<_>>();
    let mut found =
        vec![whole(&all), whole(&by_size), whole(&reversed(&all)), whole(&reversed(&by_size)), turn_by_turn(turns)];
    for late in &all {
        let others: Vec<usize> = all.iter().copied().filter(|need| need != late).collect();
        found.push(whole(&[others.as_slice(), &[*late]].concat()));
    }
    let mut lots = Lots::new(17);
    while found.len() < budget {
        let mut order = whole(&all);
        lots.shuffle(&mut order);
        // Every other time one workload comes last: that is when it may find no room.
        if found.len() % 2 == 0 && !all.is_empty() {
            let late = all[(found.len() / 2) % all.len()];
            order.sort_by_key(|need| *need == late);
        }
        found.push(order);
    }
    found.truncate(budget.max(FEWEST));
    found
}

fn turn_by_turn(turns: &[usize]) -> Vec<usize> {
    let rounds = turns.iter().copied().max().unwrap_or_default();
    (0..rounds).flat_map(|round| (0..turns.len()).filter(move |need| turns[*need] > round)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_has_all_pods_and_the_first_is_as_given() {
        let orders = orders(&[2, 0, 1], &[1, 5, 3], 3);
        assert_eq!(orders.len(), MOST);
        assert_eq!(orders[..3], [vec![0, 0, 2], vec![2, 0, 0], vec![2, 0, 0]]);
        assert_eq!(turn_by_turn(&[2, 0, 1]), [0, 2, 0]);
        for order in orders {
            assert_eq!((order.len(), order.iter().filter(|need| **need == 0).count()), (3, 2));
        }
        assert_eq!(super::orders(&[1; 500], &[1; 500], 500).len(), FEWEST);
    }
}
