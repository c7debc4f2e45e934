//! Many images into one.

use crate::boundary::{Held, interruptible, raise};
use getframes_core::Error;
use getframes_core::map::Map;
use getframes_core::pool::Cancel;
use getframes_reduce::combine::{Clip, Out, Rule, SMALL, Spread, Stack, general, ranked};
use numpy::{
    Element, PyArrayDyn, PyArrayMethods, PyReadonlyArray1, PyReadonlyArrayDyn, PyReadwriteArrayDyn,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

type Any<'py> = Bound<'py, PyAny>;

/// Name of the spread, k, MAD factors, least MAD, gain, read noise and pedestal.
type Clipping<'py> = (String, f64, PyReadonlyArray1<'py, f64>, f64, f64, f64, f64);

/// Combines a band of frames into `data`, `sigma`, `used` and `flags`.
#[pyfunction]
#[pyo3(signature = (
    frames, masks, zero, scale, weights, data, sigma, used, flags, *, median, extremes, clip, mean_sigma, trim, median_sigma, rounding
))]
pub fn combine<'py>(
    py: Python<'py>,
    frames: Vec<Any<'py>>,
    masks: Vec<Option<PyReadonlyArrayDyn<'py, bool>>>,
    zero: Vec<Any<'py>>,
    scale: Vec<Any<'py>>,
    weights: Vec<Any<'py>>,
    mut data: PyReadwriteArrayDyn<'py, f64>,
    mut sigma: PyReadwriteArrayDyn<'py, f32>,
    mut used: PyReadwriteArrayDyn<'py, u32>,
    mut flags: PyReadwriteArrayDyn<'py, u16>,
    median: bool,
    extremes: (usize, usize),
    clip: Option<Clipping<'py>>,
    mean_sigma: PyReadonlyArray1<'py, f64>,
    trim: Vec<usize>,
    median_sigma: PyReadonlyArray1<'py, f64>,
    rounding: PyReadonlyArray1<'py, f64>,
) -> PyResult<()> {
    let (count, pixels) = (frames.len(), data.len());
    let masks = masks.iter().map(|mask| mask.as_ref().map(|mask| mask.as_slice()).transpose());
    let masks: Vec<Option<&[bool]>> = masks.collect::<Result<_, _>>()?;
    let held = |maps: &[Any<'py>], name| maps.iter().map(|map| Held::of(map, name)).collect::<PyResult<Vec<_>>>();
    let (zero, scale, weights) = (held(&zero, "zero")?, held(&scale, "scale")?, held(&weights, "weights")?);
    let (zero, scale, weights) =
        (maps(&zero, "zero", pixels)?, maps(&scale, "scale", pixels)?, maps(&weights, "weights", pixels)?);
    for (name, length) in
        [("masks", masks.len()), ("zero", zero.len()), ("scale", scale.len()), ("weights", weights.len())]
    {
        Error::same_shape(name, &[length], &[if length == 0 { 0 } else { count }]).map_err(raise)?;
    }
    for mask in masks.iter().flatten() {
        Error::same_shape("mask", &[mask.len()], &[pixels]).map_err(raise)?;
    }
    let rule = Rule {
        median,
        extremes,
        clip: clip.as_ref().map(clipping).transpose()?,
        mean_sigma: mean_sigma.as_slice()?,
        trim: &trim,
        median_sigma: median_sigma.as_slice()?,
        rounding: rounding.as_slice()?,
    };
    let factors = match &rule.clip {
        Some(Clip { spread: Spread::Mad { factors, .. }, .. }) => factors.len(),
        _ => count + 1,
    };
    for length in [rule.mean_sigma.len(), trim.len(), rule.median_sigma.len(), rule.rounding.len(), factors] {
        Error::same_shape("table", &[length], &[count + 1]).map_err(raise)?;
    }
    for length in [sigma.len(), used.len(), flags.len()] {
        Error::same_shape("out", &[length], &[pixels]).map_err(raise)?;
    }
    let out = Out {
        data: data.as_slice_mut()?,
        sigma: sigma.as_slice_mut()?,
        used: used.as_slice_mut()?,
        flags: flags.as_slice_mut()?,
    };
    let native = median && rule.clip.is_none() && extremes == (0, 0) && weights.is_empty();
    let exact = zero.is_empty() && scale.is_empty();
    let planes = Planes { masks: &masks, zero: &zero, scale: &scale, weights: &weights };
    macro_rules! of {
        ($($kind:ty => $lane:ty),*) => {$(
            if frames.iter().all(|frame| frame.cast::<PyArrayDyn<$kind>>().is_ok()) {
                return match (native && exact, exact) {
                    (true, _) => run::<$kind>(py, &frames, planes, &rule, out, ranked),
                    (_, true) => run::<$kind>(py, &frames, planes, &rule, out, general::<$kind, $lane>),
                    _ => run::<$kind>(py, &frames, planes, &rule, out, general::<$kind, f64>),
                };
            }
        )*};
    }
    of!(u16 => f32, i32 => f64, u32 => f64, f32 => f64, f64 => f64);
    Err(PyTypeError::new_err(
        "frames must be C-contiguous and all of one of uint16, int32, uint32, float32 and float64",
    ))
}

/// What comes with the frames.
#[derive(Clone, Copy)]
struct Planes<'a> {
    masks: &'a [Option<&'a [bool]>],
    zero: &'a [Map<'a>],
    scale: &'a [Map<'a>],
    weights: &'a [Map<'a>],
}

fn run<'py, R: Element + Copy + Send + Sync>(
    py: Python<'py>,
    frames: &[Any<'py>],
    Planes { masks, zero, scale, weights }: Planes<'_>,
    rule: &Rule<'_>,
    out: Out<'_>,
    work: impl FnOnce(&Stack<'_, R>, &Rule<'_>, Out<'_>, &Cancel) -> Result<(), Error> + Send,
) -> PyResult<()> {
    let given = frames.iter().map(|frame| Ok(frame.cast::<PyArrayDyn<R>>()?.readonly()));
    let given = given.collect::<PyResult<Vec<PyReadonlyArrayDyn<'py, R>>>>()?;
    let frames = given.iter().map(|frame| frame.as_slice()).collect::<Result<Vec<&[R]>, _>>()?;
    let pixels = out.data.len();
    for frame in &frames {
        Error::same_shape("frame", &[frame.len()], &[pixels]).map_err(raise)?;
    }
    let stack = Stack { frames: &frames, masks, zero, scale, weights };
    interruptible(py, pixels * frames.len() < SMALL, |cancel| work(&stack, rule, out, cancel))
}

fn maps<'a>(held: &'a [Held<'_>], name: &'static str, pixels: usize) -> PyResult<Vec<Map<'a>>> {
    held.iter().map(|map| map.map(name, pixels)).collect()
}

fn clipping<'a>((name, sigma, factors, least, gain, read_noise, pedestal): &'a Clipping<'_>) -> PyResult<Clip<'a>> {
    let spread = match name.as_str() {
        "mad" => Spread::Mad { factors: factors.as_slice()?, least: *least },
        "std" => Spread::Deviation,
        "noise" => Spread::Noise { gain: *gain, read_noise: *read_noise, pedestal: *pedestal },
        other => return Err(PyValueError::new_err(format!("clip must be mad, std or noise, got {other}"))),
    };
    Ok(Clip { spread, sigma: *sigma })
}
