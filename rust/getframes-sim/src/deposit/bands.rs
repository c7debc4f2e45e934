//! Stars sorted into bands of rows: one thread owns a band and walks it in the order of the catalog.
//!
//! A star whose light falls into two bands is listed in both. The sum of a pixel thus has the order of the catalog, whatever
//! the number of threads and the height of a band.
//!
//! Rows of a power of two of bytes fall on the same lines of a cache. Where many stars are drawn in such an image, bands are cut into
//! tiles by the same rule, and a tile is drawn in a copy whose rows are a little longer.

use super::{Profile, Stars, Tile, pixel_of};
use getframes_core::Error;
use getframes_core::pool::{self, Cancel};
use getframes_core::real::Real;
use getframes_core::simd::{self, Kernel};
use rayon::prelude::*;
use std::ops::Range;

/// Rows of a band: tall enough that few stars straddle two, low enough for the cache.
pub const BAND_ROWS: usize = 128;

/// Bytes of a tile: half of a second-level cache.
const TILE_BYTES: usize = 1 << 19;

/// Rows whose length is a multiple of this many bytes compete for the cache.
const COMPETING: usize = 1024;

/// Pixels of stars per pixel of the image, above which copying a tile pays.
const CROWDED: usize = 2;

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
    let rows = Cuts::new(height, band_rows, profile.reach().1);
    let reach_x = profile.reach().0;
    let crowded = stars.x.len().saturating_mul(rows.patch() * (2 * reach_x + 1)) > CROWDED * image.len();
    let tiled = crowded && (width * size_of::<T>()).is_multiple_of(COMPETING);
    let columns = Cuts::new(width, if tiled { tile_columns::<T>(rows.step, reach_x) } else { width }, reach_x);
    let frame = Frame { rows, columns, tiled };
    let capacity = (LISTINGS / (frame.rows.most() * frame.columns.most())).max(1);
    for first in (0..stars.x.len()).step_by(capacity) {
        let chunk = stars.slice(first, stars.x.len().min(first + capacity));
        frame.draw(profile, chunk, image, cancel)?;
        if cancel.is_cancelled() {
            return Err(Error::Interrupted);
        }
    }
    Ok(())
}

/// Columns of a tile: whole rows where a patch is not narrow against it.
fn tile_columns<T>(rows: usize, reach: usize) -> usize {
    let columns = (TILE_BYTES / (rows * size_of::<T>())).next_multiple_of(64);
    if columns > 16 * reach { columns } else { usize::MAX }
}

/// One axis of an image, cut into equal parts.
struct Cuts {
    count: usize,
    step: usize,
    part_of: Vec<u32>,
    /// Pixels that a star reaches on each side.
    reach: i64,
}

impl Cuts {
    fn new(count: usize, step: usize, reach: usize) -> Self {
        let step = step.clamp(1, count);
        let part_of = (0..count).map(|pixel| (pixel / step) as u32).collect();
        Self { count, step, part_of, reach: reach as i64 }
    }

    /// Pixels of a patch.
    fn patch(&self) -> usize {
        2 * self.reach as usize + 1
    }

    fn parts(&self) -> usize {
        self.count.div_ceil(self.step)
    }

    /// The most parts that one star can touch.
    fn most(&self) -> usize {
        (2 * self.reach as usize / self.step + 2).min(self.parts())
    }

    /// The parts that hold light of a star; none when it is off the image.
    #[inline(always)]
    fn span(&self, position: f64) -> Range<usize> {
        let pixel = pixel_of(position);
        let first = (pixel - self.reach).max(0);
        let last = (pixel + self.reach).min(self.count as i64 - 1);
        if first > last {
            return 0..0;
        }
        self.part_of[first as usize] as usize..self.part_of[last as usize] as usize + 1
    }
}

struct Frame {
    rows: Cuts,
    columns: Cuts,
    /// Whether crowded tiles are drawn in a copy.
    tiled: bool,
}

