//! Order statistics of blocks: a sorting network whose comparators take whole rows, the median, and the scatter about it.
//! Networks are those of [`getframes_core::network`].

use super::{Done, Rule};
use getframes_core::Real;
use getframes_core::network::sorting_pairs;

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

/// The comparators that sort a number of rows.
#[derive(Clone, Debug)]
pub struct Network(Vec<(usize, usize)>);

impl Network {
    /// The network for `count` rows.
    pub fn of(count: usize) -> Self {
        Self(sorting_pairs(count))
    }

    /// Sorts each lane, lowest first.
    #[inline(always)]
    pub fn sort<V: Value>(&self, rows: &mut [Lanes<V>]) {
        for &(low, high) in &self.0 {
            let (below, above) = rows.split_at_mut(high);
            exchange(&mut below[low], &mut above[0]);
        }
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

/// The two values in the middle of the `counts` first of sorted rows.
#[inline(always)]
pub fn middles<V: Value>(sorted: &[Lanes<V>], counts: &Lanes<u32>) -> (Lanes<V>, Lanes<V>) {
    let ranks = |count: u32| ((count.max(1) as usize - 1) / 2, (count as usize / 2).min(sorted.len() - 1));
    if counts.iter().all(|&count| count == counts[0]) {
        let (one, two) = ranks(counts[0]);
        return (sorted[one], sorted[two]);
    }
    let (mut low, mut high) = (sorted[0], sorted[0]);
    for lane in 0..LANES {
        let (one, two) = ranks(counts[lane]);
        (low[lane], high[lane]) = (sorted[one][lane], sorted[two][lane]);
    }
    (low, high)
}

/// The median of the `counts` first of sorted rows, and its standard deviation: the sum of the differences between values of opposite rank, the outermost
/// left out, by its expectation. NaN where there is no value; the deviation also where there is one.
#[inline(always)]
pub fn median_with_sigma<V: Value>(sorted: &[Lanes<V>], counts: &Lanes<u32>, rule: &Rule<'_>) -> Done {
    let (one, two) = middles(sorted, counts);
    let mut done = Done { data: [0.0; LANES], sigma: [0.0; LANES] };
    for lane in 0..LANES {
        let odd = counts[lane] & 1 == 1;
        let median = if odd { one[lane].exact() } else { one[lane].middle(two[lane]) };
        done.data[lane] = if counts[lane] == 0 { f64::NAN } else { median };
    }
    if counts.iter().all(|&count| count == counts[0]) {
        let count = counts[0] as usize;
        for rank in rule.trim[count]..count / 2 {
            let (low, high) = (&sorted[rank], &sorted[count - 1 - rank]);
            for lane in 0..LANES {
                done.sigma[lane] += high[lane].exact() - low[lane].exact();
            }
        }
    } else {
        for lane in 0..LANES {
            let count = counts[lane] as usize;
            for rank in rule.trim[count]..count / 2 {
                done.sigma[lane] += sorted[count - 1 - rank][lane].exact() - sorted[rank][lane].exact();
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
        for count in 1..70 {
            let mut rows: Vec<Lanes<u16>> = (0..count)
                .map(|row| std::array::from_fn(|lane| ((row * 7919 + lane * 104_729) % 251) as u16))
                .collect();
            let mut wanted = rows.clone();
            for lane in 0..LANES {
                let mut column: Vec<u16> = rows.iter().map(|row| row[lane]).collect();
                column.sort_unstable();
                for (row, value) in wanted.iter_mut().zip(column) {
                    row[lane] = value;
                }
            }
            Network::of(count).sort(&mut rows);
            assert_eq!(rows, wanted, "{count} rows");
        }
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
