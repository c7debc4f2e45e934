//! Threads, SIMD levels, and the words and variates of the random contract, for Python and its tests.

use crate::boundary::{in_precision, raise};
use getframes_core::simd::{self, Kernel};
use getframes_core::stream::{STREAM_VERSION, Stream};
use getframes_core::variate as laws;
use getframes_core::{Error, Real, pool};
use numpy::{Element, IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

type Any<'py> = Bound<'py, PyAny>;

/// Version of the random contract.
#[pyfunction]
pub fn stream_version() -> u32 {
    STREAM_VERSION
}

/// Sets the number of threads; 0 means the default again.
#[pyfunction]
pub fn set_num_threads(n: usize) {
    pool::set_num_threads(n);
}

/// Threads that kernels use.
#[pyfunction]
pub fn num_threads() -> usize {
    pool::num_threads()
}

/// SIMD levels of this machine, lowest first.
#[pyfunction]
pub fn simd_levels() -> Vec<&'static str> {
    simd::available().into_iter().map(simd::Level::name).collect()
}

/// SIMD level in use.
#[pyfunction]
pub fn simd_level() -> &'static str {
    simd::level().name()
}

/// Chooses a SIMD level; None is the best of this machine.
#[pyfunction]
#[pyo3(signature = (name))]
pub fn set_simd_level(name: Option<&str>) -> PyResult<()> {
    if simd::choose(name) {
        return Ok(());
    }
    let levels = simd_levels().join(", ");
    Err(pyo3::exceptions::PyValueError::new_err(format!(
        "the SIMD level must be one of {levels}, got {}",
        name.unwrap_or("")
    )))
}

/// Words `first .. first + count` of an address.
#[pyfunction]
pub fn words(
    py: Python<'_>,
    key: u64,
    kind: u8,
    stage: u8,
    frame: u64,
    draw: u16,
    first: u64,
    count: usize,
) -> PyResult<Bound<'_, PyArray1<u32>>> {
    check_range(first, count)?;
    let mut words = vec![0; count];
    Stream { key, frame, kind, stage, draw }.fill(first, &mut words);
    Ok(words.into_pyarray(py))
}

/// Uniforms of 52 bits, for fixed maps and random scenes.
#[pyfunction]
pub fn wide_uniform(
    py: Python<'_>,
    key: u64,
    kind: u8,
    stage: u8,
    frame: u64,
    first: u64,
    count: usize,
) -> PyResult<Bound<'_, PyArray1<f64>>> {
    check_range(first, count)?;
    let mut out = vec![0.0; count];
    laws::wide_uniforms(Stream { key, frame, kind, stage, draw: 0 }, first, &mut out);
    Ok(out.into_pyarray(py))
}

/// Normal variates of 52 bits.
#[pyfunction]
pub fn wide_normal(
    py: Python<'_>,
    key: u64,
    kind: u8,
    stage: u8,
    frame: u64,
    first: u64,
    count: usize,
) -> PyResult<Bound<'_, PyArray1<f64>>> {
    check_range(first, count)?;
    let mut out = vec![0.0; count];
    laws::wide_normals(Stream { key, frame, kind, stage, draw: 0 }, first, &mut out);
    Ok(out.into_pyarray(py))
}

fn check_range(first: u64, count: usize) -> PyResult<()> {
    let end = first.saturating_add(count as u64);
    Error::domain(end <= 1 << 34, "first + count", "at most 2^34", end as f64).map_err(raise)
}

/// A tile-wise law over words, and over a second array where it has a parameter.
trait Law<T> {
    fn fill(&self, parameter: &[T], words: &[u32], out: &mut [T]);
}

struct Uniform;
struct Normal;
struct Exponential;
struct LogNormal(f64);
struct Poisson;
struct Gamma;

