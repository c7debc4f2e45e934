//! The inverse of a response curve.

use super::TILE;
use getframes_core::real::polynomial;
use getframes_core::{Error, Real};

/// Terms that the series of an inverse may have.
const TERMS: [usize; 3] = [8, 16, MOST];
const MOST: usize = 32;
/// Newton steps that may follow the longest.
const MOST_STEPS: usize = 16;
/// Relative error of an inverse in single and in double precision, before rounding.
const ERRORS: [f64; 2] = [3e-8, 5e-15];
/// Points at which the accuracy of an inverse is measured.
const PROBES: usize = 1024;
/// How far beyond the full well a curve is inverted, for the noise of a pixel that is full.
const BEYOND: f64 = 1.25;
/// Slope below which a curve counts as flat, and cannot be inverted.
const FLAT: f64 = 1e-3;

/// The inverse of q' = q (1 + c1 u + c2 u^2 + ...), u = q/W, on its rising branch.
///
/// q = q' s(v), v = q'/W: s is a polynomial through the exact inverse at Chebyshev points, followed by Newton steps where that is not exact to
/// rounding. Below no charge s is 1, the slope there; beyond the branch s stays what it is at its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Inverse {
    /// c1, c2, ...
    pub coefficients: Vec<f64>,
    /// W [e-].
    pub full_well_e: f64,
    /// Largest v of the branch.
    pub end: f64,
    /// s for single precision.
    pub single: Series,
    /// s for double precision.
    pub double: Series,
}

/// A polynomial, and what makes it exact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Coefficients in x = 2 v / `end` - 1, from the highest power down; one of [`TERMS`].
    pub terms: Vec<f64>,
    /// Newton steps.
    pub steps: usize,
}

/// The curve: v of a u.
#[inline(always)]
fn curve<T: Real>(coefficients: &[f64], u: T) -> T {
    let mut sum = T::ZERO;
    for &c in coefficients.iter().rev() {
        sum = (sum + T::of(c)) * u;
    }
    u * (T::ONE + sum)
}

/// Its slope.
#[inline(always)]
fn slope<T: Real>(coefficients: &[f64], u: T) -> T {
    let mut sum = T::ZERO;
    for (k, &c) in coefficients.iter().enumerate().rev() {
        sum = (sum + T::of((k as f64 + 2.0) * c)) * u;
    }
    T::ONE + sum
}

