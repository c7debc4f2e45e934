//! Gaussians that are asked together which of them reach a tile.

use super::tile::{Gaussian, REACH, SIDE, Tile};

/// Gaussians, and the box that they reach.
#[derive(Clone, Debug)]
pub struct Group {
    gaussians: Vec<Gaussian>,
    /// The numbers of [`Gaussian::outline`], each of all side by side.
    outlines: [Vec<f64>; 7],
    /// First and last column, first and last row of the box [pixel].
    bounds: [f64; 4],
}

impl Group {
    /// Of Gaussians.
    pub fn new(gaussians: Vec<Gaussian>) -> Self {
        let outlines = std::array::from_fn(|of| gaussians.iter().map(|gaussian| gaussian.outline()[of]).collect());
        let [mut left, mut low] = [f64::INFINITY; 2];
        let [mut right, mut high] = [f64::NEG_INFINITY; 2];
        for own in gaussians.iter().map(Gaussian::bounds) {
            (left, right) = (left.min(own[0]), right.max(own[1]));
            (low, high) = (low.min(own[2]), high.max(own[3]));
        }
        Self { gaussians, outlines, bounds: [left, right, low, high] }
    }

    /// The Gaussians.
    pub fn gaussians(&self) -> &[Gaussian] {
        &self.gaussians
    }

    /// Adds the numbers of those that reach a tile; `room` is room to work in.
    #[inline(always)]
    pub(super) fn reaching(&self, tile: Tile, room: &mut Vec<f64>, numbers: &mut Vec<u32>) {
        let last = (SIDE - 1) as f64;
        let [left, right, low, high] = self.bounds;
        if left > tile.x + last || right < tile.x || low > tile.y + last || high < tile.y {
            return;
        }
        let count = self.gaussians.len();
        room.resize(count, 0.0);
        let (forms, [x, y, a, b, c, up, along]) =
            (&mut room[..count], self.outlines.each_ref().map(|values| &values[..count]));
        for number in 0..count {
            let outline = [x[number], y[number], a[number], b[number], c[number], up[number], along[number]];
            forms[number] = least_form(outline, tile);
        }
        for (number, form) in forms.iter().enumerate() {
            if *form <= REACH * REACH {
                numbers.push(number as u32);
            }
        }
    }
}

/// Least form of a Gaussian over the pixels of a tile and the space between them: 0 where they hold its centre, else on an edge that faces it.
#[inline(always)]
fn least_form([x, y, a, b, c, up, along]: [f64; 7], tile: Tile) -> f64 {
    let between = |value: f64, least: f64| {
        let most = least + (SIDE - 1) as f64;
        let raised = if value > least { value } else { least };
        if raised < most { raised } else { most }
    };
    let form = |u: f64, v: f64| a * u * u + 2.0 * b * u * v + c * v * v;
    let (left, low) = (tile.x - x, tile.y - y);
    let (near_u, near_v) = (between(0.0, left), between(0.0, low));
    let on_column = form(near_u, between(up * near_u, low));
    let on_row = form(between(along * near_v, left), near_v);
    if on_column < on_row { on_column } else { on_row }
}
