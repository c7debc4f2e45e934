//! Poisson variates: the smallest k with F(k; mu) >= u, exactly, in both precisions.
//!
//! | mean | method |
//! |---|---|
//! | mu < 7 | sequential search on the CDF |
//! | 7 <= mu <= 2^20 | normal-asymptotic inverse: k = floor(mu + sqrt(mu) z + z^2 A(s) + T(s) + X1(s)/mu + X2(s)/mu^2 ...), s = z/sqrt(mu) |
//! | above | Cornish-Fisher series |
//!
//! A and T are the leading terms of Temme's uniform expansion (Temme 1979, doi:10.1137/0510071; Giles 2016,
//! doi:10.1145/2699466), fitted together with X1, X2, X3 over the range where the step is used. A lane whose result lies so close to
//! a step of the CDF that the error of its method could matter is *mended*: the CDF itself decides. So a float32 and a float64 mean
//! of the same value give the same count, and the count never decreases when the mean grows.
//!
//! Not exact beyond mu = 2^32, where the mean itself is no longer known to one electron in either precision.

use crate::Real;
use crate::real::polynomial;
use crate::simd::{self, Kernel};
use crate::variate::{self, BLOCK, Law, Scattered, normal};

/// Means below this are searched.
const SEARCH_BELOW: f32 = 7.0;
/// Means above this take the Cornish-Fisher series.
const SERIES_ABOVE: f64 = 1_048_576.0;
/// Means above this are not mended.
const EXACT_BELOW: f64 = 4_294_967_296.0;
/// Most counts that [`Steps`] tells apart.
const MOST_STEPS: usize = 16;
/// Distance from a step, in uniforms, below which a searched lane is mended.
const SEARCH_MARGIN: f32 = 4e-6;
/// Distance from a step, in counts, below which an inverted lane is mended, and its growth with sqrt(mu).
const STEP_MARGIN: f32 = 4e-4;
const STEP_GROWTH: f32 = 8e-6;
/// The first of these for the double precision formula of the mended lanes.
const FINE_MARGIN: f64 = 6e-5;

/// `z^2 A(s) + T(s) + X1(s)/mu`, given s and 1/mu.
#[inline(always)]
fn correction(z: f32, s: f32, reciprocal: f32) -> f32 {
    let small = polynomial(s, &FIRST_32).mul_add(reciprocal, polynomial(s, &SHIFT_32));
    (z * z).mul_add(polynomial(s, &LEADING_32), small)
}

/// The same with more terms, to mu^-3.
#[inline(always)]
fn fine_correction(z: f64, s: f64, reciprocal: f64) -> f64 {
    let smaller = polynomial(s, &THIRD_64).mul_add(reciprocal, polynomial(s, &SECOND_64));
    let small = smaller.mul_add(reciprocal, polynomial(s, &FIRST_64));
    (z * z).mul_add(polynomial(s, &LEADING_64), small.mul_add(reciprocal, polynomial(s, &SHIFT_64)))
}

/// Where the fits hold: |z| and s.
const Z_MAX: f64 = 4.1;
const S_MIN: f64 = -1.05;
const S_MAX: f64 = 1.75;
const S_MIDDLE: f32 = (0.5 * (S_MIN + S_MAX)) as f32;
const S_HALF: f32 = (0.5 * (S_MAX - S_MIN)) as f32;

/// Counts for a tile of means (finite, not negative) and words. `counts` may not alias `mean`.
///
/// The work is done in single precision for both precisions: what it cannot decide is mended.
#[inline(always)]
pub fn fill<T: Real>(mean: &[T], words: &[u32], counts: &mut [T]) {
    variate::fill::<T, Poisson>(mean, words, counts);
}

/// The quantiles of one small mean, shared by all pixels: the words at which the count goes up.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    first: [u32; MOST_STEPS],
    count: usize,
}

