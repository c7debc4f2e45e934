//! Sources that are mixtures of Gaussians drawn into an image: galaxies behind a PSF ([`super::blur`]), and stars whose PSF is their own.
//!
//! Law: q\[j, i\] += F Σ_k w_k ∫ N(u; 0, C_k) du over the pixel, one rounding each, in the order of the catalog; w and C are those of the
//! source convolved with the PSF.
//!
//! Pixel integrals: 1/12, the variance of a pixel, is added to both variances of a Gaussian. Where one is narrower than [`WIDE`], the
//! fourth and sixth cumulant of the pixel count as well; below 0.6 pixel it is integrated by Gauss-Legendre nodes instead. Each Gaussian is drawn to where [`LOST`] of the light of the source is left, in blocks of sixteen pixels about the
//! pixel that holds the source. Like the other sampled profiles, E is computed in f32 for images of either precision.

use super::blur::{Convolution, Parts};
use super::{LANES, Stars, Tile, pixel_of};
use getframes_core::Error;
use getframes_core::pool::{self, Cancel};
use getframes_core::profile::Component;
use getframes_core::real::Real;
use getframes_core::simd::{self, Kernel};
use rayon::prelude::*;

/// Standard deviation above which a pixel is a widening [pixel].
pub const WIDE: f64 = 1.6;

/// Standard deviation above which the series of the pixel is right to 2e-4 of a Gaussian [pixel].
const SERIES: f64 = 0.6;

/// Light of a source that one of its Gaussians may leave undrawn.
pub const LOST: f64 = 3e-5;

/// The same for the wings of a PSF.
const LOST_OF_WINGS: f64 = 1e-4;

/// Above this standard deviation a row follows from the one above it [pixel].
const RECURRED: f64 = 4.0;

/// Rows of a block.
const ROWS: usize = 16;

/// Rows of an image that one thread draws.
const BAND_ROWS: usize = 64;

/// Sources whose Gaussians are held at a time.
const AT_ONCE: usize = 4096;

/// Sources below which waking the pool costs more than it saves.
const SERIAL: usize = 4;

/// Images of the parts of sources that have no mixture, made by [`super::transform`]; a source is at (side / 2, side / 2) plus
/// its distance from the middle of its pixel.
#[derive(Clone, Copy, Debug)]
pub struct Stamps<'a> {
    /// Rows, and columns, of the stamp of each source; 0 where it has none.
    pub sides: &'a [usize],
    /// The stamps, row by row, one after the other: shares of the light.
    pub values: &'a [f32],
}

/// The stamp of one source.
#[derive(Clone, Copy, Debug)]
struct Stamp<'a> {
    side: usize,
    values: &'a [f32],
}

/// Adds galaxies, and stars, to an image of `shape` (rows, columns).
///
/// # Errors
/// [`Error::Shape`] when arrays do not fit together, [`Error::Interrupted`] when `cancel` asks for it, with part of the light in the image.
pub fn deposit<T: Real>(
    stars: Stars<'_>,
    sources: &Convolution<'_>,
    stamps: Option<Stamps<'_>>,
    image: &mut [T],
    shape: (usize, usize),
    cancel: &Cancel,
) -> Result<(), Error> {
    let (height, width) = shape;
    let count = stars.x.len();
    Error::same_shape("image", &[image.len()], &[height * width])?;
    Error::same_shape("y", &[stars.y.len()], &[count])?;
    Error::same_shape("flux", &[stars.flux.len()], &[count])?;
    let mut starts = vec![0];
    if let Some(stamps) = stamps {
        Error::same_shape("sides", &[stamps.sides.len()], &[count])?;
        for &side in stamps.sides {
            starts.push(starts[starts.len() - 1] + side * side);
        }
        Error::same_shape("stamps", &[stamps.values.len()], &[starts[count]])?;
    }
    if image.is_empty() || count == 0 {
        return Ok(());
    }
    let field = Field { stars, sources, stamps, starts, width };
    for first in (0..count).step_by(AT_ONCE) {
        let some = first..(first + AT_ONCE).min(count);
        if some.len() > SERIAL {
            pool::install(|| {
                let drawn: Vec<_> = some.clone().into_par_iter().map(|source| field.drawn(source)).collect();
                let draw = |(band, pixels)| field.draw(first, &drawn, band * BAND_ROWS, pixels, cancel);
                image.par_chunks_mut(BAND_ROWS * width).enumerate().for_each(draw);
                Ok(())
            })?;
        } else {
            let drawn: Vec<_> = some.map(|source| field.drawn(source)).collect();
            let draw = |(band, pixels)| field.draw(first, &drawn, band * BAND_ROWS, pixels, cancel);
            image.chunks_mut(BAND_ROWS * width).enumerate().for_each(draw);
        }
    }
    if cancel.is_cancelled() { Err(Error::Interrupted) } else { Ok(()) }
}

