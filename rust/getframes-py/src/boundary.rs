//! Where Rust meets Python: errors become exceptions, precisions are chosen, the GIL is released.

use getframes_core::Error;
use getframes_core::map::Map;
use getframes_core::pool::{self, Cancel};
use numpy::{Element, PyArrayDescrMethods, PyReadonlyArrayDyn, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

mod exceptions {
    pyo3::import_exception!(getframes.errors, DomainError);
    pyo3::import_exception!(getframes.errors, ShapeError);
    pyo3::import_exception!(getframes.errors, SingularError);
}

/// The exception of an error.
pub fn raise(error: Error) -> PyErr {
    let text = error.to_string();
    match error {
        Error::Shape { .. } => exceptions::ShapeError::new_err(text),
        Error::Domain { .. } => exceptions::DomainError::new_err(text),
        Error::Singular { .. } => exceptions::SingularError::new_err(text),
        Error::Threads { .. } => PyRuntimeError::new_err(text),
        Error::Interrupted => PyKeyboardInterrupt::new_err(()),
    }
}

/// Runs `work` in getframes' pool without the GIL and raises its error as the matching exception.
pub fn detached<T, F>(py: Python<'_>, work: F) -> PyResult<T>
where
    T: Send,
    F: FnOnce() -> Result<T, Error> + Send,
{
    py.detach(|| pool::install(work)).map_err(raise)
}

/// Like [`detached`] for long work, which Ctrl-C stops. Short work (`small`) stays on the calling thread.
pub fn interruptible<T, F>(py: Python<'_>, small: bool, work: F) -> PyResult<T>
where
    T: Send,
    F: FnOnce(&Cancel) -> Result<T, Error> + Send,
{
    if small {
        return py.detach(|| work(&Cancel::default())).map_err(raise);
    }
    reporting(py, |_| Ok(()), work)
}

/// Like [`interruptible`]; meanwhile `report` is called about ten times a second, and its error stops the work too.
pub fn reporting<T, F>(py: Python<'_>, report: impl Fn(Python<'_>) -> PyResult<()> + Sync, work: F) -> PyResult<T>
where
    T: Send,
    F: FnOnce(&Cancel) -> Result<T, Error> + Send,
{
    let cancel = Cancel::default();
    let mut signal = None;
    let outcome = py.detach(|| {
        let signal = std::cell::RefCell::new(&mut signal);
        let heard = |py: Python<'_>| py.check_signals().and_then(|()| report(py));
        let interrupted = || Python::attach(heard).map_err(|error| **signal.borrow_mut() = Some(error)).is_err();
        pool::install_watched(&cancel, interrupted, || work(&cancel))
    });
    match signal {
        Some(error) => Err(error),
        None => outcome.map_err(raise),
    }
}

/// Calls a generic function with the precision that a name stands for.
macro_rules! in_precision {
    ($precision:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match $precision {
            "float32" => $function::<f32>($($argument),*),
            "float64" => $function::<f64>($($argument),*),
            other => Err(pyo3::exceptions::PyValueError::new_err(format!(
                "precision must be float32 or float64, got {other}"
            ))),
        }
    };
}
pub(crate) use in_precision;

/// Whether a value is an array of this type.
///
/// To extract it and fail instead would cost an error, and an error that is passed on names the type in words that Python code makes: a Ctrl-C
/// in that code has nobody to be raised to, and is lost.
pub fn holds<T: Element>(value: &Bound<'_, PyAny>) -> bool {
    value.cast::<PyUntypedArray>().is_ok_and(|array| array.dtype().is_equiv_to(&T::get_dtype(value.py())))
}

/// A number or a contiguous image of either precision, borrowed for the length of a call.
pub enum Held<'py> {
    Number(f64),
    Single(PyReadonlyArrayDyn<'py, f32>),
    Double(PyReadonlyArrayDyn<'py, f64>),
}

impl<'py> Held<'py> {
    /// Takes the parameter `name` of a stage.
    pub fn take(parameters: &Bound<'py, PyDict>, name: &str) -> PyResult<Self> {
        let missing = || PyTypeError::new_err(format!("the stage needs the parameter {name}"));
        Self::of(&parameters.get_item(name)?.ok_or_else(missing)?, name)
    }

    /// Takes a value.
    pub fn of(value: &Bound<'py, PyAny>, name: &str) -> PyResult<Self> {
        if value.cast::<PyUntypedArray>().is_ok_and(|array| array.ndim() > 0) {
            if holds::<f32>(value) {
                return value.extract().map(Self::Single);
            }
            return value.extract().map(Self::Double).map_err(|_| {
                PyTypeError::new_err(format!("{name} must be a number, or an array of float32 or float64"))
            });
        }
        value.extract().map(Self::Number)
    }

    /// The map, which must have `pixels` values if it is an image.
    pub fn map(&self, name: &'static str, pixels: usize) -> PyResult<Map<'_>> {
        // A slice of a transposed array would be one in another order.
        let ordered = match self {
            Self::Number(_) => true,
            Self::Single(map) => map.is_c_contiguous(),
            Self::Double(map) => map.is_c_contiguous(),
        };
        let contiguous = || PyTypeError::new_err(format!("{name} must be C-contiguous"));
        if !ordered {
            return Err(contiguous());
        }
        let map = match self {
            Self::Number(value) => Map::Uniform(*value),
            Self::Single(map) => Map::Single(map.as_slice().map_err(|_| contiguous())?),
            Self::Double(map) => Map::Double(map.as_slice().map_err(|_| contiguous())?),
        };
        match map.pixels() {
            Some(got) if got != pixels => Err(raise(Error::Shape { name, expected: vec![pixels], got: vec![got] })),
            _ => Ok(map),
        }
    }
}