impl Steps {
    /// The steps of a mean; `None` where there are more than a comparison with each is worth.
    pub fn of(mean: f64) -> Option<Self> {
        let mut steps = Self { first: [u32::MAX; MOST_STEPS], count: 0 };
        for k in 0.. {
            // P(X > k); the last word stands for 1 - u = 2^-33.
            let above = mass(k as f64 + 1.0, mean) * upper_sum(k as f64 + 1.0, mean);
            if mean == 0.0 || exact(mean, u32::MAX, k as f64) <= k as f64 {
                return Some(steps);
            }
            if k == MOST_STEPS {
                break;
            }
            let mut word = (4_294_967_295.5 - above * 4_294_967_296.0) as u32;
            while exact(mean, word, k as f64) <= k as f64 {
                word += 1;
            }
            while word > 0 && exact(mean, word - 1, k as f64) > k as f64 {
                word -= 1;
            }
            steps.first[k] = word;
            steps.count = k + 1;
        }
        None
    }

    /// Adds the counts of some words.
    #[inline(always)]
    pub fn add<T: Real>(&self, words: &[u32], counts: &mut [T]) {
        let most = words.iter().fold(0, |most, &word| word.max(most));
        for &first in self.first[..self.count].iter().take_while(|&&first| first <= most) {
            for (count, &word) in counts.iter_mut().zip(words) {
                *count += if word >= first { T::ONE } else { T::ZERO };
            }
        }
    }
}

struct Poisson;

impl<T: Real> Law<T> for Poisson {
    #[inline(always)]
    fn block(
        mean: &[T; BLOCK],
        words: &[u32; BLOCK],
        counts: &mut [T; BLOCK],
        first: usize,
        scattered: &mut Scattered,
    ) -> bool {
        block(mean, words, counts, first, scattered)
    }

    #[inline(always)]
    fn gathered(mean: &[T; BLOCK], words: &[u32; BLOCK], counts: &mut [T; BLOCK]) {
        let mut room = [0.0; BLOCK];
        search(mean, T::narrowed(mean, &mut room), words, counts);
    }
}

#[inline(always)]
fn block<T: Real>(
    mean: &[T; BLOCK],
    words: &[u32; BLOCK],
    counts: &mut [T; BLOCK],
    first: usize,
    scattered: &mut Scattered,
) -> bool {
    let mut room = [0.0; BLOCK];
    let single = T::narrowed(mean, &mut room);
    let (mut least, mut most) = (single[0].order(), single[0].order());
    for mu in single {
        least = least.min(mu.order());
        most = most.max(mu.order());
    }
    let seam = SEARCH_BELOW.order();
    if most < seam {
        return search(mean, single, words, counts);
    } else if least >= seam {
        invert(mean, single, words, counts);
    } else {
        // The inverse sees a harmless mean in the lanes of the search, which come later.
        let (mut high, mut low) = ([0.0; BLOCK], [0; BLOCK]);
        for lane in 0..BLOCK {
            let searched = single[lane] < SEARCH_BELOW;
            high[lane] = if searched { 100.0 } else { single[lane] };
            low[lane] = u32::from(searched);
        }
        invert(mean, &high, words, counts);
        scattered.note(first, &low);
    }
    true
}

