//! A Gaussian on pixels: its mean over each pixel of a tile, and what a change of it does to a sum over pixels.
//!
//! | symbol     | name         | unit                                            |
//! |------------|--------------|-------------------------------------------------|
//! | α          | `weight`     | 1: the integral over the plane                  |
//! | μ          | `x`, `y`     | pixel, centres at integers                      |
//! | C          | `xx, xy, yy` | pixel²                                          |
//! | w          | –            | pixel: width, w⁻⁴ = tr(C⁻²) / 2                 |
//! | h, a, τ    | [`Rule`]     | pixel, 1, pixel²                                |
//!
//! Law: the mean over a pixel is Σ p_i p_j α N(x; μ + h (i, j), C + τ), i and j from -1 to 1, p = (a, 1 - 2a, a): the square pixel, taken as a
//! few points behind a small Gaussian. h, a and τ are smooth functions of w. See [`Rule`].
//!
//! A Gaussian is left out of the tiles that it does not reach within 6 σ: 1.5e-8 of its peak.
//!
//! Not modelled here: response that varies within a pixel.

mod drawn;
mod group;
mod lanes;
mod rule;
mod tile;

pub use drawn::Drawn;
pub use group::Group;
pub(crate) use lanes::Lanes;
pub use rule::Rule;
pub use tile::{Gaussian, Moments, PIXELS, SIDE, Tile};

use getframes_core::Error;

/// A Gaussian before it meets the pixels; or what a sum changes by with each of its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Component {
    /// Integral over the plane.
    pub weight: f64,
    /// Centre [pixel].
    pub x: f64,
    /// Centre [pixel].
    pub y: f64,
    /// Variance along x [pixel²].
    pub xx: f64,
    /// Covariance [pixel²]; a change is one of both elements off the diagonal.
    pub xy: f64,
    /// Variance along y [pixel²].
    pub yy: f64,
}

/// Means of a component over the pixels of a tile, and what their sum times `numbers` changes by with weight, x, y, xx, xy and yy.
///
/// # Errors
/// [`Error::Domain`] unless all is finite and the covariance positive definite.
pub fn on_tile(component: &Component, tile: Tile, numbers: &[f64; PIXELS]) -> Result<([f64; PIXELS], [f64; 6]), Error> {
    component.check()?;
    let rule = Rule::of(component.xx, component.xy, component.yy);
    let mut gaussians = Vec::new();
    component.on_pixels(&rule, &mut gaussians);
    let group = Group::new(gaussians);
    let mut drawn = Drawn::default();
    let places = drawn.extend(&group, tile);
    let image = drawn.image(places.clone(), &group, tile, 1.0);
    let mut moments = vec![Moments::default(); group.gaussians().len()];
    drawn.add_moments(places, &group, tile, numbers, &mut moments);
    let changes = group.gaussians().iter().zip(&moments).map(|(gaussian, moments)| gaussian.change(moments));
    let Component { weight, x, y, xx, xy, yy } = component.pulled_back(&rule, changes);
    Ok((image, [weight, x, y, xx, xy, yy]))
}

impl Component {
    /// Whether it is a Gaussian.
    ///
    /// # Errors
    /// [`Error::Domain`] unless all is finite and the covariance positive definite.
    pub fn check(&self) -> Result<(), Error> {
        let Self { weight, x, y, xx, xy, yy } = *self;
        for value in [weight, x, y, xx, xy, yy] {
            Error::domain(value.is_finite(), "Gaussian", "finite", value)?;
        }
        let det = xx * yy - xy * xy;
        Error::domain(xx > 0.0 && det > 0.0, "determinant of a covariance", "> 0 pixel^4", det)
    }

    /// Adds the Gaussians that stand for it on pixels to `out`.
    #[inline(always)]
    pub fn on_pixels(&self, rule: &Rule, out: &mut Vec<Gaussian>) {
        for point in rule.points() {
            out.push(Gaussian::new(&Self {
                weight: self.weight * point.weight,
                x: self.x + point.x,
                y: self.y + point.y,
                xx: self.xx + rule.added,
                xy: self.xy,
                yy: self.yy + rule.added,
            }));
        }
    }

    /// The change of a sum with this component, from its changes with the Gaussians that stand for it, in the same order.
    pub fn pulled_back(&self, rule: &Rule, changes: impl Iterator<Item = Self>) -> Self {
        let mut sum = Self::default();
        let (mut offset, mut outer) = (0.0, 0.0);
        for (point, change) in rule.points().zip(changes) {
            sum.weight += change.weight * point.weight;
            sum.x += change.x;
            sum.y += change.y;
            sum.xx += change.xx;
            sum.xy += change.xy;
            sum.yy += change.yy;
            offset += point.column * change.x + point.row * change.y;
            outer += change.weight * self.weight * point.weight_per_outer;
        }
        let per_width = (sum.xx + sum.yy) * rule.added_slope + offset * rule.offset_slope + outer * rule.outer_slope;
        let [xx, xy, yy] = rule.width_slopes;
        sum.xx += per_width * xx;
        sum.xy += per_width * xy;
        sum.yy += per_width * yy;
        sum
    }
}
