//! Fluxes and backgrounds at fixed shapes: the model is linear in them, so that their posterior is a Gaussian, known exactly.
//!
//! | symbol | name        | unit                                                             |
//! |--------|-------------|------------------------------------------------------------------|
//! | x      | `linear`    | flux or counts                                                   |
//! | A      | columns     | counts per unit of x: what each parameter adds to each pixel     |
//! | W      | `weight`    | 1 / counts²                                                      |
//! | x0, P  | [`Prior`]   | as x, 1 / x²: Gaussian, flat where P = 0                         |
//!
//! Law: H x = Aᵀ W d + P x0, H = Aᵀ W A + P; the covariance is C = H⁻¹. Bands do not see each other: a system each.
//!
//! P = ∞ is a parameter that is known: x = x0, C and its share of ln |H| are 0.
//!
//! A parameter is not determined when what the others leave of its diagonal element is below 1e-12 of it.
//!
//! Not modelled: bounds; a flux may be negative.

use crate::gaussian::Lanes;
use faer::linalg::cholesky::llt::factor::LltError;
use faer::linalg::solvers::{DenseSolveCore, Llt, Solve};
use faer::{Mat, Side};
use getframes_core::Error;

/// Share of a diagonal element that the others have to leave.
const LEAST: f64 = 1e-12;

/// Independent Gaussian priors of the linear parameters.
#[derive(Clone, Copy, Debug)]
pub struct Prior<'a> {
    /// Means.
    pub mean: &'a [f64],
    /// Inverse variances; 0 is flat, infinity is known.
    pub precision: &'a [f64],
}

impl Prior<'_> {
    fn is_known(&self, parameter: usize) -> bool {
        self.precision[parameter] == f64::INFINITY
    }

    /// Whether there are `count` priors that can be.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Domain`].
    pub fn check(&self, count: usize) -> Result<(), Error> {
        Error::same_shape("prior_mean", &[self.mean.len()], &[count])?;
        Error::same_shape("prior_precision", &[self.precision.len()], &[count])?;
        for (&mean, &precision) in self.mean.iter().zip(self.precision) {
            Error::domain(mean.is_finite(), "prior_mean", "finite", mean)?;
            Error::domain(precision >= 0.0, "prior_precision", ">= 0", precision)?;
        }
        Ok(())
    }
}

/// Aᵀ W A (its lower half, row by row) and Aᵀ W d of some tiles of one exposure.
#[derive(Clone, Debug)]
pub struct Normal {
    /// Number of the parameter of each column.
    columns: Vec<usize>,
    matrix: Vec<f64>,
    right: Vec<f64>,
}

impl Normal {
    /// From the sums of each column of tiles.
    pub fn new(columns: Vec<usize>, matrix: &[Lanes], right: &[Lanes]) -> Self {
        let sums = |lanes: &[Lanes]| lanes.iter().map(|lanes| lanes.sum()).collect();
        Self { columns, matrix: sums(matrix), right: sums(right) }
    }
}

/// The posterior of the linear parameters.
#[derive(Clone, Debug)]
pub struct Solution {
    /// Where it is largest.
    pub linear: Vec<f64>,
    /// -1/2 Σ P (x - x0)² there.
    pub log_prior: f64,
    /// ln |H|, of all bands.
    pub log_determinant: f64,
    /// Band and row of each parameter.
    places: Vec<(usize, usize)>,
    covariances: Vec<Mat<f64>>,
}