/// Means below 7: walks up the CDF, all lanes together, until every one has found its step.
#[inline(always)]
fn search<T: Real>(mean: &[T; BLOCK], single: &[f32; BLOCK], words: &[u32; BLOCK], counts: &mut [T; BLOCK]) -> bool {
    // 1 - u >= mu implies u <= exp(-mu): no charge (the margin keeps the roundings on the safe side).
    let mut quiet = true;
    for lane in 0..BLOCK {
        let folded = if words[lane] < 1 << 31 { 1 << 30 } else { !words[lane] as i32 };
        quiet &= (folded as f32 + 0.5) * (1.0 / 4_294_967_296.0) >= single[lane] * 1.000_001;
    }
    if quiet {
        return false;
    }
    let (mut term, mut sum, mut u) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
    let (mut k, mut gap) = ([0.0; BLOCK], [1.0; BLOCK]);
    for lane in 0..BLOCK {
        u[lane] = ((words[lane] ^ (1 << 31)) as i32 as f32 + 0.5).mul_add(1.0 / 4_294_967_296.0, 0.5);
        term[lane] = (-single[lane]).exponential();
        sum[lane] = term[lane];
    }
    for reciprocal in RECIPROCALS {
        let mut open = 0u32;
        for lane in 0..BLOCK {
            let above = u[lane] - sum[lane];
            gap[lane] = gap[lane].least(Real::abs(above));
            open |= u32::from(above > 0.0);
            k[lane] += if above > 0.0 { 1.0 } else { 0.0 };
            term[lane] *= single[lane] * reciprocal;
            sum[lane] += term[lane];
        }
        if open == 0 {
            break;
        }
    }
    let mut doubtful = 0u32;
    for lane in 0..BLOCK {
        counts[lane] = T::from_single(k[lane]);
        doubtful |= u32::from(gap[lane] < SEARCH_MARGIN);
    }
    if doubtful != 0 {
        let flags = std::array::from_fn(|lane| u32::from(gap[lane] < SEARCH_MARGIN && single[lane] > 0.0));
        for lane in variate::flagged(&flags) {
            counts[lane] = T::of(exact(mean[lane].wide(), words[lane], f64::from(k[lane])));
        }
    }
    true
}

/// 1/k; the search ends long before the table does (F(47; 7) = 1 - 4e-23).
const RECIPROCALS: [f32; 48] = {
    let mut table = [1.0; 48];
    let mut k = 0;
    while k < table.len() {
        table[k] = 1.0 / (k + 1) as f32;
        k += 1;
    }
    table
};

/// The asymptotic inverse of a block: `single` is its means, rounded, at least 7 each (or stands in for a lane of no interest).
#[inline(always)]
fn invert<T: Real>(mean: &[T; BLOCK], single: &[f32; BLOCK], words: &[u32; BLOCK], counts: &mut [T; BLOCK]) {
    let mut z = [0.0; BLOCK];
    normal::fill(words, &mut z);
    let mut doubtful = [0u32; BLOCK];
    let mut part = [0.0; BLOCK];
    for lane in 0..BLOCK {
        // The integer part of mu is set aside in its own precision, so that its size costs no digits.
        let whole = mean[lane].floor();
        part[lane] = (mean[lane] - whole).narrow();
        counts[lane] = whole;
    }
    let mut steps = [0.0; BLOCK];
    for lane in 0..BLOCK {
        let (mu, z) = (single[lane], z[lane]);
        let root = Real::sqrt(mu);
        let inverse = 1.0 / root;
        let s = z * inverse;
        let offset = root.mul_add(z, correction(z, s, inverse * inverse));
        let position = part[lane] + offset;
        let step = Real::floor(position);
        steps[lane] = step;
        // Sure: far from a step, and inside the range of the fits (beyond it the polynomials give nonsense, which is mended).
        let from_middle = Real::abs(position - step - 0.5);
        let sure = (from_middle < root.mul_add(-STEP_GROWTH, 0.5 - STEP_MARGIN))
            & (Real::abs(s - S_MIDDLE) < S_HALF)
            & (Real::abs(z) < Z_MAX as f32)
            & (mu < SERIES_ABOVE as f32);
        doubtful[lane] = u32::from(!sure);
    }
    for lane in 0..BLOCK {
        counts[lane] += T::from_single(steps[lane]);
    }
    for lane in variate::flagged(&doubtful) {
        counts[lane] = T::of(mend(mean[lane].wide(), words[lane]));
    }
}

/// The exact count of one lane with mu >= 7: the double precision inverse, and the CDF where that is not sure.
fn mend(mu: f64, word: u32) -> f64 {
    simd::dispatch(Mend { mu, word })
}

/// Scalar work goes through a dispatch copy too: without the instruction, a fused multiply-add is a slow call.
struct Mend {
    mu: f64,
    word: u32,
}

