//! Draws from a density by the No-U-Turn sampler, several chains side by side.
//!
//! | symbol | name          | shape              | unit                                |
//! |--------|---------------|--------------------|-------------------------------------|
//! | u      | position      | `(size)`           | coordinates in which all reals are allowed |
//! | p      | density       | 1                  | ln p and its gradient are given     |
//! | m, C   | [`Whitening`] | `(size)`, `(size, size)` | mean and covariance that trajectories are run in |
//!
//! Trajectories run in z, u_i = m_i + sum_(j < i) B_ij (f_j(u_j) - n_j) + D_i z_i: each coordinate follows those before it along straight lines in f, a function of each
//! that the density gives. With f(u) = u that is u = m + L z, L L^T = C. Where a parameter piles up at a bound, a size and a flux follow the parameter and not its
//! coordinate, whose scale changes on the way to the bound; so f is the parameter, its slope at the first m set to 1, and what bends most over its width comes first. The
//! determinant is that of D whatever f is.
//!
//! The first C is given (that of an optimum, or of an earlier visit) and counts as `weight` draws of a normal density; during warm-up it is blended with the second half of
//! the draws so far: C' = (w C + n C_n) / (w + n), and so the covariances with f, and means.
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

    /// A growing function of a coordinate that others follow in a straight line, its slope, and the slope of the logarithm of this.
    fn followed(&self, _number: usize, coordinate: f64) -> [f64; 3] {
        [coordinate, 1.0, 0.0]
    }
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

/// What is known of the coordinates: means and covariances, of u and of f.
#[derive(Debug, Clone)]
pub struct Spread {
    mean: Vec<f64>,
    followed: Vec<f64>,
    /// Of u with u, of u (row) with f, of f with f.
    covariances: [Mat<f64>; 3],
}

impl Spread {
    /// From a mean and a covariance (row-major) of coordinates.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn new(mean: &[f64], covariance: &[f64]) -> Result<Self, Error> {
        let size = mean.len();
        Error::same_shape("covariance", &[covariance.len()], &[size * size])?;
        let covariance = MatRef::from_row_major_slice(covariance, size, size).to_owned();
        Ok(Self {
            mean: mean.to_vec(),
            followed: vec![0.0; size],
            covariances: [covariance.clone(), covariance.clone(), covariance],
        })
    }

    /// Of draws.
    fn of<D: Density>(draws: &[&[f64]], lines: &Lines<'_, D>) -> Self {
        let on_lines =
            |draw: &&[f64]| -> Vec<f64> { draw.iter().enumerate().map(|(i, &u)| lines.at(i, u)[0]).collect() };
        let on_lines: Vec<Vec<f64>> = draws.iter().map(on_lines).collect();
        let by_line: Vec<&[f64]> = on_lines.iter().map(Vec::as_slice).collect();
        let covariances = [(draws, draws), (draws, &by_line), (&by_line, &by_line)];
        Self {
            mean: means(draws),
            followed: means(&by_line),
            covariances: covariances.map(|(one, other)| covariance(one, other)),
        }
    }

    /// This one, which counts as `weight` draws, blended with another of `count` draws.
    fn blended(&self, weight: f64, other: &Self, count: f64) -> Self {
        let total = weight + count;
        let both = |one: f64, other: f64| (weight * one + count * other) / total;
        let rows = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(&one, &other)| both(one, other)).collect();
        Self {
            mean: rows(&self.mean, &other.mean),
            followed: rows(&self.followed, &other.followed),
            covariances: std::array::from_fn(|k| {
                let (one, other) = (&self.covariances[k], &other.covariances[k]);
                Mat::from_fn(one.nrows(), one.ncols(), |i, j| both(one[(i, j)], other[(i, j)]))
            }),
        }
    }
}

fn means(rows: &[&[f64]]) -> Vec<f64> {
    let size = rows.first().map_or(0, |row| row.len());
    (0..size).map(|i| rows.iter().map(|row| row[i]).sum::<f64>() / rows.len() as f64).collect()
}

/// Of the columns of some rows with those of others.
fn covariance(one: &[&[f64]], other: &[&[f64]]) -> Mat<f64> {
    let (by_one, by_other) = (means(one), means(other));
    Mat::from_fn(by_one.len(), by_other.len(), |i, j| {
        let terms = one.iter().zip(other).map(|(one, other)| (one[i] - by_one[i]) * (other[j] - by_other[j]));
        terms.sum::<f64>() / one.len() as f64
    })
}

