//! The signal chain and the fixed patterns.

use crate::boundary::{Held, detached, in_precision, interruptible, raise};
use getframes_core::map::Map;
use getframes_core::stream::Stream;
use getframes_core::variate::multiples::Multiples;
use getframes_core::{Error, Real, StageId};
use getframes_sim::amplifier::Amplifier;
use getframes_sim::bias_structure::BiasStructure;
use getframes_sim::binning::Binning;
use getframes_sim::blooming::Blooming;
use getframes_sim::chain::{self, Images, Output, Region, SMALL, Stage, Working};
use getframes_sim::channels::{self, Channels};
use getframes_sim::common_mode;
use getframes_sim::cosmic_ray::{self, CosmicRays, Deposit};
use getframes_sim::cti::Cti;
use getframes_sim::dark::{self, Dark};
use getframes_sim::defects::{self, Defects};
use getframes_sim::diffusion;
use getframes_sim::edge::Edge;
use getframes_sim::extra::Extra;
use getframes_sim::fold::{self, Light};
use getframes_sim::full_well::FullWell;
use getframes_sim::gain::Gain;
use getframes_sim::input::Input;
use getframes_sim::ipc::Ipc;
use getframes_sim::nonlinearity::{MAX_TERMS, Nonlinearity};
use getframes_sim::offset::Offset;
use getframes_sim::overscan::Part;
use getframes_sim::pattern::{self, Pattern, Profile};
use getframes_sim::persistence::Persistence;
use getframes_sim::photo::Photo;
use getframes_sim::ramp::Accumulate;
use getframes_sim::read_noise::ReadNoise;
use getframes_sim::shot::{ClockInducedCharge, Shot};
use numpy::{Element, PyArray2, PyArray3, PyArrayMethods, PyReadonlyArray2, PyReadwriteArray2};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::Arc;

/// A stage as Python gives it: its name, and what it needs.
type Described<'py> = (String, Bound<'py, PyDict>);

/// Maps that a stage may take, by name, and whether they lie over the frame or over the sensor.
const FRAME_MAPS: [&str; 7] = [
    "photon_rate",
    "background",
    "extra_electrons",
    "electrons",
    "common_mode_adu",
    "reset_noise_e",
    "correlated_read_noise_e",
];
const SENSOR_MAPS: [&str; 8] =
    ["prnu", "multiplier", "glow_shape", "gain_map", "rms_e", "gain_e_per_adu", "offset_adu", "bias_structure_adu"];

/// What a stage refers to, held for the call: its maps, the dead pixels, the hits of cosmic rays.
struct Referred<'py> {
    maps: Vec<(&'static str, Held<'py>, usize)>,
    dead: Option<PyReadonlyArray2<'py, bool>>,
    deposits: Vec<Deposit>,
    multiples: Option<Arc<Multiples>>,
}

impl<'py> Referred<'py> {
    fn of<T: Working>(stage: &Described<'py>, region: Region, stream: impl Fn(StageId) -> Stream) -> PyResult<Self> {
        let (name, parameters) = stage;
        let [frame, sensor] = [region.pixels(), Region::whole(region.sensor).pixels()];
        let mut maps = Vec::new();
        let known = FRAME_MAPS.iter().map(|&name| (name, frame)).chain(SENSOR_MAPS.iter().map(|&name| (name, sensor)));
        for (name, pixels) in known {
            if parameters.contains(name)? {
                maps.push((name, Held::take(parameters, name)?, pixels));
            }
        }
        let (mut dead, mut deposits, mut multiples) = (None, Vec::new(), None);
        match name.as_str() {
            "defects" => dead = Some(number(parameters, "dead")?),
            "gain" => {
                let excess: f64 = number(parameters, "excess")?;
                // Whole shapes have a method of their own.
                multiples = (excess > 0.0 && excess != 1.0).then(|| Multiples::of::<T>(1.0 / excess));
            }
            "cosmic_rays" => {
                let (hits, length) = (number(parameters, "mean_hits")?, number(parameters, "track_length_px")?);
                deposits =
                    cosmic_ray::draw(hits, length, region.sensor, &stream(StageId::CosmicRays)).map_err(raise)?;
            }
            _ => {}
        }
        Ok(Self { maps, dead, deposits, multiples })
    }

