//! Extra: charge that is in the pixels already, as its mean (latent charge of earlier exposures).
//!
//! Law: mu' = mu + `extra_electrons`.

use crate::chain::{Tile, check};
use getframes_core::Real;
use getframes_core::map::Map;

/// Mean charge over the frame [e-].
#[derive(Clone, Copy, Debug)]
pub struct Extra<'a> {
    /// Over the frame.
    pub extra_electrons: Map<'a>,
}

impl Extra<'_> {
    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let Tile { out, value, spare: extra, bad, .. } = tile;
        self.extra_electrons.load(*out, extra);
        check("extra_electrons", extra, *out, bad);
        for (mu, &extra) in value.iter_mut().zip(&**extra) {
            *mu += extra;
        }
    }
}
