//! The chain: a list of stages, run fused, tile by tile, while a tile is in the L1 cache.
//!
//! A pixel-local stage reads and writes the values of its tile and nothing else; words are addressed by the pixel on the sensor. So the
//! result does not depend on tiles, threads or order, and running the stages one at a time over the whole image gives the same bits.
//!
//! A stage that looks at other pixels ([`crate::neighbour`]) stands between two fused runs: the first leaves an image of the whole sensor,
//! which the stage changes in place (blooming), or reads while the second run loads its tiles (charge transfer, interpixel capacitance).

use crate::amplifier::Amplifier;
use crate::binning::{self, Binning};
use crate::blooming::Blooming;
use crate::cosmic_ray::CosmicRays;
use crate::cti::Cti;
use crate::dark::Dark;
use crate::defects::Defects;
use crate::digitize;
use crate::extra::Extra;
use crate::full_well::FullWell;
use crate::gain::Gain;
use crate::input::Input;
use crate::ipc::Ipc;
use crate::neighbour::{Neighbour, neighbour};
use crate::nonlinearity::Nonlinearity;
use crate::offset::Offset;
use crate::photo::Photo;
use crate::ramp::Accumulate;
use crate::read_noise::ReadNoise;
use crate::shot::{ClockInducedCharge, Shot};
use getframes_core::map::Map;
use getframes_core::pool::Cancel;
use getframes_core::simd::{self, Kernel};
use getframes_core::stream::Stream;
use getframes_core::variate::{TILE, gamma, normal};
use getframes_core::{Error, Real};
use rayon::prelude::*;

/// A precision the chain runs in.
pub trait Working: normal::Quantile + gamma::Fitted {
    /// Values as a map.
    fn map(values: &[Self]) -> Map<'_>;
}

impl Working for f32 {
    fn map(values: &[Self]) -> Map<'_> {
        Map::Single(values)
    }
}

impl Working for f64 {
    fn map(values: &[Self]) -> Map<'_> {
        Map::Double(values)
    }
}

