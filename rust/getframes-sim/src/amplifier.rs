//! Amplifier: electrons to analogue counts.
//!
//! | symbol | name          | shape      | unit     |
//! |--------|---------------|------------|----------|
//! | g      | `gain_e_per_adu` | scalar  | e- / ADU |
//! | k      | `gain_map`    | `(ny, nx)` or 1 | 1   |
//! | b, o   | `bias_adu`, `offset_map` | scalar, `(ny, nx)` or 0 | ADU |
//!
//! Law: a = q / (g k) + b + o.

use crate::chain::Tile;
use crate::map::Map;
use getframes_core::Real;
use getframes_core::variate::TILE;

/// Gain, bias and their patterns.
#[derive(Clone, Copy, Debug)]
pub struct Amplifier<'a> {
    /// g.
    pub gain_e_per_adu: f64,
    /// Over the sensor.
    pub gain_map: Map<'a>,
    /// b.
    pub bias_adu: f64,
    /// Over the sensor.
    pub offset_map: Map<'a>,
}

impl Amplifier<'_> {
    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let mut map = [T::ZERO; TILE];
        let map = &mut map[..tile.value.len()];
        if !self.gain_map.is(1.0) {
            self.gain_map.load(tile.sensor, map);
            for (q, &factor) in tile.value.iter_mut().zip(&*map) {
                *q = *q / factor;
            }
        }
        let (inverse, bias) = (T::of(1.0 / self.gain_e_per_adu), T::of(self.bias_adu));
        for q in tile.value.iter_mut() {
            *q = q.mul_add(inverse, bias);
        }
        if !self.offset_map.is(0.0) {
            self.offset_map.load(tile.sensor, map);
            for (a, &offset) in tile.value.iter_mut().zip(&*map) {
                *a += offset;
            }
        }
    }
}
