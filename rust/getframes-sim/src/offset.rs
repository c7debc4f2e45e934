//! Offset: what is added to every pixel: bias structure, common mode, or noise that is given.
//!
//! Law: v' = v + o, in the unit of the values at that place of the chain.

use crate::chain::Tile;
use getframes_core::Real;
use getframes_core::map::Map;

/// An offset of every pixel.
#[derive(Clone, Copy, Debug)]
pub struct Offset<'a> {
    /// Over the frame, or over the sensor.
    pub offset: Map<'a>,
    /// Which of the two.
    pub over_sensor: bool,
}

impl Offset<'_> {
    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let Tile { out, sensor, value, spare: more, .. } = tile;
        self.offset.load(if self.over_sensor { *sensor } else { *out }, more);
        for (value, &more) in value.iter_mut().zip(&**more) {
            *value += more;
        }
    }
}
