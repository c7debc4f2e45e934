//! Sources behind a PSF that is known by its transform: the product of it and that of the source, which is known in closed form.
//!
//! | symbol | name       | shape              | unit                                                                     |
//! |--------|------------|--------------------|--------------------------------------------------------------------------|
//! | S      | `side`     |                    | pixel: of the stamp of a source                                          |
//! | P      | `transfer` | (mS, mS/2 + 1)     | 1: transform of PSF and pixel at u = i/S, v = j/S, |u|, |v| <= m/2 cycles a pixel |
//! | C      | spectrum   | (S, S/2 + 1)       | 1: the transform of the stamp, whose values are shares of the light      |
//!
//! Law: C\[j, i\] = Σ P(u, v) G(u, v) exp(-2πi (u x + v y)) over all frequencies that the pixels of the stamp cannot tell from (i/S, j/S),
//! with G = Σ_k w_k exp(-2π² (u, v) C_k (u, v)ᵀ) and the source at (x, y) = (S/2, S/2) plus its distance from the middle of its
//! pixel. The inverse transform is the caller's.

use super::blur::{Convolution, Parts};
use super::{LANES, Stars, pixel_of};
use getframes_core::Error;
use getframes_core::pool::{self, Cancel};
use getframes_core::profile::{Component, direction};
use getframes_core::real::Real;
use getframes_core::simd::{self, Kernel};
use rayon::prelude::*;

/// Frequencies of which the transform of a Gaussian is below e^-this are left out.
const NOTHING: f64 = 17.0;

/// Shortest side [pixel].
const SHORTEST: usize = 16;

/// Sides of the stamps that sources need: even, and a power of two times 1, 5/4 or 3/2; 0 where a source needs none, or its stamp is off
/// an image of `shape` (rows, columns). A stamp larger than the image on all sides is cut.
///
/// # Errors
/// [`Error::Shape`] when arrays differ in length.
pub fn sides(stars: Stars<'_>, sources: &Convolution<'_>, shape: (usize, usize)) -> Result<Vec<usize>, Error> {
    Error::same_shape("y", &[stars.y.len()], &[stars.x.len()])?;
    let most = 2.0 * shape.0.max(shape.1) as f64;
    let mut parts = Parts::default();
    let side = |source: usize| {
        simd::dispatch(Part { sources, source, parts: &mut parts });
        let half = sources.half_stamp(source, &parts.narrow, most);
        if half == 0.0 {
            return 0;
        }
        let side = length((2.0 * half) as usize + 2);
        let touches = |place: f64, count: usize| {
            let (pixel, half) = (pixel_of(place), side as i64 / 2);
            pixel + half > 0 && pixel - half < count as i64
        };
        if touches(stars.x[source], shape.1) && touches(stars.y[source], shape.0) { side } else { 0 }
    };
    Ok((0..stars.x.len()).map(side).collect())
}

/// An even length that transforms quickly.
fn length(least: usize) -> usize {
    let power = least.max(SHORTEST).next_power_of_two();
    [power / 8 * 5, power / 4 * 3, power].into_iter().find(|&length| length >= least).unwrap_or(power)
}

/// The transform of a PSF and a pixel, less what mixtures draw.
#[derive(Clone, Debug)]
pub struct Transfer {
    side: usize,
    /// Frequencies along v.
    rows: usize,
    /// Values of a row, a multiple of the lanes.
    stride: usize,
    /// Columns of each row up to the last value that is not 0.
    extents: Vec<usize>,
    real: Vec<f32>,
    imaginary: Vec<f32>,
}

