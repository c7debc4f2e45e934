//! A Sersic profile, exp(-b r^(1/n)), as a mixture of Gaussians: widths in units of r_eff, shares a function of n alone.
//!
//! | symbol | name    | unit                |
//! |--------|---------|---------------------|
//! | n      | `index` | 1                   |
//! | s      | `sigma` | r_eff               |
//! | a      | `share` | 1; they sum to 1    |
//!
//! Widths are equally spaced in their logarithm. For 0.5 <= n <= 6 and 0.05 < r / r_eff < 4 the density is right to 1.2 %, the light
//! within a radius to 0.1 %; behind a Gaussian of 0.017 r_eff or more the peak is right to 0.1 %. n = 1/2 is one Gaussian, which is mixed
//! in below n = 0.51.
//!
//! The table, and why Gaussians can do this at all: `python/getframes/reference/profile/sersic.py`.

use super::sersic_table::TABLE;
use crate::real::Real;

/// Smallest index: flatter profiles are no mixtures of Gaussians.
pub const SMALLEST_INDEX: f64 = 0.5;

/// Largest index of the table.
pub const LARGEST_INDEX: f64 = 8.0;

/// Gaussians of a profile.
pub const COMPONENTS: usize = 15;

/// Widths in the table.
const WIDTHS: usize = COMPONENTS - 1;

/// Index of the first knot; ln(n - SHIFT) is equally spaced.
const FIRST: f64 = 0.51;
const SHIFT: f64 = 0.45;

/// The standard deviation of n = 1/2: (2 ln 2)^-1/2.
const SIGMA_OF_HALF: f64 = 0.849_321_800_288_019_1;

/// Widths [r_eff] and shares of the Gaussians at an index between the smallest and the largest.
#[inline(always)]
pub fn sersic(index: f64) -> [(f64, f64); COMPONENTS] {
    let row = interpolated(index.max(FIRST));
    let step = (row[1] - row[0]) / (WIDTHS - 1) as f64;
    let ratio = Real::exponential(step);
    let total: f64 = row[2..].iter().sum();
    let part = (FIRST - index).max(0.0) / (FIRST - SMALLEST_INDEX);
    let mut sigma = Real::exponential(row[0]);
    let mut mixture = [(SIGMA_OF_HALF, part); COMPONENTS];
    for (component, share) in mixture.iter_mut().zip(&row[2..]) {
        *component = (sigma, (1.0 - part) * share / total);
        sigma *= ratio;
    }
    mixture
}

/// A row of the table between its knots: Lagrange's cubic through four.
#[inline(always)]
fn interpolated(index: f64) -> [f64; WIDTHS + 2] {
    let last = TABLE.len() - 1;
    let start: f64 = Real::logarithm(FIRST - SHIFT);
    let step = (Real::logarithm(LARGEST_INDEX - SHIFT) - start) / last as f64;
    let position = (Real::logarithm(index - SHIFT) - start) / step;
    let first = (position as usize).clamp(1, last - 2) - 1;
    let s = position - (first + 1) as f64;
    let weights = [
        -s * (s - 1.0) * (s - 2.0) / 6.0,
        (s + 1.0) * (s - 1.0) * (s - 2.0) / 2.0,
        -(s + 1.0) * s * (s - 2.0) / 2.0,
        (s + 1.0) * s * (s - 1.0) / 6.0,
    ];
    let mut row = [0.0; WIDTHS + 2];
    for (weight, knot) in weights.iter().zip(&TABLE[first..first + 4]) {
        for (sum, value) in row.iter_mut().zip(knot) {
            *sum = weight.mul_add(*value, *sum);
        }
    }
    row
}
