//! The two working precisions, behind one trait, and the elementary functions that sampled paths may use.
//!
//! `ln` and `exp` are polynomials over correctly rounded operations: no libm, the same bits on every machine.

use crate::map::Map;
use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// `f32` or `f64`. Elementary functions have names that the standard library does not use, so that none of its can slip in.
pub trait Real:
    Copy
    + Default
    + Debug
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
{
    /// Bits that sort like the values that are not negative; a negative value is negative, NaN is above infinity.
    type Order: Copy + Ord + Default;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// See [`Real::Order`]. Minima and maxima of integers vectorize; those of floats do not.
    fn order(self) -> Self::Order;
    /// Nearest value to a double.
    fn of(value: f64) -> Self;
    /// Nearest value to a single-precision number (always exact).
    fn from_single(value: f32) -> Self;
    /// Nearest single-precision number.
    fn narrow(self) -> f32;
    /// Values in single precision: themselves, or rounded into `room`.
    fn narrowed<'a, const N: usize>(values: &'a [Self; N], room: &'a mut [f32; N]) -> &'a [f32; N];
    /// The value as a double, exactly.
    fn wide(self) -> f64;
    /// An image of this precision as it is; none for another precision, or a number.
    fn same<'a>(map: &Map<'a>) -> Option<&'a [Self]>;
    /// Nearest value to a signed integer.
    fn of_int(value: i32) -> Self;
    /// The integer part of a value known to lie inside the range of `i32`.
    fn to_int(self) -> i32;
    /// `self * a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Largest integer not above the value.
    fn floor(self) -> Self;
    /// Nearest integer, halves to even.
    fn round(self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// The smaller of two numbers (neither is NaN).
    #[inline(always)]
    fn least(self, other: Self) -> Self {
        if self < other { self } else { other }
    }
    /// The larger of two numbers (neither is NaN).
    #[inline(always)]
    fn most(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
    /// Whether the value is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// Natural logarithm of a positive normal number.
    fn logarithm(self) -> Self;
    /// ln(1 + f) for -1/2 <= f <= 1/2, accurate relative to f.
    fn logarithm_near_one(f: Self) -> Self;
    /// exp of a number between -700 (f64) or -87 (f32) and the like above.
    fn exponential(self) -> Self;
}

/// A polynomial; `coefficients` from the highest power down. Even and odd powers run side by side, which halves the latency.
#[inline(always)]
pub fn polynomial<T: Real, const N: usize>(x: T, coefficients: &[f64; N]) -> T {
    if N < 5 {
        return strided::<T, N, 1>(x, coefficients, 0);
    }
    let square = x * x;
    if N < 12 {
        let (one, two) = (strided::<T, N, 2>(square, coefficients, 0), strided::<T, N, 2>(square, coefficients, 1));
        return two.mul_add(x, one);
    }
    let fourth = square * square;
    let low = strided::<T, N, 4>(fourth, coefficients, 1).mul_add(x, strided::<T, N, 4>(fourth, coefficients, 0));
    let high = strided::<T, N, 4>(fourth, coefficients, 3).mul_add(x, strided::<T, N, 4>(fourth, coefficients, 2));
    high.mul_add(square, low)
}

/// Horner's rule over every `STEP`-th power, starting at `x^first`; `power` is x^STEP.
#[inline(always)]
fn strided<T: Real, const N: usize, const STEP: usize>(power: T, coefficients: &[f64; N], first: usize) -> T {
    let count = (N - first).div_ceil(STEP);
    let mut index = N - 1 - first - (count - 1) * STEP;
    let mut sum = T::of(coefficients[index]);
    while index + STEP < N - first {
        index += STEP;
        sum = sum.mul_add(power, T::of(coefficients[index]));
    }
    sum
}

const SQRT_HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// (ln(1+f) - f + f^2/2) / f^3 on [sqrt(1/2) - 1, sqrt(2) - 1]; error 4e-7.
const LN_32: [f64; 8] = [
    -0.079027437723934409612,
    0.12622319849228376431,
    -0.12998183763651529101,
    0.14214495923947962765,
    -0.16641281463106392964,
    0.20001045094160680261,
    -0.25000306422569794618,
    0.33333330728190676513,
];

/// (ln((1+s)/(1-s)) - 2s) / s^3 in s^2 on the same range; error 3e-18.
const LN_64: [f64; 8] = [
    0.13088034850927553675,
    0.13268638369266823894,
    0.15386244737621666605,
    0.18181795547521136235,
    0.22222222392581045097,
    0.28571428570799785031,
    0.40000000000000883236,
    0.66666666666666666463,
];

/// (exp(r) - 1 - r) / r^2 for |r| <= ln(2)/2; error 1e-7.
const EXP_32: [f64; 5] =
    [0.0013926183587713494541, 0.0083631790527225773697, 0.041666554617204574203, 0.16666576989698775683, 0.5];

/// The same; error 3e-18.
const EXP_64: [f64; 11] = [
    2.0914686968086877232e-9,
    2.5105217004720745163e-8,
    2.7557273643110295328e-7,
    2.755725540020642443e-6,
    0.000024801587325547741216,
    0.00019841269874820625271,
    0.0013888888888883748305,
    0.0083333333333261351258,
    0.041666666666666669755,
    0.16666666666666670991,
    0.5,
];

macro_rules! shared_operations {
    ($real:ty, $order:ty) => {
        type Order = $order;
        #[inline(always)]
        fn order(self) -> $order {
            self.to_bits() as $order
        }
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        #[inline(always)]
        fn of(value: f64) -> Self {
            value as Self
        }
        #[inline(always)]
        fn from_single(value: f32) -> Self {
            Self::from(value)
        }
        #[inline(always)]
        fn narrow(self) -> f32 {
            self as f32
        }
        #[inline(always)]
        fn wide(self) -> f64 {
            f64::from(self)
        }
        #[inline(always)]
        fn of_int(value: i32) -> Self {
            value as Self
        }
        #[inline(always)]
        fn to_int(self) -> i32 {
            // SAFETY: the caller keeps the value inside the range of i32 (the contract of the method).
            unsafe { self.to_int_unchecked() }
        }
        #[inline(always)]
        fn mul_add(self, a: Self, b: Self) -> Self {
            <$real>::mul_add(self, a, b)
        }
        #[inline(always)]
        fn sqrt(self) -> Self {
            <$real>::sqrt(self)
        }
        #[inline(always)]
        fn floor(self) -> Self {
            <$real>::floor(self)
        }
        #[inline(always)]
        fn round(self) -> Self {
            <$real>::round_ties_even(self)
        }
        #[inline(always)]
        fn abs(self) -> Self {
            <$real>::abs(self)
        }
        #[inline(always)]
        fn is_finite(self) -> bool {
            <$real>::is_finite(self)
        }
    };
}

impl Real for f32 {
    shared_operations!(f32, i32);

    #[inline(always)]
    fn same<'a>(map: &Map<'a>) -> Option<&'a [Self]> {
        if let Map::Single(values) = map { Some(values) } else { None }
    }

    #[inline(always)]
    fn narrowed<'a, const N: usize>(values: &'a [Self; N], _: &'a mut [f32; N]) -> &'a [f32; N] {
        values
    }

    #[inline(always)]
    fn logarithm(self) -> Self {
        let bits = self.to_bits() as i32;
        let exponent = (bits - (SQRT_HALF as f32).to_bits() as i32) >> 23;
        let mantissa = Self::from_bits((bits - (exponent << 23)) as u32);
        let near = Self::logarithm_near_one(mantissa - 1.0);
        // ln 2 in two parts: the high one times an exponent is exact.
        let exponent = exponent as f32;
        exponent.mul_add(0.693_359_4, exponent.mul_add(-2.121_944_4e-4, near))
    }

    #[inline(always)]
    fn logarithm_near_one(f: Self) -> Self {
        let square = f * f;
        let cube = square * f;
        polynomial(f, &LN_32).mul_add(cube, square.mul_add(-0.5, f))
    }

    #[inline(always)]
    fn exponential(self) -> Self {
        let k = (self * std::f32::consts::LOG2_E).round_ties_even();
        let r = k.mul_add(2.121_944_4e-4, k.mul_add(-0.693_359_4, self));
        let power = Self::from_bits(((k.to_int() + 127) << 23) as u32);
        polynomial(r, &EXP_32).mul_add(r * r, r).mul_add(power, power)
    }
}

