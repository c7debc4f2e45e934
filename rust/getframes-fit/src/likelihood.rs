//! Pixels given sources: the model of every pixel, the likelihood of the data, and its gradient.
//!
//! | symbol | name           | unit                                                              |
//! |--------|----------------|-------------------------------------------------------------------|
//! | d      | `data`         | counts                                                            |
//! | w      | `weight`       | 1 / counts²: inverse variance, 0 where masked                     |
//! | k      | `flux_scale`   | counts per unit of flux                                           |
//! | F      | `linear`       | flux, by source and band; then counts of the backgrounds          |
//! | I      | –              | 1 / pixel: a source of flux 1 behind the PSF, mean over a pixel   |
//!
//! Law: ln L = -1/2 Σ w (d - m)², m = Σ k F I + c0 + c1 (x - x̄) + c2 (y - ȳ). x̄, ȳ: mean of the pixels that an exposure has here. Left out:
//! Σ ln √(w / 2π), which no parameter changes.
//!
//! Sums run over tiles in blocks of a fixed size, so that neither threads nor SIMD levels change a bit.
//!
//! Not modelled: noise that depends on the model, or that pixels share.

mod footprint;
mod pixels;
mod scene;
mod sweep;

pub use scene::{Exposure, Kind, Scene};

use crate::gaussian::{Lanes, PIXELS};
use crate::linear::{Normal, Prior, Solution};
use crate::mixture::{GALAXY, Shape};
use footprint::Footprint;
use getframes_core::{Error, pool};
use pixels::Pixels;
use rayon::prelude::*;
use scene::Block;
use sweep::Sweep;

/// Products of pixels and Gaussians below which threads cost more than they give.
const SMALL: usize = 500_000;

/// The likelihood of some tiles of pixels.
#[derive(Clone, Debug)]
pub struct Likelihood {
    scene: Scene,
    /// Tiles of one exposure each.
    blocks: Vec<Block>,
    /// Mean of the pixels of each exposure.
    centers: Vec<[f64; 2]>,
    /// First of the numbers of each source; and their count.
    first: Vec<usize>,
    /// First of the backgrounds of each exposure; and the count of linear parameters.
    backgrounds: Vec<usize>,
}

impl Likelihood {
    /// Of a scene.
    ///
    /// # Errors
    /// [`Error::Shape`] and [`Error::Domain`] for a scene that breaks a rule of [`Scene`].
    pub fn new(mut scene: Scene) -> Result<Self, Error> {
        scene.check()?;
        scene.clear_masked();
        let mut first = vec![0];
        for kind in &scene.kinds {
            first.push(first[first.len() - 1] + kind.parameters());
        }
        let mut backgrounds = vec![scene.kinds.len() * scene.bands];
        for exposure in &scene.exposures {
            backgrounds.push(backgrounds[backgrounds.len() - 1] + exposure.background);
        }
        Ok(Self { blocks: scene.blocks(), centers: scene.centers(), scene, first, backgrounds })
    }

    /// Count of the numbers that place and shape the sources: ra, dec of a star; ra, dec, r_half, n, g1, g2 of a galaxy.
    pub fn shapes(&self) -> usize {
        self.first[self.scene.kinds.len()]
    }

    /// Count of the linear parameters: fluxes by source and band, then backgrounds by exposure.
    pub fn linear(&self) -> usize {
        self.backgrounds[self.scene.exposures.len()]
    }

    /// The scene.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// ln L, and its slopes, which are written.
    ///
    /// # Errors
    /// [`Error::Shape`], and [`Error::Domain`] for parameters that are no sources.
    pub fn value_and_gradient(
        &self,
        shapes: &[f64],
        linear: &[f64],
        shape_slopes: &mut [f64],
        linear_slopes: &mut [f64],
    ) -> Result<f64, Error> {
        self.check_linear(linear)?;
        Error::same_shape("shape_slopes", &[shape_slopes.len()], &[self.shapes()])?;
        Error::same_shape("linear_slopes", &[linear_slopes.len()], &[self.linear()])?;
        let forms = self.forms(shapes)?;
        let footprints = self.footprints(shapes, &forms);
        let sums = self.over(self.sweeps(&footprints), |mut sweep| Slopes::of(&mut sweep, linear, None))?;
        Ok(self.add_up(&sums, shape_slopes, linear_slopes))
    }

