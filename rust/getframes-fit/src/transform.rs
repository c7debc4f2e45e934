//! Parameters as coordinates in which all reals are allowed, with the density of their prior.
//!
//! | symbol | name                  | unit                     |
//! |--------|-----------------------|--------------------------|
//! | u      | coordinate            | 1                        |
//! | x      | [`Placed::value`]     | of the parameter         |
//! | a, b   | `lower`, `upper`      | of the parameter         |
//! | s      | logistic function, 1 / (1 + exp(-u)) | 1         |
//!
//! | prior          | x                                | ln p(x), constants left out | ln dx/du                               |
//! |----------------|----------------------------------|-----------------------------|----------------------------------------|
//! | uniform        | a + (b - a) s                    | 0                           | ln(b - a) + ln s(u) + ln s(-u)         |
//! | log-uniform    | exp(ln a + (ln b - ln a) s)      | -ln x                       | ln x + ln(ln b - ln a) + ln s(u) + ln s(-u) |
//! | normal         | m + σ u                          | -u^2 / 2                    | ln σ                                   |
//! | bounded normal | a + (b - a) s                    | -((x - m) / σ)^2 / 2        | as uniform                             |
//!
//! Logarithms are added and never taken of a product: ln s(u) + ln s(-u) = -|u| - 2 ln(1 + exp(-|u|)), which is finite for every u. Near b, x is
//! b - (b - a) s(-u), so that neither end is reached from the wrong side.
//!
//! Not modelled here: priors of several parameters together.

use getframes_core::{Error, Real};

/// The prior of one parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Prior {
    /// No knowledge: the density is 1 everywhere. For linear parameters.
    Flat,
    /// The same density between bounds.
    Uniform {
        /// Least value.
        lower: f64,
        /// Greatest value.
        upper: f64,
    },
    /// The same density of the logarithm between bounds.
    LogUniform {
        /// Least value, above 0.
        lower: f64,
        /// Greatest value.
        upper: f64,
    },
    /// A normal density.
    Normal {
        /// Its mean.
        mean: f64,
        /// Its standard deviation.
        sigma: f64,
    },
    /// A normal density between bounds.
    Bounded {
        /// Mean of the whole.
        mean: f64,
        /// Standard deviation of the whole.
        sigma: f64,
        /// Least value.
        lower: f64,
        /// Greatest value.
        upper: f64,
    },
}

/// A coordinate as the value of its parameter.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Placed {
    /// x.
    pub value: f64,
    /// dx/du.
    pub slope: f64,
    /// ln p(x).
    pub log_prior: f64,
    /// d ln p(x) / du.
    pub log_prior_slope: f64,
    /// ln dx/du.
    pub log_jacobian: f64,
    /// d ln(dx/du) / du.
    pub log_jacobian_slope: f64,
}

/// Least number whose logarithm is taken: below it numbers are not normal any more.
const TINY: f64 = 1e-300;
/// Greatest |u| whose exponential is taken; a coordinate beyond has the slope of this one.
const FAR: f64 = 690.0;

/// The logistic function at u, at -u, and the sum of their logarithms.
#[inline]
fn logistic(u: f64) -> (f64, f64, f64) {
    let small = (-u.abs().min(FAR)).exponential();
    let near = 1.0 / (1.0 + small);
    let log = if small > 0.5 { (1.0 + small).logarithm() } else { f64::logarithm_near_one(small) };
    let (at, opposite) = if u < 0.0 { (small * near, near) } else { (near, small * near) };
    (at, opposite, -u.abs() - 2.0 * log)
}

/// x between bounds, dx/du, d2x/du2 / (dx/du), and ln s(u) + ln s(-u).
#[inline]
fn between(lower: f64, upper: f64, u: f64) -> (f64, f64, f64, f64) {
    let ((at, opposite, log), width) = (logistic(u), upper - lower);
    let value = if u < 0.0 { width.mul_add(at, lower) } else { (-width).mul_add(opposite, upper) };
    (value, width * at * opposite, opposite - at, log)
}

impl Prior {
    /// `Ok` when the numbers make a prior.
    ///
    /// # Errors
    /// [`Error::Domain`].
    pub fn checked(self) -> Result<Self, Error> {
        let bounds = |lower: f64, upper: f64| {
            Error::domain((upper - lower).is_finite(), "bounds of a prior", "finite", upper - lower)?;
            Error::domain(lower < upper, "upper bound of a prior", "above the lower one", upper)
        };
        let normal = |mean: f64, sigma: f64| {
            Error::domain(mean.is_finite(), "mean of a prior", "finite", mean)?;
            Error::domain(sigma > 0.0 && sigma.is_finite(), "sigma of a prior", "> 0", sigma)
        };
        match self {
            Self::Flat => {}
            Self::Uniform { lower, upper } => bounds(lower, upper)?,
            Self::LogUniform { lower, upper } => {
                bounds(lower, upper)?;
                Error::domain(lower >= TINY, "lower bound of a log-uniform prior", ">= 1e-300", lower)?;
            }
            Self::Normal { mean, sigma } => normal(mean, sigma)?,
            Self::Bounded { mean, sigma, lower, upper } => {
                normal(mean, sigma)?;
                bounds(lower, upper)?;
            }
        }
        Ok(self)
    }

