//! L.A.Cosmic: cosmic rays are found by their edges, which are sharper than those of stars.
//!
//! | symbol | name            | shape      | unit                 |
//! |--------|-----------------|------------|----------------------|
//! | I      | `image`         | `(ny, nx)` | any                  |
//! | g      | `gain`          | one        | e- / unit of I       |
//! | V      | variance        | `(ny, nx)` | e-^2                 |
//! | L      | edges           | `(ny, nx)` | unit of I            |
//! | S, S'  | significance    | `(ny, nx)` | standard deviations  |
//! | F      | fine structure  | `(ny, nx)` | unit of I            |
//!
//! Law, with Mn the median of n x n pixels:
//!
//!   L  = mean over the four corners of a pixel of max(0, 2 I - (the neighbour above or below) - (the neighbour left or right))
//!   S  = g L / (2 V^1/2),  S' = S - M5 S,  F = M3 I - M7 M3 I
//!   hit: S' > sigma_clip and S' > object_limit max(g F / V^1/2, 0.01); around a hit S' > sigma_clip, and around those S' > sigma_frac sigma_clip.
//!
//! L is the Laplacian of the image with each pixel cut in four, its negative part cut off, put together again. V is M5 of the variance of the pixels, so
//! that a hit does not raise its own noise. Beyond its edges the image is mirrored at the pixels of the edge. Hits are replaced by the median (or mean) of
//! the good pixels of 5 x 5, and the image is looked at again.
//!
//! S' > c needs S > c, and that needs g L > 2 c (least variance of 5 x 5)^1/2: one pass of a few operations a pixel leaves some percent of all pixels,
//! and the medians are taken for these alone, of the 9 x 9 pixels on which the decision depends, [`LANES`] pixels at once.
//!
//! Source: van Dokkum 2001, doi:10.1086/323894.

mod neighbourhood;
mod search;

use getframes_core::pool::Cancel;
use getframes_core::{Error, Real};
use rayon::prelude::*;
use search::Search;

/// Pixels on which the decision about one depends, in each direction.
const REACH: usize = 4;
/// As far a hit changes what is found: a neighbour of a neighbour of a pixel that may now be a hit.
const EFFECT: usize = REACH + 2;
/// Half of the window of good pixels that replace a hit.
const AROUND: usize = 2;
/// Least number of electrons on which the noise model stands [e-].
const LEAST_E: f64 = 1e-5;
/// Least fine structure, in standard deviations.
const LEAST_FINE: f64 = 0.01;
/// A saturated pixel belongs to a star where M5 I is above this part of it, and hides an octagon about it, so far along rows
/// and columns, and so far along both together.
const CORE: f64 = 0.1;
const HIDDEN: usize = 4;
const CORNER: usize = 6;
/// Pixels that are worked on at once.
pub const LANES: usize = 64;
/// Pixels that one thread takes at a time, in the lists of few.
const CHUNK: usize = 8 * LANES;

/// What is known of a pixel, bit by bit.
pub mod state {
    /// In: has no value, and takes part in nothing.
    pub const MASKED: u8 = 1;
    /// In: at the end of the well or the converter.
    pub const SATURATED: u8 = 2;
    /// Out: hit by a cosmic ray.
    pub const HIT: u8 = 4;
    /// Out: in or next to the core of a saturated star; never a hit.
    pub const STAR: u8 = 8;
    /// Out: infinite or not a number; such a pixel is `MASKED` too.
    pub const NOT_FINITE: u8 = 16;
    /// Found in this iteration.
    pub(super) const NEW: u8 = 32;
    /// Already in the list that is being made.
    pub(super) const LISTED: u8 = 64;

    /// Pixels that are never hits.
    pub(super) const KEPT: u8 = MASKED | STAR;
    /// Pixels that do not replace others.
    pub(super) const UNFIT: u8 = KEPT | HIT;
}

/// Limits and noise of a search.
#[derive(Clone, Copy, Debug)]
pub struct Lacosmic<'a, T> {
    /// Limit of S'.
    pub sigma_clip: f64,
    /// Part of it for neighbours.
    pub sigma_frac: f64,
    /// Limit of S' over the fine structure.
    pub object_limit: f64,
    /// Noise.
    pub noise: Noise<'a, T>,
    /// Value from which a pixel is saturated [unit of I].
    pub saturation: f64,
    /// The most rounds.
    pub iterations: usize,
    /// Hits become a mean of their surroundings, instead of a median.
    pub mean: bool,
}

