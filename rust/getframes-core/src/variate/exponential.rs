//! Exponential variates of mean 1: x = -ln(1 - u).

use crate::Real;
use crate::variate::tail;

/// The quantile of one word.
#[inline(always)]
pub fn of_word<T: Real>(word: u32) -> T {
    // Below u = 1/4 the logarithm starts from u itself, so that small quantiles keep their digits.
    let p = tail::<T>(word);
    let near = T::logarithm_near_one(-p.least(T::of(0.25)));
    let far = (if word < 1 << 31 { T::ONE - p } else { p }).logarithm();
    -(if word < 1 << 30 { near } else { far })
}

/// The quantiles of a tile of words.
#[inline(always)]
pub fn fill<T: Real>(words: &[u32], out: &mut [T]) {
    for (x, &word) in out.iter_mut().zip(words) {
        *x = of_word(word);
    }
}
