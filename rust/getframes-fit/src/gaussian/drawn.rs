//! Gaussians drawn over a tile by products: each row is the one before times a ratio that itself falls by a factor, and so along the first row.
//!
//! ln of a Gaussian is quadratic along rows and columns, so that its second differences are numbers: two products a pixel, and three exponentials a tile.
//! Rounding grows to 1e-13 over the eight rows.

use super::group::Group;
use super::lanes::Lanes;
use super::tile::{Gaussian, Moments, PIXELS, SIDE, Tile};
use getframes_core::Real;
use getframes_core::simd::{self, Kernel};
use std::ops::Range;

/// Exponents below are nothing.
const LARGEST: f64 = 700.0;

/// What is kept of Gaussians that reach tiles, between drawing them and summing over them.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    numbers: Vec<u32>,
    /// exp(-form / 2) of the first pixel, the ratio of the second to it, and that of the second row to the first.
    corners: Vec<[f64; 3]>,
    /// Room to work in.
    room: Vec<f64>,
    /// The first rows of some, and the ratios of the second to them.
    first: Vec<[f64; SIDE]>,
    ratio: Vec<[f64; SIDE]>,
}

impl Drawn {
    /// Count of the Gaussians.
    pub fn count(&self) -> usize {
        self.numbers.len()
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.numbers.clear();
        self.corners.clear();
    }

    /// Adds those of a group that reach a tile; returns their places.
    pub fn extend(&mut self, group: &Group, tile: Tile) -> Range<usize> {
        simd::dispatch(Extend { drawn: self, group, tile })
    }

    /// Their sum over a tile, times a number.
    pub fn image(&mut self, places: Range<usize>, group: &Group, tile: Tile, scale: f64) -> [f64; PIXELS] {
        simd::dispatch(Image { drawn: self, places, gaussians: group.gaussians(), tile, scale })
    }

    /// Adds their moments with the numbers of a tile.
    pub fn add_moments(
        &mut self,
        places: Range<usize>,
        group: &Group,
        tile: Tile,
        numbers: &[f64; PIXELS],
        moments: &mut [Moments],
    ) {
        simd::dispatch(AddMoments { drawn: self, places, gaussians: group.gaussians(), tile, numbers, moments });
    }

    /// Works out the first rows of some.
    #[inline(always)]
    fn begin(&mut self, places: &Range<usize>, gaussians: &[Gaussian]) {
        let Self { numbers, corners, first, ratio, .. } = self;
        let (numbers, corners) = (&numbers[places.clone()], &corners[places.clone()]);
        if first.len() < numbers.len() {
            first.resize(numbers.len(), [0.0; SIDE]);
            ratio.resize(numbers.len(), [0.0; SIDE]);
        }
        let rows = first.iter_mut().zip(ratio);
        for ((&number, &[corner, along, up]), (first, ratio)) in numbers.iter().zip(corners).zip(rows) {
            let gaussian = &gaussians[number as usize];
            (Lanes::powers(corner, along) * gaussian.arch).store(first);
            (Lanes::all(up) * gaussian.tilt).store(ratio);
        }
    }
}

/// Rows of a Gaussian, one after the other.
struct Rows {
    value: Lanes,
    ratio: Lanes,
    fall: Lanes,
}

impl Rows {
    #[inline(always)]
    fn new(first: &[f64; SIDE], ratio: &[f64; SIDE], gaussian: &Gaussian) -> Self {
        Self { value: Lanes::load(first), ratio: Lanes::load(ratio), fall: Lanes::all(gaussian.fall) }
    }

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
        let Self { drawn: Drawn { numbers, corners, room, .. }, group, tile } = self;
        let start = numbers.len();
        group.reaching(tile, room, numbers);
        let count = 3 * (numbers.len() - start);
        room.resize(count.next_multiple_of(SIDE), 0.0);
        for (&number, corner) in numbers[start..].iter().zip(room.chunks_exact_mut(3)) {
            corner.copy_from_slice(&group.gaussians()[number as usize].corner(tile));
        }
        for values in room.chunks_exact_mut(SIDE) {
            Lanes::load(values).map(Real::exponential).store(values);
        }
        corners.extend(room[..count].as_chunks().0);
        start..numbers.len()
    }
}

struct Image<'a> {
    drawn: &'a mut Drawn,
    places: Range<usize>,
    gaussians: &'a [Gaussian],
    tile: Tile,
    scale: f64,
}

impl Kernel for Image<'_> {
    type Output = [f64; PIXELS];
    #[inline(always)]
    fn run(self) -> [f64; PIXELS] {
        let Self { drawn, places, gaussians, tile, scale } = self;
        drawn.begin(&places, gaussians);
        let mut image = [Lanes::all(0.0); SIDE];
        for (row, &number) in drawn.numbers[places].iter().enumerate() {
            let gaussian = &gaussians[number as usize];
            let height = Lanes::all(scale * gaussian.height());
            if gaussian.is_steep() {
                let values = every_pixel(gaussian, tile);
                for (sum, values) in image.iter_mut().zip(values.chunks_exact(SIDE)) {
                    *sum = height.mul_add(Lanes::load(values), *sum);
                }
                continue;
            }
            let mut rows = Rows::new(&drawn.first[row], &drawn.ratio[row], gaussian);
            rows.value = rows.value * height;
            for sum in &mut image {
                *sum = *sum + rows.next();
            }
        }
        let mut pixels = [0.0; PIXELS];
        for (pixels, sum) in pixels.chunks_exact_mut(SIDE).zip(image) {
            sum.store(pixels);
        }
        pixels
    }
}

struct AddMoments<'a> {
    drawn: &'a mut Drawn,
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
        let Self { drawn, places, gaussians, tile, numbers, moments } = self;
        drawn.begin(&places, gaussians);
        for (row, &number) in drawn.numbers[places].iter().enumerate() {
            let gaussian = &gaussians[number as usize];
            let [u, v] = gaussian.distance(tile);
            let columns = if gaussian.is_steep() {
                let values = every_pixel(gaussian, tile);
                let mut rows = values.chunks_exact(SIDE).map(Lanes::load);
                by_column(v, numbers, || rows.next().unwrap_or(Lanes::all(0.0)))
            } else {
                let mut rows = Rows::new(&drawn.first[row], &drawn.ratio[row], gaussian);
                by_column(v, numbers, || rows.next())
            };
            let u = Lanes::counted(u);
            let [sum, by_v, by_vv] = columns;
            let by_u = sum * u;
            let terms = [sum, by_u, by_v, by_u * u, by_v * u, by_vv];
            for (moment, term) in moments[number as usize].0.iter_mut().zip(terms) {
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
        for (xx, xy, yy) in [
            (0.126, 0.0, 0.126),
            (0.126, 0.0, 30.0),
            (30.0, 0.0, 0.126),
            (0.9, 0.7, 0.8),
            (4.0, 3.9, 5.0),
            (900.0, 0.0, 1.0),
        ] {
            for (x, y) in [(3.0, 4.0), (-1.5, 8.6), (8.4, -0.9), (-4.0, 9.5), (0.0, -20.0), (15.0, 15.0)] {
                let gaussian = Gaussian::new(&Component { weight: 1.0, x, y, xx, xy, yy });
                let tile = Tile { x: 0.0, y: 0.0 };
                let mut drawn = Drawn::default();
                let group = Group::new(vec![gaussian]);
                let places = drawn.extend(&group, tile);
                assert!(!gaussian.is_steep());
                if places.is_empty() {
                    continue;
                }
                let image = drawn.image(places, &group, tile, 1.0);
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