/// Where the variance of a pixel comes from.
#[derive(Clone, Copy, Debug)]
pub enum Noise<'a, T> {
    /// V = g (M5 I + background) + read noise^2.
    Model {
        /// g [e- / unit of I].
        gain: f64,
        /// Read noise [e-].
        read_noise_e: f64,
        /// What has been taken off the image, everywhere or per pixel [unit of I].
        background: Background<'a, T>,
    },
    /// V = M5 of an image [unit of I, squared], and g = 1.
    Image(&'a [T]),
}

/// A level of the sky.
#[derive(Clone, Copy, Debug)]
pub enum Background<'a, T> {
    /// The same everywhere.
    Level(f64),
    /// One a pixel.
    Image(&'a [T]),
}

/// What the pixels are now, between two rounds.
struct Planes<'a, T> {
    shape: [usize; 2],
    /// The image, and where it is given the variance.
    given: [Option<&'a [T]>; 2],
    /// The image with hits and masked pixels replaced.
    image: &'a mut [T],
    /// Likewise the variance.
    variance: Option<Vec<T>>,
    state: &'a mut [u8],
    /// What stands in for a pixel without good neighbours: the median of all pixels that are not masked, and of their variances.
    level: Option<[T; 2]>,
}

impl<T: Real> Lacosmic<'_, T> {
    /// Cleans an image of [height, width] into `out`; `states` is one byte a pixel, in and out. Gives the number of rounds.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when cancelled.
    pub fn run(
        &self,
        image: &[T],
        out: &mut [T],
        states: &mut [u8],
        shape: [usize; 2],
        cancel: &Cancel,
    ) -> Result<usize, Error> {
        let search = Search::new(self, shape, cancel);
        let mut planes = self.planes(image, out, states, shape);
        let masked = planes.having(state::MASKED);
        planes.replace(&masked, false);
        planes.hide_stars(&search, self.saturation);
        let mut stale = search.all_tiles();
        let mut round = 0;
        while round < self.iterations {
            round += 1;
            let new = planes.grown(&search, search.seeds(&planes, &stale));
            if cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            if new.is_empty() {
                break;
            }
            stale = search.tiles_around(&planes.replace_around(&new, self.mean));
        }
        for index in masked {
            out[index] = image[index];
        }
        Ok(round)
    }

    /// The planes, masked pixels not yet replaced.
    fn planes<'p>(&self, image: &'p [T], out: &'p mut [T], states: &'p mut [u8], shape: [usize; 2]) -> Planes<'p, T>
    where
        Self: 'p,
    {
        let saturation = T::of(self.saturation);
        for (state, &value) in states.iter_mut().zip(image) {
            let (lost, full) = (!value.is_finite(), value >= saturation);
            *state = (*state & (state::MASKED | state::SATURATED))
                | (u8::from(lost) * (state::MASKED | state::NOT_FINITE))
                | (u8::from(full) * state::SATURATED);
        }
        let variance = match self.noise {
            Noise::Image(variance) => Some(variance),
            Noise::Model { .. } => None,
        };
        for (state, &value) in states.iter_mut().zip(variance.unwrap_or_default()) {
            *state |= u8::from(!(value.is_finite() && value > T::ZERO)) * state::MASKED;
        }
        out.copy_from_slice(image);
        let given = [Some(image), variance];
        Planes { shape, given, image: out, variance: variance.map(<[T]>::to_vec), state: states, level: None }
    }
}

