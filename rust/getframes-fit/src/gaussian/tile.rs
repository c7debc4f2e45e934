//! A Gaussian ready for pixels, and whether it reaches a tile of them.

use super::Component;
use super::lanes::Lanes;
use getframes_core::Real;

/// Pixels along a side of a tile.
pub const SIDE: usize = 8;

/// Pixels of a tile, row by row.
pub const PIXELS: usize = SIDE * SIDE;

/// Standard deviations beyond which a Gaussian is left out.
const REACH: f64 = 6.0;

/// Largest inverse variance along y for which a tile can be crossed row by row from exponents above -700 [1 / pixel²].
const STEEPEST: f64 = 14.0;

/// Where a tile lies: the centre of its first pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tile {
    /// Column of the first pixel.
    pub x: f64,
    /// Row of the first pixel.
    pub y: f64,
}

/// A Gaussian ready for pixels: exp of a quadratic form of the distance.
#[derive(Clone, Copy, Debug)]
pub struct Gaussian {
    component: Component,
    /// Value at the centre, for a weight of 1.
    peak: f64,
    /// The inverse of the covariance: a u² + 2 b u v + c v² [1 / pixel²].
    inverse: [f64; 3],
    /// exp(-c): what the ratio of two rows changes by from row to row.
    pub(super) fall: f64,
    /// How far it reaches along x and y [pixel].
    reach: [f64; 2],
}

/// Sums over the pixels of each column of a number times exp(-form / 2) times 1, u, v, u², uv, v²: u and v are distances from the centre [pixel].
#[derive(Clone, Copy, Debug)]
pub struct Moments(pub(super) [Lanes; 6]);

impl Default for Moments {
    fn default() -> Self {
        Self([Lanes::all(0.0); 6])
    }
}

impl Gaussian {
    /// Of a component whose covariance is positive definite.
    #[inline(always)]
    pub fn new(component: &Component) -> Self {
        let Component { xx, xy, yy, .. } = *component;
        let det = xx * yy - xy * xy;
        let inverse = [yy / det, -xy / det, xx / det];
        Self {
            component: *component,
            peak: 1.0 / (2.0 * std::f64::consts::PI * det.sqrt()),
            inverse,
            fall: Real::exponential(-inverse[2].min(STEEPEST)),
            reach: [REACH * xx.sqrt(), REACH * yy.sqrt()],
        }
    }

    /// First and last column, first and last row that it reaches [pixel].
    pub fn bounds(&self) -> [f64; 4] {
        let Component { x, y, .. } = self.component;
        [x - self.reach[0], x + self.reach[0], y - self.reach[1], y + self.reach[1]]
    }

    /// Whether it reaches a pixel of a tile, or the space between them.
    #[inline(always)]
    pub fn reaches(&self, tile: Tile) -> bool {
        let last = (SIDE - 1) as f64;
        let [left, low] = self.distance(tile);
        let (right, high) = (left + last, low + last);
        if left <= 0.0 && right >= 0.0 && low <= 0.0 && high >= 0.0 {
            return true;
        }
        // The least of the form over a rectangle that does not hold the centre lies on an edge that faces it.
        let [a, b, c] = self.inverse;
        let form = |u: f64, v: f64| a * u * u + 2.0 * b * u * v + c * v * v;
        let (near_u, near_v) = (0.0f64.clamp(left, right), 0.0f64.clamp(low, high));
        let on_column = form(near_u, (-b * near_u / c).clamp(low, high));
        let on_row = form((-b * near_v / a).clamp(left, right), near_v);
        on_column.min(on_row) <= REACH * REACH
    }

    /// Value at the centre.
    #[inline(always)]
    pub(super) fn height(&self) -> f64 {
        self.component.weight * self.peak
    }

    /// Whether it is too narrow to go from row to row.
    #[inline(always)]
    pub(super) fn is_steep(&self) -> bool {
        self.inverse[2] > STEEPEST
    }

    /// From the centre to the first pixel of a tile.
    #[inline(always)]
    pub(super) fn distance(&self, tile: Tile) -> [f64; 2] {
        [tile.x - self.component.x, tile.y - self.component.y]
    }

    /// -form / 2 along a row of a tile.
    #[inline(always)]
    pub(super) fn exponents(&self, tile: Tile, row: f64, exponents: &mut [f64]) {
        let ([a, b, c], [u, v]) = (self.inverse, self.distance(tile));
        let v = v + row;
        for column in 0..SIDE {
            let u = u + column as f64;
            exponents[column] = u * u.mul_add(-0.5 * a, -b * v) - 0.5 * c * v * v;
        }
    }

    /// By what these grow from the first row to the second.
    #[inline(always)]
    pub(super) fn growth(&self, tile: Tile, growth: &mut [f64]) {
        let ([_, b, c], [u, v]) = (self.inverse, self.distance(tile));
        for column in 0..SIDE {
            growth[column] = (u + column as f64).mul_add(-b, -c * (v + 0.5));
        }
    }

    /// What the sum over pixels of a number times the Gaussian changes by with each number of its component.
    pub fn change(&self, moments: &Moments) -> Component {
        let [sum, u, v, uu, uv, vv] = moments.0.map(|lanes| self.peak * lanes.sum());
        let [a, b, c] = self.inverse;
        let Component { weight, xx, xy, yy, .. } = self.component;
        // With S the second moments less `sum` C, the slope against C is C⁻¹ S C⁻¹ / 2.
        let (s, t, r) = (uu - sum * xx, uv - sum * xy, vv - sum * yy);
        let (above, below) = ([a * s + b * t, a * t + b * r], [b * s + c * t, b * t + c * r]);
        Component {
            weight: sum,
            x: weight * (a * u + b * v),
            y: weight * (b * u + c * v),
            xx: 0.5 * weight * (above[0] * a + above[1] * b),
            xy: weight * (above[0] * b + above[1] * c),
            yy: 0.5 * weight * (below[0] * b + below[1] * c),
        }
    }
}
