//! The square of a pixel as a few points behind a small Gaussian.

/// Widths squared between which the points move together: beyond, one Gaussian with the variance of the square is right to 1e-3 of its peak.
const TOGETHER: [f64; 2] = [1.25 * 1.25, 1.5 * 1.5];

/// Widths squared between which three points a side become two.
const TWO: [f64; 2] = [0.5 * 0.5, 0.6 * 0.6];

/// Share of an outer point of three, such that cumulants 2, 4 and 6 are those of the square: a root of -6 s³ + 3 s / 40 + 1 / (14400 s) = 1 / 252.
const OUTER_OF_THREE: f64 = 0.318_902_973_746_573_5;

/// Variance of the square along a side [pixel²].
const VARIANCE: f64 = 1.0 / 12.0;

/// Points and added variance for a component of some width, with their slopes against its width squared z = w².
///
/// A side is the points -h, 0, h with the shares a, 1 - 2a, a, behind a Gaussian of variance τ = 1/12 - 2 a h². Narrow components have three
/// points (cumulants of the square right up to the seventh), then two (a = 1/2, up to the fifth), then one (up to the third).
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// τ [pixel²].
    pub added: f64,
    /// dτ/dz.
    pub added_slope: f64,
    /// dh/dz.
    pub offset_slope: f64,
    /// da/dz.
    pub outer_slope: f64,
    /// dz/d(xx, xy, yy).
    pub width_slopes: [f64; 3],
    offset: f64,
    outer: f64,
    sides: &'static [i8],
}

/// One of the points.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Share of the light.
    pub weight: f64,
    /// Its change with the share of an outer point of a side.
    pub weight_per_outer: f64,
    /// Offset from the centre, in units of h.
    pub column: f64,
    /// The same along y.
    pub row: f64,
    /// Offset [pixel].
    pub x: f64,
    /// Offset [pixel].
    pub y: f64,
}

impl Rule {
    /// For a covariance [pixel²].
    pub fn of(xx: f64, xy: f64, yy: f64) -> Self {
        // z = √2 det / √tr(C²), from w⁻⁴ = tr(C⁻²) / 2.
        let det = xx * yy - xy * xy;
        let squares = xx * xx + 2.0 * xy * xy + yy * yy;
        let width = det * (2.0 / squares).sqrt();
        let slope = |det_slope: f64, squares_slope: f64| {
            (2.0 / squares).sqrt() * (det_slope - 0.5 * det / squares * squares_slope)
        };
        let width_slopes = [slope(yy, 2.0 * xx), slope(-2.0 * xy, 4.0 * xy), slope(xx, 2.0 * yy)];

        let (two, two_slope) = ramp(width, TWO);
        let outer = OUTER_OF_THREE + (0.5 - OUTER_OF_THREE) * two;
        let outer_slope = (0.5 - OUTER_OF_THREE) * two_slope;
        // h⁴ = 1 / (240 a (6a - 1)) makes the fourth cumulant right; the points move together by `apart`.
        let (together, together_slope) = ramp(width, TOGETHER);
        let apart = 1.0 - together;
        let quartic = 240.0 * outer * (6.0 * outer - 1.0);
        let full = quartic.recip().sqrt().sqrt();
        let full_slope = -0.25 * full / quartic * 240.0 * (12.0 * outer - 1.0) * outer_slope;
        let offset = apart * full;
        let offset_slope = apart * full_slope - together_slope * full;
        Self {
            added: VARIANCE - 2.0 * outer * offset * offset,
            added_slope: -2.0 * (outer_slope * offset + 2.0 * outer * offset_slope) * offset,
            offset_slope,
            outer_slope,
            width_slopes,
            offset,
            outer,
            sides: match (together >= 1.0, two >= 1.0) {
                (true, _) => &[0],
                (_, true) => &[-1, 1],
                _ => &[-1, 0, 1],
            },
        }
    }

    /// The points, row by row.
    #[inline(always)]
    pub fn points(&self) -> impl Iterator<Item = Point> + '_ {
        let side = move |number: i8| match (number, self.sides.len()) {
            (_, 1) => (1.0, 0.0),
            (0, _) => (1.0 - 2.0 * self.outer, -2.0),
            _ => (self.outer, 1.0),
        };
        self.sides.iter().flat_map(move |&row| {
            self.sides.iter().map(move |&column| {
                let ((p, p_slope), (q, q_slope)) = (side(row), side(column));
                let (column, row) = (f64::from(column), f64::from(row));
                Point {
                    weight: p * q,
                    weight_per_outer: p_slope * q + p * q_slope,
                    column,
                    row,
                    x: self.offset * column,
                    y: self.offset * row,
                }
            })
        })
    }
}

/// From 0 below to 1 above a range, with two continuous slopes; and its slope.
fn ramp(value: f64, [low, high]: [f64; 2]) -> (f64, f64) {
    let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
    (t * t * t * (t * (6.0 * t - 15.0) + 10.0), 30.0 * t * t * (t - 1.0) * (t - 1.0) / (high - low))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean of x^power over the points behind their Gaussian, along one side.
    fn moment(rule: &Rule, power: i32) -> f64 {
        let gaussian = |power: i32| match power {
            0 => 1.0,
            2 => rule.added,
            4 => 3.0 * rule.added.powi(2),
            6 => 15.0 * rule.added.powi(3),
            _ => 0.0,
        };
        let binomial = |n: i32, k: i32| (1..=k).fold(1.0, |value, i| value * f64::from(n - k + i) / f64::from(i));
        rule.points()
            .map(|point| {
                let terms = (0..=power).map(|k| binomial(power, k) * point.x.powi(power - k) * gaussian(k));
                point.weight * terms.sum::<f64>()
            })
            .sum()
    }

    #[test]
    fn moments_are_those_of_the_square() {
        for (sigma, right) in [(0.3, 6), (0.45, 6), (0.55, 4), (0.7, 4), (1.2, 4), (1.4, 2), (3.0, 2)] {
            let rule = Rule::of(sigma * sigma, 0.0, sigma * sigma);
            for power in (0..=right).step_by(2) {
                let exact = 0.5f64.powi(power) / f64::from(power + 1);
                assert!((moment(&rule, power) - exact).abs() < 1e-15, "{sigma} {power}");
            }
            assert!(rule.added > 0.0);
        }
    }
}
