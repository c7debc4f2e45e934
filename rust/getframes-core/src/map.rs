//! A quantity that is one number or one number a pixel, in either precision.

use crate::Real;
use crate::simd;
use crate::variate::TILE;

/// A number, or an image in row-major order.
#[derive(Clone, Copy, Debug)]
pub enum Map<'a> {
    /// The same in every pixel.
    Uniform(f64),
    /// One single-precision number a pixel.
    Single(&'a [f32]),
    /// One double-precision number a pixel.
    Double(&'a [f64]),
}

impl Map<'_> {
    /// Whether every pixel is the same, and equal to `value`.
    pub fn is(&self, value: f64) -> bool {
        matches!(self, Self::Uniform(number) if *number == value)
    }

    /// The map beyond the frame: a number holds everywhere, an image ends.
    pub fn outside(self) -> Self {
        match self {
            Self::Uniform(_) => self,
            Self::Single(_) | Self::Double(_) => Self::Uniform(0.0),
        }
    }

    /// The length, if it is an image.
    pub fn pixels(&self) -> Option<usize> {
        match self {
            Self::Uniform(_) => None,
            Self::Single(values) => Some(values.len()),
            Self::Double(values) => Some(values.len()),
        }
    }

    /// The value of one pixel.
    pub fn at(&self, index: usize) -> f64 {
        match self {
            Self::Uniform(value) => *value,
            Self::Single(values) => f64::from(values[index]),
            Self::Double(values) => values[index],
        }
    }

    /// Copies pixels `first ..` into a tile, in its precision.
    #[inline(always)]
    pub fn load<T: Real>(&self, first: usize, tile: &mut [T]) {
        let end = first + tile.len();
        match self {
            Self::Uniform(value) => tile.fill(T::of(*value)),
            Self::Single(values) => {
                simd::prefetch(&values[end..values.len().min(end + TILE)]);
                for (to, &from) in tile.iter_mut().zip(&values[first..end]) {
                    *to = T::from_single(from);
                }
            }
            Self::Double(values) => {
                simd::prefetch(&values[end..values.len().min(end + TILE)]);
                for (to, &from) in tile.iter_mut().zip(&values[first..end]) {
                    *to = T::of(from);
                }
            }
        }
    }
}

/// A map that is read in one precision, a few pixels at a time: from where it lies, if it can be.
#[derive(Clone, Debug)]
pub struct Blocks<'a, T, const COUNT: usize> {
    map: Map<'a>,
    room: [T; COUNT],
}

impl<'a, T: Real, const COUNT: usize> Blocks<'a, T, COUNT> {
    /// Blocks of a map.
    #[inline(always)]
    pub fn of(map: Map<'a>) -> Self {
        let value = if let Map::Uniform(value) = map { value } else { 0.0 };
        Self { map, room: [T::of(value); COUNT] }
    }

    /// Pixels `first .. first + length`, at most `COUNT` of them; those that lie `ahead` are asked for.
    #[inline(always)]
    pub fn at(&mut self, first: usize, length: usize, ahead: usize) -> &[T] {
        if let Some(values) = T::same(&self.map) {
            simd::prefetch_from::<T, COUNT>(values, first + ahead);
            return &values[first..first + length];
        }
        let room = &mut self.room[..length];
        if self.map.pixels().is_some() {
            self.map.load(first, room);
        }
        room
    }
}
