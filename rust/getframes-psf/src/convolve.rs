//! Convolution with a kernel that varies over the image: K(x, y) = sum of kernels, each times a surface.
//!
//! Law: out(p) = sum_r S_r(p) sum_d K_r(d) image(p - d).
//!
//! Overlap-save: tiles of the image are transformed once, multiplied with each kernel's transform, and transformed back; S_r is applied
//! pixel by pixel. Tiles do not depend on one another or on threads. Kernels of a few pixels are summed directly, which is faster.

use getframes_core::pool::Cancel;
use getframes_core::simd::{self, Kernel};
use getframes_core::{Error, Real};
use rayon::prelude::*;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
pub use rustfft::FftNum;
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};
use std::ops::Range;
use std::sync::Arc;

/// A polynomial of position: sum of c\[j\]\[i\] T_i(u) T_j(v) in Chebyshev polynomials, u and v from -1 to 1 over the image.
#[derive(Clone, Debug)]
pub struct Surface {
    /// Row by row: powers of v, in each those of u.
    pub coefficients: Vec<f64>,
    /// How many in a row.
    pub columns: usize,
}

/// One part of a kernel.
#[derive(Clone, Debug)]
pub struct Term {
    /// A square of odd side, row by row.
    pub kernel: Vec<f64>,
    /// What it is multiplied with; 1 everywhere where there is none.
    pub surface: Option<Surface>,
}

/// What lies outside the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// 0.
    Zero,
    /// The image again, its first pixel not repeated.
    Reflect,
}

/// Side of the largest kernel that is summed directly.
const DIRECT: usize = 7;

/// Sides of tiles.
const SIDES: [usize; 8] = [32, 64, 128, 192, 256, 384, 512, 1024];

/// Images with fewer pixels run on the calling thread.
pub const SMALL: usize = 1 << 15;

/// Convolves an image.
///
/// # Errors
/// [`Error::Shape`] for a kernel that is not an odd square, the same for all terms; [`Error::Interrupted`] when cancelled.
pub fn convolve<T: Real + FftNum>(
    image: &[T],
    shape: [usize; 2],
    terms: &[Term],
    edge: Edge,
    out: &mut [T],
    cancel: &Cancel,
) -> Result<(), Error> {
    let side = side_of(terms)?;
    Error::same_shape("image", &[image.len()], &[shape[0] * shape[1]])?;
    Error::same_shape("out", &[out.len()], &[shape[0] * shape[1]])?;
    if image.is_empty() {
        return Ok(());
    }
    let source = Source { image, shape, edge, reach: side / 2 };
    let axes = [
        axis::<T>(shape[0], terms, |surface| surface.coefficients.len() / surface.columns),
        axis::<T>(shape[1], terms, |surface| surface.columns),
    ];
    let plan = Plan { source, terms, axes, side, cancel };
    if side <= DIRECT {
        plan.direct(out)
    } else {
        plan.transformed(out)
    }
    if cancel.is_cancelled() { Err(Error::Interrupted) } else { Ok(()) }
}

fn side_of(terms: &[Term]) -> Result<usize, Error> {
    let pixels = terms.first().map_or(0, |term| term.kernel.len());
    let side = pixels.isqrt();
    for term in terms {
        Error::same_shape("kernel", &[term.kernel.len()], &[(side | 1) * (side | 1)])?;
    }
    Error::same_shape("terms", &[terms.len().min(1)], &[1])?;
    Ok(side)
}

/// Chebyshev polynomials over an axis, degree by degree.
fn axis<T: Real>(length: usize, terms: &[Term], degrees: impl Fn(&Surface) -> usize) -> Vec<T> {
    let count = terms.iter().filter_map(|term| term.surface.as_ref()).map(degrees).max().unwrap_or(0);
    let mut table = vec![T::ZERO; count * length];
    for at in 0..length {
        let u = if length > 1 { 2.0 * at as f64 / (length - 1) as f64 - 1.0 } else { 0.0 };
        let (mut now, mut next) = (1.0, u);
        for degree in 0..count {
            table[degree * length + at] = T::of(now);
            (now, next) = (next, 2.0 * u * next - now);
        }
    }
    table
}

