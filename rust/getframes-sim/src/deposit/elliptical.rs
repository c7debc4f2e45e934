//! A Gaussian with two widths.
//!
//! | symbol | name    | unit                             |
//! |--------|---------|----------------------------------|
//! | σ1, σ2 | `sigma` | pixel, along and across the axis |
//! | θ      | `angle` | degree, from +x towards +y       |
//!
//! Law: f = exp(-Q/2) / (2 π σ1 σ2), Q = a u² + 2 b u v + c v², (a b; b c) the inverse of the covariance.
//!
//! Drawn out to the ellipse Q = 25, which holds all but 4e-6 of the light. A width below [`NARROWEST`] is drawn that wide.

use super::phase::Density;
use getframes_core::profile::direction;
use getframes_core::real::Real;

/// Standard deviations out to which light is drawn.
pub const REACH_SIGMA: f64 = 5.0;

/// Narrowest standard deviation that is drawn as it is [pixel].
pub const NARROWEST: f64 = 0.085;

/// An elliptical Gaussian density.
#[derive(Clone, Copy, Debug)]
pub struct Elliptical {
    /// Variance along x, covariance, variance along y [pixel²].
    covariance: (f64, f64, f64),
    narrower: f64,
}

impl Elliptical {
    /// Widths `along` and `across` an axis at `angle` degrees; widths positive.
    pub fn new(along: f64, across: f64, angle: f64) -> Self {
        let (along, across) = (along.max(NARROWEST), across.max(NARROWEST));
        let (cosine, sine) = direction(angle);
        let (p, q) = (along * along, across * across);
        let covariance =
            (p * cosine * cosine + q * sine * sine, (p - q) * cosine * sine, p * sine * sine + q * cosine * cosine);
        Self { covariance, narrower: along.min(across) }
    }

    /// Q with the covariance widened by `extra` on both axes.
    fn quadratic(&self, u: f64, v: f64, extra: f64) -> f64 {
        let (xx, xy, yy) = (self.covariance.0 + extra, self.covariance.1, self.covariance.2 + extra);
        (yy * u * u - 2.0 * xy * u * v + xx * v * v) / (xx * yy - xy * xy)
    }

    /// The narrower standard deviation [pixel].
    pub fn narrower(&self) -> f64 {
        self.narrower
    }

    /// Coefficients of the density smoothed by a pixel, good to the fourth order of pixel / σ: amplitude, and Q as (a, b, c).
    ///
    /// The pixel adds 1/12 to both variances.
    pub(crate) fn smoothed(&self) -> (f64, (f64, f64, f64)) {
        let (xx, xy, yy) = (self.covariance.0 + 1.0 / 12.0, self.covariance.1, self.covariance.2 + 1.0 / 12.0);
        let determinant = xx * yy - xy * xy;
        (1.0 / (std::f64::consts::TAU * determinant.sqrt()), (yy / determinant, -xy / determinant, xx / determinant))
    }
}

impl Density for Elliptical {
    fn at(&self, u: f64, v: f64) -> f64 {
        let (xx, xy, yy) = self.covariance;
        let norm = std::f64::consts::TAU * (xx * yy - xy * xy).sqrt();
        Real::exponential((-0.5 * self.quadratic(u, v, 0.0)).max(-700.0)) / norm
    }
    fn scale(&self) -> f64 {
        1.5 * self.narrower
    }
    fn degree(&self, half: f64, _u: f64, _v: f64) -> usize {
        let ratio = half / self.narrower;
        (8.0 + 5.0 * ratio + 0.5 * ratio * ratio) as usize
    }
    fn covers(&self, column: i64, row: i64) -> bool {
        // A star half a pixel away, and a pixel half a pixel wide.
        self.quadratic(column as f64, row as f64, 0.25) <= REACH_SIGMA * REACH_SIGMA
    }
    fn reach(&self) -> (usize, usize) {
        let half = |variance: f64| (REACH_SIGMA * (variance + 0.25).sqrt()) as usize;
        (half(self.covariance.0), half(self.covariance.2))
    }
}
