//! The matching kernel of one place, every pixel of which is free: least squares with a ridge, and a sum that is held.
//!
//! | symbol | name     | shape                        | unit |
//! |--------|----------|------------------------------|------|
//! | a      | `lags`   | `(2 side - 1, 2 side - 1)`   | 1    |
//! | b      | `right`  | `(side, side)`               | 1    |
//! | r      | `ridge`  | –                            | 1    |
//! | K      | –        | `(side, side)`               | 1    |
//!
//! Law: (N + r 1) K = b + m 1 with sum K = 1, N(p, q) = a(p - q) the autocorrelation of the PSF, b its correlation with the reference,
//! m whatever the sum asks for.
//!
//! N stays itself when the kernel is turned by half a circle. So the even and the odd part of K are solved for apart, each with half as many
//! unknowns: a quarter of the work. Each Cholesky factorization runs on one thread, and places do not depend on one another: the
//! same bits on any number of threads.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::{Mat, Par};
use getframes_core::Error;
use getframes_core::pool::Cancel;
use rayon::prelude::*;
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// Solves for the kernels of several places, each with its ridge.
///
/// # Errors
/// [`Error::Shape`] where the arrays do not fit together; [`Error::Domain`] where a system has no solution; [`Error::Interrupted`].
pub fn kernels(
    lags: &[f64],
    rights: &[f64],
    ridges: &[f64],
    side: usize,
    out: &mut [f64],
    cancel: &Cancel,
) -> Result<(), Error> {
    let (count, wide) = (ridges.len(), 2 * side - side.min(1));
    Error::same_shape("lags", &[lags.len()], &[count * wide * wide])?;
    Error::same_shape("rights", &[rights.len()], &[count * side * side])?;
    Error::same_shape("out", &[out.len()], &[count * side * side])?;
    if out.is_empty() {
        return Ok(());
    }
    out.par_chunks_mut(side * side)
        .zip(lags.par_chunks(wide * wide))
        .zip(rights.par_chunks(side * side))
        .zip(ridges)
        .try_for_each(|(((out, lags), right), &ridge)| {
            if cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            Place { lags, right, ridge, side }.solve(out)
        })
}

struct Place<'a> {
    lags: &'a [f64],
    right: &'a [f64],
    ridge: f64,
    side: usize,
}

impl Place<'_> {
    fn solve(&self, out: &mut [f64]) -> Result<(), Error> {
        let last = self.right.len() - 1;
        let half = self.right.len() / 2;
        // Both right sides are columns: b, and the ones of the sum, which are even.
        let (even, odd) = (self.part(1.0)?, if half > 0 { self.part(-1.0)? } else { Mat::zeros(0, 2) });
        for at in 0..half {
            for (column, sign) in [(at, 1.0), (last - at, -1.0)] {
                out[column] = FRAC_1_SQRT_2 * (even[(at, 0)] + sign * odd[(at, 0)]);
            }
        }
        out[half] = even[(half, 0)];
        let ones = |at: usize| if at == half { even[(half, 1)] } else { FRAC_1_SQRT_2 * even[(at.min(last - at), 1)] };
        let (sum, unit) = (out.iter().sum::<f64>(), (0..=last).map(ones).sum::<f64>());
        let lift = (1.0 - sum) / unit;
        for (at, value) in out.iter_mut().enumerate() {
            *value += lift * ones(at);
        }
        // The constraint to the last bit.
        let sum = out.iter().sum::<f64>();
        Error::domain(sum.is_finite() && sum > 0.0, "the sum of a matching kernel", "> 0", sum)?;
        out.iter_mut().for_each(|value| *value /= sum);
        Ok(())
    }

    /// The even part (`sign` 1) or the odd one (-1), in the basis (δ(p) + sign δ(-p)) / √2, and δ(0) for the even one.
    fn part(&self, sign: f64) -> Result<Mat<f64>, Error> {
        let (last, half) = (self.right.len() - 1, self.right.len() / 2);
        let size = if sign > 0.0 { half + 1 } else { half };
        let scale = |at: usize| if at == half { FRAC_1_SQRT_2 } else { 1.0 };
        let mut matrix = Mat::from_fn(size, size, |row, column| {
            let folded = self.lag(row, column) + sign * self.lag(row, last - column);
            let ridge = if row == column { self.ridge } else { 0.0 };
            // The middle is counted twice in the sum over p and -p.
            scale(row) * scale(column) * folded + ridge
        });
        let mut sides = Mat::from_fn(size, 2, |row, column| match column {
            0 => scale(row) * FRAC_1_SQRT_2 * (self.right[row] + sign * self.right[last - row]),
            _ => scale(row) * SQRT_2 * f64::from(u8::from(sign > 0.0)),
        });
        let room = llt::factor::cholesky_in_place_scratch::<f64>(size, Par::Seq, Default::default());
        let mut room = MemBuffer::new(room);
        let room = MemStack::new(&mut room);
        llt::factor::cholesky_in_place(matrix.as_mut(), Default::default(), Par::Seq, room, Default::default())
            .map_err(|_| singular(self.ridge))?;
        llt::solve::solve_in_place(matrix.as_ref(), sides.as_mut(), Par::Seq, room);
        Ok(sides)
    }

    /// a(p - q) of two pixels.
    fn lag(&self, p: usize, q: usize) -> f64 {
        let (side, wide) = (self.side, 2 * self.side - 1);
        let (y, x) = (p / side + side - 1 - q / side, p % side + side - 1 - q % side);
        self.lags[y * wide + x]
    }
}