    /// ln of the likelihood times the prior of the linear parameters, integrated over them; and its slopes, which are written: those with the linear parameters are the
    /// slopes of [`Likelihood::value_and_gradient`] at the best ones, which says how the integral changes with those that are known.
    ///
    /// -1/2 Σ w (d - m)² - 1/2 Σ P (x - x̄)² - 1/2 ln |H| at the best x, H = Aᵀ W A + P. Left out, since no shape changes them: ln √(w / 2π) of each pixel,
    /// ln √(2π) of each parameter, ln √(P / 2π) of each with a prior.
    ///
    /// # Errors
    /// As [`Likelihood::value_and_gradient`]; [`Error::Singular`] when neither data nor prior determine a parameter.
    pub fn marginal(
        &self,
        shapes: &[f64],
        prior: &Prior<'_>,
        shape_slopes: &mut [f64],
        linear_slopes: &mut [f64],
    ) -> Result<f64, Error> {
        let (value, solution) = self.at_best(shapes, prior, true, shape_slopes, linear_slopes)?;
        Ok(value - 0.5 * solution.log_determinant)
    }

    /// ln of the likelihood times the prior of the linear parameters at the best ones; and its slopes, as [`Likelihood::marginal`] has them.
    ///
    /// # Errors
    /// As there.
    pub fn profile(
        &self,
        shapes: &[f64],
        prior: &Prior<'_>,
        shape_slopes: &mut [f64],
        linear_slopes: &mut [f64],
    ) -> Result<f64, Error> {
        Ok(self.at_best(shapes, prior, false, shape_slopes, linear_slopes)?.0)
    }

    /// ln of the likelihood times the prior at the best linear parameters, which are given too; slopes are written, with those of -1/2 ln |H| if it is integrated.
    fn at_best(
        &self,
        shapes: &[f64],
        prior: &Prior<'_>,
        integrated: bool,
        shape_slopes: &mut [f64],
        linear_slopes: &mut [f64],
    ) -> Result<(f64, Solution), Error> {
        Error::same_shape("shape_slopes", &[shape_slopes.len()], &[self.shapes()])?;
        Error::same_shape("linear_slopes", &[linear_slopes.len()], &[self.linear()])?;
        let forms = self.forms(shapes)?;
        let footprints = self.footprints(shapes, &forms);
        let kept = self.over(self.sweeps(&footprints), |mut sweep| {
            let part = self.normal(&mut sweep, Sweep::keep);
            (sweep, part)
        })?;
        let (sweeps, parts): (Vec<_>, Vec<_>) = kept.into_iter().unzip();
        let solution = self.solution(&parts, prior)?;
        let sums = self.over(sweeps, |mut sweep| {
            let spread = integrated.then(|| self.spread(&sweep, &solution));
            Slopes::of(&mut sweep, &solution.linear, spread.as_deref())
        })?;
        Ok((self.add_up(&sums, shape_slopes, linear_slopes) + solution.log_prior, solution))
    }

    /// The linear parameters where likelihood times prior is largest [counts, flux], shape `(L,)`, and their covariance, shape `(L, L)`.
    ///
    /// # Errors
    /// As [`Likelihood::marginal`].
    pub fn solve(&self, shapes: &[f64], prior: &Prior<'_>) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let forms = self.forms(shapes)?;
        let footprints = self.footprints(shapes, &forms);
        let parts = self.over(self.sweeps(&footprints), |mut sweep| self.normal(&mut sweep, Sweep::each))?;
        let solution = self.solution(&parts, prior)?;
        let count = self.linear();
        let covariance = (0..count * count).map(|at| solution.covariance(at / count, at % count)).collect();
        Ok((solution.linear, covariance))
    }