impl Frame {
    /// Star numbers of each tile, in catalog order: tile `t` is `order[ends[t]..ends[t + 1]]`; tiles count along a band.
    #[inline(always)]
    fn sort(&self, stars: Stars<'_>) -> (Vec<usize>, Vec<u32>) {
        let across = self.columns.parts();
        let mut ends = vec![0; self.rows.parts() * across + 2];
        let places = || stars.x.iter().zip(stars.y);
        for (&x, &y) in places() {
            let tiles = self.columns.span(x);
            for band in self.rows.span(y) {
                for count in &mut ends[band * across + 2..][tiles.clone()] {
                    *count += 1;
                }
            }
        }
        for tile in 1..ends.len() {
            ends[tile] += ends[tile - 1];
        }
        let mut order = vec![0; ends[ends.len() - 1]];
        for (number, (&x, &y)) in places().enumerate() {
            let tiles = self.columns.span(x);
            for band in self.rows.span(y) {
                for next in &mut ends[band * across + 1..][tiles.clone()] {
                    order[*next] = number as u32;
                    *next += 1;
                }
            }
        }
        (ends, order)
    }

    fn draw<T: Real, P: Profile<T>>(
        &self,
        profile: &P,
        stars: Stars<'_>,
        image: &mut [T],
        cancel: &Cancel,
    ) -> Result<(), Error> {
        let (ends, order) = simd::dispatch(Sort(self, stars));
        let (width, across) = (self.columns.count, self.columns.parts());
        let patch = self.columns.patch() * self.rows.patch();
        let draw = |(band, pixels): (usize, &mut [T])| {
            let mut copy = Vec::new();
            for number in 0..across {
                let order = &order[ends[band * across + number]..ends[band * across + number + 1]];
                if order.is_empty() || cancel.is_cancelled() {
                    continue;
                }
                let left = number * self.columns.step;
                let place = Place {
                    width,
                    first_row: band * self.rows.step,
                    columns: left..(left + self.columns.step).min(width),
                };
                let crowded = self.tiled && order.len() * patch > CROWDED * pixels.len() / across;
                place.visit(pixels, crowded.then_some(&mut copy), |tile| {
                    simd::dispatch(Draw { profile, stars, order, tile })
                });
            }
        };
        let band_pixels = self.rows.step * width;
        if order.len().saturating_mul(patch) < SERIAL_PIXELS {
            image.chunks_mut(band_pixels).enumerate().for_each(draw);
            return Ok(());
        }
        pool::install(|| {
            image.par_chunks_mut(band_pixels).enumerate().for_each(draw);
            Ok(())
        })
    }
}

/// Where a tile lies in an image.
struct Place {
    width: usize,
    first_row: usize,
    columns: Range<usize>,
}

impl Place {
    /// Hands the tile to `draw`: in the rows of its band, or in a copy of longer rows.
    fn visit<T: Real>(self, band: &mut [T], copy: Option<&mut Vec<T>>, draw: impl FnOnce(Tile<'_, T>)) {
        let height = band.len() / self.width;
        let first_row = self.first_row as i64;
        let Some(copy) = copy else {
            let (stride, columns) = (self.width, self.columns);
            return draw(Tile { pixels: band, stride, height, first_row, first_column: 0, columns });
        };
        let (stride, first_column) = (self.columns.len() + 64 / size_of::<T>(), self.columns.start);
        copy.resize(height * stride, T::ZERO);
        for (line, row) in copy.chunks_exact_mut(stride).zip(band.chunks_exact(self.width)) {
            line[..self.columns.len()].copy_from_slice(&row[self.columns.clone()]);
        }
        draw(Tile { pixels: copy, stride, height, first_row, first_column, columns: self.columns.clone() });
        for (line, row) in copy.chunks_exact(stride).zip(band.chunks_exact_mut(self.width)) {
            row[self.columns.clone()].copy_from_slice(&line[..self.columns.len()]);
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
    tile: Tile<'a, T>,
}

impl<T: Real, P: Profile<T>> Kernel for Draw<'_, T, P> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.profile.draw(self.stars, self.order, self.tile);
    }
}
