//! Order statistics of blocks: a sorting network whose comparators take whole rows, the median, and the scatter about it.
//! Networks are those of [`getframes_core::network`].

use super::{Done, Rule};
use getframes_core::Real;
use getframes_core::network::sorting_pairs;
use std::ops::Range;

/// Pixels of a block.
pub const LANES: usize = 64;
/// One value a pixel.
pub type Lanes<V> = [V; LANES];

/// A type that can be ranked.
pub trait Value: Copy + PartialOrd + Send + Sync {
    /// What no value is greater than.
    const LAST: Self;
    /// As a double, exactly.
    fn exact(self) -> f64;
    /// The middle of two values as NumPy rounds it.
    fn middle(self, other: Self) -> f64;
}

macro_rules! integers {
    ($($kind:ty),*) => {$(
        impl Value for $kind {
            const LAST: Self = Self::MAX;
            #[inline(always)]
            fn exact(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn middle(self, other: Self) -> f64 {
                0.5 * (self as f64 + other as f64)
            }
        }
    )*};
}
integers!(u16, i32, u32);

macro_rules! reals {
    ($($kind:ty),*) => {$(
        impl Value for $kind {
            const LAST: Self = Self::INFINITY;
            #[inline(always)]
            fn exact(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn middle(self, other: Self) -> f64 {
                (0.5 * (self + other)) as f64
            }
        }
    )*};
}
reals!(f32, f64);

/// A type that values are clipped in.
pub trait Working: Value + Real {
    /// The largest number of the type that is not above a positive double.
    fn not_above(limit: f64) -> Self;
}

impl Working for f32 {
    #[inline(always)]
    fn not_above(limit: f64) -> Self {
        let near = limit as f32;
        let above = f64::from(near) > limit;
        Self::from_bits(near.to_bits() - u32::from(above))
    }
}

impl Working for f64 {
    #[inline(always)]
    fn not_above(limit: f64) -> Self {
        limit
    }
}

/// Rows up to here are sorted by one list of comparators; more are sorted in runs of as many, and those are merged.
const RUN: usize = 64;
/// Rows whose comparators are run one distance after the other; more are halved first, so that rows stay in the cache.
const NEAR: usize = 128;

/// The comparators that sort a number of rows: a list for each run, then bitonic merges.
#[derive(Clone, Debug)]
pub struct Network {
    run: Vec<(usize, usize)>,
    last: Vec<(usize, usize)>,
}

impl Network {
    /// The network for `count` rows.
    pub fn of(count: usize) -> Self {
        Self { run: sorting_pairs(count.min(RUN)), last: sorting_pairs(count % RUN) }
    }

    /// Sorts each lane, lowest first.
    #[inline(always)]
    pub fn sort<V: Value>(&self, rows: &mut [Lanes<V>]) {
        let length = RUN.min(rows.len()).max(1);
        for run in rows.chunks_mut(length) {
            for &(low, high) in if run.len() == length { &self.run } else { &self.last } {
                let (below, above) = run.split_at_mut(high);
                exchange(&mut below[low], &mut above[0]);
            }
        }
        let mut length = length;
        while length < rows.len() {
            for runs in rows.chunks_mut(2 * length) {
                let (one, two) = runs.split_at_mut(length.min(runs.len()));
                for (low, high) in one.iter_mut().rev().zip(two) {
                    exchange(low, high);
                }
                for half in runs.chunks_mut(length) {
                    sort_bitonic(half);
                }
            }
            length *= 2;
        }
    }
}

/// Sorts each lane of rows that fall and then rise, or rise and then fall: Batcher's bitonic merge. Rows that lack to a power of two count as [`Value::LAST`].
#[inline(always)]
pub fn sort_bitonic<V: Value>(rows: &mut [Lanes<V>]) {
    let most = rows.len().next_power_of_two();
    halve(rows, most / 2, NEAR / 2);
    for near in rows.chunks_mut(NEAR) {
        halve(near, most.min(NEAR) / 2, 0);
    }
}

/// The smaller values of each block of 2 `distance` rows into its first half, and so on for the halves, while distances are more than `least`.
#[inline(always)]
fn halve<V: Value>(rows: &mut [Lanes<V>], mut distance: usize, least: usize) {
    while distance > least {
        for block in rows.chunks_mut(2 * distance) {
            let (one, two) = block.split_at_mut(distance.min(block.len()));
            for (low, high) in one.iter_mut().zip(two) {
                exchange(low, high);
            }
        }
        distance /= 2;
    }
}

/// The smaller values into the first row.
#[inline(always)]
fn exchange<V: Value>(low: &mut Lanes<V>, high: &mut Lanes<V>) {
    for lane in 0..LANES {
        let (one, two) = (low[lane], high[lane]);
        low[lane] = if two < one { two } else { one };
        high[lane] = if two < one { one } else { two };
    }
}

/// The ranks that are left in each lane of sorted rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first.
    pub low: Lanes<u32>,
    /// The one after the last.
    pub high: Lanes<u32>,
}

impl Window {
    /// How many they are.
    #[inline(always)]
    pub fn counts(&self) -> Lanes<u32> {
        let mut counts = self.high;
        for lane in 0..LANES {
            counts[lane] -= self.low[lane];
        }
        counts
    }

    /// The ranks, where they are the same in all lanes.
    #[inline(always)]
    fn shared(&self) -> Option<(usize, usize)> {
        let (low, high) = (self.low[0], self.high[0]);
        let same = self.low.iter().all(|&rank| rank == low) & self.high.iter().all(|&rank| rank == high);
        same.then_some((low as usize, high as usize))
    }

    /// The two values in the middle.
    #[inline(always)]
    pub fn middles<V: Value>(&self, sorted: &[Lanes<V>]) -> (Lanes<V>, Lanes<V>) {
        let ranks = |low: usize, high: usize| ((low + high).max(1) - 1) / 2;
        let upper = |low: usize, high: usize| ((low + high) / 2).min(sorted.len() - 1);
        if let Some((low, high)) = self.shared() {
            return (sorted[ranks(low, high)], sorted[upper(low, high)]);
        }
        let (mut one, mut two) = (sorted[0], sorted[0]);
        for lane in 0..LANES {
            let (low, high) = (self.low[lane] as usize, self.high[lane] as usize);
            (one[lane], two[lane]) = (sorted[ranks(low, high)][lane], sorted[upper(low, high)][lane]);
        }
        (one, two)
    }

    /// The rows in which every lane has a value that is left, and all of them.
    #[inline(always)]
    pub fn rows(&self) -> (Range<usize>, Range<usize>) {
        let ends = |ranks: &Lanes<u32>| {
            ranks.iter().fold((u32::MAX, 0), |(least, most), &rank| (least.min(rank), most.max(rank)))
        };
        let ((first, inner), (end, last)) = (ends(&self.low), ends(&self.high));
        (inner as usize..end.max(inner) as usize, first as usize..last as usize)
    }
}

/// The median of what is left in sorted rows, and its standard deviation: the sum of the differences between values of opposite rank, the outermost
/// left out, by its expectation. NaN where there is no value; the deviation also where there is one.
#[inline(always)]
pub fn median_with_sigma<V: Value>(sorted: &[Lanes<V>], window: &Window, rule: &Rule<'_>) -> Done {
    let (one, two) = window.middles(sorted);
    let counts = window.counts();
    let mut done = Done { data: [0.0; LANES], sigma: [0.0; LANES] };
    for lane in 0..LANES {
        let odd = counts[lane] & 1 == 1;
        let median = if odd { one[lane].exact() } else { one[lane].middle(two[lane]) };
        done.data[lane] = if counts[lane] == 0 { f64::NAN } else { median };
    }
    if let Some((low, high)) = window.shared() {
        let count = high - low;
        for rank in rule.trim[count]..count / 2 {
            let (one, two) = (&sorted[low + rank], &sorted[high - 1 - rank]);
            for lane in 0..LANES {
                done.sigma[lane] += two[lane].exact() - one[lane].exact();
            }
        }
    } else {
        for lane in 0..LANES {
            let (low, high) = (window.low[lane] as usize, window.high[lane] as usize);
            for rank in rule.trim[high - low]..(high - low) / 2 {
                done.sigma[lane] += sorted[high - 1 - rank][lane].exact() - sorted[low + rank][lane].exact();
            }
        }
    }
    for lane in 0..LANES {
        let (count, sum) = (counts[lane] as usize, done.sigma[lane]);
        let scatter = rule.median_sigma[count] * sum;
        done.sigma[lane] = (scatter * scatter + rule.rounding[count]).sqrt();
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_sort_any_number_of_rows() {
        for count in (1..70).chain([100, 127, 128, 129, 192, 200, 256, 300, 511, 513, 1000, 1025]) {
            let mut rows = rows(count, |row, lane| (row * 7919 + lane * 104_729) % 251);
            let wanted = sorted(&rows);
            Network::of(count).sort(&mut rows);
            assert_eq!(rows, wanted, "{count} rows");
        }
    }

    #[test]
    fn rows_that_fall_and_rise_are_sorted_by_one_merge() {
        for count in (1..70).chain([100, 128, 129, 300, 1000]) {
            let mut rows = rows(count, |row, lane| (row * 3).abs_diff((lane * count) / 20));
            let wanted = sorted(&rows);
            sort_bitonic(&mut rows);
            assert_eq!(rows, wanted, "{count} rows");
        }
    }

    fn rows(count: usize, value: impl Fn(usize, usize) -> usize) -> Vec<Lanes<u16>> {
        (0..count).map(|row| std::array::from_fn(|lane| value(row, lane) as u16)).collect()
    }

    fn sorted(rows: &[Lanes<u16>]) -> Vec<Lanes<u16>> {
        let mut sorted = rows.to_vec();
        for lane in 0..LANES {
            let mut column: Vec<u16> = rows.iter().map(|row| row[lane]).collect();
            column.sort_unstable();
            for (row, value) in sorted.iter_mut().zip(column) {
                row[lane] = value;
            }
        }
        sorted
    }

    #[test]
    fn a_limit_is_never_rounded_up() {
        for step in 1..10_000 {
            let limit = f64::from(step) * 0.337;
            let narrow = f32::not_above(limit);
            assert!(f64::from(narrow) <= limit && f64::from(narrow.next_up()) > limit);
        }
        assert_eq!(f32::not_above(0.0), 0.0);
    }
}
