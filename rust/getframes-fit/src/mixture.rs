//! A source in an exposure: the mixture of its profile, carried through the world coordinates and convolved with the PSF.
//!
//! | symbol | name              | unit                                                      |
//! |--------|-------------------|-----------------------------------------------------------|
//! | d      | `ra`, `dec`       | arcsec: offset towards east and north from the reference  |
//! | r      | `r_half`          | arcsec: half-light radius, of a circle of the same area   |
//! | n      | `index`           | 1: Sersic index                                           |
//! | g      | `g1`, `g2`        | 1: reduced shear; (1 - q) / (1 + q) at twice the angle    |
//! | J      | `jacobian`        | pixel / arcsec: d(x, y) / d(east, north)                  |
//! | p      | `position`        | pixel: of the reference                                   |
//! | a, s   | –                 | 1, r: share and width of a Gaussian of the profile        |
//! | A, δ, Ψ| [`Component`]     | 1, pixel, pixel²: a Gaussian of the PSF                   |
//!
//! Law: Σ a A N(x; p + J d + δ, (s r)² J G Jᵀ + Ψ), G = ((1 + g² + 2 g1, 2 g2), (2 g2, 1 + g² - 2 g1)) / (1 - g²), of determinant 1. A star is one
//! Gaussian of no width.
//!
//! Not modelled here: profiles that are not elliptical, a PSF that changes within a source, WCS that bends within a source.
//!
//! Source: Hogg and Lang 2013, doi:10.1086/668228.

use crate::gaussian::Component;
use getframes_core::Error;
use getframes_core::profile::{LARGEST_INDEX, SMALLEST_INDEX, sersic, sersic_slopes};

/// Numbers that place and shape a source: 2 of a star, 6 of a galaxy.
pub const STAR: usize = 2;
/// See [`STAR`].
pub const GALAXY: usize = 6;

/// How an exposure sees a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Pixel of the reference position.
    pub position: [f64; 2],
    /// d(x, y) / d(east, north) [pixel / arcsec].
    pub jacobian: [[f64; 2]; 2],
}

impl View {
    /// Whether it is finite, and keeps two directions apart.
    pub fn is_regular(&self) -> bool {
        let [[a, b], [c, d]] = self.jacobian;
        self.position.iter().chain([a, b, c, d].iter()).all(|value| value.is_finite()) && a * d != b * c
    }
}

/// Shape of a source on the sky, and what it changes by.
#[derive(Clone, Debug)]
pub struct Shape {
    r_half: f64,
    /// G, and its slopes against g1 and g2: xx, xy, yy.
    round: [[f64; 3]; 3],
    /// s, a, ds/dn, da/dn of each Gaussian.
    profile: Vec<[f64; 4]>,
}

impl Shape {
    /// Of the numbers of a source: ra, dec of a star; ra, dec, r, n, g1, g2 of a galaxy.
    ///
    /// # Errors
    /// [`Error::Shape`] for another count, [`Error::Domain`] for numbers that are no source.
    pub fn of(source: &[f64]) -> Result<Self, Error> {
        for &value in source {
            Error::domain(value.is_finite(), "source", "finite", value)?;
        }
        match *source {
            [_, _] => Ok(Self::star()),
            [_, _, r_half, index, g1, g2] => {
                Error::domain(r_half >= 0.0, "rhalf", ">= 0 arcsec", r_half)?;
                let holds = (SMALLEST_INDEX..=LARGEST_INDEX).contains(&index);
                Error::domain(holds, "sersic", "in [0.5, 8]", index)?;
                let shear = g1.hypot(g2);
                Error::domain(shear < 1.0, "shear |g|", "< 1", shear)?;
                Ok(Self::galaxy([r_half, index, g1, g2]))
            }
            _ => Err(Error::Shape { name: "source", expected: vec![GALAXY], got: vec![source.len()] }),
        }
    }

    fn star() -> Self {
        Self { r_half: 0.0, round: [[0.0; 3]; 3], profile: vec![[0.0, 1.0, 0.0, 0.0]] }
    }

