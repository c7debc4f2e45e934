//! Deposition of point sources: the light of a star, integrated over each pixel, added to an image.
//!
//! | symbol | name     | shape      | unit                                    |
//! |--------|----------|------------|-----------------------------------------|
//! | q      | `image`  | `(ny, nx)` | any amount of light per pixel           |
//! | x, y   | `stars`  | `(n,)`     | pixels; pixel centres are at integers   |
//! | F      | `flux`   | `(n,)`     | as the image                            |
//! | E      | a PSF    | –          | 1: the fraction of F in one pixel       |
//!
//! Law: q\[j, i\] += F E(i - x, j - y), one rounding each, in the order of the catalog.
//!
//! Light beyond the edge of the image, and beyond the stated reach of a PSF, is lost and never put back; E is never negative
//! and sums to 1 over the plane. The result does not depend on threads, bands or the SIMD level, and is that of one star
//! at a time.
//!
//! Not modelled: a PSF that changes over the field or with the brightness of the star.

pub mod airy;
pub mod array;
pub mod bands;
pub mod blur;
pub mod elliptical;
pub mod galaxy;
pub mod gaussian;
pub mod moffat;
pub mod phase;
pub mod psf;
pub mod transform;
pub mod wide;

pub use bands::{BAND_ROWS, deposit};
pub use psf::{Precision, Psf};

use getframes_core::real::Real;
use std::ops::Range;

/// Point sources, as arrays.
#[derive(Clone, Copy, Debug)]
pub struct Stars<'a> {
    /// Columns [pixel].
    pub x: &'a [f64],
    /// Rows [pixel].
    pub y: &'a [f64],
    /// Total light of each star.
    pub flux: &'a [f64],
}

impl<'a> Stars<'a> {
    /// Stars `first..last`.
    fn slice(&self, first: usize, last: usize) -> Self {
        Self { x: &self.x[first..last], y: &self.y[first..last], flux: &self.flux[first..last] }
    }
}

/// A rectangle of an image that one thread draws in: some columns of consecutive rows.
#[derive(Debug)]
pub struct Tile<'a, T> {
    pixels: &'a mut [T],
    /// Pixels from one row to the next.
    stride: usize,
    height: usize,
    /// Row and column of the first pixel in the image.
    first_row: i64,
    first_column: usize,
    /// The columns of the image that may be drawn in.
    columns: Range<usize>,
}

/// Pixels that the innermost loops take at a time.
const LANES: usize = 16;

impl<'a, T: Real> Tile<'a, T> {
    /// The part of a patch that lies in the tile: its rows in the tile, and the number of patch rows above them.
    #[inline(always)]
    fn rows(&self, top: i64, count: usize) -> (Range<usize>, usize) {
        let offset = top - self.first_row;
        let first = offset.clamp(0, self.height as i64);
        let last = (offset + count as i64).clamp(first, self.height as i64);
        (first as usize..last as usize, (first - offset) as usize)
    }

    /// The columns `left..left + count` that lie in the tile.
    #[inline(always)]
    fn columns(&self, left: i64, count: usize) -> Range<usize> {
        let (start, end) = (self.columns.start as i64, self.columns.end as i64);
        let first = left.clamp(start, end);
        let last = (left + count as i64).clamp(first, end);
        first as usize..last as usize
    }

    /// Some pixels of a row of the tile; columns are those of the image.
    #[inline(always)]
    fn pixels(&mut self, row: usize, columns: Range<usize>) -> &mut [T] {
        let start = row * self.stride + columns.start - self.first_column;
        &mut self.pixels[start..start + columns.len()]
    }

    /// Adds `light` times `fractions`, of either precision, to sixteen pixels of a row, which begin at a column that need not be in the tile.
    #[inline(always)]
    fn add<V: Real>(&mut self, row: usize, column: i64, fractions: &[V; LANES], light: T) {
        if column >= self.columns.start as i64 && column + LANES as i64 <= self.columns.end as i64 {
            let start = row * self.stride + (column as usize - self.first_column);
            if let Some(pixels) = self.pixels[start..].first_chunk_mut::<LANES>() {
                for lane in 0..LANES {
                    pixels[lane] = T::of(fractions[lane].wide()).mul_add(light, pixels[lane]);
                }
            }
        } else {
            let columns = self.columns(column, LANES);
            let skipped = (columns.start as i64 - column) as usize;
            for (pixel, fraction) in self.pixels(row, columns).iter_mut().zip(&fractions[skipped.min(LANES)..]) {
                *pixel = T::of(fraction.wide()).mul_add(light, *pixel);
            }
        }
    }
}

/// A PSF that can be drawn.
pub trait Profile<T: Real>: Sync {
    /// How far from the pixel that holds the star light is drawn [pixel]: columns and rows.
    fn reach(&self) -> (usize, usize);

    /// Adds the stars listed in `order`, in that order, to a tile. Mark it `#[inline(always)]`.
    fn draw(&self, stars: Stars<'_>, order: &[u32], tile: Tile<'_, T>);
}

/// The pixel that holds a position; far positions stay far, and NaN is far.
#[inline(always)]
fn pixel_of(position: f64) -> i64 {
    // 2^52 + 2^51: the unit of the last place of a sum is then 1.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    let shifted = position.most(-1e12).least(1e12) + SHIFT;
    shifted.to_bits() as i64 - SHIFT.to_bits() as i64
}
