//! Overscan and prescan: pixels that are read but collect no light, beside those of the sensor in one frame.
//!
//! Each strip is a small sensor without charge that goes through the readout alone; its pixels have addresses of their own
//! ([`crate::chain::Region::first`]), so that those of the sensor keep their words. Here is where the counts of a part go in a larger frame.
//!
//! | symbol | name    | unit                                   |
//! |--------|---------|----------------------------------------|
//! | p      | `pitch` | pixels from one row of the frame to the next |
//!
//! Law: pixel (y, x) of a part at (top, left) is pixel (top + y) p + left + x of the frame.
//!
//! Not modelled here: charge that trails into the rows behind the last ([`crate::cti::Cti`] gives it to the chain as its input).

use getframes_core::Error;

/// Where the counts of a part of a frame go.
pub struct Part<'a> {
    /// The frame from the first pixel of the part to its last.
    pub counts: &'a mut [u32],
    /// Pixels from one row of the frame to the next.
    pub pitch: usize,
    /// Pixels of a row of the part.
    pub width: usize,
}

impl<'a> Part<'a> {
    /// The part `[height, width]` of a frame of `shape`, whose first pixel is at `[top, left]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when it does not lie inside the frame.
    pub fn of(
        frame: &'a mut [u32],
        shape: [usize; 2],
        [top, left]: [usize; 2],
        [height, width]: [usize; 2],
    ) -> Result<Self, Error> {
        let ends = [top.saturating_add(height), left.saturating_add(width)];
        if ends[0] > shape[0] || ends[1] > shape[1] || frame.len() != shape[0] * shape[1] {
            return Err(Error::Shape { name: "part of a frame", expected: shape.to_vec(), got: ends.to_vec() });
        }
        let pitch = shape[1];
        let pixels = if height * width == 0 { 0 } else { (height - 1) * pitch + width };
        let first = if pixels == 0 { 0 } else { top * pitch + left };
        Ok(Self { counts: &mut frame[first..first + pixels], pitch, width })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_begins_and_ends_at_its_corners() {
        let mut frame: Vec<u32> = (0..35).collect();
        let part = Part::of(&mut frame, [5, 7], [1, 2], [3, 4]).unwrap();
        assert_eq!((part.counts.first(), part.counts.last()), (Some(&9), Some(&26)));
        assert_eq!((part.pitch, part.width), (7, 4));
        let rows: Vec<&[u32]> = part.counts.chunks(part.pitch).map(|row| &row[..part.width]).collect();
        assert_eq!(rows, [[9, 10, 11, 12], [16, 17, 18, 19], [23, 24, 25, 26]]);
    }

    #[test]
    fn an_empty_part_is_nothing() {
        let mut frame = [0; 35];
        assert!(Part::of(&mut frame, [5, 7], [5, 0], [0, 7]).unwrap().counts.is_empty());
        assert!(Part::of(&mut frame, [5, 7], [0, 7], [5, 0]).unwrap().counts.is_empty());
    }

    #[test]
    fn a_part_outside_is_an_error() {
        let mut frame = [0; 35];
        for (place, size) in [([3, 0], [3, 7]), ([0, 4], [5, 4]), ([usize::MAX, 0], [1, 1])] {
            assert!(Part::of(&mut frame, [5, 7], place, size).is_err());
        }
        assert!(Part::of(&mut frame, [5, 8], [0, 0], [1, 1]).is_err());
    }
}
