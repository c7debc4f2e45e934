//! Combination: many images of the same thing into one, with the uncertainty of each pixel.
//!
//! | symbol | name      | shape         | unit  |
//! |--------|-----------|---------------|-------|
//! | x      | `frames`  | N of `pixels` | ADU   |
//! | z      | `zero`    | N maps        | ADU   |
//! | s      | `scale`   | N maps        | 1     |
//! | w      | `weights` | N maps        | 1     |
//! | v      | –         | N of `pixels` | ADU   |
//! | m      | `data`    | `pixels`      | ADU   |
//! | σ      | `sigma`   | `pixels`      | ADU   |
//! | n      | `used`    | `pixels`      | frames |
//!
//! Law: v = s (x + z); masked and non-finite values are left out, then the lowest and highest ([`extremes`]), then what is far from the median
//! ([`clip`]); m is the median of the others ([`rank`]) or their weighted mean ([`mean`]).
//!
//! Pixels go through in blocks of [`LANES`], transposed: one row a frame, one lane a pixel. A sorting network compares whole rows, so that all lanes take
//! the same steps. Counts of 16 bits stay such for a median; single precision is used where it is exact.

use getframes_core::map::Map;
use getframes_core::pool::Cancel;
use getframes_core::simd::{self, Kernel};
use getframes_core::{Error, Real};
use rayon::prelude::*;
use std::mem::replace;

pub mod clip;
pub mod extremes;
pub mod mean;
pub mod rank;

pub use clip::{Clip, Place, Spread};
pub use rank::{LANES, Lanes, Network, Value, Window, Working};

/// A value was masked in at least one frame.
pub const MASKED_IN_INPUT: u16 = 1;
/// A value was rejected.
pub const REJECTED: u16 = 2;
/// No value is left.
pub const NO_DATA: u16 = 8;
/// A value, or what was made of values, was infinite or not a number.
pub const NOT_FINITE: u16 = 64;

/// Values that a thread takes at a time, about.
const CHUNK: usize = 1 << 16;
/// Bands with fewer values run on the calling thread.
pub const SMALL: usize = 2 * CHUNK;

/// A type that pixels of frames have, read into a type of lanes.
pub trait Sample<V>: Copy + Send + Sync {
    /// The same number.
    fn of_sample(self) -> V;
    /// Whether it is one.
    fn is_number(self) -> bool;
}

macro_rules! samples {
    ($($kind:ty => $lane:ty),*) => {$(
        impl Sample<$lane> for $kind {
            #[inline(always)]
            fn of_sample(self) -> $lane {
                self as $lane
            }
            #[inline(always)]
            fn is_number(self) -> bool {
                <f64 as Real>::is_finite(self as f64)
            }
        }
    )*};
}
samples!(u16 => u16, i32 => i32, u32 => u32, f32 => f32, f64 => f64);
samples!(u16 => f32, u16 => f64, i32 => f64, u32 => f64, f32 => f64);

/// A band of the frames; all slices have the same pixels.
#[derive(Clone, Copy, Debug)]
pub struct Stack<'a, R> {
    /// x, one slice a frame.
    pub frames: &'a [&'a [R]],
    /// True where a pixel is bad; one a frame, or empty for no masks at all.
    pub masks: &'a [Option<&'a [bool]>],
    /// z; empty for 0.
    pub zero: &'a [Map<'a>],
    /// s; empty for 1.
    pub scale: &'a [Map<'a>],
    /// w, not negative; empty for 1. A value of weight 0 is left out.
    pub weights: &'a [Map<'a>],
}

/// How frames become one.
#[derive(Clone, Debug)]
pub struct Rule<'a> {
    /// The median, else the mean.
    pub median: bool,
    /// Values that are left out at the low end and at the high end.
    pub extremes: (usize, usize),
    /// What is left out then.
    pub clip: Option<Clip<'a>>,
    /// Standard deviation of the mean of n values by that of the sample, times sqrt(n), for each n: 1/c4.
    pub mean_sigma: &'a [f64],
    /// Values at either end that the scatter about a median does not look at, for each n.
    pub trim: &'a [usize],
    /// Standard deviation of the median of n values by the sum of the differences between the others, for each n.
    pub median_sigma: &'a [f64],
    /// Variance that rounding to whole numbers gives the median of n values, for each n [ADU²].
    pub rounding: &'a [f64],
}

/// Where results go; all of the same pixels.
#[derive(Debug)]
pub struct Out<'a> {
    /// m.
    pub data: &'a mut [f64],
    /// σ.
    pub sigma: &'a mut [f32],
    /// n.
    pub used: &'a mut [u32],
    /// Bits, such as [`REJECTED`].
    pub flags: &'a mut [u16],
}

/// The median of values in their own type, nothing scaled and nothing rejected.
///
/// # Errors
/// [`Error::Interrupted`] when cancelled.
pub fn ranked<R: Value + Sample<R>>(
    stack: &Stack<'_, R>,
    rule: &Rule<'_>,
    out: Out<'_>,
    cancel: &Cancel,
) -> Result<(), Error> {
    in_chunks(stack, out, cancel, |first, room: &mut Room<R>, out| {
        simd::dispatch(Ranked { stack, rule, room, first, out })
    })
}

