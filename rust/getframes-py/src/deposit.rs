//! `getframes._native.deposit`: stars drawn into images.

use crate::boundary::{detached, interruptible};
use getframes_sim::deposit::{Precision, Psf, Stars};
use numpy::{Element, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

/// Stars below which nobody will want to interrupt.
const SMALL: usize = 1000;

/// A PSF on a pixel grid.
#[pyclass(frozen, module = "getframes._native.deposit")]
pub struct Profile(Psf);

/// An image in either precision.
#[derive(FromPyObject)]
pub enum Image<'py> {
    /// float32.
    Single(PyReadwriteArray2<'py, f32>),
    /// float64.
    Double(PyReadwriteArray2<'py, f64>),
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

/// Fills the module.
pub fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Profile>()
}
