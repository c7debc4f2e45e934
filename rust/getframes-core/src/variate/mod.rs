//! Variates: the quantile of a law at one addressed uniform, `u = (word + 1/2) / 2^32`.
//!
//! Every function works on a tile of words; all are branch-light over the tile and give the same bits at every SIMD level.

pub mod exponential;
pub mod gamma;
pub mod normal;
pub mod poisson;

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

/// Uniforms of 52 bits from two draws, for fixed maps and random scenes.
pub fn wide_uniforms(stream: Stream, first: u64, out: &mut [f64]) {
    let (mut high, mut low) = ([0; TILE], [0; TILE]);
    for (index, chunk) in out.chunks_mut(TILE).enumerate() {
        let (high, low) = (&mut high[..chunk.len()], &mut low[..chunk.len()]);
        let at = first + (index * TILE) as u64;
        Stream { draw: 0, ..stream }.fill(at, high);
        Stream { draw: 1, ..stream }.fill(at, low);
        for ((u, &high), &low) in chunk.iter_mut().zip(&*high).zip(&*low) {
            let bits = (u64::from(high) << 20) | u64::from(low >> 12);
            *u = (bits as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0);
        }
    }
}

/// Normal variates of 52 bits from two draws.
pub fn wide_normals(stream: Stream, first: u64, out: &mut [f64]) {
    wide_uniforms(stream, first, out);
    for z in out.iter_mut() {
        *z = normal::quantile(*z);
    }
}

/// The stream of a fixed pattern.
pub fn pattern_stream(key: u64, stage: StageId) -> Stream {
    Stream { key, frame: 0, kind: crate::Kind::Pattern as u8, stage: stage as u8, draw: 0 }
}
