//! The chain over whole images, on one thread: each stage alone, whole frames, and the memory floor of the same run.

mod timing;

use getframes_core::map::Map;
use getframes_core::pool::{self, Cancel};
use getframes_core::stream::Stream;
use getframes_core::{Kind, StageId};
use getframes_sim::amplifier::Amplifier;
use getframes_sim::blooming::Blooming;
use getframes_sim::chain::{self, Output, Region, Stage, Working};
use getframes_sim::cosmic_ray::{self, CosmicRays};
use getframes_sim::cti::Cti;
use getframes_sim::dark::Dark;
use getframes_sim::defects::Defects;
use getframes_sim::diffusion;
use getframes_sim::full_well::FullWell;
use getframes_sim::gain::Gain;
use getframes_sim::input::Input;
use getframes_sim::ipc::Ipc;
use getframes_sim::nonlinearity::Nonlinearity;
use getframes_sim::offset::Offset;
use getframes_sim::overscan::Part;
use getframes_sim::persistence::Persistence;
use getframes_sim::photo::Photo;
use getframes_sim::read_noise::ReadNoise;
use getframes_sim::shot::{ClockInducedCharge, Shot};

const SIDE: usize = 1024;
const PIXELS: usize = SIDE * SIDE;
const REGION: Region = Region { shape: [SIDE, SIDE], sensor: [SIDE, SIDE], origin: [0, 0], first: 0 };
const ONE: Map<'static> = Map::Uniform(1.0);

fn stream(stage: StageId) -> Stream {
    Stream { key: 1, frame: 0, kind: Kind::Light as u8, stage: stage as u8, draw: 0 }
}

