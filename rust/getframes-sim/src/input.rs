//! Input: an image that enters the chain as it is, when the chain starts in the middle.

use crate::chain::Tile;
use getframes_core::Real;
use getframes_core::map::Map;

/// Charge (or mean charge) over the frame [e-].
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Over the frame.
    pub electrons: Map<'a>,
}

impl Input<'_> {
    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        self.electrons.load(tile.out, tile.value);
    }
}
