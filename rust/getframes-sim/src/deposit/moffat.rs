//! A Moffat profile: seeing with wings.
//!
//! | symbol | name    | unit  |
//! |--------|---------|-------|
//! | α      | `alpha` | pixel |
//! | β      | `beta`  | 1     |
//!
//! Law: f(r) = (β - 1) / (π α²) (1 + r²/α²)^-β, FWHM = 2 α (2^(1/β) - 1)^1/2.
//!
//! Drawn out to the circle that holds all but [`LOST`] of the light, or 16 FWHM where that is nearer, and half a pixel beyond. A core narrower than
//! [`NARROWEST`] is drawn that wide.
//!
//! Source: Moffat 1969, A&A 3, 455.

use super::phase::degree_of_singularity;
use super::wide::Radial;
use getframes_core::real::Real;

/// Light beyond the circle that is drawn.
pub const LOST: f64 = 1e-3;

/// Reach at most, in FWHM.
pub const REACH_FWHM: f64 = 16.0;

/// Narrowest FWHM that is drawn as it is [pixel].
pub const NARROWEST: f64 = 0.2;

/// A Moffat density.
#[derive(Clone, Copy, Debug)]
pub struct Moffat {
    alpha: f64,
    beta: f64,
    reach: f64,
}

impl Moffat {
    /// A profile of full width at half maximum `fwhm` [pixel], positive, and `beta` > 1.
    pub fn new(fwhm: f64, beta: f64) -> Self {
        let fwhm = fwhm.max(NARROWEST);
        let alpha = fwhm / (2.0 * (power(2.0, 1.0 / beta) - 1.0).sqrt());
        // (1 + r²/α²)^(1 - β) is lost beyond r. The exponent is bounded: far beyond, the other limit holds.
        let exponent = (-Real::logarithm(LOST) / (beta - 1.0)).min(600.0);
        let reach = alpha * (Real::exponential(exponent) - 1.0).sqrt();
        Self { alpha, beta, reach: reach.min(REACH_FWHM * fwhm).max(1.5) + 0.5 }
    }
}

fn power(base: f64, exponent: f64) -> f64 {
    Real::exponential((exponent * Real::logarithm(base)).max(-700.0))
}

impl Radial for Moffat {
    fn at_radius(&self, r: f64) -> f64 {
        let norm = (self.beta - 1.0) / (std::f64::consts::PI * self.alpha * self.alpha);
        norm * power(1.0 + (r / self.alpha).powi(2), -self.beta)
    }
    fn scale(&self) -> f64 {
        self.alpha / self.beta.sqrt().max(1.0)
    }
    fn reach(&self) -> f64 {
        self.reach
    }
    fn degree(&self, half: f64, r: f64) -> usize {
        let nearest = (r - 1.5 * half).max(0.0);
        degree_of_singularity(half, (self.alpha * self.alpha + nearest * nearest).sqrt())
    }
}
