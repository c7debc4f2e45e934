//! Gaussians drawn over a tile: row by row, each the one before times a ratio that itself falls by a factor.
//!
//! ln of a Gaussian is quadratic along a column, so that its second difference is a number: two products a pixel instead of an exponential. Rounding
//! grows to 1e-13 over the eight rows.

use super::group::Group;
use super::lanes::Lanes;
use super::tile::{Gaussian, Moments, PIXELS, SIDE, Tile};
use getframes_core::Real;
use getframes_core::simd::{self, Kernel};
use std::ops::Range;

/// Exponents below are nothing, and those above (of a ratio) lead on from nothing.
const LARGEST: f64 = 700.0;

/// What is kept of the Gaussians that reach a tile, between drawing them and summing over them.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    numbers: Vec<u32>,
    /// exp(-form / 2) of the first row.
    first: Vec<f64>,
    /// The second row over the first.
    ratio: Vec<f64>,
    /// Room to work in.
    gaps: Vec<f64>,
}

impl Drawn {
    /// Count of the Gaussians.
    pub fn count(&self) -> usize {
        self.numbers.len()
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.numbers.clear();
        self.first.clear();
        self.ratio.clear();
    }

    /// Adds those of a group that reach a tile; returns their places.
    pub fn extend(&mut self, group: &Group, tile: Tile) -> Range<usize> {
        simd::dispatch(Extend { drawn: self, group, tile })
    }

    /// Their sum over a tile.
    pub fn image(&self, places: Range<usize>, group: &Group, tile: Tile) -> [f64; PIXELS] {
        simd::dispatch(Image { drawn: self, places, gaussians: group.gaussians(), tile })
    }

    /// Adds their moments with the numbers of a tile.
    pub fn add_moments(
        &self,
        places: Range<usize>,
        group: &Group,
        tile: Tile,
        numbers: &[f64; PIXELS],
        moments: &mut [Moments],
    ) {
        simd::dispatch(AddMoments { drawn: self, places, gaussians: group.gaussians(), tile, numbers, moments });
    }

    /// The first of the rows of a Gaussian.
    #[inline(always)]
    fn rows(&self, place: usize, gaussian: &Gaussian) -> Rows {
        let lanes = |values: &[f64]| Lanes::load(&values[place * SIDE..][..SIDE]);
        Rows { value: lanes(&self.first), ratio: lanes(&self.ratio), fall: Lanes::all(gaussian.fall) }
    }
}

/// Rows of a Gaussian, one after the other.
struct Rows {
    value: Lanes,
    ratio: Lanes,
    fall: Lanes,
}

impl Rows {
    /// This row, and on to the next.
    #[inline(always)]
    fn next(&mut self) -> Lanes {
        let value = self.value;
        self.value = value * self.ratio;
        self.ratio = self.ratio * self.fall;
        value
    }
}

struct Extend<'a> {
    drawn: &'a mut Drawn,
    group: &'a Group,
    tile: Tile,
}

impl Kernel for Extend<'_> {
    type Output = Range<usize>;
    #[inline(always)]
    fn run(self) -> Range<usize> {
        let Self { drawn: Drawn { numbers, first, ratio, gaps }, group, tile } = self;
        let start = numbers.len();
        group.reaching(tile, gaps, numbers);
        first.resize(numbers.len() * SIDE, 0.0);
        ratio.resize(numbers.len() * SIDE, 0.0);
        let (first, ratio) = (&mut first[start * SIDE..], &mut ratio[start * SIDE..]);
        let rows = first.chunks_exact_mut(SIDE).zip(ratio.chunks_exact_mut(SIDE));
        for (&number, (first, ratio)) in numbers[start..].iter().zip(rows) {
            let gaussian = &group.gaussians()[number as usize];
            gaussian.exponents(tile, 0.0, first);
            gaussian.growth(tile, ratio);
        }
        exponentials(first);
        for value in ratio {
            let above = if *value > -LARGEST { *value } else { -LARGEST };
            *value = Real::exponential(if above < LARGEST { above } else { LARGEST });
        }
        start..numbers.len()
    }
}

struct Image<'a> {
    drawn: &'a Drawn,
    places: Range<usize>,
    gaussians: &'a [Gaussian],
    tile: Tile,
}

