//! A round Gaussian, integrated over pixels exactly.
//!
//! | symbol | name    | unit  |
//! |--------|---------|-------|
//! | σ      | `sigma` | pixel |
//!
//! Law: E(u, v) = e(u) e(v), e(u) = Φ((u + 1/2)/σ) - Φ((u - 1/2)/σ), out to 5 σ.
//!
//! e is a difference of upper tails Q = 1 - Φ, on the side where they are small, so that every column keeps its relative
//! accuracy: 1e-4 in f32 and 1e-9 in f64. Q(u) = exp(-u²/2) P(w), with P a polynomial in w = (u - k)/(u + k) (the form of Shepherd
//! & Laframboise 1981, doi:10.1090/S0025-5718-1981-0595058-X); the coefficients were fitted for this file.
//! The square of 2 * ceil(5 σ) + 1 pixels loses less than 1.2e-6 of the light.
//!
//! Where no column changes too much with the place of the star in its pixel (σ above a pixel in f32, 0.6 in f64), each column is a
//! polynomial in that place, made from these differences once per σ: no exponential is left per star.

use super::{LANES, Profile, Stars, Tile, pixel_of};
use getframes_core::profile::cosine_of_half_turns;
use getframes_core::real::{Real, polynomial};

/// Standard deviations out to which light is drawn.
pub const REACH_SIGMA: f64 = 5.0;

/// Widest Gaussian whose columns are accurate in single precision [pixel].
pub const WIDEST_SINGLE: f64 = 8.0;

/// Nodes that the polynomials of the columns are made from.
const NODES: usize = 28;

/// Column values that are prepared at a time.
const BATCH: usize = 1024;

/// A Gaussian whose columns are computed in precision `P`.
#[derive(Clone, Debug)]
pub struct Gaussian<P> {
    sigma: f64,
    /// Pixels drawn on each side of the star's own.
    half: usize,
    /// Room for the edges of one row of the patch.
    stride: usize,
    /// e as polynomials in twice the phase, highest power first, `stride` columns a power; empty where they would not do.
    polynomials: Vec<P>,
}

impl<P: Tail> Gaussian<P> {
    /// A Gaussian of standard deviation `sigma` [pixel], positive.
    pub fn new(sigma: f64) -> Self {
        let half = (REACH_SIGMA * sigma).ceil().max(1.0) as usize;
        let stride = (2 * half + 2).next_multiple_of(LANES);
        let polynomials =
            if half as f64 <= P::STEEPEST * sigma * sigma { polynomials(sigma, half, stride) } else { Vec::new() };
        Self { sigma, half, stride, polynomials }
    }

    /// Fraction of the light outside the patch, for a star centred on a pixel.
    pub fn lost(&self) -> f64 {
        let outside = 2.0 * signed_tail((self.half as f64 + 0.5) / self.sigma);
        outside * (2.0 - outside)
    }
}

impl<T: Real, P: Tail> Profile<T> for Gaussian<P> {
    fn reach(&self) -> (usize, usize) {
        (self.half, self.half)
    }

    #[inline(always)]
    fn draw(&self, stars: Stars<'_>, order: &[u32], mut tile: Tile<'_, T>) {
        let at_once = (BATCH / self.stride).clamp(1, order.len());
        let room = at_once * self.stride;
        let mut tails = vec![P::ZERO; if self.polynomials.is_empty() { room } else { 0 }];
        let (mut columns, mut rows) = (vec![T::ZERO; room], vec![T::ZERO; room]);
        for group in order.chunks(at_once) {
            self.fractions(stars.x, group, &mut tails, &mut columns);
            self.fractions(stars.y, group, &mut tails, &mut rows);
            let patches = columns.chunks_exact(self.stride).zip(rows.chunks_exact(self.stride));
            for (&star, (columns, rows)) in group.iter().zip(patches) {
                let star = star as usize;
                let left = pixel_of(stars.x[star]) - self.half as i64;
                let top = pixel_of(stars.y[star]) - self.half as i64;
                self.add(&mut tile, (left, top), columns, rows, T::of(stars.flux[star]));
            }
        }
    }
}