    fn galaxy([r_half, index, g1, g2]: [f64; 4]) -> Self {
        let square = g1 * g1 + g2 * g2;
        let scale = 1.0 / (1.0 - square);
        let numerators = [1.0 + square + 2.0 * g1, 2.0 * g2, 1.0 + square - 2.0 * g1];
        let slope = |g: f64, own: [f64; 3]| std::array::from_fn(|k| scale * (own[k] + 2.0 * g * scale * numerators[k]));
        let rows = sersic(index).into_iter().zip(sersic_slopes(index));
        Self {
            r_half,
            round: [
                numerators.map(|value| scale * value),
                slope(g1, [2.0 * g1 + 2.0, 0.0, 2.0 * g1 - 2.0]),
                slope(g2, [2.0 * g2, 2.0, 2.0 * g2]),
            ],
            profile: rows
                .map(|((sigma, share), (widening, growth))| [sigma, share, widening, growth])
                .filter(|&[_, share, _, growth]| share != 0.0 || growth != 0.0)
                .collect(),
        }
    }
}

/// A source as an exposure sees it, before the pixels.
#[derive(Clone, Debug)]
pub struct Mixture<'a> {
    view: View,
    shape: &'a Shape,
    psf: &'a [Component],
}

impl<'a> Mixture<'a> {
    /// A shape behind a PSF.
    pub fn new(view: View, shape: &'a Shape, psf: &'a [Component]) -> Self {
        Self { view, shape, psf }
    }

    /// Its Gaussians at an offset (east, north) [arcsec] on the sky.
    pub fn components(&self, [east, north]: [f64; 2]) -> impl Iterator<Item = Component> {
        let Self { view: View { position, jacobian }, shape, psf } = self;
        let [x, y] = [0, 1].map(|k| position[k] + jacobian[k][0] * east + jacobian[k][1] * north);
        let [xx, xy, yy] = self.projected(shape.round[0]);
        shape.profile.iter().flat_map(move |&[sigma, share, ..]| {
            let square = (sigma * shape.r_half).powi(2);
            psf.iter().map(move |psf| Component {
                weight: share * psf.weight,
                x: x + psf.x,
                y: y + psf.y,
                xx: square * xx + psf.xx,
                xy: square * xy + psf.xy,
                yy: square * yy + psf.yy,
            })
        })
    }

    /// What a sum changes by with ra, dec, r, n, g1 and g2, from its changes with the components in their order.
    pub fn pulled_back(&self, mut changes: impl Iterator<Item = Component>) -> [f64; GALAXY] {
        let Self { view: View { jacobian, .. }, shape, psf } = self;
        let radius = shape.r_half;
        let [projected, by_g1, by_g2] = shape.round.map(|round| self.projected(round));
        let (mut x, mut y) = (0.0, 0.0);
        let [mut r_half, mut index, mut g1, mut g2] = [0.0; 4];
        for &[sigma, _, widening, growth] in &shape.profile {
            let (mut weight, mut covariance) = (0.0, [0.0; 3]);
            for (psf, change) in psf.iter().zip(&mut changes) {
                weight += psf.weight * change.weight;
                x += change.x;
                y += change.y;
                for (sum, term) in covariance.iter_mut().zip([change.xx, change.xy, change.yy]) {
                    *sum += term;
                }
            }
            let along = |direction: [f64; 3]| (0..3).map(|k| covariance[k] * direction[k]).sum::<f64>();
            let by_square = along(projected);
            r_half += 2.0 * sigma * sigma * radius * by_square;
            index += growth * weight + 2.0 * sigma * widening * radius * radius * by_square;
            g1 += (sigma * radius).powi(2) * along(by_g1);
            g2 += (sigma * radius).powi(2) * along(by_g2);
        }
        let [east, north] = [0, 1].map(|k| jacobian[0][k] * x + jacobian[1][k] * y);
        [east, north, r_half, index, g1, g2]
    }

    /// J M Jᵀ of a symmetric matrix.
    fn projected(&self, [xx, xy, yy]: [f64; 3]) -> [f64; 3] {
        let product = |p: [f64; 2], q: [f64; 2]| p[0] * q[0] * xx + (p[0] * q[1] + p[1] * q[0]) * xy + p[1] * q[1] * yy;
        let [x, y] = self.view.jacobian;
        [product(x, x), product(x, y), product(y, y)]
    }
}
