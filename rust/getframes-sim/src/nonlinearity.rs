//! Nonlinearity: the response falls (or bends) as the well fills.
//!
//! Law: q' = q max(0, 1 + c1 u + c2 u^2 + ...), u = q/W. The one-number form is c1 = -a.
//!
//! Source: Janesick, *Photon Transfer* (2007), doi:10.1117/3.725073. Not modelled: dependence on rate or on history.

use crate::chain::Tile;
use getframes_core::Real;

/// Terms that a curve may have.
pub const MAX_TERMS: usize = 16;

/// A response curve.
#[derive(Clone, Copy, Debug)]
pub struct Nonlinearity {
    /// c1, c2, ... and zeros.
    pub coefficients: [f64; MAX_TERMS],
    /// How many count.
    pub terms: usize,
    /// W [e-].
    pub full_well_e: f64,
}

/// The law for one pixel.
#[inline(always)]
pub fn law<T: Real>(charge_e: T, coefficients: &[f64], inverse_well: T) -> T {
    let fill = charge_e * inverse_well;
    let mut curve = T::ZERO;
    for &coefficient in coefficients.iter().rev() {
        curve = (curve + T::of(coefficient)) * fill;
    }
    charge_e * (T::ONE + curve).most(T::ZERO)
}

impl Nonlinearity {
    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let inverse = T::of(1.0 / self.full_well_e);
        if self.terms == 1 {
            for q in tile.value.iter_mut() {
                *q = law(*q, &self.coefficients[..1], inverse);
            }
        } else {
            for q in tile.value.iter_mut() {
                *q = law(*q, &self.coefficients[..self.terms], inverse);
            }
        }
    }
}
