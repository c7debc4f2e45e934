//! A Gaussian ready for pixels, and whether it reaches a tile of them.

use super::Component;
use super::lanes::Lanes;
use getframes_core::Real;

/// Pixels along a side of a tile.
pub const SIDE: usize = 8;

/// Pixels of a tile, row by row.
pub const PIXELS: usize = SIDE * SIDE;

/// Standard deviations beyond which a Gaussian is left out.
pub(super) const REACH: f64 = 6.0;

/// Largest inverse variance for which a tile can be crossed by products [1 / pixel²]. From the edge of its reach, 6 σ, over the diagonal of a tile a Gaussian falls by
/// an exponent of at most (6 + 9.9 √8)² / 2 = 578, and eight ratios of neighbours have one of at most 7 √8 (6 + 9.9 √8) = 673: both are normal numbers.
const STEEPEST: f64 = 8.0;

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
    /// exp(-a k² / 2) of column k: what remains of a row when its ratio of neighbours is taken out.
    pub(super) arch: Lanes,
    /// exp(-b k): what the ratio of two rows changes by from column to column.
    pub(super) tilt: Lanes,
    steep: bool,
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
        let inverse @ [a, b, c] = [yy / det, -xy / det, xx / det];
        Self {
            component: *component,
            peak: 1.0 / (2.0 * std::f64::consts::PI * det.sqrt()),
            inverse,
            fall: Real::exponential(-c.min(STEEPEST)),
            arch: Lanes::counted(0.0).map(|k| Real::exponential(-0.5 * a.min(STEEPEST) * k * k)),
            tilt: Lanes::counted(0.0).map(|k| Real::exponential(-b.clamp(-STEEPEST, STEEPEST) * k)),
            steep: a + c + ((a - c) * (a - c) + 4.0 * b * b).sqrt() > 2.0 * STEEPEST,
            reach: [REACH * xx.sqrt(), REACH * yy.sqrt()],
        }
    }

    /// First and last column, first and last row that it reaches [pixel].
    pub fn bounds(&self) -> [f64; 4] {
        let Component { x, y, .. } = self.component;
        [x - self.reach[0], x + self.reach[0], y - self.reach[1], y + self.reach[1]]
    }

    /// Its centre, its form as `a u² + 2 b u v + c v²`, and the slopes -b / c and -b / a of the lines where this is least along a column and along a row.
    pub fn outline(&self) -> [f64; 7] {
        let ([a, b, c], Component { x, y, .. }) = (self.inverse, self.component);
        [x, y, a, b, c, -b / c, -b / a]
    }

    /// Value at the centre.
    #[inline(always)]
    pub(super) fn height(&self) -> f64 {
        self.component.weight * self.peak
    }

    /// Whether it is too narrow to go from pixel to pixel.
    #[inline(always)]
    pub(super) fn is_steep(&self) -> bool {
        self.steep
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

    /// -form / 2 at the first pixel of a tile, and by what it grows from there along the row, and to the next row.
    #[inline(always)]
    pub(super) fn corner(&self, tile: Tile) -> [f64; 3] {
        let ([a, b, c], [u, v]) = (self.inverse, self.distance(tile));
        let (along, up) = (a.mul_add(u, b * v), b.mul_add(u, c * v));
        [-0.5 * u.mul_add(along, v * up), -along, -0.5f64.mul_add(c, up)]
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