impl<T: Real> Law<T> for Uniform {
    #[inline(always)]
    fn fill(&self, _: &[T], words: &[u32], out: &mut [T]) {
        for (out, &word) in out.iter_mut().zip(words) {
            *out = T::of(laws::uniform(word));
        }
    }
}
impl<T: laws::normal::Quantile> Law<T> for Normal {
    #[inline(always)]
    fn fill(&self, _: &[T], words: &[u32], out: &mut [T]) {
        laws::normal::fill(words, out);
    }
}
impl<T: Real> Law<T> for Exponential {
    #[inline(always)]
    fn fill(&self, _: &[T], words: &[u32], out: &mut [T]) {
        laws::exponential::fill(words, out);
    }
}
impl<T: laws::normal::Quantile> Law<T> for LogNormal {
    #[inline(always)]
    fn fill(&self, _: &[T], words: &[u32], out: &mut [T]) {
        laws::normal::fill(words, out);
        let (sigma, shift) = (T::of(self.0), T::of(-0.5 * self.0 * self.0));
        for z in out.iter_mut() {
            *z = sigma.mul_add(*z, shift).exponential();
        }
    }
}
impl<T: Real> Law<T> for Poisson {
    #[inline(always)]
    fn fill(&self, mean: &[T], words: &[u32], out: &mut [T]) {
        laws::poisson::fill(mean, words, out);
    }
}
impl<T: laws::gamma::Fitted> Law<T> for Gamma {
    #[inline(always)]
    fn fill(&self, shape: &[T], words: &[u32], out: &mut [T]) {
        laws::gamma::fill(shape, words, out);
    }
}

struct Draw<'a, T, L> {
    law: L,
    parameter: &'a [T],
    words: &'a [u32],
    out: &'a mut [T],
}

impl<T, L: Law<T>> Kernel for Draw<'_, T, L> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        self.law.fill(self.parameter, self.words, self.out);
    }
}

fn draw<'py, T: Real + Element, L: Law<T>>(
    py: Python<'py>,
    law: L,
    parameter: &[T],
    words: &[u32],
) -> PyResult<Any<'py>> {
    let mut out = vec![T::ZERO; words.len()];
    simd::dispatch(Draw { law, parameter, words, out: &mut out });
    Ok(out.into_pyarray(py).into_any())
}

macro_rules! without_parameter {
    ($name:ident, $law:expr, $doc:literal) => {
        #[doc = $doc]
        #[pyfunction]
        pub fn $name<'py>(py: Python<'py>, words: PyReadonlyArray1<'py, u32>, precision: &str) -> PyResult<Any<'py>> {
            fn of<'py, T: laws::normal::Quantile + Element>(py: Python<'py>, words: &[u32]) -> PyResult<Any<'py>> {
                draw::<T, _>(py, $law, &[], words)
            }
            in_precision!(precision, of(py, words.as_slice()?))
        }
    };
}
without_parameter!(uniform, Uniform, "(word + 1/2) / 2^32.");
without_parameter!(normal, Normal, "Standard normal quantiles.");
without_parameter!(exponential, Exponential, "Exponential quantiles of mean 1.");

/// Log-normal quantiles of mean 1.
#[pyfunction]
pub fn lognormal<'py>(
    py: Python<'py>,
    sigma: f64,
    words: PyReadonlyArray1<'py, u32>,
    precision: &str,
) -> PyResult<Any<'py>> {
    fn of<'py, T: laws::normal::Quantile + Element>(py: Python<'py>, sigma: f64, words: &[u32]) -> PyResult<Any<'py>> {
        draw::<T, _>(py, LogNormal(sigma), &[], words)
    }
    in_precision!(precision, of(py, sigma, words.as_slice()?))
}

macro_rules! with_parameter {
    ($name:ident, $argument:ident, $law:expr, $bound:path, $parameter:literal, $doc:literal) => {
        #[doc = $doc]
        #[pyfunction]
        pub fn $name<'py>(
            py: Python<'py>,
            $argument: &Any<'py>,
            words: PyReadonlyArray1<'py, u32>,
        ) -> PyResult<Any<'py>> {
            fn of<'py, T: $bound + Element>(py: Python<'py>, parameter: &[T], words: &[u32]) -> PyResult<Any<'py>> {
                let (got, expected) = (vec![parameter.len()], vec![words.len()]);
                if got != expected {
                    return Err(raise(Error::Shape { name: $parameter, expected, got }));
                }
                for &value in parameter {
                    let rule = "finite and >= 0";
                    Error::domain(value.is_finite() && value >= T::ZERO, $parameter, rule, value.wide())
                        .map_err(raise)?;
                }
                draw::<T, _>(py, $law, parameter, words)
            }
            if let Ok(parameter) = $argument.extract::<PyReadonlyArray1<'py, f32>>() {
                return of::<f32>(py, parameter.as_slice()?, words.as_slice()?);
            }
            of::<f64>(py, $argument.extract::<PyReadonlyArray1<'py, f64>>()?.as_slice()?, words.as_slice()?)
        }
    };
}
with_parameter!(poisson, mean, Poisson, Real, "mean", "Poisson quantiles of an array of means, in its precision.");
with_parameter!(
    gamma,
    shape,
    Gamma,
    laws::gamma::Fitted,
    "shape",
    "Gamma quantiles of an array of shapes, in its precision."
);