impl Transfer {
    /// From pairs (real, imaginary), of shape (m `side`, m `side` / 2 + 1); the highest frequencies are taken as 0.
    ///
    /// # Errors
    /// [`Error::Shape`] when the shape is another one, or `side` is odd or 0.
    pub fn new(values: &[[f32; 2]], (rows, columns): (usize, usize), side: usize) -> Result<Self, Error> {
        let multiple = side >= 2 && side.is_multiple_of(2) && rows.is_multiple_of(side) && rows > 0;
        let expected = if multiple { [rows, rows / 2 + 1] } else { [side, side / 2 + 1] };
        Error::same_shape("transfer", &[rows, columns], &expected)?;
        Error::same_shape("transfer", &[values.len()], &[rows * columns])?;
        let stride = columns.next_multiple_of(LANES);
        let (mut real, mut imaginary) = (vec![0.0; rows * stride], vec![0.0; rows * stride]);
        let mut extents = Vec::with_capacity(rows);
        for (row, line) in values.chunks_exact(columns).enumerate() {
            let mut extent = 0;
            if row != rows / 2 {
                for (column, &[re, im]) in line[..columns - 1].iter().enumerate() {
                    if re != 0.0 || im != 0.0 {
                        real[row * stride + column] = re;
                        imaginary[row * stride + column] = im;
                        extent = column + 1;
                    }
                }
            }
            extents.push(extent);
        }
        Ok(Self { side, rows, stride, extents, real, imaginary })
    }

    /// Numbers of the spectrum of a stamp.
    pub fn spectrum_len(&self) -> usize {
        self.side * (self.side / 2 + 1)
    }
}

/// Writes the spectra of the stamps of sources, [`Transfer::spectrum_len`] pairs (real, imaginary) each.
///
/// # Errors
/// [`Error::Shape`] when arrays do not fit together, [`Error::Interrupted`] when `cancel` asks for it.
pub fn spectra(
    stars: Stars<'_>,
    sources: &Convolution<'_>,
    transfer: &Transfer,
    spectra: &mut [[f32; 2]],
    cancel: &Cancel,
) -> Result<(), Error> {
    let size = transfer.spectrum_len();
    Error::same_shape("y", &[stars.y.len()], &[stars.x.len()])?;
    Error::same_shape("spectra", &[spectra.len()], &[stars.x.len() * size])?;
    pool::install(|| {
        spectra.par_chunks_mut(size).enumerate().for_each(|(source, spectrum)| {
            if !cancel.is_cancelled() {
                let mut parts = Parts::default();
                simd::dispatch(Part { sources, source, parts: &mut parts });
                let offset = (
                    stars.x[source] - pixel_of(stars.x[source]) as f64,
                    stars.y[source] - pixel_of(stars.y[source]) as f64,
                );
                simd::dispatch(Spectrum { transfer, narrow: &parts.narrow, offset, spectrum });
            }
        });
        if cancel.is_cancelled() { Err(Error::Interrupted) } else { Ok(()) }
    })
}

struct Part<'a, 'b> {
    sources: &'a Convolution<'b>,
    source: usize,
    parts: &'a mut Parts,
}

impl Kernel for Part<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.sources.part(self.source, self.parts);
    }
}

/// The spectrum of one source.
struct Spectrum<'a> {
    transfer: &'a Transfer,
    narrow: &'a [Component],
    offset: (f64, f64),
    spectrum: &'a mut [[f32; 2]],
}

/// The transform of a Gaussian: exp(-(a i² + b i j + c j²)), i and j in cycles a stamp.
struct Term {
    weight: f32,
    a: f64,
    b: f64,
    c: f64,
}

impl Kernel for Spectrum<'_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let Transfer { side, rows, stride, .. } = *self.transfer;
        let terms: Vec<Term> = self.narrow.iter().map(|component| Term::new(component, side)).collect();
        let across = phases(stride, 0, side, self.offset.0);
        let down = phases(rows, rows / 2, side, self.offset.1);
        let mut sums = vec![0.0; stride];
        let mut values = vec![[0.0; 2]; stride];
        self.spectrum.fill([0.0; 2]);
        for row in 0..rows {
            let extent = self.transfer.extents[row];
            if extent == 0 {
                continue;
            }
            let j = signed(row, rows);
            let padded = extent.next_multiple_of(LANES);
            sums[..padded].fill(0.0);
            for term in &terms {
                term.add(j as f64, &mut sums[..padded]);
            }
            let start = row * stride;
            let (real, imaginary) = (&self.transfer.real[start..], &self.transfer.imaginary[start..]);
            let [cosine, sine] = down[row];
            for i in 0..padded {
                let [p, q] = across[i];
                let (p, q) = (p * cosine - q * sine, p * sine + q * cosine);
                let (re, im) = (real[i], imaginary[i]);
                values[i] = [sums[i] * (re * p - im * q), sums[i] * (re * q + im * p)];
            }
            self.fold(j, &values[..extent]);
        }
    }
}

