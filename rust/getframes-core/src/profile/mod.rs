//! Profiles as mixtures of Gaussians: galaxies, PSFs, and one convolved with the other.
//!
//! | symbol     | name        | unit                                    |
//! |------------|-------------|-----------------------------------------|
//! | w          | `weight`    | 1: share of the light                   |
//! | xx, xy, yy | covariance  | pixel²                                  |
//!
//! Law: f(u) = Σ w N(u; 0, C). A convolution adds covariances and multiplies weights.
//!
//! Source: Hogg and Lang 2013, doi:10.1086/668228.

mod airy;
mod airy_table;
mod moffat;
mod sersic;
mod sersic_table;

pub use airy::{WINGS, airy, narrowest};
pub use moffat::moffat;
pub use sersic::{COMPONENTS, LARGEST_INDEX, SMALLEST_INDEX, sersic, sersic_slopes};

use crate::real::Real;

/// One Gaussian of a mixture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Component {
    /// Share of the light.
    pub weight: f64,
    /// Variance along x [pixel²].
    pub xx: f64,
    /// Covariance [pixel²].
    pub xy: f64,
    /// Variance along y [pixel²].
    pub yy: f64,
}

impl Component {
    /// A round Gaussian.
    pub fn round(weight: f64, variance: f64) -> Self {
        Self { weight, xx: variance, xy: 0.0, yy: variance }
    }

    /// A Gaussian of standard deviations `along` and `across` an axis at `angle` degrees from +x towards +y.
    #[inline(always)]
    pub fn ellipse(weight: f64, along: f64, across: f64, angle: f64) -> Self {
        let (cosine, sine) = direction(angle);
        let (p, q) = (along * along, across * across);
        Self {
            weight,
            xx: p * cosine * cosine + q * sine * sine,
            xy: (p - q) * cosine * sine,
            yy: p * sine * sine + q * cosine * cosine,
        }
    }

    /// The same with its covariance times a factor, and another weight.
    #[inline(always)]
    fn scaled(self, weight: f64, factor: f64) -> Self {
        Self { weight, xx: self.xx * factor, xy: self.xy * factor, yy: self.yy * factor }
    }

    /// Variances along the minor and the major axis.
    #[inline(always)]
    pub fn axes(self) -> (f64, f64) {
        let (mean, difference) = ((self.xx + self.yy) / 2.0, (self.xx - self.yy) / 2.0);
        let half = (difference * difference + self.xy * self.xy).sqrt();
        (mean - half, mean + half)
    }

    /// The same behind another.
    #[inline(always)]
    pub fn convolved(self, other: Self) -> Self {
        Self {
            weight: self.weight * other.weight,
            xx: self.xx + other.xx,
            xy: self.xy + other.xy,
            yy: self.yy + other.yy,
        }
    }

    /// Weight, and weight times covariance.
    #[inline(always)]
    fn moments(self) -> Self {
        self.scaled(self.weight, self.weight)
    }

    /// The sum of moments.
    #[inline(always)]
    fn grown(self, moments: Self) -> Self {
        Self { weight: self.weight + moments.weight, ..self.convolved(moments) }
    }
}

/// A galaxy on the pixel grid.
#[derive(Clone, Copy, Debug)]
pub struct Galaxy {
    /// Half-light radius along the major axis [pixel]; 0 is a star.
    pub r_eff: f64,
    /// Sersic index.
    pub index: f64,
    /// Minor over major axis.
    pub axis_ratio: f64,
    /// Angle of the major axis [deg], from +x towards +y.
    pub angle: f64,
}

/// Error of the density that may come from taking similar Gaussians as one, as a fraction of their own peak.
pub const MERGING: f64 = 1e-3;

impl Galaxy {
    /// Its Gaussians, narrowest first but for the last, which is there below n = 0.51 only; a star is one of no width.
    #[inline(always)]
    pub fn components(self) -> [Component; COMPONENTS] {
        if self.r_eff <= 0.0 {
            let mut star = [Component::default(); COMPONENTS];
            star[0].weight = 1.0;
            return star;
        }
        let shape = Component::ellipse(1.0, self.r_eff, self.r_eff * self.axis_ratio, self.angle);
        sersic(self.index).map(|(sigma, weight)| shape.scaled(weight, sigma * sigma))
    }
}

