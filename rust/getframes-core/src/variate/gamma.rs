//! Gamma variates of unit scale: x = P^-1(a, u), for any shape a > 0; a = 0 gives 0.
//!
//! | shape | method |
//! |---|---|
//! | a = 1 | logarithm |
//! | a = 2 | 2 y(z)^3, one polynomial |
//! | a >= 3 | a y^3, y = G0(s) + G1(s)/a + G2(s)/a^2 + ..., s = z/sqrt(a): Wilson-Hilferty with fitted corrections |
//! | other a, and the far tails | Newton on ln P or ln Q against ln x, from series and continued fraction |
//!
//! float64: for a >= 24 the polynomials reach 2e-11; whole shapes below are polished by one Halley step on the Erlang sum, other shapes by Newton.
//! Wilson & Hilferty 1931, doi:10.1073/pnas.17.12.684; Temme 1992, doi:10.2307/2153214.

use crate::Real;
use crate::real::polynomial;
use crate::simd::{self, Kernel};
use crate::variate::normal::{self, Quantile};
use crate::variate::poisson::{deviance, stirling_error};
use crate::variate::{self, BLOCK, Law, Scattered, exponential, tail};

/// Where the polynomials of a >= 3 hold, with |z| <= 4.5, and that of a = 2.
const S_MAX: f64 = 1.9;
const Z_MAX: f64 = 4.5;
const Z_MAX_TWO: f64 = 3.6;
/// Shapes from which the double precision polynomials need no polish.
pub(crate) const LARGE: f64 = 24.0;

/// A precision for which the gamma quantile is fitted.
pub trait Fitted: Quantile {
    /// Whether values from the common polynomials still need polish.
    const POLISH: bool;
    /// `a y^3` for a >= 3 (or, where [`Fitted::POLISH`], for a >= 24).
    fn large(shape: Self, s: Self, reciprocal: Self) -> Self;
}

impl Fitted for f32 {
    const POLISH: bool = false;
    #[inline(always)]
    fn large(shape: Self, s: Self, reciprocal: Self) -> Self {
        medium(shape, s, reciprocal)
    }
}

impl Fitted for f64 {
    const POLISH: bool = true;
    #[inline(always)]
    fn large(shape: Self, s: Self, reciprocal: Self) -> Self {
        let y = polynomial(s, &H4).mul_add(reciprocal, polynomial(s, &H3));
        let y = y.mul_add(reciprocal, polynomial(s, &H2));
        let y = y.mul_add(reciprocal, polynomial(s, &H1));
        let y = y.mul_add(reciprocal, polynomial(s, &H0));
        shape * (y * y * y)
    }
}

/// `a y^3` for a >= 3 to 7e-7.
#[inline(always)]
fn medium<T: Real>(shape: T, s: T, reciprocal: T) -> T {
    let y = polynomial(s, &G3).mul_add(reciprocal, polynomial(s, &G2));
    let y = y.mul_add(reciprocal, polynomial(s, &G1));
    let y = y.mul_add(reciprocal, polynomial(s, &G0));
    shape * (y * y * y)
}

/// Quantiles for a tile of shapes (finite, not negative) and words.
#[inline(always)]
pub fn fill<T: Fitted>(shape: &[T], words: &[u32], out: &mut [T]) {
    variate::fill::<T, Gamma>(shape, words, out);
}

struct Gamma;

/// Blocks of large shapes take one method; where few lanes have charge, they are gathered first.
impl<T: Fitted> Law<T> for Gamma {
    #[inline(always)]
    fn block(
        shape: &[T; BLOCK],
        words: &[u32; BLOCK],
        out: &mut [T; BLOCK],
        first: usize,
        scattered: &mut Scattered,
    ) -> bool {
        let border = T::of(if T::POLISH { LARGE } else { 3.0 });
        let (mut large, mut most, mut small, mut charged) = (0, 0, [0; BLOCK], [0; BLOCK]);
        for lane in 0..BLOCK {
            large += u32::from(shape[lane] >= border);
            charged[lane] = u32::from(shape[lane] > T::ZERO);
            most += charged[lane];
            small[lane] = u32::from((shape[lane] > T::ZERO) & (shape[lane] < border));
        }
        // Half a block of one sort is worth no gathering.
        let half = BLOCK as u32 / 2;
        if large >= half {
            large_block(shape, words, out);
            scattered.note(first, &small);
        } else if most >= half {
            mixture(shape, words, out);
        } else {
            if most > 0 {
                scattered.note(first, &charged);
            }
            return false;
        }
        true
    }