/// The image, and what is beyond it.
#[derive(Clone, Copy)]
struct Source<'a, T> {
    image: &'a [T],
    shape: [usize; 2],
    edge: Edge,
    reach: usize,
}

impl<T: Real> Source<'_, T> {
    /// Row `y` of the image from column `x` on; both may lie outside.
    fn load(&self, y: isize, x: isize, row: &mut [T]) {
        let [height, width] = self.shape;
        let Some(y) = self.place(y, height) else { return row.fill(T::ZERO) };
        let line = &self.image[y * width..][..width];
        let from = x.clamp(0, width as isize) as usize;
        let to = (x + row.len() as isize).clamp(0, width as isize) as usize;
        let before = (from as isize - x).min(row.len() as isize) as usize;
        if from < to {
            row[before..before + to - from].copy_from_slice(&line[from..to]);
        }
        let outside = (0..before).chain((before + to.saturating_sub(from)).min(row.len())..row.len());
        for at in outside {
            row[at] = self.place(x + at as isize, width).map_or(T::ZERO, |x| line[x]);
        }
    }

    /// Where a row or column outside is found in the image.
    fn place(&self, at: isize, length: usize) -> Option<usize> {
        let last = length as isize - 1;
        if (0..=last).contains(&at) {
            return Some(at as usize);
        }
        if self.edge == Edge::Zero || at < -(self.reach as isize) || at > last + self.reach as isize {
            return None;
        }
        if last == 0 {
            return Some(0);
        }
        let folded = at.rem_euclid(2 * last);
        Some(folded.min(2 * last - folded) as usize)
    }
}

struct Plan<'a, T> {
    source: Source<'a, T>,
    terms: &'a [Term],
    axes: [Vec<T>; 2],
    side: usize,
    cancel: &'a Cancel,
}

