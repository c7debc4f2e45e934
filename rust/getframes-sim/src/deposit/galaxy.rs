//! Sources that are mixtures of Gaussians: galaxies behind a PSF, and stars whose PSF is their own.
//!
//! | symbol  | name        | shape  | unit                                                |
//! |---------|-------------|--------|-----------------------------------------------------|
//! | r_e     | `r_eff`     | `(n,)` | pixel: half-light radius along the major axis       |
//! | n       | `index`     | `(n,)` | 1: Sersic index                                     |
//! | b/a     | `axis_ratio`| `(n,)` | 1                                                   |
//! | θ       | `angle`     | `(n,)` | degree, major axis, from +x towards +y              |
//!
//! Law: q\[j, i\] += F Σ_k w_k ∫ N(u; 0, C_k) du over the pixel, one rounding each, in the order of the catalog; w and C are those of the
//! galaxy convolved with the PSF ([`getframes_core::profile`]).
//!
//! Pixel integrals: 1/12 is added to both variances of a Gaussian wider than [`WIDE`]; narrower ones are integrated by Gauss-Legendre
//! nodes instead. Each Gaussian is drawn to where [`LOST`] of the light of the source is left, in blocks of sixteen pixels about the
//! pixel that holds the source. Like the other sampled profiles, E is computed in f32 for images of either precision.

use super::{LANES, Stars, Tile, pixel_of};
use getframes_core::Error;
use getframes_core::pool::{self, Cancel};
use getframes_core::profile::{self, Component, Galaxy};
use getframes_core::real::Real;
use getframes_core::simd::{self, Kernel};
use rayon::prelude::*;

/// Standard deviation above which a pixel is a widening [pixel].
pub const WIDE: f64 = 1.6;

/// Light of a source that one of its Gaussians may leave undrawn.
pub const LOST: f64 = 1e-5;

/// Narrowest standard deviation that is drawn as it is [pixel].
pub const NARROWEST: f64 = 0.085;

/// Above this standard deviation a row follows from the one above it [pixel].
const RECURRED: f64 = 4.0;

/// Rows of a block.
const ROWS: usize = 16;

/// Rows of an image that one thread draws.
const BAND_ROWS: usize = 64;

/// Sources below which waking the pool costs more than it saves.
const SERIAL: usize = 4;

/// Shapes of galaxies, as arrays; a star has `r_eff` 0.
#[derive(Clone, Copy, Debug)]
pub struct Shapes<'a> {
    /// Half-light radius along the major axis [pixel].
    pub r_eff: &'a [f64],
    /// Sersic index.
    pub index: &'a [f64],
    /// Minor over major axis.
    pub axis_ratio: &'a [f64],
    /// Angle of the major axis [deg].
    pub angle: &'a [f64],
}

/// The PSF: arrays of one value for all sources, or one a source.
#[derive(Clone, Copy, Debug)]
pub enum Blur<'a> {
    /// Gaussians: standard deviations [pixel] and angle [deg].
    Gaussian {
        /// Along the axis.
        along: &'a [f64],
        /// Across it.
        across: &'a [f64],
        /// From +x towards +y.
        angle: &'a [f64],
    },
    /// Moffat profiles.
    Moffat {
        /// Full width at half maximum [pixel].
        fwhm: &'a [f64],
        /// β.
        beta: &'a [f64],
    },
}

impl Blur<'_> {
    /// The mixture of the PSF at a source, wider by a variance [pixel²].
    #[inline(always)]
    fn components(&self, source: usize, variance: f64) -> Vec<Component> {
        let floor = NARROWEST * NARROWEST;
        let mut components = match *self {
            Self::Gaussian { along, across, angle } => {
                vec![Component::ellipse(1.0, at(along, source), at(across, source), at(angle, source))]
            }
            Self::Moffat { fwhm, beta } => profile::moffat(at(fwhm, source), at(beta, source)),
        };
        for component in &mut components {
            let wider = variance + (floor - component.axes().0 - variance).max(0.0);
            component.xx += wider;
            component.yy += wider;
        }
        components
    }

    fn check(&self, sources: usize) -> Result<(), Error> {
        let columns: &[(&'static str, &[f64])] = match self {
            Self::Gaussian { along, across, angle } => &[("along", along), ("across", across), ("angle", angle)],
            Self::Moffat { fwhm, beta } => &[("fwhm", fwhm), ("beta", beta)],
        };
        for (name, values) in columns {
            Error::same_shape(name, &[values.len()], &[if values.len() == 1 { 1 } else { sources }])?;
            let above = if *name == "beta" { 1.0 } else { 0.0 };
            let rule = if *name == "beta" { "> 1 and finite" } else { "> 0 and finite" };
            for &value in *values {
                let holds = value.is_finite() && (*name == "angle" || value > above);
                Error::domain(holds, name, if *name == "angle" { "finite" } else { rule }, value)?;
            }
        }
        Ok(())
    }

    fn varies(&self) -> bool {
        match self {
            Self::Gaussian { along, across, angle } => along.len() > 1 || across.len() > 1 || angle.len() > 1,
            Self::Moffat { fwhm, beta } => fwhm.len() > 1 || beta.len() > 1,
        }
    }
}