struct Field<'a> {
    stars: Stars<'a>,
    sources: &'a Convolution<'a>,
    stamps: Option<Stamps<'a>>,
    /// Where the values of each stamp begin.
    starts: Vec<usize>,
    width: usize,
}

impl Field<'_> {
    fn stamp(&self, source: usize) -> Stamp<'_> {
        match self.stamps {
            Some(stamps) => Stamp {
                side: stamps.sides[source],
                values: &stamps.values[self.starts[source]..self.starts[source + 1]],
            },
            None => Stamp { side: 0, values: &[] },
        }
    }

    /// The Gaussians of a source; none where it is off the columns.
    fn drawn(&self, source: usize) -> Gaussians {
        let mut made = Gaussians::default();
        simd::dispatch(Mix { sources: self.sources, source, drawn: &mut made.drawn });
        let half = self.stamp(source).half();
        let far = |side: fn(&Drawn) -> i64| made.drawn.iter().map(side).fold(half, i64::max);
        made.reach = (far(|drawn| drawn.reach.0), far(|drawn| drawn.reach.1));
        let column = pixel_of(self.stars.x[source]);
        let (left, right) = (column - made.reach.0, column + made.reach.0);
        if right < -(LANES as i64) || left > (self.width + LANES) as i64 { Gaussians::default() } else { made }
    }

    /// Adds the sources from `first` on to a band of rows.
    fn draw<T: Real>(&self, first: usize, sources: &[Gaussians], first_row: usize, pixels: &mut [T], cancel: &Cancel) {
        let height = pixels.len() / self.width;
        let rows = first_row as i64 - ROWS as i64..(first_row + height + ROWS) as i64;
        for (source, gaussians) in (first..).zip(sources) {
            let (row, reach) = (pixel_of(self.stars.y[source]), gaussians.reach.1);
            let stamp = self.stamp(source);
            let nothing = gaussians.drawn.is_empty() && (stamp.side == 0 || gaussians.reach.0 == 0);
            if nothing || row + reach < rows.start || row - reach >= rows.end {
                continue;
            }
            if cancel.is_cancelled() {
                return;
            }
            let tile = Tile {
                pixels: &mut *pixels,
                stride: self.width,
                height,
                first_row: first_row as i64,
                first_column: 0,
                columns: 0..self.width,
            };
            let (place, centre) = ((self.stars.x[source], self.stars.y[source]), self.sources.blur.centre());
            simd::dispatch(Draw { gaussians, stamp, place, centre, flux: T::of(self.stars.flux[source]), tile });
        }
    }
}

/// The Gaussians of a source, and how many pixels it reaches on each side, with its stamp.
#[derive(Clone, Debug, Default)]
struct Gaussians {
    drawn: Vec<Drawn>,
    reach: (i64, i64),
}

/// Light of sixteen by sixteen pixels, each row one line of the cache.
#[repr(align(64))]
struct Block([[f32; LANES]; ROWS]);

/// A Gaussian ready to be drawn.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    amplitude: f32,
    /// Half of the inverse covariance: the exponent is -(a u² + 2 b u v + c v²).
    form: (f32, f32, f32),
    /// Pixels drawn on each side.
    reach: (i64, i64),
    /// Square root of the exponent where a block is left out that has its middle farther out.
    farthest: f32,
    way: Way,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// Nodes of the rule an axis.
    Nodes(&'static [(f64, f64)]),
    /// The series of the pixel: cubics of the squared slope along each axis.
    Series([[f32; 4]; 2]),
    Wide,
    Recurred,
}

impl Drawn {
    /// The Gaussians of a mixture, without those that hold little light at no brightness.
    #[inline(always)]
    fn all(parts: &Parts, drawn: &mut Vec<Self>) {
        let brightness = |component: &Component| component.weight / component.axes().0;
        let peak: f64 = parts.mixture.iter().map(brightness).sum();
        let seen = |component: &&Component| component.weight > LOST || brightness(component) > LOST * peak;
        drawn.clear();
        let (near, wings) = parts.mixture.split_at(parts.mixture.len() - parts.wings);
        drawn.extend(near.iter().filter(seen).map(|&component| Self::new(component, LOST)));
        drawn.extend(wings.iter().map(|&component| Self::new(component, LOST_OF_WINGS)));
    }