/// The whole rule, with lanes in floating point.
///
/// # Errors
/// As [`ranked`].
pub fn general<R: Sample<T>, T: Working>(
    stack: &Stack<'_, R>,
    rule: &Rule<'_>,
    out: Out<'_>,
    cancel: &Cancel,
) -> Result<(), Error> {
    in_chunks(stack, out, cancel, |first, room: &mut Room<T>, out| {
        simd::dispatch(General { stack, rule, room, first, out })
    })
}

/// Lane memory of a thread, kept from block to block.
#[derive(Debug)]
pub struct Room<V> {
    /// One row a frame; what is left out is [`Value::LAST`].
    pub values: Vec<Lanes<V>>,
    /// The same values, lowest first.
    pub sorted: Vec<Lanes<V>>,
    /// Of the sorted ones from their median; made where they are asked for.
    pub distances: Vec<Lanes<V>>,
    /// Sorts them.
    pub network: Network,
}

/// What is known about the pixels of a block.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Values that are left.
    pub counts: Lanes<u32>,
    /// What happened to the others.
    pub flags: Lanes<u16>,
}

/// m and σ of a block.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// m.
    pub data: Lanes<f64>,
    /// σ.
    pub sigma: Lanes<f64>,
}

/// Runs `work` over chunks of the band, each with the memory of its thread.
fn in_chunks<R: Sync, V: Value>(
    stack: &Stack<'_, R>,
    out: Out<'_>,
    cancel: &Cancel,
    work: impl Fn(usize, &mut Room<V>, Out<'_>) + Sync,
) -> Result<(), Error> {
    let count = stack.frames.len();
    let network = Network::of(count);
    let room = || {
        let rows = vec![[V::LAST; LANES]; count];
        Room { values: rows.clone(), sorted: rows, distances: Vec::new(), network: network.clone() }
    };
    let small = out.data.len() * count < SMALL;
    let chunk = LANES * (CHUNK / LANES / count.max(1)).max(1);
    let one = |room: &mut Room<V>, (number, out): (usize, Out<'_>)| {
        if !cancel.is_cancelled() {
            work(number * chunk, room, out);
        }
    };
    let parts = out
        .data
        .par_chunks_mut(chunk)
        .zip(out.sigma.par_chunks_mut(chunk))
        .zip(out.used.par_chunks_mut(chunk).zip(out.flags.par_chunks_mut(chunk)))
        .map(|((data, sigma), (used, flags))| Out { data, sigma, used, flags })
        .enumerate();
    if small {
        let Out { data, sigma, used, flags } = out;
        let parts = data
            .chunks_mut(chunk)
            .zip(sigma.chunks_mut(chunk))
            .zip(used.chunks_mut(chunk))
            .zip(flags.chunks_mut(chunk));
        let mut room = room();
        for (number, (((data, sigma), used), flags)) in parts.enumerate() {
            one(&mut room, (number, Out { data, sigma, used, flags }));
        }
    } else {
        parts.for_each_init(room, one);
    }
    if cancel.is_cancelled() { Err(Error::Interrupted) } else { Ok(()) }
}

struct Ranked<'a, R> {
    stack: &'a Stack<'a, R>,
    rule: &'a Rule<'a>,
    room: &'a mut Room<R>,
    first: usize,
    out: Out<'a>,
}

impl<R: Value + Sample<R>> Kernel for Ranked<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let Room { values, network, .. } = self.room;
        for done in (0..self.out.data.len()).step_by(LANES) {
            let lanes = LANES.min(self.out.data.len() - done);
            let found = load(self.stack, self.first + done, lanes, values);
            network.sort(values);
            let window = Window { low: [0; LANES], high: found.counts };
            let result = rank::median_with_sigma(values, &window, self.rule);
            self.out.put(done, lanes, &found, &result);
        }
    }
}

struct General<'a, R, T> {
    stack: &'a Stack<'a, R>,
    rule: &'a Rule<'a>,
    room: &'a mut Room<T>,
    first: usize,
    out: Out<'a>,
}

impl<R: Sample<T>, T: Working> Kernel for General<'_, R, T> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let Self { stack, rule, room, .. } = self;
        for done in (0..self.out.data.len()).step_by(LANES) {
            let (first, lanes) = (self.first + done, LANES.min(self.out.data.len() - done));
            let mut found = load(stack, first, lanes, &mut room.values);
            transform(stack, first, lanes, &mut room.values, &mut found);
            let window =
                reject(room, rule, &found.counts, &Place { zero: stack.zero, scale: stack.scale, first, lanes });
            let before = replace(&mut found.counts, window.counts());
            for lane in 0..LANES {
                found.flags[lane] |= if found.counts[lane] < before[lane] { REJECTED } else { 0 };
            }
            let result = if rule.median {
                rank::median_with_sigma(&room.sorted, &window, rule)
            } else if stack.weights.is_empty() {
                mean::plain(&room.values, &found.counts, rule.mean_sigma)
            } else {
                mean::weighted(&room.values, stack.weights, (first, lanes), &found.counts, rule.mean_sigma)
            };
            self.out.put(done, lanes, &found, &result);
        }
    }
}

