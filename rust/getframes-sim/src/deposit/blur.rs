//! What is convolved with what: shapes of sources, PSFs as mixtures of Gaussians, and what of a source needs the transform of its PSF.
//!
//! | symbol  | name        | shape  | unit                                                |
//! |---------|-------------|--------|-----------------------------------------------------|
//! | r_e     | `r_eff`     | `(n,)` | pixel: half-light radius along the major axis       |
//! | n       | `index`     | `(n,)` | 1: Sersic index                                     |
//! | b/a     | `axis_ratio`| `(n,)` | 1                                                   |
//! | θ       | `angle`     | `(n,)` | degree, major axis, from +x towards +y              |
//!
//! Behind a Gaussian or a Moffat PSF a source is a mixture of Gaussians. An Airy pattern is one too where it is seen behind a Gaussian that
//! hides its rings, and in its wings; the narrow Gaussians of a source are convolved with the pattern itself, less its wings, by
//! [`super::transform`]. A PSF that is only known as an image is one Gaussian where it is seen behind a wide one.

use super::psf::WIDEST;
use getframes_core::Error;
use getframes_core::profile::{self, Component, Galaxy};
use getframes_core::real::Real;

/// Narrowest standard deviation that is drawn as it is [pixel].
pub const NARROWEST: f64 = 0.085;

/// Radius of an Airy pattern less its wings, in λ/D, for an obstruction below 0.4.
const AIRY_REACH: f64 = 14.0;

/// Light that a Gaussian may leave outside the stamp of its source.
const LOST_BY_STAMPS: f64 = 1e-4;

/// Shapes of galaxies, as arrays; a star has `r_eff` 0.
#[derive(Clone, Copy, Debug)]
pub struct Shapes<'a> {
    /// Half-light radius along the major axis [pixel].
    pub r_eff: &'a [f64],
    /// Sersic index.
    pub index: &'a [f64],
    /// Minor over major axis.
    pub axis_ratio: &'a [f64],
    /// Angle of the major axis [deg].
    pub angle: &'a [f64],
}

/// The PSF: arrays of one value for all sources, or one a source.
#[derive(Clone, Copy, Debug)]
pub enum Blur<'a> {
    /// Gaussians: standard deviations [pixel] and angle [deg].
    Gaussian {
        /// Along the axis.
        along: &'a [f64],
        /// Across it.
        across: &'a [f64],
        /// From +x towards +y.
        angle: &'a [f64],
    },
    /// Moffat profiles.
    Moffat {
        /// Full width at half maximum [pixel].
        fwhm: &'a [f64],
        /// β.
        beta: &'a [f64],
    },
    /// Airy patterns.
    Airy {
        /// λ/D [pixel].
        resolution: &'a [f64],
        /// Diameter of the hole, as a fraction of the aperture.
        obstruction: &'a [f64],
    },
    /// An image.
    Image {
        /// How far it reaches [pixel].
        reach: f64,
        /// Its centre of light, from its middle [pixel].
        centre: [f64; 2],
        /// Its second moments xx, xy, yy about that [pixel²].
        moments: [f64; 3],
        /// Standard deviation from which on a Gaussian hides all but these moments [pixel].
        narrowest: f64,
    },
}