    #[inline(always)]
    fn new(component: Component, lost: f64) -> Self {
        let (minor, _) = component.axes();
        let mut way = way(minor.sqrt());
        let widening = if matches!(way, Way::Nodes(_)) { 0.0 } else { 1.0 / 12.0 };
        let (xx, xy, yy) = (component.xx + widening, component.xy, component.yy + widening);
        let determinant = xx * yy - xy * xy;
        if let Way::Series(cubics) = &mut way {
            *cubics = [pixel_series(yy / determinant), pixel_series(xx / determinant)];
        }
        let cut: f64 = (2.0 * Real::logarithm(component.weight / lost)).max(4.0);
        let reach = |variance: f64| ((cut * variance).sqrt() + 0.5).ceil().min(1e9) as i64;
        let form = (0.5 * yy / determinant, -0.5 * xy / determinant, 0.5 * xx / determinant);
        // The square root of the exponent is a norm: no pixel of a block is farther in than its middle less a corner.
        let corner = 0.5 * LANES as f64 * (form.0 + form.2 + 2.0 * form.1.abs()).sqrt();
        Self {
            amplitude: (component.weight / (std::f64::consts::TAU * determinant.sqrt())) as f32,
            form: (form.0 as f32, form.1 as f32, form.2 as f32),
            reach: (reach(xx), reach(yy)),
            farthest: ((0.5 * cut).sqrt() + corner) as f32,
            way,
        }
    }

    /// Square root of the exponent at a distance from the middle.
    #[inline(always)]
    fn norm(&self, u: f64, v: f64) -> f32 {
        let (a, b, c) = self.form;
        let (u, v) = (u as f32, v as f32);
        Real::mul_add(Real::mul_add(a, u, 2.0 * b * v), u, c * v * v).most(0.0).sqrt()
    }

    /// Whether pixels `columns..columns + 16`, `rows..rows + 16` from the source's own are reached.
    #[inline(always)]
    fn touches(&self, column: i64, row: i64) -> bool {
        if column > self.reach.0
            || column + (LANES as i64) <= -self.reach.0
            || row > self.reach.1
            || row + (ROWS as i64) <= -self.reach.1
        {
            return false;
        }
        self.norm((column + LANES as i64 / 2) as f64, (row + ROWS as i64 / 2) as f64) <= self.farthest
    }

