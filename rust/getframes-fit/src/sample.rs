//! Draws from a density by the No-U-Turn sampler, several chains side by side.
//!
//! | symbol | name          | shape              | unit                                |
//! |--------|---------------|--------------------|-------------------------------------|
//! | u      | position      | `(size)`           | coordinates in which all reals are allowed |
//! | p      | density       | 1                  | ln p and its gradient are given     |
//! | m, C   | [`Whitening`] | `(size)`, `(size, size)` | mean and covariance that trajectories are run in |
//!
//! Trajectories run in z, u = m + L z with L L^T = C. The first C is given (that of an optimum, or of an earlier visit) and counts as `weight`
//! draws; during warm-up it is blended with the covariance of the second half of the draws so far:
//! C' = (w C + n C_n) / (w + n), and m likewise.
//!
//! The sampler is nuts-rs: the tree, the turning criterion, the step size by dual averaging to a mean acceptance of `target_accept`, and the leapfrog that
//! is exact for a normal density. Each chain has a ChaCha8 stream of its own, addressed by (seed, chain): its draws depend on neither threads nor other
//! chains. Vector sums inside nuts-rs follow the instruction set, so that draws are the same bits on machines that share it.
//!
//! Sources: Hoffman and Gelman 2014, arXiv:1111.4246; Betancourt 2017, arXiv:1701.02434.

use faer::linalg::solvers::Llt;
use faer::{Mat, MatRef, Side};
use getframes_core::Error;
use getframes_core::pool::Cancel;
use nuts_rs::rand::{Rng, SeedableRng, rngs::ChaCha8Rng};
use nuts_rs::{Chain as _, CpuLogpFunc, CpuMath, CpuMathError, FlowNutsSettings, HasDims, LogpError, Settings};
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// A density over all of R^n.
pub trait Density: Sync {
    /// n.
    fn size(&self) -> usize;

    /// ln p at `position`; its gradient is written.
    ///
    /// # Errors
    /// Where the density has no value: the sampler takes it as a divergence.
    fn value_and_gradient(&self, position: &[f64], gradient: &mut [f64]) -> Result<f64, Error>;
}

/// How a run is made.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Draws that are kept of each chain.
    pub draws: usize,
    /// Draws before them, in which step size and covariance are learned.
    pub warmup: usize,
    /// Addresses the random stream.
    pub seed: u64,
    /// A trajectory has at most 2^this steps.
    pub max_treedepth: u64,
    /// Mean acceptance that the step size is set for.
    pub target_accept: f64,
    /// Draws that the given covariance counts for.
    pub weight: f64,
}

/// What one draw says of its trajectory.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// ln p of the draw.
    pub log_density: f64,
    /// Total energy of the draw.
    pub energy: f64,
    /// Step size of the trajectory.
    pub step_size: f64,
    /// Mean acceptance along the trajectory.
    pub acceptance: f64,
    /// Doublings of the trajectory.
    pub depth: u64,
    /// Gradients it took.
    pub gradients: u64,
    /// Whether it ended in a divergence.
    pub diverging: bool,
    /// Whether it was ended at the largest depth.
    pub too_deep: bool,
}

/// One chain, warm-up first.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Draws, `(warmup + draws, size)`.
    pub positions: Vec<f64>,
    /// Their trajectories.
    pub steps: Vec<Step>,
}

/// The coordinates z of trajectories: u = m + L z.
#[derive(Debug, Clone)]
pub struct Whitening {
    mean: Vec<f64>,
    lower: Mat<f64>,
    log_det: f64,
    id: i64,
}

impl Whitening {
    /// From a mean and a covariance (row-major).
    ///
    /// # Errors
    /// [`Error::Domain`] when the covariance is not positive definite.
    pub fn new(mean: &[f64], covariance: &[f64]) -> Result<Self, Error> {
        let size = mean.len();
        Error::same_shape("covariance", &[covariance.len()], &[size * size])?;
        Self::of(mean.to_vec(), MatRef::from_row_major_slice(covariance, size, size).to_owned(), 0)
    }

    fn of(mean: Vec<f64>, covariance: Mat<f64>, id: i64) -> Result<Self, Error> {
        let finite = covariance.col_iter().all(|column| column.iter().all(|value| value.is_finite()));
        let factor = Llt::new(covariance.as_ref(), Side::Lower).ok().filter(|_| finite);
        let Some(factor) = factor else {
            let least = (0..mean.len()).map(|i| covariance[(i, i)]).fold(f64::INFINITY, f64::min);
            return Err(Error::Domain {
                name: "covariance",
                rule: "positive definite",
                value: least,
                place: " as its least variance".into(),
            });
        };
        let lower = factor.L().to_owned();
        let log_det = -(0..mean.len()).map(|i| lower[(i, i)].ln()).sum::<f64>();
        Ok(Self { mean, lower, log_det, id })
    }

