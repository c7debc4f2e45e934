//! Interpixel capacitance: a pixel's voltage is felt by its four neighbours.
//!
//! | symbol | name       | shape      | unit |
//! |--------|------------|------------|------|
//! | q      | charge     | `(ny, nx)` | e-   |
//! | c      | `coupling` | scalar     | 1    |
//!
//! Law: q'(y, x) = (1 - 4c) q(y, x) + c [q(y-1, x) + q(y+1, x) + q(y, x-1) + q(y, x+1)], no charge outside the array.
//!
//! Source: Moore, Ninkov & Forrest 2006, doi:10.1117/1.2219103. Not modelled: coupling that depends on signal or direction.

use crate::neighbour::{Segment, segments};
use getframes_core::Real;
use getframes_core::variate::TILE;

/// Coupling between pixels.
#[derive(Clone, Copy, Debug)]
pub struct Ipc {
    /// What a neighbour sees of a pixel, in [0, 1/4).
    pub coupling: f64,
}

/// The law for one pixel.
#[inline(always)]
pub fn law<T: Real>(centre: T, across: T, along: T, own: T, coupling: T) -> T {
    (across + along).mul_add(coupling, own * centre)
}

impl Ipc {
    /// The coupled charge of pixels `first ..` of the sensor.
    #[inline(always)]
    pub(crate) fn gather<T: Real>(&self, image: &[T], shape: [usize; 2], first: usize, out: &mut [T]) {
        let (own, coupling) = (T::of(1.0 - 4.0 * self.coupling), T::of(self.coupling));
        let zeros = [T::ZERO; TILE];
        for Segment { row, column, from, to } in segments(shape[1], first, out.len()) {
            let (out, count, at) = (&mut out[from..to], to - from, row * shape[1] + column);
            let here = &image[at..at + count];
            let above = if row > 0 { &image[at - shape[1]..][..count] } else { &zeros[..count] };
            let below = if row + 1 < shape[0] { &image[at + shape[1]..][..count] } else { &zeros[..count] };
            // The first and the last pixel of the piece may lie at the edge of the row.
            for lane in [0, count - 1] {
                let left = if column + lane > 0 { image[at + lane - 1] } else { T::ZERO };
                let right = if column + lane + 1 < shape[1] { image[at + lane + 1] } else { T::ZERO };
                out[lane] = law(here[lane], above[lane] + below[lane], left + right, own, coupling);
            }
            if let [_, out @ .., _] = out {
                let inner = out.iter_mut().zip(&above[1..]).zip(&below[1..]);
                for (((out, &above), &below), here) in inner.zip(here.windows(3)) {
                    *out = law(here[1], above + below, here[0] + here[2], own, coupling);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_spreads_to_its_four_neighbours() {
        let mut image = vec![0.0; 15];
        image[7] = 100.0;
        let mut out = vec![0.0; 15];
        Ipc { coupling: 0.01 }.gather(&image, [3, 5], 0, &mut out);
        let mut expected = vec![0.0; 15];
        for at in [2, 6, 8, 12] {
            expected[at] = 1.0;
        }
        expected[7] = 96.0;
        assert_eq!(out, expected);
    }

    #[test]
    fn a_corner_loses_to_the_outside() {
        let image = [1.0f64; 1];
        let mut out = [0.0; 1];
        Ipc { coupling: 0.1 }.gather(&image, [1, 1], 0, &mut out);
        assert!((out[0] - 0.6).abs() < 1e-15);
    }
}
