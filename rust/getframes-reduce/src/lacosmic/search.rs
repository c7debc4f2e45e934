//! Where hits may be, and whether they are.

use super::neighbourhood::{Grid, Medians, Patches, Scales, Source, edges};
use super::{Background, CHUNK, EFFECT, LANES, Lacosmic, Noise, Planes, REACH, state};
use getframes_core::Real;
use getframes_core::pool::Cancel;
use getframes_core::simd::{self, Kernel};
use rayon::prelude::*;

/// Rows and columns of a tile: what is searched again when a pixel in it may have changed its mind.
const TILE: [usize; 2] = [16, 128];
/// Pixels about a tile that its search reads: those of M5.
const HALO: usize = 2;
/// How far rounding may lower a bound.
const SLACK: f64 = 1.0 - 1e-4;

/// One search: its limits, and what does not change from round to round.
pub(super) struct Search<'a, T> {
    law: &'a Lacosmic<'a, T>,
    cancel: &'a Cancel,
    shape: [usize; 2],
    grid: Grid,
    medians: Medians,
    scales: Scales<T>,
    background: Option<&'a [T]>,
    /// Limits of S' for hits, and for the neighbours of hits.
    pub(super) clip: T,
    pub(super) neighbour: T,
}

/// Tiles to be searched, by row of tiles.
pub(super) type Stale = Vec<Vec<bool>>;

impl<'a, T: Real> Search<'a, T> {
    pub(super) fn new(law: &'a Lacosmic<'a, T>, shape: [usize; 2], cancel: &'a Cancel) -> Self {
        let (scales, background) = match law.noise {
            Noise::Model { gain, read_noise_e, background: Background::Level(level) } => {
                (Scales::model(gain, read_noise_e, level), None)
            }
            Noise::Model { gain, read_noise_e, background: Background::Image(image) } => {
                (Scales::model(gain, read_noise_e, 0.0), Some(image))
            }
            Noise::Image(_) => (Scales::given(), None),
        };
        let (clip, neighbour) = (T::of(law.sigma_clip), T::of(law.sigma_clip * law.sigma_frac));
        let (grid, medians) = (Grid::new(shape), Medians::new());
        Self { law, cancel, shape, grid, medians, scales, background, clip, neighbour }
    }

    pub(super) fn all_tiles(&self) -> Stale {
        let [rows, columns] = [0, 1].map(|axis| self.shape[axis].div_ceil(TILE[axis]));
        vec![vec![true; columns]; rows]
    }

    /// Tiles in which something may be found that was not found before, after some pixels changed.
    pub(super) fn tiles_around(&self, changed: &[usize]) -> Stale {
        let [height, width] = self.shape;
        let mut stale = self.all_tiles();
        stale.iter_mut().for_each(|tiles| tiles.fill(false));
        for &index in changed {
            let (y, x) = (index / width, index % width);
            let rows = y.saturating_sub(EFFECT) / TILE[0]..=(y + EFFECT).min(height - 1) / TILE[0];
            let columns = x.saturating_sub(EFFECT) / TILE[1]..=(x + EFFECT).min(width - 1) / TILE[1];
            stale[rows].iter_mut().for_each(|tiles| tiles[columns.clone()].fill(true));
        }
        stale
    }

    fn source<'s>(&'s self, planes: &'s Planes<'_, T>) -> Source<'s, T> {
        Source {
            grid: &self.grid,
            medians: &self.medians,
            image: planes.image,
            variance: planes.variance.as_deref(),
            background: self.background,
            scales: self.scales,
        }
    }

    /// Pixels that are hits by themselves.
    pub(super) fn seeds(&self, planes: &Planes<'_, T>, stale: &Stale) -> Vec<usize> {
        let source = self.source(planes);
        let of_row = |(row, tiles): (usize, &Vec<bool>)| {
            if self.cancel.is_cancelled() || !tiles.contains(&true) {
                return Vec::new();
            }
            simd::dispatch(Row { search: self, source: &source, states: &*planes.state, row, tiles })
        };
        stale.par_iter().enumerate().map(of_row).collect::<Vec<_>>().concat()
    }

    /// S' of some pixels.
    pub(super) fn significances(&self, planes: &Planes<'_, T>, pixels: &[usize]) -> Vec<T> {
        self.each(planes, pixels, false)
    }

    /// M5 of the image at some pixels.
    pub(super) fn medians(&self, planes: &Planes<'_, T>, pixels: &[usize]) -> Vec<T> {
        self.each(planes, pixels, true)
    }

    fn each(&self, planes: &Planes<'_, T>, pixels: &[usize], median: bool) -> Vec<T> {
        let source = self.source(planes);
        let of_chunk = |pixels: &[usize]| {
            if self.cancel.is_cancelled() {
                return vec![T::ZERO; pixels.len()];
            }
            simd::dispatch(Listed { source: &source, pixels, median })
        };
        pixels.par_chunks(CHUNK).map(of_chunk).collect::<Vec<_>>().concat()
    }
}

/// Pixels of a list.
struct Listed<'a, T> {
    source: &'a Source<'a, T>,
    pixels: &'a [usize],
    median: bool,
}

