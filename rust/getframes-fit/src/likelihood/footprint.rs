//! A source on the pixels of an exposure.

use crate::gaussian::{Component, Gaussian, Group, Moments, Rule};
use crate::mixture::{GALAXY, Mixture, Shape, View};
use getframes_core::simd::{self, Kernel};

/// The Gaussians that stand for a source.
#[derive(Debug)]
pub struct Footprint<'a> {
    mixture: Mixture<'a>,
    components: Vec<(Component, Rule)>,
    group: Group,
}

impl<'a> Footprint<'a> {
    pub fn new(view: View, shape: &'a Shape, psf: &'a [Component], offset: [f64; 2]) -> Self {
        let mixture = Mixture::new(view, shape, psf);
        let ruled = |component: Component| (component, Rule::of(component.xx, component.xy, component.yy));
        let components: Vec<_> = mixture.components(offset).map(ruled).collect();
        let group = Group::new(simd::dispatch(OnPixels(&components)));
        Self { mixture, components, group }
    }

    /// Its Gaussians.
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// What a sum over pixels changes by with the numbers of the source, from the moments of its Gaussians.
    pub fn pulled_back(&self, moments: &[Moments]) -> [f64; GALAXY] {
        let mut changes =
            self.group.gaussians().iter().zip(moments).map(|(gaussian, moments)| gaussian.change(moments));
        self.mixture
            .pulled_back(self.components.iter().map(|(component, rule)| component.pulled_back(rule, changes.by_ref())))
    }
}

/// The Gaussians that stand for components on pixels.
struct OnPixels<'a>(&'a [(Component, Rule)]);

impl Kernel for OnPixels<'_> {
    type Output = Vec<Gaussian>;
    #[inline(always)]
    fn run(self) -> Vec<Gaussian> {
        let mut gaussians = Vec::with_capacity(4 * self.0.len());
        for (component, rule) in self.0 {
            component.on_pixels(rule, &mut gaussians);
        }
        gaussians
    }
}