/// One stage of the chain.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Stage<'a> {
    Input(Input<'a>),
    Photo(Photo<'a>),
    Dark(Dark<'a>),
    Extra(Extra<'a>),
    Shot(Shot),
    ClockInducedCharge(ClockInducedCharge),
    CosmicRays(CosmicRays<'a>),
    FullWell(FullWell),
    Accumulate(Accumulate),
    Blooming(Blooming),
    Cti(Cti),
    Ipc(Ipc),
    Nonlinearity(Nonlinearity),
    Gain(Gain<'a>),
    Binning(Binning),
    Defects(Defects<'a>),
    ReadNoise(ReadNoise<'a>),
    Amplifier(Amplifier<'a>),
    Offset(Offset<'a>),
}

/// A frame, and where it lies on its sensor.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    /// Height and width of the frame.
    pub shape: [usize; 2],
    /// Height and width of the sensor.
    pub sensor: [usize; 2],
    /// Row and column of the sensor under the frame's first pixel.
    pub origin: [usize; 2],
    /// Address of the sensor's first pixel: 0, but for pixels that are read beyond those of a sensor.
    pub first: usize,
}

impl Region {
    /// A whole sensor.
    pub fn whole(sensor: [usize; 2]) -> Self {
        Self { shape: sensor, sensor, origin: [0, 0], first: 0 }
    }

    /// The grid of super pixels of `factor` x `factor` pixels.
    pub fn binned(self, factor: usize) -> Self {
        let whole = |[rows, columns]: [usize; 2]| [rows / factor, columns / factor];
        let Self { shape, sensor, origin, first } = self;
        Self { shape: whole(shape), sensor: whole(sensor), origin: whole(origin), first }
    }

    fn covers_rows(&self) -> bool {
        self.origin[1] == 0 && self.shape[1] == self.sensor[1]
    }

    fn is_whole(&self) -> bool {
        self.origin == [0, 0] && self.shape == self.sensor
    }

    /// Pixels of the frame.
    pub fn pixels(&self) -> usize {
        self.shape[0] * self.shape[1]
    }
}

/// What the chain writes.
pub enum Output<'a, T> {
    /// Whole counts, clipped to `0 ..= max_adu`.
    Adu {
        /// One count a pixel.
        counts: &'a mut [u32],
        /// 2^bits - 1.
        max_adu: u32,
    },
    /// The values as they leave the last stage.
    Values(&'a mut [T]),
    /// Counts of single pixels, summed over blocks.
    AduSums {
        /// One sum a block.
        counts: &'a mut [u32],
        /// 2^bits - 1; of b^2 pixels it must fit into 32 bits.
        max_adu: u32,
        /// Pixels on the side of a block; divides the frame.
        factor: usize,
    },
    /// The values, summed over blocks.
    ValueSums {
        /// One sum a block.
        values: &'a mut [T],
        /// Pixels on the side of a block; divides the frame.
        factor: usize,
    },
}

/// Room for the images between runs, which the next frame can use again.
#[derive(Debug, Default)]
pub struct Images<T> {
    image: Vec<T>,
    next: Vec<T>,
    sums: Vec<T>,
}

impl<T> Images<T> {
    /// What they hold now [bytes].
    pub fn bytes(&self) -> usize {
        (self.image.len() + self.next.len() + self.sums.len()) * size_of::<T>()
    }
}

fn make_room<T: Real>(image: &mut Vec<T>, pixels: usize) {
    if image.len() != pixels {
        // What was there goes first.
        *image = Vec::new();
        *image = vec![T::ZERO; pixels];
    }
}

/// Charge that pixels hold from one run to the next, one image a slot ([`Accumulate`]); empty where nothing is held.
pub type Held<'a, T> = [&'a mut [T]; 2];

/// The charge of the next `count` pixels; what comes after them stays.
#[inline(always)]
fn cut<'a, T>(held: &mut Held<'a, T>, count: usize) -> Held<'a, T> {
    let [one, two] = held;
    [one, two].map(|rest| {
        let whole = std::mem::take(rest);
        let (now, later) = whole.split_at_mut(count.min(whole.len()));
        *rest = later;
        now
    })
}

/// The charge that some of the stages hold.
fn of_run<'b, T>(held: &'b mut Held<'_, T>, stages: &[Stage<'_>]) -> Held<'b, T> {
    let used = |slot| stages.iter().any(|stage| matches!(stage, Stage::Accumulate(stage) if stage.slot == slot));
    let [one, two] = held;
    [if used(0) { &mut **one } else { &mut [] }, if used(1) { &mut **two } else { &mut [] }]
}

/// A value that broke the rule of an input.
#[derive(Clone, Copy, Debug)]
pub struct Bad {
    name: &'static str,
    value: f64,
    index: usize,
}

/// Some consecutive pixels of one row, and the buffers they need.
pub struct Tile<'a, T> {
    /// Their first pixel in the frame.
    pub out: usize,
    /// Their first pixel on the sensor.
    pub sensor: usize,
    /// The address of that pixel in the random contract.
    pub address: u64,
    /// Charge, or whatever the stages before made.
    pub value: &'a mut [T],
    /// Room for the values of a stage that cannot work in place; such a stage swaps the two.
    pub spare: &'a mut [T],
    /// More room for a map or for draws.
    pub scratch: &'a mut [T],
    /// What these pixels hold from one run to the next, by slot.
    pub held: Held<'a, T>,
    /// Room for words.
    pub words: &'a mut [u32; TILE],
    /// The first value that broke a rule.
    pub bad: Option<Bad>,
}

impl<T: Real> Tile<'_, T> {
    /// Fills the words of these pixels.
    #[inline(always)]
    pub fn draw(&mut self, stream: &Stream) {
        stream.fill_inline(self.address, &mut self.words[..self.value.len()]);
    }
}

