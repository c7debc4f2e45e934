//! Leaving out what is far from the median, again and again until nothing changes.
//!
//! | spread    | a value is left out beyond                                                        |
//! |-----------|-----------------------------------------------------------------------------------|
//! | mad       | k f(n) median abs(v - median)                                                      |
//! | deviation | k sqrt(mean (v - mean)^2)                                                          |
//! | noise     | k s sqrt(r^2 + max(x - p, 0) / g), x the counts for which v would be the median     |
//!
//! f(n) makes the MAD of n Gaussian values unbiased. Two values or fewer are never clipped: there is no telling which one is wrong; nor are all of them.

use super::rank::{Window, sort_bitonic};
use super::{LANES, Lanes, Room, Working};
use getframes_core::Real;
use getframes_core::map::Map;

/// What distances are measured in.
#[derive(Clone, Debug)]
pub enum Spread<'a> {
    /// The median absolute deviation.
    Mad {
        /// k times the factor that makes it a standard deviation, for each n.
        factors: &'a [f64],
        /// The smallest MAD that is believed.
        least: f64,
    },
    /// The standard deviation about the mean of the sample itself (ddof 0).
    Deviation,
    /// That which gain and read noise tell.
    Noise {
        /// g [e-/ADU].
        gain: f64,
        /// r [ADU].
        read_noise: f64,
        /// p [ADU].
        pedestal: f64,
    },
}

/// A rule of rejection.
#[derive(Clone, Debug)]
pub struct Clip<'a> {
    /// In what.
    pub spread: Spread<'a>,
    /// k.
    pub sigma: f64,
}

/// Where a block is, and how its values were made.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// z, one a frame or none.
    pub zero: &'a [Map<'a>],
    /// s, one a frame or none.
    pub scale: &'a [Map<'a>],
    /// First pixel.
    pub first: usize,
    /// Pixels.
    pub lanes: usize,
}

impl Clip<'_> {
    /// Whether every frame has limits of its own.
    pub fn is_by_frame(&self, place: &Place<'_>) -> bool {
        matches!(self.spread, Spread::Noise { .. }) && !(place.zero.is_empty() && place.scale.is_empty())
    }

    /// Narrows the window of what is left of sorted values until nothing changes: what is far from the median is at either end.
    #[inline(always)]
    pub fn narrow<T: Working>(&self, sorted: &[Lanes<T>], distances: &mut Vec<Lanes<T>>, window: &mut Window) {
        loop {
            let (before, counts) = (*window, window.counts());
            let centre = median(sorted, window);
            let limits = match &self.spread {
                Spread::Mad { factors, least } => {
                    mad_limits(&mad(sorted, window, &centre, distances), &counts, factors, *least)
                }
                Spread::Deviation => self.deviation_limits(sorted, window, &counts),
                Spread::Noise { .. } => self.noise_limits(&centre, &counts, ([0.0; LANES], [1.0; LANES])),
            };
            narrow_low(sorted, window, &centre, &limits);
            narrow_high(sorted, window, &centre, &limits);
            for lane in 0..LANES {
                let none = window.low[lane] == window.high[lane];
                window.low[lane] = if none { before.low[lane] } else { window.low[lane] };
                window.high[lane] = if none { before.high[lane] } else { window.high[lane] };
            }
            if *window == before {
                return;
            }
        }
    }

    /// The same for values whose limits are those of their frames; what is left out is [`super::Value::LAST`].
    #[inline(always)]
    pub fn reject<T: Working>(&self, room: &mut Room<T>, window: &mut Window, place: &Place<'_>) {
        let Room { values, sorted, network, .. } = room;
        let mut counts = window.counts();
        loop {
            sorted.copy_from_slice(values);
            network.sort(sorted);
            *window = Window { low: [0; LANES], high: counts };
            let centre = median(sorted, window);
            let limits = |number: usize| self.noise_limits(&centre, &counts, place.levels(number));
            let mut kept = [0; LANES];
            for (number, row) in values.iter().enumerate() {
                let limits = limits(number);
                for lane in 0..LANES {
                    kept[lane] += u32::from(near(row[lane], centre[lane], limits[lane]));
                }
            }
            for lane in 0..LANES {
                kept[lane] = if kept[lane] == 0 { counts[lane] } else { kept[lane] };
            }
            if kept == counts {
                return;
            }
            for (number, row) in values.iter_mut().enumerate() {
                let limits = limits(number);
                for lane in 0..LANES {
                    let stays = (kept[lane] == counts[lane]) | near(row[lane], centre[lane], limits[lane]);
                    row[lane] = if stays { row[lane] } else { T::LAST };
                }
            }
            counts = kept;
        }
    }

    /// k standard deviations of the values that are left.
    #[inline(always)]
    fn deviation_limits<T: Working>(&self, sorted: &[Lanes<T>], window: &Window, counts: &Lanes<u32>) -> Lanes<T> {
        let mut mean = total::<T, false>(sorted, window, &[0.0; LANES]);
        for lane in 0..LANES {
            mean[lane] /= f64::from(counts[lane].max(1));
        }
        let square = total::<T, true>(sorted, window, &mean);
        let mut limits = [T::LAST; LANES];
        for lane in 0..LANES {
            let limit = self.sigma * (square[lane] / f64::from(counts[lane].max(1))).sqrt();
            limits[lane] = if counts[lane] > 2 { T::not_above(limit) } else { T::LAST };
        }
        limits
    }

    /// k standard deviations of values, from the noise they should have; z and s are those of their frame.
    #[inline(always)]
    fn noise_limits<T: Working>(
        &self,
        centre: &Lanes<T>,
        counts: &Lanes<u32>,
        (zero, scale): (Lanes<f64>, Lanes<f64>),
    ) -> Lanes<T> {
        let Spread::Noise { gain, read_noise, pedestal } = self.spread else { unreachable!("the noise is known") };
        let mut limits = [T::LAST; LANES];
        for lane in 0..LANES {
            let signal = centre[lane].wide() / scale[lane] - zero[lane] - pedestal;
            let signal = if signal > 0.0 { signal } else { 0.0 };
            let limit = self.sigma * scale[lane].abs() * (read_noise * read_noise + signal / gain).sqrt();
            limits[lane] = if counts[lane] > 2 { T::not_above(limit) } else { T::LAST };
        }
        limits
    }
}

