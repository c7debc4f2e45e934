//! The tiles of a block one after the other: the images of the sources, and back from changes of these to changes of the sources.

use super::Likelihood;
use super::footprint::Footprint;
use super::scene::Block;
use crate::gaussian::{Drawn, Lanes, Moments, PIXELS, SIDE, Tile};
use crate::mixture::GALAXY;
use getframes_core::simd::{self, Kernel};
use std::ops::Range;

/// What one linear parameter adds to a tile, for a value of 1.
#[derive(Clone, Debug)]
pub struct Column {
    /// Number of the parameter.
    pub linear: usize,
    /// The same among those of the exposure.
    pub local: usize,
    /// Counts.
    pub pixels: [f64; PIXELS],
}

/// A tile with its columns: those of sources first.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    pub data: &'a [f64; PIXELS],
    pub weight: &'a [f64; PIXELS],
    pub columns: &'a [Column],
}

impl Pixels<'_> {
    /// Σ parameter column [counts].
    pub fn model(&self, parameter: impl Fn(&Column) -> f64) -> [f64; PIXELS] {
        let mut model = [0.0; PIXELS];
        for column in self.columns {
            add_times(&mut model, parameter(column), &column.pixels);
        }
        model
    }

    /// w (d - m); adds -1/2 Σ w (d - m)² to `value`.
    pub fn weighted_residual(&self, parameter: impl Fn(&Column) -> f64, value: &mut f64) -> [f64; PIXELS] {
        let mut residual = self.model(parameter);
        let mut weighted = [0.0; PIXELS];
        for pixel in 0..PIXELS {
            residual[pixel] = self.data[pixel] - residual[pixel];
            weighted[pixel] = self.weight[pixel] * residual[pixel];
        }
        *value -= 0.5 * dot(&weighted, &residual);
        weighted
    }
}

/// The tiles of a block.
#[derive(Debug)]
pub struct Sweep<'a> {
    likelihood: &'a Likelihood,
    block: &'a Block,
    footprints: &'a [Footprint<'a>],
    /// Gaussians that reach the tile, source by source.
    drawn: Drawn,
    /// Where those of each column of a source are.
    places: Vec<Range<usize>>,
    columns: Vec<Column>,
}