impl Spectrum<'_> {
    /// Adds a row of frequencies, and their mirror images, to those that the pixels cannot tell from them.
    #[inline(always)]
    fn fold(&mut self, j: i64, values: &[[f32; 2]]) {
        let side = self.transfer.side;
        let (half, width) = (side / 2, side / 2 + 1);
        let row = |j: i64| j.rem_euclid(side as i64) as usize * width;
        let (own, mirrored) = (row(j), row(-j));
        for (number, period) in values.chunks(side).enumerate() {
            let near = &period[..period.len().min(width)];
            for (sum, value) in self.spectrum[own..own + width].iter_mut().zip(near) {
                sum[0] += value[0];
                sum[1] += value[1];
            }
            // The mirror image of column i is column -i: of the first half of a period only i = 0 is on this side, and not its own image
            // unless it is the very first.
            if number > 0 {
                let [re, im] = period[0];
                self.spectrum[mirrored][0] += re;
                self.spectrum[mirrored][1] -= im;
            }
            for (i, &[re, im]) in period.iter().enumerate().skip(half) {
                let sum = &mut self.spectrum[mirrored + side - i];
                sum[0] += re;
                sum[1] -= im;
            }
        }
    }
}

impl Term {
    #[inline(always)]
    fn new(component: &Component, side: usize) -> Self {
        let unit = 2.0 * std::f64::consts::PI.powi(2) / (side * side) as f64;
        let (a, b, c) = (unit * component.xx, 2.0 * unit * component.xy, unit * component.yy);
        Self { weight: component.weight as f32, a, b, c }
    }

    #[inline(always)]
    fn add(&self, j: f64, sums: &mut [f32]) {
        // The exponent is least at i = -b j / 2 a.
        if self.a > 0.0 && (self.c - self.b * self.b / (4.0 * self.a)) * j * j > NOTHING {
            return;
        }
        let (a, b, c) = (self.a as f32, (self.b * j) as f32, (self.c * j * j) as f32);
        for (block, sums) in sums.chunks_exact_mut(LANES).enumerate() {
            let first = (block * LANES) as f32;
            for (lane, sum) in sums.iter_mut().enumerate() {
                let i = first + lane as f32;
                let form = Real::mul_add(Real::mul_add(a, i, b), i, c);
                *sum = Real::mul_add(self.weight, (-form).most(-80.0).exponential(), *sum);
            }
        }
    }
}

/// The frequency of a row.
fn signed(row: usize, rows: usize) -> i64 {
    if row < rows / 2 { row as i64 } else { row as i64 - rows as i64 }
}

/// exp(-2πi f (1/2 + offset / S)) at the frequencies f = 0, 1 ... of which the last `negative` are f - count.
#[inline(always)]
fn phases(count: usize, negative: usize, side: usize, offset: f64) -> Vec<[f32; 2]> {
    let (cosine, sine) = direction(-360.0 * offset / side as f64);
    let mut phases = vec![[0.0; 2]; count];
    let (mut p, mut q) = (1.0, 0.0);
    for frequency in 0..(count - negative).max(negative + 1) {
        let sign = if frequency % 2 == 0 { 1.0 } else { -1.0 };
        if frequency < count - negative {
            phases[frequency] = [(sign * p) as f32, (sign * q) as f32];
        }
        if frequency > 0 && frequency <= negative {
            phases[count - frequency] = [(sign * p) as f32, (-sign * q) as f32];
        }
        (p, q) = (p * cosine - q * sine, p * sine + q * cosine);
    }
    phases
}
