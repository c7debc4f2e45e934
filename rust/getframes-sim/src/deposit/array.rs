//! A PSF given as an array: one value per pixel of the detector.
//!
//! | symbol | name     | shape    | unit                       |
//! |--------|----------|----------|----------------------------|
//! | K      | `kernel` | `(m, n)` | 1: fraction of the light   |
//!
//! Law: light is spread evenly over each pixel of the kernel, whose middle ((n - 1)/2, (m - 1)/2) lies on the star; E is the overlap with
//! the pixels of the image, so that a shift by fractions (a, b) of a pixel is bilinear:
//! E\[j, i\] = (1-b) ((1-a) K\[j, i\] + a K\[j, i-1\]) + b ((1-a) K\[j-1, i\] + a K\[j-1, i-1\]).

use super::{LANES, Profile, Stars, Tile};
use getframes_core::Error;
use getframes_core::real::Real;

/// A kernel with a margin of zeros.
#[derive(Clone, Debug)]
pub struct Array<T> {
    rows: usize,
    columns: usize,
    /// `rows + 2` rows of `stride` values; the kernel begins in the second column of the second row.
    padded: Vec<T>,
    stride: usize,
}

impl Array<f64> {
    /// A kernel of `shape` (rows, columns), row by row; of values >= 0 and sum 1.
    ///
    /// # Errors
    /// [`Error::Shape`] when the kernel is empty or does not have that shape.
    pub fn new(kernel: &[f64], shape: (usize, usize)) -> Result<Self, Error> {
        let (rows, columns) = shape;
        Error::same_shape("kernel", &[kernel.len()], &[(rows * columns).max(1)])?;
        let stride = (columns + 1).next_multiple_of(LANES) + 1;
        let mut padded = vec![0.0; (rows + 2) * stride];
        for (values, line) in kernel.chunks_exact(columns).zip(padded.chunks_exact_mut(stride).skip(1)) {
            line[1..=columns].copy_from_slice(values);
        }
        Ok(Self { rows, columns, padded, stride })
    }

    /// The same kernel in another precision.
    pub fn to<T: Real>(&self) -> Array<T> {
        Array {
            rows: self.rows,
            columns: self.columns,
            padded: self.padded.iter().map(|&value| T::of(value)).collect(),
            stride: self.stride,
        }
    }
}

impl<T: Real> Profile<T> for Array<T> {
    fn reach(&self) -> (usize, usize) {
        (self.columns / 2 + 1, self.rows / 2 + 1)
    }

    #[inline(always)]
    fn draw(&self, stars: Stars<'_>, order: &[u32], mut tile: Tile<'_, T>) {
        for &star in order {
            let star = star as usize;
            let (left, a) = corner(stars.x[star], self.columns);
            let (top, b) = corner(stars.y[star], self.rows);
            let flux = T::of(stars.flux[star]);
            let weights = [(1.0 - b) * (1.0 - a), (1.0 - b) * a, b * (1.0 - a), b * a].map(T::of);
            let (here, skipped) = tile.rows(top, self.rows + 1);
            for (line, row) in here.zip(skipped..) {
                for column in (0..=self.columns).step_by(LANES) {
                    let fractions = self.overlap(row, column, weights);
                    tile.add(line, left + column as i64, &fractions, flux);
                }
            }
        }
    }
}

impl<T: Real> Array<T> {
    /// E of sixteen pixels of a row of the patch: four kernel pixels each, by weight.
    #[inline(always)]
    fn overlap(&self, row: usize, column: usize, weights: [T; 4]) -> [T; LANES] {
        let above = &self.padded[row * self.stride + column..][..LANES + 1];
        let level = &self.padded[(row + 1) * self.stride + column..][..LANES + 1];
        let mut fractions = [T::ZERO; LANES];
        for lane in 0..LANES {
            let sum = weights[0] * level[lane + 1];
            let sum = weights[1].mul_add(level[lane], sum);
            let sum = weights[2].mul_add(above[lane + 1], sum);
            fractions[lane] = weights[3].mul_add(above[lane], sum);
        }
        fractions
    }
}

/// The first pixel that a kernel of `count` pixels touches, and its shift from there.
#[inline(always)]
fn corner(position: f64, count: usize) -> (i64, f64) {
    let start = (position - (count as f64 - 1.0) / 2.0).clamp(-1e12, 1e12);
    (start.floor() as i64, start - start.floor())
}
