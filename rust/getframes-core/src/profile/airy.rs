//! An Airy pattern as a mixture of Gaussians, for what is blurred anyway: rings are gone behind a wide Gaussian, the wings are not.
//!
//! | symbol | name          | unit                                        |
//! |--------|---------------|---------------------------------------------|
//! | ρ      | `resolution`  | pixel: λ/D on the detector                  |
//! | ε      | `obstruction` | 1: diameter, as a fraction of the aperture  |
//!
//! Behind a Gaussian of [`narrowest`] or wider the density is right to 3e-3 of the peak and of the light (1e-3 below ε = 0.6, 1e-2 above
//! 0.8), out to 64 ρ; the light beyond, 3e-3 of a clear aperture, is left out. The table: `python/getframes/reference/profile/airy.py`.

use super::Component;
use super::airy_table::TABLE;

/// Standard deviation of the first Gaussian [λ/D]; each is twice as wide as the one before.
const FIRST: f64 = 0.4;

/// Step of the obstruction in the table.
const STEP: f64 = 0.05;

/// Gaussians that are wider than any ring of a pattern with a hole of less than nine tenths: the last ones.
pub const WINGS: usize = 3;

/// The Gaussians of a pattern of `resolution` λ/D [pixel], narrowest first.
pub fn airy(resolution: f64, obstruction: f64) -> Vec<Component> {
    let position = obstruction / STEP;
    let knot = (position as usize).min(TABLE.len() - 2);
    let part = (position - knot as f64).min(1.0);
    let mut sigma = FIRST * resolution;
    let mut mixture = Vec::with_capacity(TABLE[0].len());
    for (below, above) in TABLE[knot].iter().zip(&TABLE[knot + 1]) {
        mixture.push(Component::round((above - below).mul_add(part, *below), sigma * sigma));
        sigma *= 2.0;
    }
    mixture
}

/// Standard deviation from which on a Gaussian hides the rings [pixel].
pub fn narrowest(resolution: f64, obstruction: f64) -> f64 {
    1.5 * resolution / (1.0 - obstruction)
}