/// What the rule leaves of `counts` values: the window of the sorted ones, and, for a mean, the values with the others as [`Value::LAST`].
///
/// Values are sorted once: what is left out after that lies at either end.
#[inline(always)]
fn reject<T: Working>(room: &mut Room<T>, rule: &Rule<'_>, counts: &Lanes<u32>, place: &Place<'_>) -> Window {
    let mut window = Window { low: [0; LANES], high: *counts };
    if !rule.median && rule.extremes == (0, 0) && rule.clip.is_none() {
        return window;
    }
    room.sorted.copy_from_slice(&room.values);
    room.network.sort(&mut room.sorted);
    extremes::narrow(&mut window, rule.extremes);
    match &rule.clip {
        Some(clip) if clip.is_by_frame(place) => {
            extremes::reject(room, counts, &window, rule.extremes != (0, 0));
            clip.reject(room, &mut window, place);
            return window;
        }
        Some(clip) => clip.narrow(&room.sorted, &mut room.distances, &mut window),
        None => {}
    }
    if !rule.median {
        extremes::reject(room, counts, &window, rule.extremes != (0, 0));
    }
    window
}

/// Pixels `first .. first + lanes` of every frame; those that are bad, and lanes beyond, are [`Value::LAST`].
#[inline(always)]
fn load<R: Sample<V>, V: Value>(stack: &Stack<'_, R>, first: usize, lanes: usize, values: &mut [Lanes<V>]) -> Found {
    let mut found = Found { counts: [0; LANES], flags: [0; LANES] };
    for (number, row) in values.iter_mut().enumerate() {
        let samples = &stack.frames[number][first..first + lanes];
        let mask = stack.masks.get(number).copied().flatten().map(|mask| &mask[first..first + lanes]);
        let mut numbers = true;
        for (value, &sample) in row.iter_mut().zip(samples) {
            *value = sample.of_sample();
            numbers &= sample.is_number();
        }
        row[lanes..].fill(V::LAST);
        if numbers && mask.is_none() {
            for count in &mut found.counts {
                *count += 1;
            }
            continue;
        }
        for lane in 0..lanes {
            let masked = mask.is_some_and(|mask| mask[lane]);
            let number = samples[lane].is_number();
            found.flags[lane] |= if masked {
                MASKED_IN_INPUT
            } else if number {
                0
            } else {
                NOT_FINITE
            };
            found.counts[lane] += u32::from(number && !masked);
            if masked || !number {
                row[lane] = V::LAST;
            }
        }
    }
    found.counts[lanes..].fill(0);
    found
}

/// s (x + z), in place; what is no number then, or has no weight, is left out.
#[inline(always)]
fn transform<R, T: Working>(
    stack: &Stack<'_, R>,
    first: usize,
    lanes: usize,
    values: &mut [Lanes<T>],
    found: &mut Found,
) {
    let (mut zero, mut scale, mut weight) = ([T::ZERO; LANES], [T::ONE; LANES], [T::ONE; LANES]);
    if stack.zero.is_empty() && stack.scale.is_empty() && stack.weights.is_empty() {
        return;
    }
    for (number, row) in values.iter_mut().enumerate() {
        for (maps, tile) in [(stack.zero, &mut zero), (stack.scale, &mut scale), (stack.weights, &mut weight)] {
            if let Some(map) = maps.get(number) {
                map.load(first, &mut tile[..lanes]);
            }
        }
        for lane in 0..lanes {
            let (value, there) = ((row[lane] + zero[lane]) * scale[lane], row[lane] < T::LAST);
            let number = Real::is_finite(value);
            let counted = (weight[lane] > T::ZERO) & Real::is_finite(weight[lane]);
            found.flags[lane] |= if there & !number { NOT_FINITE } else { 0 };
            found.counts[lane] -= u32::from(there & !(number & counted));
            row[lane] = if there & number & counted { value } else { T::LAST };
        }
    }
}

impl Out<'_> {
    /// Writes a block.
    #[inline(always)]
    fn put(&mut self, done: usize, lanes: usize, found: &Found, result: &Done) {
        let end = done + lanes;
        self.data[done..end].copy_from_slice(&result.data[..lanes]);
        self.used[done..end].copy_from_slice(&found.counts[..lanes]);
        for (sigma, &wide) in self.sigma[done..end].iter_mut().zip(&result.sigma) {
            *sigma = wide as f32;
        }
        for (lane, flags) in self.flags[done..end].iter_mut().enumerate() {
            *flags = found.flags[lane]
                | match (found.counts[lane], result.data[lane].is_finite()) {
                    (0, _) => NO_DATA,
                    (_, true) => 0,
                    (_, false) => NOT_FINITE,
                };
        }
    }
}
