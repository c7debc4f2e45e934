//! The pixels of a tile, with what each linear parameter adds to them.
//!
//! Sums over pixels are kept by column of the tile, and these are added when a block is done.

use crate::gaussian::{Lanes, PIXELS, SIDE};
use getframes_core::simd::{self, Kernel};
use std::ops::Range;

/// What one linear parameter adds to a tile, for a value of 1.
#[derive(Clone, Debug)]
pub struct Column {
    /// Number of the parameter.
    pub linear: usize,
    /// The same among those of the exposure.
    pub local: usize,
    /// Where the Gaussians of a source are; nowhere for a background.
    pub places: Range<usize>,
    /// Counts.
    pub pixels: [f64; PIXELS],
}

/// A tile with its columns: those of sources first.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    pub data: &'a [f64; PIXELS],
    pub weight: &'a [f64; PIXELS],
    /// Counts per unit of flux.
    pub flux_scale: f64,
    pub columns: &'a [Column],
}

impl<'a> Pixels<'a> {
    /// The columns of sources.
    pub fn sources(&self) -> &'a [Column] {
        let count = self.columns.iter().take_while(|column| !column.places.is_empty()).count();
        &self.columns[..count]
    }

    /// Σ parameter column [counts].
    pub fn model(&self, linear: &[f64]) -> [f64; PIXELS] {
        simd::dispatch(Model { columns: self.columns, linear })
    }

    /// w (d - m); adds -1/2 Σ w (d - m)² to `value`, and Σ w (d - m) column to the slopes, by column of the exposure.
    pub fn weighted_residual(&self, linear: &[f64], value: &mut Lanes, slopes: &mut [Lanes]) -> [f64; PIXELS] {
        simd::dispatch(Residual { pixels: self, linear, value, slopes })
    }

    /// Adds Aᵀ W A (its lower half, row by row) and Aᵀ W d, by columns of the exposure.
    pub fn add_normal(&self, matrix: &mut [Lanes], right: &mut [Lanes]) {
        simd::dispatch(AddNormal { pixels: self, matrix, right });
    }

    /// By what changes of the image of each source, for a flux and a scale of 1, change -1/2 Σ w (d - m)², and -1/2 ln |Aᵀ W A + P| too where the covariance of the linear parameters is given (by
    /// columns of the exposure): k (x_i `weighted` - w Σ_j C_ij column_j).
    pub fn adjoints(
        &self,
        weighted: &[f64; PIXELS],
        linear: &[f64],
        covariance: Option<&[f64]>,
        adjoints: &mut [[f64; PIXELS]],
    ) {
        simd::dispatch(Adjoints { pixels: self, weighted, linear, covariance, adjoints });
    }
}

/// The rows of a tile.
#[inline(always)]
fn rows(pixels: &[f64; PIXELS]) -> impl Iterator<Item = Lanes> + '_ {
    pixels.chunks_exact(SIDE).map(Lanes::load)
}

#[inline(always)]
fn stored(rows: [Lanes; SIDE]) -> [f64; PIXELS] {
    let mut pixels = [0.0; PIXELS];
    for (pixels, row) in pixels.chunks_exact_mut(SIDE).zip(rows) {
        row.store(pixels);
    }
    pixels
}

/// Adds the products of two tiles.
#[inline(always)]
fn add_product(one: &[Lanes; SIDE], other: &[f64; PIXELS], sum: &mut Lanes) {
    for (one, other) in one.iter().zip(rows(other)) {
        *sum = one.mul_add(other, *sum);
    }
}

/// Σ_j factor_j column_j.
#[inline(always)]
fn combined(columns: &[Column], factor: impl Fn(&Column) -> f64) -> [Lanes; SIDE] {
    let mut sum = [Lanes::all(0.0); SIDE];
    for column in columns {
        let factor = Lanes::all(factor(column));
        for (sum, row) in sum.iter_mut().zip(rows(&column.pixels)) {
            *sum = factor.mul_add(row, *sum);
        }
    }
    sum
}

struct Model<'a> {
    columns: &'a [Column],
    linear: &'a [f64],
}

impl Kernel for Model<'_> {
    type Output = [f64; PIXELS];
    #[inline(always)]
    fn run(self) -> [f64; PIXELS] {
        stored(combined(self.columns, |column| self.linear[column.linear]))
    }
}

struct Residual<'a> {
    pixels: &'a Pixels<'a>,
    linear: &'a [f64],
    value: &'a mut Lanes,
    slopes: &'a mut [Lanes],
}

impl Kernel for Residual<'_> {
    type Output = [f64; PIXELS];
    #[inline(always)]
    fn run(self) -> [f64; PIXELS] {
        let Pixels { data, weight, columns, .. } = *self.pixels;
        let mut weighted = combined(columns, |column| self.linear[column.linear]);
        for (row, (data, weight)) in weighted.iter_mut().zip(rows(data).zip(rows(weight))) {
            let residual = row.mul_add(Lanes::all(-1.0), data);
            *row = weight * residual;
            *self.value = (*row * Lanes::all(-0.5)).mul_add(residual, *self.value);
        }
        for column in columns {
            add_product(&weighted, &column.pixels, &mut self.slopes[column.local]);
        }
        stored(weighted)
    }
}

struct AddNormal<'a> {
    pixels: &'a Pixels<'a>,
    matrix: &'a mut [Lanes],
    right: &'a mut [Lanes],
}

impl Kernel for AddNormal<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Pixels { data, weight, columns, .. } = *self.pixels;
        for (number, column) in columns.iter().enumerate() {
            let mut weighted = [Lanes::all(0.0); SIDE];
            for (row, (own, weight)) in weighted.iter_mut().zip(rows(&column.pixels).zip(rows(weight))) {
                *row = own * weight;
            }
            let line = &mut self.matrix[column.local * self.right.len()..];
            for other in &columns[..=number] {
                add_product(&weighted, &other.pixels, &mut line[other.local]);
            }
            add_product(&weighted, data, &mut self.right[column.local]);
        }
    }
}

struct Adjoints<'a> {
    pixels: &'a Pixels<'a>,
    weighted: &'a [f64; PIXELS],
    linear: &'a [f64],
    covariance: Option<&'a [f64]>,
    adjoints: &'a mut [[f64; PIXELS]],
}

impl Kernel for Adjoints<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Pixels { weight, flux_scale, columns, .. } = *self.pixels;
        for (column, adjoint) in columns.iter().zip(self.adjoints) {
            let best = Lanes::all(flux_scale * self.linear[column.linear]);
            for (adjoint, weighted) in adjoint.chunks_exact_mut(SIDE).zip(rows(self.weighted)) {
                (best * weighted).store(adjoint);
            }
            let Some(covariance) = self.covariance else { continue };
            let line = &covariance[column.local * covariance.len().isqrt()..];
            let spread = combined(columns, |other| -flux_scale * line[other.local]);
            for (adjoint, (spread, weight)) in adjoint.chunks_exact_mut(SIDE).zip(spread.into_iter().zip(rows(weight)))
            {
                spread.mul_add(weight, Lanes::load(adjoint)).store(adjoint);
            }
        }
    }
}
