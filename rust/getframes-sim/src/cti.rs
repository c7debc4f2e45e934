//! Charge transfer inefficiency: a little charge stays behind at every transfer to the register at row 0.
//!
//! | symbol | name     | shape      | unit                      |
//! |--------|----------|------------|---------------------------|
//! | q      | charge   | `(ny, nx)` | e-                        |
//! | cti    | `cti`    | scalar     | fraction of the charge, per transfer |
//!
//! Law: row r defers d_r = min(cti r, 1) q_r to row r + 1, q'_r = q_r - d_r + d_{r-1}; what the last row defers is read behind it (`overscan`) or
//! lost. First order in cti: what is deferred is not deferred again.
//!
//! Source: Janesick, *Scientific Charge-Coupled Devices* (2001), doi:10.1117/3.374903. Not modelled: traps that fill and empty in time,
//! dependence on signal, serial transfers.

use crate::neighbour::{Segment, segments};
use getframes_core::Real;

/// Transfers that are not perfect.
#[derive(Clone, Copy, Debug)]
pub struct Cti {
    /// Fraction left behind by one transfer, in [0, 1).
    pub cti: f64,
}

/// Fraction of the charge of a row that is deferred to the next.
#[inline(always)]
pub fn deferred(cti: f64, row: usize) -> f64 {
    (cti * row as f64).min(1.0)
}

impl Cti {
    /// The charge of pixels `first ..` of the sensor after all transfers.
    #[inline(always)]
    pub(crate) fn gather<T: Real>(&self, image: &[T], shape: [usize; 2], first: usize, out: &mut [T]) {
        for Segment { row, column, from, to } in segments(shape[1], first, out.len()) {
            let (out, at) = (&mut out[from..to], row * shape[1] + column);
            let here = &image[at..at + out.len()];
            if row == 0 {
                out.copy_from_slice(here);
                continue;
            }
            let (kept, gained) = (T::of(1.0 - deferred(self.cti, row)), T::of(deferred(self.cti, row - 1)));
            let before = &image[at - shape[1]..][..out.len()];
            for ((out, &here), &before) in out.iter_mut().zip(here).zip(before) {
                *out = before.mul_add(gained, here * kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_defer_in_proportion_to_their_transfers() {
        let image = [10.0, 100.0, 0.0, 0.0, 100.0];
        let mut out = [0.0; 5];
        Cti { cti: 0.125 }.gather(&image, [5, 1], 0, &mut out);
        assert_eq!(out, [10.0, 87.5, 12.5, 0.0, 50.0]);
        Cti { cti: 0.5 }.gather(&image, [5, 1], 0, &mut out);
        assert_eq!(out, [10.0, 50.0, 50.0, 0.0, 0.0]);
    }
}