/// f of each coordinate: what the density says, moved and scaled to u - m with a slope of 1 at m.
struct Lines<'a, D>(Vec<[f64; 2]>, &'a D);

impl<'a, D: Density> Lines<'a, D> {
    fn new(density: &'a D, at: &[f64]) -> Self {
        let scaled = |(number, &u): (usize, &f64)| {
            let [value, slope, _] = density.followed(number, u);
            [value, slope.recip()]
        };
        Self(at.iter().enumerate().map(scaled).collect(), density)
    }

    /// f, and its slope.
    fn at(&self, number: usize, u: f64) -> [f64; 2] {
        let ([origin, scale], [value, slope, _]) = (self.0[number], self.1.followed(number, u));
        [(value - origin) * scale, slope * scale]
    }
}

/// The coordinates z of trajectories.
#[derive(Debug, Clone)]
struct Whitening {
    mean: Vec<f64>,
    followed: Vec<f64>,
    /// Coordinates in the order in which they follow each other.
    order: Vec<usize>,
    /// B below the diagonal and D on it, rows and columns in that order.
    lower: Mat<f64>,
    log_det: f64,
    id: i64,
}

impl Whitening {
    /// Of what is known.
    ///
    /// # Errors
    /// [`Error::Domain`] when the covariance is not positive definite.
    fn new<D: Density>(spread: &Spread, density: &D, id: i64) -> Result<Self, Error> {
        let Spread { mean, followed, covariances: [of_u, of_both, of_f] } = spread;
        let size = mean.len();
        let bend = |i: usize| of_u[(i, i)].sqrt() * density.followed(i, mean[i])[2].abs();
        let mut order: Vec<usize> = (0..size).collect();
        order.sort_by(|&i, &j| bend(j).total_cmp(&bend(i)));
        let finite = spread
            .covariances
            .iter()
            .all(|matrix| matrix.col_iter().all(|column| column.iter().all(|value| value.is_finite())));
        let permuted = Mat::from_fn(size, size, |k, l| of_f[(order[k], order[l])]);
        let refused = || Error::Domain {
            name: "covariance",
            rule: "positive definite",
            value: (0..size).map(|i| of_u[(i, i)]).fold(f64::INFINITY, f64::min),
            place: " as its least variance".into(),
        };
        let factor = Llt::new(permuted.as_ref(), Side::Lower).ok().filter(|_| finite).ok_or_else(refused)?;
        let factor = factor.L();
        let mut lower = Mat::zeros(size, size);
        for k in 0..size {
            // R y = cov(f, u), then B = y R^-1: what is left is independent of those before.
            let mut line: Vec<f64> = (0..k).map(|l| of_both[(order[k], order[l])]).collect();
            for l in 0..k {
                line[l] = (0..l).fold(line[l], |sum, m| (-factor[(l, m)]).mul_add(line[m], sum)) / factor[(l, l)];
            }
            let rest = line.iter().fold(of_u[(order[k], order[k])], |sum, y| (-y).mul_add(*y, sum));
            if rest.is_nan() || rest <= 0.0 {
                return Err(refused());
            }
            lower[(k, k)] = rest.sqrt();
            for l in (0..k).rev() {
                line[l] = (l + 1..k).fold(line[l], |sum, m| (-factor[(m, l)]).mul_add(line[m], sum)) / factor[(l, l)];
                lower[(k, l)] = line[l];
            }
        }
        let log_det = -(0..size).map(|i| lower[(i, i)].ln()).sum::<f64>();
        Ok(Self { mean: mean.clone(), followed: followed.clone(), order, lower, log_det, id })
    }

    /// u of z.
    fn place<D: Density>(&self, lines: &Lines<'_, D>, z: &[f64], u: &mut [f64]) {
        u.copy_from_slice(&self.mean);
        for (k, &i) in self.order.iter().enumerate() {
            u[i] = self.lower[(k, k)].mul_add(z[k], u[i]);
            self.follow(lines, k, u[i], 1.0, u);
        }
    }

