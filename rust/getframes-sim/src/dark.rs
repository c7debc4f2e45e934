//! Dark: thermal charge and detector glow.
//!
//! | symbol | name         | shape      | unit |
//! |--------|--------------|------------|------|
//! | d      | `dark_e`     | scalar     | e-   |
//! | m      | `multiplier` | `(ny, nx)` or 1 | 1 (DSNU times hot pixels) |
//! | g      | `glow_e`     | scalar     | e-   |
//! | h      | `glow_shape` | `(ny, nx)` or 1 | 1 (mean 1) |
//!
//! Law: mu' = mu + d m + g h, with d = D(T) t and D(T) as in [`rate_at`].
//!
//! Not modelled: dark current that depends on signal, glow that depends on the readout.

use crate::chain::Tile;
use getframes_core::Real;
use getframes_core::map::Map;

/// D(T) = D0 2^((T - T0) / step): dark current at a temperature, in the unit of D0.
pub fn rate_at(reference: f64, temperature_c: f64, reference_c: f64, doubling_c: f64) -> f64 {
    let doublings = (temperature_c - reference_c) / doubling_c;
    // Whole doublings are exact; the rest is at most half of one.
    let whole = doublings.round_ties_even();
    let rest = ((doublings - whole) * std::f64::consts::LN_2).exponential();
    reference * rest * power_of_two(whole)
}

/// 2^n for a whole n; 0 or infinity beyond the range of doubles.
fn power_of_two(n: f64) -> f64 {
    let clamped = n.clamp(-2200.0, 2200.0) as i32;
    (0..clamped.unsigned_abs()).fold(1.0, |power, _| if clamped < 0 { power * 0.5 } else { power * 2.0 })
}

/// Thermal charge of one exposure.
#[derive(Clone, Copy, Debug)]
pub struct Dark<'a> {
    /// Mean of the array, times the exposure.
    pub dark_e: f64,
    /// Over the sensor.
    pub multiplier: Map<'a>,
    /// Mean glow, times the exposure.
    pub glow_e: f64,
    /// Over the sensor.
    pub glow_shape: Map<'a>,
}

impl Dark<'_> {
    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let parts = [(self.dark_e, &self.multiplier), (self.glow_e, &self.glow_shape)];
        for (mean, shape) in parts {
            add(tile, T::of(mean), shape);
        }
    }
}

#[inline(always)]
fn add<T: Real>(tile: &mut Tile<'_, T>, mean: T, shape: &Map<'_>) {
    if mean == T::ZERO {
        return;
    }
    let Tile { sensor, value, spare: map, .. } = tile;
    shape.load(*sensor, map);
    for (mu, &shape) in value.iter_mut().zip(&**map) {
        *mu = mean.mul_add(shape, *mu);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dark_current_doubles() {
        assert_eq!(rate_at(0.1, 20.0, 20.0, 6.3), 0.1);
        assert_eq!(rate_at(0.1, 26.0, 20.0, 6.0), 0.2);
        assert!((rate_at(2.0, -80.0, 20.0, 6.3) / (2.0 * (-100.0f64 / 6.3).exp2()) - 1.0).abs() < 1e-14);
    }
}