impl<T: Real> Planes<'_, T> {
    /// Pixels with any of some bits.
    fn having(&self, bits: u8) -> Vec<usize> {
        let mut found = Vec::new();
        for (n, states) in self.state.chunks(LANES).enumerate() {
            if states.iter().fold(0, |all, state| all | state) & bits != 0 {
                let with = states.iter().enumerate().filter(|(_, state)| **state & bits != 0);
                found.extend(with.map(|(lane, _)| n * LANES + lane));
            }
        }
        found
    }

    /// Marks the cores of saturated stars, and what is near them.
    fn hide_stars(&mut self, search: &Search<'_, T>, saturation: f64) {
        let saturated = self.having(state::SATURATED);
        let medians = search.medians(self, &saturated);
        for (&index, median) in saturated.iter().zip(medians) {
            if median > self.image[index].least(T::of(saturation)) * T::of(CORE) {
                let width = self.shape[1];
                for near in window(self.shape, index, HIDDEN) {
                    let steps = (near / width).abs_diff(index / width) + (near % width).abs_diff(index % width);
                    if steps <= CORNER {
                        self.state[near] |= state::STAR;
                    }
                }
            }
        }
    }

    /// The pixels of windows about some, without those that have any of some bits; each once.
    fn near(&mut self, pixels: &[usize], reach: usize, without: u8) -> Vec<usize> {
        let mut found = Vec::new();
        for near in pixels.iter().flat_map(|&pixel| window(self.shape, pixel, reach)) {
            if self.state[near] & (without | state::LISTED) == 0 {
                self.state[near] |= state::LISTED;
                found.push(near);
            }
        }
        for &near in &found {
            self.state[near] &= !state::LISTED;
        }
        found
    }

    /// Hits with their neighbours: those that were not known yet.
    fn grown(&mut self, search: &Search<'_, T>, mut hits: Vec<usize>) -> Vec<usize> {
        for &hit in &hits {
            self.state[hit] |= state::NEW;
        }
        for limit in [search.clip, search.neighbour] {
            let near = self.near(&hits, 1, state::KEPT | state::NEW);
            for (&index, significance) in near.iter().zip(search.significances(self, &near)) {
                if significance > limit {
                    self.state[index] |= state::NEW;
                    hits.push(index);
                }
            }
        }
        hits.retain(|&hit| {
            let new = self.state[hit] & state::HIT == 0;
            self.state[hit] = (self.state[hit] | state::HIT) & !state::NEW;
            new
        });
        hits
    }

    /// Replaces new hits, and again the old ones next to them; gives those whose value changed.
    fn replace_around(&mut self, new: &[usize], mean: bool) -> Vec<usize> {
        let mut hits = self.near(new, AROUND, 0);
        hits.retain(|&index| self.state[index] & state::HIT != 0);
        self.replace(&hits, mean)
    }

    /// Replaces pixels by good ones around them; gives those whose value changed.
    fn replace(&mut self, pixels: &[usize], mean: bool) -> Vec<usize> {
        let values: Vec<Option<[T; 2]>> =
            pixels.par_iter().with_min_len(CHUNK).map(|&index| self.around(index, mean)).collect();
        let mut changed = Vec::new();
        for (&index, value) in pixels.iter().zip(values) {
            let [value, variance] = value.unwrap_or_else(|| self.level());
            let mut differs = self.image[index] != value;
            self.image[index] = value;
            if let Some(plane) = &mut self.variance {
                differs |= plane[index] != variance;
                plane[index] = variance;
            }
            if differs {
                changed.push(index);
            }
        }
        changed
    }

    /// Median (or mean) of the good pixels of 5 x 5, and of their variances.
    fn around(&self, index: usize, mean: bool) -> Option<[T; 2]> {
        const MOST: usize = (2 * AROUND + 1) * (2 * AROUND + 1);
        let mut values = [[T::ZERO; MOST]; 2];
        let mut count = 0;
        for near in window(self.shape, index, AROUND).filter(|&near| self.state[near] & state::UNFIT == 0) {
            values[0][count] = self.image[near];
            values[1][count] = self.variance.as_ref().map_or(T::ONE, |variance| variance[near]);
            count += 1;
        }
        (count > 0).then(|| {
            values.map(|mut values| {
                let values = &mut values[..count];
                if mean {
                    values.iter().fold(T::ZERO, |sum, &value| sum + value) / T::of(count as f64)
                } else {
                    median(values)
                }
            })
        })
    }

    /// See `level`; worked out when it is first asked for.
    fn level(&mut self) -> [T; 2] {
        let (given, states) = (self.given, &self.state);
        *self.level.get_or_insert_with(|| {
            given.map(|plane| {
                let pixels = plane.unwrap_or_default().iter().zip(&**states);
                let mut good: Vec<T> =
                    pixels.filter(|(_, state)| **state & state::MASKED == 0).map(|(value, _)| *value).collect();
                if good.is_empty() { T::ONE } else { median(&mut good) }
            })
        })
    }
}

/// The median of finite numbers; the mean of the two in the middle where their number is even.
fn median<T: Real>(values: &mut [T]) -> T {
    let (half, odd) = (values.len() / 2, values.len() % 2 == 1);
    let order = |a: &T, b: &T| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal);
    let (below, &mut upper, _) = values.select_nth_unstable_by(half, order);
    if odd {
        return upper;
    }
    let lower = below.iter().fold(below[0], |most, &value| most.most(value));
    (lower + upper) * T::of(0.5)
}

/// The pixels of an image up to `reach` from one of them, itself included.
fn window([height, width]: [usize; 2], index: usize, reach: usize) -> impl Iterator<Item = usize> {
    let (y, x) = (index / width, index % width);
    let columns = x.saturating_sub(reach)..(x + reach + 1).min(width);
    (y.saturating_sub(reach)..(y + reach + 1).min(height))
        .flat_map(move |row| columns.clone().map(move |column| row * width + column))
}