impl<T: Real + FftNum> Plan<'_, T> {
    /// Works on bands of rows, in the pool unless the image is small.
    fn banded(&self, out: &mut [T], rows: usize, work: impl Fn(usize, &mut [T]) + Sync) {
        let width = self.source.shape[1];
        let bands = |(number, band): (usize, &mut [T])| {
            if !self.cancel.is_cancelled() {
                work(number * rows, band);
            }
        };
        if out.len() < SMALL {
            out.chunks_mut(rows * width).enumerate().for_each(bands);
        } else {
            out.par_chunks_mut(rows * width).enumerate().for_each(bands);
        }
    }

    /// The surface of a term along row `y`, from column `x` on.
    fn surface(&self, surface: &Surface, y: usize, x: usize, row: &mut [T]) {
        let [height, width] = self.source.shape;
        row.fill(T::ZERO);
        for column in 0..surface.columns {
            let along = surface.coefficients.iter().skip(column).step_by(surface.columns).enumerate();
            let weight = along.map(|(degree, &c)| c * self.axes[0][degree * height + y].wide()).sum();
            let line = &self.axes[1][column * width + x..][..row.len()];
            simd::dispatch(Add { to: row, values: line, weight: T::of(weight) });
        }
    }

    /// Every kernel pixel in turn, over a row of the image.
    fn direct(&self, out: &mut [T]) {
        let (width, side, reach) = (self.source.shape[1], self.side, self.source.reach as isize);
        let rows = SMALL.div_ceil(width);
        self.banded(out, rows, |top, band| {
            let height = band.len() / width + side - 1;
            let wide = width + side - 1;
            let mut held = vec![T::ZERO; height * wide];
            for (row, line) in held.chunks_mut(wide).enumerate() {
                self.source.load((top + row) as isize - reach, -reach, line);
            }
            let (mut sum, mut weights) = (vec![T::ZERO; width], vec![T::ZERO; width]);
            for (row, line) in band.chunks_mut(width).enumerate() {
                for (number, term) in self.terms.iter().enumerate() {
                    sum.fill(T::ZERO);
                    for (at, &weight) in term.kernel.iter().enumerate() {
                        let (j, i) = (side - 1 - at / side, side - 1 - at % side);
                        let values = &held[(row + j) * wide + i..][..width];
                        simd::dispatch(Add { to: &mut sum, values, weight: T::of(weight) });
                    }
                    self.collect(number, top + row, 0, &sum, &mut weights, line);
                }
            }
        });
    }

    /// Adds what a term makes of a row of pixels, times its surface.
    fn collect(&self, number: usize, y: usize, x: usize, values: &[T], weights: &mut [T], out: &mut [T]) {
        if number == 0 {
            out.fill(T::ZERO);
        }
        match &self.terms[number].surface {
            None => simd::dispatch(Add { to: out, values, weight: T::ONE }),
            Some(surface) => {
                let weights = &mut weights[..values.len()];
                self.surface(surface, y, x, weights);
                simd::dispatch(AddProduct { to: out, values, weights });
            }
        }
    }

    fn transformed(&self, out: &mut [T]) {
        let [height, width] = self.source.shape;
        let tile = [tile_side(height, self.side), tile_side(width, self.side)];
        let transforms = Transforms::new(tile);
        let mut room = transforms.room();
        let kernels: Vec<_> =
            self.terms.iter().map(|term| transforms.of_kernel(&term.kernel, self.side, &mut room)).collect();
        let rows = tile[0] + 1 - self.side;
        self.banded(out, rows, |top, band| self.tiles(&transforms, &kernels, top, band));
    }

    /// A band of tiles beside each other.
    fn tiles(&self, transforms: &Transforms<T>, kernels: &[Vec<Complex<T>>], top: usize, band: &mut [T]) {
        let (width, [_, wide]) = (self.source.shape[1], transforms.tile);
        let (useful, lost, reach) = (wide + 1 - self.side, self.side - 1, self.source.reach as isize);
        let mut room = transforms.room();
        let mut weights = vec![T::ZERO; useful];
        for left in (0..width).step_by(useful) {
            if self.cancel.is_cancelled() {
                return;
            }
            transforms.forward(&mut room, |row, line| {
                self.source.load((top + row) as isize - reach, left as isize - reach, line);
            });
            let count = useful.min(width - left);
            for (number, kernel) in kernels.iter().enumerate() {
                let rows = band.len() / width;
                transforms.backward(kernel, &mut room, lost..lost + rows, |row, line| {
                    let y = row - lost;
                    let out = &mut band[y * width + left..][..count];
                    self.collect(number, top + y, left, &line[lost..lost + count], &mut weights, out);
                });
            }
        }
    }
}

/// Side of the tiles for an axis and a kernel: most of a tile is to be useful.
fn tile_side(length: usize, side: usize) -> usize {
    let (whole, wanted) = (length + side - 1, 6 * side);
    let least = SIDES.into_iter().find(|&tile| tile >= wanted).unwrap_or(wanted.next_power_of_two());
    // An image that fits into one tile needs no larger one.
    SIDES.into_iter().find(|&tile| tile >= whole).map_or(least, |fits| fits.min(least))
}

/// Transforms of tiles. Spectra are kept by columns, so that the second transform runs over what lies side by side.
struct Transforms<T: FftNum> {
    tile: [usize; 2],
    rows: (Arc<dyn RealToComplex<T>>, Arc<dyn ComplexToReal<T>>),
    columns: (Arc<dyn Fft<T>>, Arc<dyn Fft<T>>),
}

/// What one thread transforms in.
struct Room<T> {
    line: Vec<T>,
    spectrum: Vec<Complex<T>>,
    product: Vec<Complex<T>>,
    turned: Vec<Complex<T>>,
    scratch: Vec<Complex<T>>,
}

impl<T: Real + FftNum> Transforms<T> {
    fn new(tile: [usize; 2]) -> Self {
        let (mut real, mut complex) = (RealFftPlanner::new(), FftPlanner::new());
        Self {
            tile,
            rows: (real.plan_fft_forward(tile[1]), real.plan_fft_inverse(tile[1])),
            columns: (complex.plan_fft_forward(tile[0]), complex.plan_fft_inverse(tile[0])),
        }
    }

