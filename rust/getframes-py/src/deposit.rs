//! `getframes._native.deposit`: stars and galaxies drawn into images.

use crate::boundary::{detached, holds, interruptible, raise};
use getframes_core::{Error, Real, profile};
use getframes_sim::deposit::galaxy::{self, Blur, Shapes};
use getframes_sim::deposit::{Precision, Psf, Stars};
use numpy::{Element, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

/// Stars below which nobody will want to interrupt.
const SMALL: usize = 1000;

/// A PSF on a pixel grid.
#[pyclass(frozen, module = "getframes._native.deposit")]
pub struct Profile(Psf);

/// An image in either precision.
pub enum Image<'py> {
    /// float32.
    Single(PyReadwriteArray2<'py, f32>),
    /// float64.
    Double(PyReadwriteArray2<'py, f64>),
}

impl<'a, 'py> FromPyObject<'a, 'py> for Image<'py> {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if holds::<f32>(&value) { value.extract().map(Self::Single) } else { value.extract().map(Self::Double) }
    }
}

#[pymethods]
impl Profile {
    #[staticmethod]
    fn gaussian(py: Python<'_>, sigma_px: f64) -> PyResult<Self> {
        detached(py, || Psf::gaussian(sigma_px)).map(Self)
    }

    #[staticmethod]
    fn elliptical(py: Python<'_>, sigma_major_px: f64, sigma_minor_px: f64, angle_deg: f64) -> PyResult<Self> {
        detached(py, || Psf::elliptical(sigma_major_px, sigma_minor_px, angle_deg)).map(Self)
    }

    #[staticmethod]
    fn moffat(py: Python<'_>, fwhm_px: f64, beta: f64) -> PyResult<Self> {
        detached(py, || Psf::moffat(fwhm_px, beta)).map(Self)
    }

    #[staticmethod]
    fn airy(py: Python<'_>, resolution_px: f64, obstruction: f64) -> PyResult<Self> {
        detached(py, || Psf::airy(resolution_px, obstruction)).map(Self)
    }

    #[staticmethod]
    fn array(py: Python<'_>, kernel: PyReadonlyArray2<'_, f64>) -> PyResult<Self> {
        let shape = (kernel.shape()[0], kernel.shape()[1]);
        let kernel = kernel.as_slice()?;
        detached(py, || Psf::array(kernel, shape)).map(Self)
    }

    #[getter]
    fn reach_px(&self) -> (usize, usize) {
        self.0.reach()
    }

    #[getter]
    fn lost_flux(&self) -> f64 {
        self.0.lost()
    }

    #[pyo3(signature = (image, x, y, flux, band_rows = None))]
    fn deposit(
        &self,
        py: Python<'_>,
        image: Image<'_>,
        x: PyReadonlyArray1<'_, f64>,
        y: PyReadonlyArray1<'_, f64>,
        flux: PyReadonlyArray1<'_, f64>,
        band_rows: Option<usize>,
    ) -> PyResult<()> {
        let stars = Stars { x: x.as_slice()?, y: y.as_slice()?, flux: flux.as_slice()? };
        match image {
            Image::Single(image) => self.draw(py, image, stars, band_rows),
            Image::Double(image) => self.draw(py, image, stars, band_rows),
        }
    }
}

impl Profile {
    fn draw<T: Precision + Element>(
        &self,
        py: Python<'_>,
        mut image: PyReadwriteArray2<'_, T>,
        stars: Stars<'_>,
        band_rows: Option<usize>,
    ) -> PyResult<()> {
        let shape = (image.shape()[0], image.shape()[1]);
        let pixels = image.as_slice_mut()?;
        let small = stars.x.len() < SMALL;
        interruptible(py, small, |cancel| self.0.deposit(stars, pixels, shape, band_rows, cancel))
    }
}

/// Columns of parameters: one value for all sources, or one a source.
type Columns = Vec<Vec<f64>>;

/// A PSF as a mixture of Gaussians on a pixel grid.
#[pyclass(frozen, module = "getframes._native.deposit")]
pub struct Mixture(Law);

/// The law of a PSF, and its parameters.
enum Law {
    /// Standard deviations along and across an axis, and its angle.
    Gaussian(Columns),
    /// Full width at half maximum, and beta.
    Moffat(Columns),
}