fn at(values: &[f64], source: usize) -> f64 {
    values[source.min(values.len() - 1)]
}

impl Shapes<'_> {
    fn galaxy(&self, source: usize) -> Galaxy {
        Galaxy {
            r_eff: self.r_eff[source],
            index: self.index[source],
            axis_ratio: self.axis_ratio[source],
            angle: self.angle[source],
        }
    }

    fn check(&self, sources: usize) -> Result<(), Error> {
        let indices = profile::SMALLEST_INDEX..=profile::LARGEST_INDEX;
        for (name, values) in
            [("r_eff", self.r_eff), ("index", self.index), ("axis_ratio", self.axis_ratio), ("angle", self.angle)]
        {
            Error::same_shape(name, &[values.len()], &[sources])?;
            for &value in values {
                let (holds, rule) = match name {
                    "r_eff" => ((0.0..f64::INFINITY).contains(&value), ">= 0 and finite"),
                    "index" => (indices.contains(&value), "in [0.5, 8]"),
                    "axis_ratio" => (value > 0.0 && value <= 1.0, "in (0, 1]"),
                    _ => (value.is_finite(), "finite"),
                };
                Error::domain(holds, name, rule, value)?;
            }
        }
        Ok(())
    }
}

/// Adds galaxies, and stars, to an image of `shape` (rows, columns); `variance` [pixel²] widens the PSF.
///
/// # Errors
/// [`Error::Shape`] when arrays do not fit together, [`Error::Domain`] when a shape or the PSF is impossible, [`Error::Interrupted`]
/// when `cancel` asks for it, with part of the light in the image.
pub fn deposit<T: Real>(
    stars: Stars<'_>,
    shapes: Shapes<'_>,
    blur: Blur<'_>,
    variance: f64,
    image: &mut [T],
    shape: (usize, usize),
    cancel: &Cancel,
) -> Result<(), Error> {
    let (height, width) = shape;
    let count = stars.x.len();
    Error::same_shape("image", &[image.len()], &[height * width])?;
    Error::same_shape("y", &[stars.y.len()], &[count])?;
    Error::same_shape("flux", &[stars.flux.len()], &[count])?;
    Error::domain((0.0..f64::INFINITY).contains(&variance), "variance", ">= 0 and finite", variance)?;
    shapes.check(count)?;
    blur.check(count)?;
    if image.is_empty() || count == 0 {
        return Ok(());
    }
    let shared = (!blur.varies()).then(|| blur.components(0, variance));
    let field = Field { stars, shapes, blur, variance, shared, width };
    let parallel = count > SERIAL;
    let reach: Vec<i64> = if parallel {
        pool::install(|| Ok((0..count).into_par_iter().map(|source| field.reach(source)).collect()))?
    } else {
        (0..count).map(|source| field.reach(source)).collect()
    };
    let draw = |(band, pixels): (usize, &mut [T])| field.draw(band * BAND_ROWS, pixels, &reach, cancel);
    if parallel {
        pool::install(|| {
            image.par_chunks_mut(BAND_ROWS * width).enumerate().for_each(draw);
            Ok(())
        })?;
    } else {
        image.chunks_mut(BAND_ROWS * width).enumerate().for_each(draw);
    }
    if cancel.is_cancelled() { Err(Error::Interrupted) } else { Ok(()) }
}

struct Field<'a> {
    stars: Stars<'a>,
    shapes: Shapes<'a>,
    blur: Blur<'a>,
    variance: f64,
    /// The PSF, where it is the same for all.
    shared: Option<Vec<Component>>,
    width: usize,
}