    /// Adds the Gaussian to a block whose first pixel lies at (u, v) from the source.
    #[inline(always)]
    fn add(&self, (u, v): (f64, f64), block: &mut Block) {
        match self.way {
            Way::Recurred => self.add_recurred(u as f32, v as f32, block),
            Way::Series(cubics) => self.add_series(u as f32, v as f32, &cubics, block),
            Way::Wide => self.add_sampled(u as f32, v as f32, self.amplitude, block),
            Way::Nodes(rule) => {
                for &(q, row_weight) in rule {
                    for &(p, weight) in rule {
                        let amplitude = self.amplitude * (row_weight * weight) as f32;
                        self.add_sampled((u + p) as f32, (v + q) as f32, amplitude, block);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn add_sampled(&self, u: f32, v: f32, amplitude: f32, block: &mut Block) {
        let (a, b, c) = self.form;
        let mut across = [0.0; LANES];
        let mut slope = [0.0; LANES];
        for lane in 0..LANES {
            let u = u + lane as f32;
            across[lane] = a * u * u;
            slope[lane] = 2.0 * b * u;
        }
        for (row, line) in block.0.iter_mut().enumerate() {
            let v = v + row as f32;
            let down = c * v * v;
            for lane in 0..LANES {
                let form = Real::mul_add(slope[lane], v, across[lane] + down);
                let value = (-form).most(-80.0).exponential();
                line[lane] = Real::mul_add(amplitude, value, line[lane]);
            }
        }
    }

    /// The Gaussian smoothed by the pixel: its variance is in the form, the cumulants beyond are in `cubics`.
    #[inline(always)]
    fn add_series(&self, u: f32, v: f32, [across, down]: &[[f32; 4]; 2], block: &mut Block) {
        let (a, b, c) = self.form;
        for (row, line) in block.0.iter_mut().enumerate() {
            let v = v + row as f32;
            for (lane, sum) in line.iter_mut().enumerate() {
                let u = u + lane as f32;
                let (x, y) = (Real::mul_add(a, u, b * v), Real::mul_add(b, u, c * v));
                let form = Real::mul_add(x, u, y * v);
                let pixel = cubic(across, x * x) + cubic(down, y * y);
                *sum = Real::mul_add(self.amplitude * pixel.most(0.0), (-form).most(-80.0).exponential(), *sum);
            }
        }
    }

    /// g(v + 1) = g(v) r(v), r(v + 1) = r(v) e^(-2c).
    #[inline(always)]
    fn add_recurred(&self, u: f32, v: f32, block: &mut Block) {
        let (a, b, c) = self.form;
        let mut value = [0.0; LANES];
        let mut ratio = [0.0; LANES];
        for lane in 0..LANES {
            let u = u + lane as f32;
            let form = a * u * u + (2.0 * b * u + c * v) * v;
            value[lane] = self.amplitude * (-form).most(-60.0).exponential();
            // Steeper only where there is no light.
            ratio[lane] = (-(2.0 * b * u + c * (2.0 * v + 1.0))).least(2.6).most(-60.0).exponential();
        }
        let step = (-2.0 * c).exponential();
        for line in &mut block.0 {
            for lane in 0..LANES {
                line[lane] += value[lane];
                value[lane] *= ratio[lane];
                ratio[lane] *= step;
            }
        }
    }
}

impl Stamp<'_> {
    fn half(&self) -> i64 {
        self.side as i64 / 2
    }

    /// Adds the part of the stamp in a block, whose first pixel lies `left` columns and `top` rows from the source's own.
    #[inline(always)]
    fn add(&self, (left, top): (i64, i64), block: &mut Block) -> bool {
        let (half, side) = (self.half(), self.side as i64);
        let first = (-half - left).clamp(0, LANES as i64);
        let end = (side - half - left).clamp(first, LANES as i64);
        let rows = (-half - top).clamp(0, ROWS as i64)..(side - half - top).clamp(0, ROWS as i64);
        if first == end || rows.is_empty() {
            return false;
        }
        for row in rows {
            let start = (row + top + half) * side + left + half + first;
            let values = &self.values[start as usize..(start + end - first) as usize];
            for (pixel, value) in block.0[row as usize][first as usize..end as usize].iter_mut().zip(values) {
                *pixel += value;
            }
        }
        true
    }
}

/// The Gaussians of one source.
struct Mix<'a, 'b> {
    sources: &'a Convolution<'b>,
    source: usize,
    drawn: &'a mut Vec<Drawn>,
}

impl Kernel for Mix<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let mut parts = Parts::default();
        self.sources.part(self.source, &mut parts);
        Drawn::all(&parts, self.drawn);
        let [x, y] = self.sources.blur.centre();
        for drawn in self.drawn {
            drawn.reach.0 += x.abs().ceil() as i64;
            drawn.reach.1 += y.abs().ceil() as i64;
            drawn.farthest += drawn.norm(x, y);
        }
    }
}

struct Draw<'a, 'b, T> {
    gaussians: &'a Gaussians,
    stamp: Stamp<'a>,
    place: (f64, f64),
    centre: [f64; 2],
    flux: T,
    tile: Tile<'b, T>,
}

impl<T: Real> Kernel for Draw<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let (x, y) = self.place;
        let (column, row) = (pixel_of(x), pixel_of(y));
        let (reach_x, reach_y) = self.gaussians.reach;
        let rows = self.tile.first_row - row..self.tile.first_row + self.tile.height as i64 - row;
        let columns = self.tile.columns.start as i64 - column..self.tile.columns.end as i64 - column;
        for top in blocks(rows.start.max(-reach_y), rows.end.min(reach_y + 1), ROWS) {
            for left in blocks(columns.start.max(-reach_x), columns.end.min(reach_x + 1), LANES) {
                let mut block = Block([[0.0; LANES]; ROWS]);
                let [p, q] = self.centre;
                let offset = ((column + left) as f64 - x - p, (row + top) as f64 - y - q);
                let mut touched = false;
                for drawn in &self.gaussians.drawn {
                    if drawn.touches(left, top) {
                        drawn.add(offset, &mut block);
                        touched = true;
                    }
                }
                if self.stamp.add((left, top), &mut block) {
                    touched = true;
                    for value in block.0.as_flattened_mut() {
                        *value = value.most(0.0); // rings of the transform
                    }
                }
                if touched {
                    self.add((column + left, row + top), &block);
                }
            }
        }
    }
}

