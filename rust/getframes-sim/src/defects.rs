//! Defects: pixels that collect nothing, alone or in whole columns.
//!
//! Law: q' = 0 where the pixel is dead. A pixel is dead where u < `dead_pixel_fraction`, a column where u < `bad_column_fraction`.

use crate::chain::Tile;
use getframes_core::variate::{pattern_stream, wide_uniforms};
use getframes_core::{Real, StageId};

/// Pixels that hold nothing.
#[derive(Clone, Copy, Debug)]
pub struct Defects<'a> {
    /// True where a pixel is dead, over the sensor.
    pub dead: &'a [bool],
}

impl Defects<'_> {
    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let dead = &self.dead[tile.sensor..tile.sensor + tile.value.len()];
        for (q, &dead) in tile.value.iter_mut().zip(dead) {
            *q = if dead { T::ZERO } else { *q };
        }
    }
}

/// The dead pixels of a sensor.
pub fn mask(key: u64, shape: [usize; 2], pixel_fraction: f64, column_fraction: f64, out: &mut [bool]) {
    let mut drawn = vec![0.0; shape[1]];
    wide_uniforms(pattern_stream(key, StageId::DeadColumns), 0, &mut drawn);
    let columns: Vec<bool> = drawn.iter().map(|&u| u < column_fraction).collect();
    for (row, out) in out.chunks_mut(shape[1]).enumerate() {
        wide_uniforms(pattern_stream(key, StageId::DeadPixels), (row * shape[1]) as u64, &mut drawn);
        for ((out, &u), &column) in out.iter_mut().zip(&drawn).zip(&columns) {
            *out = column || u < pixel_fraction;
        }
    }
}
