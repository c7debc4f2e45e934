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

/// What the widths and shares of [`sersic`] change by per unit of the index.
///
/// The cubics of the table meet without a step; their slopes do not (1e-3 of the brightness per unit of the index; 0.2 at 0.52). At a knot this is the
/// slope above it.
pub fn sersic_slopes(index: f64) -> [(f64, f64); COMPONENTS] {
    if index < FIRST {
        let per_index = 1.0 / (FIRST - SMALLEST_INDEX);
        let mut slopes = sersic(FIRST).map(|(_, share)| (0.0, share * per_index));
        slopes[WIDTHS] = (0.0, -per_index);
        return slopes;
    }
    let (place, step) = Place::of(index);
    let (row, change) = (place.row(&place.values()), place.row(&place.slopes()));
    let per_index = 1.0 / (step * (index - SHIFT));
    let total: f64 = row[2..].iter().sum();
    let drift: f64 = change[2..].iter().sum::<f64>() / total;
    let mut slopes = [(0.0, 0.0); COMPONENTS];
    for (number, (slope, (sigma, _))) in slopes.iter_mut().zip(sersic(index)).take(WIDTHS).enumerate() {
        let part = number as f64 / (WIDTHS - 1) as f64;
        let widening = part.mul_add(change[1] - change[0], change[0]);
        let share = (change[2 + number] - row[2 + number] * drift) / total;
        *slope = (sigma * widening * per_index, share * per_index);
    }
    slopes
}

/// A row of the table between its knots: Lagrange's cubic through four.
#[inline(always)]
fn interpolated(index: f64) -> [f64; WIDTHS + 2] {
    let (place, _) = Place::of(index);
    place.row(&place.values())
}

/// The first of four knots, and where between the second and the third.
#[derive(Clone, Copy)]
struct Place {
    first: usize,
    s: f64,
}

impl Place {
    /// Of an index, with the step of ln(n - SHIFT) from knot to knot.
    #[inline(always)]
    fn of(index: f64) -> (Self, f64) {
        let last = TABLE.len() - 1;
        let start: f64 = Real::logarithm(FIRST - SHIFT);
        let step = (Real::logarithm(LARGEST_INDEX - SHIFT) - start) / last as f64;
        let position = (Real::logarithm(index - SHIFT) - start) / step;
        let first = (position as usize).clamp(1, last - 2) - 1;
        (Self { first, s: position - (first + 1) as f64 }, step)
    }

    /// Weights of the knots.
    #[inline(always)]
    fn values(self) -> [f64; 4] {
        let s = self.s;
        [
            -s * (s - 1.0) * (s - 2.0) / 6.0,
            (s + 1.0) * (s - 1.0) * (s - 2.0) / 2.0,
            -(s + 1.0) * s * (s - 2.0) / 2.0,
            (s + 1.0) * s * (s - 1.0) / 6.0,
        ]
    }

    /// Their change per step.
    fn slopes(self) -> [f64; 4] {
        let s = self.s;
        [
            -((3.0 * s - 6.0) * s + 2.0) / 6.0,
            ((3.0 * s - 4.0) * s - 1.0) / 2.0,
            -((3.0 * s - 2.0) * s - 2.0) / 2.0,
            (3.0 * s * s - 1.0) / 6.0,
        ]
    }

    #[inline(always)]
    fn row(self, weights: &[f64; 4]) -> [f64; WIDTHS + 2] {
        let mut row = [0.0; WIDTHS + 2];
        for (weight, knot) in weights.iter().zip(&TABLE[self.first..self.first + 4]) {
            for (sum, value) in row.iter_mut().zip(knot) {
                *sum = weight.mul_add(*value, *sum);
            }
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_differences() {
        for index in [0.503, 0.52, 0.6, 1.0, 2.345, 4.0, 5.99, 7.9] {
            let step = 1e-6 * (index - SHIFT);
            let (below, above) = (sersic(index - step), sersic(index + step));
            for (number, (sigma, share)) in sersic_slopes(index).into_iter().enumerate() {
                let differences =
                    [above[number].0 - below[number].0, above[number].1 - below[number].1].map(|d| d / (2.0 * step));
                assert!((sigma - differences[0]).abs() < 1e-7 * (1.0 + sigma.abs()), "{index} {number} {sigma}");
                assert!((share - differences[1]).abs() < 1e-7 * (1.0 + share.abs()), "{index} {number} {share}");
            }
        }
    }
}