fn columns<const N: usize>(arrays: [PyReadonlyArray1<'_, f64>; N]) -> PyResult<Columns> {
    arrays.iter().map(|array| Ok(array.as_slice()?.to_vec())).collect()
}

#[pymethods]
impl Mixture {
    #[staticmethod]
    fn gaussian(
        sigma_major_px: PyReadonlyArray1<'_, f64>,
        sigma_minor_px: PyReadonlyArray1<'_, f64>,
        angle_deg: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<Self> {
        columns([sigma_major_px, sigma_minor_px, angle_deg]).map(Law::Gaussian).map(Self)
    }

    #[staticmethod]
    fn moffat(fwhm_px: PyReadonlyArray1<'_, f64>, beta: PyReadonlyArray1<'_, f64>) -> PyResult<Self> {
        columns([fwhm_px, beta]).map(Law::Moffat).map(Self)
    }

    #[pyo3(signature = (image, x, y, flux, r_eff_px, index, axis_ratio, angle_deg, *, variance_px2 = 0.0))]
    fn deposit(
        &self,
        py: Python<'_>,
        image: Image<'_>,
        x: PyReadonlyArray1<'_, f64>,
        y: PyReadonlyArray1<'_, f64>,
        flux: PyReadonlyArray1<'_, f64>,
        r_eff_px: PyReadonlyArray1<'_, f64>,
        index: PyReadonlyArray1<'_, f64>,
        axis_ratio: PyReadonlyArray1<'_, f64>,
        angle_deg: PyReadonlyArray1<'_, f64>,
        variance_px2: f64,
    ) -> PyResult<()> {
        let stars = Stars { x: x.as_slice()?, y: y.as_slice()?, flux: flux.as_slice()? };
        let shapes = Shapes {
            r_eff: r_eff_px.as_slice()?,
            index: index.as_slice()?,
            axis_ratio: axis_ratio.as_slice()?,
            angle: angle_deg.as_slice()?,
        };
        match image {
            Image::Single(image) => self.draw(py, image, stars, shapes, variance_px2),
            Image::Double(image) => self.draw(py, image, stars, shapes, variance_px2),
        }
    }
}

impl Mixture {
    fn draw<T: Real + Element>(
        &self,
        py: Python<'_>,
        mut image: PyReadwriteArray2<'_, T>,
        stars: Stars<'_>,
        shapes: Shapes<'_>,
        variance: f64,
    ) -> PyResult<()> {
        let shape = (image.shape()[0], image.shape()[1]);
        let pixels = image.as_slice_mut()?;
        let blur = match &self.0 {
            Law::Gaussian(columns) => Blur::Gaussian { along: &columns[0], across: &columns[1], angle: &columns[2] },
            Law::Moffat(columns) => Blur::Moffat { fwhm: &columns[0], beta: &columns[1] },
        };
        let small = stars.x.len() < SMALL;
        interruptible(py, small, |cancel| galaxy::deposit(stars, shapes, blur, variance, pixels, shape, cancel))
    }
}

/// Widths [r_eff] and shares of the Gaussians that make a Sersic profile.
#[pyfunction]
pub fn sersic(index: f64) -> PyResult<Vec<(f64, f64)>> {
    let range = profile::SMALLEST_INDEX..=profile::LARGEST_INDEX;
    Error::domain(range.contains(&index), "index", "in [0.5, 8]", index).map_err(raise)?;
    Ok(profile::sersic(index).to_vec())
}

/// Variances [pixel²] and shares of the Gaussians that make a Moffat profile.
#[pyfunction]
pub fn moffat(fwhm_px: f64, beta: f64) -> PyResult<Vec<(f64, f64)>> {
    Error::domain(fwhm_px > 0.0 && fwhm_px.is_finite(), "fwhm_px", "> 0 and finite", fwhm_px).map_err(raise)?;
    Error::domain(beta > 1.0 && beta.is_finite(), "beta", "> 1 and finite", beta).map_err(raise)?;
    Ok(profile::moffat(fwhm_px, beta).into_iter().map(|component| (component.xx, component.weight)).collect())
}

/// Fills the module.
pub fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(sersic, module)?)?;
    module.add_function(wrap_pyfunction!(moffat, module)?)?;
    module.add_class::<Mixture>()?;
    module.add_class::<Profile>()
}
