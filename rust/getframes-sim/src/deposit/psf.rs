//! The PSFs that stars can be drawn with, each by the method that suits its width.

use super::airy::Airy;
use super::array::Array;
use super::bands;
use super::elliptical::Elliptical;
use super::gaussian::{Gaussian, Tail, WIDEST_SINGLE};
use super::moffat::Moffat;
use super::phase::{Density, Phase};
use super::wide::{Radial, Wide, WideGaussian};
use super::{Profile, Stars};
use getframes_core::Error;
use getframes_core::pool::Cancel;
use getframes_core::real::Real;

/// Widest elliptical Gaussian that is tabulated: the narrower standard deviation [pixel].
const WIDEST_ELLIPTICAL: f64 = 6.0;

/// Widest round profile that is tabulated: FWHM, or λ/D [pixel].
const WIDEST_TABULATED: f64 = 12.0;

/// Widest profile that is drawn at all: FWHM, or λ/D [pixel]. What is wider comes from a wrong unit.
pub const WIDEST: f64 = 1000.0;

/// A PSF on a pixel grid.
#[derive(Clone, Debug)]
pub struct Psf {
    method: Method,
    reach: (usize, usize),
    lost: f64,
}

#[derive(Clone, Debug)]
enum Method {
    Gaussian { single: Gaussian<f32>, double: Gaussian<f64> },
    WideRoundGaussian(Gaussian<f64>),
    Phase(Phase),
    Wide(Wide),
    WideGaussian(WideGaussian),
    Array { single: Array<f32>, double: Array<f64> },
}

impl Psf {
    /// A round Gaussian of standard deviation `sigma` [pixel].
    ///
    /// # Errors
    /// [`Error::Domain`] unless `sigma` is positive and finite.
    pub fn gaussian(sigma: f64) -> Result<Self, Error> {
        positive("sigma_px", sigma)?;
        let double = Gaussian::<f64>::new(sigma);
        let (reach, lost) = (Profile::<f64>::reach(&double), double.lost());
        let method = if sigma <= WIDEST_SINGLE {
            Method::Gaussian { single: Gaussian::new(sigma), double }
        } else {
            Method::WideRoundGaussian(double)
        };
        Ok(Self { method, reach, lost })
    }

    /// A Gaussian of standard deviations `along` and `across` [pixel] an axis at `angle` [deg] from +x towards +y.
    ///
    /// # Errors
    /// [`Error::Domain`] unless the widths are positive and all is finite.
    pub fn elliptical(along: f64, across: f64, angle: f64) -> Result<Self, Error> {
        positive("sigma_major_px", along)?;
        positive("sigma_minor_px", across)?;
        Error::domain(angle.is_finite(), "angle_deg", "finite", angle)?;
        let density = Elliptical::new(along, across, angle);
        if density.narrower() <= WIDEST_ELLIPTICAL {
            return Ok(Self::tabulated(&density));
        }
        let lost = Real::exponential(-0.5 * super::elliptical::REACH_SIGMA.powi(2));
        Ok(Self { method: Method::WideGaussian(WideGaussian::new(density)), reach: density.reach(), lost })
    }

    /// A Moffat profile.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `fwhm` [pixel] is positive and at most [`WIDEST`], and `beta` > 1.
    pub fn moffat(fwhm: f64, beta: f64) -> Result<Self, Error> {
        drawable("fwhm_px", fwhm)?;
        Error::domain(beta > 1.0 && beta.is_finite(), "beta", "> 1", beta)?;
        Ok(Self::round(&Moffat::new(fwhm, beta), fwhm))
    }

    /// An Airy pattern of `resolution` = λ/D [pixel].
    ///
    /// # Errors
    /// [`Error::Domain`] unless `resolution` is positive and at most [`WIDEST`], and 0 <= `obstruction` < 1.
    pub fn airy(resolution: f64, obstruction: f64) -> Result<Self, Error> {
        drawable("resolution_px", resolution)?;
        Error::domain((0.0..1.0).contains(&obstruction), "obstruction", "in [0, 1)", obstruction)?;
        Ok(Self::round(&Airy::new(resolution, obstruction), resolution))
    }