    fn room(&self) -> Room<T> {
        let zeros = |count| vec![Complex::new(T::ZERO, T::ZERO); count];
        let pixels = self.tile[0] * self.half();
        let lengths = [
            self.rows.0.get_scratch_len(),
            self.rows.1.get_scratch_len(),
            self.columns.0.get_inplace_scratch_len(),
            self.columns.1.get_inplace_scratch_len(),
        ];
        Room {
            line: vec![T::ZERO; self.tile[1]],
            spectrum: zeros(pixels),
            product: zeros(pixels),
            turned: zeros(pixels),
            scratch: zeros(lengths.into_iter().max().unwrap_or(0)),
        }
    }

    /// Frequencies of a row of real numbers.
    fn half(&self) -> usize {
        self.tile[1] / 2 + 1
    }

    /// The spectrum of the rows that `load` gives.
    fn forward(&self, room: &mut Room<T>, load: impl Fn(usize, &mut [T])) {
        let half = self.half();
        for (row, spectrum) in room.turned.chunks_mut(half).enumerate() {
            load(row, &mut room.line);
            let done = self.rows.0.process_with_scratch(
                &mut room.line,
                spectrum,
                &mut room.scratch[..self.rows.0.get_scratch_len()],
            );
            debug_assert!(done.is_ok());
        }
        transpose::transpose(&room.turned, &mut room.spectrum, half, self.tile[0]);
        self.columns.0.process_with_scratch(&mut room.spectrum, &mut room.scratch);
    }

    /// Some rows of what has this spectrum times that of a kernel.
    fn backward(
        &self,
        kernel: &[Complex<T>],
        room: &mut Room<T>,
        rows: Range<usize>,
        mut save: impl FnMut(usize, &[T]),
    ) {
        let half = self.half();
        simd::dispatch(Multiply { out: &mut room.product, one: &room.spectrum, two: kernel });
        self.columns.1.process_with_scratch(&mut room.product, &mut room.scratch);
        transpose::transpose(&room.product, &mut room.turned, self.tile[0], half);
        for row in rows {
            let spectrum = &mut room.turned[row * half..][..half];
            // Real numbers have a spectrum with real ends, but for rounding; tiles have even sides.
            (spectrum[0].im, spectrum[half - 1].im) = (T::ZERO, T::ZERO);
            let done = self.rows.1.process_with_scratch(
                spectrum,
                &mut room.line,
                &mut room.scratch[..self.rows.1.get_scratch_len()],
            );
            debug_assert!(done.is_ok());
            save(row, &room.line);
        }
    }

    /// The spectrum of a kernel, with the factor that both transforms leave out.
    fn of_kernel(&self, kernel: &[f64], side: usize, room: &mut Room<T>) -> Vec<Complex<T>> {
        let scale = 1.0 / (self.tile[0] * self.tile[1]) as f64;
        self.forward(room, |row, line| {
            line.fill(T::ZERO);
            if row < side {
                for (to, &value) in line.iter_mut().zip(&kernel[row * side..][..side]) {
                    *to = T::of(value * scale);
                }
            }
        });
        room.spectrum.clone()
    }
}

/// to += weight values
struct Add<'a, T> {
    to: &'a mut [T],
    values: &'a [T],
    weight: T,
}

impl<T: Real> Kernel for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (to, &value) in self.to.iter_mut().zip(self.values) {
            *to = value.mul_add(self.weight, *to);
        }
    }
}

/// to += values weights
struct AddProduct<'a, T> {
    to: &'a mut [T],
    values: &'a [T],
    weights: &'a [T],
}

impl<T: Real> Kernel for AddProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for ((to, &value), &weight) in self.to.iter_mut().zip(self.values).zip(self.weights) {
            *to = value.mul_add(weight, *to);
        }
    }
}

/// out = one two, of complex numbers
struct Multiply<'a, T> {
    out: &'a mut [Complex<T>],
    one: &'a [Complex<T>],
    two: &'a [Complex<T>],
}

