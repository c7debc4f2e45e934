//! Standard normal variates: z = Phi^-1(u).
//!
//! With x = 2u - 1 and w = -ln(1 - x^2), z = x g(w), where g is smooth: one polynomial in w serves the centre (all but
//! one lane in a thousand), others in sqrt(w) the tails (the variables of Giles 2012, doi:10.1016/B978-0-12-385963-1.00010-1,
//! with coefficients fitted here by Chebyshev interpolation of the exact function).

use crate::Real;
use crate::real::polynomial;
use crate::variate::tail;

/// Words whose smaller tail has fewer 2^-32 than this (w > 6.25, one in a thousand) go through [`Quantile::outer`].
const OUTER: u32 = 2_080_000;

/// A precision for which the quantile of the normal law is fitted.
pub trait Quantile: Real {
    /// g(w) in the centre.
    fn centre(w: Self) -> Self;
    /// g(w) in the tails.
    fn outer(w: Self) -> Self;
}

impl Quantile for f32 {
    #[inline(always)]
    fn centre(w: Self) -> Self {
        polynomial(w, &CENTRE_32)
    }
    #[inline(always)]
    fn outer(w: Self) -> Self {
        polynomial(w.sqrt() - 3.25, &OUTER_32)
    }
}

impl Quantile for f64 {
    #[inline(always)]
    fn centre(w: Self) -> Self {
        polynomial(w, &CENTRE_64)
    }
    #[inline(always)]
    fn outer(w: Self) -> Self {
        let s = w.sqrt();
        if s < 4.0 { polynomial(s - 3.25, &OUTER_64) } else { polynomial(s - 5.0, &FAR_64) }
    }
}

/// -ln(4 p (1 - p)), p being the smaller tail.
#[inline(always)]
fn depth<T: Real>(word: u32) -> T {
    let p = tail::<T>(word);
    let four = T::of(4.0);
    -((four * p) * (T::ONE - p)).logarithm()
}

/// 2u - 1.
#[inline(always)]
fn signed<T: Real>(word: u32) -> T {
    (T::of_int((word ^ (1 << 31)) as i32) + T::of(0.5)) * T::of(1.0 / 2_147_483_648.0)
}

/// Words looked at together when the tails are mended.
const GROUP: usize = 16;

/// The quantiles of a tile of words.
#[inline(always)]
pub fn fill<T: Quantile>(words: &[u32], z: &mut [T]) {
    let z = &mut z[..words.len()];
    for (z, &word) in z.iter_mut().zip(words) {
        *z = signed::<T>(word) * T::centre(depth(word));
    }
    for (z, words) in z.chunks_mut(GROUP).zip(words.chunks(GROUP)) {
        if words.iter().fold(false, |any, &word| any | (word.min(!word) < OUTER)) {
            for (z, &word) in z.iter_mut().zip(words) {
                if word.min(!word) < OUTER {
                    *z = signed::<T>(word) * T::outer(depth(word));
                }
            }
        }
    }
}

/// The quantile of any uniform strictly inside (0, 1), down to 2^-53.
pub fn quantile(u: f64) -> f64 {
    let p = u.min(1.0 - u);
    let x = 2.0 * u - 1.0;
    let w = -Real::logarithm((4.0 * p) * (1.0 - p));
    x * if w < 6.25 { f64::centre(w) } else { f64::outer(w) }
}

/// The quantile of one word in double precision.
#[inline(always)]
pub fn of_word(word: u32) -> f64 {
    let w = depth::<f64>(word);
    signed::<f64>(word) * if word.min(!word) < OUTER { f64::outer(w) } else { f64::centre(w) }
}

/// g on 0 <= w <= 6.25; error 1.2e-7.
const CENTRE_32: [f64; 10] = [
    -6.5243359472191657526e-9,
    1.7143661012215130029e-7,
    -1.3900745284282972003e-6,
    -1.9040251198529794571e-6,
    0.000086550177591015585611,
    -0.00022329583346579397109,
    -0.0032572249933901569978,
    0.016309903427384602721,
    0.32812141953085664532,
    1.2533139944859900141,
];

/// g in sqrt(w) - 3.25 on 5 <= w <= 21.7; error 2e-8.
const OUTER_32: [f64; 11] = [
    -0.000030909240046545756101,
    0.00011262669148734101701,
    -0.000033862025931342583924,
    -0.00050177828084764820522,
    0.0014037874749903473203,
    -0.0023938419196807569512,
    0.0035027121131896015646,
    -0.0053028144987967310458,
    0.0075985197010757929863,
    1.4216507076068021317,
    4.3612727868428228971,
];

/// g on 0 <= w <= 6.25; error 6e-13.
const CENTRE_64: [f64; 18] = [
    4.5464503118383360941e-16,
    -2.1116681788857674932e-14,
    3.8850442981541196863e-13,
    -2.9101283245459305041e-12,
    -9.585307562119107625e-12,
    3.8839628000521646145e-10,
    -3.3390100684124443475e-9,
    1.1464942517914813013e-8,
    3.2145866392014939365e-9,
    5.455358985335523747e-9,
    -1.5161238636709454545e-6,
    2.943237056540858658e-6,
    0.000065857111147582341597,
    -0.0001810519562636435253,
    -0.0033023404665608690766,
    0.016333237337374323763,
    0.32811687379979397897,
    1.25331413731617046,
];

/// g in sqrt(w) - 3.25 on 2.5 <= sqrt(w) <= 4; error 3e-16.
const OUTER_64: [f64; 18] = [
    1.3130028550767352276e-7,
    -3.8145775911524775609e-7,
    1.8739403765499560797e-8,
    2.1173478496244770621e-6,
    -5.6695213136057361673e-6,
    4.1386644977626480558e-6,
    0.000017639118272650521835,
    -0.00006691943653822004652,
    0.000096570441412999229208,
    0.000033985371115729418003,
    -0.00050209905830921061916,
    0.0013481547444016821061,
    -0.0023875821720922821263,
    0.0035234312034418227303,
    -0.0053050099473461341895,
    0.0075956202040108132135,
    1.4216508658102646681,
    4.3612728551653303387,
];

/// g in sqrt(w) - 5 on 4 <= sqrt(w) <= 6.1; error 1e-16.
const FAR_64: [f64; 18] = [
    3.8920340496557037178e-11,
    -3.1773972886617783991e-11,
    -5.2568514975619953561e-10,
    2.106548345166898067e-9,
    -5.0736319555045002064e-9,
    1.0810723623283543325e-8,
    -2.141999226370214804e-8,
    4.1188120325504591042e-8,
    -9.5620845271976389893e-8,
    3.2387688969880799941e-7,
    -1.4043309225262838838e-6,
    6.4008153622529268581e-6,
    -0.00002783423099229395467,
    0.00010747355190694033585,
    -0.00030409851149866492782,
    -0.00019617874137530971916,
    1.4287806194832768175,
    6.8588034091121116795,
];