/// Notes the first value that is negative, infinite or not a number; gives the largest.
#[inline(always)]
pub fn check<T: Real>(name: &'static str, values: &[T], out: usize, bad: &mut Option<Bad>) -> T::Order {
    let (mut least, mut most) = (T::ZERO.order(), T::ZERO.order());
    for value in values {
        least = least.min(value.order());
        most = most.max(value.order());
    }
    if least < T::ZERO.order() || most >= T::of(f64::INFINITY).order() {
        note(name, values, out, bad);
    }
    most
}

#[cold]
#[inline(never)]
fn note<T: Real>(name: &'static str, values: &[T], out: usize, bad: &mut Option<Bad>) {
    // A negative zero sorts as negative but breaks no rule.
    let broken = values.iter().position(|&value| !(value.is_finite() && value >= T::ZERO));
    if let (Some(lane), None) = (broken, &bad) {
        *bad = Some(Bad { name, value: values[lane].wide(), index: out + lane });
    }
}

impl Stage<'_> {
    #[inline(always)]
    fn apply<T: Working>(&self, tile: &mut Tile<'_, T>) {
        match self {
            Self::Input(stage) => stage.apply(tile),
            Self::Photo(stage) => stage.apply(tile),
            Self::Dark(stage) => stage.apply(tile),
            Self::Extra(stage) => stage.apply(tile),
            Self::Shot(stage) => stage.apply(tile),
            Self::ClockInducedCharge(stage) => stage.apply(tile),
            Self::CosmicRays(stage) => stage.apply(tile),
            Self::FullWell(stage) => stage.apply(tile),
            Self::Accumulate(stage) => stage.apply(tile),
            Self::Nonlinearity(stage) => stage.apply(tile),
            Self::Gain(stage) => stage.apply(tile),
            Self::Defects(stage) => stage.apply(tile),
            Self::ReadNoise(stage) => stage.apply(tile),
            Self::Amplifier(stage) => stage.apply(tile),
            Self::Offset(stage) => stage.apply(tile),
            // These stand between runs.
            Self::Blooming(_) | Self::Cti(_) | Self::Ipc(_) | Self::Binning(_) => {}
        }
    }

    /// The stage outside the frame, where what is known of the frame alone is nothing.
    fn outside(mut self) -> Self {
        match &mut self {
            Self::Input(stage) => stage.electrons = stage.electrons.outside(),
            Self::Photo(stage) => {
                (stage.photon_rate, stage.background) = (stage.photon_rate.outside(), stage.background.outside());
            }
            Self::Extra(stage) => stage.extra_electrons = stage.extra_electrons.outside(),
            Self::Offset(stage) if !stage.over_sensor => stage.offset = stage.offset.outside(),
            _ => {}
        }
        self
    }
}

/// Pixels that one task takes.
const CHUNK: usize = 64 * TILE;

/// Frames with fewer pixels run on the calling thread: waking the pool would cost more.
pub const SMALL: usize = 2 * CHUNK;