    /// The model of every tile [counts], shape `(T, 64)`.
    ///
    /// # Errors
    /// As [`Likelihood::value_and_gradient`].
    pub fn model(&self, shapes: &[f64], linear: &[f64]) -> Result<Vec<f64>, Error> {
        self.check_linear(linear)?;
        let forms = self.forms(shapes)?;
        let footprints = self.footprints(shapes, &forms);
        let images = self.over(self.sweeps(&footprints), |mut sweep| {
            let mut images = Vec::new();
            sweep.each(&mut |pixels| images.push(pixels.model(linear)));
            images
        })?;
        let mut model = vec![0.0; self.scene.data.len()];
        for (block, images) in self.blocks.iter().zip(&images) {
            for (&tile, image) in block.tiles.iter().zip(images) {
                model[tile * PIXELS..][..PIXELS].copy_from_slice(image);
            }
        }
        Ok(model)
    }

    /// Products of pixels and Gaussians that one rendering of the sources evaluates.
    ///
    /// # Errors
    /// As [`Likelihood::value_and_gradient`].
    pub fn evaluations(&self, shapes: &[f64]) -> Result<usize, Error> {
        let forms = self.forms(shapes)?;
        let footprints = self.footprints(shapes, &forms);
        Ok(self.over(self.sweeps(&footprints), |mut sweep| sweep.evaluations())?.into_iter().sum())
    }

    /// Normal equations of a block, from one of the ways to visit its tiles.
    fn normal<'a>(
        &self,
        sweep: &mut Sweep<'a>,
        visit: impl FnOnce(&mut Sweep<'a>, &mut dyn FnMut(&Pixels<'_>)),
    ) -> Normal {
        let count = sweep.columns();
        let (mut matrix, mut right) = (vec![Lanes::all(0.0); count * count], vec![Lanes::all(0.0); count]);
        visit(sweep, &mut |pixels| pixels.add_normal(&mut matrix, &mut right));
        Normal::new(self.linear_of_all(sweep), &matrix, &right)
    }

    fn solution(&self, parts: &[Normal], prior: &Prior<'_>) -> Result<Solution, Error> {
        prior.check(self.linear())?;
        let bands: Vec<usize> = (0..self.linear()).map(|linear| self.band_of(linear)).collect();
        Solution::of(parts.iter(), &bands, prior).map_err(|linear| self.singular(linear))
    }

    /// The covariance of the linear parameters of an exposure.
    fn spread(&self, sweep: &Sweep<'_>, solution: &Solution) -> Vec<f64> {
        let own = self.linear_of_all(sweep);
        own.iter().flat_map(|&one| own.iter().map(move |&other| solution.covariance(one, other))).collect()
    }

    /// The blocks, with the sources that they see.
    fn sweeps<'a>(&'a self, footprints: &'a [Vec<Footprint<'a>>]) -> Vec<Sweep<'a>> {
        self.blocks.iter().map(|block| Sweep::new(self, block, &footprints[block.exposure])).collect()
    }

    /// Runs `work` on every block, in the pool if that pays; results are in the order of the blocks.
    fn over<'a, R: Send>(
        &self,
        sweeps: Vec<Sweep<'a>>,
        work: impl Fn(Sweep<'a>) -> R + Send + Sync,
    ) -> Result<Vec<R>, Error> {
        // A caller that is in a pool has work for its threads already.
        let alone = rayon::current_thread_index().is_some() || sweeps.iter().map(Sweep::size).sum::<usize>() < SMALL;
        if alone {
            return Ok(sweeps.into_iter().map(work).collect());
        }
        pool::install(|| Ok(sweeps.into_par_iter().map(work).collect()))
    }

    /// Adds what the blocks say, in their order.
    fn add_up(&self, sums: &[Slopes], shape_slopes: &mut [f64], linear_slopes: &mut [f64]) -> f64 {
        shape_slopes.fill(0.0);
        linear_slopes.fill(0.0);
        let mut total = 0.0;
        for (block, Slopes { value, linear, sources }) in self.blocks.iter().zip(sums) {
            total += value;
            for (local, slope) in linear.iter().enumerate() {
                linear_slopes[self.linear_of(block.exposure, local)] += slope;
            }
            for (source, terms) in sources.iter().enumerate() {
                for (slope, term) in shape_slopes[self.first[source]..self.first[source + 1]].iter_mut().zip(terms) {
                    *slope += term;
                }
            }
        }
        total
    }

    /// The sources on the pixels, by exposure and source.
    fn footprints<'a>(&'a self, shapes: &[f64], forms: &'a [Shape]) -> Vec<Vec<Footprint<'a>>> {
        let place = |source: usize| [shapes[self.first[source]], shapes[self.first[source] + 1]];
        let of = |exposure: usize| {
            let sources = forms.iter().enumerate();
            let made = sources.map(|(source, form)| {
                let (view, psf) = self.scene.seen(exposure, source);
                Footprint::new(view, form, psf, place(source))
            });
            made.collect()
        };
        (0..self.scene.exposures.len()).map(of).collect()
    }

    /// The linear parameter of a column of an exposure: its sources, then its backgrounds.
    fn linear_of(&self, exposure: usize, local: usize) -> usize {
        let sources = self.scene.kinds.len();
        if local < sources {
            local * self.scene.bands + self.scene.exposures[exposure].band
        } else {
            self.backgrounds[exposure] + local - sources
        }
    }

    fn linear_of_all(&self, sweep: &Sweep<'_>) -> Vec<usize> {
        (0..sweep.columns()).map(|local| self.linear_of(sweep.exposure(), local)).collect()
    }

    fn band_of(&self, linear: usize) -> usize {
        let fluxes = self.backgrounds[0];
        if linear < fluxes {
            return linear % self.scene.bands;
        }
        self.scene.exposures[self.exposure_of(linear)].band
    }

    /// The exposure of a background.
    fn exposure_of(&self, linear: usize) -> usize {
        self.backgrounds.partition_point(|&first| first <= linear) - 1
    }

    fn singular(&self, linear: usize) -> Error {
        let (unknown, reason) = if linear < self.backgrounds[0] {
            let (source, band) = (linear / self.scene.bands, linear % self.scene.bands);
            (
                format!("the flux of source {source} in band {band}"),
                "no pixel of the band sees the source apart from the others, and its prior is flat",
            )
        } else {
            (
                format!("the background of exposure {}", self.exposure_of(linear)),
                "no pixel sees it apart from the sources, and its prior is flat",
            )
        };
        Error::Singular { unknown, reason }
    }

    fn check_linear(&self, linear: &[f64]) -> Result<(), Error> {
        Error::same_shape("linear", &[linear.len()], &[self.linear()])?;
        finite("linear", linear)
    }

    /// Shapes of the sources.
    fn forms(&self, shapes: &[f64]) -> Result<Vec<Shape>, Error> {
        Error::same_shape("shapes", &[shapes.len()], &[self.shapes()])?;
        let sources = self.first.windows(2).enumerate();
        sources
            .map(|(source, ends)| {
                Shape::of(&shapes[ends[0]..ends[1]]).map_err(|error| error.at(|| format!(" for source {source}")))
            })
            .collect()
    }
}