impl Blur<'_> {
    /// The mixture of the PSF at a source, wider by a variance [pixel²] where it is good as it is.
    #[inline(always)]
    pub(super) fn components(&self, source: usize, variance: f64) -> Vec<Component> {
        let floor = NARROWEST * NARROWEST;
        let mut components = match *self {
            Self::Gaussian { along, across, angle } => {
                vec![Component::ellipse(1.0, at(along, source), at(across, source), at(angle, source))]
            }
            Self::Moffat { fwhm, beta } => profile::moffat(at(fwhm, source), at(beta, source)),
            Self::Airy { resolution, obstruction } => {
                return profile::airy(at(resolution, source), at(obstruction, source));
            }
            Self::Image { moments: [xx, xy, yy], .. } => return vec![Component { weight: 1.0, xx, xy, yy }],
        };
        for component in &mut components {
            let wider = variance + (floor - component.axes().0 - variance).max(0.0);
            component.xx += wider;
            component.yy += wider;
        }
        components
    }

    /// Standard deviation from which on a Gaussian may stand before the mixture of the PSF, where not before all.
    fn narrowest(&self, source: usize) -> f64 {
        match *self {
            Self::Gaussian { .. } | Self::Moffat { .. } => 0.0,
            Self::Airy { resolution, obstruction } => {
                profile::narrowest(at(resolution, source), at(obstruction, source))
            }
            Self::Image { narrowest, .. } => narrowest,
        }
    }

    /// Where the Gaussians of a source are, from the source [pixel].
    pub(super) fn centre(&self) -> [f64; 2] {
        match *self {
            Self::Image { centre, .. } => centre,
            _ => [0.0; 2],
        }
    }

    /// Radius of what is left to the transform [pixel].
    fn stamp_reach(&self, source: usize) -> f64 {
        match *self {
            Self::Gaussian { .. } | Self::Moffat { .. } => 0.0,
            Self::Airy { resolution, obstruction } => {
                AIRY_REACH * at(resolution, source) * (0.6 / (1.0 - at(obstruction, source))).max(1.0)
            }
            Self::Image { reach, .. } => reach,
        }
    }

    pub(super) fn check(&self, sources: usize) -> Result<(), Error> {
        let columns: &[(&'static str, &[f64])] = match self {
            Self::Gaussian { along, across, angle } => &[("along", along), ("across", across), ("angle", angle)],
            Self::Moffat { fwhm, beta } => &[("fwhm", fwhm), ("beta", beta)],
            Self::Airy { resolution, obstruction } => &[("resolution", resolution), ("obstruction", obstruction)],
            Self::Image { reach, centre, moments: [xx, xy, yy], narrowest } => {
                Error::domain((0.0..1e9).contains(reach), "reach", "in [0, 1e9)", *reach)?;
                for place in centre {
                    Error::domain(place.abs() <= *reach, "centre", "within the reach", *place)?;
                }
                let holds = *xx >= 0.0 && *yy >= 0.0 && xx * yy >= xy * xy && (xx + yy).is_finite();
                Error::domain(holds, "moments", "those of an image", *xy)?;
                return Error::domain(*narrowest >= 0.0, "narrowest", ">= 0", *narrowest);
            }
        };
        for (name, values) in columns {
            Error::same_shape(name, &[values.len()], &[if values.len() == 1 { 1 } else { sources }])?;
            for &value in *values {
                let (holds, rule) = match *name {
                    "angle" => (value.is_finite(), "finite"),
                    "beta" => (value > 1.0 && value.is_finite(), "> 1 and finite"),
                    "resolution" => (value > 0.0 && value <= WIDEST, "in (0, 1000] pixel"),
                    "obstruction" => ((0.0..1.0).contains(&value), "in [0, 1)"),
                    _ => (value > 0.0 && value.is_finite(), "> 0 and finite"),
                };
                Error::domain(holds, name, rule, value)?;
            }
        }
        Ok(())
    }

    fn varies(&self) -> bool {
        match self {
            Self::Gaussian { along, across, angle } => along.len() > 1 || across.len() > 1 || angle.len() > 1,
            Self::Moffat { fwhm, beta } => fwhm.len() > 1 || beta.len() > 1,
            Self::Airy { resolution, obstruction } => resolution.len() > 1 || obstruction.len() > 1,
            Self::Image { .. } => false,
        }
    }
}

fn at(values: &[f64], source: usize) -> f64 {
    values[source.min(values.len() - 1)]
}

impl Shapes<'_> {
    pub(super) fn galaxy(&self, source: usize) -> Galaxy {
        Galaxy {
            r_eff: self.r_eff[source],
            index: self.index[source],
            axis_ratio: self.axis_ratio[source],
            angle: self.angle[source],
        }
    }

    pub(super) fn check(&self, sources: usize) -> Result<(), Error> {
        let indices = profile::SMALLEST_INDEX..=profile::LARGEST_INDEX;
        for (name, values) in
            [("r_eff", self.r_eff), ("index", self.index), ("axis_ratio", self.axis_ratio), ("angle", self.angle)]
        {
            Error::same_shape(name, &[values.len()], &[sources])?;
            for &value in values {
                let (holds, rule) = match name {
                    "r_eff" => ((0.0..f64::INFINITY).contains(&value), ">= 0 and finite"),
                    "index" => (indices.contains(&value), "in [0.5, 8]"),
                    "axis_ratio" => (value > 0.0 && value <= 1.0, "in (0, 1]"),
                    _ => (value.is_finite(), "finite"),
                };
                Error::domain(holds, name, rule, value)?;
            }
        }
        Ok(())
    }
}

