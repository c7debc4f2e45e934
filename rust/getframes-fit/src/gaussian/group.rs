//! Gaussians that are asked together which of them reach a tile.

use super::tile::{Gaussian, SIDE, Tile};

/// Gaussians, and the boxes that they reach.
#[derive(Clone, Debug)]
pub struct Group {
    gaussians: Vec<Gaussian>,
    /// First and last columns, first and last rows [pixel].
    edges: [Vec<f64>; 4],
    /// Those of the box around all.
    bounds: [f64; 4],
}

impl Group {
    /// Of Gaussians.
    pub fn new(gaussians: Vec<Gaussian>) -> Self {
        let edges: [Vec<f64>; 4] =
            std::array::from_fn(|edge| gaussians.iter().map(|gaussian| gaussian.bounds()[edge]).collect());
        let least = |edge: &[f64]| edge.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |edge: &[f64]| edge.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let bounds = [least(&edges[0]), most(&edges[1]), least(&edges[2]), most(&edges[3])];
        Self { gaussians, edges, bounds }
    }

    /// The Gaussians.
    pub fn gaussians(&self) -> &[Gaussian] {
        &self.gaussians
    }

    /// Adds the numbers of those that reach a tile; `gaps` is room to work in.
    #[inline(always)]
    pub(super) fn reaching(&self, tile: Tile, gaps: &mut Vec<f64>, numbers: &mut Vec<u32>) {
        let last = (SIDE - 1) as f64;
        let most = |a: f64, b: f64| if a > b { a } else { b };
        let gap = |[left, right, low, high]: [f64; 4]| {
            let across = most(left - (tile.x + last), tile.x - right);
            most(across, most(low - (tile.y + last), tile.y - high))
        };
        if gap(self.bounds) > 0.0 {
            return;
        }
        let count = self.gaussians.len();
        gaps.resize(count, 0.0);
        let (gaps, [left, right, low, high]) = (&mut gaps[..count], self.edges.each_ref().map(|edge| &edge[..count]));
        for number in 0..count {
            gaps[number] = gap([left[number], right[number], low[number], high[number]]);
        }
        for (number, gap) in gaps.iter().enumerate() {
            if *gap <= 0.0 && self.gaussians[number].reaches(tile) {
                numbers.push(number as u32);
            }
        }
    }
}
