//! What pixels and priors say of the sources together, as a density of coordinates that sampler and optimizer move in.
//!
//! | symbol | name                    | unit                                                    |
//! |--------|-------------------------|---------------------------------------------------------|
//! | θ      | shapes                  | places and shapes, as the likelihood has them           |
//! | x      | linear parameters       | fluxes and counts; those with bounds, x_b, are sampled like shapes |
//! | u      | coordinates             | one for each of θ, then of x_b: [`transform`](crate::transform) |
//!
//! Laws, constants left out:
//!
//! * ln p(u | d) = ln ∫ L(d | θ, x) p(x_f) dx_f + Σ (ln p(θ, x_b) + ln d(θ, x_b)/du), x_f the linear parameters whose prior is normal or flat: the integral is
//!   exact ([`Likelihood::marginal`]), and the sampler does not see them.
//! * `summit`: ln L(d | θ, x) p(x) p(θ) at the best x_f, without the factor dθ/du: its maximum is that of the density of the parameters themselves.
//! * given u, x_f = x̂ + K z, K Kᵀ its covariance and z standard normal.

use crate::likelihood::Likelihood;
use crate::linear::Prior as Gaussian;
use crate::sample::Density;
use crate::transform::{Placed, Prior};
use faer::linalg::solvers::Llt;
use faer::{Mat, Side};
use getframes_core::Error;
use rayon::prelude::*;

/// Priors of all parameters of a likelihood.
#[derive(Debug, Clone)]
pub struct Priors {
    shapes: Vec<Prior>,
    linear: Vec<Prior>,
    bounded: Vec<usize>,
}

impl Priors {
    /// Of shapes and of linear parameters, in the order of the likelihood.
    ///
    /// # Errors
    /// [`Error::Domain`] for numbers that make no prior, and for a shape without any.
    pub fn new(shapes: Vec<Prior>, linear: Vec<Prior>) -> Result<Self, Error> {
        for (number, prior) in shapes.iter().enumerate() {
            prior.checked()?;
            Error::domain(*prior != Prior::Flat, "prior of a shape", "bounded or normal", number as f64)?;
        }
        for prior in &linear {
            prior.checked()?;
        }
        let bounded = (0..linear.len()).filter(|&number| !linear[number].is_linear()).collect();
        Ok(Self { shapes, linear, bounded })
    }

    /// The linear parameters with bounds, which are sampled.
    pub fn bounded(&self) -> &[usize] {
        &self.bounded
    }

    /// Priors by coordinate.
    pub fn sampled(&self) -> impl Iterator<Item = Prior> + '_ {
        self.shapes.iter().copied().chain(self.bounded.iter().map(|&number| self.linear[number]))
    }

    /// Prior of a coordinate.
    fn one(&self, number: usize) -> Prior {
        match number.checked_sub(self.shapes.len()) {
            None => self.shapes[number],
            Some(linear) => self.linear[self.bounded[linear]],
        }
    }

    /// Count of coordinates.
    pub fn size(&self) -> usize {
        self.shapes.len() + self.bounded.len()
    }
}

/// The posterior of some tiles of pixels.
#[derive(Debug, Clone, Copy)]
pub struct Posterior<'a> {
    likelihood: &'a Likelihood,
    priors: &'a Priors,
}

/// Coordinates as parameters.
struct Point {
    sampled: Vec<Placed>,
    shapes: Vec<f64>,
    mean: Vec<f64>,
    precision: Vec<f64>,
}

impl Point {
    fn linear(&self) -> Gaussian<'_> {
        Gaussian { mean: &self.mean, precision: &self.precision }
    }
}

