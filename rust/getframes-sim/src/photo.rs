//! Photo: mean photoelectrons of the incident light.
//!
//! | symbol | name          | shape      | unit          |
//! |--------|---------------|------------|---------------|
//! | r, b   | `photon_rate`, `background` | `(ny, nx)` or scalar | photon / s |
//! | t eta  | `factor`      | scalar     | s e- / photon |
//! | p      | `prnu`        | `(ny, nx)` or 1 | 1        |
//!
//! Law: mu' = mu + (r + b) t eta p.
//!
//! Source: Janesick, *Photon Transfer* (2007), doi:10.1117/3.725073. Not modelled: quantum yield above one, fringing.

use crate::chain::Tile;
use crate::map::Map;
use getframes_core::Real;
use getframes_core::variate::TILE;

/// Light, and how much charge it makes.
#[derive(Clone, Copy, Debug)]
pub struct Photo<'a> {
    /// Photons per second and pixel, over the frame.
    pub photon_rate: Map<'a>,
    /// The same, added.
    pub background: Map<'a>,
    /// Exposure times quantum efficiency.
    pub factor: f64,
    /// Pixel response over the sensor.
    pub prnu: Map<'a>,
}

/// The law for one pixel.
#[inline(always)]
pub fn law<T: Real>(photon_rate: T, background: T, factor: T, prnu: T) -> T {
    ((photon_rate + background) * factor) * prnu
}

impl Photo<'_> {
    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let count = tile.value.len();
        let (mut rate, mut other) = ([T::ZERO; TILE], [T::ZERO; TILE]);
        let (rate, other) = (&mut rate[..count], &mut other[..count]);
        self.photon_rate.load(tile.out, rate);
        tile.check("photon_rate", rate);
        if !self.background.is(0.0) {
            self.background.load(tile.out, other);
            tile.check("background", other);
            for (rate, &background) in rate.iter_mut().zip(&*other) {
                *rate += background;
            }
        }
        let factor = T::of(self.factor);
        if self.prnu.is(1.0) {
            for (mu, &rate) in tile.value.iter_mut().zip(&*rate) {
                *mu += law(rate, T::ZERO, factor, T::ONE);
            }
        } else {
            self.prnu.load(tile.sensor, other);
            for ((mu, &rate), &prnu) in tile.value.iter_mut().zip(&*rate).zip(&*other) {
                *mu += law(rate, T::ZERO, factor, prnu);
            }
        }
    }
}
