//! Amplifier: electrons to analogue counts.
//!
//! | symbol | name          | shape      | unit     |
//! |--------|---------------|------------|----------|
//! | g      | `gain`        | `(ny, nx)` or scalar | e- / ADU |
//! | b, o   | `bias_adu`, `offset` | scalar, `(ny, nx)` or 0 | ADU |
//!
//! Law: a = q / g + b + o.

use crate::chain::Tile;
use getframes_core::Real;
use getframes_core::map::Map;

/// Gain, bias and their patterns.
#[derive(Clone, Copy, Debug)]
pub struct Amplifier<'a> {
    /// g, over the sensor.
    pub gain: Map<'a>,
    /// b.
    pub bias_adu: f64,
    /// o, over the sensor.
    pub offset: Map<'a>,
}

impl Amplifier<'_> {
    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let Tile { sensor, value, spare: map, .. } = tile;
        let mut inverse = T::ONE;
        if let Map::Uniform(gain) = self.gain {
            inverse = T::of(1.0 / gain);
        } else {
            self.gain.load(*sensor, map);
            for (q, &gain) in value.iter_mut().zip(&**map) {
                *q = *q / gain;
            }
        }
        let bias = T::of(self.bias_adu);
        for q in value.iter_mut() {
            *q = q.mul_add(inverse, bias);
        }
        if !self.offset.is(0.0) {
            self.offset.load(*sensor, map);
            for (a, &offset) in value.iter_mut().zip(&**map) {
                *a += offset;
            }
        }
    }
}
