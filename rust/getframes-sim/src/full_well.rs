//! Full well: charge above it is lost (blooming, which moves it, is another stage).
//!
//! Law: q' = min(q, W).

use crate::chain::Tile;
use getframes_core::Real;

/// A well.
#[derive(Clone, Copy, Debug)]
pub struct FullWell {
    /// What it holds [e-].
    pub limit_e: f64,
    /// Whether charge below zero is cut too (at the output, where noise may have made it negative).
    pub from_zero: bool,
}

/// The law for one pixel.
#[inline(always)]
pub fn law<T: Real>(charge_e: T, limit_e: T) -> T {
    charge_e.least(limit_e)
}

impl FullWell {
    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let limit = T::of(self.limit_e);
        for q in tile.value.iter_mut() {
            *q = law(*q, limit);
        }
        if self.from_zero {
            for q in tile.value.iter_mut() {
                *q = q.most(T::ZERO);
            }
        }
    }
}
