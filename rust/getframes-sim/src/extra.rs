//! Extra: charge that is in the pixels already, as its mean (latent charge of earlier exposures).
//!
//! Law: mu' = mu + `extra_electrons`.

use crate::chain::Tile;
use crate::map::Map;
use getframes_core::Real;
use getframes_core::variate::TILE;

/// Mean charge over the frame [e-].
#[derive(Clone, Copy, Debug)]
pub struct Extra<'a> {
    /// Over the frame.
    pub extra_electrons: Map<'a>,
}

impl Extra<'_> {
    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let mut extra = [T::ZERO; TILE];
        let extra = &mut extra[..tile.value.len()];
        self.extra_electrons.load(tile.out, extra);
        tile.check("extra_electrons", extra);
        for (mu, &extra) in tile.value.iter_mut().zip(&*extra) {
            *mu += extra;
        }
    }
}
