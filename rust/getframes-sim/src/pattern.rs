//! Fixed patterns: maps that belong to a sensor and are the same in every frame.
//!
//! Every map is addressed by the pixel on the full sensor, in double precision from two words a pixel, and rounded to the
//! working precision last: a crop of a map is the map of the crop.
//!
//! | map | law |
//! |---|---|
//! | PRNU, DSNU, avalanche gain, core of the read noise | exp(s z - s^2/2): log-normal of mean 1 |
//! | hot pixels, RTS pixels | a factor where u < fraction |
//! | read noise | the core, times a factor a readout channel, times 1 + (f - 1) exp(-d/scale) |
//! | edge glow | exp(-d/scale), d = pixels to the nearest edge, divided by its mean |

use crate::channels::Channels;
use crate::edge::Edge;
use getframes_core::simd::{self, Kernel};
use getframes_core::variate::{TILE, pattern_stream, wide_normals, wide_uniforms};
use getframes_core::{Real, StageId};
use rayon::prelude::*;

/// A log-normal map times a factor in a random fraction of the pixels.
#[derive(Clone, Debug)]
pub struct Pattern<'a> {
    /// Key from the fixed-pattern seed.
    pub key: u64,
    /// What every pixel is multiplied by.
    pub scale: f64,
    /// Stage and log-width of the log-normal factor; a width of 0 leaves it out.
    pub spread: (StageId, f64),
    /// Stage, fraction and factor of the outliers; a fraction of 0 leaves them out.
    pub outliers: (StageId, f64, f64),
    /// What depends on the row and the column alone.
    pub profile: Option<Profile<'a>>,
}

/// A factor that depends on the readout channel and on the distance to the edge.
#[derive(Clone, Debug)]
pub struct Profile<'a> {
    /// Width of the sensor.
    pub width: usize,
    /// One factor a channel.
    pub channels: Channels<'a>,
    /// f: the factor at the edge.
    pub edge_factor: f64,
    /// How it falls.
    pub edge: Edge,
}

impl Profile<'_> {
    fn at(&self, pixel: usize) -> f64 {
        let (row, column) = (pixel / self.width, pixel % self.width);
        self.channels.at(row, column, 1.0) * (self.edge_factor - 1.0).mul_add(self.edge.at(row, column), 1.0)
    }
}

impl Pattern<'_> {
    /// The map over pixels `0 .. out.len()` of the sensor.
    pub fn fill<T: Real>(&self, out: &mut [T]) {
        let chunk = 32 * TILE;
        out.par_chunks_mut(chunk).enumerate().for_each(|(number, out)| {
            simd::dispatch(Chunk { pattern: self, first: number * chunk, out });
        });
    }
}

struct Chunk<'a, T> {
    pattern: &'a Pattern<'a>,
    first: usize,
    out: &'a mut [T],
}

impl<T: Real> Kernel for Chunk<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let &Pattern {
            key,
            scale,
            spread: (spread_stage, width),
            outliers: (outlier_stage, fraction, factor),
            ref profile,
        } = self.pattern;
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
            if let Some(profile) = profile {
                for (lane, value) in value[..out.len()].iter_mut().enumerate() {
                    *value *= profile.at(first as usize + lane);
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
    let edge = Edge::new([height, width], scale_px, None);
    // One fixed order of summation.
    let sum: f64 = (0..height).map(|y| (0..width).map(|x| edge.at(y, x)).sum::<f64>()).sum();
    let mean = sum / (height * width) as f64;
    out.par_chunks_mut(width).enumerate().for_each(|(y, row)| {
        for (x, value) in row.iter_mut().enumerate() {
            *value = T::of(edge.at(y, x) / mean);
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
        let pattern = Pattern {
            key: 5,
            scale: 2.0,
            spread: (StageId::Dsnu, 0.3),
            outliers: (StageId::HotPixels, 0.01, 1.0),
            profile: None,
        };
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
