//! Read noise and reset noise: Gaussian errors in electrons, one draw per pixel and read.
//!
//! | symbol | name       | shape      | unit               |
//! |--------|------------|------------|--------------------|
//! | q      | charge     | `(ny, nx)` | e-                 |
//! | sigma  | `rms_e`    | `(ny, nx)` or scalar | e- per read |
//!
//! Law: q' = q + sigma z. Reset noise (kTC) is the same law with its own stage number.
//!
//! Source: Janesick, *Photon Transfer* (2007), doi:10.1117/3.725073. Noise that the reads of a ramp share is the
//! same law with the words of the ramp's first read. Not modelled: correlation along a row.

use crate::chain::Tile;
use getframes_core::Real;
use getframes_core::map::Map;
use getframes_core::stream::Stream;
use getframes_core::variate::normal::{self, Quantile};

/// Noise of one read.
#[derive(Clone, Copy, Debug)]
pub struct ReadNoise<'a> {
    /// Over the sensor [e-].
    pub rms_e: Map<'a>,
    /// On all of them.
    pub factor: f64,
    /// Where its words come from.
    pub stream: Stream,
}

/// The law for one pixel.
#[inline(always)]
pub fn law<T: Real>(charge_e: T, rms_e: T, z: T) -> T {
    rms_e.mul_add(z, charge_e)
}

impl ReadNoise<'_> {
    #[inline(always)]
    pub(crate) fn apply<T: Quantile>(&self, tile: &mut Tile<'_, T>) {
        let count = tile.value.len();
        tile.draw(&self.stream);
        let Tile { sensor, value, spare: z, scratch: rms, words, .. } = tile;
        normal::fill(&words[..count], z);
        self.rms_e.load(*sensor, rms);
        if self.factor != 1.0 {
            let factor = T::of(self.factor);
            for rms in rms.iter_mut() {
                *rms *= factor;
            }
        }
        for ((q, &rms), &z) in value.iter_mut().zip(&**rms).zip(&**z) {
            *q = law(*q, rms, z);
        }
    }
}