impl<P: Tail> Gaussian<P> {
    /// e of every column of every star of a group, `stride` values a star, zero beyond the patch.
    #[inline(always)]
    fn fractions<T: Real>(&self, positions: &[f64], group: &[u32], tails: &mut [P], fractions: &mut [T]) {
        if !self.polynomials.is_empty() {
            return self.polynomial_fractions(positions, group, fractions);
        }
        let inverse = P::of(1.0 / self.sigma);
        for (&star, tails) in group.iter().zip(tails.chunks_exact_mut(self.stride)) {
            let position = positions[star as usize];
            let first_edge = P::of((pixel_of(position) - self.half as i64) as f64 - 0.5 - position);
            for (chunk, tails) in tails.chunks_exact_mut(LANES).enumerate() {
                for (lane, tail) in tails.iter_mut().enumerate() {
                    let edge = first_edge + P::of_int((chunk * LANES + lane) as i32);
                    *tail = signed_tail(edge * inverse);
                }
            }
        }
        let count = 2 * self.half + 1;
        for (tails, fractions) in
            tails.chunks_exact(self.stride).zip(fractions.chunks_exact_mut(self.stride)).take(group.len())
        {
            for ((pair, fraction), column) in tails.windows(2).zip(fractions).zip(0..count) {
                debug_assert!(column < count);
                *fraction = T::of(between(pair[0], pair[1]).wide());
            }
        }
    }

    #[inline(always)]
    fn polynomial_fractions<T: Real>(&self, positions: &[f64], group: &[u32], fractions: &mut [T]) {
        for (&star, fractions) in group.iter().zip(fractions.chunks_exact_mut(self.stride)) {
            let position = positions[star as usize];
            let place = P::of(2.0 * (position - pixel_of(position) as f64));
            for (chunk, fractions) in fractions.chunks_exact_mut(LANES).enumerate() {
                let mut sum = [P::ZERO; LANES];
                for power in self.polynomials.chunks_exact(self.stride) {
                    let power = &power[chunk * LANES..][..LANES];
                    for lane in 0..LANES {
                        sum[lane] = sum[lane].mul_add(place, power[lane]);
                    }
                }
                for lane in 0..LANES {
                    fractions[lane] = T::of(sum[lane].wide());
                }
            }
        }
    }

    /// Adds one star's patch, whose first pixel is `corner`, to the tile.
    #[inline(always)]
    fn add<T: Real>(&self, tile: &mut Tile<'_, T>, corner: (i64, i64), columns: &[T], rows: &[T], flux: T) {
        let (here, skipped) = tile.rows(corner.1, 2 * self.half + 1);
        if let Ok(columns) = <&[T; LANES]>::try_from(columns) {
            for (row, &fraction) in here.zip(&rows[skipped..]) {
                tile.add(row, corner.0, columns, flux * fraction);
            }
            return;
        }
        let on_image = tile.columns(corner.0, 2 * self.half + 1);
        let skipped_columns = ((on_image.start as i64 - corner.0) as usize).min(columns.len());
        let columns = &columns[skipped_columns..];
        for (row, &fraction) in here.zip(&rows[skipped..]) {
            let light = flux * fraction;
            for (pixel, &column) in tile.pixels(row, on_image.clone()).iter_mut().zip(columns) {
                *pixel = column.mul_add(light, *pixel);
            }
        }
    }
}

/// Coefficients of every column, as [`Gaussian::polynomials`].
fn polynomials<P: Tail>(sigma: f64, half: usize, stride: usize) -> Vec<P> {
    let column = |offset: f64| between(signed_tail((offset - 0.5) / sigma), signed_tail((offset + 0.5) / sigma));
    let nodes: Vec<f64> = (0..NODES).map(|node| cosine_of_half_turns((node as f64 + 0.5) / NODES as f64)).collect();
    let series: Vec<[f64; NODES]> = (0..=2 * half)
        .map(|number| {
            let offset = number as f64 - half as f64;
            let values: Vec<f64> = nodes.iter().map(|t| column(offset - t / 2.0)).collect();
            chebyshev_series(&nodes, &values)
        })
        .collect();
    let degree = series.iter().map(|series| needed_degree(series, P::TOLERANCE)).max().unwrap_or(0);
    let mut coefficients = vec![P::ZERO; (degree + 1) * stride];
    for (number, series) in series.iter().enumerate() {
        for (power, &value) in powers(&series[..=degree]).iter().enumerate() {
            coefficients[(degree - power) * stride + number] = P::of(value);
        }
    }
    coefficients
}

/// Chebyshev coefficients of a function from its values at the nodes.
fn chebyshev_series(nodes: &[f64], values: &[f64]) -> [f64; NODES] {
    let mut series = [0.0; NODES];
    for (&node, &value) in nodes.iter().zip(values) {
        let (mut before, mut here) = (node, 1.0);
        for coefficient in &mut series {
            *coefficient += value * here * 2.0 / NODES as f64;
            (before, here) = (here, 2.0 * node * here - before);
        }
    }
    series[0] /= 2.0;
    series
}