impl<'a> Posterior<'a> {
    /// Of a likelihood with priors for its parameters.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn new(likelihood: &'a Likelihood, priors: &'a Priors) -> Result<Self, Error> {
        Error::same_shape("shape_priors", &[priors.shapes.len()], &[likelihood.shapes()])?;
        Error::same_shape("linear_priors", &[priors.linear.len()], &[likelihood.linear()])?;
        Ok(Self { likelihood, priors })
    }

    fn point(&self, coordinates: &[f64]) -> Result<Point, Error> {
        Error::same_shape("coordinates", &[coordinates.len()], &[self.priors.size()])?;
        let sampled: Vec<Placed> = self.priors.sampled().zip(coordinates).map(|(prior, &u)| prior.place(u)).collect();
        let shapes = sampled[..self.priors.shapes.len()].iter().map(|placed| placed.value).collect();
        let normal = |prior: &Prior| match *prior {
            Prior::Normal { mean, sigma } => (mean, 1.0 / (sigma * sigma)),
            _ => (0.0, 0.0),
        };
        let (mut mean, mut precision): (Vec<f64>, Vec<f64>) = self.priors.linear.iter().map(normal).unzip();
        for (&number, placed) in self.priors.bounded.iter().zip(&sampled[self.priors.shapes.len()..]) {
            (mean[number], precision[number]) = (placed.value, f64::INFINITY);
        }
        Ok(Point { sampled, shapes, mean, precision })
    }

    /// Slopes of the likelihood as slopes of the coordinates.
    fn pull(&self, point: &Point, by_shapes: &[f64], by_linear: &[f64], gradient: &mut [f64]) {
        let bounded = self.priors.bounded.iter().map(|&number| by_linear[number]);
        let slopes = by_shapes.iter().copied().chain(bounded);
        for ((gradient, slope), placed) in gradient.iter_mut().zip(slopes).zip(&point.sampled) {
            *gradient = slope.mul_add(placed.slope, placed.log_prior_slope);
        }
    }

    /// ln of the density of the parameters at the best linear ones; its slopes by coordinate are written.
    ///
    /// # Errors
    /// As [`Likelihood::marginal`].
    pub fn summit(&self, coordinates: &[f64], gradient: &mut [f64]) -> Result<f64, Error> {
        Error::same_shape("gradient", &[gradient.len()], &[self.priors.size()])?;
        let point = self.point(coordinates)?;
        let (mut by_shapes, mut by_linear) = (vec![0.0; point.shapes.len()], vec![0.0; point.mean.len()]);
        let value = self.likelihood.profile(&point.shapes, &point.linear(), &mut by_shapes, &mut by_linear)?;
        self.pull(&point, &by_shapes, &by_linear, gradient);
        Ok(point.sampled.iter().fold(value, |sum, placed| sum + placed.log_prior))
    }

    /// Shapes and linear parameters, drawn from their density at these coordinates by the standard normal numbers `z`, one for each linear parameter; their
    /// mean where `z` is 0.
    ///
    /// # Errors
    /// As [`Likelihood::marginal`].
    pub fn conditional(&self, coordinates: &[f64], z: &[f64]) -> Result<(Vec<f64>, Vec<f64>), Error> {
        Error::same_shape("z", &[z.len()], &[self.priors.linear.len()])?;
        let point = self.point(coordinates)?;
        let (mut linear, covariance) = self.likelihood.solve(&point.shapes, &point.linear())?;
        let free: Vec<usize> = (0..linear.len()).filter(|&number| self.priors.linear[number].is_linear()).collect();
        let at = |row: usize, column: usize| covariance[free[row] * linear.len() + free[column]];
        let scale: Vec<f64> = (0..free.len()).map(|row| at(row, row).sqrt()).collect();
        let correlation =
            Mat::from_fn(free.len(), free.len(), |row, column| at(row, column) / (scale[row] * scale[column]));
        let lower = Llt::new(correlation.as_ref(), Side::Lower).map_err(|_| Error::Singular {
            unknown: "a combination of fluxes and backgrounds".into(),
            reason: "their covariance is not positive definite",
        })?;
        let lower = lower.L();
        for (row, &number) in free.iter().enumerate() {
            let moved = (0..=row).fold(0.0, |sum, column| lower[(row, column)].mul_add(z[free[column]], sum));
            linear[number] = scale[row].mul_add(moved, linear[number]);
        }
        Ok((point.shapes, linear))
    }

    /// [`Posterior::conditional`] of several rows of coordinates and of normal numbers; rows of shapes, and of linear parameters.
    ///
    /// # Errors
    /// As there.
    pub fn conditionals(&self, rows: usize, coordinates: &[f64], z: &[f64]) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let (size, linear) = (self.priors.size(), self.priors.linear.len());
        Error::same_shape("coordinates", &[coordinates.len()], &[rows * size])?;
        Error::same_shape("z", &[z.len()], &[rows * linear])?;
        let one = |row: usize| self.conditional(&coordinates[row * size..][..size], &z[row * linear..][..linear]);
        let made: Vec<(Vec<f64>, Vec<f64>)> = (0..rows).into_par_iter().map(one).collect::<Result<_, _>>()?;
        let (shapes, columns): (Vec<_>, Vec<_>) = made.into_iter().unzip();
        Ok((shapes.concat(), columns.concat()))
    }
}

impl Density for Posterior<'_> {
    fn size(&self) -> usize {
        self.priors.size()
    }

    fn value_and_gradient(&self, coordinates: &[f64], gradient: &mut [f64]) -> Result<f64, Error> {
        Error::same_shape("gradient", &[gradient.len()], &[self.priors.size()])?;
        let point = self.point(coordinates)?;
        let (mut by_shapes, mut by_linear) = (vec![0.0; point.shapes.len()], vec![0.0; point.mean.len()]);
        let mut value = self.likelihood.marginal(&point.shapes, &point.linear(), &mut by_shapes, &mut by_linear)?;
        self.pull(&point, &by_shapes, &by_linear, gradient);
        for (gradient, placed) in gradient.iter_mut().zip(&point.sampled) {
            value += placed.log_prior + placed.log_jacobian;
            *gradient += placed.log_jacobian_slope;
        }
        Ok(value)
    }

    /// The parameter.
    fn followed(&self, number: usize, coordinate: f64) -> [f64; 3] {
        let Placed { value, slope, log_jacobian_slope, .. } = self.priors.one(number).place(coordinate);
        [value, slope, log_jacobian_slope]
    }
}
