//! `getframes._native.deposit`: stars and galaxies drawn into images.

use crate::boundary::{detached, holds, interruptible, raise};
use getframes_core::{Error, Real, profile};
use getframes_sim::deposit::blur::{Blur, Convolution, Shapes};
use getframes_sim::deposit::galaxy::{self, Stamps};
use getframes_sim::deposit::{Precision, Psf, Stars, transform};
use numpy::{
    Element, IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2, PyUntypedArrayMethods,
};
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

/// A PSF that galaxies are convolved with, on a pixel grid.
#[pyclass(frozen, module = "getframes._native.deposit")]
pub struct Mixture(Law);

/// The law of a PSF, and its parameters.
enum Law {
    /// Standard deviations along and across an axis, and its angle.
    Gaussian(Columns),
    /// Full width at half maximum, and beta.
    Moffat(Columns),
    /// λ/D, and obstruction.
    Airy(Columns),
    /// How far an image reaches, its centre of light, its second moments, and what hides all else of it.
    Image { reach: f64, centre: [f64; 2], moments: [f64; 3], narrowest: f64 },
}

impl Law {
    fn blur(&self) -> Blur<'_> {
        match self {
            Self::Gaussian(columns) => Blur::Gaussian { along: &columns[0], across: &columns[1], angle: &columns[2] },
            Self::Moffat(columns) => Blur::Moffat { fwhm: &columns[0], beta: &columns[1] },
            Self::Airy(columns) => Blur::Airy { resolution: &columns[0], obstruction: &columns[1] },
            Self::Image { reach, centre, moments, narrowest } => {
                Blur::Image { reach: *reach, centre: *centre, moments: *moments, narrowest: *narrowest }
            }
        }
    }
}

fn columns<const N: usize>(arrays: [PyReadonlyArray1<'_, f64>; N]) -> PyResult<Columns> {
    arrays.iter().map(|array| Ok(array.as_slice()?.to_vec())).collect()
}

/// Columns of sources: x, y, flux, r_eff, index, axis ratio, angle.
type Sources<'py> = [PyReadonlyArray1<'py, f64>; 7];

fn sources<'a>(columns: &'a Sources<'_>) -> PyResult<(Stars<'a>, Shapes<'a>)> {
    let column = |number: usize| columns[number].as_slice();
    let stars = Stars { x: column(0)?, y: column(1)?, flux: column(2)? };
    let shapes = Shapes { r_eff: column(3)?, index: column(4)?, axis_ratio: column(5)?, angle: column(6)? };
    Ok((stars, shapes))
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

    #[staticmethod]
    fn airy(resolution_px: PyReadonlyArray1<'_, f64>, obstruction: PyReadonlyArray1<'_, f64>) -> PyResult<Self> {
        columns([resolution_px, obstruction]).map(Law::Airy).map(Self)
    }

    #[staticmethod]
    fn image(reach_px: f64, centre_px: [f64; 2], moments_px2: [f64; 3], narrowest_px: f64) -> Self {
        Self(Law::Image { reach: reach_px, centre: centre_px, moments: moments_px2, narrowest: narrowest_px })
    }

    #[pyo3(signature = (shape, columns, *, variance_px2 = 0.0))]
    fn sides<'py>(
        &self,
        py: Python<'py>,
        shape: (usize, usize),
        columns: Sources<'py>,
        variance_px2: f64,
    ) -> PyResult<Bound<'py, PyArray1<usize>>> {
        let (stars, shapes) = sources(&columns)?;
        let sides = detached(py, || {
            let sources = Convolution::new(stars.x.len(), shapes, self.0.blur(), variance_px2)?;
            transform::sides(stars, &sources, shape)
        })?;
        Ok(sides.into_pyarray(py))
    }

    #[pyo3(signature = (transfer, columns, *, variance_px2 = 0.0))]
    fn spectra<'py>(
        &self,
        py: Python<'py>,
        transfer: &Transfer,
        columns: Sources<'py>,
        variance_px2: f64,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let (stars, shapes) = sources(&columns)?;
        let spectra = interruptible(py, false, |cancel| {
            let sources = Convolution::new(stars.x.len(), shapes, self.0.blur(), variance_px2)?;
            let mut spectra = vec![[0.0; 2]; stars.x.len() * transfer.0.spectrum_len()];
            transform::spectra(stars, &sources, &transfer.0, &mut spectra, cancel)?;
            Ok(spectra.into_flattened())
        })?;
        Ok(spectra.into_pyarray(py))
    }

    #[pyo3(signature = (image, columns, *, variance_px2 = 0.0, sides = None, stamps = None))]
    fn deposit(
        &self,
        py: Python<'_>,
        image: Image<'_>,
        columns: Sources<'_>,
        variance_px2: f64,
        sides: Option<PyReadonlyArray1<'_, usize>>,
        stamps: Option<PyReadonlyArray1<'_, f32>>,
    ) -> PyResult<()> {
        let stamps = match (&sides, &stamps) {
            (Some(sides), Some(values)) => Some(Stamps { sides: sides.as_slice()?, values: values.as_slice()? }),
            _ => None,
        };
        let (stars, shapes) = sources(&columns)?;
        match image {
            Image::Single(image) => self.draw(py, image, stars, shapes, variance_px2, stamps),
            Image::Double(image) => self.draw(py, image, stars, shapes, variance_px2, stamps),
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
        stamps: Option<Stamps<'_>>,
    ) -> PyResult<()> {
        let shape = (image.shape()[0], image.shape()[1]);
        let pixels = image.as_slice_mut()?;
        interruptible(py, stars.x.len() < SMALL, |cancel| {
            let sources = Convolution::new(stars.x.len(), shapes, self.0.blur(), variance)?;
            galaxy::deposit(stars, &sources, stamps, pixels, shape, cancel)
        })
    }
}