    /// z of u.
    fn whiten<D: Density>(&self, lines: &Lines<'_, D>, u: &[f64], z: &mut [f64]) {
        let mut left: Vec<f64> = u.iter().zip(&self.mean).map(|(u, mean)| u - mean).collect();
        for (k, &i) in self.order.iter().enumerate() {
            z[k] = left[i] / self.lower[(k, k)];
            self.follow(lines, k, u[i], -1.0, &mut left);
        }
    }

    /// Moves the coordinates after the k-th by `sign` times what they follow it by.
    fn follow<D: Density>(&self, lines: &Lines<'_, D>, k: usize, u: f64, sign: f64, moved: &mut [f64]) {
        let i = self.order[k];
        let off = sign * (lines.at(i, u)[0] - self.followed[i]);
        for (row, &other) in self.order.iter().enumerate().skip(k + 1) {
            moved[other] = self.lower[(row, k)].mul_add(off, moved[other]);
        }
    }

    /// d/dz of d/du, at u.
    fn pull<D: Density>(&self, lines: &Lines<'_, D>, u: &[f64], by_u: &[f64], by_z: &mut [f64]) {
        let mut slopes: Vec<f64> = self.order.iter().map(|&i| by_u[i]).collect();
        for k in (0..slopes.len()).rev() {
            let i = self.order[k];
            let after = (k + 1..slopes.len()).fold(0.0, |sum, row| self.lower[(row, k)].mul_add(slopes[row], sum));
            slopes[k] = lines.at(i, u[i])[1].mul_add(after, slopes[k]);
            by_z[k] = self.lower[(k, k)] * slopes[k];
        }
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
    initial: &'a Spread,
    whitening: &'a Whitening,
    lines: &'a Lines<'a, D>,
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
        whitening.whiten(self.lines, u, z);
        whitening.pull(self.lines, u, by_u, by_z);
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
        whitening.place(self.lines, z, u);
        let value = self.logp(u, by_u)?;
        whitening.pull(self.lines, u, by_u, by_z);
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
        if draws.len() > 1 {
            let seen = Spread::of(&draws, self.lines);
            let blended = self.initial.blended(self.weight, &seen, draws.len() as f64);
            // What is no covariance changes nothing.
            if let Ok(better) = Whitening::new(&blended, self.density, whitening.id + 1) {
                *whitening = better;
            }
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
        Ok(self.whitening.clone())
    }

    fn new_transformation<R: Rng + ?Sized>(&mut self, _: &mut R, _: usize, _: u64) -> Result<Whitening, Refusal> {
        Ok(self.whitening.clone())
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
    spread: &Spread,
    plan: Plan,
    cancel: &Cancel,
    done: &AtomicU64,
) -> Result<Vec<Chain>, Error> {
    let lines = Lines::new(density, &spread.mean);
    let whitening = Whitening::new(spread, density, 0)?;
    start
        .par_chunks_exact(density.size())
        .enumerate()
        .map(|(number, start)| {
            let target =
                Target { density, cancel, initial: spread, whitening: &whitening, lines: &lines, weight: plan.weight };
            chain(target, number, start, plan, done)
        })
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
    target: Target<'_, D>,
    number: usize,
    start: &[f64],
    plan: Plan,
    done: &AtomicU64,
) -> Result<Chain, Error> {
    let Target { density, cancel, .. } = target;
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
    let mut sampler = settings(plan).new_chain(number as u64, CpuMath::new(target), &mut random).map_err(failed)?;
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

    fn run(spread: &Spread, plan: Plan) -> Vec<Chain> {
        let density = Normal(vec![vec![2.0, -1.5], vec![-1.5, 2.0]]);
        let done = AtomicU64::new(0);
        let chains = sample(&density, &[0.3, -0.2, 1.0, 1.1], spread, plan, &Cancel::default(), &done).unwrap();
        assert_eq!(done.into_inner(), 2 * (plan.draws + plan.warmup) as u64);
        chains
    }

    #[test]
    fn moments_of_a_normal() {
        let start = Spread::new(&[0.0; 2], &[1.0, 0.0, 0.0, 1.0]).unwrap();
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

    /// u of three normals, of which the second and third follow the exponential of the first.
    struct Followed;

    impl Density for Followed {
        fn size(&self) -> usize {
            3
        }

        fn value_and_gradient(&self, u: &[f64], gradient: &mut [f64]) -> Result<f64, Error> {
            let lead = u[1].exp();
            let off = [u[0] + 2.0 * lead, u[1], (u[2] - 5.0 * lead) / 0.1];
            gradient.copy_from_slice(&[-off[0], -off[1] - 2.0 * lead * off[0] + 50.0 * lead * off[2], -off[2] / 0.1]);
            Ok(-0.5 * off.iter().map(|x| x * x).sum::<f64>())
        }

        fn followed(&self, number: usize, u: f64) -> [f64; 3] {
            if number == 1 { [u.exp(), u.exp(), 1.0] } else { [u, 1.0, 0.0] }
        }
    }

    const COVARIANCE: [f64; 9] = [5.0, -2.0, -10.0, -2.0, 1.0, 5.0, -10.0, 5.0, 25.01];

    #[test]
    fn a_whitening_is_undone() {
        let spread = Spread::new(&[1.0, -0.4, 2.0], &COVARIANCE).unwrap();
        let (whitening, lines) = (Whitening::new(&spread, &Followed, 0).unwrap(), Lines::new(&Followed, &spread.mean));
        assert_eq!(whitening.order, [1, 0, 2]);
        let (mut u, mut back) = ([0.0; 3], [0.0; 3]);
        let z = [0.3, -1.2, 0.7];
        whitening.place(&lines, &z, &mut u);
        whitening.whiten(&lines, &u, &mut back);
        assert!(z.iter().zip(back).all(|(z, back)| (z - back).abs() < 1e-13));

        let (mut by_u, mut by_z) = ([0.0; 3], [0.0; 3]);
        Followed.value_and_gradient(&u, &mut by_u).unwrap();
        whitening.pull(&lines, &u, &by_u, &mut by_z);
        for k in 0..3 {
            let at = |step: f64| {
                let (mut moved, mut place) = (z, [0.0; 3]);
                moved[k] += step;
                whitening.place(&lines, &moved, &mut place);
                Followed.value_and_gradient(&place, &mut [0.0; 3]).unwrap()
            };
            let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((by_z[k] - difference).abs() < 1e-6 * by_z[k].abs().max(1.0), "{k}");
        }
        let bad = Spread::new(&[0.0; 2], &[1.0, 2.0, 2.0, 1.0]).unwrap();
        assert!(Whitening::new(&bad, &Normal(Vec::new()), 0).is_err());
    }

    #[test]
    fn what_follows_a_line_is_as_good_as_a_normal() {
        let spread = Spread::new(&[-2.0, 0.0, 5.0], &COVARIANCE).unwrap();
        let start = [-2.0, 0.1, 5.0, -1.0, -0.5, 3.0];
        let chains = sample(&Followed, &start, &spread, PLAN, &Cancel::default(), &AtomicU64::new(0)).unwrap();
        for chain in chains {
            let work: u64 = chain.steps[PLAN.warmup..].iter().map(|step| step.gradients).sum();
            assert!(work < 8 * PLAN.draws as u64, "gradients for each draw: {}", work / PLAN.draws as u64);
            let kept = chain.positions[3 * PLAN.warmup..].chunks(3);
            let square = kept.map(|u| u[1] * u[1]).sum::<f64>() / PLAN.draws as f64;
            assert!((square - 1.0).abs() < 0.1, "{square}");
        }
    }

    #[test]
    fn a_seed_gives_the_same_draws() {
        let start = Spread::new(&[0.0; 2], &[1.0, 0.0, 0.0, 1.0]).unwrap();
        let plan = Plan { draws: 50, warmup: 50, ..PLAN };
        let first = run(&start, plan);
        assert_eq!(first[0].positions, run(&start, plan)[0].positions);
        assert_ne!(first[0].positions[0], first[1].positions[0]);
        assert_ne!(first[0].positions, run(&start, Plan { seed: 8, ..plan })[0].positions);
    }

    #[test]
    fn cancelled() {
        let start = Spread::new(&[0.0; 2], &[1.0, 0.0, 0.0, 1.0]).unwrap();
        let cancel = Cancel::default();
        cancel.cancel();
        let density = Normal(vec![vec![1.0, 0.0], vec![0.0, 1.0]]);
        let ended = sample(&density, &[0.0, 0.1], &start, PLAN, &cancel, &AtomicU64::new(0));
        assert_eq!(ended.unwrap_err(), Error::Interrupted);
    }
}