impl Kernel for Mend {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        invert_finely(self.mu, self.word)
    }
}

#[inline(always)]
fn invert_finely(mu: f64, word: u32) -> f64 {
    let z = normal::of_word(word);
    let root = mu.sqrt();
    let s = z / root;
    let (offset, margin) = if mu > SERIES_ABOVE {
        (root.mul_add(z, cornish_fisher(z, root)), 1e-6 + 4e-16 * mu)
    } else {
        let sure = z.abs() <= Z_MAX && (S_MIN..=S_MAX).contains(&s);
        let offset = root.mul_add(z, fine_correction(z, s.clamp(S_MIN, S_MAX), 1.0 / mu));
        (offset, if sure { FINE_MARGIN } else { 1.0 })
    };
    let whole = mu.floor();
    let position = (mu - whole) + offset;
    let k = (whole + position.floor()).max(0.0);
    let from_middle = (position - position.floor() - 0.5).abs();
    if from_middle > 0.5 - margin && mu < EXACT_BELOW { exact(mu, word, k) } else { k }
}

/// Terms of the quantile beyond mu + sqrt(mu) z, to order mu^-1; error of order mu^-3/2.
#[inline(always)]
fn cornish_fisher(z: f64, root: f64) -> f64 {
    let square = z * z;
    let order_0 = 1.0 / 3.0 + square / 6.0;
    let order_1 = -z * (1.0 / 36.0 + square / 72.0);
    let order_2 = -8.0 / 405.0 + square * (7.0 / 810.0 + square / 270.0);
    order_0 + (order_1 + order_2 / root) / root
}

/// The count that the CDF decides, starting from a guess that may be off by any amount (each step away costs one term).
pub fn exact(mu: f64, word: u32, guess: f64) -> f64 {
    simd::dispatch(Exact { mu, word, guess })
}

struct Exact {
    mu: f64,
    word: u32,
    guess: f64,
}

impl Kernel for Exact {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        decide(self.mu, self.word, self.guess)
    }
}

#[inline(always)]
fn decide(mu: f64, word: u32, guess: f64) -> f64 {
    let mut k = guess.max(0.0);
    if word < 1 << 31 {
        // Lower half: the smallest k with F(k) >= u.
        let u = (f64::from(word) + 0.5) / 4_294_967_296.0;
        let mut probability = mass(k, mu);
        let mut cumulative = probability * lower_sum(k, mu);
        while k > 0.0 && cumulative - probability >= u {
            cumulative -= probability;
            probability *= k / mu;
            k -= 1.0;
        }
        while cumulative < u {
            k += 1.0;
            probability *= mu / k;
            cumulative += probability;
        }
    } else {
        // Upper half: the smallest k with P(X > k) <= 1 - u.
        let v = (f64::from(!word) + 0.5) / 4_294_967_296.0;
        let mut next = mass(k + 1.0, mu);
        let mut above = next * upper_sum(k + 1.0, mu);
        while k > 0.0 && above + next * (k + 1.0) / mu <= v {
            next *= (k + 1.0) / mu;
            above += next;
            k -= 1.0;
        }
        while above > v {
            above -= next;
            k += 1.0;
            next *= mu / (k + 1.0);
        }
    }
    k
}

/// F(k) / p(k) = 1 + k/mu + k(k-1)/mu^2 + ...
#[inline(always)]
fn lower_sum(mut k: f64, mu: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    while k > 0.0 && term > 1e-18 * sum {
        term *= k / mu;
        sum += term;
        k -= 1.0;
    }
    sum
}

/// P(X >= k) / p(k) = 1 + mu/(k+1) + mu^2/((k+1)(k+2)) + ...
#[inline(always)]
fn upper_sum(mut k: f64, mu: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    while term > 1e-18 * sum {
        k += 1.0;
        term *= mu / k;
        sum += term;
    }
    sum
}