    #[inline(always)]
    fn gathered(shape: &[T; BLOCK], words: &[u32; BLOCK], out: &mut [T; BLOCK]) {
        mixture(shape, words, out);
    }
}

/// The polynomials of large shapes; other lanes get nonsense or zero.
#[inline(always)]
fn large_block<T: Fitted>(shape: &[T; BLOCK], words: &[u32; BLOCK], x: &mut [T; BLOCK]) {
    let border = T::of(if T::POLISH { LARGE } else { 3.0 });
    let mut z = [T::ZERO; BLOCK];
    normal::fill(words, &mut z);
    let mut doubtful = [0u32; BLOCK];
    for lane in 0..BLOCK {
        let hit = shape[lane] >= border;
        let a = if hit { shape[lane] } else { border };
        let inverse = T::ONE / a.sqrt();
        let s = z[lane] * inverse;
        let value = T::large(a, s, inverse * inverse);
        x[lane] = if hit { value } else { T::ZERO };
        let sure = (s.abs() <= T::of(S_MAX)) & (z[lane].abs() <= T::of(Z_MAX));
        doubtful[lane] = u32::from(hit & !T::POLISH & !sure);
    }
    mend(shape, words, x, &doubtful);
}

/// Replaces the doubtful lanes by the scalar quantile.
#[inline(always)]
fn mend<T: Fitted>(shape: &[T; BLOCK], words: &[u32; BLOCK], x: &mut [T; BLOCK], doubtful: &[u32; BLOCK]) {
    for lane in variate::flagged(doubtful) {
        x[lane] = T::of(quantile(shape[lane].wide(), words[lane]));
    }
}

/// Any mixture of shapes.
#[inline(always)]
fn mixture<T: Fitted>(shape: &[T; BLOCK], words: &[u32; BLOCK], x: &mut [T; BLOCK]) {
    let (one, two, three) = (T::ONE, T::of(2.0), T::of(3.0));
    let (mut ones, mut twos, mut bigs, mut others) = (false, false, false, false);
    for &a in shape {
        ones |= a == one;
        twos |= a == two;
        bigs |= a >= three;
        others |= (a > T::ZERO) & (a < three) & (a != one) & (a != two);
    }
    if !(ones | twos | bigs | others) {
        return;
    }
    if ones {
        for lane in 0..BLOCK {
            let value = exponential::of_word::<T>(words[lane]);
            x[lane] = if shape[lane] == one { value } else { x[lane] };
        }
    }
    let mut doubtful = [0u32; BLOCK];
    if twos | bigs {
        let mut z = [T::ZERO; BLOCK];
        normal::fill(words, &mut z);
        if twos {
            for lane in 0..BLOCK {
                let y = polynomial(z[lane], &TWO);
                let hit = shape[lane] == two;
                x[lane] = if hit { two * (y * y * y) } else { x[lane] };
                doubtful[lane] |= u32::from(hit & (z[lane].abs() > T::of(Z_MAX_TWO)));
            }
        }
        if bigs {
            let border = T::of(if T::POLISH { LARGE } else { 3.0 });
            for lane in 0..BLOCK {
                let a = shape[lane].most(three);
                let inverse = one / a.sqrt();
                let s = z[lane] * inverse;
                let value = T::large(a, s, inverse * inverse);
                let hit = shape[lane] >= border;
                x[lane] = if hit { value } else { x[lane] };
                let sure = (s.abs() <= T::of(S_MAX)) & (z[lane].abs() <= T::of(Z_MAX));
                doubtful[lane] |= u32::from(hit & !T::POLISH & !sure);
            }
        }
        if T::POLISH {
            polish(shape, words, &z, x, &mut doubtful);
        }
    }
    if others {
        for lane in 0..BLOCK {
            let a = shape[lane];
            doubtful[lane] |= u32::from((a > T::ZERO) & (a < three) & (a != one) & (a != two));
        }
    }
    mend(shape, words, x, &doubtful);
}

