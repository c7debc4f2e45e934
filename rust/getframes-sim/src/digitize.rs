//! Digitize: analogue counts to whole ADU.
//!
//! Law: ADU = clip(round(a), 0, 2^bits - 1), halves to even.

use getframes_core::Real;

/// The law for one pixel, as a real number.
#[inline(always)]
pub fn law<T: Real>(adu: T, max_adu: T) -> T {
    adu.round().most(T::ZERO).least(max_adu)
}

/// Writes whole counts. `max_adu` is at most 2^32 - 1.
#[inline(always)]
pub(crate) fn write<T: Real>(adu: &[T], max_adu: u32, out: &mut [u32]) {
    let max = T::of(f64::from(max_adu));
    // Single precision holds every count of up to 24 bits.
    if max_adu < 1 << 24 {
        for (to, &from) in out.iter_mut().zip(adu) {
            *to = law(from, max).to_int() as u32;
        }
    } else {
        for (to, &from) in out.iter_mut().zip(adu) {
            *to = law(from.wide(), f64::from(max_adu)) as u32;
        }
    }
}
