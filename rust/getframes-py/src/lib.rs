//! The only crate that knows Python.

use pyo3::prelude::*;

mod boundary;
mod core;
mod deposit;
mod fit;
mod psf;
mod reduce;
mod sim;
mod toml;

/// The native part of getframes: one submodule a room.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    room(module, "core", |room| {
        room.add_function(wrap_pyfunction!(core::stream_version, room)?)?;
        room.add_function(wrap_pyfunction!(core::set_num_threads, room)?)?;
        room.add_function(wrap_pyfunction!(core::num_threads, room)?)?;
        room.add_function(wrap_pyfunction!(core::simd_levels, room)?)?;
        room.add_function(wrap_pyfunction!(core::simd_level, room)?)?;
        room.add_function(wrap_pyfunction!(core::set_simd_level, room)?)?;
        room.add_function(wrap_pyfunction!(core::words, room)?)?;
        room.add_function(wrap_pyfunction!(core::wide_uniform, room)?)?;
        room.add_function(wrap_pyfunction!(core::wide_normal, room)?)?;
        room.add_function(wrap_pyfunction!(core::uniform, room)?)?;
        room.add_function(wrap_pyfunction!(core::normal, room)?)?;
        room.add_function(wrap_pyfunction!(core::exponential, room)?)?;
        room.add_function(wrap_pyfunction!(core::lognormal, room)?)?;
        room.add_function(wrap_pyfunction!(core::poisson, room)?)?;
        room.add_function(wrap_pyfunction!(core::gamma, room)?)
    })?;
    room(module, "sim", |room| {
        room.add_class::<sim::KeptImages>()?;
        room.add_function(wrap_pyfunction!(sim::run_chain, room)?)?;
        room.add_function(wrap_pyfunction!(sim::common_mode_after, room)?)?;
        room.add_function(wrap_pyfunction!(sim::sensor_map, room)?)?;
        room.add_function(wrap_pyfunction!(sim::edge_glow, room)?)?;
        room.add_function(wrap_pyfunction!(sim::bias_structure, room)?)?;
        room.add_function(wrap_pyfunction!(sim::dead_pixels, room)?)?;
        room.add_function(wrap_pyfunction!(sim::diffusion_weights, room)?)?;
        room.add_function(wrap_pyfunction!(sim::diffuse, room)?)?;
        room.add_function(wrap_pyfunction!(sim::fold_light, room)?)?;
        room.add_function(wrap_pyfunction!(sim::release_latent, room)?)?;
        room.add_function(wrap_pyfunction!(sim::dark_current, room)?)?;
        room.add_function(wrap_pyfunction!(sim::logarithm, room)?)?;
        room.add_function(wrap_pyfunction!(sim::power, room)?)
    })?;
    room(module, "deposit", deposit::fill)?;
    room(module, "reduce", |room| {
        room.add_function(wrap_pyfunction!(reduce::combine::combine, room)?)?;
        room.add_function(wrap_pyfunction!(reduce::calibration::inverse_response, room)?)?;
        room.add_function(wrap_pyfunction!(reduce::calibration::datasum, room)?)?;
        room.add_function(wrap_pyfunction!(reduce::calibration::calibrate, room)?)?;
        room.add_function(wrap_pyfunction!(reduce::lacosmic::lacosmic, room)?)
    })?;
    room(module, "psf", |room| {
        room.add_function(wrap_pyfunction!(psf::node_kernels, room)?)?;
        room.add_function(wrap_pyfunction!(psf::components, room)?)?;
        room.add_function(wrap_pyfunction!(psf::convolve, room)?)
    })?;
    room(module, "fit", |room| {
        room.add_class::<fit::likelihood::Likelihood>()?;
        room.add_class::<fit::posterior::Posterior>()?;
        room.add_function(wrap_pyfunction!(fit::transform::place, room)?)?;
        room.add_function(wrap_pyfunction!(fit::transform::coordinate, room)?)?;
        room.add_function(wrap_pyfunction!(fit::gaussian::gaussian, room)?)?;
        room.add_function(wrap_pyfunction!(fit::mixture::mixture, room)?)
    })?;
    room(module, "toml", |room| room.add_function(wrap_pyfunction!(toml::spans, room)?))?;
    module.delattr("__all__")
}

/// Adds a submodule that `import getframes._native.<name>` finds too.
fn room<'py>(
    parent: &Bound<'py, PyModule>,
    name: &str,
    fill: impl FnOnce(&Bound<'py, PyModule>) -> PyResult<()>,
) -> PyResult<()> {
    let py = parent.py();
    let module = PyModule::new(py, name)?;
    fill(&module)?;
    module.delattr("__all__")?;
    parent.add_submodule(&module)?;
    let full = format!("getframes._native.{name}");
    module.setattr("__name__", &full)?;
    py.import("sys")?.getattr("modules")?.set_item(full, module)
}
