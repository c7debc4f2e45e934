//! Counts to calibrated counts, charge and light.

use crate::boundary::{Held, in_precision, interruptible, raise};
use getframes_core::map::Map;
use getframes_core::{Error, Real};
use getframes_reduce::calibration::{self, Calibration, Count, Flagging, Inverse, Noise, Planes, Raw, SMALL, Series};
use numpy::{
    Element, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2, PyUntypedArrayMethods,
};
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

/// The DATASUM of an image, from its 32-bit words.
#[pyfunction]
pub fn datasum(words: PyReadonlyArray1<'_, u32>) -> PyResult<u32> {
    Ok(calibration::datasum(words.as_slice()?))
}

/// What is done to a frame; fields as in the kernel, `corner` the pixel (y, x) of the counts that is the first.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Steps<'py> {
    corner: (usize, usize),
    levels: Option<PyReadonlyArray1<'py, f64>>,
    zero: Bound<'py, PyAny>,
    scale: f64,
    inverse: Option<Kept>,
    dark: Bound<'py, PyAny>,
    dark_scale: f64,
    flat: Bound<'py, PyAny>,
    factor: f64,
}

/// Where the variance comes from, and the plane of standard deviations; fields as in the kernel.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Errors<'py> {
    read: Bound<'py, PyAny>,
    shot: f64,
    signal: Option<Bound<'py, PyAny>>,
    zero: Bound<'py, PyAny>,
    zero_weight: f64,
    dark: Bound<'py, PyAny>,
    flat: Bound<'py, PyAny>,
    out: Bound<'py, PyAny>,
}

/// What is flagged, and the plane of flags; fields as in the kernel.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Flags<'py> {
    saturation: f64,
    bits: [u16; 3],
    planes: Vec<PyReadonlyArray2<'py, u16>>,
    out: Bound<'py, PyAny>,
}

/// Calibrates counts into `out`, and into the planes of errors and flags.
#[pyfunction]
#[pyo3(signature = (counts, out, *, steps, noise, flags, precision))]
pub fn calibrate<'py>(
    py: Python<'py>,
    counts: &Bound<'py, PyAny>,
    out: &Bound<'py, PyAny>,
    steps: Steps<'py>,
    noise: Option<Errors<'py>>,
    flags: Option<Flags<'py>>,
    precision: &str,
) -> PyResult<()> {
    in_precision!(precision, calibrate_in(py, counts, out, steps, noise, flags))
}

fn calibrate_in<'py, T: Real + Element>(
    py: Python<'py>,
    counts: &Bound<'py, PyAny>,
    out: &Bound<'py, PyAny>,
    steps: Steps<'py>,
    noise: Option<Errors<'py>>,
    flags: Option<Flags<'py>>,
) -> PyResult<()>
where
    u16: Count<T>,
    i16: Count<T>,
    u32: Count<T>,
    i32: Count<T>,
    f32: Count<T>,
    f64: Count<T>,
{
    let mut data: PyReadwriteArray2<'py, T> = image(out, "out")?;
    let shape = [data.shape()[0], data.shape()[1]];
    let pixels = shape[0] * shape[1];
    let mut sigma = noise.as_ref().map(|noise| plane::<T>(&noise.out, "uncertainty", shape)).transpose()?;
    let mut marks = flags.as_ref().map(|flags| plane::<u16>(&flags.out, "flags", shape)).transpose()?;
    let inverse = steps.inverse.map(taken);
    let [zero, dark, flat] = held([(&steps.zero, "bias"), (&steps.dark, "dark"), (&steps.flat, "flat")])?;
    let errors = noise.as_ref().map(Errors::held).transpose()?;
    let signal = noise.as_ref().and_then(|noise| noise.signal.as_ref());
    let signal = signal.map(|signal| Held::of(signal, "signal")).transpose()?;
    let signal = signal.as_ref().map(|signal| signal.map("signal", pixels)).transpose()?;
    let planes: Vec<&[u16]> = flags.as_ref().map_or(Ok(Vec::new()), |flags| flags.slices(shape))?;
    let made = Calibration {
        zero: zero.map("bias", pixels)?,
        scale: steps.scale,
        inverse: inverse.as_ref(),
        dark: dark.map("dark", pixels)?,
        dark_scale: steps.dark_scale,
        flat: flat.map("flat", pixels)?,
        factor: steps.factor,
        noise: noise.as_ref().zip(errors.as_ref()).map(|(noise, held)| noise.made(held, signal, pixels)).transpose()?,
        flagging: flags.as_ref().map(|flags| Flagging {
            saturation: flags.saturation,
            bits: flags.bits,
            planes: &planes,
        }),
    };
    let levels = steps.levels.as_ref().map(|levels| levels.as_slice()).transpose()?;
    if let Some(levels) = levels {
        Error::same_shape("levels", &[levels.len()], &shape[..1]).map_err(raise)?;
    }
    let written = Planes {
        data: slice_mut(&mut data)?,
        sigma: sigma.as_mut().map_or(Ok(Default::default()), slice_mut)?,
        flags: marks.as_mut().map_or(Ok(Default::default()), slice_mut)?,
    };
    macro_rules! of {
        ($($kind:ty),*) => {$(
            if let Ok(counts) = counts.cast::<PyArray2<$kind>>() {
                let counts = counts.readonly();
                let given = counts.as_slice().map_err(|_| not_an_array("counts"))?;
                let start = corner(steps.corner, shape, counts.shape())?;
                let raw = Raw { counts: &given[start..], width: shape[1], stride: counts.shape()[1], levels };
                return interruptible(py, pixels < SMALL, |cancel| made.run(raw, written, cancel));
            }
        )*};
    }
    of!(u32, u16, i16, i32, f32, f64);
    Err(not_an_array("counts"))
}