/// p(k; mu), by Loader's saddle-point form (Loader 2000, *Fast and accurate computation of binomial probabilities*).
#[inline(always)]
pub(crate) fn mass(k: f64, mu: f64) -> f64 {
    let (exponent, scale) = match k {
        0.0 => (-mu, 1.0),
        _ => (-stirling_error(k) - deviance(k, mu), (std::f64::consts::TAU * k).sqrt()),
    };
    if exponent < -700.0 { 0.0 } else { exponent.exponential() / scale }
}

/// ln(k!) - ln(sqrt(2 pi k) (k/e)^k).
#[inline(always)]
pub(crate) fn stirling_error(k: f64) -> f64 {
    if k < 16.0 && k == k.floor() {
        return STIRLING_ERRORS[k as usize];
    }
    let square = 1.0 / (k * k);
    let series = [1.0 / 1188.0, -1.0 / 1680.0, 1.0 / 1260.0, -1.0 / 360.0, 1.0 / 12.0];
    polynomial(square, &series) / k
}

/// k ln(k/mu) + mu - k without cancellation.
#[inline(always)]
pub(crate) fn deviance(k: f64, mu: f64) -> f64 {
    if (k - mu).abs() >= 0.1 * (k + mu) {
        return k.mul_add((k / mu).logarithm(), mu - k);
    }
    let v = (k - mu) / (k + mu);
    let square = v * v;
    let (mut sum, mut power, mut odd) = ((k - mu) * v, 2.0 * k * v, 1.0);
    loop {
        power *= square;
        odd += 2.0;
        let next = sum + power / odd;
        if next == sum {
            return sum;
        }
        sum = next;
    }
}

/// Exact values of [`stirling_error`] for k = 0..16 (0 is not used).
const STIRLING_ERRORS: [f64; 16] = [
    0.0,
    0.08106146679532725822,
    0.041340695955409294094,
    0.027677925684998339149,
    0.020790672103765093112,
    0.016644691189821192163,
    0.013876128823070747999,
    0.011896709945891770095,
    0.010411265261972096497,
    0.0092554621827127329177,
    0.0083305634333628712565,
    0.007573675487951840795,
    0.0069428401072095298657,
    0.0064089941880042070684,
    0.0059513701127588477356,
    0.005554733551962801371,
];

// A, T, X1 for float32: error 2e-4 of a count over |z| <= 4.1, -1.05 <= s <= 1.75, mu >= 5.
const LEADING_32: [f64; 7] = [
    0.00011007596009615338,
    -0.0005494919616127089,
    0.0009713843690465334,
    -0.0010879427529319513,
    0.003398414229631485,
    -0.013947846398776456,
    0.16668703339605567,
];
const SHIFT_32: [f64; 6] = [
    9.964658829776688e-05,
    -0.0017399311406312312,
    -0.00527567834541555,
    0.011787610212214488,
    -0.027165207784257444,
    0.33315917179529814,
];
const FIRST_32: [f64; 4] = [0.02266838707211743, -0.021418328275851044, 0.012084417451898907, -0.019718186014970128];

