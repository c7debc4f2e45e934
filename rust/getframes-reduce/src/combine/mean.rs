//! The mean of what is left, and its standard deviation from the scatter of the values.
//!
//! m = sum w v / W, W = sum w; σ² = sum w² (v - m)² / (1 - w/W) / W², over c4(n)². This is without bias where all values have the same noise and the same
//! weight, and where weights are one over the variance; w need only be relative. With equal weights it is s²/n, ddof = 1. c4(n) is what the square root
//! takes off the standard deviation of a Gaussian sample.
//!
//! Source: MacKinnon and White 1985, doi:10.1016/0304-4076(85)90158-7 (the denominators).

use super::{Done, LANES, Lanes, Working};
use getframes_core::map::Map;

/// All weights equal. `factors` are 1/c4 for each n.
#[inline(always)]
pub fn plain<T: Working>(values: &[Lanes<T>], counts: &Lanes<u32>, factors: &[f64]) -> Done {
    let mut mean = [0.0; LANES];
    for row in values {
        for lane in 0..LANES {
            mean[lane] += if row[lane] < T::LAST { row[lane].wide() } else { 0.0 };
        }
    }
    for lane in 0..LANES {
        mean[lane] /= f64::from(counts[lane]);
    }
    let mut square = [0.0; LANES];
    for row in values {
        for lane in 0..LANES {
            let distance = row[lane].wide() - mean[lane];
            square[lane] += if row[lane] < T::LAST { distance * distance } else { 0.0 };
        }
    }
    for lane in 0..LANES {
        let n = f64::from(counts[lane]);
        square[lane] = factors[counts[lane] as usize] * (square[lane] / (n * (n - 1.0))).sqrt();
    }
    Done { data: mean, sigma: square }
}

/// Any weights; block of pixels `first` and how many.
#[inline(always)]
pub fn weighted<T: Working>(
    values: &[Lanes<T>],
    weights: &[Map<'_>],
    (first, lanes): (usize, usize),
    counts: &Lanes<u32>,
    factors: &[f64],
) -> Done {
    let (mut mean, mut total, mut weight) = ([0.0; LANES], [0.0; LANES], [1.0; LANES]);
    for (row, map) in values.iter().zip(weights) {
        map.load(first, &mut weight[..lanes]);
        for lane in 0..LANES {
            let kept = row[lane] < T::LAST;
            let w = if kept { weight[lane] } else { 0.0 };
            mean[lane] += w * if kept { row[lane].wide() } else { 0.0 };
            total[lane] += w;
        }
    }
    for lane in 0..LANES {
        mean[lane] /= total[lane];
    }
    let mut square = [0.0; LANES];
    for (row, map) in values.iter().zip(weights) {
        map.load(first, &mut weight[..lanes]);
        for lane in 0..LANES {
            let kept = row[lane] < T::LAST;
            let share = weight[lane] / total[lane];
            let distance = share * (row[lane].wide() - mean[lane]);
            square[lane] += if kept { distance * distance / (1.0 - share) } else { 0.0 };
        }
    }
    for lane in 0..LANES {
        let sigma = factors[counts[lane] as usize] * square[lane].sqrt();
        square[lane] = if counts[lane] > 1 { sigma } else { f64::NAN };
    }
    Done { data: mean, sigma: square }
}