    /// u = m + L z.
    fn place(&self, z: &[f64], u: &mut [f64]) {
        u.copy_from_slice(&self.mean);
        for (j, &z) in z.iter().enumerate() {
            for (i, u) in u.iter_mut().enumerate().skip(j) {
                *u = self.lower[(i, j)].mul_add(z, *u);
            }
        }
    }

    /// z = L^-1 (u - m).
    fn whiten(&self, u: &[f64], z: &mut [f64]) {
        for (z, (u, mean)) in z.iter_mut().zip(u.iter().zip(&self.mean)) {
            *z = u - mean;
        }
        for j in 0..z.len() {
            z[j] /= self.lower[(j, j)];
            for i in j + 1..z.len() {
                z[i] = (-self.lower[(i, j)]).mul_add(z[j], z[i]);
            }
        }
    }

    /// d/dz = L^T d/du.
    fn pull(&self, by_u: &[f64], by_z: &mut [f64]) {
        for (j, by_z) in by_z.iter_mut().enumerate() {
            *by_z = (j..by_u.len()).fold(0.0, |sum, i| self.lower[(i, j)].mul_add(by_u[i], sum));
        }
    }

    /// This one, which counts as `weight` draws, blended with the mean and covariance of `draws`; None where that is no covariance.
    fn blended(&self, weight: f64, draws: &[&[f64]], id: i64) -> Option<Self> {
        let (size, count) = (self.mean.len(), draws.len() as f64);
        let total = weight + count;
        let mean = |i: usize| draws.iter().map(|draw| draw[i]).sum::<f64>() / count;
        let means: Vec<f64> = (0..size).map(mean).collect();
        let mut covariance = Mat::from_fn(size, size, |i, j| {
            (0..=i.min(j)).fold(0.0, |sum, k| self.lower[(i, k)].mul_add(self.lower[(j, k)], sum)) * weight
        });
        for draw in draws {
            for j in 0..size {
                for i in 0..size {
                    covariance[(i, j)] += (draw[i] - means[i]) * (draw[j] - means[j]);
                }
            }
        }
        let covariance = Mat::from_fn(size, size, |i, j| covariance[(i, j)] / total);
        let centre = (0..size).map(|i| (weight * self.mean[i] + count * means[i]) / total).collect();
        Self::of(centre, covariance, id).ok()
    }
}

#[derive(Debug)]
enum Refusal {
    Outside,
    Interrupted,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Outside => "the density has no value here",
            Self::Interrupted => "interrupted",
        })
    }
}

impl std::error::Error for Refusal {}

impl LogpError for Refusal {
    fn is_recoverable(&self) -> bool {
        matches!(self, Self::Outside)
    }
}

/// A density as nuts-rs asks for it.
struct Target<'a, D> {
    density: &'a D,
    cancel: &'a Cancel,
    initial: &'a Whitening,
    weight: f64,
}

impl<D: Density> HasDims for Target<'_, D> {
    fn dim_sizes(&self) -> HashMap<String, u64> {
        HashMap::from([("dim".into(), self.density.size() as u64)])
    }
}