/// Adds a profile behind a PSF to `mixture`; both begin with the narrowest Gaussian, and the PSF is not empty.
///
/// Gaussians that the convolution has made alike are taken as one of the same weight and covariance.
#[inline(always)]
pub fn convolve(profile: &[Component], psf: &[Component], mixture: &mut Vec<Component>) {
    // Behind a wide Gaussian of the PSF the narrow ones of the galaxy look alike, and the other way round.
    let middle = 2.0 * median(psf);
    let (narrow, wide) = profile.split_at(profile.iter().take_while(|component| component.axes().0 < middle).count());
    for &blur in psf {
        blurred(narrow, blur, mixture);
    }
    for &component in wide {
        blurred(psf, component, mixture);
    }
}

/// One Gaussian of the weight and the covariance of a profile.
#[inline(always)]
pub fn merged(profile: &[Component]) -> Component {
    let sum = profile.iter().fold(Component::default(), |sum, component| sum.grown(component.moments()));
    if sum.weight > 0.0 { sum.scaled(sum.weight, 1.0 / sum.weight) } else { sum }
}

/// Adds a mixture behind one Gaussian.
#[inline(always)]
fn blurred(components: &[Component], blur: Component, mixture: &mut Vec<Component>) {
    let mut merging = Merging::new(blur.axes().0);
    for &component in components {
        mixture.extend(merging.take(component).map(|component| component.convolved(blur)));
    }
    mixture.extend(merging.rest().map(|component| component.convolved(blur)));
}

/// Minor variance of the Gaussian within which half of the light lies, of a mixture that begins with the narrowest.
fn median(mixture: &[Component]) -> f64 {
    let mut light = 0.0;
    let inner = mixture.iter().take_while(|component| {
        light += component.weight;
        light < 0.5
    });
    let number = inner.count().min(mixture.len() - 1);
    mixture[number].axes().0
}

/// Neighbours of a mixture, taken as one while behind a blur the difference does not show.
struct Merging {
    blur: f64,
    sum: Component,
    /// Second moment of the major variance.
    squared: f64,
}

impl Merging {
    fn new(blur: f64) -> Self {
        Self { blur, sum: Component::default(), squared: 0.0 }
    }

    /// Adds the next component; gives back those before it when it does not fit.
    #[inline(always)]
    fn take(&mut self, next: Component) -> Option<Component> {
        if next.weight <= 0.0 {
            return None;
        }
        let spread = next.axes().1;
        let moments = next.moments();
        let grown = self.sum.grown(moments);
        let squared = next.weight.mul_add(spread * spread, self.squared);
        let (minor, major) = grown.axes();
        let mean = major / grown.weight;
        let variance = squared / grown.weight - mean * mean;
        let minor = minor / grown.weight + self.blur;
        if self.sum.weight > 0.0 && variance > MERGING * minor * minor {
            let before = self.rest();
            (self.sum, self.squared) = (moments, next.weight * spread * spread);
            return before;
        }
        (self.sum, self.squared) = (grown, squared);
        None
    }

    #[inline(always)]
    fn rest(&mut self) -> Option<Component> {
        let sum = std::mem::take(&mut self.sum);
        self.squared = 0.0;
        (sum.weight > 0.0).then(|| sum.scaled(sum.weight, 1.0 / sum.weight))
    }
}

/// Cosine and sine of an angle in degrees, the same bits on every machine.
#[inline(always)]
pub fn direction(angle: f64) -> (f64, f64) {
    let angle = angle.rem_euclid(360.0) / 180.0;
    let cosine = cosine_of_half_turns(if angle > 1.0 { 2.0 - angle } else { angle });
    let from_quarter = (angle - 0.5).abs();
    let sine = cosine_of_half_turns(if from_quarter > 1.0 { 2.0 - from_quarter } else { from_quarter });
    (cosine, sine)
}

/// cos(π x) for 0 <= x <= 1, by its series.
pub fn cosine_of_half_turns(x: f64) -> f64 {
    if x > 0.5 {
        return -cosine_of_half_turns(1.0 - x);
    }
    let square = (std::f64::consts::PI * x).powi(2);
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..16 {
        term *= -square / f64::from((2 * k - 1) * (2 * k));
        sum += term;
    }
    sum
}

/// base^exponent for a positive base; 0 below e^-700.
#[inline(always)]
pub fn power(base: f64, exponent: f64) -> f64 {
    Real::exponential((exponent * Real::logarithm(base)).max(-700.0))
}
