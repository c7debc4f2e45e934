use super::*;
use getframes_core::map::Map;
use getframes_core::{Kind, StageId, Stream, pool, simd};

fn stream(stage: StageId) -> Stream {
    Stream { key: 11, frame: 4, kind: Kind::Light as u8, stage: stage as u8, draw: 0 }
}

fn stages(rate: Map<'_>) -> Vec<Stage<'_>> {
    vec![
        Stage::Photo(Photo { photon_rate: rate, background: Map::Uniform(0.5), factor: 0.9, prnu: Map::Uniform(1.0) }),
        Stage::Dark(Dark { dark_e: 0.3, multiplier: Map::Uniform(1.0), glow_e: 0.0, glow_shape: Map::Uniform(1.0) }),
        Stage::Shot(Shot { stream: stream(StageId::Shot) }),
        Stage::ClockInducedCharge(ClockInducedCharge::new(0.01, stream(StageId::ClockInducedCharge))),
        Stage::FullWell(FullWell { limit_e: 900.0, from_zero: false }),
        Stage::Gain(Gain {
            gain: 20.0,
            excess: 1.0,
            map: Map::Uniform(1.0),
            multiples: None,
            stream: stream(StageId::Gain),
        }),
        Stage::ReadNoise(ReadNoise { rms_e: Map::Uniform(8.0), factor: 1.0, stream: stream(StageId::ReadNoise) }),
        Stage::Amplifier(Amplifier { gain: Map::Uniform(2.0), bias_adu: 100.0, offset: Map::Uniform(0.0) }),
    ]
}

const WIDTH: usize = 413;
const HEIGHT: usize = 311;

fn rates() -> Vec<f64> {
    (0..WIDTH * HEIGHT).map(|pixel| (pixel % 701) as f64 * 0.13).collect()
}

fn whole(stages: &[Stage<'_>]) -> Vec<u32> {
    let region = Region::whole([HEIGHT, WIDTH]);
    let mut counts = vec![0; region.pixels()];
    run::<f64>(stages, region, Output::Adu { counts: &mut counts, max_adu: 65535 }, &Cancel::default()).unwrap();
    counts
}

/// Threads and SIMD levels change nothing of a result.
fn same_everywhere<R: PartialEq + std::fmt::Debug + Send>(result: impl Fn() -> R + Sync) {
    let alone = result();
    for threads in [1, 2, 3] {
        pool::set_num_threads(threads);
        for level in simd::available() {
            assert!(simd::choose(Some(level.name())));
            assert_eq!(pool::install(|| Ok(result())).as_ref(), Ok(&alone));
        }
    }
    simd::choose(None);
    pool::set_num_threads(0);
}

#[test]
fn threads_and_levels_change_nothing() {
    let rates = rates();
    let stages = stages(Map::Double(&rates));
    same_everywhere(|| whole(&stages));
}

#[test]
fn fused_and_unfused_agree() {
    let rates = rates();
    let stages = stages(Map::Double(&rates));
    let region = Region::whole([HEIGHT, WIDTH]);
    let mut values = vec![0.0; region.pixels()];
    for stage in &stages[..3] {
        let before = values.clone();
        let one = [Stage::Input(Input { electrons: Map::Double(&before) }), *stage];
        run(&one, region, Output::Values(&mut values), &Cancel::default()).unwrap();
    }
    let mut fused = vec![0.0; region.pixels()];
    run(&stages[..3], region, Output::Values(&mut fused), &Cancel::default()).unwrap();
    assert_eq!(values, fused);
}

/// The chain with stages that look at other pixels: several, none, and nothing at all between them.
fn neighbourly(rate: Map<'_>) -> Vec<Stage<'_>> {
    let mut stages = stages(rate);
    let cti = Stage::Cti(Cti { cti: 1e-4 });
    stages.splice(4..5, [Stage::Blooming(Blooming { limit_e: 60.0 }), cti, Stage::Ipc(Ipc { coupling: 0.01 })]);
    stages.insert(8, Stage::Ipc(Ipc { coupling: 0.02 }));
    stages
}

#[test]
fn neighbour_stages_do_not_depend_on_threads_or_levels() {
    let rates = rates();
    let stages = neighbourly(Map::Double(&rates));
    same_everywhere(|| whole(&stages));
}

#[test]
fn neighbour_stages_fused_and_unfused_agree() {
    let rates = rates();
    let stages = neighbourly(Map::Double(&rates));
    let region = Region::whole([HEIGHT, WIDTH]);
    let mut values = vec![0.0; region.pixels()];
    run(&stages[..1], region, Output::Values(&mut values), &Cancel::default()).unwrap();
    for stage in &stages[1..] {
        let before = values.clone();
        let one = [Stage::Input(Input { electrons: Map::Double(&before) }), *stage];
        run(&one, region, Output::Values(&mut values), &Cancel::default()).unwrap();
    }
    let mut fused = vec![0.0; region.pixels()];
    run(&stages, region, Output::Values(&mut fused), &Cancel::default()).unwrap();
    assert_eq!(values, fused);
}

/// Charge of two reads, the second on top of the first, with and without a neighbour stage behind the well.
fn read_twice(rates: &[f64], region: Region, coupling: Option<f64>) -> Vec<f64> {
    let mut stages = vec![
        Stage::Photo(Photo {
            photon_rate: Map::Double(rates),
            background: Map::Uniform(0.5),
            factor: 0.9,
            prnu: Map::Uniform(1.0),
        }),
        Stage::Accumulate(Accumulate { slot: 0, limit_e: 100.0, increment: true }),
        Stage::Accumulate(Accumulate { slot: 1, limit_e: f64::INFINITY, increment: false }),
    ];
    stages.extend(coupling.map(|coupling| Stage::Ipc(Ipc { coupling })));
    let size = extent(&stages, region);
    let (mut well, mut node, mut values) = (vec![0.0; size], vec![0.0; size], vec![0.0; region.pixels()]);
    for _ in 0..2 {
        let held: Held<'_, f64> = [&mut well, &mut node];
        run_in(&stages, region, Output::Values(&mut values), held, &mut Images::default(), &Cancel::default()).unwrap();
    }
    assert_eq!(well, node);
    values
}

#[test]
fn charge_stays_in_the_pixels_up_to_the_well() {
    let rates = rates();
    let expected: Vec<f64> = rates.iter().map(|rate| (2.0 * ((rate + 0.5) * 0.9)).min(100.0)).collect();
    assert_eq!(read_twice(&rates, Region::whole([HEIGHT, WIDTH]), None), expected);
}

#[test]
fn held_charge_of_a_region_is_that_of_its_pixels() {
    let (top, left, height, width) = (17, 39, 100, 250);
    let crop: Vec<f64> = rates().into_iter().take(height * width).collect();
    let region = Region { shape: [height, width], sensor: [HEIGHT, WIDTH], origin: [top, left], first: 0 };
    let alone = read_twice(&crop, region, None);
    // No coupling, but a stage that makes the whole sensor run.
    assert_eq!(read_twice(&crop, region, Some(0.0)), alone);
}

#[test]
fn held_charge_of_another_shape_is_an_error() {
    let stages = [Stage::Accumulate(Accumulate { slot: 1, limit_e: 1.0, increment: false })];
    let (mut one, mut values) = ([0.0f64; 11], [0.0; 12]);
    let held: Held<'_, f64> = [&mut [], &mut one];
    let output = Output::Values(&mut values);
    let error =
        run_in(&stages, Region::whole([3, 4]), output, held, &mut Images::default(), &Cancel::default()).unwrap_err();
    assert!(matches!(error, Error::Shape { .. }));
}

#[test]
fn a_region_with_neighbours_is_the_crop_of_a_sensor_that_is_lit_there() {
    let (top, left, height, width) = (17, 39, 100, 250);
    let crop: Vec<f64> = rates().into_iter().take(height * width).collect();
    let mut rates = vec![0.0; WIDTH * HEIGHT];
    for (y, row) in crop.chunks(width).enumerate() {
        rates[(top + y) * WIDTH + left..][..width].copy_from_slice(row);
    }
    let photo = |rate, background| Photo { photon_rate: rate, background, factor: 0.9, prnu: Map::Uniform(1.0) };
    let (mut stages, mut lit) = (neighbourly(Map::Double(&crop)), neighbourly(Map::Double(&rates)));
    stages[0] = Stage::Photo(photo(Map::Double(&crop), Map::Uniform(0.5)));
    lit[0] = Stage::Photo(photo(Map::Double(&rates), Map::Uniform(0.5)));
    let full = whole(&lit);
    let region = Region { shape: [height, width], sensor: [HEIGHT, WIDTH], origin: [top, left], first: 0 };
    let mut counts = vec![0; region.pixels()];
    let output = Output::Adu { counts: &mut counts, max_adu: 65535 };
    run::<f64>(&stages, region, output, &Cancel::default()).unwrap();
    for y in 0..height {
        let from = (top + y) * WIDTH + left;
        assert_eq!(counts[y * width..(y + 1) * width], full[from..from + width]);
    }
}

#[test]
fn a_region_is_the_crop_of_the_sensor() {
    let rates = rates();
    let full = whole(&stages(Map::Double(&rates)));
    let (top, left, height, width) = (17, 39, 100, 250);
    let crop: Vec<f64> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (y, x)))
        .map(|(y, x)| rates[(top + y) * WIDTH + left + x])
        .collect();
    let region = Region { shape: [height, width], sensor: [HEIGHT, WIDTH], origin: [top, left], first: 0 };
    let mut counts = vec![0; region.pixels()];
    let output = Output::Adu { counts: &mut counts, max_adu: 65535 };
    run::<f64>(&stages(Map::Double(&crop)), region, output, &Cancel::default()).unwrap();
    for y in 0..height {
        let from = (top + y) * WIDTH + left;
        assert_eq!(counts[y * width..(y + 1) * width], full[from..from + width]);
    }
}

const GRID: Region = Region { shape: [300, 396], sensor: [HEIGHT, WIDTH], origin: [6, 12], first: 0 };

fn digital(stages: &[Stage<'_>], factor: usize) -> Vec<u32> {
    let mut counts = vec![0; GRID.binned(factor).pixels()];
    let output = Output::AduSums { counts: &mut counts, max_adu: 65535, factor };
    run::<f64>(stages, GRID, output, &Cancel::default()).unwrap();
    counts
}

fn on_chip(stages: &[Stage<'_>], factor: usize) -> Vec<u32> {
    let mut stages = stages.to_vec();
    stages.insert(stages.len() - 2, Stage::Binning(Binning { factor }));
    let mut counts = vec![0; GRID.binned(factor).pixels()];
    let output = Output::Adu { counts: &mut counts, max_adu: 65535 };
    run::<f64>(&stages, GRID, output, &Cancel::default()).unwrap();
    counts
}

#[test]
fn digital_binning_sums_the_counts_of_a_frame() {
    let rates: Vec<f64> = rates().into_iter().take(GRID.pixels()).collect();
    for stages in [stages(Map::Double(&rates)), neighbourly(Map::Double(&rates))] {
        let mut single = vec![0; GRID.pixels()];
        let output = Output::Adu { counts: &mut single, max_adu: 65535 };
        run::<f64>(&stages, GRID, output, &Cancel::default()).unwrap();
        for factor in [1, 2, 3, 4, 6, 12] {
            let [_, width] = GRID.binned(factor).shape;
            for (at, sum) in digital(&stages, factor).into_iter().enumerate() {
                let (row, column) = (at / width * factor, at % width * factor);
                let block = (row..row + factor).flat_map(|y| &single[y * GRID.shape[1] + column..][..factor]);
                assert_eq!(sum, block.sum::<u32>());
            }
        }
    }
}

#[test]
fn binning_does_not_depend_on_threads_or_levels() {
    let rates: Vec<f64> = rates().into_iter().take(GRID.pixels()).collect();
    let stages = neighbourly(Map::Double(&rates));
    same_everywhere(|| (digital(&stages, 3), on_chip(&stages, 3)));
}

#[test]
fn images_are_used_again() {
    let rates = rates();
    let stages = neighbourly(Map::Double(&rates));
    let region = Region::whole([HEIGHT, WIDTH]);
    let mut images = Images::default();
    let mut once = || {
        let mut counts = vec![0; region.pixels()];
        let output = Output::Adu { counts: &mut counts, max_adu: 65535 };
        run_in::<f64>(&stages, region, output, [&mut [], &mut []], &mut images, &Cancel::default()).unwrap();
        (counts, images.image.as_ptr().min(images.next.as_ptr()), images.bytes())
    };
    let first = once();
    assert_eq!(once(), first);
    assert_eq!(first.0, whole(&stages));
}

#[test]
fn bad_light_is_named_and_placed() {
    for (value, shown) in [(-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let mut rates = rates();
        rates[5 * WIDTH + 7] = value;
        rates[200 * WIDTH] = value;
        let region = Region::whole([HEIGHT, WIDTH]);
        let mut counts = vec![0; region.pixels()];
        let output = Output::Adu { counts: &mut counts, max_adu: 65535 };
        let error = run::<f32>(&stages(Map::Double(&rates)), region, output, &Cancel::default()).unwrap_err();
        assert_eq!(error.to_string(), format!("photon_rate must be finite and >= 0, got {shown} at (y, x) = (5, 7)"));
    }
}