impl Solution {
    /// From sums over tiles, and the band of each parameter; or the parameter that is not determined.
    pub fn of<'a>(parts: impl Iterator<Item = &'a Normal>, bands: &[usize], prior: &Prior<'_>) -> Result<Self, usize> {
        let mut members = vec![Vec::new(); bands.iter().max().map_or(0, |last| last + 1)];
        let mut places = Vec::with_capacity(bands.len());
        for (parameter, &band) in bands.iter().enumerate() {
            places.push((band, members[band].len()));
            members[band].push(parameter);
        }
        let mut systems: Vec<_> = members.iter().map(|own| System::of(own, prior)).collect();
        for part in parts {
            let columns = &part.columns;
            for (row, &parameter) in columns.iter().enumerate() {
                let (band, to) = places[parameter];
                let system = &mut systems[band];
                system.right[to] += part.right[row];
                for (column, &other) in columns.iter().enumerate().take(row + 1) {
                    let (_, from) = places[other];
                    system.matrix[(to.max(from), to.min(from))] += part.matrix[row * columns.len() + column];
                }
            }
        }
        let mut solution = Self {
            linear: vec![0.0; bands.len()],
            log_prior: 0.0,
            log_determinant: 0.0,
            places,
            covariances: Vec::with_capacity(systems.len()),
        };
        for (own, system) in members.iter().zip(systems) {
            let (values, covariance, log_determinant) = system.solved().map_err(|row| own[row])?;
            for (&parameter, value) in own.iter().zip(values) {
                solution.linear[parameter] = value;
                if !prior.is_known(parameter) {
                    solution.log_prior -= 0.5 * prior.precision[parameter] * (value - prior.mean[parameter]).powi(2);
                }
            }
            solution.log_determinant += log_determinant;
            solution.covariances.push(covariance);
        }
        Ok(solution)
    }

    /// Of two parameters.
    pub fn covariance(&self, one: usize, other: usize) -> f64 {
        let ((band, row), (same, column)) = (self.places[one], self.places[other]);
        if band == same { self.covariances[band][(row, column)] } else { 0.0 }
    }
}

/// H (its lower half) and the right side of one band.
struct System {
    matrix: Mat<f64>,
    right: Vec<f64>,
    /// Rows of parameters that are known, with these.
    known: Vec<(usize, f64)>,
}

impl System {
    fn of(members: &[usize], prior: &Prior<'_>) -> Self {
        let mut made = Self {
            matrix: Mat::zeros(members.len(), members.len()),
            right: vec![0.0; members.len()],
            known: Vec::new(),
        };
        for (row, &parameter) in members.iter().enumerate() {
            if prior.is_known(parameter) {
                made.known.push((row, prior.mean[parameter]));
            } else {
                made.matrix[(row, row)] = prior.precision[parameter];
                made.right[row] = prior.precision[parameter] * prior.mean[parameter];
            }
        }
        made
    }

    /// What known parameters add goes to the right side; their own rows become those of a unit matrix.
    fn take_known(&mut self) {
        for &(row, value) in &self.known {
            for other in 0..self.right.len() {
                let element = &mut self.matrix[(row.max(other), row.min(other))];
                self.right[other] -= *element * value;
                *element = f64::from(u8::from(row == other));
            }
        }
        for &(row, value) in &self.known {
            self.right[row] = value;
        }
    }

    /// Solution, covariance and ln |H|; or the row of an element that is not determined.
    fn solved(mut self) -> Result<(Vec<f64>, Mat<f64>, f64), usize> {
        self.take_known();
        let Self { matrix, right, known } = self;
        let count = right.len();
        // Fluxes and slopes differ by orders of magnitude: the system is solved with a diagonal of 1.
        let scale: Vec<f64> = (0..count).map(|row| matrix[(row, row)].sqrt().recip()).collect();
        if let Some(row) = scale.iter().position(|scale| !scale.is_finite()) {
            return Err(row);
        }
        let scaled = Mat::from_fn(count, count, |row, column| {
            matrix[(row.max(column), row.min(column))] * scale[row] * scale[column]
        });
        let decomposition = Llt::new(scaled.as_ref(), Side::Lower).map_err(|error| match error {
            LltError::NonPositivePivot { index } => index,
        })?;
        let factor = decomposition.L();
        let pivots: Vec<f64> = (0..count).map(|row| factor[(row, row)]).collect();
        if let Some(row) = pivots.iter().position(|pivot| pivot.is_nan() || pivot * pivot <= LEAST) {
            return Err(row);
        }
        let log_determinant = pivots.iter().zip(&scale).map(|(pivot, scale)| 2.0 * (pivot / scale).ln()).sum();
        let solved = decomposition.solve(Mat::from_fn(count, 1, |row, _| right[row] * scale[row]));
        let values = (0..count).map(|row| solved[(row, 0)] * scale[row]).collect();
        let inverse = decomposition.inverse();
        let mut covariance = Mat::from_fn(count, count, |row, column| {
            inverse[(row.max(column), row.min(column))] * scale[row] * scale[column]
        });
        for (row, _) in known {
            covariance[(row, row)] = 0.0;
        }
        Ok((values, covariance, log_determinant))
    }
}
