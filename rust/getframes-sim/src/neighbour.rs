//! Stages that look at other pixels: they stand between fused runs, and work on the whole sensor.

use crate::blooming::Blooming;
use crate::chain::Stage;
use crate::cti::Cti;
use crate::ipc::Ipc;
use getframes_core::Real;
use getframes_core::pool::Cancel;

/// A stage that looks at other pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Neighbour {
    /// Whole columns, in place.
    Blooming(Blooming),
    /// Each pixel from itself and pixels of the image before it: done while the next run loads its tiles.
    Cti(Cti),
    /// The same.
    Ipc(Ipc),
}

/// The stage as a neighbour stage, if it is one.
pub(crate) fn neighbour(stage: &Stage<'_>) -> Option<Neighbour> {
    match stage {
        Stage::Blooming(stage) => Some(Neighbour::Blooming(*stage)),
        Stage::Cti(stage) => Some(Neighbour::Cti(*stage)),
        Stage::Ipc(stage) => Some(Neighbour::Ipc(*stage)),
        _ => None,
    }
}

impl Neighbour {
    /// Does what is done in place; gives what is left to the loading of tiles.
    pub(crate) fn settle<T: Real>(
        self,
        image: &mut [T],
        shape: [usize; 2],
        parallel: bool,
        cancel: &Cancel,
    ) -> Option<Self> {
        match self {
            Self::Blooming(stage) => stage.flow(image, shape, parallel, cancel),
            Self::Cti(_) | Self::Ipc(_) => return Some(self),
        }
        None
    }

    /// Pixels `first ..` of the sensor after this stage.
    #[inline(always)]
    pub(crate) fn gather<T: Real>(&self, image: &[T], shape: [usize; 2], first: usize, out: &mut [T]) {
        match self {
            Self::Blooming(_) => out.copy_from_slice(&image[first..first + out.len()]),
            Self::Cti(stage) => stage.gather(image, shape, first, out),
            Self::Ipc(stage) => stage.gather(image, shape, first, out),
        }
    }
}

/// The pieces of consecutive pixels of a sensor that lie in one row each.
pub(crate) struct Segments {
    width: usize,
    row: usize,
    column: usize,
    done: usize,
    count: usize,
}

/// Consecutive pixels of one row: they begin at `row` and `column` of the sensor, and are `from .. to` of all.
pub(crate) struct Segment {
    pub(crate) row: usize,
    pub(crate) column: usize,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// Cuts `count` pixels from pixel `first` of a sensor on where its rows end.
#[inline(always)]
pub(crate) fn segments(width: usize, first: usize, count: usize) -> Segments {
    Segments { width, row: first / width, column: first % width, done: 0, count }
}

impl Iterator for Segments {
    type Item = Segment;

    #[inline(always)]
    fn next(&mut self) -> Option<Segment> {
        if self.done == self.count {
            return None;
        }
        let (row, column, from) = (self.row, self.column, self.done);
        self.done += (self.count - from).min(self.width - column);
        (self.row, self.column) = (row + 1, 0);
        Some(Segment { row, column, from, to: self.done })
    }
}
