//! Fold: light that is known per wavelength becomes photoelectrons.
//!
//! | symbol | name         | shape         | unit            |
//! |--------|--------------|---------------|-----------------|
//! | r      | `light`      | `(n, ny, nx)` | photon / s      |
//! | eta    | `efficiency` | `(n,)`        | e- / photon     |
//! | p      | `out`        | `(ny, nx)`    | e- / s / pixel  |
//!
//! Law: p = sum over k of eta_k r_k, in the order of the samples, every product and every sum rounded to the working precision.
//!
//! Source: Janesick, *Photon Transfer* (2007), doi:10.1117/3.725073. Not modelled: more than one electron a photon.

use getframes_core::pool::Cancel;
use getframes_core::simd::{self, Kernel};
use getframes_core::{Error, Real};
use rayon::prelude::*;

/// Pixels whose sums stay in the cache while the samples pass.
const TILE: usize = 2048;
/// Pixels between two requests for memory.
const STEP: usize = 64;
const CHUNK: usize = 8 * TILE;
/// Cubes with fewer values run on the calling thread.
pub const SMALL: usize = 8 * CHUNK;

/// A kind of number that light is given in.
pub trait Light<T>: Copy + Send + Sync {
    /// The nearest number of the working precision.
    fn real(self) -> T;
    /// Whether it is finite and not negative.
    fn is_light(self) -> bool;
}

macro_rules! light {
    ($($kind:ty => $real:ty),*) => {$(
        impl Light<$real> for $kind {
            #[inline(always)]
            fn real(self) -> $real {
                self as $real
            }
            #[inline(always)]
            fn is_light(self) -> bool {
                <f64 as Real>::is_finite(self as f64) && self as f64 >= 0.0
            }
        }
    )*};
}
light!(u16 => f32, u32 => f32, i16 => f32, i32 => f32, f32 => f32, f64 => f32);
light!(u16 => f64, u32 => f64, i16 => f64, i32 => f64, f32 => f64, f64 => f64);

/// A value that is no light: its sample, its pixel, and itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bad {
    /// Number of the sample.
    pub sample: usize,
    /// Number of the pixel, row by row.
    pub pixel: usize,
    /// What stands there.
    pub value: f64,
}

/// Folds samples of the size of `out`, one after the other in `light`, with their efficiencies.
///
/// The outcome is the first value, by sample and then by pixel, that is negative, infinite or not a number; `out` is then not to be used.
///
/// # Errors
/// [`Error::Shape`] when there is not one efficiency a sample. [`Error::Interrupted`] when cancelled.
pub fn fold<L: Light<T>, T: Real>(
    light: &[L],
    efficiency: &[f64],
    out: &mut [T],
    cancel: &Cancel,
) -> Result<Option<Bad>, Error> {
    let pixels = out.len();
    Error::same_shape("photon_rate_cube", &[light.len()], &[pixels * efficiency.len()])?;
    let work =
        |(n, out): (usize, &mut [T])| simd::dispatch(Part { light, efficiency, pixels, first: n * CHUNK, out, cancel });
    let suspicious = if light.len() < SMALL {
        out.chunks_mut(CHUNK).enumerate().map(work).fold(false, |one, other| one | other)
    } else {
        out.par_chunks_mut(CHUNK).enumerate().map(work).reduce(|| false, |one, other| one | other)
    };
    if cancel.is_cancelled() {
        return Err(Error::Interrupted);
    }
    let found = if suspicious { light.iter().position(|value| !value.is_light()) } else { None };
    Ok(found.map(|index| Bad { sample: index / pixels, pixel: index % pixels, value: light[index].real().wide() }))
}

/// Consecutive pixels, of all samples.
struct Part<'a, L, T> {
    light: &'a [L],
    efficiency: &'a [f64],
    pixels: usize,
    first: usize,
    out: &'a mut [T],
    cancel: &'a Cancel,
}

impl<L: Light<T>, T: Real> Kernel for Part<'_, L, T> {
    /// Whether a value may be bad: a sign bit, or bits that are those of no number.
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let Part { light, efficiency, pixels, first, out, cancel } = self;
        if cancel.is_cancelled() {
            return false;
        }
        let infinity = T::of(f64::INFINITY).order();
        let mut suspicious = false;
        for (n, out) in out.chunks_mut(TILE).enumerate() {
            let place = first + n * TILE;
            out.fill(T::ZERO);
            for (sample, &efficiency) in efficiency.iter().enumerate() {
                let (start, weight) = (sample * pixels + place, T::of(efficiency));
                let values = &light[start..start + out.len()];
                for (n, (out, values)) in out.chunks_mut(STEP).zip(values.chunks(STEP)).enumerate() {
                    simd::prefetch_from::<L, STEP>(light, start + pixels + n * STEP);
                    let (mut least, mut most) = (T::Order::default(), T::Order::default());
                    for (sum, &value) in out.iter_mut().zip(values) {
                        let value = value.real();
                        least = least.min(value.order());
                        most = most.max(value.order());
                        *sum += value * weight;
                    }
                    suspicious |= least < T::Order::default() || most >= infinity;
                }
            }
        }
        suspicious
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_in_their_order() {
        let (pixels, efficiency) = (5000, [0.3, 0.0, 0.9]);
        let light: Vec<f64> = (0..3 * pixels).map(|n| f64::from(n as u32) * 0.37).collect();
        let mut out = vec![0.0; pixels];
        assert_eq!(fold(&light, &efficiency, &mut out, &Cancel::default()), Ok(None));
        for (pixel, &sum) in out.iter().enumerate() {
            let [a, b, c] = [0, 1, 2].map(|sample| light[sample * pixels + pixel] * efficiency[sample]);
            assert_eq!(sum, a + b + c);
        }
    }

    #[test]
    fn the_first_bad_value_is_placed() {
        let mut light = vec![1.0f32; 2 * 3000];
        light[17] = -0.0;
        let mut out = vec![0.0f32; 3000];
        assert_eq!(fold(&light, &[0.5, 0.0], &mut out, &Cancel::default()), Ok(None));
        light[3000 + 2999] = f32::NAN;
        light[3000 + 5] = f32::INFINITY;
        let bad = fold(&light, &[0.5, 0.0], &mut out, &Cancel::default()).unwrap().unwrap();
        assert_eq!(bad, Bad { sample: 1, pixel: 5, value: f64::INFINITY });
        light[2000] = -1.0;
        let bad = fold(&light, &[0.5, 0.0], &mut out, &Cancel::default()).unwrap().unwrap();
        assert_eq!(bad, Bad { sample: 0, pixel: 2000, value: -1.0 });
    }

    #[test]
    fn numbers_beyond_single_precision_are_light() {
        let mut out = vec![0.0f32; 1];
        assert_eq!(fold(&[1e300f64], &[0.0], &mut out, &Cancel::default()), Ok(None));
        assert!(fold(&[1.0f64], &[0.0, 1.0], &mut out, &Cancel::default()).is_err());
    }
}