    fn get(&self, name: &str) -> PyResult<Map<'_>> {
        let found = self.maps.iter().find(|(known, ..)| *known == name);
        let (known, held, pixels) =
            found.ok_or_else(|| PyTypeError::new_err(format!("the stage needs the parameter {name}")))?;
        held.map(known, *pixels)
    }

    fn dead(&self, region: Region) -> PyResult<&[bool]> {
        let wrong = || PyTypeError::new_err("the stage needs the parameter dead, a contiguous map over the sensor");
        let dead = self.dead.as_ref().ok_or_else(wrong)?.as_slice().map_err(|_| wrong())?;
        if dead.len() == Region::whole(region.sensor).pixels() { Ok(dead) } else { Err(wrong()) }
    }
}

fn number<'py, T: FromPyObjectOwned<'py>>(parameters: &Bound<'py, PyDict>, name: &str) -> PyResult<T> {
    let value = parameters.get_item(name)?;
    let value = value.ok_or_else(|| PyTypeError::new_err(format!("the stage needs the parameter {name}")))?;
    value.extract().map_err(Into::into)
}

fn build<'a>(
    name: &str,
    parameters: &Bound<'_, PyDict>,
    maps: &'a Referred<'_>,
    region: Region,
    stream: impl Fn(StageId) -> Stream,
) -> PyResult<Stage<'a>> {
    let real = |name| number::<f64>(parameters, name);
    let noise = |id| -> PyResult<Stage<'a>> {
        let factor = if parameters.contains("factor")? { real("factor")? } else { 1.0 };
        Ok(Stage::ReadNoise(ReadNoise { rms_e: maps.get("rms_e")?, factor, stream: stream(id) }))
    };
    let held = |slot, increment| -> PyResult<Stage<'a>> {
        Ok(Stage::Accumulate(Accumulate { slot, limit_e: real("limit_e")?, increment }))
    };
    Ok(match name {
        "input" => Stage::Input(Input { electrons: maps.get("electrons")? }),
        "photo" => Stage::Photo(Photo {
            photon_rate: maps.get("photon_rate")?,
            background: maps.get("background")?,
            factor: real("factor")?,
            prnu: maps.get("prnu")?,
        }),
        "dark" => Stage::Dark(Dark {
            dark_e: real("dark_e")?,
            multiplier: maps.get("multiplier")?,
            glow_e: real("glow_e")?,
            glow_shape: maps.get("glow_shape")?,
        }),
        "extra" => Stage::Extra(Extra { extra_electrons: maps.get("extra_electrons")? }),
        "shot" => Stage::Shot(Shot { stream: stream(StageId::Shot) }),
        "clock_induced_charge" => {
            Stage::ClockInducedCharge(ClockInducedCharge::new(real("mean_e")?, stream(StageId::ClockInducedCharge)))
        }
        "cosmic_rays" => Stage::CosmicRays(CosmicRays { deposits: &maps.deposits }),
        "blooming" => Stage::Blooming(Blooming { limit_e: real("limit_e")? }),
        "binning" => Stage::Binning(Binning { factor: number(parameters, "factor")? }),
        "cti" => Stage::Cti(Cti { cti: real("cti")? }),
        "ipc" => Stage::Ipc(Ipc { coupling: real("coupling")? }),
        "defects" => Stage::Defects(Defects { dead: maps.dead(region)? }),
        "full_well" => Stage::FullWell(FullWell { limit_e: real("limit_e")?, from_zero: false }),
        "output_full_well" => Stage::FullWell(FullWell { limit_e: real("limit_e")?, from_zero: true }),
        "nonlinearity" => {
            let given: Vec<f64> = number(parameters, "coefficients")?;
            let most = format!("nonlinearity_coeffs must have at most {MAX_TERMS} terms, got {}", given.len());
            let mut coefficients = [0.0; MAX_TERMS];
            let head = coefficients.get_mut(..given.len()).ok_or_else(|| PyValueError::new_err(most))?;
            head.copy_from_slice(&given);
            let full_well_e = real("full_well_e")?;
            Stage::Nonlinearity(Nonlinearity { coefficients, terms: given.len(), full_well_e })
        }
        "gain" => Stage::Gain(Gain {
            gain: real("gain")?,
            excess: real("excess")?,
            map: maps.get("gain_map")?,
            multiples: maps.multiples.as_deref(),
            stream: stream(StageId::Gain),
        }),
        "well_increment" => held(0, true)?,
        "well" => held(0, false)?,
        "node" => held(1, false)?,
        // Given, or drawn.
        "reset_noise" if parameters.contains("reset_noise_e")? => {
            Stage::Offset(Offset { offset: maps.get("reset_noise_e")?, over_sensor: false })
        }
        "correlated_read_noise" if parameters.contains("correlated_read_noise_e")? => {
            Stage::Offset(Offset { offset: maps.get("correlated_read_noise_e")?, over_sensor: false })
        }
        "reset_noise" => noise(StageId::ResetNoise)?,
        "avalanche_input_noise" => noise(StageId::AvalancheInputNoise)?,
        "correlated_read_noise" => noise(StageId::CorrelatedReadNoise)?,
        "read_noise" => noise(StageId::ReadNoise)?,
        "ramp_bias" => Stage::Offset(Offset { offset: Map::Uniform(real("bias_adu")?), over_sensor: false }),
        "amplifier" => Stage::Amplifier(Amplifier {
            gain: maps.get("gain_e_per_adu")?,
            bias_adu: real("bias_adu")?,
            offset: maps.get("offset_adu")?,
        }),
        "bias_structure" => Stage::Offset(Offset { offset: maps.get("bias_structure_adu")?, over_sensor: true }),
        "common_mode" => {
            // Drawn, unless it is given.
            let offset = match parameters.contains("common_mode_adu")? {
                true => maps.get("common_mode_adu")?,
                false => Map::Uniform(common_mode::offset(real("rms_adu")?, &stream(StageId::CommonMode))),
            };
            Stage::Offset(Offset { offset, over_sensor: false })
        }
        other => return Err(PyValueError::new_err(format!("there is no stage named {other}"))),
    })
}