impl<'a> Sweep<'a> {
    pub fn new(likelihood: &'a Likelihood, block: &'a Block, footprints: &'a [Footprint<'a>]) -> Self {
        Self { likelihood, block, footprints, drawn: Drawn::default(), places: Vec::new(), columns: Vec::new() }
    }

    /// Count of the linear parameters of the exposure.
    pub fn columns(&self) -> usize {
        self.footprints.len() + self.exposure().background
    }

    /// Runs `visit` for each tile; it writes by what changes of the columns of sources change the sum. Returns the changes with the sources.
    pub fn run(&mut self, mut visit: impl FnMut(&Pixels<'_>, &mut [[f64; PIXELS]])) -> Vec<[f64; GALAXY]> {
        let mut moments = vec![Vec::new(); self.footprints.len()];
        let mut adjoints = Vec::new();
        for &tile in &self.block.tiles {
            let place = self.render(tile);
            adjoints.resize(self.places.len(), [0.0; PIXELS]);
            visit(&self.pixels(tile), &mut adjoints);
            self.gather(place, &mut adjoints, &mut moments);
        }
        let sources = self.footprints.iter().zip(&moments);
        sources
            .map(|(own, moments)| if moments.is_empty() { [0.0; GALAXY] } else { own.pulled_back(moments) })
            .collect()
    }

    /// Runs `visit` for each tile.
    pub fn each(&mut self, mut visit: impl FnMut(&Pixels<'_>)) {
        for &tile in &self.block.tiles {
            self.render(tile);
            visit(&self.pixels(tile));
        }
    }

    /// Products of pixels and Gaussians.
    pub fn evaluations(&mut self) -> usize {
        let mut count = 0;
        for &tile in &self.block.tiles {
            self.render(tile);
            count += self.drawn.count() * PIXELS;
        }
        count
    }

    fn exposure(&self) -> &super::Exposure {
        &self.likelihood.scene.exposures[self.block.exposure]
    }

    fn pixels(&self, tile: usize) -> Pixels<'_> {
        let of = |values: &'a [f64]| values[tile * PIXELS..][..PIXELS].try_into().expect("a tile has PIXELS pixels");
        let scene = &self.likelihood.scene;
        Pixels { data: of(&scene.data), weight: of(&scene.weight), columns: &self.columns }
    }

    /// Draws the columns of a tile.
    fn render(&mut self, tile: usize) -> Tile {
        let place = self.likelihood.scene.place(tile);
        let scale = self.exposure().flux_scale;
        self.drawn.clear();
        self.places.clear();
        self.columns.clear();
        for (source, footprint) in self.footprints.iter().enumerate() {
            let places = self.drawn.extend(footprint.group(), place);
            if places.is_empty() {
                continue;
            }
            let pixels = self.drawn.image(places.clone(), footprint.group(), place);
            self.places.push(places);
            let linear = self.likelihood.linear_of(self.block.exposure, source);
            self.columns.push(Column { linear, local: source, pixels: pixels.map(|value| scale * value) });
        }
        let [x, y] = self.likelihood.centers[self.block.exposure];
        let sources = self.footprints.len();
        for number in 0..self.exposure().background {
            let linear = self.likelihood.linear_of(self.block.exposure, sources + number);
            let pixels = std::array::from_fn(|pixel| match number {
                0 => 1.0,
                1 => place.x + (pixel % SIDE) as f64 - x,
                _ => place.y + (pixel / SIDE) as f64 - y,
            });
            self.columns.push(Column { linear, local: sources + number, pixels });
        }
        place
    }

    /// Adds the moments of the Gaussians of a tile.
    fn gather(&self, place: Tile, adjoints: &mut [[f64; PIXELS]], moments: &mut [Vec<Moments>]) {
        let scale = self.exposure().flux_scale;
        for ((column, adjoint), places) in self.columns.iter().zip(adjoints).zip(&self.places) {
            for value in adjoint.iter_mut() {
                *value *= scale;
            }
            let group = self.footprints[column.local].group();
            let sums = &mut moments[column.local];
            sums.resize(group.gaussians().len(), Moments::default());
            self.drawn.add_moments(places.clone(), group, place, adjoint, sums);
        }
    }
}

/// Σ a b in a fixed order.
pub fn dot(a: &[f64; PIXELS], b: &[f64; PIXELS]) -> f64 {
    simd::dispatch(Dot { a, b })
}

/// sum += factor image.
pub fn add_times(sum: &mut [f64; PIXELS], factor: f64, image: &[f64; PIXELS]) {
    simd::dispatch(AddTimes { sum, factor, image });
}

struct Dot<'a> {
    a: &'a [f64; PIXELS],
    b: &'a [f64; PIXELS],
}

impl Kernel for Dot<'_> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let mut lanes = [0.0; SIDE];
        for (a, b) in self.a.chunks_exact(SIDE).zip(self.b.chunks_exact(SIDE)) {
            Lanes::load(a).mul_add(Lanes::load(b), Lanes::load(&lanes)).store(&mut lanes);
        }
        Lanes::load(&lanes).sum()
    }
}

struct AddTimes<'a> {
    sum: &'a mut [f64; PIXELS],
    factor: f64,
    image: &'a [f64; PIXELS],
}

impl Kernel for AddTimes<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let factor = Lanes::all(self.factor);
        for (sum, image) in self.sum.chunks_exact_mut(SIDE).zip(self.image.chunks_exact(SIDE)) {
            factor.mul_add(Lanes::load(image), Lanes::load(sum)).store(sum);
        }
    }
}