/// The transform of a PSF and a pixel, for stamps of one size.
#[pyclass(frozen, module = "getframes._native.deposit")]
pub struct Transfer(transform::Transfer);

#[pymethods]
impl Transfer {
    #[new]
    fn new(values: PyReadonlyArray2<'_, f32>, side: usize) -> PyResult<Self> {
        let shape = (values.shape()[0], values.shape()[1] / 2);
        let (pairs, _) = values.as_slice()?.as_chunks::<2>();
        transform::Transfer::new(pairs, shape, side).map(Self).map_err(raise)
    }
}

/// Widths or variances of Gaussians, and their shares.
type Gaussians = Vec<(f64, f64)>;

/// Widths [r_eff] and shares of the Gaussians that make a Sersic profile.
#[pyfunction]
pub fn sersic(index: f64) -> PyResult<Gaussians> {
    let range = profile::SMALLEST_INDEX..=profile::LARGEST_INDEX;
    Error::domain(range.contains(&index), "index", "in [0.5, 8]", index).map_err(raise)?;
    Ok(profile::sersic(index).to_vec())
}

/// Variances [pixel²] and shares of the Gaussians that make a Moffat profile.
#[pyfunction]
pub fn moffat(fwhm_px: f64, beta: f64) -> PyResult<Gaussians> {
    Error::domain(fwhm_px > 0.0 && fwhm_px.is_finite(), "fwhm_px", "> 0 and finite", fwhm_px).map_err(raise)?;
    Error::domain(beta > 1.0 && beta.is_finite(), "beta", "> 1 and finite", beta).map_err(raise)?;
    Ok(profile::moffat(fwhm_px, beta).into_iter().map(|component| (component.xx, component.weight)).collect())
}

/// Variances [pixel²] and shares of the Gaussians that stand for an Airy pattern behind a blur; the last are its wings, how many, and
/// the standard deviation [pixel] of the least blur.
#[pyfunction]
pub fn airy(resolution_px: f64, obstruction: f64) -> PyResult<(Gaussians, usize, f64)> {
    let positive = resolution_px > 0.0 && resolution_px.is_finite();
    Error::domain(positive, "resolution_px", "> 0 and finite", resolution_px).map_err(raise)?;
    Error::domain((0.0..1.0).contains(&obstruction), "obstruction", "in [0, 1)", obstruction).map_err(raise)?;
    let mixture = profile::airy(resolution_px, obstruction).into_iter();
    let pairs = mixture.map(|component| (component.xx, component.weight)).collect();
    Ok((pairs, profile::WINGS, profile::narrowest(resolution_px, obstruction)))
}

/// Fills the module.
pub fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(sersic, module)?)?;
    module.add_function(wrap_pyfunction!(moffat, module)?)?;
    module.add_function(wrap_pyfunction!(airy, module)?)?;
    module.add_class::<Mixture>()?;
    module.add_class::<Transfer>()?;
    module.add_class::<Profile>()
}
