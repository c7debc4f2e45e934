//! Cosmic rays.

use crate::boundary::{in_precision, interruptible, raise};
use getframes_core::{Error, Real};
use getframes_reduce::lacosmic::{Background, Lacosmic, Noise};
use numpy::{Element, PyReadonlyArray2, PyReadwriteArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// sigma_clip, sigma_frac, object_limit, saturation, iterations, mean.
type Settings = (f64, f64, f64, f64, usize, bool);

/// Finds cosmic rays in an image and replaces them, into `out` and `states`; gives the number of rounds.
#[pyfunction]
#[pyo3(signature = (image, out, states, *, settings, gain, read_noise_e, background, variance, precision))]
pub fn lacosmic<'py>(
    py: Python<'py>,
    image: &Bound<'py, PyAny>,
    out: &Bound<'py, PyAny>,
    states: PyReadwriteArray2<'py, u8>,
    settings: Settings,
    gain: f64,
    read_noise_e: f64,
    background: &Bound<'py, PyAny>,
    variance: Option<&Bound<'py, PyAny>>,
    precision: &str,
) -> PyResult<usize> {
    let noise = (gain, read_noise_e, background, variance);
    in_precision!(precision, cleaned(py, [image, out], states, settings, noise))
}

fn cleaned<'py, T: Real + Element>(
    py: Python<'py>,
    [image, out]: [&Bound<'py, PyAny>; 2],
    mut states: PyReadwriteArray2<'py, u8>,
    (sigma_clip, sigma_frac, object_limit, saturation, iterations, mean): Settings,
    (gain, read_noise_e, background, variance): (f64, f64, &Bound<'py, PyAny>, Option<&Bound<'py, PyAny>>),
) -> PyResult<usize> {
    let image: Plane<'py, T> = Plane::of(image, "image")?;
    let (level, variance) = (background.extract().ok(), variance.map(|plane| Plane::of(plane, "variance")));
    let (background, variance) =
        (if level.is_none() { Some(Plane::of(background, "background")?) } else { None }, variance.transpose()?);
    let shape = image.shape();
    for plane in [&background, &variance].into_iter().flatten() {
        Error::same_shape("planes of the noise", &plane.shape(), &shape).map_err(raise)?;
    }
    Error::same_shape("states", states.shape(), &shape).map_err(raise)?;
    let mut out: PyReadwriteArray2<'py, T> = out.extract().map_err(|_| not_a_plane("out"))?;
    Error::same_shape("out", out.shape(), &shape).map_err(raise)?;
    let noise = match (&variance, &background, level) {
        (Some(variance), ..) => Noise::Image(variance.pixels()?),
        (None, Some(image), _) => Noise::Model { gain, read_noise_e, background: Background::Image(image.pixels()?) },
        (None, None, level) => {
            Noise::Model { gain, read_noise_e, background: Background::Level(level.unwrap_or_default()) }
        }
    };
    let law = Lacosmic { sigma_clip, sigma_frac, object_limit, noise, saturation, iterations, mean };
    let (image, out) = (image.pixels()?, out.as_slice_mut().map_err(|_| not_a_plane("out"))?);
    let states = states.as_slice_mut().map_err(|_| not_a_plane("states"))?;
    interruptible(py, false, |cancel| law.run(image, out, states, shape, cancel))
}

/// An image of the precision of the work, borrowed.
struct Plane<'py, T: Element>(PyReadonlyArray2<'py, T>, &'static str);

impl<'py, T: Element> Plane<'py, T> {
    fn of(value: &Bound<'py, PyAny>, name: &'static str) -> PyResult<Self> {
        value.extract().map(|plane| Self(plane, name)).map_err(|_| not_a_plane(name))
    }

    fn shape(&self) -> [usize; 2] {
        [self.0.shape()[0], self.0.shape()[1]]
    }

    fn pixels(&self) -> PyResult<&[T]> {
        self.0.as_slice().map_err(|_| not_a_plane(self.1))
    }
}

fn not_a_plane(name: &str) -> PyErr {
    PyTypeError::new_err(format!("{name} must be a C-contiguous image of the precision of the work"))
}
