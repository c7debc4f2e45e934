//! Cosmic rays: hits that leave charge in a pixel, or along a straight track.
//!
//! | symbol | name                | unit | law                                        |
//! |--------|---------------------|------|--------------------------------------------|
//! | N      | hits                | 1    | Poisson(`mean_hits`)                       |
//! | x, y   | where a hit begins  | px   | uniform over the sensor                    |
//! | Q      | its charge          | e-   | Gamma(shape 2, scale 5000)                 |
//! | L      | length of its track | px   | exponential of mean `track_length_px`      |
//! | phi    | its direction       | rad  | uniform                                    |
//!
//! A track leaves in every pixel the fraction of Q that the length of its path there is of L; what lies beyond the edges is lost. Without a
//! length, a hit is one pixel.
//!
//! The words of hit h are those of "pixel" h: draw 0 of pixel 0 is N; draws 1, 2 are x, 3, 4 y, 5 Q, 6 L, 7 phi. A longer exposure has the
//! hits of a shorter one, and more.
//!
//! Not modelled: showers, charge that depends on the length of the path, diffusion on the way to the wells.

use crate::chain::Tile;
use getframes_core::stream::Stream;
use getframes_core::variate::{exponential, gamma, poisson, uniform};
use getframes_core::{Error, Real};

/// Mean charge of a hit over the shape of its distribution [e-].
pub const SCALE_E: f64 = 5000.0;
const SHAPE: f64 = 2.0;

/// The most hits that one exposure may be expected to have, and the most pixels under them.
pub const MOST_HITS: f64 = 1e7;
const MOST_PIXELS: f64 = 1e8;

/// Charge of a hit in one pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deposit {
    /// On the sensor, in row-major order.
    pub pixel: usize,
    /// Charge [e-].
    pub charge_e: f64,
}

/// All hits of an exposure.
#[derive(Clone, Copy, Debug)]
pub struct CosmicRays<'a> {
    /// In the order of the pixels.
    pub deposits: &'a [Deposit],
}

impl CosmicRays<'_> {
    #[inline(always)]
    pub(crate) fn apply<T: Real>(&self, tile: &mut Tile<'_, T>) {
        let first = self.deposits.partition_point(|deposit| deposit.pixel < tile.sensor);
        for deposit in &self.deposits[first..] {
            match tile.value.get_mut(deposit.pixel - tile.sensor) {
                Some(charge) => *charge += T::of(deposit.charge_e),
                None => break,
            }
        }
    }
}

/// The deposits of one exposure, in the order of the pixels, and of the hits where they share one.
///
/// # Errors
/// [`Error::Domain`] where more than 1e7 hits, or 1e8 pixels under them, are to be expected.
pub fn draw(mean_hits: f64, track_length_px: f64, shape: [usize; 2], stream: &Stream) -> Result<Vec<Deposit>, Error> {
    Error::domain(mean_hits <= MOST_HITS, "cosmic-ray hits expected in one exposure", "at most 1e7", mean_hits)?;
    // A track crosses 4/pi edges of pixels per pixel of its length, and none outside the sensor.
    let pixels = mean_hits * (1.0 + 1.3 * track_length_px.min((shape[0] + shape[1]) as f64));
    Error::domain(pixels <= MOST_PIXELS, "pixels under cosmic rays expected in one exposure", "at most 1e8", pixels)?;
    let words = |draw: u16, count: usize| {
        let mut words = vec![0; count];
        Stream { draw, ..*stream }.fill(0, &mut words);
        words
    };
    let mut hits = [0.0];
    poisson::fill(&[mean_hits], &words(0, 1), &mut hits);
    let count = hits[0] as usize;
    let wide = |high: u16| -> Vec<f64> {
        let bits = |(high, low): (u32, u32)| ((u64::from(high) << 20) | u64::from(low >> 12)) as f64;
        words(high, count).into_iter().zip(words(high + 1, count)).map(|two| (bits(two) + 0.5) / TWO_POW_52).collect()
    };
    let (x, y) = (wide(1), wide(3));
    let mut charge = vec![0.0; count];
    gamma::fill(&vec![SHAPE; count], &words(5, count), &mut charge);
    let (lengths, angles) = (words(6, count), words(7, count));
    let mut deposits = Vec::with_capacity(count);
    for hit in 0..count {
        let start = [y[hit] * shape[0] as f64, x[hit] * shape[1] as f64];
        let charge_e = SCALE_E * charge[hit];
        let length = track_length_px * exponential::of_word::<f64>(lengths[hit]);
        let (cos, sin) = direction(uniform(angles[hit]));
        track(start, [length * sin, length * cos], shape, |pixel, fraction| {
            deposits.push(Deposit { pixel, charge_e: charge_e * fraction });
        });
    }
    deposits.sort_by_key(|deposit| deposit.pixel);
    Ok(deposits)
}