impl<D: Density> CpuLogpFunc for Target<'_, D> {
    type LogpError = Refusal;
    type FlowParameters = Whitening;
    type ExpandedVector = Vec<f64>;

    fn dim(&self) -> usize {
        self.density.size()
    }

    fn logp(&mut self, position: &[f64], gradient: &mut [f64]) -> Result<f64, Refusal> {
        if self.cancel.is_cancelled() {
            return Err(Refusal::Interrupted);
        }
        let value = self.density.value_and_gradient(position, gradient).map_err(|_| Refusal::Outside)?;
        let finite = value.is_finite() && gradient.iter().all(|slope| slope.is_finite());
        if finite { Ok(value) } else { Err(Refusal::Outside) }
    }

    fn expand_vector<R: Rng + ?Sized>(&mut self, _: &mut R, _: &[f64]) -> Result<Vec<f64>, CpuMathError> {
        Ok(Vec::new())
    }

    fn inv_transform_normalize(
        &mut self,
        whitening: &Whitening,
        u: &[f64],
        by_u: &[f64],
        z: &mut [f64],
        by_z: &mut [f64],
    ) -> Result<f64, Refusal> {
        whitening.whiten(u, z);
        whitening.pull(by_u, by_z);
        Ok(whitening.log_det)
    }

    fn init_from_untransformed_position(
        &mut self,
        whitening: &Whitening,
        u: &[f64],
        by_u: &mut [f64],
        z: &mut [f64],
        by_z: &mut [f64],
        _: Option<f64>,
    ) -> Result<(f64, f64), Refusal> {
        let value = self.logp(u, by_u)?;
        Ok((value, self.inv_transform_normalize(whitening, u, by_u, z, by_z)?))
    }

    fn init_from_transformed_position(
        &mut self,
        whitening: &Whitening,
        u: &mut [f64],
        by_u: &mut [f64],
        z: &[f64],
        by_z: &mut [f64],
        _: Option<f64>,
    ) -> Result<(f64, f64), Refusal> {
        whitening.place(z, u);
        let value = self.logp(u, by_u)?;
        whitening.pull(by_u, by_z);
        Ok((value, whitening.log_det))
    }

    fn update_transformation<'a, R: Rng + ?Sized>(
        &'a mut self,
        _: &mut R,
        positions: impl ExactSizeIterator<Item = &'a [f64]>,
        _: impl ExactSizeIterator<Item = &'a [f64]>,
        _: impl ExactSizeIterator<Item = &'a f64>,
        whitening: &'a mut Whitening,
    ) -> Result<(), Refusal> {
        let seen = positions.len();
        let draws: Vec<&[f64]> = positions.skip(seen / 2).collect();
        if draws.len() > 1
            && let Some(better) = self.initial.blended(self.weight, &draws, whitening.id + 1)
        {
            *whitening = better;
        }
        Ok(())
    }

    fn init_transformation<R: Rng + ?Sized>(
        &mut self,
        _: &mut R,
        _: &[f64],
        _: &[f64],
        _: u64,
    ) -> Result<Whitening, Refusal> {
        Ok(self.initial.clone())
    }

    fn new_transformation<R: Rng + ?Sized>(&mut self, _: &mut R, _: usize, _: u64) -> Result<Whitening, Refusal> {
        Ok(self.initial.clone())
    }

    fn transformation_id(&self, whitening: &Whitening) -> Result<i64, Refusal> {
        Ok(whitening.id)
    }
}

/// Warm-up draws after which the covariance is learned again (after each ten of the first hundred).
const LEARN_EVERY: u64 = 50;
/// Share of the warm-up, at its end, in which only the step size is learned.
const SETTLE: f64 = 0.2;

/// Chains that start at the rows of `start`; `done` counts their draws, warm-up included.
///
/// # Errors
/// [`Error::Domain`] when the density has no value at a start; [`Error::Interrupted`] when cancelled.
pub fn sample<D: Density>(
    density: &D,
    start: &[f64],
    whitening: &Whitening,
    plan: Plan,
    cancel: &Cancel,
    done: &AtomicU64,
) -> Result<Vec<Chain>, Error> {
    start
        .par_chunks_exact(density.size())
        .enumerate()
        .map(|(number, start)| chain(density, number, start, whitening, plan, cancel, done))
        .collect()
}

fn settings(plan: Plan) -> FlowNutsSettings {
    let known = FlowNutsSettings::default();
    let mut adapt_options = known.adapt_options;
    adapt_options.step_size_window = SETTLE;
    adapt_options.transform_update_freq = LEARN_EVERY;
    adapt_options.step_size_settings.target_accept = plan.target_accept;
    FlowNutsSettings {
        num_tune: plan.warmup as u64,
        num_draws: plan.draws as u64,
        maxdepth: plan.max_treedepth,
        adapt_options,
        ..known
    }
}

