//! Calibration where nothing but the data is wanted: the same operations as step by step, in one loop over the pixels.
//!
//! The frame, its masters and the result come from memory and go there once; asked for evenly, a little ahead, they arrive while others are worked on.

use super::inverse::{Expanded, Straight, Undo};
use super::{Calibration, Count};
use getframes_core::map::Blocks;
use getframes_core::{Real, simd};

/// Pixels between two looks at what is bad, and requests for memory.
const STEP: usize = 64;
/// How far ahead of the work memory is asked for [pixels].
const AHEAD: usize = 1024;

/// Calibrates the pixels from `first` on, whose counts lie side by side. `None` where the response has to be undone tile by tile; else the first count
/// that is not finite.
#[inline(always)]
pub fn calibrate<R: Count<T>, T: Real>(
    made: &Calibration<'_>,
    counts: &[R],
    first: usize,
    out: &mut [T],
) -> Option<Option<usize>> {
    let Some(inverse) = made.inverse else { return Some(over_flat(made, &Straight, counts, first, out)) };
    let series = inverse.of_precision::<T>()?;
    Some(match (series.steps, series.terms.len()) {
        (0, 8) => over_flat(made, &Expanded::<8>::of(inverse, series), counts, first, out),
        (0, 16) => over_flat(made, &Expanded::<16>::of(inverse, series), counts, first, out),
        _ => return None,
    })
}

#[inline(always)]
fn over_flat<R: Count<T>, T: Real>(
    made: &Calibration<'_>,
    undo: &impl Undo,
    counts: &[R],
    first: usize,
    out: &mut [T],
) -> Option<usize> {
    if made.flat.is(1.0) {
        pixels::<R, T, false>(made, undo, counts, first, out)
    } else {
        pixels::<R, T, true>(made, undo, counts, first, out)
    }
}

#[inline(always)]
fn pixels<R: Count<T>, T: Real, const FLAT: bool>(
    made: &Calibration<'_>,
    undo: &impl Undo,
    counts: &[R],
    first: usize,
    out: &mut [T],
) -> Option<usize> {
    let (scale, dark_scale, factor) = (T::of(made.scale), T::of(made.dark_scale), T::of(made.factor));
    let nan = T::of(f64::NAN);
    let (mut zeros, mut darks) = (Blocks::<T, STEP>::of(made.zero), Blocks::<T, STEP>::of(made.dark));
    let mut flats = Blocks::<T, STEP>::of(made.flat);
    let length = out.len();
    for start in (0..length).step_by(STEP) {
        simd::prefetch_from::<R, STEP>(counts, start + AHEAD);
        simd::prefetch_from::<T, STEP>(out, start + AHEAD);
        let end = length.min(start + STEP);
        let (counts, out) = (&counts[start..end], &mut out[start..end]);
        let zero = zeros.at(first + start, end - start, AHEAD);
        let dark = darks.at(first + start, end - start, AHEAD);
        let flat = flats.at(first + start, end - start, AHEAD);
        let mut largest = T::Order::default();
        for ((((out, &count), &zero), &dark), &flat) in out.iter_mut().zip(counts).zip(zero).zip(dark).zip(flat) {
            let real = count.real();
            if R::MAY_BE_BAD {
                largest = largest.max(real.abs().order());
            }
            let light = undo.law((real - zero) * scale) - dark_scale * dark;
            let response = if !FLAT {
                T::ONE
            } else if flat > T::ZERO {
                T::ONE / flat
            } else {
                nan
            };
            *out = (light * response) * factor;
        }
        // Single precision has no room for all numbers: those beyond it are infinite in it, but not bad.
        if R::MAY_BE_BAD
            && largest >= T::of(f64::INFINITY).order()
            && let Some(lane) = counts.iter().position(|count| !count.is_finite())
        {
            return Some(first + start + lane);
        }
    }
    None
}
