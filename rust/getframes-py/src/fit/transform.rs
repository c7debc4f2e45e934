//! Parameters as coordinates.

use crate::boundary::raise;
use getframes_core::Error;
use getframes_fit::transform::{Placed, Prior};
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Priors of rows: law, lower, upper, mean, sigma.
pub fn priors_of(rows: &PyReadonlyArray2<'_, f64>) -> PyResult<Vec<Prior>> {
    Error::same_shape("priors", rows.shape(), &[rows.shape()[0], 5]).map_err(raise)?;
    rows.as_slice()?
        .chunks_exact(5)
        .map(|row| {
            let (lower, upper, mean, sigma) = (row[1], row[2], row[3], row[4]);
            let prior = match row[0] {
                0.0 => Prior::Flat,
                1.0 => Prior::Uniform { lower, upper },
                2.0 => Prior::LogUniform { lower, upper },
                3.0 => Prior::Normal { mean, sigma },
                4.0 => Prior::Bounded { mean, sigma, lower, upper },
                law => return Err(PyValueError::new_err(format!("law of a prior must be 0 to 4, got {law}"))),
            };
            prior.checked().map_err(raise)
        })
        .collect()
}

/// The six numbers of each coordinate, shape (6, n).
pub fn placed<'py>(
    py: Python<'py>,
    priors: impl Iterator<Item = Prior>,
    coordinates: &[f64],
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let placed: Vec<Placed> = priors.zip(coordinates).map(|(prior, &u)| prior.place(u)).collect();
    let rows: [fn(&Placed) -> f64; 6] = [
        |at| at.value,
        |at| at.slope,
        |at| at.log_prior,
        |at| at.log_prior_slope,
        |at| at.log_jacobian,
        |at| at.log_jacobian_slope,
    ];
    let numbers: Vec<f64> = rows.iter().flat_map(|row| placed.iter().map(row)).collect();
    numbers.into_pyarray(py).reshape([rows.len(), placed.len()])
}

/// Value, dx/du, ln p(x), its slope, ln dx/du, and its slope, of each coordinate: shape (6, n).
#[pyfunction]
pub fn place<'py>(
    py: Python<'py>,
    priors: PyReadonlyArray2<'py, f64>,
    coordinates: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let priors = priors_of(&priors)?;
    Error::same_shape("coordinates", coordinates.shape(), &[priors.len()]).map_err(raise)?;
    placed(py, priors.into_iter(), coordinates.as_slice()?)
}

/// The coordinates of values; NaN where a value is not between its bounds.
#[pyfunction]
pub fn coordinate<'py>(
    py: Python<'py>,
    priors: PyReadonlyArray2<'py, f64>,
    values: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let priors = priors_of(&priors)?;
    Error::same_shape("values", values.shape(), &[priors.len()]).map_err(raise)?;
    let coordinates: Vec<f64> = priors.iter().zip(values.as_slice()?).map(|(prior, &x)| prior.coordinate(x)).collect();
    Ok(coordinates.into_pyarray(py))
}
