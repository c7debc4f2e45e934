//! Stars drawn into a 2048 x 2048 image: nanoseconds of CPU time a star, on one thread.

mod timing;

use getframes_core::Error;
use getframes_core::pool::{self, Cancel};
use getframes_core::real::Real;
use getframes_core::simd::{self, Kernel};
use getframes_core::{Kind, Stream};
use getframes_sim::deposit::blur::{Blur, Convolution, Shapes};
use getframes_sim::deposit::galaxy;
use getframes_sim::deposit::{Precision, Psf, Stars};
use std::hint::black_box;

const SIZE: usize = 2048;
const STAR_X: u8 = 65;

struct Field {
    x: Vec<f64>,
    y: Vec<f64>,
    flux: Vec<f64>,
}

impl Field {
    fn new(count: usize) -> Self {
        let uniform = |draw: u16, scale: f64| -> Vec<f64> {
            let stream = Stream { key: 1, frame: 0, kind: Kind::Scene as u8, stage: STAR_X, draw };
            let mut words = vec![0; count];
            stream.fill(0, &mut words);
            words.iter().map(|&word| f64::from(word) / 4_294_967_296.0 * scale).collect()
        };
        Self { x: uniform(0, SIZE as f64), y: uniform(1, SIZE as f64), flux: uniform(2, 1e4) }
    }

    fn draw<T: Precision>(&self, psf: &Psf, image: &mut [T]) -> Result<(), Error> {
        let stars = Stars { x: &self.x, y: &self.y, flux: &self.flux };
        psf.deposit(stars, image, (SIZE, SIZE), None, &Cancel::default())
    }
}

/// The memory floor: one multiply-add on every pixel.
struct Touch<'a, T>(&'a mut [T]);

impl<T: Precision> Kernel for Touch<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for pixel in self.0 {
            *pixel = pixel.mul_add(T::ONE, T::ONE);
        }
    }
}

fn rows<T: Precision>(name: &str, psf: &Psf, field: &Field, image: &mut [T]) {
    let bits = 8 * size_of::<T>();
    timing::row(&format!("{name}, f{bits}"), field.x.len(), || {
        field.draw(psf, image).expect("the arrays fit");
        black_box(&image);
    });
}

/// Shapes of galaxies: n from 0.6 to 4.1, r_eff from 1 to 5 pixels, axis ratio from 0.3 to 1.
struct Galaxies {
    r_eff: Vec<f64>,
    index: Vec<f64>,
    axis_ratio: Vec<f64>,
    angle: Vec<f64>,
}

impl Galaxies {
    fn new(field: &Field) -> Self {
        let spread = |values: &[f64], scale: f64, low: f64, width: f64| -> Vec<f64> {
            values.iter().map(|value| low + width * (value * 7.0 / scale).fract()).collect()
        };
        Self {
            r_eff: spread(&field.x, SIZE as f64, 1.0, 4.0),
            index: spread(&field.y, SIZE as f64, 0.6, 3.5),
            axis_ratio: spread(&field.flux, 1e4, 0.3, 0.7),
            angle: spread(&field.flux, 3e3, 0.0, 180.0),
        }
    }

    fn rows<T: Real>(&self, name: &str, blur: Blur<'_>, field: &Field, image: &mut [T]) {
        let stars = Stars { x: &field.x, y: &field.y, flux: &field.flux };
        let (r_eff, index) = (self.r_eff.as_slice(), self.index.as_slice());
        let shapes = Shapes { r_eff, index, axis_ratio: &self.axis_ratio, angle: &self.angle };
        timing::row(&format!("{name}, f{}", 8 * size_of::<T>()), field.x.len(), || {
            let sources = Convolution::new(stars.x.len(), shapes, blur, 0.0).expect("shapes are possible");
            galaxy::deposit(stars, &sources, None, image, (SIZE, SIZE), &Cancel::default()).expect("the arrays fit");
            black_box(&image);
        });
    }
}

fn main() -> Result<(), Error> {
    pool::set_num_threads(1);
    let (many, some) = (Field::new(100_000), Field::new(10_000));
    let (mut single, mut double) = (vec![0f32; SIZE * SIZE], vec![0f64; SIZE * SIZE]);
    let kernel = vec![1.0 / 625.0; 625];
    timing::head("deposit");
    timing::row("memory floor, f32, per star of 1e5", many.x.len(), || simd::dispatch(Touch(&mut single)));
    timing::row("memory floor, f64, per star of 1e5", many.x.len(), || simd::dispatch(Touch(&mut double)));
    for (name, psf, field) in [
        ("Gaussian 13 x 13, 1e5 stars", Psf::gaussian(1.06)?, &many),
        ("Gaussian 31 x 31, 1e4 stars", Psf::gaussian(3.0)?, &some),
        ("elliptical 3.0 x 2.0 px, 1e4 stars", Psf::elliptical(1.27, 0.85, 30.0)?, &some),
        ("Moffat 2.5 px, beta 3, 1e4 stars", Psf::moffat(2.5, 3.0)?, &some),
        ("Airy 1.03 px, 1e4 stars", Psf::airy(1.03, 0.0)?, &some),
        ("array 25 x 25, 1e4 stars", Psf::array(&kernel, (25, 25))?, &some),
        (
            "off the image, 1e5 stars (sorting alone)",
            Psf::gaussian(1.06)?,
            &Field { x: vec![-1e6; 100_000], ..Field::new(100_000) },
        ),
    ] {
        rows(name, &psf, field, &mut single);
        rows(name, &psf, field, &mut double);
    }
    let few = Field::new(2_000);
    let mut galaxies = Galaxies::new(&few);
    for (name, blur) in [
        ("2e3 galaxies, Gaussian 2.5 px", Blur::Gaussian { along: &[1.06], across: &[1.06], angle: &[0.0] }),
        ("2e3 galaxies, Moffat 2.5 px", Blur::Moffat { fwhm: &[2.5], beta: &[3.0] }),
    ] {
        galaxies.rows(name, blur, &few, &mut single);
        galaxies.rows(name, blur, &few, &mut double);
    }
    for index in [0.5, 1.0, 2.5, 4.0, 6.0] {
        for r_eff in [1.0, 3.0, 10.0, 30.0] {
            galaxies.index.fill(index);
            galaxies.r_eff.fill(r_eff);
            let name = format!("n = {index}, r_eff = {r_eff} px, Moffat 2.5 px");
            galaxies.rows(&name, Blur::Moffat { fwhm: &[2.5], beta: &[3.0] }, &few, &mut single);
        }
    }
    Ok(())
}