    /// A kernel of `shape` (rows, columns), row by row.
    ///
    /// # Errors
    /// [`Error::Shape`] when it does not have that shape, or is empty.
    pub fn array(kernel: &[f64], shape: (usize, usize)) -> Result<Self, Error> {
        let double = Array::new(kernel, shape)?;
        let reach = <Array<f64> as Profile<f64>>::reach(&double);
        Ok(Self { method: Method::Array { single: double.to(), double }, reach, lost: 0.0 })
    }

    fn round(profile: &impl Radial, width: f64) -> Self {
        if width <= WIDEST_TABULATED {
            return Self::tabulated(profile);
        }
        let wide = Wide::new(profile);
        let reach = <Wide as Profile<f64>>::reach(&wide);
        let lost = wide.lost();
        Self { method: Method::Wide(wide), reach, lost }
    }

    fn tabulated(density: &impl Density) -> Self {
        let phase = Phase::new(density);
        let lost = (1.0 - phase.drawn()).max(0.0);
        Self { method: Method::Phase(phase), reach: density.reach(), lost }
    }

    /// Farthest column and row that light is drawn in, from the pixel that holds the star.
    pub fn reach(&self) -> (usize, usize) {
        self.reach
    }

    /// Fraction of the light that is not drawn, for a star centred on a pixel.
    pub fn lost(&self) -> f64 {
        self.lost
    }

    /// Adds stars to an image of `shape` (rows, columns), in bands of `band_rows`: by default 128, or twice the patch where that is taller.
    ///
    /// # Errors
    /// As [`bands::deposit`].
    pub fn deposit<T: Precision>(
        &self,
        stars: Stars<'_>,
        image: &mut [T],
        shape: (usize, usize),
        band_rows: Option<usize>,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        let band_rows = band_rows.unwrap_or(bands::BAND_ROWS.max(4 * self.reach.1));
        match &self.method {
            Method::Gaussian { single, double } => {
                bands::deposit(T::gaussian(single, double), stars, image, shape, band_rows, cancel)
            }
            Method::WideRoundGaussian(gaussian) => bands::deposit(gaussian, stars, image, shape, band_rows, cancel),
            Method::Phase(phase) => bands::deposit(phase, stars, image, shape, band_rows, cancel),
            Method::Wide(wide) => bands::deposit(wide, stars, image, shape, band_rows, cancel),
            Method::WideGaussian(wide) => bands::deposit(wide, stars, image, shape, band_rows, cancel),
            Method::Array { single, double } => {
                bands::deposit(T::choose(single, double), stars, image, shape, band_rows, cancel)
            }
        }
    }
}

fn drawable(name: &'static str, value: f64) -> Result<(), Error> {
    Error::domain(value > 0.0 && value <= WIDEST, name, "in (0, 1000] pixel", value)
}

fn positive(name: &'static str, value: f64) -> Result<(), Error> {
    Error::domain(value > 0.0 && value.is_finite(), name, "> 0 and finite", value)
}

/// A precision that images can have.
pub trait Precision: Tail {
    /// The Gaussian in this precision.
    fn gaussian<'a>(single: &'a Gaussian<f32>, double: &'a Gaussian<f64>) -> &'a Gaussian<Self>;
    /// The kernel in this precision.
    fn choose<'a>(single: &'a Array<f32>, double: &'a Array<f64>) -> &'a Array<Self>;
}

impl Precision for f32 {
    fn gaussian<'a>(single: &'a Gaussian<f32>, _: &'a Gaussian<f64>) -> &'a Gaussian<f32> {
        single
    }
    fn choose<'a>(single: &'a Array<f32>, _: &'a Array<f64>) -> &'a Array<f32> {
        single
    }
}

impl Precision for f64 {
    fn gaussian<'a>(_: &'a Gaussian<f32>, double: &'a Gaussian<f64>) -> &'a Gaussian<f64> {
        double
    }
    fn choose<'a>(_: &'a Array<f32>, double: &'a Array<f64>) -> &'a Array<f64> {
        double
    }
}
