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

use crate::chain::{Tile, check};
use getframes_core::Real;
use getframes_core::map::Map;

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
        let Tile { out, sensor, value, spare: rate, scratch: other, bad, .. } = tile;
        self.photon_rate.load(*out, rate);
        check("photon_rate", rate, *out, bad);
        if !self.background.is(0.0) {
            self.background.load(*out, other);
            check("background", other, *out, bad);
            for (rate, &background) in rate.iter_mut().zip(&**other) {
                *rate += background;
            }
        }
        let factor = T::of(self.factor);
        if self.prnu.is(1.0) {
            for (mu, &rate) in value.iter_mut().zip(&**rate) {
                *mu += law(rate, T::ZERO, factor, T::ONE);
            }
        } else {
            self.prnu.load(*sensor, other);
            for ((mu, &rate), &prnu) in value.iter_mut().zip(&**rate).zip(&**other) {
                *mu += law(rate, T::ZERO, factor, prnu);
            }
        }
    }
}