    /// The parameter at a coordinate.
    #[inline]
    pub fn place(self, u: f64) -> Placed {
        match self {
            Self::Flat => Placed { value: u, slope: 1.0, ..Placed::default() },
            Self::Normal { mean, sigma } => Placed {
                value: sigma.mul_add(u, mean),
                slope: sigma,
                log_prior: -0.5 * u * u,
                log_prior_slope: -u,
                log_jacobian: sigma.logarithm(),
                log_jacobian_slope: 0.0,
            },
            Self::Uniform { lower, upper } => {
                let (value, slope, bend, log) = between(lower, upper, u);
                let log_jacobian = (upper - lower).logarithm() + log;
                Placed { value, slope, log_jacobian, log_jacobian_slope: bend, ..Placed::default() }
            }
            Self::Bounded { mean, sigma, lower, upper } => {
                let (value, slope, bend, log) = between(lower, upper, u);
                let off = (value - mean) / sigma;
                Placed {
                    value,
                    slope,
                    log_prior: -0.5 * off * off,
                    log_prior_slope: -off * slope / sigma,
                    log_jacobian: (upper - lower).logarithm() + log,
                    log_jacobian_slope: bend,
                }
            }
            Self::LogUniform { lower, upper } => {
                let (least, greatest) = (lower.logarithm(), upper.logarithm());
                let (exponent, rate, bend, log) = between(least, greatest, u);
                let value = exponent.exponential();
                Placed {
                    value,
                    slope: value * rate,
                    log_prior: -exponent,
                    log_prior_slope: -rate,
                    log_jacobian: exponent + (greatest - least).logarithm() + log,
                    log_jacobian_slope: rate + bend,
                }
            }
        }
    }

    /// The coordinate of a value; NaN or infinite where the value is not between the bounds.
    #[inline]
    pub fn coordinate(self, value: f64) -> f64 {
        let logit = |below: f64, above: f64| {
            if below > 0.0 && above > 0.0 {
                below.max(TINY).logarithm() - above.max(TINY).logarithm()
            } else {
                f64::NAN
            }
        };
        match self {
            Self::Flat => value,
            Self::Normal { mean, sigma } => (value - mean) / sigma,
            Self::Uniform { lower, upper } | Self::Bounded { lower, upper, .. } => logit(value - lower, upper - value),
            Self::LogUniform { lower, upper } if value > 0.0 => {
                let at = value.max(TINY).logarithm();
                logit(at - lower.logarithm(), upper.logarithm() - at)
            }
            Self::LogUniform { .. } => f64::NAN,
        }
    }

    /// Whether x is the coordinate, or a straight line of it: the prior of a linear parameter that can be integrated.
    pub fn is_linear(self) -> bool {
        matches!(self, Self::Flat | Self::Normal { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIORS: [Prior; 4] = [
        Prior::Uniform { lower: -2.0, upper: 5.0 },
        Prior::LogUniform { lower: 1e-3, upper: 20.0 },
        Prior::Normal { mean: 1.0, sigma: 0.3 },
        Prior::Bounded { mean: 0.1, sigma: 0.4, lower: -0.9, upper: 0.7 },
    ];

    #[test]
    fn coordinates_come_back() {
        for prior in PRIORS {
            for u in [-20.0, -3.0, -1e-3, 0.0, 0.4, 6.0, 12.0] {
                let back = prior.checked().unwrap().coordinate(prior.place(u).value);
                assert!((back - u).abs() < 1e-4 * (u.abs() - 9.0).exp().max(1e-9), "{prior:?} {u} {back}");
            }
        }
    }

    #[test]
    fn slopes_are_derivatives() {
        for prior in PRIORS {
            for u in [-30.0, -2.0, 0.3, 5.0] {
                let (low, high, at) = (prior.place(u - 1e-5), prior.place(u + 1e-5), prior.place(u));
                let close = |slope: f64, low: f64, high: f64| {
                    let by_difference = (high - low) / 2e-5;
                    assert!((slope - by_difference).abs() < 1e-7 * (1.0 + slope.abs()), "{prior:?} {u}");
                };
                close(at.slope, low.value, high.value);
                close(at.log_prior_slope, low.log_prior, high.log_prior);
                close(at.log_jacobian_slope, low.log_jacobian, high.log_jacobian);
                if u > -20.0 {
                    assert!((at.log_jacobian - at.slope.ln()).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn tails_are_finite() {
        for prior in [PRIORS[0], PRIORS[1], PRIORS[3]] {
            for u in [-1e4, -750.0, -40.0, 40.0, 750.0, 1e4] {
                let at = prior.place(u);
                let all =
                    [at.value, at.slope, at.log_prior, at.log_prior_slope, at.log_jacobian, at.log_jacobian_slope];
                assert!(all.iter().all(|value| value.is_finite()), "{prior:?} {at:?}");
                assert!((at.log_jacobian_slope.abs() - 1.0).abs() < 1e-9 && at.slope > 0.0);
            }
        }
    }

    #[test]
    fn bad_priors() {
        for prior in [
            Prior::Uniform { lower: 1.0, upper: 1.0 },
            Prior::Uniform { lower: 0.0, upper: f64::INFINITY },
            Prior::LogUniform { lower: 0.0, upper: 1.0 },
            Prior::Normal { mean: 0.0, sigma: 0.0 },
            Prior::Bounded { mean: f64::NAN, sigma: 1.0, lower: 0.0, upper: 1.0 },
        ] {
            assert!(prior.checked().is_err());
        }
    }
}