/// Room for the images between runs of the chain, kept from frame to frame.
#[pyclass(name = "Images", module = "getframes._native.sim")]
#[derive(Default)]
pub struct KeptImages {
    single: Images<f32>,
    double: Images<f64>,
}

#[pymethods]
impl KeptImages {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// What they hold now.
    #[getter]
    fn nbytes(&self) -> usize {
        self.single.bytes() + self.double.bytes()
    }
}

/// A precision, and its room.
pub trait Kept: Working + Element {
    fn images(kept: &mut KeptImages) -> &mut Images<Self>;
}

impl Kept for f32 {
    fn images(kept: &mut KeptImages) -> &mut Images<Self> {
        &mut kept.single
    }
}

impl Kept for f64 {
    fn images(kept: &mut KeptImages) -> &mut Images<Self> {
        &mut kept.double
    }
}

/// Runs a list of stages over a frame; writes counts (uint32 `out`, with `max_adu`) or values (`out` in the precision), summed over blocks of
/// `binning` x `binning` pixels.
///
/// With a `window` (top, left, height, width) the counts go there in `out`, whose other pixels stay.
///
/// `held` are the images of charge that the stages well and node leave in the pixels, in the precision. A stage with a parameter `frame`
/// takes the words of that frame.
#[pyfunction]
#[pyo3(signature = (stages, out, *, sensor_shape, origin, key, frame, kind, precision, max_adu=0, binning=1, first=0, window=None, images=None, held=None))]
pub fn run_chain<'py>(
    py: Python<'py>,
    stages: Vec<Described<'py>>,
    out: &Bound<'py, PyAny>,
    sensor_shape: [usize; 2],
    origin: [usize; 2],
    key: u64,
    frame: u64,
    kind: u8,
    precision: &str,
    max_adu: u32,
    binning: usize,
    first: usize,
    window: Option<[usize; 4]>,
    images: Option<PyRefMut<'py, KeptImages>>,
    held: Option<[Option<Bound<'py, PyAny>>; 2]>,
) -> PyResult<()> {
    let address = Stream { key, frame, kind, stage: 0, draw: 0 };
    let grid = Grid { sensor: sensor_shape, origin, first, binning, window };
    let held = held.unwrap_or_default();
    in_precision!(precision, run_chain_in(py, &stages, out, grid, address, max_adu, images, held))
}

