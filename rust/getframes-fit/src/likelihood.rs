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
mod scene;
mod sweep;

pub use scene::{Exposure, Kind, Scene};

use crate::gaussian::PIXELS;
use crate::linear::{Normal, Prior, Solution};
use crate::mixture::{GALAXY, Shape};
use footprint::Footprint;
use getframes_core::{Error, pool};
use rayon::prelude::*;
use scene::Block;
use sweep::Sweep;
pub(crate) use sweep::{Pixels, dot};

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
        let sums = self.over_blocks(&self.footprints(shapes, &forms), |sweep| {
            let mut value = 0.0;
            let mut slopes = vec![0.0; sweep.columns()];
            let sources = sweep.run(|pixels, adjoints| {
                let weighted = pixels.weighted_residual(|column| linear[column.linear], &mut value);
                for column in pixels.columns {
                    slopes[column.local] += sweep::dot(&weighted, &column.pixels);
                }
                for (column, adjoint) in pixels.columns.iter().zip(adjoints) {
                    *adjoint = weighted.map(|number| linear[column.linear] * number);
                }
            });
            (value, slopes, sources)
        })?;
        shape_slopes.fill(0.0);
        linear_slopes.fill(0.0);
        let mut total = 0.0;
        for (block, (value, slopes, sources)) in self.blocks.iter().zip(&sums) {
            total += value;
            for (local, slope) in slopes.iter().enumerate() {
                linear_slopes[self.linear_of(block.exposure, local)] += slope;
            }
            self.add_slopes(sources, shape_slopes);
        }
        Ok(total)
    }

    /// ln of the likelihood times the prior of the linear parameters, integrated over them; and its slopes, which are written.
    ///
    /// -1/2 Σ w (d - m)² - 1/2 Σ P (x - x̄)² - 1/2 ln |H| at the best x, H = Aᵀ W A + P. Left out, since no shape changes them: ln √(w / 2π) of each pixel,
    /// ln √(2π) of each parameter, ln √(P / 2π) of each with a prior.
    ///
    /// # Errors
    /// As [`Likelihood::value_and_gradient`]; [`Error::Singular`] when neither data nor prior determine a parameter.
    pub fn marginal(&self, shapes: &[f64], prior: &Prior<'_>, shape_slopes: &mut [f64]) -> Result<f64, Error> {
        Error::same_shape("shape_slopes", &[shape_slopes.len()], &[self.shapes()])?;
        let forms = self.forms(shapes)?;
        let footprints = self.footprints(shapes, &forms);
        let solution = self.solution(&footprints, prior)?;
        let sums = self.over_blocks(&footprints, |sweep| {
            let mut value = 0.0;
            let sources = sweep.run(|pixels, adjoints| {
                let weighted = pixels.weighted_residual(|column| solution.linear[column.linear], &mut value);
                for (column, adjoint) in pixels.columns.iter().zip(adjoints) {
                    // w (r x - A C), by which a change of this column changes both terms.
                    let mut spread = [0.0; PIXELS];
                    for other in pixels.columns {
                        sweep::add_times(&mut spread, solution.covariance(column.linear, other.linear), &other.pixels);
                    }
                    let best = solution.linear[column.linear];
                    for pixel in 0..PIXELS {
                        adjoint[pixel] = best * weighted[pixel] - pixels.weight[pixel] * spread[pixel];
                    }
                }
            });
            (value, sources)
        })?;
        shape_slopes.fill(0.0);
        let mut total = solution.log_prior - 0.5 * solution.log_determinant;
        for (value, sources) in &sums {
            total += value;
            self.add_slopes(sources, shape_slopes);
        }
        Ok(total)
    }

    /// The linear parameters where likelihood times prior is largest [counts, flux], shape `(L,)`, and their covariance, shape `(L, L)`.
    ///
    /// # Errors
    /// As [`Likelihood::marginal`].
    pub fn solve(&self, shapes: &[f64], prior: &Prior<'_>) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let forms = self.forms(shapes)?;
        let solution = self.solution(&self.footprints(shapes, &forms), prior)?;
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
        let images = self.over_blocks(&self.footprints(shapes, &forms), |sweep| {
            let mut images = Vec::new();
            sweep.each(|pixels| images.push(pixels.model(|column| linear[column.linear])));
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
        Ok(self.over_blocks(&self.footprints(shapes, &forms), |sweep| sweep.evaluations())?.into_iter().sum())
    }

    fn solution(&self, footprints: &[Vec<Footprint<'_>>], prior: &Prior<'_>) -> Result<Solution, Error> {
        prior.check(self.linear())?;
        let parts = self.over_blocks(footprints, |sweep| {
            let mut part = Normal::new(sweep.columns());
            sweep.each(|pixels: &Pixels<'_>| part.add(pixels));
            part
        })?;
        let bands: Vec<usize> = (0..self.linear()).map(|linear| self.band_of(linear)).collect();
        let parts = self.blocks.iter().zip(&parts).map(|(block, part)| {
            let columns = (0..part.columns()).map(|local| self.linear_of(block.exposure, local)).collect::<Vec<_>>();
            (columns, part)
        });
        Solution::of(parts, &bands, prior).map_err(|linear| self.singular(linear))
    }

    /// Runs `work` on every block of tiles, in the pool if that pays; results are in the order of the blocks.
    fn over_blocks<R: Send>(
        &self,
        footprints: &[Vec<Footprint<'_>>],
        work: impl Fn(&mut Sweep<'_>) -> R + Send + Sync,
    ) -> Result<Vec<R>, Error> {
        let one = |block: &Block| work(&mut Sweep::new(self, block, &footprints[block.exposure]));
        let size = |block: &Block| {
            let gaussians: usize = footprints[block.exposure].iter().map(|own| own.group().gaussians().len()).sum();
            block.tiles.len() * PIXELS * gaussians
        };
        // A caller that is in a pool has work for its threads already.
        let alone = rayon::current_thread_index().is_some() || self.blocks.iter().map(size).sum::<usize>() < SMALL;
        if alone {
            return Ok(self.blocks.iter().map(one).collect());
        }
        pool::install(|| Ok(self.blocks.par_iter().map(one).collect()))
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

    fn add_slopes(&self, sources: &[[f64; GALAXY]], slopes: &mut [f64]) {
        for (source, terms) in sources.iter().enumerate() {
            for (slope, term) in slopes[self.first[source]..self.first[source + 1]].iter_mut().zip(terms) {
                *slope += term;
            }
        }
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
