//! Persistence: charge that traps hold back from one frame and give to the next ones.
//!
//! | symbol | name       | shape      | unit                |
//! |--------|------------|------------|---------------------|
//! | l      | `latent`   | `(ny, nx)` | e-                  |
//! | s      | `signal`   | `(ny, nx)` | e- of this frame    |
//! | d, f   | `decay`, `fraction` | scalar | 1 a frame      |
//!
//! Law: r = d l is released into this frame; l' = l - r + f s. A constant signal ends at l = s f / d, r = f s.
//!
//! Source: Smith et al. 2008, doi:10.1117/12.789372. Not modelled: several time constants, dependence on time between frames, saturating traps.

use getframes_core::Real;
use getframes_core::simd::{self, Kernel};
use rayon::prelude::*;

/// Figures of the traps.
#[derive(Clone, Copy, Debug)]
pub struct Persistence {
    /// f.
    pub fraction: f64,
    /// d.
    pub decay: f64,
}

/// The law for one pixel: what is released, and what is latent then.
#[inline(always)]
pub fn law<T: Real>(latent_e: T, signal_e: T, fraction: T, decay: T) -> (T, T) {
    let released = decay * latent_e;
    (released, fraction.mul_add(signal_e, latent_e - released))
}

impl Persistence {
    /// One frame: writes what is released, and turns what is latent before it into what is latent after it.
    pub fn step<T: Real>(self, signal: &[T], latent: &mut [T], released: &mut [T]) {
        let chunk = 1 << 15;
        let tasks = signal.par_chunks(chunk).zip(latent.par_chunks_mut(chunk)).zip(released.par_chunks_mut(chunk));
        tasks.for_each(|((signal, latent), released)| simd::dispatch(Step { figures: self, signal, latent, released }));
    }
}

struct Step<'a, T> {
    figures: Persistence,
    signal: &'a [T],
    latent: &'a mut [T],
    released: &'a mut [T],
}

impl<T: Real> Kernel for Step<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (fraction, decay) = (T::of(self.figures.fraction), T::of(self.figures.decay));
        for ((&signal, latent), released) in self.signal.iter().zip(self.latent).zip(self.released) {
            (*released, *latent) = law(*latent, signal, fraction, decay);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_signal_comes_to_rest() {
        let (mut latent, mut released) = ([0.0], [0.0]);
        for _ in 0..200 {
            Persistence { fraction: 0.01, decay: 0.3 }.step(&[1000.0], &mut latent, &mut released);
        }
        assert!((released[0] - 10.0f64).abs() < 1e-9 && (latent[0] - 10.0 / 0.3f64).abs() < 1e-9);
    }
}
