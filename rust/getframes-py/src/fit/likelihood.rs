//! Pixels given sources.

use super::{Row, Table};
use crate::boundary::raise;
use getframes_core::Error;
use getframes_fit::gaussian::{Component, PIXELS};
use getframes_fit::likelihood::{self as kernel, Exposure, Kind, Scene};
use getframes_fit::linear::Prior;
use getframes_fit::mixture::View;
use numpy::{
    IntoPyArray, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3, PyReadonlyArray4,
    PyUntypedArrayMethods,
};
use pyo3::prelude::*;

type Vector<'py> = PyReadonlyArray1<'py, f64>;

/// Everything that depends on the pixels, made once and asked many times.
#[pyclass(frozen, module = "getframes._native.fit")]
pub struct Likelihood(pub kernel::Likelihood);

#[pymethods]
impl Likelihood {
    #[new]
    #[pyo3(signature = (
        *, tile_x, tile_y, tile_exposure, data, weight, band, flux_scale, background, kind, position, jacobian, psf_of, psf, bands = None
    ))]
    fn new(
        tile_x: PyReadonlyArray1<'_, i32>,
        tile_y: PyReadonlyArray1<'_, i32>,
        tile_exposure: PyReadonlyArray1<'_, i32>,
        data: PyReadonlyArray2<'_, f64>,
        weight: PyReadonlyArray2<'_, f64>,
        band: PyReadonlyArray1<'_, i32>,
        flux_scale: Vector<'_>,
        background: PyReadonlyArray1<'_, i32>,
        kind: PyReadonlyArray1<'_, i32>,
        position: PyReadonlyArray3<'_, f64>,
        jacobian: PyReadonlyArray4<'_, f64>,
        psf_of: PyReadonlyArray2<'_, i32>,
        psf: PyReadonlyArray3<'_, f64>,
        bands: Option<usize>,
    ) -> PyResult<Self> {
        let (tiles, exposures, sources) = (tile_x.len(), band.len(), kind.len());
        let shapes: [(&'static str, &[usize], &[usize]); 12] = [
            ("tile_y", tile_y.shape(), &[tiles]),
            ("tile_exposure", tile_exposure.shape(), &[tiles]),
            ("data", data.shape(), &[tiles, PIXELS]),
            ("weight", weight.shape(), &[tiles, PIXELS]),
            ("flux_scale", flux_scale.shape(), &[exposures]),
            ("background", background.shape(), &[exposures]),
            ("position", position.shape(), &[exposures, sources, 2]),
            ("jacobian", jacobian.shape(), &[exposures, sources, 2, 2]),
            ("psf_of", psf_of.shape(), &[exposures, sources]),
            ("psf", psf.shape(), &[psf.shape()[0], psf.shape()[1], 6]),
            ("kind", kind.shape(), &[sources]),
            ("band", band.shape(), &[exposures]),
        ];
        for (name, got, expected) in shapes {
            Error::same_shape(name, got, expected).map_err(raise)?;
        }
        let numbers = |name, values: &[i32]| values.iter().map(|&value| number(name, value)).collect::<PyResult<_>>();
        let band: Vec<usize> = numbers("band", band.as_slice()?)?;
        let background: Vec<usize> = numbers("background", background.as_slice()?)?;
        let scene = Scene {
            tiles: tile_x.as_slice()?.iter().zip(tile_y.as_slice()?).map(|(&x, &y)| [x, y]).collect(),
            tile_exposures: numbers("tile_exposure", tile_exposure.as_slice()?)?,
            data: data.as_slice()?.to_vec(),
            weight: weight.as_slice()?.to_vec(),
            bands: bands.unwrap_or_else(|| band.iter().max().map_or(0, |last| last + 1)),
            exposures: (band.iter().zip(flux_scale.as_slice()?).zip(&background))
                .map(|((&band, &flux_scale), &background)| Exposure { band, flux_scale, background })
                .collect(),
            kinds: kind.as_slice()?.iter().map(|&kind| kind_of(kind)).collect::<PyResult<_>>()?,
            views: (position.as_slice()?.chunks_exact(2).zip(jacobian.as_slice()?.chunks_exact(4)))
                .map(|(p, j)| View { position: [p[0], p[1]], jacobian: [[j[0], j[1]], [j[2], j[3]]] })
                .collect(),
            psf_of: numbers("psf_of", psf_of.as_slice()?)?,
            psfs: psf.as_slice()?.chunks((6 * psf.shape()[1]).max(1)).map(mixture_of).collect(),
        };
        kernel::Likelihood::new(scene).map(Self).map_err(raise)
    }

    #[getter]
    fn shapes(&self) -> usize {
        self.0.shapes()
    }

    #[getter]
    fn linear(&self) -> usize {
        self.0.linear()
    }

    fn value_and_gradient<'py>(
        &self,
        py: Python<'py>,
        shapes: Vector<'py>,
        linear: Vector<'py>,
    ) -> PyResult<(f64, Row<'py>, Row<'py>)> {
        let (shapes, linear) = (shapes.as_slice()?, linear.as_slice()?);
        let (mut by_shapes, mut by_linear) = (vec![0.0; self.0.shapes()], vec![0.0; self.0.linear()]);
        let value =
            py.detach(|| self.0.value_and_gradient(shapes, linear, &mut by_shapes, &mut by_linear)).map_err(raise)?;
        Ok((value, by_shapes.into_pyarray(py), by_linear.into_pyarray(py)))
    }

    fn marginal<'py>(
        &self,
        py: Python<'py>,
        shapes: Vector<'py>,
        prior_mean: Vector<'py>,
        prior_precision: Vector<'py>,
    ) -> PyResult<(f64, Row<'py>)> {
        let shapes = shapes.as_slice()?;
        let prior = Prior { mean: prior_mean.as_slice()?, precision: prior_precision.as_slice()? };
        let (mut slopes, mut unused) = (vec![0.0; self.0.shapes()], vec![0.0; self.0.linear()]);
        let value = py.detach(|| self.0.marginal(shapes, &prior, &mut slopes, &mut unused)).map_err(raise)?;
        Ok((value, slopes.into_pyarray(py)))
    }

    fn solve<'py>(
        &self,
        py: Python<'py>,
        shapes: Vector<'py>,
        prior_mean: Vector<'py>,
        prior_precision: Vector<'py>,
    ) -> PyResult<(Row<'py>, Table<'py>)> {
        let shapes = shapes.as_slice()?;
        let prior = Prior { mean: prior_mean.as_slice()?, precision: prior_precision.as_slice()? };
        let (linear, covariance) = py.detach(|| self.0.solve(shapes, &prior)).map_err(raise)?;
        let count = linear.len();
        Ok((linear.into_pyarray(py), covariance.into_pyarray(py).reshape([count, count])?))
    }

    fn model<'py>(&self, py: Python<'py>, shapes: Vector<'py>, linear: Vector<'py>) -> PyResult<Table<'py>> {
        let (shapes, linear) = (shapes.as_slice()?, linear.as_slice()?);
        let model = py.detach(|| self.0.model(shapes, linear)).map_err(raise)?;
        let tiles = model.len() / PIXELS;
        model.into_pyarray(py).reshape([tiles, PIXELS])
    }

    fn evaluations(&self, py: Python<'_>, shapes: Vector<'_>) -> PyResult<usize> {
        let shapes = shapes.as_slice()?;
        py.detach(|| self.0.evaluations(shapes)).map_err(raise)
    }
}

fn number(name: &'static str, value: i32) -> PyResult<usize> {
    Error::domain(value >= 0, name, ">= 0", f64::from(value)).map_err(raise)?;
    Ok(value as usize)
}

fn kind_of(kind: i32) -> PyResult<Kind> {
    Error::domain(matches!(kind, 0 | 1), "kind", "0 (star) or 1 (galaxy)", f64::from(kind)).map_err(raise)?;
    Ok(if kind == 0 { Kind::Star } else { Kind::Galaxy })
}

/// Rows of amplitude, dx, dy, xx, xy, yy; an amplitude of 0 is none.
fn mixture_of(rows: &[f64]) -> Vec<Component> {
    let used = rows.chunks_exact(6).filter(|row| row[0] != 0.0);
    used.map(component_of).collect()
}

/// A component of a row.
pub fn component_of(row: &[f64]) -> Component {
    Component { weight: row[0], x: row[1], y: row[2], xx: row[3], xy: row[4], yy: row[5] }
}
