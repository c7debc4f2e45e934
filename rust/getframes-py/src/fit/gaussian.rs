//! One Gaussian on pixels.

use super::likelihood::component_of;
use super::{Row, Table};
use crate::boundary::raise;
use getframes_core::Error;
use getframes_fit::gaussian::{self as kernel, PIXELS, SIDE, Tile};
use numpy::{IntoPyArray, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

/// Means over the pixels of a tile (8, 8) of a Gaussian (weight, x, y, xx, xy, yy), and the slopes of their sum times `numbers` (8, 8).
#[pyfunction]
pub fn gaussian<'py>(
    py: Python<'py>,
    component: PyReadonlyArray1<'py, f64>,
    tile: (i32, i32),
    numbers: PyReadonlyArray2<'py, f64>,
) -> PyResult<(Table<'py>, Row<'py>)> {
    Error::same_shape("component", component.shape(), &[6]).map_err(raise)?;
    Error::same_shape("numbers", numbers.shape(), &[SIDE, SIDE]).map_err(raise)?;
    let mut pixels = [0.0; PIXELS];
    pixels.copy_from_slice(numbers.as_slice()?);
    let tile = Tile { x: f64::from(tile.0), y: f64::from(tile.1) };
    let (image, slopes) = kernel::on_tile(&component_of(component.as_slice()?), tile, &pixels).map_err(raise)?;
    Ok((image.to_vec().into_pyarray(py).reshape([SIDE, SIDE])?, slopes.to_vec().into_pyarray(py)))
}