/// Where a frame lies, and how it is summed.
struct Grid {
    sensor: [usize; 2],
    origin: [usize; 2],
    first: usize,
    binning: usize,
    window: Option<[usize; 4]>,
}

fn run_chain_in<'py, T: Kept>(
    py: Python<'py>,
    stages: &[Described<'py>],
    out: &Bound<'py, PyAny>,
    grid: Grid,
    address: Stream,
    max_adu: u32,
    images: Option<PyRefMut<'py, KeptImages>>,
    held: [Option<Bound<'py, PyAny>>; 2],
) -> PyResult<()> {
    let mut counts = out.extract::<PyReadwriteArray2<'py, u32>>().ok();
    let mut values = match counts {
        Some(_) => None,
        None => Some(out.extract::<PyReadwriteArray2<'py, T>>().map_err(|_| {
            PyTypeError::new_err("out must be a writable 2-D array of uint32, or of the working precision")
        })?),
    };
    let (height, width) = match (&counts, &values) {
        (Some(counts), _) => counts.as_array().dim(),
        (None, Some(values)) => values.as_array().dim(),
        (None, None) => (0, 0),
    };
    let Grid { sensor, origin, first, binning, window } = grid;
    let [top, left, rows, columns] = window.unwrap_or([0, 0, height, width]);
    let shape = (rows, columns);
    let sums_fit = binning >= 1 && (binning * binning) as u64 * u64::from(max_adu) < 1 << 32;
    Error::domain(sums_fit, "binning", ">= 1, with sums below 2^32 ADU", binning as f64).map_err(raise)?;
    let mut blocks = vec![binning];
    for (_, parameters) in stages.iter().filter(|(name, _)| name == "binning") {
        let factor: usize = number(parameters, "factor")?;
        Error::domain(factor >= 1, "factor", ">= 1", factor as f64).map_err(raise)?;
        blocks.push(factor);
    }
    let factor: usize = blocks.iter().product();
    let region = Region { shape: [shape.0 * factor, shape.1 * factor], sensor, origin, first };
    let fits = (0..2).all(|axis| origin[axis] + region.shape[axis] <= sensor[axis]);
    let aligned = origin.iter().all(|start| start % factor == 0);
    if !fits || !aligned {
        return Err(raise(Error::Shape { name: "out", expected: sensor.to_vec(), got: vec![shape.0, shape.1] }));
    }
    // Behind a binning on the chip, maps are over super pixels.
    let regions: Vec<Region> = stages
        .iter()
        .scan(region, |region, (name, parameters)| {
            let at = *region;
            if name == "binning" {
                *region = region.binned(number(parameters, "factor").unwrap_or(1));
            }
            Some(at)
        })
        .collect();
    let maps: Vec<Referred<'py>> = stages
        .iter()
        .zip(&regions)
        .map(|(stage, &region)| Referred::of::<T>(stage, region, words_of(&stage.1, address)?))
        .collect::<PyResult<_>>()?;
    let chain: Vec<Stage<'_>> = stages
        .iter()
        .zip(&maps)
        .zip(&regions)
        .map(|(((name, parameters), maps), &region)| {
            build(name, parameters, maps, region, words_of(parameters, address)?)
        })
        .collect::<PyResult<_>>()?;
    let mut held = held.map(|charge| charge.map(|charge| charge.extract::<PyReadwriteArray2<'py, T>>()));
    let [well, node] = held.each_mut().map(|charge| match charge {
        Some(Ok(charge)) => charge.as_slice_mut().ok(),
        Some(Err(_)) => None,
        None => Some(&mut [][..]),
    });
    let (Some(well), Some(node)) = (well, node) else {
        return Err(PyTypeError::new_err("held must be C-contiguous, writable 2-D arrays of the working precision"));
    };
    let contiguous = |_| PyTypeError::new_err("out must be C-contiguous");
    let output = match (&mut counts, &mut values) {
        (Some(counts), _) => {
            let counts = counts.as_slice_mut().map_err(contiguous)?;
            match (window, binning) {
                (None, 1) => Output::Adu { counts, max_adu },
                (None, factor) => Output::AduSums { counts, max_adu, factor },
                (Some(_), factor) => {
                    let part = Part::of(counts, [height, width], [top, left], [rows, columns]).map_err(raise)?;
                    Output::AduPart { part, max_adu, factor }
                }
            }
        }
        (None, Some(_)) if window.is_some() => {
            return Err(PyTypeError::new_err("a window is one of counts"));
        }
        (None, Some(values)) => {
            let values = values.as_slice_mut().map_err(contiguous)?;
            match binning {
                1 => Output::Values(values),
                factor => Output::ValueSums { values, factor },
            }
        }
        (None, None) => return Ok(()),
    };
    let mut kept = images;
    let mut own = Images::default();
    let images = kept.as_deref_mut().map_or(&mut own, T::images);
    let small = chain::extent(&chain, region) < SMALL;
    interruptible(py, small, |cancel| chain::run_in::<T>(&chain, region, output, [well, node], images, cancel))
}

/// The words of a stage: of this frame, unless the stage names another.
fn words_of(parameters: &Bound<'_, PyDict>, address: Stream) -> PyResult<impl Fn(StageId) -> Stream + Copy + use<>> {
    let frame = if parameters.contains("frame")? { number(parameters, "frame")? } else { address.frame };
    Ok(move |stage: StageId| Stream { stage: stage as u8, frame, ..address })
}

/// The common mode of a read over its RMS, from that of the read before it (None for the first).
#[pyfunction]
pub fn common_mode_after(before: Option<f64>, correlation: f64, key: u64, frame: u64, kind: u8) -> f64 {
    let stream = Stream { key, frame, kind, stage: StageId::CommonMode as u8, draw: 0 };
    common_mode::next(before, correlation, &stream)
}

/// A fixed pattern over the sensor: a log-normal map (PRNU, DSNU, read noise, avalanche gain) times a factor in a random fraction of pixels,
/// times a factor a channel (count, axis, spread), times the rise at the edge (factor, scale).
#[pyfunction]
#[pyo3(signature = (shape, *, key, scale, spread_stage, spread, outlier_stage, outlier_fraction, outlier_factor, precision, channels=None, edge=None))]
pub fn sensor_map<'py>(
    py: Python<'py>,
    shape: [usize; 2],
    key: u64,
    scale: f64,
    spread_stage: u8,
    spread: f64,
    outlier_stage: u8,
    outlier_fraction: f64,
    outlier_factor: f64,
    precision: &str,
    channels: Option<(usize, usize, f64)>,
    edge: Option<(f64, f64)>,
) -> PyResult<Bound<'py, PyAny>> {
    fn of<'py, T: Working + Element>(
        py: Python<'py>,
        shape: [usize; 2],
        pattern: Pattern<'_>,
    ) -> PyResult<Bound<'py, PyAny>> {
        filled::<T>(py, shape, |out| pattern.fill(out))
    }
    let (count, axis, channel_spread) = channels.unwrap_or((0, 0, 0.0));
    let factors = if count > 1 { channels::factors(key, count, channel_spread) } else { Vec::new() };
    let (edge_factor, edge_scale_px) = edge.unwrap_or((1.0, 0.0));
    let profile = Profile {
        width: shape[1],
        channels: Channels { values: &factors, axis },
        edge_factor,
        edge: Edge::new(shape, edge_scale_px, None),
    };
    let pattern = Pattern {
        profile: (channels.is_some() || edge.is_some()).then_some(profile),
        key,
        scale,
        spread: (stage(spread_stage)?, spread),
        outliers: (stage(outlier_stage)?, outlier_fraction, outlier_factor),
    };
    in_precision!(precision, of(py, shape, pattern))
}

