//! Fixed patterns: maps that belong to a sensor and are the same in every frame.
//!
//! Every map is addressed by the pixel on the full sensor, in double precision from two words a pixel, and rounded to the
//! working precision last: a crop of a map is the map of the crop.
//!
//! | map | law |
//! |---|---|
//! | PRNU, DSNU, avalanche gain, core of the read noise | exp(s z - s^2/2): log-normal of mean 1 |
//! | hot pixels, RTS pixels | a factor where u < fraction |
//! | edge glow | exp(-d/scale), d = pixels to the nearest edge, divided by its mean |

use getframes_core::simd::{self, Kernel};
use getframes_core::variate::{TILE, pattern_stream, wide_normals, wide_uniforms};
use getframes_core::{Real, StageId};
use rayon::prelude::*;

/// A log-normal map times a factor in a random fraction of the pixels.
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    /// Key from the fixed-pattern seed.
    pub key: u64,
    /// What every pixel is multiplied by.
    pub scale: f64,
    /// Stage and log-width of the log-normal factor; a width of 0 leaves it out.
    pub spread: (StageId, f64),
    /// Stage, fraction and factor of the outliers; a fraction of 0 leaves them out.
    pub outliers: (StageId, f64, f64),
}

impl Pattern {
    /// The map over pixels `0 .. out.len()` of the sensor.
    pub fn fill<T: Real>(&self, out: &mut [T]) {
        let chunk = 32 * TILE;
        out.par_chunks_mut(chunk).enumerate().for_each(|(number, out)| {
            simd::dispatch(Chunk { pattern: self, first: number * chunk, out });
        });
    }
}

struct Chunk<'a, T> {
    pattern: &'a Pattern,
    first: usize,
    out: &'a mut [T],
}

impl<T: Real> Kernel for Chunk<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Pattern { key, scale, spread: (spread_stage, width), outliers: (outlier_stage, fraction, factor) } =
            *self.pattern;
        let mut drawn = [0.0; TILE];
        for (number, out) in self.out.chunks_mut(TILE).enumerate() {
            let first = (self.first + number * TILE) as u64;
            let drawn = &mut drawn[..out.len()];
            let mut value = [scale; TILE];
            if width > 0.0 {
                wide_normals(pattern_stream(key, spread_stage), first, drawn);
                for (value, &z) in value.iter_mut().zip(&*drawn) {
                    *value *= width.mul_add(z, -0.5 * width * width).exponential();
                }
            }
            if fraction > 0.0 {
                wide_uniforms(pattern_stream(key, outlier_stage), first, drawn);
                for (value, &u) in value.iter_mut().zip(&*drawn) {
                    *value *= if u < fraction { factor } else { 1.0 };
                }
            }
            for (out, &value) in out.iter_mut().zip(&value) {
                *out = T::of(value);
            }
        }
    }
}

/// Glow that falls off from the edges with an exponential scale, mean 1 over `height` x `width`.
pub fn edge_glow<T: Real>(height: usize, width: usize, scale_px: f64, out: &mut [T]) {
    let fall: Vec<f64> =
        (0..height.max(width)).map(|distance| (-(distance as f64 / scale_px).min(700.0)).exponential()).collect();
    let at = |y: usize, x: usize| fall[y.min(height - 1 - y).min(x).min(width - 1 - x)];
    // One fixed order of summation.
    let sum: f64 = (0..height).map(|y| (0..width).map(|x| at(y, x)).sum::<f64>()).sum();
    let mean = sum / (height * width) as f64;
    out.par_chunks_mut(width).enumerate().for_each(|(y, row)| {
        for (x, value) in row.iter_mut().enumerate() {
            *value = T::of(at(y, x) / mean);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_have_their_moments() {
        let count = 400_000;
        let mut map = vec![0.0; count];
        let pattern =
            Pattern { key: 5, scale: 2.0, spread: (StageId::Dsnu, 0.3), outliers: (StageId::HotPixels, 0.01, 1.0) };
        pattern.fill(&mut map);
        let mean = map.iter().sum::<f64>() / count as f64;
        let error = 2.0 * (0.3f64 * 0.3).exp_m1().sqrt() / (count as f64).sqrt();
        assert!((mean - 2.0).abs() < 4.0 * error, "mean {mean}");
        let mut hot = vec![0.0; count];
        Pattern { spread: (StageId::Dsnu, 0.0), outliers: (StageId::HotPixels, 0.01, 50.0), ..pattern }.fill(&mut hot);
        let fraction = hot.iter().filter(|&&value| value == 100.0).count() as f64 / count as f64;
        assert!((fraction - 0.01).abs() < 4.0 * (0.0099 / count as f64).sqrt(), "fraction {fraction}");
        assert!(hot.iter().all(|&value| value == 2.0 || value == 100.0));
    }

    #[test]
    fn glow_has_mean_one_and_falls_inwards() {
        let mut map = vec![0.0; 40 * 60];
        edge_glow(40, 60, 5.0, &mut map);
        assert!((map.iter().sum::<f64>() / 2400.0 - 1.0).abs() < 1e-12);
        assert!(map[0] > map[60 * 3 + 3] && map[60 * 3 + 3] > map[60 * 20 + 30]);
    }
}
