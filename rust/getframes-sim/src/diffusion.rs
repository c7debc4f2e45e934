//! Charge diffusion: a cloud of charge spreads on its way from where light freed it to the wells.
//!
//! | symbol | name       | shape      | unit                                            |
//! |--------|------------|------------|-------------------------------------------------|
//! | f      | light      | `(ny, nx)` | any; an oversampled map, before pixels collect it |
//! | sigma  | `sigma`    | scalar     | samples                                         |
//!
//! Law: f' = f convolved with a Gaussian integrated over samples, w_k ~ erf((k + 1/2) / (sqrt(2) sigma)) - erf((k - 1/2) / (sqrt(2) sigma)),
//! cut at |k| = ceil(4 sigma + 1/2) and of sum 1, along rows and along columns; nothing comes from outside the map.
//!
//! Source: Janesick, *Scientific Charge-Coupled Devices* (2001), doi:10.1117/3.374903. Not modelled: dependence on depth or wavelength, repulsion
//! of the charge collected before (the brighter-fatter effect).

use getframes_core::Real;
use getframes_core::pool::Cancel;
use getframes_core::simd::{self, Kernel};
use rayon::prelude::*;

/// Weights of samples 0, 1, 2 ... away, on one axis; their sum over both sides is 1.
pub fn weights(sigma: f64) -> Vec<f64> {
    let radius = (4.0 * sigma + 0.5).ceil() as usize;
    let edge = |k: f64| erf(k / (std::f64::consts::SQRT_2 * sigma));
    let mut weights: Vec<f64> = (0..=radius).map(|k| 0.5 * (edge(k as f64 + 0.5) - edge(k as f64 - 0.5))).collect();
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}

/// The error function, by a series of positive terms: 2/sqrt(pi) exp(-x^2) sum 2^n x^(2n+1) / (2n+1)!!.
fn erf(x: f64) -> f64 {
    if x < 0.0 {
        return -erf(-x);
    }
    let square = x * x;
    if square > 40.0 {
        return 1.0;
    }
    let (mut term, mut sum, mut odd) = (x, 0.0, 1.0);
    while sum + term != sum {
        sum += term;
        odd += 2.0;
        term *= 2.0 * square / odd;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-square).exponential() * sum
}

/// Spreads a map of rows of `width`; `weights` as [`weights`] gives them.
pub fn spread<T: Real>(light: &[T], width: usize, weights: &[f64], out: &mut [T], cancel: &Cancel) {
    let weights: Vec<T> = weights.iter().map(|&weight| T::of(weight)).collect();
    let work = |(number, out): (usize, &mut [T])| {
        if !cancel.is_cancelled() {
            simd::dispatch(Rows { light, width, weights: &weights, first: number * ROWS, out });
        }
    };
    out.par_chunks_mut(ROWS * width).enumerate().for_each(work);
}

/// Rows that one task takes.
const ROWS: usize = 16;

struct Rows<'a, T> {
    light: &'a [T],
    width: usize,
    weights: &'a [T],
    first: usize,
    out: &'a mut [T],
}

impl<T: Real> Kernel for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { light, width, weights, first, out } = self;
        let (radius, height) = (weights.len() - 1, light.len() / width);
        // One row after the columns, with nothing on both sides.
        let mut row = vec![T::ZERO; width + 2 * radius];
        for (number, out) in out.chunks_mut(width).enumerate() {
            let y = first + number;
            let inner = &mut row[radius..radius + width];
            scale(&light[y * width..][..width], weights[0], inner);
            for (k, &weight) in weights.iter().enumerate().skip(1) {
                if y >= k {
                    add(&light[(y - k) * width..][..width], weight, inner);
                }
                if y + k < height {
                    add(&light[(y + k) * width..][..width], weight, inner);
                }
            }
            scale(&row[radius..][..width], weights[0], out);
            for (k, &weight) in weights.iter().enumerate().skip(1) {
                add(&row[radius - k..][..width], weight, out);
                add(&row[radius + k..][..width], weight, out);
            }
        }
    }
}

#[inline(always)]
fn scale<T: Real>(values: &[T], weight: T, out: &mut [T]) {
    for (out, &value) in out.iter_mut().zip(values) {
        *out = value * weight;
    }
}

#[inline(always)]
fn add<T: Real>(values: &[T], weight: T, out: &mut [T]) {
    for (out, &value) in out.iter_mut().zip(values) {
        *out = value.mul_add(weight, *out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_has_its_values() {
        for (x, value) in [(0.1, 0.112462916018284892), (0.5, 0.520499877813046538), (2.0, 0.995322265018952734)] {
            assert!((erf(x) - value).abs() < 4e-16 && (erf(-x) + value).abs() < 4e-16);
        }
        assert!((erf(5.0) - 1.0).abs() < 1e-11 && erf(7.0) == 1.0 && erf(0.0) == 0.0);
    }

    #[test]
    fn a_point_becomes_the_kernel() {
        let weights = weights(0.7);
        let mut light = vec![0.0; 11 * 13];
        light[5 * 13 + 6] = 1.0;
        let mut out = vec![0.0; 11 * 13];
        spread(&light, 13, &weights, &mut out, &Cancel::default());
        assert!((out.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!((out[6 * 13 + 8] - weights[1] * weights[2]).abs() < 1e-18);
    }
}
