//! The Gaussians of a source.

use super::likelihood::component_of;
use super::{Row, Table};
use crate::boundary::raise;
use getframes_core::Error;
use getframes_fit::gaussian::Component;
use getframes_fit::mixture::{self as kernel, GALAXY, Shape, View};
use numpy::{IntoPyArray, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

/// Gaussians (M, 6) of a source of 2 or 6 numbers, and what Σ changes · Gaussians changes by with these numbers (for each row of `changes`).
#[pyfunction]
#[pyo3(signature = (source, position, jacobian, psf, changes = None))]
pub fn mixture<'py>(
    py: Python<'py>,
    source: PyReadonlyArray1<'py, f64>,
    position: [f64; 2],
    jacobian: [[f64; 2]; 2],
    psf: PyReadonlyArray2<'py, f64>,
    changes: Option<PyReadonlyArray2<'py, f64>>,
) -> PyResult<(Table<'py>, Option<Row<'py>>)> {
    Error::same_shape("psf", psf.shape(), &[psf.shape()[0], GALAXY]).map_err(raise)?;
    let source = source.as_slice()?;
    let shape = Shape::of(source).map_err(raise)?;
    let psf: Vec<Component> = psf.as_slice()?.chunks_exact(6).map(component_of).collect();
    let mixture = kernel::Mixture::new(View { position, jacobian }, &shape, &psf);
    let components: Vec<f64> = mixture.components([source[0], source[1]]).flat_map(row_of).collect();
    let count = components.len() / 6;
    let slopes = changes
        .map(|changes| {
            Error::same_shape("changes", changes.shape(), &[count, 6]).map_err(raise)?;
            let slopes = mixture.pulled_back(changes.as_slice()?.chunks_exact(6).map(component_of));
            PyResult::Ok(slopes[..source.len()].to_vec().into_pyarray(py))
        })
        .transpose()?;
    Ok((components.into_pyarray(py).reshape([count, 6])?, slopes))
}

fn row_of(component: Component) -> [f64; 6] {
    let Component { weight, x, y, xx, xy, yy } = component;
    [weight, x, y, xx, xy, yy]
}
