//! Nonlinearity: the response falls (or bends) as the well fills.
//!
//! Law: q' = q max(0, 1 + c1 u + c2 u^2 + ...), u = q/W. The one-number form is c1 = -a.
//!
//! Inverse: the u of the branch through 0 on which the response rises, |u| <= 4: in closed form for one term, by Newton's method for more.
//! A response above (below) all of the branch gives its end.
//!
//! Source: Janesick, *Photon Transfer* (2007), doi:10.1117/3.725073. Not modelled: dependence on rate or on history.

use crate::chain::Tile;
use getframes_core::Real;

/// Terms that a curve may have.
pub const MAX_TERMS: usize = 16;

/// A response curve.
#[derive(Clone, Copy, Debug)]
pub struct Nonlinearity {
    /// c1, c2, ... and zeros.
    pub coefficients: [f64; MAX_TERMS],
    /// How many count.
    pub terms: usize,
    /// W [e-].
    pub full_well_e: f64,
}

/// The law for one pixel.
#[inline(always)]
pub fn law<T: Real>(charge_e: T, coefficients: &[f64], inverse_well: T) -> T {
    let fill = charge_e * inverse_well;
    let mut curve = T::ZERO;
    for &coefficient in coefficients.iter().rev() {
        curve = (curve + T::of(coefficient)) * fill;
    }
    charge_e * (T::ONE + curve).most(T::ZERO)
}

/// The law in units of the well, and its slope.
#[inline(always)]
fn response(fill: f64, coefficients: &[f64]) -> (f64, f64) {
    let (mut curve, mut slope) = (0.0, 0.0f64);
    for &coefficient in coefficients.iter().rev() {
        let factor = curve + coefficient;
        slope = slope.mul_add(fill, factor);
        curve = factor * fill;
    }
    // d/du [u (1 + c(u))] = 1 + c(u) + u c'(u)
    (fill * (1.0 + curve), slope.mul_add(fill, 1.0 + curve))
}

impl Nonlinearity {
    /// The end of the rising branch on one side (`step` is 1 or -1) [W].
    fn end(&self, side: f64) -> f64 {
        let slope = |fill: f64| response(side * fill, &self.coefficients[..self.terms]).1;
        let steps = 4096;
        let falls = (1..=steps).map(|step| 4.0 * f64::from(step) / f64::from(steps)).find(|&fill| slope(fill) <= 0.0);
        let Some(mut high) = falls else { return 4.0 * side };
        let mut low = high - 4.0 / f64::from(steps);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if slope(middle) > 0.0 { low = middle } else { high = middle }
        }
        low * side
    }

    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let inverse = T::of(1.0 / self.full_well_e);
        if self.terms == 1 {
            for q in tile.value.iter_mut() {
                *q = law(*q, &self.coefficients[..1], inverse);
            }
        } else {
            for q in tile.value.iter_mut() {
                *q = law(*q, &self.coefficients[..self.terms], inverse);
            }
        }
    }
}

/// The curve undone.
#[derive(Clone, Copy, Debug)]
pub struct Linearization {
    curve: Nonlinearity,
    /// Ends of the rising branch [W], and the response there [W].
    ends: [f64; 2],
    responses: [f64; 2],
}

/// Lanes whose roots are looked for together.
const LANES: usize = 64;
/// Steps of Newton's method: where the slope goes to 0 each gives one bit.
const STEPS: usize = 60;

impl Linearization {
    /// The inverse of a curve.
    pub fn of(curve: Nonlinearity) -> Self {
        let ends = [curve.end(-1.0), curve.end(1.0)];
        let responses = ends.map(|end| response(end, &curve.coefficients[..curve.terms]).0);
        Self { curve, ends, responses }
    }

    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let (well, inverse) = (self.curve.full_well_e, 1.0 / self.curve.full_well_e);
        for chunk in tile.value.chunks_mut(LANES) {
            let (mut reached, mut fill) = ([0.0; LANES], [0.0; LANES]);
            for (reached, &q) in reached.iter_mut().zip(&*chunk) {
                *reached = (q.wide() * inverse).most(self.responses[0]).least(self.responses[1]);
            }
            if self.curve.terms == 1 {
                let first = self.curve.coefficients[0];
                for (fill, &reached) in fill.iter_mut().zip(&reached) {
                    let root = (4.0 * first).mul_add(reached, 1.0).most(0.0);
                    *fill = 2.0 * reached / (1.0 + Real::sqrt(root));
                }
            } else {
                self.solve(&reached, &mut fill);
            }
            for (q, &fill) in chunk.iter_mut().zip(&fill) {
                *q = T::of(fill * well);
            }
        }
    }

    /// Newton's method between brackets; a lane that has found its root rests, so that none depends on the others.
    #[inline(always)]
    fn solve(&self, reached: &[f64; LANES], fill: &mut [f64; LANES]) {
        let (mut low, mut high, mut active) = ([self.ends[0]; LANES], [self.ends[1]; LANES], [1u64; LANES]);
        for (fill, &reached) in fill.iter_mut().zip(reached) {
            *fill = reached.most(self.ends[0]).least(self.ends[1]);
        }
        for _ in 0..STEPS {
            let mut left = 0;
            for lane in 0..LANES {
                let at = fill[lane];
                let (value, slope) = response(at, &self.curve.coefficients[..self.curve.terms]);
                let excess = value - reached[lane];
                (low[lane], high[lane]) = if excess > 0.0 { (low[lane], at) } else { (at, high[lane]) };
                let newton = at - excess / slope;
                let inside = newton >= low[lane] && newton <= high[lane];
                let next = if inside { newton } else { 0.5 * (low[lane] + high[lane]) };
                // Newton's method doubles the digits: after a step of 1e-9 it is done.
                let done = (next - at).abs() <= 1e-9 * Real::abs(at);
                fill[lane] = if active[lane] != 0 { next } else { at };
                active[lane] = if done { 0 } else { active[lane] };
                left |= active[lane];
            }
            if left == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_end_where_the_response_is_highest() {
        let mut coefficients = [0.0; MAX_TERMS];
        coefficients[0] = -0.25;
        let curve = Nonlinearity { coefficients, terms: 1, full_well_e: 1.0 };
        let inverse = Linearization::of(curve);
        assert!((inverse.ends[1] - 2.0).abs() < 1e-12 && inverse.ends[0] == -4.0);
        assert!((inverse.responses[1] - 1.0).abs() < 1e-12);
    }
}
