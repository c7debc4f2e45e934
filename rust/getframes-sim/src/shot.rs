//! Shot noise, and clock-induced charge: whole electrons around a mean.
//!
//! Law: q = Poisson(mu) (shot); q' = q + Poisson(c) (clock-induced charge). Both are quantiles of one addressed uniform.

use crate::chain::{Tile, check};
use getframes_core::Real;
use getframes_core::stream::Stream;
use getframes_core::variate::poisson::{self, Steps};

/// Charge around the mean that the tile holds.
#[derive(Clone, Copy, Debug)]
pub struct Shot {
    /// Where its words come from.
    pub stream: Stream,
}

impl Shot {
    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let count = tile.value.len();
        if check("mean_electrons", tile.value, tile.out, &mut tile.bad) == T::ZERO.order() {
            return;
        }
        tile.draw(&self.stream);
        poisson::fill(tile.value, &tile.words[..count], tile.spare);
        std::mem::swap(&mut tile.value, &mut tile.spare);
    }
}

/// Spurious charge of the clocks.
#[derive(Clone, Copy, Debug)]
pub struct ClockInducedCharge {
    /// Mean per pixel and frame [e-].
    mean_e: f64,
    /// Its counts by word, where they are few.
    steps: Option<Steps>,
    /// Where its words come from.
    stream: Stream,
}

impl ClockInducedCharge {
    /// Charge of a mean per pixel and frame [e-].
    pub fn new(mean_e: f64, stream: Stream) -> Self {
        Self { mean_e, steps: Steps::of(mean_e), stream }
    }

    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let count = tile.value.len();
        tile.draw(&self.stream);
        let Tile { value, spare: mean, scratch: charge, words, .. } = tile;
        if let Some(steps) = &self.steps {
            return steps.add(&words[..count], value);
        }
        mean.fill(T::of(self.mean_e));
        poisson::fill(mean, &words[..count], charge);
        for (q, &more) in value.iter_mut().zip(&**charge) {
            *q += more;
        }
    }
}
