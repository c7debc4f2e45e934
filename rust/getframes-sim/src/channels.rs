//! Interleaved readout channels: pixels along an axis take turns, and each channel has a noise and an offset of its own.
//!
//! | quantity | law |
//! |---|---|
//! | factor on the read noise | exp(t z_c), divided by its mean; t such that the RMS of the factors around 1 is the spread |
//! | offset of the bias | spread (z_c - mean) / RMS |
//!
//! Both spreads hold exactly over the channels, whatever their number. z_c is the normal variate of "pixel" c.

use getframes_core::variate::{pattern_stream, wide_normals};
use getframes_core::{Real, StageId};

/// Which channel reads a pixel.
#[derive(Clone, Copy, Debug)]
pub struct Channels<'a> {
    /// One value a channel; empty where they do not matter.
    pub values: &'a [f64],
    /// 0: rows take turns, 1: columns.
    pub axis: usize,
}

impl Channels<'_> {
    /// The value of a pixel's channel, or `otherwise`.
    #[inline(always)]
    pub fn at(&self, row: usize, column: usize, otherwise: f64) -> f64 {
        if self.values.is_empty() {
            return otherwise;
        }
        self.values[(if self.axis == 0 { row } else { column }) % self.values.len()]
    }
}

/// Normal variates of the channels.
fn normals(key: u64, stage: StageId, count: usize) -> Vec<f64> {
    let mut z = vec![0.0; count];
    wide_normals(pattern_stream(key, stage), 0, &mut z);
    z
}

/// Values of mean 0 and the RMS `spread`.
pub fn offsets(key: u64, count: usize, spread: f64) -> Vec<f64> {
    let mut z = normals(key, StageId::BiasChannels, count);
    standardise(&mut z, spread);
    z
}

/// Shifts and scales values to mean 0 and a given RMS; values that are all the same become 0.
pub(crate) fn standardise(values: &mut [f64], spread: f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let rms = (values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count).sqrt();
    let scale = if rms > 0.0 { spread / rms } else { 0.0 };
    for value in values {
        *value = (*value - mean) * scale;
    }
}

/// Positive factors of mean 1 and the RMS `spread` around it, which must be below the root of `count - 1`.
pub fn factors(key: u64, count: usize, spread: f64) -> Vec<f64> {
    let z = normals(key, StageId::ReadNoiseChannels, count);
    let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let at = |width: f64| -> Vec<f64> {
        let raised: Vec<f64> = z.iter().map(|z| (width * (z - most)).max(-700.0).exponential()).collect();
        let mean = raised.iter().sum::<f64>() / count as f64;
        raised.into_iter().map(|value| value / mean).collect()
    };
    let variance =
        |width: f64| at(width).iter().map(|factor| (factor - 1.0) * (factor - 1.0)).sum::<f64>() / count as f64;
    let (mut low, mut high) = (0.0, 1.0);
    while variance(high) < spread * spread && high < 1e6 {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if variance(middle) < spread * spread { low = middle } else { high = middle }
    }
    at(0.5 * (low + high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_exact() {
        for (count, spread) in [(2, 0.3), (8, 0.05), (32, 1.5), (7, 2.4)] {
            let factors = factors(3, count, spread);
            let mean = factors.iter().sum::<f64>() / count as f64;
            let variance = factors.iter().map(|factor| (factor - 1.0).powi(2)).sum::<f64>() / count as f64;
            assert!((mean - 1.0).abs() < 1e-14 && (variance.sqrt() - spread).abs() < 1e-12 * spread.max(1.0));
            assert!(factors.iter().all(|&factor| factor > 0.0));
            let offsets = offsets(3, count, spread);
            assert!(offsets.iter().sum::<f64>().abs() < 1e-12);
            assert!((offsets.iter().map(|o| o * o).sum::<f64>() / count as f64 - spread * spread).abs() < 1e-12);
        }
    }
}