/// One Halley step on the Erlang sum for whole shapes from 2 to 24; other shapes below 24 become doubtful.
#[inline(always)]
fn polish<T: Fitted>(
    shape: &[T; BLOCK],
    words: &[u32; BLOCK],
    z: &[T; BLOCK],
    x: &mut [T; BLOCK],
    doubtful: &mut [u32; BLOCK],
) {
    let (one, two, three, large) = (T::ONE, T::of(2.0), T::of(3.0), T::of(LARGE));
    let mut most = 0;
    let mut start = [T::ONE; BLOCK];
    for lane in 0..BLOCK {
        let a = shape[lane];
        let small = (a >= two) & (a < large);
        let whole = small & (a == a.floor());
        let b = a.most(three);
        let s = (z[lane] / b.sqrt()).most(T::of(-S_MAX)).least(T::of(S_MAX));
        let rough = medium(b, s, one / b);
        start[lane] = if whole { if a == two { x[lane] } else { rough } } else { one };
        most = most.max(if whole { a.to_int() } else { 0 });
        // The lower tail of the Erlang sum cancels; beyond the fits the first guess is poor.
        let sure =
            whole & (z[lane] > T::of(-3.6)) & (z[lane] < T::of(Z_MAX)) & (z[lane].abs() < T::of(S_MAX) * b.sqrt());
        let sure = sure & ((a != two) | (z[lane].abs() < T::of(Z_MAX_TWO)));
        doubtful[lane] |= u32::from(small & !sure);
    }
    if most < 2 {
        return;
    }
    let (mut sum, mut term) = ([T::ONE; BLOCK], [T::ONE; BLOCK]);
    for j in (1..most).rev() {
        let (number, reciprocal) = (T::of_int(j), T::of(1.0 / f64::from(j)));
        for lane in 0..BLOCK {
            let inside = shape[lane] > number;
            let ratio = start[lane] * reciprocal;
            sum[lane] = if inside { sum[lane].mul_add(ratio, one) } else { sum[lane] };
            term[lane] = if inside { term[lane] * ratio } else { term[lane] };
        }
    }
    for lane in 0..BLOCK {
        let (a, guess) = (shape[lane], start[lane]);
        let p = tail::<T>(words[lane]);
        let wanted = if words[lane] < 1 << 31 { one - p } else { p };
        let survival = (-guess).exponential();
        // (Q - wanted) / pdf, then Halley with the slope of ln pdf.
        let newton = sum[lane].mul_add(survival, -wanted) / (survival * term[lane]);
        let curvature = ((a - one) / guess - one) * T::of(0.5);
        let better = guess + newton / newton.mul_add(curvature, one);
        let whole = (a >= two) & (a < large) & (a == a.floor());
        x[lane] = if whole { better } else { x[lane] };
    }
}

/// The quantile of one word for any shape, to about 1e-13; 0 where it underflows.
pub fn quantile(shape: f64, word: u32) -> f64 {
    simd::dispatch(Scalar { shape, word })
}

/// Scalar work goes through a dispatch copy too: without the instruction, a fused multiply-add is a slow call.
struct Scalar {
    shape: f64,
    word: u32,
}

impl Kernel for Scalar {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        newton(self.shape, self.word)
    }
}

#[inline(always)]
fn newton(shape: f64, word: u32) -> f64 {
    let lower = word < 1 << 31;
    let p: f64 = tail(word);
    let mut log_x = start(shape, word, p);
    if log_x < -700.0 {
        return 0.0;
    }
    for _ in 0..60 {
        let x = log_x.exponential();
        // x pdf(x) = a D, D = x^a exp(-x) / Gamma(a + 1).
        let density = density(shape, x);
        let value = if lower { density * lower_series(shape, x) } else { upper_tail(shape, x, density) };
        if value <= 0.0 || density <= 0.0 {
            // Beyond the range of doubles on either side: walk back.
            log_x += if lower { 1.0 } else { -1.0 };
            continue;
        }
        let newton = (value / p).logarithm() * value / (shape * density);
        let step = if lower { -newton } else { newton }.clamp(-2.0, 2.0);
        log_x += step;
        if step.abs() < 1e-14 * log_x.abs().max(1.0) {
            break;
        }
    }
    if log_x < -700.0 { 0.0 } else { log_x.exponential() }
}

/// A first ln x: Wilson-Hilferty, or the power law of the lower tail where that is larger or the shape is small.
#[inline(always)]
fn start(shape: f64, word: u32, p: f64) -> f64 {
    let u = if word < 1 << 31 { p } else { 1.0 - p };
    let log_gamma = gamma_log(shape);
    let power = (u.logarithm() + log_gamma) / shape;
    let cube_root = 1.0 - 1.0 / (9.0 * shape) + normal::of_word(word) / (3.0 * shape.sqrt());
    if shape < 1.0 {
        // Above the median the exponential tail rules: x is near -ln(1 - u).
        return if word < 1 << 31 { power } else { power.min((1.0 - p.logarithm()).logarithm()) };
    }
    if cube_root < 0.1 { power } else { (shape * cube_root * cube_root * cube_root).logarithm() }
}