const TWO_POW_52: f64 = 4_503_599_627_370_496.0;

/// Pixels under a straight path, each with the fraction of the path in it. Here a pixel is the unit square from its indices.
fn track(start: [f64; 2], step: [f64; 2], shape: [usize; 2], mut leave: impl FnMut(usize, f64)) {
    let inside = |at: f64, side: usize| (at as usize).min(side - 1);
    let mut pixel = [inside(start[0], shape[0]), inside(start[1], shape[1])];
    // Where along the path the next edge of a pixel is, on each axis.
    let edge = |axis: usize, pixel: usize| match step[axis] {
        forward if forward > 0.0 => ((pixel + 1) as f64 - start[axis]) / forward,
        backward if backward < 0.0 => (pixel as f64 - start[axis]) / backward,
        _ => f64::INFINITY,
    };
    let mut next = [edge(0, pixel[0]), edge(1, pixel[1])];
    let mut done = 0.0;
    loop {
        let axis = usize::from(next[1] < next[0]);
        let reached = next[axis].min(1.0);
        if reached > done {
            leave(pixel[0] * shape[1] + pixel[1], reached - done);
            done = reached;
        }
        if next[axis] >= 1.0 {
            return;
        }
        let moved = if step[axis] > 0.0 { pixel[axis] + 1 } else { pixel[axis].wrapping_sub(1) };
        if moved >= shape[axis] {
            return;
        }
        pixel[axis] = moved;
        next[axis] = edge(axis, moved);
    }
}

/// Cosine and sine of 2 pi u, for u in (0, 1).
fn direction(u: f64) -> (f64, f64) {
    let quarter = (4.0 * u).round_ties_even();
    let angle = (4.0 * u - quarter) * std::f64::consts::FRAC_PI_2;
    let square = angle * angle;
    let series = |first: f64, terms: &[f64]| terms.iter().rev().fold(0.0, |sum, term| (sum + term) * square) + first;
    let sin = angle * series(1.0, &SIN);
    let cos = series(1.0, &COS);
    match quarter as u32 % 4 {
        0 => (cos, sin),
        1 => (-sin, cos),
        2 => (-cos, -sin),
        _ => (sin, -cos),
    }
}

/// (-1)^k / (2k + 1)! for k = 1, 2 ...
const SIN: [f64; 8] = [
    -1.0 / 6.0,
    1.0 / 120.0,
    -1.0 / 5040.0,
    1.0 / 362_880.0,
    -1.0 / 39_916_800.0,
    1.0 / 6_227_020_800.0,
    -1.0 / 1_307_674_368_000.0,
    1.0 / 355_687_428_096_000.0,
];

/// (-1)^k / (2k)! for k = 1, 2 ...
const COS: [f64; 9] = [
    -1.0 / 2.0,
    1.0 / 24.0,
    -1.0 / 720.0,
    1.0 / 40_320.0,
    -1.0 / 3_628_800.0,
    1.0 / 479_001_600.0,
    -1.0 / 87_178_291_200.0,
    1.0 / 20_922_789_888_000.0,
    -1.0 / 6_402_373_705_728_000.0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_those_of_the_circle() {
        for index in 0..10_000 {
            let u = (f64::from(index) + 0.37) / 10_000.0;
            let (cos, sin) = direction(u);
            assert!((cos - (std::f64::consts::TAU * u).cos()).abs() < 1e-15);
            assert!((sin - (std::f64::consts::TAU * u).sin()).abs() < 1e-15);
        }
    }

    #[test]
    fn a_track_inside_leaves_all_its_charge() {
        let mut seen = Vec::new();
        track([1.5, 0.5], [0.0, 3.0], [4, 6], |pixel, fraction| seen.push((pixel, fraction)));
        let pixels: Vec<usize> = seen.iter().map(|&(pixel, _)| pixel).collect();
        assert_eq!(pixels, [6, 7, 8, 9]);
        assert!((seen.iter().map(|&(_, fraction)| fraction).sum::<f64>() - 1.0).abs() < 1e-15);
        assert!((seen[0].1 - 0.5 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn a_track_across_the_edge_leaves_a_part() {
        let mut total = 0.0;
        track([0.5, 0.5], [-2.0, 0.0], [4, 6], |pixel, fraction| {
            assert_eq!(pixel, 0);
            total += fraction;
        });
        assert!((total - 0.25).abs() < 1e-15);
    }
}
