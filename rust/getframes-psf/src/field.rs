//! Kernels of many places as sums of a few: their principal components.
//!
//! Law: X = U diag(s) V, X the kernels less their mean, one in a row; s descending, rows of V of length 1, columns of U too.
//!
//! One thread and one order of sums: the same bits on any number of threads.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, svd, svd_scratch};
use faer::{Mat, MatRef, Par};
use getframes_core::Error;

/// The principal components of rows of `pixels` numbers: `scores`, U diag(s), place by place; `parts`, V, component by component.
///
/// # Errors
/// [`Error::Shape`] where the arrays do not fit together; [`Error::Domain`] where a number is not finite.
pub fn components(rows: &[f64], pixels: usize, scores: &mut [f64], parts: &mut [f64]) -> Result<(), Error> {
    let count = rows.len() / pixels.max(1);
    Error::same_shape("kernels", &[rows.len()], &[count * pixels])?;
    Error::same_shape("scores", &[scores.len()], &[count * count.min(pixels)])?;
    Error::same_shape("parts", &[parts.len()], &[pixels * count.min(pixels)])?;
    let bad = rows.iter().find(|value| !value.is_finite());
    Error::domain(bad.is_none(), "kernels", "finite", bad.copied().unwrap_or_default())?;
    if rows.is_empty() {
        return Ok(());
    }
    let rank = count.min(pixels);
    let matrix = MatRef::from_row_major_slice(rows, count, pixels);
    let (mut left, mut right) = (Mat::<f64>::zeros(count, rank), Mat::<f64>::zeros(pixels, rank));
    let mut strength = Diag::<f64>::zeros(rank);
    let thin = ComputeSvdVectors::Thin;
    let mut room = MemBuffer::new(svd_scratch::<f64>(count, pixels, thin, thin, Par::Seq, Default::default()));
    let stack = MemStack::new(&mut room);
    let (u, v) = (Some(left.as_mut()), Some(right.as_mut()));
    svd(matrix, strength.as_mut(), u, v, Par::Seq, stack, Default::default()).map_err(|_| Error::Domain {
        name: "kernels",
        rule: "such that their components can be found",
        value: f64::NAN,
        place: String::new(),
    })?;
    for (at, score) in scores.iter_mut().enumerate() {
        *score = left[(at / rank, at % rank)] * strength[at % rank];
    }
    for (at, part) in parts.iter_mut().enumerate() {
        *part = right[(at % pixels, at / pixels)];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_components_make_the_rows() {
        for (count, pixels) in [(5, 9), (9, 4), (1, 25), (36, 121)] {
            let rows: Vec<f64> = (0..count * pixels).map(|at| ((at * 7919) % 1009) as f64 / 1009.0 - 0.5).collect();
            let rank = count.min(pixels);
            let (mut scores, mut parts) = (vec![f64::NAN; count * rank], vec![f64::NAN; rank * pixels]);
            components(&rows, pixels, &mut scores, &mut parts).unwrap();
            for (at, &row) in rows.iter().enumerate() {
                let (place, pixel) = (at / pixels, at % pixels);
                let made: f64 = (0..rank).map(|r| scores[place * rank + r] * parts[r * pixels + pixel]).sum();
                assert!((made - row).abs() < 1e-13);
            }
            let strength = |r: usize| (0..count).map(|place| scores[place * rank + r].powi(2)).sum::<f64>();
            assert!((1..rank).all(|r| strength(r) <= strength(r - 1)));
            let length: f64 = parts[..pixels].iter().map(|part| part * part).sum();
            assert!((length - 1.0).abs() < 1e-13);
        }
    }

    #[test]
    fn what_has_no_components_is_an_error() {
        assert!(matches!(components(&[0.0; 7], 3, &mut [0.0; 4], &mut [0.0; 6]), Err(Error::Shape { .. })));
        assert!(matches!(components(&[0.0; 6], 3, &mut [0.0; 3], &mut [0.0; 6]), Err(Error::Shape { .. })));
        assert!(matches!(components(&[f64::NAN; 6], 3, &mut [0.0; 4], &mut [0.0; 6]), Err(Error::Domain { .. })));
        assert_eq!(components(&[], 0, &mut [], &mut []), Ok(()));
    }
}
