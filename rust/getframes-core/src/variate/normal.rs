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
const OUTER_DEPTH: f64 = 6.25;

/// A precision for which the quantile of the normal law is fitted.
pub trait Quantile: Real {
    /// Whether half a word counts: not in a float of 24 bits.
    const HALF_WORD: bool;
    /// -ln of a number in (0, 1], to an absolute error that the quantile does not feel.
    fn depth(t: Self) -> Self;
    /// g(w) / 2^31 in the centre.
    fn centre(w: Self) -> Self;
    /// g(w) / 2^31 in the tails.
    fn outer(w: Self) -> Self;
}

impl Quantile for f32 {
    const HALF_WORD: bool = false;
    #[inline(always)]
    fn depth(t: Self) -> Self {
        let bits = t.to_bits() as i32;
        let shifted = bits - std::f32::consts::FRAC_1_SQRT_2.to_bits() as i32;
        let f = Self::from_bits((bits - (shifted & !0x007f_ffff)) as u32) - 1.0;
        let exponent = (shifted >> 23) as f32;
        exponent.mul_add(-std::f32::consts::LN_2, f * polynomial(f, const { &negated(DEPTH_32) }))
    }
    #[inline(always)]
    fn centre(w: Self) -> Self {
        polynomial(w, const { &per_word(CENTRE_32) })
    }
    #[inline(always)]
    fn outer(w: Self) -> Self {
        polynomial(w.sqrt() - 3.25, const { &per_word(OUTER_32) })
    }
}

impl Quantile for f64 {
    const HALF_WORD: bool = true;
    #[inline(always)]
    fn depth(t: Self) -> Self {
        let bits = t.to_bits() as i64;
        let shifted = bits - std::f64::consts::FRAC_1_SQRT_2.to_bits() as i64;
        let f = Self::from_bits((bits - (shifted & !0x000f_ffff_ffff_ffff)) as u64) - 1.0;
        // The exponent as a double without the conversion that AVX2 lacks: 2^52 + 2^51 + exponent, minus the constant.
        let exponent = Self::from_bits((0x4338_0000_0000_0000 + (shifted >> 52)) as u64) - 6_755_399_441_055_744.0;
        exponent.mul_add(-std::f64::consts::LN_2, f * polynomial(f, const { &negated(DEPTH_64) }))
    }
    #[inline(always)]
    fn centre(w: Self) -> Self {
        polynomial(w, const { &per_word(CENTRE_64) })
    }
    #[inline(always)]
    fn outer(w: Self) -> Self {
        let s = w.sqrt();
        if s < 4.0 {
            polynomial(s - 3.25, const { &per_word(OUTER_64) })
        } else {
            polynomial(s - 5.0, const { &per_word(FAR_64) })
        }
    }
}

const fn scaled<const N: usize>(mut coefficients: [f64; N], factor: f64) -> [f64; N] {
    let mut index = 0;
    while index < N {
        coefficients[index] *= factor;
        index += 1;
    }
    coefficients
}

const fn negated<const N: usize>(coefficients: [f64; N]) -> [f64; N] {
    scaled(coefficients, -1.0)
}

/// The signed word stands for x 2^31: the factor goes into the coefficients.
const fn per_word<const N: usize>(coefficients: [f64; N]) -> [f64; N] {
    scaled(coefficients, 1.0 / 2_147_483_648.0)
}

/// w = -ln(4 p (1 - p)), p = q / 2^32 being the smaller tail.
#[inline(always)]
fn depth<T: Quantile>(word: u32) -> T {
    let folded = T::of_int((word ^ ((word as i32 >> 31) as u32)) as i32);
    let q = if T::HALF_WORD { folded + T::of(0.5) } else { folded };
    let (one, two) = (T::of(1.0 / 1_073_741_824.0), T::of(-1.0 / 4_611_686_018_427_387_904.0));
    T::depth(q * q.mul_add(two, one))
}

/// (2u - 1) 2^31.
#[inline(always)]
fn signed<T: Quantile>(word: u32) -> T {
    let signed = T::of_int((word ^ (1 << 31)) as i32);
    if T::HALF_WORD { signed + T::of(0.5) } else { signed }
}

/// The same as [`depth`] where half a word always counts.
#[inline(always)]
fn far_depth<T: Quantile>(word: u32) -> T {
    let p = tail::<T>(word);
    T::depth((T::of(4.0) * p) * (T::ONE - p))
}

/// Words looked at together when the tails are mended.
const GROUP: usize = 64;

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
                    *z = signed::<T>(word) * T::outer(far_depth(word));
                }
            }
        }
    }
}

/// Turns uniforms strictly inside (0, 1), down to 2^-53, into their quantiles.
#[inline(always)]
pub fn quantiles(values: &mut [f64]) {
    for values in values.chunks_mut(GROUP) {
        let (mut scaled, mut w) = ([0.0; GROUP], [0.0; GROUP]);
        let mut most = 0.0;
        for ((value, scaled), w) in values.iter_mut().zip(&mut scaled).zip(&mut w) {
            let p = value.least(1.0 - *value);
            *scaled = (2.0 * *value - 1.0) * 2_147_483_648.0;
            *w = f64::depth((4.0 * p) * (1.0 - p));
            *value = *scaled * f64::centre(*w);
            most = Real::most(most, *w);
        }
        if most >= OUTER_DEPTH {
            for ((value, &scaled), &w) in values.iter_mut().zip(&scaled).zip(&w) {
                if w >= OUTER_DEPTH {
                    *value = scaled * f64::outer(w);
                }
            }
        }
    }
}

/// The quantile of one word in double precision.
#[inline(always)]
pub fn of_word(word: u32) -> f64 {
    let w = far_depth::<f64>(word);
    signed::<f64>(word) * if word.min(!word) < OUTER { f64::outer(w) } else { f64::centre(w) }
}

/// ln(1+f) / f on [sqrt(1/2) - 1, sqrt(2) - 1]; error 4e-7 of ln(1+f).
const DEPTH_32: [f64; 7] = [
    0.11657758396594100392,
    -0.18574253379649173827,
    0.20525590671384406044,
    -0.24920303009976980007,
    0.33313553559766367968,
    -0.50000877927257516383,
    1.0000010280688620165,
];

/// The same; error 2e-13.
const DEPTH_64: [f64; 15] = [
    0.042727793900686717424,
    -0.084682215752840092111,
    0.087507036247029878129,
    -0.083174156678308885475,
    0.089540946686738911595,
    -0.099873595020431468983,
    0.11119418902563256433,
    -0.12501076228140804537,
    0.14285458028768874827,
    -0.16666632199905126451,
    0.20000003809721679618,
    -0.25000000433643934756,
    0.33333333311388709282,
    -0.49999999998510484138,
    1.0000000000002175118,
];

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

/// g on 0 <= w <= 6.25; error 4e-12.
const CENTRE_64: [f64; 16] = [
    -4.5769346811493379493e-14,
    2.2543594911532127898e-12,
    -4.8200336077636194565e-11,
    5.6904655047507001075e-10,
    -3.7829217076053898354e-9,
    1.1225904387989223201e-8,
    9.671706809266582156e-9,
    -2.106532501059531769e-8,
    -1.4539067205315844096e-6,
    2.8491771283723008408e-6,
    0.000065949902872124955143,
    -0.00018110981220581609317,
    -0.0033023192697303400456,
    0.016333233358514699614,
    0.32811687408800715459,
    1.2533141373127960663,
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
