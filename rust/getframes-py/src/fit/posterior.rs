//! Pixels and priors together, and draws from what they say.

use super::likelihood::Likelihood;
use super::transform::{placed, priors_of};
use crate::boundary::{detached, raise, reporting};
use getframes_core::Error;
use getframes_fit::posterior::{Posterior as Kernel, Priors};
use getframes_fit::sample::{Density, Plan, Spread, Step, sample};
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArray3, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2,
    PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

type Vector<'py> = PyReadonlyArray1<'py, f64>;
type Matrix<'py> = PyReadonlyArray2<'py, f64>;
/// Rows of shapes, and of linear parameters.
type Drawn<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray2<f64>>);
/// Coordinates of draws, and what is said of each.
type Chains<'py> = (Bound<'py, PyArray3<f64>>, Bound<'py, PyArray3<f64>>);

/// The posterior density of the sources of some tiles.
#[pyclass(frozen, module = "getframes._native.fit")]
pub struct Posterior {
    likelihood: Py<Likelihood>,
    priors: Priors,
}

impl Posterior {
    fn kernel(&self) -> Result<Kernel<'_>, Error> {
        Kernel::new(&self.likelihood.get().0, &self.priors)
    }

    fn coordinates_of(&self, name: &'static str, given: &Matrix<'_>) -> PyResult<()> {
        Error::same_shape(name, given.shape(), &[given.shape()[0], self.priors.size()]).map_err(raise)
    }
}

#[pymethods]
impl Posterior {
    #[new]
    fn new(likelihood: Py<Likelihood>, shape_priors: Matrix<'_>, linear_priors: Matrix<'_>) -> PyResult<Self> {
        let priors = Priors::new(priors_of(&shape_priors)?, priors_of(&linear_priors)?).map_err(raise)?;
        Kernel::new(&likelihood.get().0, &priors).map_err(raise)?;
        Ok(Self { likelihood, priors })
    }

    #[getter]
    fn likelihood(&self, py: Python<'_>) -> Py<Likelihood> {
        self.likelihood.clone_ref(py)
    }

    #[getter]
    fn size(&self) -> usize {
        self.priors.size()
    }

    fn place<'py>(&self, py: Python<'py>, coordinates: Vector<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        Error::same_shape("coordinates", coordinates.shape(), &[self.priors.size()]).map_err(raise)?;
        placed(py, self.priors.sampled(), coordinates.as_slice()?)
    }

    fn coordinates<'py>(&self, py: Python<'py>, values: Vector<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Error::same_shape("values", values.shape(), &[self.priors.size()]).map_err(raise)?;
        let made: Vec<f64> =
            self.priors.sampled().zip(values.as_slice()?).map(|(prior, &x)| prior.coordinate(x)).collect();
        Ok(made.into_pyarray(py))
    }

    fn value_and_gradient<'py>(
        &self,
        py: Python<'py>,
        coordinates: Vector<'py>,
    ) -> PyResult<(f64, Bound<'py, PyArray1<f64>>)> {
        let (at, mut gradient) = (coordinates.as_slice()?, vec![0.0; self.priors.size()]);
        let value = py.detach(|| self.kernel()?.value_and_gradient(at, &mut gradient)).map_err(raise)?;
        Ok((value, gradient.into_pyarray(py)))
    }

    fn summit<'py>(&self, py: Python<'py>, coordinates: Vector<'py>) -> PyResult<(f64, Bound<'py, PyArray1<f64>>)> {
        let (at, mut gradient) = (coordinates.as_slice()?, vec![0.0; self.priors.size()]);
        let value = py.detach(|| self.kernel()?.summit(at, &mut gradient)).map_err(raise)?;
        Ok((value, gradient.into_pyarray(py)))
    }

    fn conditional<'py>(&self, py: Python<'py>, coordinates: Matrix<'py>, z: Matrix<'py>) -> PyResult<Drawn<'py>> {
        let draws = coordinates.shape()[0];
        let (shapes, linear) = (self.likelihood.get().0.shapes(), self.likelihood.get().0.linear());
        self.coordinates_of("coordinates", &coordinates)?;
        Error::same_shape("z", z.shape(), &[draws, linear]).map_err(raise)?;
        let (at, normals) = (coordinates.as_slice()?, z.as_slice()?);
        let (places, columns) = detached(py, || self.kernel()?.conditionals(draws, at, normals))?;
        Ok((places.into_pyarray(py).reshape([draws, shapes])?, columns.into_pyarray(py).reshape([draws, linear])?))
    }

    #[pyo3(signature = (start, mean, covariance, *, draws, warmup, seed, max_treedepth, target_accept, weight, progress = None))]
    fn sample<'py>(
        &self,
        py: Python<'py>,
        start: Matrix<'py>,
        mean: Vector<'py>,
        covariance: Matrix<'py>,
        draws: usize,
        warmup: usize,
        seed: u64,
        max_treedepth: u64,
        target_accept: f64,
        weight: f64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Chains<'py>> {
        self.coordinates_of("start", &start)?;
        Error::same_shape("mean", mean.shape(), &[self.priors.size()]).map_err(raise)?;
        let spread = Spread::new(mean.as_slice()?, covariance.as_slice()?).map_err(raise)?;
        let plan = Plan { draws, warmup, seed, max_treedepth, target_accept, weight };
        let (from, done) = (start.as_slice()?, AtomicU64::new(0));
        let report = |py: Python<'_>| match &progress {
            Some(call) => call.call1(py, (done.load(Ordering::Relaxed),)).map(drop),
            None => Ok(()),
        };
        let chains = reporting(py, report, |cancel| sample(&self.kernel()?, from, &spread, plan, cancel, &done))?;
        let (count, total) = (chains.len(), draws + warmup);
        let positions: Vec<f64> = chains.iter().flat_map(|chain| &chain.positions).copied().collect();
        let said: Vec<f64> = chains.iter().flat_map(|chain| &chain.steps).flat_map(numbers).collect();
        Ok((
            positions.into_pyarray(py).reshape([count, total, self.priors.size()])?,
            said.into_pyarray(py).reshape([count, total, 8])?,
        ))
    }
}

/// What a draw says of its trajectory, in the order that the stub gives.
fn numbers(step: &Step) -> [f64; 8] {
    [
        step.log_density,
        step.energy,
        step.step_size,
        step.acceptance,
        step.depth as f64,
        step.gradients as f64,
        f64::from(u8::from(step.diverging)),
        f64::from(u8::from(step.too_deep)),
    ]
}
