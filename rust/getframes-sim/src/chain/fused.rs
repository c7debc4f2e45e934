//! A fused run: neighbouring stages that look at one pixel only, tile by tile, over a frame or the whole sensor.

use super::region::Region;
use super::tile::{Bad, Held, Tile, cut};
use super::{Output, Stage, Working};
use crate::neighbour::Neighbour;
use crate::overscan::Part;
use crate::{binning, digitize};
use getframes_core::Real;
use getframes_core::pool::Cancel;
use getframes_core::simd::{self, Kernel};
use getframes_core::variate::TILE;
use rayon::prelude::*;

/// Pixels that one task takes.
const CHUNK: usize = 64 * TILE;

/// Frames with fewer pixels run on the calling thread: waking the pool would cost more.
pub const SMALL: usize = 2 * CHUNK;

/// A fused run over the frame.
pub(super) fn last<T: Working>(
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
        Output::Adu { counts, max_adu } => sweep(counts, held, Steps::even(chunk), small, |first, counts, held| {
            simd::dispatch(Task { run, first, held, target: Target::Adu(counts, max_adu), row: None })
        }),
        Output::Values(values) => sweep(values, held, Steps::even(chunk), small, |first, values, held| {
            simd::dispatch(Task { run, first, held, target: Target::Values(values), row: None })
        }),
        Output::AduPart { part: Part { counts, pitch, width }, max_adu, factor: 1 } => {
            // Some rows together: a task takes a while to begin.
            let rows = (CHUNK / width.max(1)).max(1);
            let steps = Steps { chunk: rows * pitch, pitch: rows * pitch, pixels: rows * width.max(1) };
            sweep(counts, held, steps, small, |first, counts, held| {
                let (first, target) = (first / pitch * width, Target::Adu(counts, max_adu));
                simd::dispatch(Task { run, first, held, target, row: Some([width, pitch]) })
            })
        }
        Output::AduPart { part: Part { counts, pitch, .. }, max_adu, factor } => {
            let rows = Steps { pitch, ..rows_of_blocks(region, factor) };
            sweep(counts, held, rows, small, |first, counts, held| {
                simd::dispatch(Blocks { run, first, factor, held, target: Target::Adu(counts, max_adu) })
            })
        }
        Output::AduSums { counts, max_adu, factor } => {
            sweep(counts, held, rows_of_blocks(region, factor), small, |first, counts, held| {
                simd::dispatch(Blocks { run, first, factor, held, target: Target::Adu(counts, max_adu) })
            })
        }
        Output::ValueSums { values, factor } => {
            sweep(values, held, rows_of_blocks(region, factor), small, |first, values, held| {
                simd::dispatch(Blocks { run, first, factor, held, target: Target::Values(values) })
            })
        }
    }
}

/// How a frame is cut into tasks.
struct Steps {
    /// Values that one task writes.
    chunk: usize,
    /// Values from where it begins to where the next one does.
    pitch: usize,
    /// Pixels that go into its values.
    pixels: usize,
}

impl Steps {
    /// One behind the other, of one pixel a value.
    fn even(chunk: usize) -> Self {
        Self { chunk, pitch: chunk, pixels: chunk }
    }
}

/// Blocks that lie beside each other.
fn rows_of_blocks(region: Region, factor: usize) -> Steps {
    let chunk = (region.shape[1] / factor).max(1);
    Steps { chunk, pitch: chunk, pixels: (region.shape[1] * factor).max(1) }
}

/// A fused run over the whole sensor, of which the frame may be a part.
pub(super) fn across<T: Working>(
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
    sweep(image, held, Steps::even(sensor_width), small, |first, row, mut held| {
        let task = |stages, region, first, values, held| {
            let run = Run { stages, region, source, cancel };
            simd::dispatch(Task { run, first, held, target: Target::Values(values), row: None })
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

/// Works through the output task by task, in the pool unless the frame is small; the first bad value in row-major order wins.
fn sweep<V: Send, T: Send>(
    out: &mut [V],
    mut held: Held<'_, T>,
    Steps { chunk, pitch, pixels }: Steps,
    small: bool,
    work: impl Fn(usize, &mut [V], Held<'_, T>) -> Option<Bad> + Sync,
) -> Option<Bad> {
    let first = |one: Bad, two: Bad| if one.index <= two.index { one } else { two };
    let tasks = out.chunks_mut(pitch).enumerate().map(|(n, out)| {
        let written = chunk.min(out.len());
        (n * chunk, &mut out[..written], cut(&mut held, pixels))
    });
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
pub(super) enum Source<'a, T> {
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
    /// Pixels of a row, and values from one row to the next, where rows are parts of longer ones.
    row: Option<[usize; 2]>,
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
        let [width, pitch] = self.row.unwrap_or([length, length]);
        let mut bench = Bench::new();
        let (mut target, mut held) = (self.target, self.held);
        let (mut bad, mut done, mut row, mut column) = (None, self.first, 0, 0);
        while row + column < length && bad.is_none() {
            let (count, at) = (TILE.min(width - column), row + column);
            match &target {
                Target::Adu(counts, _) => simd::prefetch(&counts[at..at + count]),
                Target::Values(out) => simd::prefetch(&out[at..at + count]),
            }
            let kept = cut(&mut held, count);
            for next in &held {
                simd::prefetch(&next[..next.len().min(TILE)]);
            }
            let (values, broken) = self.run.tile(&mut bench, kept, done, count);
            match &mut target {
                Target::Adu(counts, max_adu) => digitize::write(values, *max_adu, &mut counts[at..at + count]),
                Target::Values(out) => out[at..at + count].copy_from_slice(values),
            }
            bad = broken;
            done += count;
            column += count;
            if column == width {
                (row, column) = (row + pitch, 0);
            }
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