/// Where a function that holds at `low` ceases to hold.
fn bisected(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if holds(middle) { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Largest u, at most [`BEYOND`], up to which the curve rises.
fn top(coefficients: &[f64]) -> f64 {
    let grid = |step: usize| BEYOND * step as f64 / PROBES as f64;
    let rises = |u: f64| slope(coefficients, u) > FLAT;
    let falls = (1..=PROBES).find(|&step| !rises(grid(step)));
    falls.map_or(BEYOND, |step| bisected(grid(step - 1), grid(step), rises))
}

impl Inverse {
    /// The inverse of a curve; `None` for a straight line.
    ///
    /// # Errors
    /// [`Error::Domain`] when the well is not positive, or a coefficient is not finite.
    pub fn of(coefficients: &[f64], full_well_e: f64) -> Result<Option<Self>, Error> {
        Error::domain(full_well_e > 0.0 && full_well_e.is_finite(), "full_well_e", "finite and > 0 e-", full_well_e)?;
        for &c in coefficients {
            Error::domain(c.is_finite(), "nonlinearity_coeffs", "finite", c)?;
        }
        if coefficients.iter().all(|&c| c == 0.0) {
            return Ok(None);
        }
        let top = top(coefficients);
        let end = curve(coefficients, top);
        let ratio = |v: f64| bisected(0.0, top, |u| curve(coefficients, u) < v) / v;
        let expansion = chebyshev(|x| ratio(0.5 * (x + 1.0) * end));
        let (single, double) = (Series::default(), Series::default());
        let mut made = Self { coefficients: coefficients.to_vec(), full_well_e, end, single, double };
        let [single, double] = ERRORS.map(|error| made.series(&expansion, top, error));
        (made.single, made.double) = (single, double);
        Ok(Some(made))
    }

    /// The shortest series with this error.
    fn series(&mut self, expansion: &[f64; MOST], top: f64, error: f64) -> Series {
        for count in TERMS {
            self.double = Series { terms: powers(&expansion[..count]), steps: 0 };
            if self.error(top) < error {
                return self.double.clone();
            }
        }
        while self.double.steps < MOST_STEPS && self.error(top) > error {
            self.double.steps += 1;
        }
        self.double.clone()
    }

    /// Largest relative error over the branch.
    fn error(&self, top: f64) -> f64 {
        let exact: Vec<f64> = (1..PROBES).map(|probe| top * self.full_well_e * probe as f64 / PROBES as f64).collect();
        let mut found: Vec<f64> =
            exact.iter().map(|q| self.full_well_e * curve(&self.coefficients, q / self.full_well_e)).collect();
        self.apply(&mut found);
        found.iter().zip(&exact).fold(0.0, |worst, (q, exact)| f64::max(worst, (q / exact - 1.0).abs()))
    }

    /// Charge before the response bent it, in place. Where the curve is steep, the roundings of single precision would grow: the work is then done
    /// in double precision.
    #[inline(always)]
    pub fn apply<T: Real>(&self, charge: &mut [T]) {
        if let Some(series) = self.of_precision::<T>() {
            return self.apply_series(charge, series);
        }
        let mut wide = [0.0; TILE];
        for charge in charge.chunks_mut(TILE) {
            let wide = &mut wide[..charge.len()];
            for (wide, q) in wide.iter_mut().zip(&*charge) {
                *wide = q.wide();
            }
            self.apply_series(wide, &self.double);
            for (q, &wide) in charge.iter_mut().zip(&*wide) {
                *q = T::of(wide);
            }
        }
    }

    /// The series that a precision is good enough for.
    #[inline(always)]
    pub(super) fn of_precision<T: Real>(&self) -> Option<&Series> {
        if size_of::<T>() == 8 {
            return Some(&self.double);
        }
        (self.single.steps == 0 && self.single.terms.len() == TERMS[0]).then_some(&self.single)
    }

    #[inline(always)]
    fn apply_series<T: Real>(&self, charge: &mut [T], series: &Series) {
        match (series.steps, series.terms.len()) {
            (0, 8) => Expanded::<8>::of(self, series).apply(charge),
            (0, 16) => Expanded::<16>::of(self, series).apply(charge),
            (0, MOST) => Expanded::<MOST>::of(self, series).apply(charge),
            (steps, _) => self.polished(charge, &series.terms, steps),
        }
    }

    /// The same with Newton steps of c(u) = v.
    #[inline(always)]
    fn polished<T: Real>(&self, charge: &mut [T], terms: &[f64], steps: usize) {
        let (inverse, end, least) = (T::of(1.0 / self.full_well_e), T::of(self.end), T::of(1e-30));
        let stretch = T::of(2.0 / self.end);
        for q in charge.iter_mut() {
            let v = (*q * inverse).most(least).least(end);
            let x = v.mul_add(stretch, -T::ONE);
            let mut u = v * terms.iter().fold(T::ZERO, |sum, &term| sum.mul_add(x, T::of(term)));
            for _ in 0..steps {
                u = u - (curve(&self.coefficients, u) - v) / slope(&self.coefficients, u);
            }
            *q *= u / v;
        }
    }
}

/// What undoes the response in one pixel.
pub(super) trait Undo {
    fn law<T: Real>(&self, charge: T) -> T;
}

/// For a response that is a straight line.
pub(super) struct Straight;

impl Undo for Straight {
    #[inline(always)]
    fn law<T: Real>(&self, charge: T) -> T {
        charge
    }
}

/// A series that needs no Newton steps.
pub(super) struct Expanded<const N: usize> {
    terms: [f64; N],
    end: f64,
    stretch: f64,
}

impl<const N: usize> Expanded<N> {
    #[inline(always)]
    pub(super) fn of(inverse: &Inverse, series: &Series) -> Self {
        let mut terms = [0.0; N];
        terms.copy_from_slice(&series.terms);
        let end = inverse.end * inverse.full_well_e;
        Self { terms, end, stretch: 2.0 / end }
    }

    #[inline(always)]
    fn apply<T: Real>(&self, charge: &mut [T]) {
        for q in charge {
            *q = self.law(*q);
        }
    }
}

impl<const N: usize> Undo for Expanded<N> {
    #[inline(always)]
    fn law<T: Real>(&self, charge: T) -> T {
        let x = charge.most(T::ZERO).least(T::of(self.end)).mul_add(T::of(self.stretch), -T::ONE);
        charge * polynomial(x, &self.terms)
    }
}

/// Coefficients of the Chebyshev polynomials in the interpolation of a function over [-1, 1].
fn chebyshev(function: impl Fn(f64) -> f64) -> [f64; MOST] {
    // Cosines of the fractions of a right angle by halving it: no libm, the same bits everywhere.
    let (mut cosines, mut half) = (vec![1.0, 0.0], 0.5f64.sqrt());
    while cosines.len() <= MOST {
        let middles = cosines.windows(2).map(|pair| (pair[0] + pair[1]) / (2.0 * half));
        cosines = cosines[..].iter().copied().zip(middles.chain([0.0])).flat_map(|(at, next)| [at, next]).collect();
        cosines.pop();
        half = (0.5 * (1.0 + half)).sqrt();
    }
    let cosine = |j: usize| match j % (4 * MOST) {
        j if j <= MOST => cosines[j],
        j if j <= 2 * MOST => -cosines[2 * MOST - j],
        j if j <= 3 * MOST => -cosines[j - 2 * MOST],
        j => cosines[4 * MOST - j],
    };
    let values: Vec<f64> = (0..MOST).map(|k| function(cosine(2 * k + 1))).collect();
    std::array::from_fn(|n| {
        let sum: f64 = values.iter().enumerate().map(|(k, f)| f * cosine(n * (2 * k + 1))).sum();
        let coefficient = sum * if n == 0 { 1.0 } else { 2.0 } / MOST as f64;
        // What is left of rounding would be blown up in powers of x.
        if coefficient.abs() < 1e-16 { 0.0 } else { coefficient }
    })
}

/// A sum of Chebyshev polynomials in powers of x, from the highest down.
fn powers(expansion: &[f64]) -> Vec<f64> {
    let count = expansion.len();
    let (mut one, mut two) = (vec![0.0; count], vec![0.0; count]); // T_(n-1) and T_n, lowest power first
    two[0] = 1.0;
    let mut sum = vec![0.0; count];
    for (n, &coefficient) in expansion.iter().enumerate() {
        for (sum, &term) in sum.iter_mut().zip(&two) {
            *sum += coefficient * term;
        }
        let raised = |power: usize| if power > 0 { two[power - 1] } else { 0.0 };
        let next =
            (0..count).map(|power| if n == 0 { raised(power) } else { 2.0 * raised(power) - one[power] }).collect();
        (one, two) = (two, next);
    }
    sum.reverse();
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves() -> Vec<Vec<f64>> {
        vec![
            vec![-0.003],
            vec![-0.1],
            vec![-0.3],
            vec![-0.45],
            vec![-0.4999],
            vec![0.2],
            vec![-0.05, -0.03],
            vec![0.1, -0.2, 0.05],
            vec![-0.6, 0.3],
        ]
    }

    #[test]
    fn charge_comes_back() {
        let well = 3e4;
        for coefficients in curves() {
            let inverse = Inverse::of(&coefficients, well).unwrap().unwrap();
            let limit = top(&coefficients).min(1.0) * 0.98;
            let exact: Vec<f64> = (0..5000).map(|n| f64::from(n) / 5000.0 * limit * well).collect();
            let mut found: Vec<f64> = exact.iter().map(|q| well * curve(&coefficients, q / well)).collect();
            let mut single: Vec<f32> = found.iter().map(|&q| q as f32).collect();
            inverse.apply(&mut found);
            inverse.apply(&mut single);
            for ((q, exact), single) in found.iter().zip(&exact).zip(&single) {
                assert!((q - exact).abs() <= 2e-13 * exact, "{coefficients:?}: {q} is not {exact}");
                // The slope of the inverse makes the rounding of the input larger near the top of a steep curve.
                let bound = 3e-7 * exact / slope(&coefficients, exact / well).min(1.0);
                assert!((f64::from(*single) - exact).abs() <= bound, "{coefficients:?}: {single} is not {exact}");
            }
        }
    }

    #[test]
    fn straight_lines_need_no_inverse() {
        assert_eq!(Inverse::of(&[0.0, 0.0], 1e4).unwrap(), None);
        assert!(Inverse::of(&[f64::NAN], 1e4).is_err());
        assert!(Inverse::of(&[-0.1], 0.0).is_err());
    }
}