/// The degree that leaves less than `tolerance` of the smallest value of a positive function.
fn needed_degree(series: &[f64; NODES], tolerance: f64) -> usize {
    let (left, right) = series.iter().enumerate().fold((0.0, 0.0), |(left, right), (degree, value)| {
        (left + if degree % 2 == 0 { *value } else { -value }, right + value)
    });
    let mut dropped = 0.0;
    for degree in (1..NODES).rev() {
        dropped += series[degree].abs();
        if dropped > tolerance * left.min(right) {
            return degree;
        }
    }
    0
}

/// A Chebyshev series as powers, lowest first.
fn powers(series: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; series.len()];
    let (mut before, mut here) = (vec![0.0; series.len()], vec![0.0; series.len()]);
    here[0] = 1.0;
    for (degree, &coefficient) in series.iter().enumerate() {
        for (sum, value) in sum.iter_mut().zip(&here) {
            *sum += coefficient * value;
        }
        let factor = if degree == 0 { 1.0 } else { 2.0 };
        let next =
            (0..series.len()).map(|power| if power == 0 { 0.0 } else { factor * here[power - 1] } - before[power]);
        let next: Vec<f64> = next.collect();
        before = std::mem::replace(&mut here, next);
    }
    sum
}

/// The normal probability between two edges, from their signed tails.
#[inline(always)]
fn between<P: Real>(low: P, high: P) -> P {
    let difference = (high - low).abs();
    if low < P::ZERO && high >= P::ZERO { P::ONE - difference } else { difference }
}

/// Q(|u|) with the sign of u.
#[inline(always)]
fn signed_tail<P: Tail>(u: P) -> P {
    let size = u.abs().least(P::of(P::FARTHEST));
    let w = P::of(-2.0 * P::SHIFT).mul_add(P::ONE / (size + P::of(P::SHIFT)), P::ONE);
    let tail = (size * size * P::of(-0.5)).exponential() * P::ratio(w);
    if u < P::ZERO { -tail } else { tail }
}

/// A precision that the upper tail of the normal law is known in.
pub trait Tail: Real {
    /// Where the tail is cut: below it, exp would leave the range of normal numbers.
    const FARTHEST: f64;
    /// k.
    const SHIFT: f64;
    /// Most that ln e of the outermost column may change with the phase, so that its polynomial keeps its relative accuracy.
    const STEEPEST: f64;
    /// Relative error of those polynomials.
    const TOLERANCE: f64;
    /// P(w).
    fn ratio(w: Self) -> Self;
}

impl Tail for f32 {
    const FARTHEST: f64 = 13.0;
    const SHIFT: f64 = 2.5;
    const STEEPEST: f64 = 5.5;
    const TOLERANCE: f64 = 3e-6;
    #[inline(always)]
    fn ratio(w: Self) -> Self {
        polynomial(w, &RATIO_32)
    }
}

impl Tail for f64 {
    const FARTHEST: f64 = 37.0;
    const SHIFT: f64 = 5.0;
    const STEEPEST: f64 = 11.5;
    const TOLERANCE: f64 = 3e-11;
    #[inline(always)]
    fn ratio(w: Self) -> Self {
        polynomial(w, &RATIO_64)
    }
}

/// Relative error 7e-8.
const RATIO_32: [f64; 9] = [
    -0.0001565438672240483762,
    -0.00033083717854689423508,
    0.00080225732566896888828,
    0.0029423676359545043525,
    -0.0051187802432086732357,
    -0.024548164725100367676,
    0.11313525674850941094,
    -0.22806980183914293149,
    0.14133134054384494323,
];

/// Relative error 3e-13.
const RATIO_64: [f64; 17] = [
    6.8736827965426331588e-8,
    1.579186953051556797e-7,
    -6.8807858034738094601e-7,
    -1.1789252969136132757e-6,
    6.6677155488672383874e-6,
    9.0576856850320073631e-7,
    -0.000060441957564504267709,
    0.00013429713839543366989,
    0.00021955514327538886364,
    -0.0023788487403909601926,
    0.0089913698869845330231,
    -0.023413899970310212517,
    0.047855352327279056517,
    -0.080883877291959214954,
    0.11606881188520349979,
    -0.14345755526357818522,
    0.076919304975006598648,
];