impl<T: Real> Draw<'_, '_, T> {
    /// Adds the part of a block that lies in the tile.
    #[inline(always)]
    fn add(&mut self, (column, row): (i64, i64), block: &Block) {
        let (here, skipped) = self.tile.rows(row, ROWS);
        for (line, values) in here.zip(&block.0[skipped.min(ROWS)..]) {
            self.tile.add(line, column, values, self.flux);
        }
    }
}

/// Where the blocks begin that hold offsets `start..end` from the pixel of a source; one is centred on it.
fn blocks(start: i64, end: i64, size: usize) -> impl Iterator<Item = i64> {
    let (size, half) = (size as i64, size as i64 / 2);
    let first = (start + half).div_euclid(size) * size - half;
    (0..).map(move |number| first + number * size).take_while(move |&block| block < end)
}

fn way(sigma: f64) -> Way {
    match sigma {
        sigma if sigma < 0.16 => Way::Nodes(&NODES_16),
        sigma if sigma < 0.3 => Way::Nodes(&NODES_8),
        sigma if sigma < 0.5 => Way::Nodes(&NODES_5),
        sigma if sigma < SERIES => Way::Nodes(&NODES_4),
        sigma if sigma < WIDE => Way::Series([[0.0; 4]; 2]),
        sigma if sigma < RECURRED => Way::Wide,
        _ => Way::Recurred,
    }
}

#[inline(always)]
fn cubic([p, q, r, s]: &[f32; 4], x: f32) -> f32 {
    Real::mul_add(Real::mul_add(Real::mul_add(*p, x, *q), x, *r), x, *s)
}

/// Half of 1 + κ₄ ∂⁴ / 24 + κ₆ ∂⁶ / 720 on exp(-p u² / 2), over itself, in powers of (p u / 2)², highest first; κ₄ = -1/120 and κ₆ = 1/252
/// are the cumulants of a pixel. Each axis has a half of the 1.
fn pixel_series(p: f64) -> [f32; 4] {
    let (fourth, sixth) = (-1.0 / 2880.0, 1.0 / 181_440.0);
    [
        64.0 * sixth,
        16.0 * (fourth - 15.0 * p * sixth),
        4.0 * (45.0 * p * p * sixth - 6.0 * p * fourth),
        0.5 + 3.0 * p * p * fourth - 15.0 * p * p * p * sixth,
    ]
    .map(|value| value as f32)
}

/// Gauss-Legendre nodes of a pixel, and their weights.
const NODES_4: [(f64, f64); 4] = [
    (-0.4305681557970263, 0.17392742256872679),
    (-0.16999052179242813, 0.3260725774312732),
    (0.16999052179242813, 0.3260725774312732),
    (0.4305681557970263, 0.17392742256872679),
];

/// Gauss-Legendre nodes of a pixel, and their weights.
const NODES_5: [(f64, f64); 5] = [
    (-0.453089922969332, 0.11846344252809464),
    (-0.26923465505284155, 0.23931433524968315),
    (0.0, 0.28444444444444433),
    (0.26923465505284155, 0.23931433524968315),
    (0.453089922969332, 0.11846344252809464),
];

/// Gauss-Legendre nodes of a pixel, and their weights.
const NODES_8: [(f64, f64); 8] = [
    (-0.4801449282487681, 0.05061426814518853),
    (-0.39833323870681336, 0.11119051722668721),
    (-0.2627662049581645, 0.15685332293894344),
    (-0.09171732124782489, 0.18134189168918083),
    (0.09171732124782489, 0.18134189168918083),
    (0.2627662049581645, 0.15685332293894344),
    (0.39833323870681336, 0.11119051722668721),
    (0.4801449282487681, 0.05061426814518853),
];

/// Gauss-Legendre nodes of a pixel, and their weights.
const NODES_16: [(f64, f64); 16] = [
    (-0.49470046749582497, 0.013576229705877088),
    (-0.4722875115366163, 0.031126761969323728),
    (-0.4328156011939159, 0.0475792558412463),
    (-0.3777022041775015, 0.062314485627767036),
    (-0.3089381222013219, 0.07479799440828835),
    (-0.22900838882861368, 0.08457825969750132),
    (-0.14080177538962946, 0.09130170752246182),
    (-0.04750625491881872, 0.09472530522753432),
    (0.04750625491881872, 0.09472530522753432),
    (0.14080177538962946, 0.09130170752246182),
    (0.22900838882861368, 0.08457825969750132),
    (0.3089381222013219, 0.07479799440828835),
    (0.3777022041775015, 0.062314485627767036),
    (0.4328156011939159, 0.0475792558412463),
    (0.4722875115366163, 0.031126761969323728),
    (0.49470046749582497, 0.013576229705877088),
];
