//! Distance to the nearest edge of the array, and what falls off with it.
//!
//! Law: exp(-d/scale), d the pixels between a pixel and the edge on an axis, or the nearest of all.

use getframes_core::Real;

/// What falls off from the edges.
#[derive(Clone, Debug)]
pub struct Edge {
    fall: Vec<f64>,
    shape: [usize; 2],
    axis: Option<usize>,
}

impl Edge {
    /// A fall over `scale_px` from the edges of an axis (0: first and last row, 1: first and last column), or of both. Without a scale there
    /// is none.
    pub fn new(shape: [usize; 2], scale_px: f64, axis: Option<usize>) -> Self {
        let longest = if scale_px > 0.0 { shape[0].max(shape[1]) } else { 0 };
        let fall = (0..longest).map(|distance| (-(distance as f64 / scale_px).min(700.0)).exponential()).collect();
        Self { fall, shape, axis }
    }

    /// exp(-d/scale) at a pixel; 0 without a scale.
    #[inline(always)]
    pub fn at(&self, row: usize, column: usize) -> f64 {
        let distance = |at: usize, side: usize| at.min(side - 1 - at);
        let (across, along) = (distance(row, self.shape[0]), distance(column, self.shape[1]));
        let nearest = match self.axis {
            Some(0) => across,
            Some(_) => along,
            None => across.min(along),
        };
        self.fall.get(nearest).copied().unwrap_or(0.0)
    }
}