// A, T, X1, X2, X3 for float64: error 2e-5 of a count over the same range.
const LEADING_64: [f64; 11] = [
    5.5726059750492406e-06,
    -6.080044976926081e-05,
    0.00016050786999996928,
    -8.614256843149254e-05,
    -6.040180885018702e-05,
    -0.00016603789611725905,
    0.0006295104891430979,
    -0.001372751731905781,
    0.003696819577604039,
    -0.013886190320295628,
    0.1666667921151028,
];
const SHIFT_64: [f64; 10] = [
    0.00032659072529288383,
    -0.0012900420903727188,
    -0.0001100312794724501,
    0.003343506540900031,
    -0.0022078711996115904,
    0.0006213596613031199,
    -0.0027916905583110782,
    0.00872626509050848,
    -0.0278490295816684,
    0.3333313469449658,
];
const FIRST_64: [f64; 8] = [
    0.0040874879851389165,
    -0.008550643861835286,
    0.009150043083253798,
    -0.011394423208066802,
    0.005554962693822355,
    -0.010899643295594624,
    0.017729617911186137,
    -0.019778064150470686,
];
const SECOND_64: [f64; 6] = [
    -0.01646722181107825,
    0.026524485542145267,
    0.020508214284927644,
    -0.005581381495475443,
    -0.0022982668498475146,
    -0.0010050937538843012,
];
const THIRD_64: [f64; 4] = [-0.03741527948469596, -0.013170619152543092, 0.007133008345739034, 0.0036497249235555333];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Stream;

    struct Fill<'a, T>(&'a [T], &'a [u32], &'a mut [T]);
    impl<T: Real> Kernel for Fill<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            fill(self.0, self.1, self.2);
        }
    }

    fn counts<T: Real>(mean: f32, words: &[u32]) -> Vec<f64> {
        let mut out = vec![T::ZERO; words.len()];
        simd::dispatch(Fill(&vec![T::of(mean.into()); words.len()], words, &mut out));
        out.iter().map(|count| count.wide()).collect()
    }

    fn words() -> Vec<u32> {
        let stream = Stream { key: 3, frame: 0, kind: 3, stage: 32, draw: 0 };
        let mut words = vec![0; 40_000];
        stream.fill(0, &mut words);
        words.extend([0, 1, 2, 1000, u32::MAX, u32::MAX - 1, u32::MAX - 1000, 1 << 31, (1 << 31) - 1]);
        words.extend((0..2000).map(|step| step * 997));
        words.extend((0..2000).map(|step| u32::MAX - step * 997));
        words
    }

    #[test]
    fn both_precisions_give_the_exact_quantile() {
        let words = words();
        for mean in [
            1e-8,
            1e-5,
            1e-3,
            0.03,
            0.4,
            1.0,
            2.7,
            4.0,
            4.9999,
            5.0,
            5.0001,
            6.3,
            7.2,
            9.0,
            12.0,
            18.5,
            23.0,
            40.0,
            77.7,
            150.0,
            1e3,
            7777.7,
            1e5,
            1e6,
            1_048_570.0,
            1_048_580.0,
            3e6,
        ] {
            let (single, double) = (counts::<f32>(mean, &words), counts::<f64>(mean, &words));
            for ((&word, &single), &double) in words.iter().zip(&single).zip(&double) {
                let mu = f64::from(mean);
                // From a guess two away, so that the walk does the work.
                let want = exact(mu, word, (double - 2.0).max(0.0));
                assert_eq!(double, want, "mean {mean}, word {word}, double");
                assert_eq!(single, want, "mean {mean}, word {word}, single");
            }
        }
    }

    #[test]
    fn steps_are_the_exact_quantile() {
        let words = words();
        for mean in [0.0, 1e-9, 1e-4, 0.005, 0.1, 0.7, 1.3] {
            let steps = Steps::of(mean).expect("the mean is small");
            let mut counts = vec![0.0; words.len()];
            steps.add(&words, &mut counts);
            for (&word, &count) in words.iter().zip(&counts) {
                assert_eq!(count, exact(mean, word, 0.0), "mean {mean}, word {word}");
            }
        }
        assert!(Steps::of(50.0).is_none());
    }

    #[test]
    fn masses_sum_to_one() {
        for mu in [0.3, 4.0, 55.5, 3000.0] {
            let sum: f64 = (0..20_000).map(|k| mass(f64::from(k), mu)).sum();
            assert!((sum - 1.0).abs() < 1e-13, "{mu}: {sum}");
        }
    }

    #[test]
    fn every_level_gives_the_same_bits() {
        let words = words();
        let mean: Vec<f32> = words.iter().map(|&word| (word % 1000) as f32 * 0.02).collect();
        let mut seen = Vec::new();
        for level in simd::available() {
            assert!(simd::choose(Some(level.name())));
            let mut out = vec![0.0; words.len()];
            simd::dispatch(Fill(&mean, &words, &mut out));
            seen.push(out);
        }
        assert!(simd::choose(None));
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
