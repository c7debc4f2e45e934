//! A PSF given as an array: one value per pixel of the detector.
//!
//! | symbol | name     | shape    | unit                       |
//! |--------|----------|----------|----------------------------|
//! | K      | `kernel` | `(m, n)` | 1: fraction of the light   |
//!
//! Law: light is spread evenly over each pixel of the kernel, whose middle ((n - 1)/2, (m - 1)/2) lies on the star; E is the overlap with
//! the pixels of the image, so that a shift by fractions (a, b) of a pixel is bilinear:
//! E\[j, i\] = (1-b) ((1-a) K\[j, i\] + a K\[j, i-1\]) + b ((1-a) K\[j-1, i\] + a K\[j-1, i-1\]).

use super::{Profile, Stars, Tile};
use getframes_core::Error;
use getframes_core::real::Real;

/// A kernel with a margin of zeros.
#[derive(Clone, Debug)]
pub struct Array<T> {
    rows: usize,
    columns: usize,
    /// `(rows + 2) x (columns + 2)`.
    padded: Vec<T>,
}

impl Array<f64> {
    /// A kernel of `shape` (rows, columns), row by row; of values >= 0 and sum 1.
    ///
    /// # Errors
    /// [`Error::Shape`] when the kernel is empty or does not have that shape.
    pub fn new(kernel: &[f64], shape: (usize, usize)) -> Result<Self, Error> {
        let (rows, columns) = shape;
        Error::same_shape("kernel", &[kernel.len()], &[(rows * columns).max(1)])?;
        let mut padded = vec![0.0; (rows + 2) * (columns + 2)];
        for (values, line) in kernel.chunks_exact(columns).zip(padded.chunks_exact_mut(columns + 2).skip(1)) {
            line[1..=columns].copy_from_slice(values);
        }
        Ok(Self { rows, columns, padded })
    }

    /// The same kernel in another precision.
    pub fn to<T: Real>(&self) -> Array<T> {
        Array {
            rows: self.rows,
            columns: self.columns,
            padded: self.padded.iter().map(|&value| T::of(value)).collect(),
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
            let flux = stars.flux[star];
            // Weights of the kernel pixel itself and of the one before it, along x; the flux rides along.
            let (here_weight, before) = (T::of(1.0 - a), T::of(a));
            let (upper, lower) = (T::of(flux * (1.0 - b)), T::of(flux * b));
            let on_image = tile.columns(left, self.columns + 1);
            if on_image.is_empty() {
                continue;
            }
            let count = on_image.len();
            let from = (on_image.start as i64 - left) as usize;
            let (here, skipped) = tile.rows(top, self.rows + 1);
            for (line, row) in here.zip(skipped..) {
                let above = &self.padded[row * (self.columns + 2) + from..][..count + 1];
                let level = &self.padded[(row + 1) * (self.columns + 2) + from..][..count + 1];
                let pixels = &mut tile.pixels(line, on_image.clone())[..count];
                for column in 0..count {
                    let level = here_weight.mul_add(level[column + 1], before * level[column]);
                    let above = here_weight.mul_add(above[column + 1], before * above[column]);
                    pixels[column] += upper.mul_add(level, lower * above);
                }
            }
        }
    }
}

/// The first pixel that a kernel of `count` pixels touches, and its shift from there.
#[inline(always)]
fn corner(position: f64, count: usize) -> (i64, f64) {
    let start = (position - (count as f64 - 1.0) / 2.0).clamp(-1e12, 1e12);
    (start.floor() as i64, start - start.floor())
}
