//! Calibration: counts back to charge, and charge back to light, in one pass over a frame.
//!
//! | symbol | name       | shape      | unit       |
//! |--------|------------|------------|------------|
//! | n      | `counts`   | `(ny, nx)` | ADU        |
//! | b      | `zero_adu` | one        | ADU        |
//! | k      | `scale`    | one        | e-/ADU     |
//! | g      | `inverse`  | –          | e- to e-   |
//! | d      | `dark`     | `(ny, nx)` | e-         |
//! | w      | `weight`   | `(ny, nx)` | 1          |
//! | f      | `factor`   | one        | photons/e- |
//!
//! Law: out = (g(k (n - b)) - d) f w, with g the inverse of the response curve of a pixel ([`Inverse`]).
//!
//! The dark is taken off after g, since the curve bends with all the charge of a pixel.

use getframes_core::map::Map;
use getframes_core::pool::Cancel;
use getframes_core::real::polynomial;
use getframes_core::simd::{self, Kernel};
use getframes_core::{Error, Real};
use rayon::prelude::*;

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

const TILE: usize = 512;
const CHUNK: usize = 64 * TILE;
/// Frames with fewer pixels run on the calling thread.
pub const SMALL: usize = 2 * CHUNK;

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
        if size_of::<T>() == 8 {
            return self.apply_series(charge, &self.double);
        }
        if self.single.steps == 0 && self.single.terms.len() == TERMS[0] {
            return self.apply_series(charge, &self.single);
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

    #[inline(always)]
    fn apply_series<T: Real>(&self, charge: &mut [T], series: &Series) {
        match (series.steps, series.terms.len()) {
            (0, 8) => self.expanded::<T, 8>(charge, &series.terms),
            (0, 16) => self.expanded::<T, 16>(charge, &series.terms),
            (0, MOST) => self.expanded::<T, MOST>(charge, &series.terms),
            (steps, _) => self.polished(charge, &series.terms, steps),
        }
    }

    #[inline(always)]
    fn expanded<T: Real, const N: usize>(&self, charge: &mut [T], terms: &[f64]) {
        let mut series = [0.0; N];
        series.copy_from_slice(terms);
        let (start, end) = (T::ZERO, T::of(self.end * self.full_well_e));
        let stretch = T::of(2.0 / (self.end * self.full_well_e));
        for q in charge.iter_mut() {
            let x = q.most(start).least(end).mul_add(stretch, -T::ONE);
            *q *= polynomial(x, &series);
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

/// A kind of counts, in a working precision.
pub trait Count<T>: Copy + Send + Sync {
    /// The nearest number.
    fn real(self) -> T;
    /// Whether it is one.
    fn is_finite(self) -> bool;
}

macro_rules! counts {
    ($($kind:ty => $real:ty),*) => {$(
        impl Count<$real> for $kind {
            #[inline(always)]
            fn real(self) -> $real {
                self as $real
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                <f64 as Real>::is_finite(self as f64)
            }
        }
    )*};
}
counts!(u16 => f32, u32 => f32, i32 => f32, f32 => f32, f64 => f32);
counts!(u16 => f64, u32 => f64, i32 => f64, f32 => f64, f64 => f64);

/// What turns counts into charge or light.
#[derive(Clone, Copy, Debug)]
pub struct Calibration<'a> {
    /// b [ADU].
    pub zero_adu: f64,
    /// k [e-/ADU].
    pub scale: f64,
    /// g; none where the response is a straight line.
    pub inverse: Option<&'a Inverse>,
    /// d [e-].
    pub dark: Map<'a>,
    /// w.
    pub weight: Map<'a>,
    /// f.
    pub factor: f64,
}

impl Calibration<'_> {
    /// Calibrates a frame of `width` columns into `out`.
    ///
    /// # Errors
    /// [`Error::Domain`] for the first count that is infinite or not a number: `out` is then not to be used. [`Error::Interrupted`] when cancelled.
    pub fn run<R: Count<T>, T: Real>(
        &self,
        counts: &[R],
        out: &mut [T],
        width: usize,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        let work = |(n, out): (usize, &mut [T])| {
            let first = n * CHUNK;
            let counts = &counts[first..first + out.len()];
            simd::dispatch(Part { calibration: self, counts, first, out, cancel })
        };
        let bad = if out.len() < SMALL {
            out.chunks_mut(CHUNK).enumerate().filter_map(work).min()
        } else {
            out.par_chunks_mut(CHUNK).enumerate().filter_map(work).min()
        };
        if cancel.is_cancelled() {
            return Err(Error::Interrupted);
        }
        bad.map_or(Ok(()), |index| {
            let (value, y, x) = (counts[index].real().wide(), index / width, index % width);
            Err(Error::Domain { name: "frame", rule: "finite", value, place: format!(" at (y, x) = ({y}, {x})") })
        })
    }
}

/// Consecutive pixels.
struct Part<'a, R, T> {
    calibration: &'a Calibration<'a>,
    counts: &'a [R],
    first: usize,
    out: &'a mut [T],
    cancel: &'a Cancel,
}

impl<R: Count<T>, T: Real> Kernel for Part<'_, R, T> {
    /// The first count that is not finite.
    type Output = Option<usize>;

    #[inline(always)]
    fn run(self) -> Option<usize> {
        let Part { calibration: made, counts, first, out, cancel } = self;
        if cancel.is_cancelled() {
            return None;
        }
        let (zero, scale, factor) = (T::of(made.zero_adu), T::of(made.scale), T::of(made.factor));
        let mut map = [T::ZERO; TILE];
        let length = out.len();
        for done in (0..length).step_by(TILE) {
            let (start, end, next) = (first + done, length.min(done + TILE), length.min(done + 2 * TILE));
            simd::prefetch(&out[end..next]);
            simd::prefetch(&counts[end..next]);
            let (counts, out) = (&counts[done..end], &mut out[done..end]);
            let map = &mut map[..out.len()];
            let mut finite = true;
            for (q, &count) in out.iter_mut().zip(counts) {
                finite &= count.is_finite();
                *q = (count.real() - zero) * scale;
            }
            if !finite {
                return counts.iter().position(|count| !count.is_finite()).map(|lane| start + lane);
            }
            if let Some(inverse) = made.inverse {
                inverse.apply(out);
            }
            if !made.dark.is(0.0) {
                made.dark.load(start, map);
                for (q, &dark) in out.iter_mut().zip(&*map) {
                    *q -= dark;
                }
            }
            if made.weight.is(1.0) {
                for q in out.iter_mut() {
                    *q *= factor;
                }
            } else {
                made.weight.load(start, map);
                for (q, &weight) in out.iter_mut().zip(&*map) {
                    *q *= factor * weight;
                }
            }
        }
        None
    }
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

    #[test]
    fn a_bad_count_is_placed() {
        let mut counts = vec![100.0f32; 40 * 50];
        counts[7 * 50 + 3] = f32::NAN;
        counts[1999] = f32::INFINITY;
        let uniform = |value| Map::Uniform(value);
        let made = Calibration {
            zero_adu: 0.0,
            scale: 1.0,
            inverse: None,
            dark: uniform(0.0),
            weight: uniform(1.0),
            factor: 1.0,
        };
        let error = made.run(&counts, &mut vec![0.0f64; 2000], 50, &Cancel::default()).unwrap_err();
        assert_eq!(error.to_string(), "frame must be finite, got NaN at (y, x) = (7, 3)");
    }
}