impl Real for f64 {
    shared_operations!(f64, i64);

    #[inline(always)]
    fn same<'a>(map: &Map<'a>) -> Option<&'a [Self]> {
        if let Map::Double(values) = map { Some(values) } else { None }
    }

    #[inline(always)]
    fn narrowed<'a, const N: usize>(values: &'a [Self; N], room: &'a mut [f32; N]) -> &'a [f32; N] {
        for lane in 0..N {
            room[lane] = values[lane] as f32;
        }
        room
    }

    #[inline(always)]
    fn logarithm(self) -> Self {
        let bits = self.to_bits() as i64;
        let exponent = (bits - SQRT_HALF.to_bits() as i64) >> 52;
        let mantissa = Self::from_bits((bits - (exponent << 52)) as u64);
        let near = Self::logarithm_near_one(mantissa - 1.0);
        // exponent as f64 without the conversion that AVX2 lacks: 2^52 + 2^51 + exponent, minus the constant.
        let exponent = Self::from_bits((0x4338_0000_0000_0000_i64 + exponent) as u64) - 6_755_399_441_055_744.0;
        exponent.mul_add(LN2_HIGH, exponent.mul_add(LN2_LOW, near))
    }

    #[inline(always)]
    fn logarithm_near_one(f: Self) -> Self {
        let s = f / (2.0 + f);
        let square = s * s;
        // 2s = f - s f, which keeps the leading term exact.
        (polynomial(square, &LN_64) * square - f).mul_add(s, f)
    }

    #[inline(always)]
    fn exponential(self) -> Self {
        let shifted = self.mul_add(std::f64::consts::LOG2_E, 6_755_399_441_055_744.0);
        let k = shifted - 6_755_399_441_055_744.0;
        let r = k.mul_add(-LN2_LOW, k.mul_add(-LN2_HIGH, self));
        let power = Self::from_bits((shifted.to_bits() << 52).wrapping_add(1.0f64.to_bits()));
        polynomial(r, &EXP_64).mul_add(r * r, r).mul_add(power, power)
    }
}