impl<'py> Errors<'py> {
    fn held(&self) -> PyResult<[Held<'py>; 4]> {
        held([
            (&self.read, "read noise"),
            (&self.zero, "uncertainty of the bias"),
            (&self.dark, "uncertainty of the dark"),
            (&self.flat, "uncertainty of the flat"),
        ])
    }

    fn made<'a>(
        &self,
        [read, zero, dark, flat]: &'a [Held<'py>; 4],
        signal: Option<Map<'a>>,
        pixels: usize,
    ) -> PyResult<Noise<'a>> {
        Ok(Noise {
            read: read.map("read noise", pixels)?,
            shot: self.shot,
            signal,
            zero: zero.map("uncertainty of the bias", pixels)?,
            zero_weight: self.zero_weight,
            dark: dark.map("uncertainty of the dark", pixels)?,
            flat: flat.map("uncertainty of the flat", pixels)?,
        })
    }
}

impl Flags<'_> {
    fn slices(&self, shape: [usize; 2]) -> PyResult<Vec<&[u16]>> {
        let slice = |plane| {
            let plane: &PyReadonlyArray2<'_, u16> = plane;
            Error::same_shape("flags", plane.shape(), &shape).map_err(raise)?;
            plane.as_slice().map_err(|_| not_an_array("flags"))
        };
        self.planes.iter().map(slice).collect()
    }
}

fn held<'py, const N: usize>(values: [(&Bound<'py, PyAny>, &str); N]) -> PyResult<[Held<'py>; N]> {
    let held: Vec<_> = values.into_iter().map(|(value, name)| Held::of(value, name)).collect::<PyResult<_>>()?;
    Ok(held.try_into().ok().expect("as many as were given"))
}

/// Where the window of a shape begins in the counts.
fn corner((y, x): (usize, usize), [height, width]: [usize; 2], counts: &[usize]) -> PyResult<usize> {
    let [rows, columns] = [counts[0], counts[1]];
    if y + height > rows || x + width > columns {
        Error::same_shape("counts", counts, &[y + height, x + width]).map_err(raise)?;
    }
    Ok(y * columns + x)
}

fn image<'py, T: Element>(value: &Bound<'py, PyAny>, name: &str) -> PyResult<PyReadwriteArray2<'py, T>> {
    value.extract().map_err(|_| not_an_array(name))
}

fn plane<'py, T: Element>(
    value: &Bound<'py, PyAny>,
    name: &'static str,
    shape: [usize; 2],
) -> PyResult<PyReadwriteArray2<'py, T>> {
    let plane = image(value, name)?;
    Error::same_shape(name, plane.shape(), &shape).map_err(raise)?;
    Ok(plane)
}

fn slice_mut<'a, T: Element>(plane: &'a mut PyReadwriteArray2<'_, T>) -> PyResult<&'a mut [T]> {
    plane.as_slice_mut().map_err(|_| not_an_array("out"))
}

fn not_an_array(name: &str) -> PyErr {
    PyTypeError::new_err(format!(
        "{name} must be a C-contiguous image of uint16, int16, uint32, int32, float32 or float64"
    ))
}