/// What a source is made of.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// Gaussians behind the PSF, as the image shows them.
    pub mixture: Vec<Component>,
    /// How many at the end of `mixture` are the wings of the PSF behind what `narrow` holds.
    pub wings: usize,
    /// Gaussians of the source, before the PSF, that are left to the transform.
    pub narrow: Vec<Component>,
}

/// Sources behind a PSF.
#[derive(Clone, Debug)]
pub struct Convolution<'a> {
    /// The sources.
    pub shapes: Shapes<'a>,
    /// The PSF.
    pub blur: Blur<'a>,
    /// What widens it [pixel²].
    pub variance: f64,
    /// The PSF, where it is the same for all.
    shared: Option<Vec<Component>>,
}

impl<'a> Convolution<'a> {
    /// Checked sources.
    ///
    /// # Errors
    /// [`Error::Shape`] when arrays do not have one value a source, [`Error::Domain`] when a shape or the PSF is impossible.
    pub fn new(sources: usize, shapes: Shapes<'a>, blur: Blur<'a>, variance: f64) -> Result<Self, Error> {
        Error::domain((0.0..f64::INFINITY).contains(&variance), "variance", ">= 0 and finite", variance)?;
        shapes.check(sources)?;
        blur.check(sources)?;
        let shared = (sources > 0 && !blur.varies()).then(|| blur.components(0, variance));
        Ok(Self { shapes, blur, variance, shared })
    }

    /// Whether sources may need the transform of the PSF.
    pub fn is_transformed(&self) -> bool {
        matches!(self.blur, Blur::Airy { .. } | Blur::Image { .. })
    }

    /// What a source is made of; `parts` is overwritten.
    #[inline(always)]
    pub fn part(&self, source: usize, parts: &mut Parts) {
        parts.mixture.clear();
        parts.narrow.clear();
        parts.wings = 0;
        let own;
        let psf = match &self.shared {
            Some(psf) => psf,
            None => {
                own = self.blur.components(source, self.variance);
                &own
            }
        };
        let components = self.shapes.galaxy(source).components();
        if !self.is_transformed() {
            profile::convolve(&components, psf, &mut parts.mixture);
            return;
        }
        let narrowest = self.blur.narrowest(source).powi(2);
        let (mut wide, mut count) = ([Component::default(); profile::COMPONENTS], 0);
        for component in components.into_iter().filter(|component| component.weight > 0.0) {
            let component = component.convolved(Component::round(1.0, self.variance));
            if component.axes().0 < narrowest {
                parts.narrow.push(component);
            } else {
                wide[count] = component;
                count += 1;
            }
        }
        profile::convolve(&wide[..count], psf, &mut parts.mixture);
        if !parts.narrow.is_empty() && matches!(self.blur, Blur::Airy { .. }) {
            let narrow = profile::merged(&parts.narrow);
            parts.wings = profile::WINGS;
            parts.mixture.extend(psf[psf.len() - profile::WINGS..].iter().map(|&wing| narrow.convolved(wing)));
        }
    }

    /// Half of the side of the stamp that the transform needs [pixel], for a source of at most `most`; 0 where it needs none.
    #[inline(always)]
    pub fn half_stamp(&self, source: usize, narrow: &[Component], most: f64) -> f64 {
        if narrow.is_empty() {
            return 0.0;
        }
        let reach = |component: &Component| {
            let cut: f64 = (2.0 * Real::logarithm(component.weight / LOST_BY_STAMPS)).max(4.0);
            (cut * component.axes().1).sqrt()
        };
        narrow.iter().map(reach).fold(0.0, f64::max).min(most) + self.blur.stamp_reach(source)
    }
}
