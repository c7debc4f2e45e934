//! Counts to charge and light.

use crate::boundary::{Held, in_precision, interruptible, raise};
use getframes_core::{Error, Real};
use getframes_reduce::calibration::{Calibration, Count, Inverse, SMALL, Series};
use numpy::{Element, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyReadwriteArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// A series as Python keeps it: terms, Newton steps.
type Terms = (Vec<f64>, usize);
/// An inverse as Python keeps it: coefficients, full well, end of the branch, series for single and for double precision.
type Kept = (Vec<f64>, f64, f64, Terms, Terms);

/// The inverse of a response curve, ready for `calibrate`; None for a straight line.
#[pyfunction]
pub fn inverse_response(coefficients: Vec<f64>, full_well_e: f64) -> PyResult<Option<Kept>> {
    let kept = |series: Series| (series.terms, series.steps);
    let made = Inverse::of(&coefficients, full_well_e).map_err(raise)?;
    Ok(made.map(|made| (made.coefficients, made.full_well_e, made.end, kept(made.single), kept(made.double))))
}

fn taken((coefficients, full_well_e, end, single, double): Kept) -> Inverse {
    let [single, double] = [single, double].map(|(terms, steps)| Series { terms, steps });
    Inverse { coefficients, full_well_e, end, single, double }
}

/// Counts to charge or light, into `out`.
#[pyfunction]
#[pyo3(signature = (counts, out, *, zero_adu, scale, inverse, dark, weight, factor, precision))]
pub fn calibrate<'py>(
    py: Python<'py>,
    counts: &Bound<'py, PyAny>,
    out: &Bound<'py, PyAny>,
    zero_adu: f64,
    scale: f64,
    inverse: Option<Kept>,
    dark: &Bound<'py, PyAny>,
    weight: &Bound<'py, PyAny>,
    factor: f64,
    precision: &str,
) -> PyResult<()> {
    let inverse = inverse.map(taken);
    let (dark, weight) = (Held::of(dark, "dark")?, Held::of(weight, "weight")?);
    in_precision!(precision, calibrate_in(py, counts, out, (zero_adu, scale, factor), inverse.as_ref(), &dark, &weight))
}

fn calibrate_in<'py, T: Real + Element>(
    py: Python<'py>,
    counts: &Bound<'py, PyAny>,
    out: &Bound<'py, PyAny>,
    (zero_adu, scale, factor): (f64, f64, f64),
    inverse: Option<&Inverse>,
    dark: &Held<'py>,
    weight: &Held<'py>,
) -> PyResult<()>
where
    u16: Count<T>,
    u32: Count<T>,
    i32: Count<T>,
    f32: Count<T>,
    f64: Count<T>,
{
    let mut out: PyReadwriteArray2<'py, T> = out.extract().map_err(|_| not_an_array("out"))?;
    let [height, width] = [out.shape()[0], out.shape()[1]];
    let pixels = height * width;
    let made = Calibration {
        zero_adu,
        scale,
        inverse,
        dark: dark.map("dark", pixels)?,
        weight: weight.map("weight", pixels)?,
        factor,
    };
    let target = out.as_slice_mut().map_err(|_| not_an_array("out"))?;
    macro_rules! of {
        ($($kind:ty),*) => {$(
            if let Ok(counts) = counts.cast::<PyArrayDyn<$kind>>() {
                let counts: PyReadonlyArrayDyn<'py, $kind> = counts.readonly();
                let given = counts.as_slice().map_err(|_| not_an_array("counts"))?;
                Error::same_shape("counts", counts.shape(), &[height, width]).map_err(raise)?;
                return interruptible(py, pixels < SMALL, |cancel| made.run(given, target, width, cancel));
            }
        )*};
    }
    of!(u32, u16, i32, f32, f64);
    Err(not_an_array("counts"))
}

fn not_an_array(name: &str) -> PyErr {
    PyTypeError::new_err(format!("{name} must be a C-contiguous image of uint16, uint32, int32, float32 or float64"))
}