/// The fixed structure of the bias: plane and columns, channels, texture, and two edges (amplitude, scale, axis).
#[pyfunction]
#[pyo3(signature = (shape, *, key, amplitude, channels, texture, edges, precision))]
pub fn bias_structure<'py>(
    py: Python<'py>,
    shape: [usize; 2],
    key: u64,
    amplitude: f64,
    channels: (usize, usize, f64),
    texture: f64,
    edges: [(f64, f64, Option<usize>); 2],
    precision: &str,
) -> PyResult<Bound<'py, PyAny>> {
    fn of<'py, T: Working + Element>(
        py: Python<'py>,
        shape: [usize; 2],
        structure: BiasStructure<'_>,
    ) -> PyResult<Bound<'py, PyAny>> {
        filled::<T>(py, shape, |out| structure.fill(out))
    }
    let (count, axis, spread) = channels;
    let offsets = if spread > 0.0 { channels::offsets(key, count, spread) } else { Vec::new() };
    let structure = BiasStructure {
        key,
        shape,
        amplitude,
        channels: Channels { values: &offsets, axis },
        texture,
        edges: edges.map(|(amplitude, scale_px, axis)| (amplitude, Edge::new(shape, scale_px, axis))),
    };
    in_precision!(precision, of(py, shape, structure))
}