impl Kernel for Image<'_> {
    type Output = [f64; PIXELS];
    #[inline(always)]
    fn run(self) -> [f64; PIXELS] {
        let mut image = [0.0; PIXELS];
        for place in self.places {
            let gaussian = &self.gaussians[self.drawn.numbers[place] as usize];
            let height = Lanes::all(gaussian.height());
            if gaussian.is_steep() {
                let values = every_pixel(gaussian, self.tile);
                for (sums, values) in image.chunks_exact_mut(SIDE).zip(values.chunks_exact(SIDE)) {
                    height.mul_add(Lanes::load(values), Lanes::load(sums)).store(sums);
                }
                continue;
            }
            let mut rows = self.drawn.rows(place, gaussian);
            rows.value = rows.value * height;
            for sums in image.chunks_exact_mut(SIDE) {
                (Lanes::load(sums) + rows.next()).store(sums);
            }
        }
        image
    }
}

struct AddMoments<'a> {
    drawn: &'a Drawn,
    places: Range<usize>,
    gaussians: &'a [Gaussian],
    tile: Tile,
    numbers: &'a [f64; PIXELS],
    moments: &'a mut [Moments],
}

impl Kernel for AddMoments<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for place in self.places {
            let number = self.drawn.numbers[place] as usize;
            let gaussian = &self.gaussians[number];
            let [u, v] = gaussian.distance(self.tile);
            let columns = if gaussian.is_steep() {
                let values = every_pixel(gaussian, self.tile);
                let mut rows = values.chunks_exact(SIDE).map(Lanes::load);
                by_column(v, self.numbers, || rows.next().unwrap_or(Lanes::all(0.0)))
            } else {
                let mut rows = self.drawn.rows(place, gaussian);
                by_column(v, self.numbers, || rows.next())
            };
            let u = Lanes::counted(u);
            let [sum, by_v, by_vv] = columns;
            let by_u = sum * u;
            let terms = [sum, by_u, by_v, by_u * u, by_v * u, by_vv];
            for (moment, term) in self.moments[number].0.iter_mut().zip(terms) {
                (*moment + term).store(&mut moment.0);
            }
        }
    }
}

/// Sums of each column times 1, v, v².
#[inline(always)]
fn by_column(mut v: f64, numbers: &[f64; PIXELS], mut row: impl FnMut() -> Lanes) -> [Lanes; 3] {
    let [mut sum, mut by_v, mut by_vv] = [Lanes::all(0.0); 3];
    for numbers in numbers.chunks_exact(SIDE) {
        let term = row() * Lanes::load(numbers);
        sum = sum + term;
        by_v = term.mul_add(Lanes::all(v), by_v);
        by_vv = term.mul_add(Lanes::all(v * v), by_vv);
        v += 1.0;
    }
    [sum, by_v, by_vv]
}

/// exp(-form / 2) of every pixel.
#[inline(always)]
fn every_pixel(gaussian: &Gaussian, tile: Tile) -> [f64; PIXELS] {
    let mut values = [0.0; PIXELS];
    for (row, values) in values.chunks_exact_mut(SIDE).enumerate() {
        gaussian.exponents(tile, row as f64, values);
    }
    exponentials(&mut values);
    values
}

/// exp of each; 0 where that is nothing.
#[inline(always)]
fn exponentials(values: &mut [f64]) {
    for value in values {
        let exponent = *value;
        let power: f64 = Real::exponential(if exponent > -LARGEST { exponent } else { -LARGEST });
        *value = if exponent > -LARGEST { power } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::super::Component;
    use super::*;

    #[test]
    fn rows_are_exponentials() {
        for (xx, xy, yy) in
            [(0.08, 0.0, 0.08), (0.075, 0.0, 30.0), (30.0, 0.0, 0.0715), (4.0, 3.9, 4.0), (900.0, 0.0, 1.0)]
        {
            for (x, y) in [(3.0, 4.0), (-4.0, 9.5), (0.0, -20.0), (15.0, 15.0)] {
                let gaussian = Gaussian::new(&Component { weight: 1.0, x, y, xx, xy, yy });
                let tile = Tile { x: 0.0, y: 0.0 };
                let mut drawn = Drawn::default();
                let group = Group::new(vec![gaussian]);
                let places = drawn.extend(&group, tile);
                if gaussian.is_steep() || places.is_empty() {
                    continue;
                }
                let image = drawn.image(places, &group, tile);
                for (row, exact) in image.iter().zip(every_pixel(&gaussian, tile)) {
                    assert!(
                        (row - gaussian.height() * exact).abs() < 2e-13 * gaussian.height(),
                        "{xx} {xy} {yy} {x} {y}"
                    );
                }
            }
        }
    }
}
