//! Binning: blocks of b x b pixels become one super pixel.
//!
//! | symbol | name     | shape            | unit      |
//! |--------|----------|------------------|-----------|
//! | q      | values   | `(ny, nx)`       | e- or ADU |
//! | b      | `factor` | scalar           | 1         |
//! | Q      | sums     | `(ny/b, nx/b)`   | e- or ADU |
//!
//! Law: Q = sum of q over the block, row by row and from left to right: the sum does not depend on tiles or threads.
//!
//! On the chip it is charge that is summed, and what follows happens once a super pixel; digitally it is counts, and everything has happened
//! once a pixel.
//!
//! Source: Janesick, *Scientific Charge-Coupled Devices* (2001), doi:10.1117/3.374903. Not modelled: noise of the summing well.

use std::ops::AddAssign;

/// Charge is summed before it is read.
#[derive(Clone, Copy, Debug)]
pub struct Binning {
    /// b.
    pub factor: usize,
}

/// Adds consecutive pixels of a row, of which the first is in column `column`, to the super pixels of that row.
#[inline(always)]
pub(crate) fn add<V: Copy + AddAssign>(values: &[V], column: usize, factor: usize, sums: &mut [V]) {
    let (at, inside) = (column / factor, column % factor);
    let head = if inside == 0 { 0 } else { (factor - inside).min(values.len()) };
    let (begun, rest) = values.split_at(head);
    if let Some(sum) = sums.get_mut(at) {
        for &value in begun {
            *sum += value;
        }
    }
    let sums = sums.get_mut(column.div_ceil(factor)..).unwrap_or_default();
    match factor {
        2 => blocks::<V, 2>(rest, sums),
        3 => blocks::<V, 3>(rest, sums),
        4 => blocks::<V, 4>(rest, sums),
        _ => {
            for (sum, block) in sums.iter_mut().zip(rest.chunks(factor)) {
                for &value in block {
                    *sum += value;
                }
            }
        }
    }
}

#[inline(always)]
fn blocks<V: Copy + AddAssign, const FACTOR: usize>(values: &[V], sums: &mut [V]) {
    let blocks = values.chunks_exact(FACTOR);
    let last = blocks.remainder();
    if let Some(sum) = sums.get_mut(values.len() / FACTOR) {
        for &value in last {
            *sum += value;
        }
    }
    for (sum, block) in sums.iter_mut().zip(blocks) {
        for &value in block {
            *sum += value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of one row that arrives in pieces of `piece` pixels.
    fn summed(row: &[u32], factor: usize, piece: usize) -> Vec<u32> {
        let mut sums = vec![0; row.len() / factor];
        for (n, values) in row.chunks(piece).enumerate() {
            add(values, n * piece, factor, &mut sums);
        }
        sums
    }

    #[test]
    fn blocks_are_summed_wherever_the_row_is_cut() {
        let row: Vec<u32> = (0..840).map(|pixel| pixel * pixel % 1013).collect();
        for factor in [1, 2, 3, 4, 5, 6, 7, 8, 20, 420, 840] {
            let wanted: Vec<u32> = row.chunks(factor).map(|block| block.iter().sum()).collect();
            for piece in [1, 2, 3, 5, 64, 512, 840] {
                assert_eq!(summed(&row, factor, piece), wanted, "factor {factor}, pieces of {piece}");
            }
        }
    }
}
