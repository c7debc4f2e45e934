//! Dark: thermal charge and detector glow.
//!
//! | symbol | name         | shape      | unit |
//! |--------|--------------|------------|------|
//! | d      | `dark_e`     | scalar     | e-   |
//! | m      | `multiplier` | `(ny, nx)` or 1 | 1 (DSNU times hot pixels) |
//! | g      | `glow_e`     | scalar     | e-   |
//! | h      | `glow_shape` | `(ny, nx)` or 1 | 1 (mean 1) |
//!
//! Law: mu' = mu + d m + g h, with d = D(T) t. D(T) doubles every few degrees and is worked out by the caller.
//!
//! Not modelled: dark current that depends on signal, glow that depends on the readout.

use crate::chain::Tile;
use crate::map::Map;
use getframes_core::Real;
use getframes_core::variate::TILE;

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
    let mut map = [T::ZERO; TILE];
    let map = &mut map[..tile.value.len()];
    shape.load(tile.sensor, map);
    for (mu, &shape) in tile.value.iter_mut().zip(&*map) {
        *mu = mean.mul_add(shape, *mu);
    }
}