/// -1/2 Σ w (d - m)² of a block, and what it changes by with the linear parameters of its exposure, and with the sources.
struct Slopes {
    value: f64,
    linear: Vec<f64>,
    sources: Vec<[f64; GALAXY]>,
}

impl Slopes {
    /// At some linear parameters. With their covariance, sources change -1/2 ln |H| too: a column A by w (r x - A C).
    fn of(sweep: &mut Sweep<'_>, linear: &[f64], covariance: Option<&[f64]>) -> Self {
        let mut value = Lanes::all(0.0);
        let mut slopes = vec![Lanes::all(0.0); sweep.columns()];
        let sources = sweep.run(|pixels, adjoints| {
            let weighted = pixels.weighted_residual(linear, &mut value, &mut slopes);
            pixels.adjoints(&weighted, linear, covariance, adjoints);
        });
        Self { value: value.sum(), linear: slopes.into_iter().map(Lanes::sum).collect(), sources }
    }
}

/// `Ok` when `holds`; else an error that says where.
fn at(
    holds: bool,
    name: &'static str,
    rule: &'static str,
    value: f64,
    place: impl FnOnce() -> String,
) -> Result<(), Error> {
    Error::domain(holds, name, rule, value).map_err(|error| error.at(place))
}

fn finite(name: &'static str, values: &[f64]) -> Result<(), Error> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => at(false, name, "finite", values[index], || format!(" at {index}")),
    }
}
