//! Diffraction by a circular aperture with a central obstruction.
//!
//! | symbol | name          | unit                                        |
//! |--------|---------------|---------------------------------------------|
//! | ρ      | `resolution`  | pixel: λ/D on the detector                  |
//! | ε      | `obstruction` | 1: diameter, as a fraction of the aperture  |
//!
//! Law: f(r) = π / (4 ρ² (1 - ε²)) (2 J1(v)/v - ε² 2 J1(εv)/(εv))², v = π r / ρ.
//!
//! Drawn out to [`REACH`] λ/D and half a pixel beyond; 1.4 % of the light of a clear aperture lies beyond. A pattern with λ/D below [`NARROWEST`] is
//! drawn that wide. Not modelled: spiders, aberrations, the width of a band.
//!
//! Source: Born and Wolf, *Principles of Optics*, 8.5 and 8.6.

use super::wide::Radial;

/// Radius that is drawn, in λ/D.
pub const REACH: f64 = 14.0;

/// Narrowest λ/D that is drawn as it is [pixel].
pub const NARROWEST: f64 = 0.2;

/// Samples of f per λ/D.
const SAMPLES: f64 = 128.0;

/// An Airy density, from samples of f.
#[derive(Clone, Debug)]
pub struct Airy {
    resolution: f64,
    samples: Vec<f64>,
}

impl Airy {
    /// A pattern of `resolution` = λ/D [pixel], positive, with 0 <= `obstruction` < 1.
    pub fn new(resolution: f64, obstruction: f64) -> Self {
        let resolution = resolution.max(NARROWEST);
        // Pixels at the edge, and their corners, reach farther than the circle.
        let farthest = (REACH + 5.0 / resolution + 1.0) * SAMPLES;
        let samples =
            (0..farthest as usize).map(|k| intensity(k as f64 / SAMPLES, obstruction) / (resolution * resolution));
        Self { resolution, samples: samples.collect() }
    }
}

impl Radial for Airy {
    fn at_radius(&self, r: f64) -> f64 {
        let position = r / self.resolution * SAMPLES;
        let k = (position as usize).clamp(1, self.samples.len() - 3);
        let s = position - k as f64;
        let f = &self.samples[k - 1..k + 3];
        // Lagrange's cubic.
        let outer = s * (s - 1.0) / 6.0 * ((s + 1.0) * f[3] - (s - 2.0) * f[0]);
        let inner = (s + 1.0) * (s - 2.0) / 2.0 * ((s - 1.0) * f[1] - s * f[2]);
        (outer + inner).max(0.0)
    }
    fn scale(&self) -> f64 {
        0.6 * self.resolution
    }
    fn reach(&self) -> f64 {
        (REACH * self.resolution).max(1.5) + 0.5
    }
    fn degree(&self, half: f64, _r: f64) -> usize {
        // A band-limited function: the highest frequency is one cycle per λ/D.
        let argument = std::f64::consts::TAU * half / self.resolution;
        (1.1 * argument + 9.0) as usize
    }
}

/// f in units of (λ/D)^-2, at a radius in λ/D.
fn intensity(radius: f64, obstruction: f64) -> f64 {
    let v = std::f64::consts::PI * radius;
    let squared = obstruction * obstruction;
    let amplitude = jinc(v) - squared * jinc(obstruction * v);
    std::f64::consts::FRAC_PI_4 / (1.0 - squared) * amplitude * amplitude
}

/// 2 J1(v) / v, by Miller's backward recurrence (DLMF 3.6.1): nothing but sums and products.
fn jinc(v: f64) -> f64 {
    if v < 1e-4 {
        return 1.0 - v * v / 8.0;
    }
    let start = 2 * ((v + 24.0 + 2.0 * v.sqrt()) / 2.0) as usize;
    let (mut above, mut here, mut norm) = (0.0, 1e-250, 0.0);
    for order in (1..=start).rev() {
        let below = 2.0 * order as f64 / v * here - above;
        (above, here) = (here, below);
        if order % 2 == 1 {
            // `here` is J of even order - 1.
            norm += if order == 1 { here } else { 2.0 * here };
        }
        if here.abs() > 1e200 {
            (above, here, norm) = (above * 1e-200, here * 1e-200, norm * 1e-200);
        }
    }
    2.0 * above / norm / v
}
