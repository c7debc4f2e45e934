//! The chain: a list of stages, run fused, tile by tile, while a tile is in the L1 cache.
//!
//! A pixel-local stage reads and writes the values of its tile and nothing else; words are addressed by the pixel on the sensor. So the
//! result does not depend on tiles, threads or order, and running the stages one at a time over the whole image gives the same bits.
//!
//! A stage that looks at other pixels ([`crate::neighbour`]) stands between two fused runs: the first leaves an image of the whole sensor,
//! which the stage changes in place (blooming), or reads while the second run loads its tiles (charge transfer, interpixel capacitance).

use crate::amplifier::Amplifier;
use crate::binning::Binning;
use crate::blooming::Blooming;
use crate::cosmic_ray::CosmicRays;
use crate::cti::Cti;
use crate::dark::Dark;
use crate::defects::Defects;
use crate::extra::Extra;
use crate::full_well::FullWell;
use crate::gain::Gain;
use crate::input::Input;
use crate::ipc::Ipc;
use crate::neighbour::neighbour;
use crate::nonlinearity::Nonlinearity;
use crate::offset::Offset;
use crate::overscan::Part;
use crate::photo::Photo;
use crate::ramp::Accumulate;
use crate::read_noise::ReadNoise;
use crate::shot::{ClockInducedCharge, Shot};
use fused::{Source, across, last};
use getframes_core::map::Map;
use getframes_core::pool::Cancel;
use getframes_core::variate::{gamma, normal};
use getframes_core::{Error, Real};

mod fused;
mod region;
#[cfg(test)]
mod tests;
mod tile;

pub use fused::SMALL;
pub use region::Region;
pub use tile::{Bad, Held, Tile, check};

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
    /// Counts of single pixels, summed over blocks (of one pixel: as they are), in a part of a larger frame.
    AduPart {
        /// Where they go.
        part: Part<'a>,
        /// 2^bits - 1; of b^2 pixels it must fit into 32 bits.
        max_adu: u32,
        /// Pixels on the side of a block; divides the part.
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

/// The charge that some of the stages hold.
fn of_run<'b, T>(held: &'b mut Held<'_, T>, stages: &[Stage<'_>]) -> Held<'b, T> {
    let used = |slot| stages.iter().any(|stage| matches!(stage, Stage::Accumulate(stage) if stage.slot == slot));
    let [one, two] = held;
    [if used(0) { &mut **one } else { &mut [] }, if used(1) { &mut **two } else { &mut [] }]
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