impl<T: Real> Kernel for Listed<'_, T> {
    /// One value a pixel.
    type Output = Vec<T>;

    #[inline(always)]
    fn run(self) -> Vec<T> {
        let mut patches = Patches::new();
        let mut values = Vec::with_capacity(self.pixels.len());
        for pixels in self.pixels.chunks(LANES) {
            if self.median {
                patches.median(self.source, pixels);
            } else {
                patches.decide(self.source, pixels, false);
            }
            values.extend_from_slice(&patches.significance[..pixels.len()]);
        }
        values
    }
}

/// The stale tiles of a row of tiles.
struct Row<'a, T> {
    search: &'a Search<'a, T>,
    source: &'a Source<'a, T>,
    states: &'a [u8],
    row: usize,
    tiles: &'a [bool],
}

impl<T: Real> Kernel for Row<'_, T> {
    /// The seeds.
    type Output = Vec<usize>;

    #[inline(always)]
    fn run(self) -> Vec<usize> {
        let mut candidates = Vec::new();
        let mut room = Box::new(Room::new());
        for column in (0..self.tiles.len()).filter(|&column| self.tiles[column]) {
            self.sieve(column, &mut room, &mut candidates);
        }
        let mut seeds = Vec::new();
        let mut patches = Patches::new();
        let limit = T::of(self.search.law.object_limit);
        for pixels in candidates.chunks(LANES) {
            patches.decide(self.source, pixels, true);
            for (lane, &pixel) in pixels.iter().enumerate() {
                let (significance, fine) = (patches.significance[lane], patches.fine[lane]);
                if significance > self.search.clip && significance > limit * fine {
                    seeds.push(pixel);
                }
            }
        }
        seeds
    }
}

const ROWS: usize = TILE[0] + 2 * HALO;
const COLUMNS: usize = TILE[1] + 2 * HALO;

/// A tile with its halo.
struct Room<T> {
    image: [[T; COLUMNS]; ROWS],
    variance: [[T; COLUMNS]; ROWS],
    least: [T; COLUMNS],
    background: [T; TILE[1]],
    marks: [u8; TILE[1]],
}

impl<T: Real> Room<T> {
    fn new() -> Self {
        let tile = [[T::ZERO; COLUMNS]; ROWS];
        let (least, background) = ([T::ZERO; COLUMNS], [T::ZERO; TILE[1]]);
        Self { image: tile, variance: tile, least, background, marks: [0; TILE[1]] }
    }
}

impl<T: Real> Row<'_, T> {
    /// Adds the pixels of a tile that may be hits: g L > 2 c (least variance of 5 x 5)^1/2.
    #[inline(always)]
    fn sieve(&self, column: usize, room: &mut Room<T>, candidates: &mut Vec<usize>) {
        let (source, [height, width]) = (self.source, self.search.shape);
        let (y0, x0) = (self.row * TILE[0], column * TILE[1]);
        let (rows, columns) = (TILE[0].min(height - y0), TILE[1].min(width - x0));
        let corner = REACH - HALO;
        for row in 0..rows + 2 * HALO {
            let length = columns + 2 * HALO;
            source.grid.copy(source.image, y0 + corner + row, x0 + corner, &mut room.image[row][..length]);
            if let Some(variance) = source.variance {
                source.grid.copy(variance, y0 + corner + row, x0 + corner, &mut room.variance[row][..length]);
            }
        }
        for row in 0..rows {
            let first = (y0 + row) * width + x0;
            if let Some(background) = source.background {
                room.background[..columns].copy_from_slice(&background[first..first + columns]);
            }
            if self.mark(row, room) {
                let marks = room.marks[..columns].iter().zip(&self.states[first..]);
                let hits = marks.enumerate().filter(|(_, (mark, states))| **mark != 0 && **states & state::KEPT == 0);
                candidates.extend(hits.map(|(lane, _)| first + lane));
            }
        }
    }

    /// Marks the pixels of a row that may be hits; whether there is any.
    #[inline(always)]
    fn mark(&self, row: usize, room: &mut Room<T>) -> bool {
        let scales = &self.source.scales;
        let clip = T::of(2.0 * self.search.law.sigma_clip * SLACK);
        let tile = if self.source.variance.is_some() { &room.variance } else { &room.image };
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|below| &tile[row + below]);
        for column in 0..COLUMNS {
            let pairs = a[column].least(b[column]).least(d[column].least(e[column]));
            room.least[column] = pairs.least(c[column]);
        }
        let [above, centre, below] = [1, 2, 3].map(|below| &room.image[row + below]);
        let mut any = 0;
        for column in 0..TILE[1] {
            let l = &room.least[column..column + 5];
            let least = l[0].least(l[1]).least(l[3].least(l[4])).least(l[2]);
            let x = column + HALO;
            let edges = scales.gain * edges(centre[x], above[x], below[x], centre[x - 1], centre[x + 1]);
            let mark = u8::from(edges > clip * scales.deviation(least, room.background[column]));
            room.marks[column] = mark;
            any |= mark;
        }
        any != 0
    }
}
