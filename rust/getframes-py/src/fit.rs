//! The fitting room: one file per kernel.

use numpy::{PyArray1, PyArray2};
use pyo3::Bound;

pub mod gaussian;
pub mod likelihood;
pub mod mixture;
pub mod posterior;
pub mod transform;

type Row<'py> = Bound<'py, PyArray1<f64>>;
type Table<'py> = Bound<'py, PyArray2<f64>>;
