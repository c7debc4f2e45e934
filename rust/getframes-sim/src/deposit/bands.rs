//! Stars sorted into bands of rows: one thread owns a band and walks it in the order of the catalog.
//!
//! A star whose light falls into two bands is listed in both. The sum of a pixel thus has the order of the catalog, whatever
//! the number of threads and the height of a band.

use super::{Band, Profile, Stars, pixel_of};
use getframes_core::Error;
use getframes_core::pool::{self, Cancel};
use getframes_core::real::Real;
use getframes_core::simd::{self, Kernel};
use rayon::prelude::*;

/// Rows of a band: tall enough that few stars straddle two, small enough for the cache.
pub const BAND_ROWS: usize = 128;

/// Star numbers that are sorted at a time: 16 MiB of scratch memory, whatever the size of the catalog.
const LISTINGS: usize = 1 << 22;

/// Pixels below which waking the pool costs more than it saves.
const SERIAL_PIXELS: usize = 1 << 16;

/// Adds stars to an image of `shape` (rows, columns).
///
/// # Errors
/// [`Error::Shape`] when the arrays of the stars differ in length, or the image does not have `shape`;
/// [`Error::Interrupted`] when `cancel` asks for it, with part of the light in the image.
pub fn deposit<T: Real, P: Profile<T>>(
    profile: &P,
    stars: Stars<'_>,
    image: &mut [T],
    shape: (usize, usize),
    band_rows: usize,
    cancel: &Cancel,
) -> Result<(), Error> {
    let (height, width) = shape;
    Error::same_shape("image", &[image.len()], &[height * width])?;
    Error::same_shape("y", &[stars.y.len()], &[stars.x.len()])?;
    Error::same_shape("flux", &[stars.flux.len()], &[stars.x.len()])?;
    if image.is_empty() {
        return Ok(());
    }
    let band_rows = band_rows.clamp(1, height);
    let band_of_row = (0..height).map(|row| (row / band_rows) as u32).collect();
    let frame = Frame { height, width, band_rows, band_of_row, reach: profile.reach() };
    let capacity = (LISTINGS / frame.most_bands()).max(1);
    for first in (0..stars.x.len()).step_by(capacity) {
        let chunk = stars.slice(first, stars.x.len().min(first + capacity));
        frame.draw(profile, chunk, image, cancel);
        if cancel.is_cancelled() {
            return Err(Error::Interrupted);
        }
    }
    Ok(())
}

struct Frame {
    height: usize,
    width: usize,
    band_rows: usize,
    band_of_row: Vec<u32>,
    reach: (usize, usize),
}

impl Frame {
    fn bands(&self) -> usize {
        self.height.div_ceil(self.band_rows)
    }

    /// The most bands that one star can touch.
    fn most_bands(&self) -> usize {
        (2 * self.reach.1 / self.band_rows + 2).min(self.bands())
    }

    /// The bands that hold light of a star: the first, and one past the last.
    #[inline(always)]
    fn span(&self, x: f64, y: f64) -> (usize, usize) {
        let (column, row) = (pixel_of(x), pixel_of(y));
        let (reach_x, reach_y) = (self.reach.0 as i64, self.reach.1 as i64);
        let top = (row - reach_y).max(0);
        let bottom = (row + reach_y).min(self.height as i64 - 1);
        if column + reach_x < 0 || column - reach_x >= self.width as i64 || top > bottom {
            return (0, 0);
        }
        (self.band_of_row[top as usize] as usize, self.band_of_row[bottom as usize] as usize + 1)
    }

    /// Star numbers of each band, in catalog order: band `b` is `order[ends[b]..ends[b + 1]]`.
    #[inline(always)]
    fn sort(&self, stars: Stars<'_>) -> (Vec<usize>, Vec<u32>) {
        let mut ends = vec![0; self.bands() + 2];
        let places = || stars.x.iter().zip(stars.y);
        for (&x, &y) in places() {
            let (first, last) = self.span(x, y);
            for count in &mut ends[first + 2..last + 2] {
                *count += 1;
            }
        }
        for band in 1..ends.len() {
            ends[band] += ends[band - 1];
        }
        let mut order = vec![0; ends[ends.len() - 1]];
        for (number, (&x, &y)) in places().enumerate() {
            let (first, last) = self.span(x, y);
            for next in &mut ends[first + 1..last + 1] {
                order[*next] = number as u32;
                *next += 1;
            }
        }
        (ends, order)
    }

    fn draw<T: Real, P: Profile<T>>(&self, profile: &P, stars: Stars<'_>, image: &mut [T], cancel: &Cancel) {
        let (ends, order) = simd::dispatch(Sort(self, stars));
        let band_pixels = self.band_rows * self.width;
        let draw = |(band, pixels): (usize, &mut [T])| {
            let order = &order[ends[band]..ends[band + 1]];
            if !order.is_empty() && !cancel.is_cancelled() {
                let band = Band::new(pixels, self.width, band * self.band_rows);
                simd::dispatch(Draw { profile, stars, order, band });
            }
        };
        let patch = (2 * self.reach.0 + 1) * (2 * self.reach.1 + 1);
        if order.len().saturating_mul(patch) < SERIAL_PIXELS {
            image.chunks_mut(band_pixels).enumerate().for_each(draw);
        } else {
            pool::install(|| image.par_chunks_mut(band_pixels).enumerate().for_each(draw));
        }
    }
}

struct Sort<'a>(&'a Frame, Stars<'a>);

impl Kernel for Sort<'_> {
    type Output = (Vec<usize>, Vec<u32>);

    #[inline(always)]
    fn run(self) -> Self::Output {
        self.0.sort(self.1)
    }
}

struct Draw<'a, T, P> {
    profile: &'a P,
    stars: Stars<'a>,
    order: &'a [u32],
    band: Band<'a, T>,
}

impl<T: Real, P: Profile<T>> Kernel for Draw<'_, T, P> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.profile.draw(self.stars, self.order, self.band);
    }
}