/// ln Gamma(a + 1).
#[inline(always)]
fn gamma_log(a: f64) -> f64 {
    correction(a) + (a + 0.5) * a.logarithm() - a + 0.5 * std::f64::consts::TAU.logarithm()
}

/// The error of Stirling's formula for any a > 0, by recurrence up to 16.
#[inline(always)]
fn correction(a: f64) -> f64 {
    let (mut a, mut sum) = (a, 0.0);
    while a < 16.0 {
        // ln(1 + 1/a) (a + 1/2) - 1
        sum += (1.0 + 1.0 / a).logarithm().mul_add(a + 0.5, -1.0);
        a += 1.0;
    }
    sum + stirling_error(a)
}

/// x^a exp(-x) / Gamma(a + 1).
#[inline(always)]
fn density(a: f64, x: f64) -> f64 {
    let exponent = -correction(a) - deviance(a, x);
    if exponent < -690.0 { 0.0 } else { exponent.exponential() / (std::f64::consts::TAU * a).sqrt() }
}

/// P(a, x) / D(a, x) = 1 + x/(a+1) + x^2/((a+1)(a+2)) + ...
#[inline(always)]
fn lower_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 1.0, a);
    while term > 1e-17 * sum {
        n += 1.0;
        term *= x / n;
        sum += term;
    }
    sum
}

/// Q(a, x): one minus the series below the mode, Lentz's continued fraction above it.
#[inline(always)]
fn upper_tail(a: f64, x: f64, density: f64) -> f64 {
    if x < a + 1.0 {
        return 1.0 - density * lower_series(a, x);
    }
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for i in 1..10_000 {
        let i = f64::from(i);
        let numerator = -i * (i - a);
        b += 2.0;
        d = 1.0 / keep_away(numerator * d + b, tiny);
        c = keep_away(b + numerator / c, tiny);
        let factor = d * c;
        fraction *= factor;
        if (factor - 1.0).abs() < 1e-16 {
            break;
        }
    }
    density * a * fraction
}

#[inline(always)]
fn keep_away(value: f64, tiny: f64) -> f64 {
    if value.abs() < tiny { tiny } else { value }
}