impl Field<'_> {
    #[inline(always)]
    fn mixture(&self, source: usize, mixture: &mut Vec<Component>) {
        let galaxy = self.shapes.galaxy(source);
        match &self.shared {
            Some(psf) => profile::convolve(galaxy, psf, mixture),
            None => profile::convolve(galaxy, &self.blur.components(source, self.variance), mixture),
        }
    }

    /// Rows that a source reaches on each side of its own; more than any image has where it is off the columns.
    fn reach(&self, source: usize) -> i64 {
        let (mut mixture, mut drawn) = (Vec::new(), Vec::new());
        simd::dispatch(Mix { field: self, source, mixture: &mut mixture, drawn: &mut drawn });
        let (x, y) = drawn.iter().fold((0, 0), |(x, y), drawn| (x.max(drawn.reach.0), y.max(drawn.reach.1)));
        let column = pixel_of(self.stars.x[source]);
        if column + x < -(LANES as i64) || column - x > (self.width + LANES) as i64 { i64::MIN } else { y }
    }

    fn draw<T: Real>(&self, first_row: usize, pixels: &mut [T], reach: &[i64], cancel: &Cancel) {
        let height = pixels.len() / self.width;
        let rows = first_row as i64 - ROWS as i64..(first_row + height + ROWS) as i64;
        let (mut mixture, mut drawn) = (Vec::new(), Vec::new());
        for (source, &reach) in reach.iter().enumerate() {
            let row = pixel_of(self.stars.y[source]);
            if reach == i64::MIN || row + reach < rows.start || row - reach >= rows.end {
                continue;
            }
            if cancel.is_cancelled() {
                return;
            }
            simd::dispatch(Mix { field: self, source, mixture: &mut mixture, drawn: &mut drawn });
            let tile = Tile {
                pixels: &mut *pixels,
                stride: self.width,
                height,
                first_row: first_row as i64,
                first_column: 0,
                columns: 0..self.width,
            };
            let place = (self.stars.x[source], self.stars.y[source]);
            simd::dispatch(Draw { drawn: &drawn, place, flux: T::of(self.stars.flux[source]), tile });
        }
    }
}

/// A Gaussian ready to be drawn.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    amplitude: f32,
    /// Half of the inverse covariance: the exponent is -(a u² + 2 b u v + c v²).
    form: (f32, f32, f32),
    /// Pixels drawn on each side.
    reach: (i64, i64),
    way: Way,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// Nodes of the rule an axis.
    Nodes(&'static [(f64, f64)]),
    Wide,
    Recurred,
}

impl Drawn {
    /// The Gaussians of a mixture, without those that hold little light at no brightness.
    #[inline(always)]
    fn all(mixture: &[Component], drawn: &mut Vec<Self>) {
        let brightness = |component: &Component| component.weight / component.axes().0;
        let peak: f64 = mixture.iter().map(brightness).sum();
        let seen = |component: &&Component| component.weight > LOST || brightness(component) > LOST * peak;
        drawn.clear();
        drawn.extend(mixture.iter().filter(seen).map(|&component| Self::new(component)));
    }

    #[inline(always)]
    fn new(component: Component) -> Self {
        let (minor, _) = component.axes();
        let way = way(minor.sqrt());
        let widening = if matches!(way, Way::Nodes(_)) { 0.0 } else { 1.0 / 12.0 };
        let (xx, xy, yy) = (component.xx + widening, component.xy, component.yy + widening);
        let determinant = xx * yy - xy * xy;
        let cut: f64 = (2.0 * Real::logarithm(component.weight / LOST)).max(4.0);
        let reach = |variance: f64| ((cut * variance).sqrt() + 0.5).ceil().min(1e9) as i64;
        Self {
            amplitude: (component.weight / (std::f64::consts::TAU * determinant.sqrt())) as f32,
            form: ((0.5 * yy / determinant) as f32, (-0.5 * xy / determinant) as f32, (0.5 * xx / determinant) as f32),
            reach: (reach(xx), reach(yy)),
            way,
        }
    }

