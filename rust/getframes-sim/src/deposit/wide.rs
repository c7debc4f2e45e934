//! PSFs that are wide against a pixel, pixel by pixel.
//!
//! The integral over a pixel is then a function of the distance alone, to the fourth order of pixel / width: [`Wide`] tabulates it for
//! round profiles, [`WideGaussian`] has it in closed form. Where a profile is narrower, [`super::phase`] is both exact and faster;
//! its tables would not fit in the cache here.

use super::elliptical::Elliptical;
use super::phase::Density;
use super::{Profile, Stars, Tile, pixel_of};
use getframes_core::real::Real;

/// A round density of light.
pub trait Radial: Sync {
    /// f at a distance [1/pixel²].
    fn at_radius(&self, r: f64) -> f64;
    /// The length over which f changes by much, at its sharpest [pixel].
    fn scale(&self) -> f64;
    /// Radius that is drawn [pixel].
    fn reach(&self) -> f64;
    /// Degree that resolves f to 1e-7 of its peak on a square of half width `half` at a distance.
    fn degree(&self, half: f64, r: f64) -> usize;
}

impl<P: Radial> Density for P {
    fn at(&self, u: f64, v: f64) -> f64 {
        self.at_radius((u * u + v * v).sqrt())
    }
    fn scale(&self) -> f64 {
        Radial::scale(self)
    }
    fn degree(&self, half: f64, u: f64, v: f64) -> usize {
        Radial::degree(self, half, (u * u + v * v).sqrt())
    }
    fn is_mirrored(&self) -> bool {
        true
    }
    fn covers(&self, column: i64, row: i64) -> bool {
        in_circle(Radial::reach(self), column, row)
    }
    fn reach(&self) -> (usize, usize) {
        let reach = Radial::reach(self) as usize;
        (reach, reach)
    }
}

/// Whether a pixel lies in a circle about the star's pixel.
#[inline(always)]
fn in_circle(radius: f64, column: i64, row: i64) -> bool {
    ((column * column + row * row) as f64) <= radius * radius
}

/// Half the columns of a circle, in one row.
#[inline(always)]
fn half_chord(radius: f64, row: i64) -> i64 {
    let squared = radius * radius - (row * row) as f64;
    squared.max(0.0).sqrt() as i64
}

/// A round PSF, as cubics of the distance.
#[derive(Clone, Debug)]
pub struct Wide {
    radius: f64,
    /// Cubics per pixel of distance.
    density: f64,
    cubics: Vec<[f64; 4]>,
}

impl Wide {
    /// The table of a profile; its scale should be 5 pixels or more.
    pub fn new(profile: &impl Radial) -> Self {
        let radius = profile.reach();
        let step = profile.scale() / 16.0;
        let count = ((radius + 3.0) / step) as usize + 1;
        let samples: Vec<f64> = (0..count + 3).map(|k| pixel_integral(profile, (k as f64 - 1.0) * step)).collect();
        let cubics = samples.windows(4).map(lagrange).collect();
        Self { radius, density: 1.0 / step, cubics }
    }

    /// Fraction of the light outside the circle, for a star centred on a pixel.
    pub fn lost(&self) -> f64 {
        let reach = self.radius as i64;
        let mut drawn = 0.0;
        for row in -reach..=reach {
            let half = half_chord(self.radius, row);
            drawn += (-half..=half).map(|column| self.at((row * row + column * column) as f64)).sum::<f64>();
        }
        (1.0 - drawn).max(0.0)
    }

    #[inline(always)]
    fn at(&self, squared: f64) -> f64 {
        let position = squared.sqrt() * self.density;
        let number = position as usize;
        let s = position - number as f64;
        let [a, b, c, d] = self.cubics[number.min(self.cubics.len() - 1)];
        a.mul_add(s, b).mul_add(s, c).mul_add(s, d)
    }
}