impl Place<'_> {
    /// z and s of a frame.
    #[inline(always)]
    fn levels(&self, number: usize) -> (Lanes<f64>, Lanes<f64>) {
        let (mut zero, mut scale) = ([0.0; LANES], [1.0; LANES]);
        if let Some(map) = self.zero.get(number) {
            map.load(self.first, &mut zero[..self.lanes]);
        }
        if let Some(map) = self.scale.get(number) {
            map.load(self.first, &mut scale[..self.lanes]);
        }
        (zero, scale)
    }
}

/// Whether a value is there and not beyond its limit.
#[inline(always)]
fn near<T: Working>(value: T, centre: T, limit: T) -> bool {
    (value < T::LAST) & (Real::abs(value - centre) <= limit)
}

/// Leaves out what is beyond the limit at the lower end.
#[inline(always)]
fn narrow_low<T: Working>(sorted: &[Lanes<T>], window: &mut Window, centre: &Lanes<T>, limits: &Lanes<T>) {
    let Window { low, high } = window;
    let first = low.iter().fold(u32::MAX, |least, &rank| least.min(rank));
    for (rank, row) in (first..).zip(&sorted[first as usize..]) {
        let mut further = false;
        for lane in 0..LANES {
            let here = (low[lane] == rank) & (low[lane] < high[lane]);
            low[lane] += u32::from(here & !near(row[lane], centre[lane], limits[lane]));
            further |= low[lane] > rank;
        }
        if !further {
            return;
        }
    }
}

/// Leaves out what is beyond the limit at the upper end.
#[inline(always)]
fn narrow_high<T: Working>(sorted: &[Lanes<T>], window: &mut Window, centre: &Lanes<T>, limits: &Lanes<T>) {
    let Window { low, high } = window;
    let last = high.iter().fold(0, |most, &rank| most.max(rank));
    for rank in (1..=last).rev() {
        let row = &sorted[rank as usize - 1];
        let mut further = false;
        for lane in 0..LANES {
            let here = (high[lane] == rank) & (low[lane] < high[lane]);
            high[lane] -= u32::from(here & !near(row[lane], centre[lane], limits[lane]));
            further |= high[lane] < rank;
        }
        if !further {
            return;
        }
    }
}

#[inline(always)]
fn median<T: Working>(sorted: &[Lanes<T>], window: &Window) -> Lanes<T> {
    let (mut one, two) = window.middles(sorted);
    for lane in 0..LANES {
        one[lane] = T::of(one[lane].middle(two[lane]));
    }
    one
}

/// Median distance from the centre: distances of sorted values fall and then rise, so that one merge sorts them.
#[inline(always)]
fn mad<T: Working>(sorted: &[Lanes<T>], window: &Window, centre: &Lanes<T>, distances: &mut Vec<Lanes<T>>) -> Lanes<T> {
    distances.resize(sorted.len(), [T::LAST; LANES]);
    for (rank, (row, out)) in (0..).zip(sorted.iter().zip(distances.iter_mut())) {
        for lane in 0..LANES {
            let there = (window.low[lane] <= rank) & (rank < window.high[lane]);
            let distance = Real::abs(row[lane] - centre[lane]);
            out[lane] = if there { distance } else { T::LAST };
        }
    }
    sort_bitonic(distances);
    median(distances, &Window { low: [0; LANES], high: window.counts() })
}

/// Sum of the distances of what is left from a number, or of their squares, in order of rank.
#[inline(always)]
fn total<T: Working, const SQUARES: bool>(sorted: &[Lanes<T>], window: &Window, from: &Lanes<f64>) -> Lanes<f64> {
    let (inner, all) = window.rows();
    let mut sum = [0.0; LANES];
    for rank in all.start..all.end {
        let row = &sorted[rank];
        if inner.contains(&rank) {
            for lane in 0..LANES {
                let distance = row[lane].exact() - from[lane];
                sum[lane] += if SQUARES { distance * distance } else { distance };
            }
            continue;
        }
        for lane in 0..LANES {
            let there = (window.low[lane] as usize <= rank) & (rank < window.high[lane] as usize);
            let distance = row[lane].exact() - from[lane];
            sum[lane] += match (there, SQUARES) {
                (false, _) => 0.0,
                (true, false) => distance,
                (true, true) => distance * distance,
            };
        }
    }
    sum
}

#[inline(always)]
fn mad_limits<T: Working>(mad: &Lanes<T>, counts: &Lanes<u32>, factors: &[f64], least: f64) -> Lanes<T> {
    let mut limits = [T::LAST; LANES];
    for lane in 0..LANES {
        let spread = mad[lane].wide();
        let limit = factors[counts[lane] as usize] * if spread > least { spread } else { least };
        limits[lane] = if counts[lane] > 2 { T::not_above(limit) } else { T::LAST };
    }
    limits
}
