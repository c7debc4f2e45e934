//! Gain stage: electron multiplication, or an avalanche photodiode.
//!
//! | symbol | name     | shape  | unit |
//! |--------|----------|--------|------|
//! | G      | `gain`   | scalar | 1    |
//! | e      | `excess` = F^2 - 1 | scalar | 1, F the excess noise factor |
//! | v      | `map`    | `(ny, nx)` or 1 | 1 (fixed avalanche-gain pattern) |
//!
//! Law: q' = Gamma(shape q/e, scale G e) v; e = 0 is exactly q G v; no charge gives none.
//!
//! Source: Basden, Haniff & Mackay 2003, doi:10.1046/j.1365-8711.2003.07020.x. Not modelled: ageing, serial clock-induced charge.

use crate::chain::{Tile, check};
use getframes_core::map::Map;
use getframes_core::stream::Stream;
use getframes_core::variate::gamma;
use getframes_core::variate::multiples::Multiples;

/// A gain stage.
#[derive(Clone, Copy, Debug)]
pub struct Gain<'a> {
    /// G.
    pub gain: f64,
    /// F^2 - 1.
    pub excess: f64,
    /// Over the sensor.
    pub map: Map<'a>,
    /// Quantiles of whole charges, in the precision of the chain; without them they are worked out one by one.
    pub multiples: Option<&'a Multiples>,
    /// Where its words come from.
    pub stream: Stream,
}

impl Gain<'_> {
    #[inline(always)]
    pub(crate) fn apply<T: gamma::Fitted>(&self, tile: &mut Tile<'_, T>) {
        let count = tile.value.len();
        let mut scale = T::of(self.gain);
        if self.excess > 0.0 {
            if check("electrons", tile.value, tile.out, &mut tile.bad) == T::ZERO.order() {
                return;
            }
            tile.draw(&self.stream);
            let mut taken = None;
            if let Some(table) = self.multiples {
                taken = Some((table, table.take(tile.value, &tile.words[..count])));
            }
            if self.excess != 1.0 {
                let per_charge = T::of(1.0 / self.excess);
                for shape in tile.value.iter_mut() {
                    *shape *= per_charge;
                }
            }
            gamma::fill(tile.value, &tile.words[..count], tile.spare);
            if let Some((table, taken)) = taken {
                table.place(&taken, tile.spare);
            }
            std::mem::swap(&mut tile.value, &mut tile.spare);
            scale = T::of(self.gain * self.excess);
        }
        for q in tile.value.iter_mut() {
            *q *= scale;
        }
        if !self.map.is(1.0) {
            self.map.load(tile.sensor, tile.spare);
            for (q, &factor) in tile.value.iter_mut().zip(&*tile.spare) {
                *q *= factor;
            }
        }
    }
}
