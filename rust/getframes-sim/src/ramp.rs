//! Ramp: charge that stays in the pixels from read to read, until a reset.
//!
//! | symbol | name      | shape      | unit |
//! |--------|-----------|------------|------|
//! | c      | held      | `(ny, nx)` | e-   |
//! | q      | charge    | `(ny, nx)` | e-, of one read interval |
//! | W      | `limit_e` | scalar     | e-   |
//!
//! Law: c' = min(c + q, W). The stage gives c', or, where later stages act on the increment alone, c' - c.
//!
//! Not modelled: what flows out of a full well, a reset that leaves charge behind.

use crate::chain::Tile;
use getframes_core::Real;

/// What a pixel holds.
#[derive(Clone, Copy, Debug)]
pub struct Accumulate {
    /// Which of the images that the caller holds.
    pub slot: usize,
    /// W; infinite where nothing limits it.
    pub limit_e: f64,
    /// Whether the stage gives what was added, and not all that is held.
    pub increment: bool,
}

/// The law for one pixel.
#[inline(always)]
pub fn law<T: Real>(held_e: T, charge_e: T, limit_e: T) -> T {
    (held_e + charge_e).least(limit_e)
}

impl Accumulate {
    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let limit = T::of(self.limit_e);
        let pixels = tile.value.iter_mut().zip(tile.held[self.slot].iter_mut());
        if self.increment {
            for (q, held) in pixels {
                let sum = law(*held, *q, limit);
                (*q, *held) = (sum - *held, sum);
            }
        } else {
            for (q, held) in pixels {
                let sum = law(*held, *q, limit);
                (*q, *held) = (sum, sum);
            }
        }
    }
}