fn singular(ridge: f64) -> Error {
    Error::Domain { name: "ridge", rule: "large enough to solve for a kernel", value: ridge, place: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use getframes_core::pool;

    /// Autocorrelation of a Gaussian of a pixel, and its correlation with a wider one that is shifted.
    fn gaussian(side: usize) -> (Vec<f64>, Vec<f64>) {
        let bell = |y: f64, x: f64, variance: f64| (-0.5 * (y * y + x * x) / variance).exp() / variance;
        let square = |side: usize, shift: f64, variance: f64| {
            let middle = (side / 2) as f64;
            (0..side * side)
                .map(|at| bell((at / side) as f64 - middle, (at % side) as f64 - middle - shift, variance))
                .collect()
        };
        (square(2 * side - 1, 0.0, 2.0), square(side, 0.3, 5.0))
    }

    fn solved(side: usize, ridge: f64) -> Result<Vec<f64>, Error> {
        let (lags, right) = gaussian(side);
        let mut out = vec![f64::NAN; side * side];
        kernels(&lags, &right, &[ridge], side, &mut out, &Cancel::default()).map(|()| out)
    }

    #[test]
    fn it_solves_the_system_but_for_what_the_sum_asks() {
        for side in [1, 3, 7, 11] {
            let (lags, right) = gaussian(side);
            let kernel = solved(side, 1e-3).unwrap();
            assert!((kernel.iter().sum::<f64>() - 1.0).abs() < 1e-13);
            let place = Place { lags: &lags, right: &right, ridge: 1e-3, side };
            let left = |p: usize| {
                (0..side * side).map(|q| place.lag(p, q) * kernel[q]).sum::<f64>() + 1e-3 * kernel[p] - right[p]
            };
            for p in 0..side * side {
                assert!((left(p) - left(0)).abs() < 1e-11, "{side} {p}");
            }
        }
    }

    #[test]
    fn threads_change_nothing() {
        let (lags, right) = gaussian(9);
        let many = |times: usize| (lags.repeat(times), right.repeat(times), vec![1e-6; times]);
        let (lags, rights, ridges) = many(7);
        let run = || {
            let mut out = vec![f64::NAN; rights.len()];
            kernels(&lags, &rights, &ridges, 9, &mut out, &Cancel::default()).map(|()| out)
        };
        let alone = run().unwrap();
        for threads in [1, 2, 3] {
            pool::set_num_threads(threads);
            assert_eq!(pool::install(run).as_ref(), Ok(&alone));
        }
        pool::set_num_threads(0);
    }

    #[test]
    fn what_cannot_be_solved_is_an_error() {
        let mut out = vec![0.0; 9];
        let outcome = kernels(&[0.0; 25], &[1.0; 9], &[0.0], 3, &mut out, &Cancel::default());
        assert!(matches!(outcome, Err(Error::Domain { name: "ridge", .. })), "{outcome:?}");
        let outcome = kernels(&[0.0; 24], &[1.0; 9], &[0.0], 3, &mut out, &Cancel::default());
        assert!(matches!(outcome, Err(Error::Shape { name: "lags", .. })), "{outcome:?}");
        assert_eq!(kernels(&[], &[], &[], 0, &mut [], &Cancel::default()), Ok(()));
    }
}