impl<T: Real> Kernel for Multiply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for ((out, one), two) in self.out.iter_mut().zip(self.one).zip(self.two) {
            out.re = one.re.mul_add(two.re, -(one.im * two.im));
            out.im = one.re.mul_add(two.im, one.im * two.re);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use getframes_core::pool;

    fn image(shape: [usize; 2]) -> Vec<f64> {
        (0..shape[0] * shape[1]).map(|at| ((at * 7919) % 1009) as f64 / 1009.0).collect()
    }

    fn kernel(side: usize) -> Vec<f64> {
        (0..side * side).map(|at| ((at * 104_729) % 101) as f64 / 101.0 - 0.3).collect()
    }

    fn terms(side: usize) -> Vec<Term> {
        let surface = Surface { coefficients: vec![0.3, -0.2, 0.1, 0.05, 0.4, -0.1], columns: 3 };
        let turned = kernel(side).into_iter().rev().collect();
        vec![Term { kernel: kernel(side), surface: None }, Term { kernel: turned, surface: Some(surface) }]
    }

    fn slow(image: &[f64], [height, width]: [usize; 2], terms: &[Term], edge: Edge) -> Vec<f64> {
        let side = terms[0].kernel.len().isqrt();
        let source = Source { image, shape: [height, width], edge, reach: side / 2 };
        let unit = |at: usize, length: usize| 2.0 * at as f64 / (length - 1) as f64 - 1.0;
        let chebyshev = |degree: usize, u: f64| (degree as f64 * u.acos()).cos();
        let mut out = vec![0.0; image.len()];
        for (at, out) in out.iter_mut().enumerate() {
            let (y, x) = (at / width, at % width);
            for term in terms {
                let weight = term.surface.as_ref().map_or(1.0, |surface| {
                    let (v, u) = (unit(y, height), unit(x, width));
                    let value = |(n, c): (usize, &f64)| {
                        c * chebyshev(n / surface.columns, v) * chebyshev(n % surface.columns, u)
                    };
                    surface.coefficients.iter().enumerate().map(value).sum()
                });
                for (at, &k) in term.kernel.iter().enumerate() {
                    let row = y as isize + (side / 2) as isize - (at / side) as isize;
                    let column = x as isize + (side / 2) as isize - (at % side) as isize;
                    let (row, column) = (source.place(row, height), source.place(column, width));
                    if let (Some(row), Some(column)) = (row, column) {
                        *out += weight * k * image[row * width + column];
                    }
                }
            }
        }
        out
    }

    fn run(shape: [usize; 2], side: usize, edge: Edge) -> Vec<f64> {
        let image = image(shape);
        let mut out = vec![f64::NAN; image.len()];
        convolve(&image, shape, &terms(side), edge, &mut out, &Cancel::default()).unwrap();
        out
    }

    #[test]
    fn it_is_the_sum() {
        for edge in [Edge::Zero, Edge::Reflect] {
            for (shape, side) in
                [([41, 73], 3), ([41, 73], 7), ([41, 73], 9), ([150, 131], 21), ([5, 200], 11), ([30, 4], 5)]
            {
                let exact = slow(&image(shape), shape, &terms(side), edge);
                for (got, expected) in run(shape, side, edge).into_iter().zip(exact) {
                    assert!((got - expected).abs() < 1e-11 * (side * side) as f64, "{shape:?} {side} {got} {expected}");
                }
            }
        }
    }

    #[test]
    fn threads_change_nothing() {
        for side in [5, 21] {
            let alone = run([300, 411], side, Edge::Zero);
            for threads in [1, 2, 3] {
                pool::set_num_threads(threads);
                assert_eq!(pool::install(|| Ok(run([300, 411], side, Edge::Zero))).as_ref(), Ok(&alone));
            }
            pool::set_num_threads(0);
        }
    }

    #[test]
    fn kernels_are_odd_squares() {
        for pixels in [0, 4, 6, 10] {
            let terms = [Term { kernel: vec![0.0; pixels], surface: None }];
            let outcome = convolve(&[1.0], [1, 1], &terms, Edge::Zero, &mut [0.0], &Cancel::default());
            assert!(matches!(outcome, Err(Error::Shape { .. })), "{pixels}");
        }
    }
}