/// ln 2 with its last 20 bits zero, and the rest.
const LN2_HIGH: f64 = 6.931_471_803_691_238_2e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance * want.abs().max(1e-300), "{got} is not {want}");
    }

    #[test]
    fn logarithms_are_accurate() {
        for step in 1..20_000 {
            let x = f64::from(step) * 1.37e-3 + 1e-9;
            close(Real::logarithm(x), x.ln(), 3e-16 / x.ln().abs().min(1.0));
            close(Real::logarithm(x as f32).wide(), f64::from(x as f32).ln(), 2e-7 / x.ln().abs().min(1.0));
        }
        for step in -290..=414 {
            let f = f64::from(step) * 1e-3;
            close(<f64 as Real>::logarithm_near_one(f), f.ln_1p(), 4e-16);
            close(<f32 as Real>::logarithm_near_one(f as f32).wide(), f64::from(f as f32).ln_1p(), 3e-7);
        }
        close(Real::logarithm(2f64.powi(-33)), -33.0 * std::f64::consts::LN_2, 3e-16);
    }

    #[test]
    fn exponentials_are_accurate() {
        for step in -3000..3000 {
            let x = f64::from(step) * 0.0271;
            close(Real::exponential(x), x.exp(), 4e-16);
            close(Real::exponential(x as f32).wide(), f64::from(x as f32).exp(), 3e-7);
        }
        close(Real::exponential(-650.0), (-650.0f64).exp(), 4e-16);
    }
}
