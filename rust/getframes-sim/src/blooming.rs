//! Blooming: charge that a pixel cannot hold flows along its column.
//!
//! | symbol | name      | shape      | unit |
//! |--------|-----------|------------|------|
//! | q      | charge    | `(ny, nx)` | e-   |
//! | W      | `limit_e` | scalar     | e-   |
//!
//! Law: of the excess max(q - W, 0) one half flows towards the last row and one towards the first; each fills the pixels on its way up to
//! W, and what reaches the edge is lost. Charge that flows to the last row fills first, then that which flows to the first.
//!
//! Source: Janesick, *Scientific Charge-Coupled Devices* (2001), doi:10.1117/3.374903. Not modelled: anti-blooming gates, flow along rows.

use getframes_core::Real;
use getframes_core::pool::Cancel;
use getframes_core::simd::{self, Kernel};
use ndarray::parallel::prelude::*;
use ndarray::{ArrayViewMut2, Axis};

/// Wells that overflow into their column.
#[derive(Clone, Copy, Debug)]
pub struct Blooming {
    /// What a pixel holds [e-].
    pub limit_e: f64,
}

/// One pixel on the way of a flow: its charge and the flow behind it.
#[inline(always)]
fn fill<T: Real>(charge_e: T, flow_e: T, limit_e: T) -> (T, T) {
    let taken = flow_e.least((limit_e - charge_e).most(T::ZERO));
    (charge_e.least(limit_e) + taken, flow_e - taken)
}

/// Columns that are worked on together.
const COLUMNS: usize = 64;

impl Blooming {
    /// Lets the charge of a sensor flow, in place.
    pub(crate) fn flow<T: Real>(&self, image: &mut [T], shape: [usize; 2], parallel: bool, cancel: &Cancel) {
        let limit = T::of(self.limit_e);
        let mut image = ArrayViewMut2::from_shape(shape, image).expect("the image has the shape of the sensor");
        let work = |columns: ArrayViewMut2<'_, T>| {
            if !cancel.is_cancelled() {
                simd::dispatch(Columns { columns, limit });
            }
        };
        if parallel {
            image.axis_chunks_iter_mut(Axis(1), COLUMNS).into_par_iter().for_each(work);
        } else {
            image.axis_chunks_iter_mut(Axis(1), COLUMNS).for_each(work);
        }
    }
}

struct Columns<'a, T> {
    columns: ArrayViewMut2<'a, T>,
    limit: T,
}

impl<T: Real> Kernel for Columns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { mut columns, limit } = self;
        let (rows, half) = (columns.nrows(), T::of(0.5));
        let overflows = (0..rows).any(|row| {
            let any = |any: u32, &charge: &T| any | u32::from(charge > limit);
            columns.row(row).as_slice().is_some_and(|charges| charges.iter().fold(0, any) != 0)
        });
        if !overflows {
            return;
        }
        let mut flow = [T::ZERO; COLUMNS];
        for row in 0..rows {
            if let Some(charges) = columns.row_mut(row).as_slice_mut() {
                for (charge, flow) in charges.iter_mut().zip(&mut flow) {
                    // The half that flows back stays where it is until the second sweep.
                    let rest = (*charge - limit).most(T::ZERO) * half;
                    let (filled, passed) = fill(*charge, *flow, limit);
                    (*charge, *flow) = (filled + rest, passed + rest);
                }
            }
        }
        flow = [T::ZERO; COLUMNS];
        for row in (0..rows).rev() {
            if let Some(charges) = columns.row_mut(row).as_slice_mut() {
                for (charge, flow) in charges.iter_mut().zip(&mut flow) {
                    let rest = (*charge - limit).most(T::ZERO);
                    let (filled, passed) = fill(*charge, *flow, limit);
                    (*charge, *flow) = (filled, passed + rest);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bloomed(column: &[f64], limit_e: f64) -> Vec<f64> {
        let mut image = column.to_vec();
        Blooming { limit_e }.flow(&mut image, [column.len(), 1], false, &Cancel::default());
        image
    }

    #[test]
    fn the_excess_flows_both_ways() {
        assert_eq!(bloomed(&[0.0, 0.0, 0.0, 130.0, 0.0, 0.0, 0.0], 40.0), [0.0, 5.0, 40.0, 40.0, 40.0, 5.0, 0.0]);
    }

    #[test]
    fn what_reaches_the_edge_is_lost() {
        assert_eq!(bloomed(&[200.0, 10.0, 0.0, 0.0], 40.0), [40.0, 40.0, 40.0, 10.0]);
    }

    #[test]
    fn flows_pass_pixels_that_are_full() {
        assert_eq!(bloomed(&[0.0, 60.0, 60.0, 0.0], 40.0), [20.0, 40.0, 40.0, 20.0]);
    }
}
