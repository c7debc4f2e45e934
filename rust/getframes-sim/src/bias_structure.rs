//! Bias structure: the fixed pattern of the offset.
//!
//! | part | law |
//! |---|---|
//! | structure | A s / max abs(s), s = 0.6 p / max abs(p) + 0.4 c / max abs(c): p a plane of random slopes, c a normal variate a column |
//! | channels | one offset a readout channel, mean 0 and the RMS given |
//! | texture | one offset a pixel, mean 0 and the RMS given over the sensor |
//! | edges | amplitude exp(-d/scale) from the edges of an axis or from all |
//!
//! Not modelled: drift with time or temperature.

use crate::channels::{Channels, standardise};
use crate::edge::Edge;
use getframes_core::variate::{pattern_stream, wide_normals};
use getframes_core::{Real, StageId};
use rayon::prelude::*;

/// All parts of the pattern [ADU].
#[derive(Clone, Debug)]
pub struct BiasStructure<'a> {
    /// Key from the fixed-pattern seed.
    pub key: u64,
    /// Height and width of the sensor.
    pub shape: [usize; 2],
    /// Largest value of plane and columns together.
    pub amplitude: f64,
    /// One offset a channel.
    pub channels: Channels<'a>,
    /// RMS of the texture.
    pub texture: f64,
    /// Amplitudes and shapes of the edges.
    pub edges: [(f64, Edge); 2],
}

impl BiasStructure<'_> {
    /// The pattern over the sensor.
    pub fn fill<T: Real>(&self, out: &mut [T]) {
        let [height, width] = self.shape;
        let structure = Structure::new(self);
        let mut texture = vec![0.0; if self.texture > 0.0 { height * width } else { 0 }];
        let stream = pattern_stream(self.key, StageId::BiasTexture);
        texture.par_chunks_mut(width).enumerate().for_each(|(row, z)| wide_normals(stream, (row * width) as u64, z));
        if !texture.is_empty() {
            standardise(&mut texture, self.texture);
        }
        out.par_chunks_mut(width).enumerate().for_each(|(row, out)| {
            for (column, out) in out.iter_mut().enumerate() {
                let mut sum = structure.at(row, column) + self.channels.at(row, column, 0.0);
                for (amplitude, edge) in &self.edges {
                    sum += amplitude * edge.at(row, column);
                }
                *out = T::of(sum + texture.get(row * width + column).copied().unwrap_or(0.0));
            }
        });
    }
}

/// Plane and columns.
struct Structure {
    slopes: [f64; 2],
    columns: Vec<f64>,
    shape: [usize; 2],
    scale: f64,
}

impl Structure {
    fn new(pattern: &BiasStructure<'_>) -> Self {
        let mut slopes = [0.0; 2];
        wide_normals(pattern_stream(pattern.key, StageId::BiasPlane), 0, &mut slopes);
        let mut columns = vec![0.0; pattern.shape[1]];
        wide_normals(pattern_stream(pattern.key, StageId::BiasColumns), 0, &mut columns);
        let mut structure = Self { slopes, columns, shape: pattern.shape, scale: 1.0 };
        // A plane is steepest at its corners.
        let [bottom, right] = [structure.shape[0] - 1, structure.shape[1] - 1];
        let corner = |row, column| structure.plane(row, column).abs();
        let plane = [corner(0, 0), corner(0, right), corner(bottom, 0), corner(bottom, right)];
        let plane = plane.into_iter().fold(0.0, f64::max);
        let column = structure.columns.iter().fold(0.0f64, |most, z| most.max(z.abs()));
        structure.slopes = structure.slopes.map(|slope| if plane > 0.0 { 0.6 * slope / plane } else { 0.0 });
        structure.columns.iter_mut().for_each(|z| *z *= 0.4 / column);
        let most = (0..=right).fold(0.0f64, |most, column| {
            most.max(structure.at(0, column).abs()).max(structure.at(bottom, column).abs())
        });
        structure.scale = pattern.amplitude / most;
        structure
    }

    /// The plane, which runs from -1 to 1 of each slope.
    fn plane(&self, row: usize, column: usize) -> f64 {
        let across = |at: usize, side: usize| if side > 1 { 2.0 * at as f64 / (side - 1) as f64 - 1.0 } else { 0.0 };
        self.slopes[0] * across(row, self.shape[0]) + self.slopes[1] * across(column, self.shape[1])
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        (self.plane(row, column) + self.columns[column]) * self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_their_sizes() {
        let none = Channels { values: &[], axis: 1 };
        let shape = [60, 80];
        let edge = |scale_px| Edge::new(shape, scale_px, None);
        let plain = BiasStructure {
            key: 1,
            shape,
            amplitude: 7.0,
            channels: none,
            texture: 0.0,
            edges: [(0.0, edge(0.0)), (0.0, edge(0.0))],
        };
        let mut map = vec![0.0f64; 4800];
        plain.fill(&mut map);
        assert!((map.iter().fold(0.0f64, |most, value| most.max(value.abs())) - 7.0).abs() < 1e-12);
        BiasStructure { amplitude: 0.0, texture: 2.0, ..plain.clone() }.fill(&mut map);
        assert!(map.iter().sum::<f64>().abs() < 1e-9);
        assert!((map.iter().map(|value| value * value).sum::<f64>() / 4800.0 - 4.0).abs() < 1e-12);
        BiasStructure { amplitude: 0.0, edges: [(5.0, edge(3.0)), (0.0, edge(0.0))], ..plain }.fill(&mut map);
        assert!(map[0] == 5.0 && (map[80 * 3 + 40] - 5.0 * (-1.0f64).exp()).abs() < 1e-12);
    }
}
