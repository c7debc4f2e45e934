//! Variates: the quantile of a law at one addressed uniform, `u = (word + 1/2) / 2^32`.
//!
//! Every function works on a tile of words; all are branch-light over the tile and give the same bits at every SIMD level.

pub mod exponential;
pub mod gamma;
pub mod multiples;
pub mod normal;
pub mod poisson;

use crate::simd::{self, Kernel};
use crate::{Real, StageId, Stream};

/// Words, and pixels, that a kernel holds at once: one tile of every buffer stays in the L1 cache.
pub const TILE: usize = 512;

/// The uniform itself: `(word + 1/2) / 2^32`.
#[inline(always)]
pub fn uniform(word: u32) -> f64 {
    (f64::from(word) + 0.5) * TWO_POW_MINUS_32
}

/// The smaller of u and 1 - u, exact up to one rounding.
#[inline(always)]
pub(crate) fn tail<T: Real>(word: u32) -> T {
    let folded = if word < 1 << 31 { word } else { !word };
    (T::of_int(folded as i32) + T::of(0.5)) * T::of(TWO_POW_MINUS_32)
}

const TWO_POW_MINUS_32: f64 = 1.0 / 4_294_967_296.0;

/// Lanes that choose their method together.
pub(crate) const BLOCK: usize = 64;

/// A law that chooses its method block by block.
///
/// A trait and not closures: methods are inlined into each dispatch copy for certain, and so keep its wide registers.
pub(crate) trait Law<T> {
    /// The lanes of one block; those that need a method of their own are noted. False when every lane is 0 and nothing was written.
    fn block(
        parameter: &[T; BLOCK],
        words: &[u32; BLOCK],
        out: &mut [T; BLOCK],
        first: usize,
        scattered: &mut Scattered,
    ) -> bool;

    /// The noted lanes, gathered.
    fn gathered(parameter: &[T; BLOCK], words: &[u32; BLOCK], out: &mut [T; BLOCK]);
}

/// Lanes of a tile that need a method of their own: they are gathered, and worked on together once the tile is done.
pub(crate) struct Scattered {
    lanes: [u16; TILE],
    found: usize,
}

impl Scattered {
    /// Notes the lanes with a nonzero flag of the block that starts at lane `first` of the tile.
    #[inline(always)]
    pub(crate) fn note(&mut self, first: usize, wanted: &[u32; BLOCK]) {
        for lane in flagged(wanted) {
            self.lanes[self.found] = (first + lane) as u16;
            self.found += 1;
        }
    }
}

/// The lanes whose flag is 1 (the others are 0), in order.
#[inline(always)]
pub(crate) fn flagged(flags: &[u32; BLOCK]) -> Flagged {
    let (mut low, mut high) = (0, 0);
    for lane in 0..BLOCK / 2 {
        low |= flags[lane] << lane;
        high |= flags[lane + BLOCK / 2] << lane;
    }
    Flagged(u64::from(low) | u64::from(high) << 32)
}

/// See [`flagged`]: one bit a lane.
pub(crate) struct Flagged(u64);

impl Iterator for Flagged {
    type Item = usize;
    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        let lane = self.0.trailing_zeros() as usize;
        self.0 &= self.0.wrapping_sub(1);
        (lane < BLOCK).then_some(lane)
    }
}

/// Fills `out` with the quantiles of a law, tile by tile.
#[inline(always)]
pub(crate) fn fill<T: Real, L: Law<T>>(parameter: &[T], words: &[u32], out: &mut [T]) {
    for ((parameter, words), out) in parameter.chunks(TILE).zip(words.chunks(TILE)).zip(out.chunks_mut(TILE)) {
        let count = out.len();
        tile::<T, L>(&parameter[..count], &words[..count], out);
    }
}

#[inline(always)]
fn tile<T: Real, L: Law<T>>(parameter: &[T], words: &[u32], out: &mut [T]) {
    let mut scattered = Scattered { lanes: [0; TILE], found: 0 };
    let whole = out.len() - out.len() % BLOCK;
    for start in (0..whole).step_by(BLOCK) {
        let end = start + BLOCK;
        // A local result: the compiler then knows that it does not overlap the parameters.
        let mut result = [T::ZERO; BLOCK];
        let (parameter, words) = (&parameter[start..end], &words[start..end]);
        let (parameter, words) = (parameter.try_into().expect("a block"), words.try_into().expect("a block"));
        if L::block(parameter, words, &mut result, start, &mut scattered) {
            out[start..end].copy_from_slice(&result);
        } else {
            out[start..end].fill(T::ZERO);
        }
    }
    let rest = &mut out[whole..];
    if !rest.is_empty() {
        let (mut padded, mut word, mut result) = ([T::ZERO; BLOCK], [0; BLOCK], [T::ZERO; BLOCK]);
        padded[..rest.len()].copy_from_slice(&parameter[whole..]);
        word[..rest.len()].copy_from_slice(&words[whole..]);
        L::block(&padded, &word, &mut result, whole, &mut scattered);
        rest.copy_from_slice(&result[..rest.len()]);
    }
    for lanes in scattered.lanes[..scattered.found].chunks(BLOCK) {
        let (mut gathered, mut word, mut result) = ([T::ZERO; BLOCK], [0; BLOCK], [T::ZERO; BLOCK]);
        for (to, &from) in lanes.iter().enumerate() {
            // Lanes that pad the last block of a tile lie beyond it: their parameter stays 0.
            if let Some(&value) = parameter.get(usize::from(from)) {
                (gathered[to], word[to]) = (value, words[usize::from(from)]);
            }
        }
        L::gathered(&gathered, &word, &mut result);
        for (&value, &to) in result.iter().zip(lanes) {
            if let Some(place) = out.get_mut(usize::from(to)) {
                *place = value;
            }
        }
    }
}

/// Uniforms of 52 bits from two draws, for fixed maps and random scenes.
pub fn wide_uniforms(stream: Stream, first: u64, out: &mut [f64]) {
    simd::dispatch(WideUniforms { stream, first, out });
}

/// Normal variates of 52 bits from two draws.
pub fn wide_normals(stream: Stream, first: u64, out: &mut [f64]) {
    simd::dispatch(WideNormals(WideUniforms { stream, first, out }));
}

struct WideUniforms<'a> {
    stream: Stream,
    first: u64,
    out: &'a mut [f64],
}

impl Kernel for WideUniforms<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let (mut high, mut low) = ([0; TILE], [0; TILE]);
        for (index, chunk) in self.out.chunks_mut(TILE).enumerate() {
            let (high, low) = (&mut high[..chunk.len()], &mut low[..chunk.len()]);
            let at = self.first + (index * TILE) as u64;
            Stream { draw: 0, ..self.stream }.fill_inline(at, high);
            Stream { draw: 1, ..self.stream }.fill_inline(at, low);
            for ((u, &high), &low) in chunk.iter_mut().zip(&*high).zip(&*low) {
                let bits = (u64::from(high) << 20) | u64::from(low >> 12);
                *u = (bits as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0);
            }
        }
    }
}

struct WideNormals<'a>(WideUniforms<'a>);

impl Kernel for WideNormals<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let WideUniforms { stream, first, out } = self.0;
        WideUniforms { stream, first, out: &mut *out }.run();
        normal::quantiles(out);
    }
}

/// The stream of a fixed pattern.
pub fn pattern_stream(key: u64, stage: StageId) -> Stream {
    Stream { key, frame: 0, kind: crate::Kind::Pattern as u8, stage: stage as u8, draw: 0 }
}
