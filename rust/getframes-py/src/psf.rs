//! The room that matches PSFs.

use crate::boundary::{interruptible, raise};
use getframes_core::Real;
use getframes_psf::convolve::{self as kernel, Edge, FftNum, SMALL, Surface, Term};
use getframes_psf::{field, node};
use numpy::{
    Element, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3, PyReadonlyArrayDyn, PyReadwriteArray2,
    PyReadwriteArray3, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The kernels of several places, from autocorrelations (n, 2 side - 1, 2 side - 1), correlations (n, side, side) and ridges.
#[pyfunction]
pub fn node_kernels(
    py: Python<'_>,
    lags: PyReadonlyArray3<'_, f64>,
    rights: PyReadonlyArray3<'_, f64>,
    ridges: PyReadonlyArray1<'_, f64>,
    mut out: PyReadwriteArray3<'_, f64>,
) -> PyResult<()> {
    let side = out.shape()[2];
    let (lags, rights, ridges, out) = (lags.as_slice()?, rights.as_slice()?, ridges.as_slice()?, out.as_slice_mut()?);
    interruptible(py, ridges.len() == 1, |cancel| node::kernels(lags, rights, ridges, side, out, cancel))
}

/// Scores (n, rank) and components (rank, pixels) of rows (n, pixels).
#[pyfunction]
pub fn components(
    py: Python<'_>,
    rows: PyReadonlyArray2<'_, f64>,
    mut scores: PyReadwriteArray2<'_, f64>,
    mut parts: PyReadwriteArray2<'_, f64>,
) -> PyResult<()> {
    let pixels = rows.shape()[1];
    let (rows, scores, parts) = (rows.as_slice()?, scores.as_slice_mut()?, parts.as_slice_mut()?);
    py.detach(|| field::components(rows, pixels, scores, parts)).map_err(raise)
}

/// An image in either precision, and where the result goes.
#[derive(FromPyObject)]
pub enum Images<'py> {
    Single(PyReadonlyArrayDyn<'py, f32>, PyReadwriteArray2<'py, f32>),
    Double(PyReadonlyArrayDyn<'py, f64>, PyReadwriteArray2<'py, f64>),
}

/// Convolves an image with kernels (n, side, side), each times its surface.
#[pyfunction]
#[pyo3(signature = (images, kernels, surfaces, *, edge))]
pub fn convolve(
    py: Python<'_>,
    images: Images<'_>,
    kernels: PyReadonlyArray3<'_, f64>,
    surfaces: Vec<Option<PyReadonlyArray2<'_, f64>>>,
    edge: &str,
) -> PyResult<()> {
    let edge = match edge {
        "zero" => Edge::Zero,
        "reflect" => Edge::Reflect,
        other => return Err(PyValueError::new_err(format!("edge must be zero or reflect, got {other}"))),
    };
    let pixels = kernels.shape()[1] * kernels.shape()[2];
    let terms = kernels
        .as_slice()?
        .chunks(pixels.max(1))
        .zip(surfaces)
        .map(|(kernel, surface)| {
            let surface = surface.map(|surface| {
                let coefficients = surface.as_slice()?.to_vec();
                PyResult::Ok(Surface { coefficients, columns: surface.shape()[1] })
            });
            Ok(Term { kernel: kernel.to_vec(), surface: surface.transpose()? })
        })
        .collect::<PyResult<Vec<_>>>()?;
    match images {
        Images::Single(image, out) => run(py, &image, out, &terms, edge),
        Images::Double(image, out) => run(py, &image, out, &terms, edge),
    }
}

fn run<T: Real + FftNum + Element>(
    py: Python<'_>,
    image: &PyReadonlyArrayDyn<'_, T>,
    mut out: PyReadwriteArray2<'_, T>,
    terms: &[Term],
    edge: Edge,
) -> PyResult<()> {
    let shape = [out.shape()[0], out.shape()[1]];
    let (image, out) = (image.as_slice()?, out.as_slice_mut()?);
    interruptible(py, out.len() < SMALL, |cancel| kernel::convolve(image, shape, terms, edge, out, cancel))
}