    /// Whether pixels `columns..columns + 16`, `rows..rows + 16` from the source's own are reached.
    #[inline(always)]
    fn touches(&self, column: i64, row: i64) -> bool {
        column <= self.reach.0
            && column + LANES as i64 > -self.reach.0
            && row <= self.reach.1
            && row + ROWS as i64 > -self.reach.1
    }

    /// Adds the Gaussian to a block whose first pixel lies at (u, v) from the source.
    #[inline(always)]
    fn add(&self, (u, v): (f64, f64), block: &mut [[f32; LANES]; ROWS]) {
        match self.way {
            Way::Recurred => self.add_recurred(u as f32, v as f32, block),
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
    fn add_sampled(&self, u: f32, v: f32, amplitude: f32, block: &mut [[f32; LANES]; ROWS]) {
        let (a, b, c) = self.form;
        let mut across = [0.0; LANES];
        let mut slope = [0.0; LANES];
        for lane in 0..LANES {
            let u = u + lane as f32;
            across[lane] = a * u * u;
            slope[lane] = 2.0 * b * u;
        }
        for (row, line) in block.iter_mut().enumerate() {
            let v = v + row as f32;
            let down = c * v * v;
            for lane in 0..LANES {
                let form = Real::mul_add(slope[lane], v, across[lane] + down);
                let value = (-form).most(-80.0).exponential();
                line[lane] = Real::mul_add(amplitude, value, line[lane]);
            }
        }
    }

    /// g(v + 1) = g(v) r(v), r(v + 1) = r(v) e^(-2c).
    #[inline(always)]
    fn add_recurred(&self, u: f32, v: f32, block: &mut [[f32; LANES]; ROWS]) {
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
        for line in block {
            for lane in 0..LANES {
                line[lane] += value[lane];
                value[lane] *= ratio[lane];
                ratio[lane] *= step;
            }
        }
    }
}

/// The Gaussians of one source.
struct Mix<'a, 'b> {
    field: &'a Field<'b>,
    source: usize,
    mixture: &'a mut Vec<Component>,
    drawn: &'a mut Vec<Drawn>,
}

impl Kernel for Mix<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.field.mixture(self.source, self.mixture);
        Drawn::all(self.mixture, self.drawn);
    }
}

struct Draw<'a, 'b, T> {
    drawn: &'a [Drawn],
    place: (f64, f64),
    flux: T,
    tile: Tile<'b, T>,
}

impl<T: Real> Kernel for Draw<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let (x, y) = self.place;
        let (column, row) = (pixel_of(x), pixel_of(y));
        let most = |side: fn(&Drawn) -> i64| self.drawn.iter().map(side).max().unwrap_or(0);
        let (reach_x, reach_y) = (most(|drawn| drawn.reach.0), most(|drawn| drawn.reach.1));
        let rows = self.tile.first_row - row..self.tile.first_row + self.tile.height as i64 - row;
        let columns = self.tile.columns.start as i64 - column..self.tile.columns.end as i64 - column;
        for top in blocks(rows.start.max(-reach_y), rows.end.min(reach_y + 1), ROWS) {
            for left in blocks(columns.start.max(-reach_x), columns.end.min(reach_x + 1), LANES) {
                let mut block = [[0.0f32; LANES]; ROWS];
                let offset = ((column + left) as f64 - x, (row + top) as f64 - y);
                let mut touched = false;
                for drawn in self.drawn {
                    if drawn.touches(left, top) {
                        drawn.add(offset, &mut block);
                        touched = true;
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
    fn add(&mut self, (column, row): (i64, i64), block: &[[f32; LANES]; ROWS]) {
        let (here, skipped) = self.tile.rows(row, ROWS);
        for (line, values) in here.zip(&block[skipped.min(ROWS)..]) {
            let mut fractions = [T::ZERO; LANES];
            for lane in 0..LANES {
                fractions[lane] = T::from_single(values[lane]);
            }
            self.tile.add(line, column, &fractions, self.flux);
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
        sigma if sigma < 0.8 => Way::Nodes(&NODES_4),
        sigma if sigma < WIDE => Way::Nodes(&NODES_3),
        sigma if sigma < RECURRED => Way::Wide,
        _ => Way::Recurred,
    }
}

/// Gauss-Legendre nodes of a pixel, and their weights.
const NODES_3: [(f64, f64); 3] =
    [(-0.3872983346207417, 0.27777777777777785), (0.0, 0.4444444444444444), (0.3872983346207417, 0.27777777777777785)];

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
