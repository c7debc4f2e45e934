//! Sorting networks: fixed lists of compare-and-exchange, which run on many lanes at once, and what is left of them when only the median is wanted.
//!
//! Sources: Batcher 1968, doi:10.1145/1468075.1468121 (merge exchange, as in Knuth, *The Art of Computer Programming* 3, algorithm 5.2.2M); Knuth 5.1.4
//! (rows that are sorted keep columns sorted).

use crate::Real;

/// What of an exchange is used afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Smaller and larger.
    Both,
    /// The smaller, at the lower wire.
    Smaller,
    /// The larger, at the upper wire.
    Larger,
}

/// The smaller of two values to one wire, the larger to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Wire of the smaller value.
    pub smaller: usize,
    /// Wire of the larger value.
    pub larger: usize,
    /// Which of them is needed.
    pub kept: Kept,
}

/// A network, and the wire on which its result appears.
#[derive(Clone, Debug)]
pub struct Selection {
    /// In order.
    pub exchanges: Vec<Exchange>,
    /// Where the selected value is.
    pub wire: usize,
}

/// Pairs of wires, lower one first, whose exchange one after the other sorts any number of wires upwards.
pub fn sorting_pairs(wires: usize) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let top = wires.next_power_of_two() / 2;
    let mut p = top;
    while p > 0 {
        let (mut q, mut r, mut d) = (top, 0, p);
        loop {
            pairs.extend((0..wires.saturating_sub(d)).filter(|i| i & p == r).map(|i| (i, i + d)));
            if q == p {
                break;
            }
            (d, q, r) = (q - p, q / 2, p);
        }
        p /= 2;
    }
    pairs
}

/// The pairs without what no wire in `wanted` depends on.
fn pruned(pairs: &[(usize, usize)], wires: usize, wanted: &[usize]) -> Vec<Exchange> {
    let mut needed = vec![false; wires];
    for &wire in wanted {
        needed[wire] = true;
    }
    let mut exchanges = Vec::new();
    for &(smaller, larger) in pairs.iter().rev() {
        let kept = match (needed[smaller], needed[larger]) {
            (false, false) => continue,
            (true, true) => Kept::Both,
            (true, false) => Kept::Smaller,
            (false, true) => Kept::Larger,
        };
        (needed[smaller], needed[larger]) = (true, true);
        exchanges.push(Exchange { smaller, larger, kept });
    }
    exchanges.reverse();
    exchanges
}

/// A network that sorts `wires` values upwards.
pub fn sorting(wires: usize) -> Vec<Exchange> {
    pruned(&sorting_pairs(wires), wires, &(0..wires).collect::<Vec<_>>())
}

/// The median of a square of odd `side` whose columns are sorted: wire `column * side + row`.
///
/// Once the rows are sorted too, the value in row i and column j (from 1) has i j - 1 others that are no larger, and those of the opposite corner that
/// are no smaller: where either is more than half of all, it cannot be the median. As many drop out below as above, and the median of the rest is the
/// median of all.
pub fn median_of_sorted_columns(side: usize) -> Selection {
    let wires = side * side;
    let half = wires.div_ceil(2);
    let mut pairs = Vec::new();
    for row in 0..side {
        pairs.extend(sorting_pairs(side).iter().map(|(a, b)| (a * side + row, b * side + row)));
    }
    let possible =
        |column: usize, row: usize| (column + 1) * (row + 1) <= half && (side - column) * (side - row) <= half;
    let left: Vec<usize> = (0..wires).filter(|wire| possible(wire / side, wire % side)).collect();
    pairs.extend(sorting_pairs(left.len()).iter().map(|&(a, b)| (left[a], left[b])));
    let wire = left[left.len() / 2];
    Selection { exchanges: pruned(&pairs, wires, &[wire]), wire }
}

/// Runs a network on lanes of numbers; none is NaN.
#[inline(always)]
pub fn run<T: Real, const LANES: usize>(exchanges: &[Exchange], wires: &mut [[T; LANES]]) {
    for exchange in exchanges {
        let Ok([smaller, larger]) = wires.get_disjoint_mut([exchange.smaller, exchange.larger]) else {
            unreachable!("an exchange has two wires")
        };
        match exchange.kept {
            Kept::Both => {
                for lane in 0..LANES {
                    let (a, b) = (smaller[lane], larger[lane]);
                    (smaller[lane], larger[lane]) = (a.least(b), a.most(b));
                }
            }
            Kept::Smaller => {
                for lane in 0..LANES {
                    smaller[lane] = smaller[lane].least(larger[lane]);
                }
            }
            Kept::Larger => {
                for lane in 0..LANES {
                    larger[lane] = smaller[lane].most(larger[lane]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A network that sorts all zeros and ones sorts everything: wires as bits of a lane.
    #[test]
    fn networks_sort() {
        for wires in 1..=12 {
            let network = sorting(wires);
            for pattern in 0..1u32 << wires {
                let mut values: Vec<[f32; 1]> = (0..wires).map(|wire| [(pattern >> wire & 1) as f32]).collect();
                run(&network, &mut values);
                assert!(values.is_sorted());
            }
        }
    }

    #[test]
    fn medians_of_squares_are_medians() {
        let mut word = 1u64;
        for side in [1, 3, 5, 7] {
            let (columns, selection) = (sorting(side), median_of_sorted_columns(side));
            for round in 0..2000 {
                let mut values: Vec<[f64; 1]> = Vec::new();
                for _ in 0..side * side {
                    word = word.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    values.push([(word >> 33) as f64 % (2.0 + f64::from(round))]);
                }
                let mut sorted = values.clone();
                sorted.sort_by(|a, b| a[0].total_cmp(&b[0]));
                values.chunks_mut(side).for_each(|column| run(&columns, column));
                run(&selection.exchanges, &mut values);
                assert_eq!(values[selection.wire], sorted[side * side / 2]);
            }
        }
    }

    #[test]
    fn little_is_left_of_a_median() {
        let counts = [3, 5, 7].map(|side| median_of_sorted_columns(side).exchanges.len());
        assert_eq!(counts, [11, 82, 245], "of 25, 153 and 561 in the networks that sort all");
    }
}