/// Four equally spaced values to the cubic between the middle two, highest power first.
fn lagrange(f: &[f64]) -> [f64; 4] {
    let third = (f[3] - f[0] + 3.0 * (f[1] - f[2])) / 6.0;
    let second = (f[0] + f[2]) / 2.0 - f[1];
    [third, second, f[2] - f[1] - second - third, f[1]]
}

/// f averaged over a pixel at a distance along a row: Gauss-Legendre, three nodes an axis.
fn pixel_integral(profile: &impl Radial, r: f64) -> f64 {
    let node = 0.15f64.sqrt();
    let nodes = [(-node, 5.0 / 18.0), (0.0, 8.0 / 18.0), (node, 5.0 / 18.0)];
    let mut sum = 0.0;
    for (a, weight_a) in nodes {
        for (b, weight_b) in nodes {
            sum += weight_a * weight_b * profile.at_radius(((r + a) * (r + a) + b * b).sqrt());
        }
    }
    sum
}

impl<T: Real> Profile<T> for Wide {
    fn reach(&self) -> (usize, usize) {
        (self.radius as usize, self.radius as usize)
    }

    #[inline(always)]
    fn draw(&self, stars: Stars<'_>, order: &[u32], mut tile: Tile<'_, T>) {
        let half_chord = |row: i64| half_chord(self.radius, row);
        let value = |u: f64, v: f64| self.at(u.mul_add(u, v * v));
        each_pixel(stars, order, &mut tile, self.radius as i64, half_chord, value);
    }
}

/// An elliptical Gaussian wider than a few pixels, smoothed by the pixel.
#[derive(Clone, Copy, Debug)]
pub struct WideGaussian {
    density: Elliptical,
    amplitude: f64,
    form: (f64, f64, f64),
}

impl WideGaussian {
    /// The PSF of a density whose narrower standard deviation should be 6 pixels or more.
    pub fn new(density: Elliptical) -> Self {
        let (amplitude, form) = density.smoothed();
        Self { density, amplitude, form }
    }
}

impl<T: Real> Profile<T> for WideGaussian {
    fn reach(&self) -> (usize, usize) {
        self.density.reach()
    }

    #[inline(always)]
    fn draw(&self, stars: Stars<'_>, order: &[u32], mut tile: Tile<'_, T>) {
        let (reach_x, reach_y) = self.density.reach();
        let (a, b, c) = self.form;
        let value = |u: f64, v: f64| {
            let form = a.mul_add(u * u, v * (b + b).mul_add(u, c * v));
            let inside = (form * -0.5).most(-60.0);
            if form <= 27.0 { self.amplitude * inside.exponential() } else { 0.0 }
        };
        each_pixel(stars, order, &mut tile, reach_y as i64, |_| reach_x as i64, value);
    }
}

/// Adds `value(u, v)` to every pixel whose row is within `reach` of the star's, and column within `half_chord` of that row.
#[inline(always)]
fn each_pixel<T: Real>(
    stars: Stars<'_>,
    order: &[u32],
    tile: &mut Tile<'_, T>,
    reach: i64,
    half_chord: impl Fn(i64) -> i64,
    value: impl Fn(f64, f64) -> f64,
) {
    for &star in order {
        let (x, y, flux) = (stars.x[star as usize], stars.y[star as usize], stars.flux[star as usize]);
        let (column, row) = (pixel_of(x), pixel_of(y));
        let (here, skipped) = tile.rows(row - reach, 2 * reach as usize + 1);
        for (line, below) in here.zip(skipped as i64 - reach..) {
            let half = half_chord(below);
            let v = (row + below) as f64 - y;
            let on_image = tile.columns(column - half, 2 * half as usize + 1);
            let first = on_image.start as f64 - x;
            for (step, pixel) in tile.pixels(line, on_image).iter_mut().enumerate() {
                let u = first + f64::from(step as u32);
                *pixel = T::of(value(u, v)).mul_add(T::of(flux), *pixel);
            }
        }
    }
}