/// True where a pixel of the sensor is dead.
#[pyfunction]
pub fn dead_pixels<'py>(
    py: Python<'py>,
    shape: [usize; 2],
    key: u64,
    pixel_fraction: f64,
    column_fraction: f64,
) -> PyResult<Bound<'py, PyAny>> {
    filled::<bool>(py, shape, |out| defects::mask(key, shape, pixel_fraction, column_fraction, out))
}

/// Weights of a Gaussian integrated over samples, 0, 1, 2 ... samples away, of sum 1 over both sides.
#[pyfunction]
pub fn diffusion_weights(sigma: f64) -> PyResult<Vec<f64>> {
    Error::domain(sigma > 0.0 && sigma < 1e6, "sigma", "> 0 and < 1e6 samples", sigma).map_err(raise)?;
    Ok(diffusion::weights(sigma))
}

/// A map convolved with a Gaussian of `sigma` samples, in the precision of the map.
#[pyfunction]
pub fn diffuse<'py>(py: Python<'py>, light: &Bound<'py, PyAny>, sigma: f64) -> PyResult<Bound<'py, PyAny>> {
    fn of<'py, T: Working + Element>(
        py: Python<'py>,
        light: &PyReadonlyArray2<'py, T>,
        weights: &[f64],
    ) -> PyResult<Bound<'py, PyAny>> {
        let (height, width) = light.as_array().dim();
        let array = PyArray2::<T>::zeros(py, [height, width], false);
        let mut writable = array.readwrite();
        let (light, out) = (light.as_slice()?, writable.as_slice_mut()?);
        interruptible(py, false, |cancel| {
            diffusion::spread(light, width.max(1), weights, out, cancel);
            Ok(())
        })?;
        drop(writable);
        Ok(array.into_any())
    }
    let weights = diffusion_weights(sigma)?;
    match light.extract::<PyReadonlyArray2<'py, f32>>() {
        Ok(light) => of(py, &light, &weights),
        Err(_) => of(py, &light.extract::<PyReadonlyArray2<'py, f64>>()?, &weights),
    }
}

/// Light per wavelength folded with efficiencies, into `out`; the first value that is no light as (sample, pixel, value), or None.
#[pyfunction]
pub fn fold_light<'py>(
    py: Python<'py>,
    light: &Bound<'py, PyAny>,
    efficiency: Vec<f64>,
    out: &Bound<'py, PyAny>,
) -> PyResult<Option<(usize, usize, f64)>> {
    match out.extract::<PyReadwriteArray2<'py, f32>>() {
        Ok(out) => fold_light_in(py, light, &efficiency, out),
        Err(_) => fold_light_in(py, light, &efficiency, out.extract::<PyReadwriteArray2<'py, f64>>()?),
    }
}

fn fold_light_in<'py, T: Element + Real>(
    py: Python<'py>,
    light: &Bound<'py, PyAny>,
    efficiency: &[f64],
    mut out: PyReadwriteArray2<'py, T>,
) -> PyResult<Option<(usize, usize, f64)>>
where
    u16: Light<T>,
    i16: Light<T>,
    u32: Light<T>,
    i32: Light<T>,
    f32: Light<T>,
    f64: Light<T>,
{
    let target = out.as_slice_mut()?;
    macro_rules! of {
        ($($kind:ty),*) => {$(
            if let Ok(light) = light.cast::<PyArray3<$kind>>() {
                let light = light.readonly();
                let given = light.as_slice()?;
                let bad = interruptible(py, given.len() < fold::SMALL, |cancel| fold::fold(given, efficiency, target, cancel))?;
                return Ok(bad.map(|bad| (bad.sample, bad.pixel, bad.value)));
            }
        )*};
    }
    of!(f32, f64, u16, i16, u32, i32);
    Err(PyTypeError::new_err("light must be a C-contiguous cube of float32, float64, uint16, int16, uint32 or int32"))
}

