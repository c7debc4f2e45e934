//! What is decided from the 9 x 9 pixels about each of [`LANES`] pixels.

use super::{LANES, LEAST_E, LEAST_FINE, REACH};
use getframes_core::Real;
use getframes_core::network::{Exchange, Selection, median_of_sorted_columns, run, sorting};

/// Pixels on a side of a patch.
const SIDE: usize = 2 * REACH + 1;
/// And of the part of it where the significance is known: two for M5, as the neighbours of a pixel have it.
const INNER: usize = SIDE - 4;

/// One value of every lane.
pub(super) type Lane<T> = [T; LANES];

/// Where pixels of an image lie that goes on beyond its edges as a mirror.
pub(super) struct Grid {
    width: usize,
    /// Index of the first pixel of rows -REACH ...
    rows: Vec<usize>,
    /// Column of columns -REACH ...
    columns: Vec<usize>,
}

impl Grid {
    pub(super) fn new([height, width]: [usize; 2]) -> Self {
        let mirrored = |length: usize| (0..length + 2 * REACH).map(move |at| mirror(at, length));
        Self { width, rows: mirrored(height).map(|row| row * width).collect(), columns: mirrored(width).collect() }
    }

    /// Row `y` - `REACH`, from column `x` - `REACH` on, into a buffer.
    #[inline(always)]
    pub(super) fn copy<T: Real>(&self, plane: &[T], y: usize, x: usize, to: &mut [T]) {
        let columns = &self.columns[x..x + to.len()];
        let row = &plane[self.rows[y]..self.rows[y] + self.width];
        if x >= REACH && x + to.len() <= self.width + REACH {
            to.copy_from_slice(&row[x - REACH..x - REACH + to.len()]);
        } else {
            for (to, &column) in to.iter_mut().zip(columns) {
                *to = row[column];
            }
        }
    }

    /// `reach` pixels on every side of each pixel, one lane a pixel; lanes that are left over repeat the first.
    #[inline(always)]
    fn gather<T: Real>(&self, plane: &[T], pixels: &[usize], reach: usize, to: &mut [Lane<T>]) {
        let side = 2 * reach + 1;
        let mut line = [T::ZERO; SIDE];
        for lane in 0..LANES {
            let pixel = pixels[if lane < pixels.len() { lane } else { 0 }];
            let (y, x) = (pixel / self.width + REACH - reach, pixel % self.width + REACH - reach);
            for row in 0..side {
                self.copy(plane, y + row, x, &mut line[..side]);
                for column in 0..side {
                    to[row * side + column][lane] = line[column];
                }
            }
        }
    }
}

/// Index `at` - `REACH` of an axis, mirrored at its first and last pixel as often as it takes.
fn mirror(at: usize, length: usize) -> usize {
    if length == 1 {
        return 0;
    }
    let period = 2 * (length - 1);
    let folded = (at + period * REACH - REACH) % period;
    folded.min(period - folded)
}

/// Networks of the median of a square.
pub(super) struct Median {
    side: usize,
    column: Vec<Exchange>,
    rest: Selection,
}

impl Median {
    fn new(side: usize) -> Self {
        Self { side, column: sorting(side), rest: median_of_sorted_columns(side) }
    }

    /// Medians of all squares that fit into a patch of `width` x `width`. Squares side by side share their sorted columns.
    #[inline(always)]
    fn take<T: Real>(&self, patch: &[Lane<T>], width: usize, room: &mut Sorted<T>, to: &mut [Lane<T>]) {
        let (side, count) = (self.side, width + 1 - self.side);
        for y in 0..count {
            for x in 0..width {
                let column = &mut room.columns[x * side..(x + 1) * side];
                for (row, value) in column.iter_mut().enumerate() {
                    *value = patch[(y + row) * width + x];
                }
                run(&self.column, column);
            }
            for x in 0..count {
                let square = &mut room.square[..side * side];
                square.copy_from_slice(&room.columns[x * side..(x + side) * side]);
                run(&self.rest.exchanges, square);
                to[y * count + x] = square[self.rest.wire];
            }
        }
    }
}

/// M3, M5 and M7.
pub(super) struct Medians {
    three: Median,
    five: Median,
    seven: Median,
}

impl Medians {
    pub(super) fn new() -> Self {
        Self { three: Median::new(3), five: Median::new(5), seven: Median::new(7) }
    }
}

/// Room for [`Median::take`].
struct Sorted<T> {
    columns: [Lane<T>; 7 * 7],
    square: [Lane<T>; 7 * 7],
}

/// Room for the pixels about [`LANES`] pixels, and what follows from them.
pub(super) struct Patches<T> {
    image: [Lane<T>; SIDE * SIDE],
    variance: [Lane<T>; SIDE * SIDE],
    background: [Lane<T>; INNER * INNER],
    /// M5 of what the variance comes from, then V^1/2, then S.
    inner: [Lane<T>; INNER * INNER],
    smooth: [Lane<T>; 7 * 7],
    sorted: Sorted<T>,
    /// S'.
    pub(super) significance: Lane<T>,
    /// max(g F / V^1/2, 0.01).
    pub(super) fine: Lane<T>,
}