fn chain<D: Density>(
    density: &D,
    number: usize,
    start: &[f64],
    whitening: &Whitening,
    plan: Plan,
    cancel: &Cancel,
    done: &AtomicU64,
) -> Result<Chain, Error> {
    let failed = |_| match cancel.is_cancelled() {
        true => Error::Interrupted,
        false => Error::Domain {
            name: "ln density",
            rule: "finite where a chain starts, with a gradient",
            value: density.value_and_gradient(start, &mut vec![0.0; start.len()]).unwrap_or(f64::NAN),
            place: format!(" in chain {number}"),
        },
    };
    let mut random = ChaCha8Rng::seed_from_u64(plan.seed);
    random.set_stream(number as u64);
    let target = CpuMath::new(Target { density, cancel, initial: whitening, weight: plan.weight });
    let mut sampler = settings(plan).new_chain(number as u64, target, &mut random).map_err(failed)?;
    sampler.set_position(start).map_err(failed)?;
    let total = plan.warmup + plan.draws;
    let mut chain = Chain { positions: Vec::with_capacity(total * start.len()), steps: Vec::with_capacity(total) };
    for _ in 0..total {
        let (position, _, said, progress) = sampler.expanded_draw().map_err(failed)?;
        chain.positions.extend_from_slice(&position);
        chain.steps.push(Step {
            log_density: said.point.logp,
            energy: said.point.energy,
            step_size: progress.step_size,
            acceptance: said.adapt.step_size.mean_tree_accept_sym,
            depth: said.depth,
            gradients: progress.num_gradients,
            diverging: progress.diverging,
            too_deep: said.maxdepth_reached,
        });
        done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A correlated normal: precision matrix given by rows.
    struct Normal(Vec<Vec<f64>>);

    impl Density for Normal {
        fn size(&self) -> usize {
            self.0.len()
        }

        fn value_and_gradient(&self, position: &[f64], gradient: &mut [f64]) -> Result<f64, Error> {
            for (slope, row) in gradient.iter_mut().zip(&self.0) {
                *slope = -row.iter().zip(position).map(|(a, x)| a * x).sum::<f64>();
            }
            Ok(0.5 * gradient.iter().zip(position).map(|(a, x)| a * x).sum::<f64>())
        }
    }

    const PLAN: Plan = Plan { draws: 4000, warmup: 200, seed: 7, max_treedepth: 8, target_accept: 0.8, weight: 10.0 };

    fn run(whitening: &Whitening, plan: Plan) -> Vec<Chain> {
        let density = Normal(vec![vec![2.0, -1.5], vec![-1.5, 2.0]]);
        let done = AtomicU64::new(0);
        let chains = sample(&density, &[0.3, -0.2, 1.0, 1.1], whitening, plan, &Cancel::default(), &done).unwrap();
        assert_eq!(done.into_inner(), 2 * (plan.draws + plan.warmup) as u64);
        chains
    }

    #[test]
    fn moments_of_a_normal() {
        let start = Whitening::new(&[0.0; 2], &[1.0, 0.0, 0.0, 1.0]).unwrap();
        for chain in run(&start, PLAN) {
            let kept = &chain.positions[2 * PLAN.warmup..];
            let mean = |of: &dyn Fn(&[f64]) -> f64| kept.chunks(2).map(of).sum::<f64>() / PLAN.draws as f64;
            // Variances of the inverse matrix: 2 / 1.75, covariance 1.5 / 1.75.
            assert!(mean(&|u| u[0]).abs() < 0.06);
            assert!((mean(&|u| u[0] * u[0]) - 2.0 / 1.75).abs() < 0.12);
            assert!((mean(&|u| u[0] * u[1]) - 1.5 / 1.75).abs() < 0.12);
            assert!(chain.steps.iter().all(|step| !step.diverging && step.gradients > 0));
            let work: u64 = chain.steps[PLAN.warmup..].iter().map(|step| step.gradients).sum();
            assert!(work < 8 * PLAN.draws as u64, "gradients for each draw of a normal: {}", work / PLAN.draws as u64);
        }
    }

    #[test]
    fn a_whitening_is_undone() {
        let whitening = Whitening::new(&[1.0, -2.0], &[4.0, 1.0, 1.0, 0.5]).unwrap();
        let (mut u, mut z) = ([0.0; 2], [0.0; 2]);
        whitening.place(&[0.3, -1.2], &mut u);
        whitening.whiten(&u, &mut z);
        assert!((z[0] - 0.3).abs() < 1e-14 && (z[1] + 1.2).abs() < 1e-14);
        assert!(Whitening::new(&[0.0; 2], &[1.0, 2.0, 2.0, 1.0]).is_err());
    }

    #[test]
    fn a_seed_gives_the_same_draws() {
        let start = Whitening::new(&[0.0; 2], &[1.0, 0.0, 0.0, 1.0]).unwrap();
        let plan = Plan { draws: 50, warmup: 50, ..PLAN };
        let first = run(&start, plan);
        assert_eq!(first[0].positions, run(&start, plan)[0].positions);
        assert_ne!(first[0].positions[0], first[1].positions[0]);
        assert_ne!(first[0].positions, run(&start, Plan { seed: 8, ..plan })[0].positions);
    }

    #[test]
    fn cancelled() {
        let start = Whitening::new(&[0.0; 2], &[1.0, 0.0, 0.0, 1.0]).unwrap();
        let cancel = Cancel::default();
        cancel.cancel();
        let density = Normal(vec![vec![1.0, 0.0], vec![0.0, 1.0]]);
        let ended = sample(&density, &[0.0, 0.1], &start, PLAN, &cancel, &AtomicU64::new(0));
        assert_eq!(ended.unwrap_err(), Error::Interrupted);
    }
}