/// Pixels that a run works on: the whole sensor where a stage looks at other pixels.
pub fn extent(stages: &[Stage<'_>], region: Region) -> usize {
    if stages.iter().any(|stage| neighbour(stage).is_some()) {
        return Region::whole(region.sensor).pixels();
    }
    region.pixels()
}

/// Runs the stages over a frame.
///
/// Where a stage looks at other pixels, everything before it runs on the whole sensor; maps of a frame that is a part of the sensor are 0
/// outside it, and numbers hold everywhere.
///
/// # Errors
/// [`Error::Domain`] for the first pixel (in row-major order) of an input that is negative, infinite or not a number: the output is then
/// not to be used. [`Error::Interrupted`] when cancelled.
pub fn run<T: Working>(
    stages: &[Stage<'_>],
    region: Region,
    output: Output<'_, T>,
    cancel: &Cancel,
) -> Result<(), Error> {
    run_in(stages, region, output, [&mut [], &mut []], &mut Images::default(), cancel)
}

/// Runs the stages over a frame whose pixels may hold charge already, and leaves what they hold then; the images between runs lie in room
/// that may be there already.
///
/// # Errors
/// As [`run`]; [`Error::Shape`] when a slot that a stage asks for is not an image of what its run covers: of the whole sensor where a stage
/// that looks at other pixels comes later, of the frame otherwise.
pub fn run_in<T: Working>(
    stages: &[Stage<'_>],
    region: Region,
    output: Output<'_, T>,
    held: Held<'_, T>,
    images: &mut Images<T>,
    cancel: &Cancel,
) -> Result<(), Error> {
    let binning = |(at, stage): (usize, &Stage<'_>)| match stage {
        Stage::Binning(Binning { factor }) => Some((at, *factor)),
        _ => None,
    };
    let Some((at, factor)) = stages.iter().enumerate().find_map(binning) else {
        return run_on_grid(stages, region, output, held, images, cancel);
    };
    let mut sums = std::mem::take(&mut images.sums);
    make_room(&mut sums, region.binned(factor).pixels());
    let summed = Output::ValueSums { values: &mut sums, factor };
    let done = run_on_grid(&stages[..at], region, summed, held, images, cancel).and_then(|()| {
        let mut after = vec![Stage::Input(Input { electrons: T::map(&sums) })];
        after.extend_from_slice(&stages[at + 1..]);
        run_in(&after, region.binned(factor), output, [&mut [], &mut []], images, cancel)
    });
    images.sums = sums;
    done
}

/// Runs stages that keep the grid of pixels.
fn run_on_grid<T: Working>(
    stages: &[Stage<'_>],
    region: Region,
    output: Output<'_, T>,
    mut held: Held<'_, T>,
    images: &mut Images<T>,
    cancel: &Cancel,
) -> Result<(), Error> {
    fits(stages, region, &held)?;
    let Images { image, next, .. } = images;
    let (mut waiting, mut rest, mut is_empty) = (None, stages, true);
    while let Some((at, stage)) = rest.iter().enumerate().find_map(|(at, stage)| Some((at, neighbour(stage)?))) {
        // An image that nothing has to be done to but this stage stays where it is.
        if is_empty || at > 0 || waiting.is_some() {
            make_room(next, Region::whole(region.sensor).pixels());
            let source = if is_empty { Source::Nothing } else { Source::Image(image, waiting) };
            let kept = of_run(&mut held, &rest[..at]);
            outcome(across(&rest[..at], region, source, next, kept, cancel), region, cancel)?;
            std::mem::swap(image, next);
            is_empty = false;
        }
        let parallel = image.len() >= SMALL;
        waiting = stage.settle(image, region.sensor, parallel, cancel);
        rest = &rest[at + 1..];
    }
    let source = if is_empty { Source::Nothing } else { Source::Image(image, waiting) };
    let kept = of_run(&mut held, rest);
    outcome(last(rest, region, source, output, kept, cancel), region, cancel)
}

/// Held charge must lie over the pixels that a run works on.
fn fits<T>(stages: &[Stage<'_>], region: Region, held: &Held<'_, T>) -> Result<(), Error> {
    for (at, stage) in stages.iter().enumerate() {
        if let Stage::Accumulate(stage) = stage {
            let got = held.get(stage.slot).map_or(0, |charge| charge.len());
            Error::same_shape("held charge", &[got], &[extent(&stages[at..], region)])?;
        }
    }
    Ok(())
}

/// The end of a run.
fn outcome(bad: Option<Bad>, region: Region, cancel: &Cancel) -> Result<(), Error> {
    if cancel.is_cancelled() {
        return Err(Error::Interrupted);
    }
    bad.map_or(Ok(()), |bad| {
        let (y, x) = (bad.index / region.shape[1], bad.index % region.shape[1]);
        Err(Error::Domain {
            name: bad.name,
            rule: "finite and >= 0",
            value: bad.value,
            place: format!(" at (y, x) = ({y}, {x})"),
        })
    })
}

/// A fused run over the frame.
fn last<T: Working>(
    stages: &[Stage<'_>],
    region: Region,
    source: Source<'_, T>,
    output: Output<'_, T>,
    held: Held<'_, T>,
    cancel: &Cancel,
) -> Option<Bad> {
    // Whole rows are one long run of pixels; otherwise a task is a row.
    let chunk = if region.covers_rows() { CHUNK } else { region.shape[1].max(1) };
    let run = Run { stages, region, source, cancel };
    let small = region.pixels() < SMALL;
    match output {
        Output::Adu { counts, max_adu } => sweep(counts, held, chunk, chunk, small, |first, counts, held| {
            simd::dispatch(Task { run, first, held, target: Target::Adu(counts, max_adu) })
        }),
        Output::Values(values) => sweep(values, held, chunk, chunk, small, |first, values, held| {
            simd::dispatch(Task { run, first, held, target: Target::Values(values) })
        }),
        Output::AduSums { counts, max_adu, factor } => {
            let (chunk, pixels) = rows_of_blocks(region, factor);
            sweep(counts, held, chunk, pixels, small, |first, counts, held| {
                simd::dispatch(Blocks { run, first, factor, held, target: Target::Adu(counts, max_adu) })
            })
        }
        Output::ValueSums { values, factor } => {
            let (chunk, pixels) = rows_of_blocks(region, factor);
            sweep(values, held, chunk, pixels, small, |first, values, held| {
                simd::dispatch(Blocks { run, first, factor, held, target: Target::Values(values) })
            })
        }
    }
}

/// Blocks that lie beside each other, and the pixels in them.
fn rows_of_blocks(region: Region, factor: usize) -> (usize, usize) {
    ((region.shape[1] / factor).max(1), (region.shape[1] * factor).max(1))
}

/// A fused run over the whole sensor, of which the frame may be a part.
fn across<T: Working>(
    stages: &[Stage<'_>],
    region: Region,
    source: Source<'_, T>,
    image: &mut [T],
    held: Held<'_, T>,
    cancel: &Cancel,
) -> Option<Bad> {
    if region.is_whole() {
        return last(stages, region, source, Output::Values(image), held, cancel);
    }
    let outside: Vec<Stage<'_>> = stages.iter().map(|stage| stage.outside()).collect();
    let whole = Region { first: region.first, ..Region::whole(region.sensor) };
    let ([top, left], [height, width]) = (region.origin, region.shape);
    let (sensor_width, small) = (region.sensor[1], image.len() < SMALL);
    sweep(image, held, sensor_width, sensor_width, small, |first, row, mut held| {
        let task = |stages, region, first, values, held| {
            let run = Run { stages, region, source, cancel };
            simd::dispatch(Task { run, first, held, target: Target::Values(values) })
        };
        let y = first / whole.shape[1];
        if y < top || y >= top + height {
            return task(&outside, whole, first, row, held);
        }
        let (before, rest) = row.split_at_mut(left);
        let (inside, after) = rest.split_at_mut(width);
        task(&outside, whole, first, before, cut(&mut held, left));
        let kept = cut(&mut held, width);
        task(&outside, whole, first + left + width, after, held);
        task(stages, region, (y - top) * width, inside, kept)
    })
}

/// Works through the output in chunks of so many values, each of which takes `pixels`, in the pool unless the frame is small; the first bad
/// value in row-major order wins.
fn sweep<V: Send, T: Send>(
    out: &mut [V],
    mut held: Held<'_, T>,
    chunk: usize,
    pixels: usize,
    small: bool,
    work: impl Fn(usize, &mut [V], Held<'_, T>) -> Option<Bad> + Sync,
) -> Option<Bad> {
    let first = |one: Bad, two: Bad| if one.index <= two.index { one } else { two };
    let tasks = out.chunks_mut(chunk).enumerate().map(|(n, out)| (n * chunk, out, cut(&mut held, pixels)));
    if small {
        return tasks.filter_map(|(n, out, held)| work(n, out, held)).reduce(first);
    }
    let tasks: Vec<_> = tasks.collect();
    tasks
        .into_par_iter()
        .with_min_len((CHUNK / pixels).max(1))
        .filter_map(|(n, out, held)| work(n, out, held))
        .reduce_with(first)
}

enum Target<'a, T> {
    Adu(&'a mut [u32], u32),
    Values(&'a mut [T]),
}

/// What a tile starts from.
#[derive(Clone, Copy)]
enum Source<'a, T> {
    /// 0.
    Nothing,
    /// An image of the whole sensor, and a neighbour stage that it has still to go through.
    Image(&'a [T], Option<Neighbour>),
}

impl<T: Real> Source<'_, T> {
    #[inline(always)]
    fn load(&self, shape: [usize; 2], sensor: usize, tile: &mut [T]) {
        match self {
            Self::Nothing => tile.fill(T::ZERO),
            Self::Image(image, None) => tile.copy_from_slice(&image[sensor..sensor + tile.len()]),
            Self::Image(image, Some(stage)) => stage.gather(image, shape, sensor, tile),
        }
    }
}

/// A fused run over a frame.
#[derive(Clone, Copy)]
struct Run<'a, T> {
    stages: &'a [Stage<'a>],
    region: Region,
    source: Source<'a, T>,
    cancel: &'a Cancel,
}

/// What a tile works in.
struct Bench<T> {
    values: [T; TILE],
    spare: [T; TILE],
    scratch: [T; TILE],
    words: [u32; TILE],
}

impl<T: Real> Bench<T> {
    #[inline(always)]
    fn new() -> Self {
        Self { values: [T::ZERO; TILE], spare: [T::ZERO; TILE], scratch: [T::ZERO; TILE], words: [0; TILE] }
    }
}

impl<T: Working> Run<'_, T> {
    /// Takes the pixels of the frame from `out` on through all stages; gives what they become.
    #[inline(always)]
    fn tile<'b>(&self, bench: &'b mut Bench<T>, held: Held<'b, T>, out: usize, count: usize) -> (&'b [T], Option<Bad>) {
        let Region { shape, sensor: [_, width], origin: [top, left], first } = self.region;
        let sensor = (top + out / shape[1]) * width + left + out % shape[1];
        let Bench { values, spare, scratch, words } = bench;
        let (value, spare, scratch) = (&mut values[..count], &mut spare[..count], &mut scratch[..count]);
        self.source.load(self.region.sensor, sensor, value);
        let address = (first + sensor) as u64;
        let mut tile = Tile { out, sensor, address, value, spare, scratch, held, words, bad: None };
        for stage in self.stages {
            stage.apply(&mut tile);
        }
        (tile.value, tile.bad)
    }
}

/// Consecutive pixels.
struct Task<'a, T> {
    run: Run<'a, T>,
    first: usize,
    held: Held<'a, T>,
    target: Target<'a, T>,
}

impl<T: Working> Kernel for Task<'_, T> {
    type Output = Option<Bad>;

    #[inline(always)]
    fn run(self) -> Option<Bad> {
        if self.run.cancel.is_cancelled() {
            return None;
        }
        let length = match &self.target {
            Target::Adu(counts, _) => counts.len(),
            Target::Values(values) => values.len(),
        };
        let mut bench = Bench::new();
        let (mut target, mut held) = (self.target, self.held);
        let (mut bad, mut done) = (None, 0);
        while done < length && bad.is_none() {
            let count = TILE.min(length - done);
            match &target {
                Target::Adu(counts, _) => simd::prefetch(&counts[done..done + count]),
                Target::Values(out) => simd::prefetch(&out[done..done + count]),
            }
            let kept = cut(&mut held, count);
            for next in &held {
                simd::prefetch(&next[..next.len().min(TILE)]);
            }
            let (values, broken) = self.run.tile(&mut bench, kept, self.first + done, count);
            match &mut target {
                Target::Adu(counts, max_adu) => digitize::write(values, *max_adu, &mut counts[done..done + count]),
                Target::Values(out) => out[done..done + count].copy_from_slice(values),
            }
            bad = broken;
            done += count;
        }
        bad
    }
}

/// Blocks of pixels, whole rows of blocks at a time.
struct Blocks<'a, T> {
    run: Run<'a, T>,
    first: usize,
    factor: usize,
    held: Held<'a, T>,
    target: Target<'a, T>,
}

impl<T: Working> Kernel for Blocks<'_, T> {
    type Output = Option<Bad>;

    #[inline(always)]
    fn run(self) -> Option<Bad> {
        let Self { run, factor, mut held, mut target, .. } = self;
        if run.cancel.is_cancelled() {
            return None;
        }
        match &mut target {
            Target::Adu(counts, _) => counts.fill(0),
            Target::Values(values) => values.fill(T::ZERO),
        }
        let width = run.region.shape[1];
        let top = self.first / (width / factor) * factor;
        let mut bench = Bench::new();
        let mut counts = [0; TILE];
        for row in top..top + factor {
            let mut column = 0;
            while column < width {
                let count = TILE.min(width - column);
                let (values, bad) = run.tile(&mut bench, cut(&mut held, count), row * width + column, count);
                match &mut target {
                    Target::Adu(sums, max_adu) => {
                        digitize::write(values, *max_adu, &mut counts[..count]);
                        binning::add(&counts[..count], column, factor, sums);
                    }
                    Target::Values(sums) => binning::add(values, column, factor, sums),
                }
                if bad.is_some() {
                    return bad;
                }
                column += count;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use getframes_core::map::Map;
    use getframes_core::{Kind, StageId, pool};

    fn stream(stage: StageId) -> Stream {
        Stream { key: 11, frame: 4, kind: Kind::Light as u8, stage: stage as u8, draw: 0 }
    }

    fn stages(rate: Map<'_>) -> Vec<Stage<'_>> {
        vec![
            Stage::Photo(Photo {
                photon_rate: rate,
                background: Map::Uniform(0.5),
                factor: 0.9,
                prnu: Map::Uniform(1.0),
            }),
            Stage::Dark(Dark {
                dark_e: 0.3,
                multiplier: Map::Uniform(1.0),
                glow_e: 0.0,
                glow_shape: Map::Uniform(1.0),
            }),
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

    #[test]
    fn threads_and_levels_change_nothing() {
        let rates = rates();
        let stages = stages(Map::Double(&rates));
        let alone = whole(&stages);
        for threads in [1, 2, 3] {
            pool::set_num_threads(threads);
            for level in simd::available() {
                assert!(simd::choose(Some(level.name())));
                assert_eq!(pool::install(|| Ok(whole(&stages))), Ok(alone.clone()));
            }
        }
        simd::choose(None);
        pool::set_num_threads(0);
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
        let alone = whole(&stages);
        for threads in [1, 2, 3] {
            pool::set_num_threads(threads);
            for level in simd::available() {
                assert!(simd::choose(Some(level.name())));
                assert_eq!(pool::install(|| Ok(whole(&stages))), Ok(alone.clone()));
            }
        }
        simd::choose(None);
        pool::set_num_threads(0);
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
            run_in(&stages, region, Output::Values(&mut values), held, &mut Images::default(), &Cancel::default())
                .unwrap();
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
        let error = run_in(&stages, Region::whole([3, 4]), output, held, &mut Images::default(), &Cancel::default())
            .unwrap_err();
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
        let alone = (digital(&stages, 3), on_chip(&stages, 3));
        for threads in [1, 2, 3] {
            pool::set_num_threads(threads);
            for level in simd::available() {
                assert!(simd::choose(Some(level.name())));
                assert_eq!(pool::install(|| Ok((digital(&stages, 3), on_chip(&stages, 3)))), Ok(alone.clone()));
            }
        }
        simd::choose(None);
        pool::set_num_threads(0);
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
            assert_eq!(
                error.to_string(),
                format!("photon_rate must be finite and >= 0, got {shown} at (y, x) = (5, 7)")
            );
        }
    }
}
