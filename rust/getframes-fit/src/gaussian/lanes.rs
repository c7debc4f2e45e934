//! Eight numbers side by side: a row of a tile, one AVX-512 register or two of AVX2.

use super::tile::SIDE;
use std::ops::{Add, Mul};

/// Numbers of eight columns.
#[derive(Clone, Copy, Debug)]
pub struct Lanes(pub [f64; SIDE]);

impl Lanes {
    /// The same number in all.
    #[inline(always)]
    pub fn all(value: f64) -> Self {
        Self([value; SIDE])
    }

    /// A number, and those that follow in steps of 1.
    #[inline(always)]
    pub fn counted(first: f64) -> Self {
        Self::of(|column| first + column as f64)
    }

    /// A number, and those that follow by a ratio.
    #[inline(always)]
    pub fn powers(first: f64, ratio: f64) -> Self {
        let (square, fourth) = (ratio * ratio, (ratio * ratio) * (ratio * ratio));
        let [a, b] = [first, first * ratio];
        let [c, d] = [a * square, b * square];
        Self([a, b, c, d, a * fourth, b * fourth, c * fourth, d * fourth])
    }

    /// Eight numbers of a slice.
    #[inline(always)]
    pub fn load(values: &[f64]) -> Self {
        let values = &values[..SIDE];
        Self::of(|column| values[column])
    }

    /// Each changed.
    #[inline(always)]
    pub fn map(self, change: impl Fn(f64) -> f64) -> Self {
        Self::of(|column| change(self.0[column]))
    }

    /// Writes them to a slice.
    #[inline(always)]
    pub fn store(self, values: &mut [f64]) {
        for (value, own) in values[..SIDE].iter_mut().zip(self.0) {
            *value = own;
        }
    }

    /// self · a + b, rounded once.
    #[inline(always)]
    pub fn mul_add(self, a: Self, b: Self) -> Self {
        Self::of(|column| self.0[column].mul_add(a.0[column], b.0[column]))
    }

    /// The sum, in pairs.
    pub fn sum(self) -> f64 {
        let [a, b, c, d, e, f, g, h] = self.0;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }

    #[inline(always)]
    fn of(each: impl Fn(usize) -> f64) -> Self {
        let mut lanes = [0.0; SIDE];
        for column in 0..SIDE {
            lanes[column] = each(column);
        }
        Self(lanes)
    }
}

impl Add for Lanes {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::of(|column| self.0[column] + other.0[column])
    }
}

impl Mul for Lanes {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::of(|column| self.0[column] * other.0[column])
    }
}