fn photo(photon_rate: Map<'_>) -> Stage<'_> {
    Stage::Photo(Photo { photon_rate, background: Map::Uniform(0.0), factor: 0.95, prnu: ONE })
}

fn dark(multiplier: Map<'_>, dark_e: f64) -> Stage<'_> {
    Stage::Dark(Dark { dark_e, multiplier, glow_e: 0.0, glow_shape: ONE })
}

fn readout<'a>(rms_e: Map<'a>) -> [Stage<'a>; 3] {
    [
        Stage::FullWell(FullWell { limit_e: 1.3e5, from_zero: true }),
        Stage::ReadNoise(ReadNoise { rms_e, factor: 1.0, stream: stream(StageId::ReadNoise) }),
        Stage::Amplifier(Amplifier { gain: Map::Uniform(2.0), bias_adu: 500.0, offset: Map::Uniform(0.0) }),
    ]
}

fn frame<T: Working>(name: &str, stages: &[Stage<'_>]) {
    let mut counts = vec![0; PIXELS];
    timing::row(name, PIXELS, || {
        let output = Output::Adu { counts: &mut counts, max_adu: 65535 };
        pool::install(|| chain::run::<T>(stages, REGION, output, &Cancel::default())).expect("the inputs are good");
    });
}

/// The same into the middle of a frame with strips of 32 pixels beside it.
fn with_strips<T: Working>(name: &str, stages: &[Stage<'_>]) {
    let shape = [SIDE, SIDE + 64];
    let mut counts = vec![0; shape[0] * shape[1]];
    timing::row(name, PIXELS, || {
        let part = Part::of(&mut counts, shape, [0, 32], REGION.shape).expect("it fits");
        let output = Output::AduPart { part, max_adu: 65535, factor: 1 };
        pool::install(|| chain::run::<T>(stages, REGION, output, &Cancel::default())).expect("the inputs are good");
    });
}

fn values<T: Working>(name: &str, stages: &[Stage<'_>]) {
    let mut out = vec![T::ZERO; PIXELS];
    timing::row(name, PIXELS, || {
        let output = Output::Values(&mut out);
        pool::install(|| chain::run::<T>(stages, REGION, output, &Cancel::default())).expect("the inputs are good");
    });
}

fn table<T: Working>(precision: &str, map: for<'a> fn(&'a [T]) -> Map<'a>) {
    timing::head(&format!("chain, {SIDE}^2, {precision}"));
    let made = |at: fn(usize) -> f64| (0..PIXELS).map(|pixel| T::of(at(pixel))).collect::<Vec<T>>();
    let (sky, mixed) = (
        made(|pixel| 80.0 + (pixel.wrapping_mul(2_654_435_761) % 1009) as f64 * 0.02),
        made(|pixel| 1.0 + (pixel.wrapping_mul(2_654_435_761) % 100_003) as f64 * 0.002),
    );
    let ones = made(|pixel| 0.9 + (pixel % 97) as f64 * 0.002);
    let charge = made(|pixel| (pixel.wrapping_mul(2_654_435_761) % 200) as f64);
    let few = made(|pixel| (pixel.wrapping_mul(2_654_435_761) % 3) as f64);
    values::<T>("memory floor: one map in, one out", &[Stage::Input(Input { electrons: map(&sky) })]);
    values::<T>("photo", &[photo(map(&sky))]);
    values::<T>("photo, dark with a map", &[photo(map(&sky)), dark(map(&ones), 0.1)]);
    let shot = Stage::Shot(Shot { stream: stream(StageId::Shot) });
    values::<T>("shot, mean 80 to 100", &[Stage::Input(Input { electrons: map(&sky) }), shot]);
    values::<T>("shot, mean 1 to 200, mixed", &[Stage::Input(Input { electrons: map(&mixed) }), shot]);
    let induced = ClockInducedCharge::new(0.005, stream(StageId::ClockInducedCharge));
    values::<T>("clock-induced charge 0.005", &[Stage::ClockInducedCharge(induced)]);
    let mut coefficients = [0.0; 16];
    coefficients[0] = -0.01;
    let bend = Nonlinearity { coefficients, terms: 1, full_well_e: 1.3e5 };
    values::<T>("nonlinearity", &[Stage::Input(Input { electrons: map(&sky) }), Stage::Nonlinearity(bend)]);
    let gain = Stage::Gain(Gain { gain: 300.0, excess: 1.0, map: ONE, multiples: None, stream: stream(StageId::Gain) });
    values::<T>("gain, charge 0 to 200", &[Stage::Input(Input { electrons: map(&charge) }), gain]);
    values::<T>("gain, charge 0 to 2", &[Stage::Input(Input { electrons: map(&few) }), gain]);
    let noise =
        Stage::ReadNoise(ReadNoise { rms_e: Map::Uniform(3.0), factor: 1.0, stream: stream(StageId::ReadNoise) });
    values::<T>("read noise", &[Stage::Input(Input { electrons: map(&sky) }), noise]);
    let input = Stage::Input(Input { electrons: map(&sky) });
    values::<T>("blooming, no well overflows", &[input, Stage::Blooming(Blooming { limit_e: 1.3e5 })]);
    values::<T>("blooming, every column overflows", &[input, Stage::Blooming(Blooming { limit_e: 99.0 })]);
    values::<T>("charge transfer inefficiency", &[input, Stage::Cti(Cti { cti: 1e-5 })]);
    values::<T>("interpixel capacitance", &[input, Stage::Ipc(Ipc { coupling: 0.01 })]);
    let both = [input, Stage::Cti(Cti { cti: 1e-5 }), Stage::Ipc(Ipc { coupling: 0.01 })];
    values::<T>("transfer and capacitance", &both);
    let hits = stream(StageId::CosmicRays);
    let deposits = cosmic_ray::draw(100.0, 20.0, [SIDE, SIDE], &hits).expect("few hits");
    values::<T>("cosmic rays, 100 tracks", &[input, Stage::CosmicRays(CosmicRays { deposits: &deposits })]);
    let dead = vec![false; PIXELS];
    values::<T>("defects", &[input, Stage::Defects(Defects { dead: &dead })]);
    let offset = Offset { offset: map(&ones), over_sensor: true };
    values::<T>("bias structure", &[input, Stage::Offset(offset)]);
    let well = Stage::FullWell(FullWell { limit_e: 1.3e5, from_zero: false });
    let mut light = vec![photo(map(&sky)), dark(map(&ones), 0.1), shot, well];
    light.extend(readout(Map::Uniform(3.0)));
    frame::<T>("CCD frame, sky", &light);
    with_strips::<T>("CCD frame, sky, between strips", &light);
    light.insert(4, Stage::Ipc(Ipc { coupling: 0.01 }));
    frame::<T>("CCD frame, sky, with capacitance", &light);
    light.remove(4);
    light[0] = photo(map(&mixed));
    frame::<T>("CCD frame, 1 to 200 electrons, mixed", &light);
    let mut night = vec![dark(map(&ones), 1e-4), shot, well];
    night.extend(readout(Map::Uniform(3.0)));
    frame::<T>("CCD dark", &night);
    let mut multiplied =
        vec![photo(map(&mixed)), dark(map(&ones), 1e-3), shot, Stage::ClockInducedCharge(induced), well, gain];
    multiplied.extend(readout(Map::Uniform(50.0)));
    frame::<T>("EMCCD frame, 1 to 200 electrons", &multiplied);
}

/// What is done once for a map, or once for a frame.
fn apart<T: Working>(precision: &str) {
    timing::head(&format!("apart from the chain, {SIDE}^2, {precision}"));
    let (light, mut out) = (vec![T::ONE; PIXELS], vec![T::ZERO; PIXELS]);
    let weights = diffusion::weights(0.8 * 4.0 / 2.3548);
    timing::row("charge diffusion, 0.8 px on 4 samples a pixel", PIXELS, || {
        let work = || {
            diffusion::spread(&light, SIDE, &weights, &mut out, &Cancel::default());
            Ok(())
        };
        pool::install(work).expect("a pool");
    });
    let (traps, mut latent) = (Persistence { fraction: 0.01, decay: 0.3 }, light.clone());
    timing::row("persistence", PIXELS, || {
        let work = || {
            traps.step(&light, &mut latent, &mut out);
            Ok(())
        };
        pool::install(work).expect("a pool");
    });
    let stream = stream(StageId::CosmicRays);
    timing::row("cosmic rays drawn, 1000 tracks, a hit", 1000, || {
        let _ = cosmic_ray::draw(1000.0, 20.0, [SIDE, SIDE], &stream);
    });
}

fn main() {
    pool::set_num_threads(1);
    table::<f32>("float32", |values| Map::Single(values));
    table::<f64>("float64", |values| Map::Double(values));
    apart::<f32>("float32");
    apart::<f64>("float64");
}