/// One frame of persistence: the charge released into it; `latent` becomes what is latent after it.
#[pyfunction]
pub fn release_latent<'py>(
    py: Python<'py>,
    signal: &Bound<'py, PyAny>,
    latent: &Bound<'py, PyAny>,
    fraction: f64,
    decay: f64,
) -> PyResult<Bound<'py, PyAny>> {
    fn of<'py, T: Working + Element>(
        py: Python<'py>,
        signal: &PyReadonlyArray2<'py, T>,
        latent: &Bound<'py, PyAny>,
        figures: Persistence,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut latent = latent.extract::<PyReadwriteArray2<'py, T>>()?;
        let (height, width) = signal.as_array().dim();
        let got = latent.as_array().dim();
        Error::same_shape("latent", &[got.0, got.1], &[height, width]).map_err(raise)?;
        let array = PyArray2::<T>::zeros(py, [height, width], false);
        let mut writable = array.readwrite();
        let (signal, latent, released) = (signal.as_slice()?, latent.as_slice_mut()?, writable.as_slice_mut()?);
        detached(py, || {
            figures.step(signal, latent, released);
            Ok(())
        })?;
        drop(writable);
        Ok(array.into_any())
    }
    let figures = Persistence { fraction, decay };
    match signal.extract::<PyReadonlyArray2<'py, f32>>() {
        Ok(signal) => of(py, &signal, latent, figures),
        Err(_) => of(py, &signal.extract::<PyReadonlyArray2<'py, f64>>()?, latent, figures),
    }
}

/// Dark current at a temperature: D0 2^((T - T0) / step).
#[pyfunction]
pub fn dark_current(rate_e_per_s: f64, temperature_c: f64, reference_c: f64, doubling_c: f64) -> f64 {
    dark::rate_at(rate_e_per_s, temperature_c, reference_c, doubling_c)
}

/// Natural logarithm, the same on every machine (the libraries of operating systems differ in the last digit).
#[pyfunction]
pub fn logarithm(x: f64) -> PyResult<f64> {
    Error::domain(x > 0.0 && x.is_finite(), "x", "finite and > 0", x).map_err(raise)?;
    Ok(getframes_core::Real::logarithm(x))
}

/// x^y for positive x, the same on every machine.
#[pyfunction]
pub fn power(x: f64, y: f64) -> PyResult<f64> {
    let exponent = logarithm(x)? * y;
    Error::domain(exponent.abs() <= 700.0, "y ln(x)", "in [-700, 700]", exponent).map_err(raise)?;
    Ok(getframes_core::Real::exponential(exponent))
}

/// Glow that falls off from the edges, mean 1.
#[pyfunction]
pub fn edge_glow<'py>(
    py: Python<'py>,
    shape: [usize; 2],
    scale_px: f64,
    precision: &str,
) -> PyResult<Bound<'py, PyAny>> {
    fn of<'py, T: Working + Element>(py: Python<'py>, shape: [usize; 2], scale_px: f64) -> PyResult<Bound<'py, PyAny>> {
        filled::<T>(py, shape, |out| pattern::edge_glow(shape[0], shape[1], scale_px, out))
    }
    in_precision!(precision, of(py, shape, scale_px))
}

fn filled<'py, T: Element>(
    py: Python<'py>,
    shape: [usize; 2],
    fill: impl FnOnce(&mut [T]) + Send,
) -> PyResult<Bound<'py, PyAny>> {
    let array = PyArray2::<T>::zeros(py, shape, false);
    let mut writable = array.readwrite();
    let out = writable.as_slice_mut()?;
    interruptible(py, false, |_| {
        fill(out);
        Ok(())
    })?;
    drop(writable);
    Ok(array.into_any())
}

/// Stages that draw fixed patterns.
fn stage(number: u8) -> PyResult<StageId> {
    let known = [
        StageId::Prnu,
        StageId::Dsnu,
        StageId::HotPixels,
        StageId::ReadNoiseCore,
        StageId::ReadNoiseRts,
        StageId::AvalancheGain,
    ];
    let found = known.into_iter().find(|&stage| stage as u8 == number);
    found.ok_or_else(|| PyValueError::new_err(format!("stage {number} draws no pixel pattern")))
}
