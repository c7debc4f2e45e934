//! A Moffat profile, (1 + r²/α²)^-β, as a mixture of Gaussians.
//!
//! With t ~ Gamma(β - 1) for the light, it is a mixture of σ² = α² / (2 t) exactly; the rectangle rule in ln t makes a finite one, good to
//! 2e-4 of the peak. Light in Gaussians wider than 8 FWHM is left out (3e-5 of it for β = 3).

use super::{Component, power};
use crate::real::Real;

/// Step of ln t at β = 3; it goes with the width of the distribution.
const STEP: f64 = 0.65;

/// Longest step.
const LONGEST_STEP: f64 = 0.7;

/// Steps on each side of the mean of t.
const STEPS: i32 = 400;

/// Share of the light, or of the peak, below which a Gaussian is left out.
const FAINTEST: f64 = 2e-5;

/// Widest standard deviation, in FWHM.
const REACH_FWHM: f64 = 8.0;

/// ln of a share below which it does not count in the sum.
const NOTHING: f64 = -60.0;

/// The Gaussians of a profile of full width at half maximum `fwhm` [pixel] and `beta` > 1, narrowest first.
#[inline(always)]
pub fn moffat(fwhm: f64, beta: f64) -> Vec<Component> {
    let a = beta - 1.0;
    let step = (STEP * (2.0 / a).sqrt()).min(LONGEST_STEP);
    let over_mean = |number: i32| Real::exponential((step * f64::from(number)).clamp(-700.0, 700.0));
    let log_share = |number: i32| a * (step * f64::from(number) - over_mean(number) + 1.0);
    let first = (1..=STEPS).find(|&number| log_share(number) < NOTHING).unwrap_or(STEPS);
    let last = (-STEPS..0).rev().find(|&number| log_share(number) < NOTHING).unwrap_or(-STEPS);
    let share = |number: i32| Real::exponential(log_share(number).max(-700.0));
    let sum: f64 = (last..=first).rev().map(share).sum();
    let below: f64 = share(last) / (Real::exponential((step * a).min(700.0)) - 1.0);
    let alpha_squared = fwhm * fwhm / (4.0 * (power(2.0, 1.0 / beta) - 1.0));
    let widest = (REACH_FWHM * fwhm).powi(2);
    let mut mixture = Vec::new();
    for number in (last..=first).rev() {
        let (over_mean, weight) = (over_mean(number), share(number) / (sum + below));
        let bright = weight >= FAINTEST || weight * over_mean >= FAINTEST;
        let variance = alpha_squared / (2.0 * a * over_mean);
        if bright && variance <= widest {
            mixture.push(Component::round(weight, variance));
        }
    }
    mixture
}
