//! A source on the pixels of an exposure.

use crate::gaussian::{Component, Gaussian, Moments, Rule, Tile};
use crate::mixture::{GALAXY, Mixture, Shape, View};

/// The Gaussians that stand for a source.
#[derive(Debug)]
pub struct Footprint<'a> {
    mixture: Mixture<'a>,
    components: Vec<(Component, Rule)>,
    gaussians: Vec<Gaussian>,
    /// First and last column, first and last row that any of them reaches [pixel].
    bounds: [f64; 4],
}

impl<'a> Footprint<'a> {
    pub fn new(view: View, shape: &'a Shape, psf: &'a [Component], offset: [f64; 2]) -> Self {
        let mixture = Mixture::new(view, shape, psf);
        let ruled = |component: Component| (component, Rule::of(component.xx, component.xy, component.yy));
        let components: Vec<_> = mixture.components(offset).map(ruled).collect();
        let mut gaussians = Vec::with_capacity(components.len());
        for (component, rule) in &components {
            component.on_pixels(rule, &mut gaussians);
        }
        let nowhere = [f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY, f64::NEG_INFINITY];
        let bounds = gaussians.iter().map(Gaussian::bounds).fold(nowhere, |[left, right, low, high], own| {
            [left.min(own[0]), right.max(own[1]), low.min(own[2]), high.max(own[3])]
        });
        Self { mixture, components, gaussians, bounds }
    }

    /// Count of its Gaussians.
    pub fn len(&self) -> usize {
        self.gaussians.len()
    }

    /// One of its Gaussians.
    pub fn gaussian(&self, number: u32) -> &Gaussian {
        &self.gaussians[number as usize]
    }

    /// Adds the numbers of the Gaussians that reach a tile.
    pub fn touching(&self, tile: Tile, numbers: &mut Vec<u32>) {
        let [left, right, low, high] = self.bounds;
        let last = (crate::gaussian::SIDE - 1) as f64;
        if tile.x > right || tile.x + last < left || tile.y > high || tile.y + last < low {
            return;
        }
        let reaching = self.gaussians.iter().enumerate().filter(|(_, gaussian)| gaussian.reaches(tile));
        numbers.extend(reaching.map(|(number, _)| number as u32));
    }

    /// What a sum over pixels changes by with the numbers of the source, from the moments of its Gaussians.
    pub fn pulled_back(&self, moments: &[Moments]) -> [f64; GALAXY] {
        let mut changes = self.gaussians.iter().zip(moments).map(|(gaussian, moments)| gaussian.change(moments));
        self.mixture
            .pulled_back(self.components.iter().map(|(component, rule)| component.pulled_back(rule, changes.by_ref())))
    }
}