// float32, a >= 3, |z| <= 4.5, |s| <= 1.9: relative error 8e-7.
const G0: [f64; 10] = [
    -7.871291242490314e-08,
    -1.9224069551042324e-06,
    7.049258972569533e-06,
    5.233929139100678e-06,
    -0.00013286074986150972,
    0.0008211536339054114,
    -0.003083884966779587,
    1.2897413597813522e-06,
    0.33333287985897236,
    0.9999997719425765,
];
const G1: [f64; 9] = [
    7.961392698835502e-07,
    1.1411179388651838e-05,
    -3.3021946352589454e-05,
    -3.815229776830148e-05,
    0.00041389743575299113,
    -0.001688387888711165,
    0.0032761315166704896,
    0.009254654672330113,
    -0.11110358942266238,
];
const G2: [f64; 8] = [
    -7.830968332576397e-06,
    -1.5286769213306768e-05,
    0.00010252563095252476,
    1.2838450191649094e-05,
    -0.0006268208609142553,
    0.001811270509279708,
    -0.0019353767424566703,
    -0.005839056378488807,
];
const G3: [f64; 6] = [
    8.549518300732593e-06,
    -0.00010010914144251855,
    0.0001979149796436817,
    0.0001544963681021039,
    -0.001188391168790997,
    0.0019221218060503096,
];
// float64, a >= 24, every z of a 32-bit word: relative error 2e-11.
const H0: [f64; 13] = [
    6.42877782150445e-09,
    -1.5983175908790868e-08,
    -2.0725570165355712e-08,
    3.5981190413594616e-07,
    -1.8155389756718683e-06,
    4.774490754038329e-06,
    4.355918603030777e-06,
    -0.0001285995436147191,
    0.0008230451476023523,
    -0.003086419878366358,
    -8.403349817913794e-11,
    0.33333333334943543,
    1.0000000000032268,
];
const H1: [f64; 12] = [
    -1.3805899192350626e-07,
    1.415330301222407e-07,
    7.387139826977481e-08,
    -1.835527061244287e-06,
    8.979533664695358e-06,
    -1.906758904261743e-05,
    -2.4040175728174173e-05,
    0.0003918786626759349,
    -0.0017147000600408239,
    0.003292205167580813,
    0.009259257111260577,
    -0.11111111130803576,
];
const H2: [f64; 10] = [
    4.283694789849034e-06,
    -6.133280988862509e-06,
    4.373679278164797e-06,
    -2.4409787888731328e-05,
    4.044397768182135e-05,
    3.0914221149061604e-05,
    -0.0005193822054611317,
    0.0017486288872983731,
    -0.00192878823522003,
    -0.0057613189828152,
];
const H3: [f64; 9] = [
    7.267642300113146e-05,
    -0.00011123950911060949,
    0.0001657071847084936,
    0.00016214878430110267,
    -0.00030859365943352994,
    5.640026299094868e-05,
    0.0004134664854033674,
    -0.001268800808911821,
    0.0015814748491657486,
];
const H4: [f64; 7] = [
    -0.002467259836641698,
    0.00030536198156014933,
    0.0024136061086221998,
    -0.0003919818738775836,
    -0.0008233585250463165,
    0.00011659970790459605,
    0.0005812470840420219,
];
// y(z) of a = 2, |z| <= 3.6: relative error 4e-7.
const TWO: [f64; 13] = [
    -8.925432075036076e-11,
    -3.3984300844867415e-10,
    7.047189076339137e-09,
    -5.326964201641156e-10,
    -2.088010651275936e-07,
    9.77377544159658e-07,
    -1.1209568200824729e-06,
    -2.2406225503239995e-05,
    0.0002524769855100126,
    -0.0014348480343387264,
    0.0010575274149214704,
    0.2385278639945323,
    0.9432291193836718,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Stream;
    use crate::variate::uniform;

    struct Fill<'a, T>(&'a [T], &'a [u32], &'a mut [T]);
    impl<T: Fitted> Kernel for Fill<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            fill(self.0, self.1, self.2);
        }
    }

    fn values<T: Fitted>(shape: f64, words: &[u32]) -> Vec<f64> {
        let mut out = vec![T::ZERO; words.len()];
        simd::dispatch(Fill(&vec![T::of(shape); words.len()], words, &mut out));
        out.iter().map(|x| x.wide()).collect()
    }

    fn words() -> Vec<u32> {
        let mut words = vec![0; 3000];
        Stream { key: 5, frame: 0, kind: 3, stage: 35, draw: 0 }.fill(0, &mut words);
        words.extend([0, 1, 1000, 100_000, u32::MAX, u32::MAX - 1000, u32::MAX - 100_000, 1 << 31, (1 << 31) - 1]);
        words
    }

    /// The distribution function, by its series alone.
    fn cumulative(a: f64, x: f64) -> f64 {
        density(a, x) * lower_series(a, x)
    }

    #[test]
    fn the_scalar_quantile_inverts_the_distribution() {
        for shape in [0.01, 0.2, 0.9, 1.0, 1.78, 2.0, 2.5, 3.0, 10.0, 100.0, 1e4] {
            for &word in &words()[..500] {
                let x = quantile(shape, word);
                let u = uniform(word);
                if x > 0.0 {
                    assert!((cumulative(shape, x) - u).abs() < 2e-12, "shape {shape}, u {u}: x {x}");
                }
            }
        }
    }

    #[test]
    fn tiles_meet_the_scalar_quantile() {
        let words = words();
        for shape in [0.3, 1.0, 1.78, 2.0, 3.0, 3.56, 5.0, 10.0, 17.0, 23.0, 23.5, 24.0, 30.0, 100.0, 1000.0, 3e4] {
            let (single, double) = (values::<f32>(shape, &words), values::<f64>(shape, &words));
            for ((&word, &single), &double) in words.iter().zip(&single).zip(&double) {
                let exact = quantile(shape, word);
                let exact_single = quantile(f64::from(shape as f32), word);
                assert!((double / exact - 1.0).abs() < 1e-10, "shape {shape}, word {word}: {double} is not {exact}");
                let error = (single - exact_single).abs() / exact_single.max(1e-3);
                assert!(error < 2e-6, "shape {shape}, word {word}: {single} is not {exact_single}");
            }
        }
    }

    #[test]
    fn no_charge_gives_nothing() {
        assert!(values::<f32>(0.0, &words()).iter().all(|&x| x == 0.0));
    }
}
