//! Leaving out what is far from the median, again and again until nothing changes.
//!
//! | spread    | a value is left out beyond                                                        |
//! |-----------|-----------------------------------------------------------------------------------|
//! | mad       | k f(n) median abs(v - median)                                                      |
//! | deviation | k sqrt(mean (v - mean)^2)                                                          |
//! | noise     | k s sqrt(r^2 + max(x - p, 0) / g), x the counts for which v would be the median     |
//!
//! f(n) makes the MAD of n Gaussian values unbiased. Two values or fewer are never clipped: there is no telling which one is wrong; nor are all of them.

use super::rank::middles;
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
    /// Leaves values out until nothing changes.
    #[inline(always)]
    pub fn reject<T: Working>(&self, room: &mut Room<T>, counts: &mut Lanes<u32>, place: &Place<'_>) {
        while self.once(room, counts, place) {}
    }

    /// One round; whether something was left out.
    #[inline(always)]
    fn once<T: Working>(&self, room: &mut Room<T>, counts: &mut Lanes<u32>, place: &Place<'_>) -> bool {
        let Room { values, sorted, network } = room;
        sorted.copy_from_slice(values);
        network.sort(sorted);
        let centre = median(sorted, counts);
        let shared = match &self.spread {
            Spread::Mad { factors, least } => {
                distances(values, &centre, sorted);
                network.sort(sorted);
                mad_limits(&median(sorted, counts), counts, factors, *least)
            }
            Spread::Deviation => self.deviation_limits(values, counts),
            Spread::Noise { .. } => [T::ZERO; LANES],
        };
        let limits = |number: usize| match self.spread {
            Spread::Noise { gain, read_noise, pedestal } => {
                self.noise_limits(number, &centre, counts, (gain, read_noise, pedestal), place)
            }
            _ => shared,
        };
        let mut kept = [0; LANES];
        for (number, row) in values.iter().enumerate() {
            let limits = limits(number);
            for lane in 0..LANES {
                kept[lane] += u32::from(near(row[lane], centre[lane], limits[lane]));
            }
        }
        let mut fewer = false;
        for lane in 0..LANES {
            kept[lane] = if kept[lane] == 0 { counts[lane] } else { kept[lane] };
            fewer |= kept[lane] < counts[lane];
        }
        if !fewer {
            return false;
        }
        for (number, row) in values.iter_mut().enumerate() {
            let limits = limits(number);
            for lane in 0..LANES {
                let stays = (kept[lane] == counts[lane]) | near(row[lane], centre[lane], limits[lane]);
                row[lane] = if stays { row[lane] } else { T::LAST };
            }
        }
        *counts = kept;
        true
    }

    /// k standard deviations of the values that are left.
    #[inline(always)]
    fn deviation_limits<T: Working>(&self, values: &[Lanes<T>], counts: &Lanes<u32>) -> Lanes<T> {
        let (mut mean, mut square) = ([0.0; LANES], [0.0; LANES]);
        for row in values {
            for lane in 0..LANES {
                mean[lane] += if row[lane] < T::LAST { row[lane].wide() } else { 0.0 };
            }
        }
        for lane in 0..LANES {
            mean[lane] /= f64::from(counts[lane].max(1));
        }
        for row in values {
            for lane in 0..LANES {
                let distance = row[lane].wide() - mean[lane];
                square[lane] += if row[lane] < T::LAST { distance * distance } else { 0.0 };
            }
        }
        let mut limits = [T::LAST; LANES];
        for lane in 0..LANES {
            let limit = self.sigma * (square[lane] / f64::from(counts[lane].max(1))).sqrt();
            limits[lane] = if counts[lane] > 2 { T::not_above(limit) } else { T::LAST };
        }
        limits
    }

    /// k standard deviations of a frame's values, from the noise it should have.
    #[inline(always)]
    fn noise_limits<T: Working>(
        &self,
        number: usize,
        centre: &Lanes<T>,
        counts: &Lanes<u32>,
        (gain, read_noise, pedestal): (f64, f64, f64),
        place: &Place<'_>,
    ) -> Lanes<T> {
        let (mut zero, mut scale) = ([0.0; LANES], [1.0; LANES]);
        if let Some(map) = place.zero.get(number) {
            map.load(place.first, &mut zero[..place.lanes]);
        }
        if let Some(map) = place.scale.get(number) {
            map.load(place.first, &mut scale[..place.lanes]);
        }
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

/// Whether a value is there and not beyond its limit.
#[inline(always)]
fn near<T: Working>(value: T, centre: T, limit: T) -> bool {
    (value < T::LAST) & (Real::abs(value - centre) <= limit)
}

#[inline(always)]
fn median<T: Working>(sorted: &[Lanes<T>], counts: &Lanes<u32>) -> Lanes<T> {
    let (mut one, two) = middles(sorted, counts);
    for lane in 0..LANES {
        one[lane] = T::of(one[lane].middle(two[lane]));
    }
    one
}

/// Distances from the centre; those of values that are left out last.
#[inline(always)]
fn distances<T: Working>(values: &[Lanes<T>], centre: &Lanes<T>, out: &mut [Lanes<T>]) {
    for (row, out) in values.iter().zip(out) {
        for lane in 0..LANES {
            let distance = Real::abs(row[lane] - centre[lane]);
            out[lane] = if row[lane] < T::LAST { distance } else { T::LAST };
        }
    }
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
