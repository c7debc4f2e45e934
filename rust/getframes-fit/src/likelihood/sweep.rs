//! The tiles of a block one after the other: the images of the sources, and back from changes of these to changes of the sources.

use super::Likelihood;
use super::footprint::Footprint;
use super::pixels::{Column, Pixels};
use super::scene::Block;
use crate::gaussian::{Drawn, Moments, PIXELS, SIDE};
use crate::mixture::GALAXY;
use std::ops::Range;

/// The tiles of a block.
#[derive(Debug)]
pub struct Sweep<'a> {
    likelihood: &'a Likelihood,
    block: &'a Block,
    footprints: &'a [Footprint<'a>],
    /// Gaussians that reach tiles, column by column.
    drawn: Drawn,
    columns: Vec<Column>,
    /// The columns of each tile, where they are kept.
    kept: Vec<Range<usize>>,
}

impl<'a> Sweep<'a> {
    pub fn new(likelihood: &'a Likelihood, block: &'a Block, footprints: &'a [Footprint<'a>]) -> Self {
        Self { likelihood, block, footprints, drawn: Drawn::default(), columns: Vec::new(), kept: Vec::new() }
    }

    /// Number of the exposure.
    pub fn exposure(&self) -> usize {
        self.block.exposure
    }

    /// Count of the linear parameters of the exposure.
    pub fn columns(&self) -> usize {
        self.footprints.len() + self.likelihood.scene.exposures[self.block.exposure].background
    }

    /// Products of pixels and Gaussians, if all of these reached all tiles.
    pub fn size(&self) -> usize {
        let gaussians: usize = self.footprints.iter().map(|own| own.group().gaussians().len()).sum();
        self.block.tiles.len() * PIXELS * gaussians
    }

    /// Products of pixels and Gaussians.
    pub fn evaluations(&mut self) -> usize {
        let mut count = 0;
        for number in 0..self.block.tiles.len() {
            self.tile(number);
            count += self.drawn.count() * PIXELS;
        }
        count
    }

    /// Runs `visit` for each tile.
    pub fn each(&mut self, visit: &mut dyn FnMut(&Pixels<'_>)) {
        for number in 0..self.block.tiles.len() {
            let columns = self.tile(number);
            visit(&self.pixels(number, columns));
        }
    }

    /// The same; what was drawn is kept for [`Sweep::run`].
    pub fn keep(&mut self, visit: &mut dyn FnMut(&Pixels<'_>)) {
        for number in 0..self.block.tiles.len() {
            let columns = self.render(number);
            visit(&self.pixels(number, columns.clone()));
            self.kept.push(columns);
        }
    }

    /// Runs `visit` for each tile; it writes by what changes of the columns of sources change the sum. Returns the changes with the sources.
    pub fn run(&mut self, mut visit: impl FnMut(&Pixels<'_>, &mut [[f64; PIXELS]])) -> Vec<[f64; GALAXY]> {
        let mut moments = vec![Vec::new(); self.footprints.len()];
        let mut adjoints = Vec::new();
        for number in 0..self.block.tiles.len() {
            let columns = self.tile(number);
            let pixels = self.pixels(number, columns.clone());
            adjoints.resize(pixels.sources().len(), [0.0; PIXELS]);
            visit(&pixels, &mut adjoints);
            self.gather(number, columns, &adjoints, &mut moments);
        }
        let sources = self.footprints.iter().zip(&moments);
        sources
            .map(|(own, moments)| if moments.is_empty() { [0.0; GALAXY] } else { own.pulled_back(moments) })
            .collect()
    }

    /// The columns of a tile: those that are kept, or drawn now in the place of those before.
    fn tile(&mut self, number: usize) -> Range<usize> {
        if let Some(kept) = self.kept.get(number) {
            return kept.clone();
        }
        self.drawn.clear();
        self.columns.clear();
        self.render(number)
    }

    fn pixels(&self, number: usize, columns: Range<usize>) -> Pixels<'_> {
        let scene = &self.likelihood.scene;
        let first = self.block.tiles[number] * PIXELS;
        let of = |values: &'a [f64]| values[first..][..PIXELS].try_into().expect("a tile has PIXELS pixels");
        Pixels {
            data: of(&scene.data),
            weight: of(&scene.weight),
            flux_scale: scene.exposures[self.block.exposure].flux_scale,
            columns: &self.columns[columns],
        }
    }

    /// Draws the columns of a tile.
    fn render(&mut self, number: usize) -> Range<usize> {
        let (start, tile) = (self.columns.len(), self.block.tiles[number]);
        let place = self.likelihood.scene.place(tile);
        let exposure = self.likelihood.scene.exposures[self.block.exposure];
        for (local, footprint) in self.footprints.iter().enumerate() {
            let places = self.drawn.extend(footprint.group(), place);
            if places.is_empty() {
                continue;
            }
            let pixels = self.drawn.image(places.clone(), footprint.group(), place, exposure.flux_scale);
            let linear = self.likelihood.linear_of(self.block.exposure, local);
            self.columns.push(Column { linear, local, places, pixels });
        }
        let [x, y] = self.likelihood.centers[self.block.exposure];
        for number in 0..exposure.background {
            let local = self.footprints.len() + number;
            let linear = self.likelihood.linear_of(self.block.exposure, local);
            let pixels = std::array::from_fn(|pixel| match number {
                0 => 1.0,
                1 => place.x + (pixel % SIDE) as f64 - x,
                _ => place.y + (pixel / SIDE) as f64 - y,
            });
            self.columns.push(Column { linear, local, places: 0..0, pixels });
        }
        start..self.columns.len()
    }

    /// Adds the moments of the Gaussians of a tile.
    fn gather(
        &mut self,
        number: usize,
        columns: Range<usize>,
        adjoints: &[[f64; PIXELS]],
        moments: &mut [Vec<Moments>],
    ) {
        let place = self.likelihood.scene.place(self.block.tiles[number]);
        for (column, adjoint) in self.columns[columns].iter().zip(adjoints) {
            let group = self.footprints[column.local].group();
            let sums = &mut moments[column.local];
            sums.resize(group.gaussians().len(), Moments::default());
            self.drawn.add_moments(column.places.clone(), group, place, adjoint, sums);
        }
    }
}