/// The planes of a search, and the noise they have.
pub(super) struct Source<'a, T> {
    pub(super) grid: &'a Grid,
    pub(super) medians: &'a Medians,
    pub(super) image: &'a [T],
    pub(super) variance: Option<&'a [T]>,
    pub(super) background: Option<&'a [T]>,
    pub(super) scales: Scales<T>,
}

/// Numbers of the noise: V = max(`slope` (M5 + level), `least`) + `constant`.
#[derive(Clone, Copy)]
pub(super) struct Scales<T> {
    pub(super) gain: T,
    pub(super) slope: T,
    pub(super) level: T,
    pub(super) least: T,
    pub(super) constant: T,
}

impl<T: Real> Scales<T> {
    /// Of a noise model: `level` is a background that is the same everywhere.
    pub(super) fn model(gain: f64, read_noise_e: f64, level: f64) -> Self {
        let constant = T::of(read_noise_e * read_noise_e);
        Self { gain: T::of(gain), slope: T::of(gain), level: T::of(level), least: T::of(LEAST_E), constant }
    }

    /// Of a given variance.
    pub(super) fn given() -> Self {
        Self { gain: T::ONE, slope: T::ONE, level: T::ZERO, least: T::ZERO, constant: T::ZERO }
    }

    /// V^1/2.
    #[inline(always)]
    pub(super) fn deviation(&self, median: T, background: T) -> T {
        ((self.slope * (median + self.level + background)).most(self.least) + self.constant).sqrt()
    }
}

/// L.
#[inline(always)]
pub(super) fn edges<T: Real>(centre: T, above: T, below: T, left: T, right: T) -> T {
    let twice = centre + centre;
    let (above, below) = (twice - above, twice - below);
    let corners = ((above - left).most(T::ZERO) + (above - right).most(T::ZERO))
        + ((below - left).most(T::ZERO) + (below - right).most(T::ZERO));
    corners * T::of(0.25)
}

impl<T: Real> Patches<T> {
    pub(super) fn new() -> Box<Self> {
        let zero = [T::ZERO; LANES];
        Box::new(Self {
            image: [zero; SIDE * SIDE],
            variance: [zero; SIDE * SIDE],
            background: [zero; INNER * INNER],
            inner: [zero; INNER * INNER],
            smooth: [zero; 7 * 7],
            sorted: Sorted { columns: [zero; 7 * 7], square: [zero; 7 * 7] },
            significance: zero,
            fine: zero,
        })
    }

    /// M5 of the image, of up to [`LANES`] pixels, into `significance`.
    #[inline(always)]
    pub(super) fn median(&mut self, source: &Source<'_, T>, pixels: &[usize]) {
        source.grid.gather(source.image, pixels, 2, &mut self.image);
        let to = std::slice::from_mut(&mut self.significance);
        source.medians.five.take(&self.image[..25], 5, &mut self.sorted, to);
    }

    /// S', and where it is asked for the fine structure, of up to [`LANES`] pixels.
    #[inline(always)]
    pub(super) fn decide(&mut self, source: &Source<'_, T>, pixels: &[usize], fine: bool) {
        let (grid, medians, scales) = (source.grid, source.medians, source.scales);
        grid.gather(source.image, pixels, REACH, &mut self.image);
        match source.variance {
            Some(variance) => {
                grid.gather(variance, pixels, REACH, &mut self.variance);
                medians.five.take(&self.variance, SIDE, &mut self.sorted, &mut self.inner);
            }
            None => medians.five.take(&self.image, SIDE, &mut self.sorted, &mut self.inner),
        }
        if let Some(background) = source.background {
            grid.gather(background, pixels, 2, &mut self.background);
        }
        let mut deviation = [T::ZERO; LANES];
        for place in 0..INNER * INNER {
            let centre = (place / INNER + 2) * SIDE + place % INNER + 2;
            let near = [centre, centre - SIDE, centre + SIDE, centre - 1, centre + 1].map(|at| &self.image[at]);
            for lane in 0..LANES {
                let [centre, above, below, left, right] = near.map(|lanes| lanes[lane]);
                deviation[lane] = scales.deviation(self.inner[place][lane], self.background[place][lane]);
                let edges = scales.gain * edges(centre, above, below, left, right);
                self.inner[place][lane] = edges / (deviation[lane] + deviation[lane]);
            }
            if place == INNER * INNER / 2 {
                self.fine = deviation;
            }
        }
        let to = std::slice::from_mut(&mut self.significance);
        medians.five.take(&self.inner, INNER, &mut self.sorted, to);
        for lane in 0..LANES {
            self.significance[lane] = self.inner[INNER * INNER / 2][lane] - self.significance[lane];
        }
        if fine {
            medians.three.take(&self.image, SIDE, &mut self.sorted, &mut self.smooth);
            let to = std::slice::from_mut(&mut deviation);
            medians.seven.take(&self.smooth, 7, &mut self.sorted, to);
            for lane in 0..LANES {
                let structure = self.smooth[7 * 7 / 2][lane] - deviation[lane];
                self.fine[lane] = (scales.gain * structure / self.fine[lane]).most(T::of(LEAST_FINE));
            }
        }
    }
}
