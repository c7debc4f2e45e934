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
pub mod elliptical;
pub mod gaussian;
pub mod moffat;
pub mod phase;
pub mod psf;
pub mod wide;

pub use bands::{BAND_ROWS, deposit};
pub use psf::{Precision, Psf};

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

/// Consecutive whole rows of an image.
#[derive(Debug)]
pub struct Band<'a, T> {
    /// The pixels, row by row.
    pub pixels: &'a mut [T],
    /// Columns of the image.
    pub width: usize,
    /// Number of the first row.
    pub first_row: i64,
}

impl<T> Band<'_, T> {
    /// Rows of the band that lie in `top..=bottom` of the image: the first, and one past the last, counted in the band.
    #[inline(always)]
    fn rows(&self, top: i64, bottom: i64) -> (usize, usize) {
        let count = (self.pixels.len() / self.width) as i64;
        let first = (top - self.first_row).clamp(0, count);
        let last = (bottom + 1 - self.first_row).clamp(first, count);
        (first as usize, last as usize)
    }
}

/// A PSF that can be drawn.
pub trait Profile<T>: Sync {
    /// How far from the pixel that holds the star light is drawn [pixel]: columns and rows.
    fn reach(&self) -> (usize, usize);

    /// Adds the stars listed in `order`, in that order, to the rows of a band. Mark it `#[inline(always)]`.
    fn draw(&self, stars: Stars<'_>, order: &[u32], band: Band<'_, T>);
}

/// The pixel that holds a position.
#[inline(always)]
pub(crate) fn pixel_of(position: f64) -> i64 {
    (position + 0.5).floor().clamp(-1e12, 1e12) as i64
}
