//! One Gaussian over the pixels of a tile.

use super::Component;
use getframes_core::Real;

/// Pixels along a side of a tile.
pub const SIDE: usize = 8;

/// Pixels of a tile, row by row.
pub const PIXELS: usize = SIDE * SIDE;

/// Standard deviations beyond which a Gaussian is left out.
const REACH: f64 = 6.0;

/// Exponents below are nothing; `exponential` holds down to there.
const NOTHING: f64 = -700.0;

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
    /// The inverse of the covariance [1 / pixel²].
    inverse: [f64; 3],
    /// How far it reaches along x and y [pixel].
    reach: [f64; 2],
}

/// Sums over pixels of a number times the Gaussian (of weight 1) times 1, u, v, u², uv, v², where u and v are distances from its centre [pixel].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments(pub [f64; 6]);

impl Gaussian {
    /// Of a component whose covariance is positive definite.
    pub fn new(component: &Component) -> Self {
        let Component { xx, xy, yy, .. } = *component;
        let det = xx * yy - xy * xy;
        Self {
            component: *component,
            peak: 1.0 / (2.0 * std::f64::consts::PI * det.sqrt()),
            inverse: [yy / det, -xy / det, xx / det],
            reach: [REACH * xx.sqrt(), REACH * yy.sqrt()],
        }
    }

    /// First and last column, first and last row that it reaches [pixel].
    pub fn bounds(&self) -> [f64; 4] {
        let Component { x, y, .. } = self.component;
        [x - self.reach[0], x + self.reach[0], y - self.reach[1], y + self.reach[1]]
    }

    /// Whether it reaches a pixel of a tile, or the space between them.
    #[inline]
    pub fn reaches(&self, tile: Tile) -> bool {
        let last = (SIDE - 1) as f64;
        let (u, v) = (tile.x - self.component.x, tile.y - self.component.y);
        let (left, right, low, high) = (u, u + last, v, v + last);
        if left > self.reach[0] || -right > self.reach[0] || low > self.reach[1] || -high > self.reach[1] {
            return false;
        }
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

    /// Adds its values to a tile.
    #[inline(always)]
    pub fn add(&self, tile: Tile, image: &mut [f64; PIXELS]) {
        self.walk(tile, |pixel, _, _, value| image[pixel] += self.component.weight * value);
    }

    /// Its moments with the numbers of a tile.
    #[inline(always)]
    pub fn moments(&self, tile: Tile, numbers: &[f64; PIXELS]) -> Moments {
        let mut sums = [0.0; 6];
        self.walk(tile, |pixel, u, v, value| {
            let value = value * numbers[pixel];
            for (sum, term) in sums.iter_mut().zip([1.0, u, v, u * u, u * v, v * v]) {
                *sum += value * term;
            }
        });
        Moments(sums)
    }

    #[inline(always)]
    fn walk(&self, tile: Tile, mut each: impl FnMut(usize, f64, f64, f64)) {
        let [a, b, c] = self.inverse;
        for row in 0..SIDE {
            for column in 0..SIDE {
                let (u, v) = (tile.x - self.component.x + column as f64, tile.y - self.component.y + row as f64);
                let exponent = -0.5 * (a * u * u + 2.0 * b * u * v + c * v * v);
                if exponent > NOTHING {
                    each(row * SIDE + column, u, v, self.peak * Real::exponential(exponent));
                }
            }
        }
    }

    /// What the sum over pixels of a number times the Gaussian changes by with each number of its component.
    pub fn change(&self, moments: &Moments) -> Component {
        let Moments([sum, u, v, uu, uv, vv]) = *moments;
        let [a, b, c] = self.inverse;
        let Component { weight, xx, xy, yy, .. } = self.component;
        // With S the second moments less `sum` C, the slope is C⁻¹ S C⁻¹ / 2.
        let (s, t, r) = (uu - sum * xx, uv - sum * xy, vv - sum * yy);
        let (left, middle) = ([a * s + b * t, a * t + b * r], [b * s + c * t, b * t + c * r]);
        Component {
            weight: sum,
            x: weight * (a * u + b * v),
            y: weight * (b * u + c * v),
            xx: 0.5 * weight * (left[0] * a + left[1] * b),
            xy: weight * (left[0] * b + left[1] * c),
            yy: 0.5 * weight * (middle[0] * b + middle[1] * c),
        }
    }
}

impl Moments {
    /// Adds those of another tile.
    #[inline]
    pub fn add(&mut self, other: &Self) {
        for (sum, term) in self.0.iter_mut().zip(other.0) {
            *sum += term;
        }
    }
}
