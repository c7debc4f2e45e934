//! Words and variates over tiles that stay in the L1 cache: nanoseconds a variate.

mod timing;

use getframes_core::Real;
use getframes_core::simd::{self, Kernel};
use getframes_core::variate::{TILE, normal, poisson};
use getframes_core::{Kind, StageId, Stream};
use std::hint::black_box;

struct Normals<'a, T>(&'a [u32], &'a mut [T]);
impl<T: normal::Quantile> Kernel for Normals<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        normal::fill(self.0, self.1);
    }
}

struct Counts<'a, T>(&'a [T], &'a [u32], &'a mut [T]);
impl<T: Real> Kernel for Counts<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        poisson::fill(self.0, self.1, self.2);
    }
}

fn poisson_row<T: Real>(name: &str, mean: f64, words: &[u32]) {
    let mean = [T::of(mean); TILE];
    timing::row(name, words.len(), || {
        let mut counts = [T::ZERO; TILE];
        for words in words.chunks(TILE) {
            simd::dispatch(Counts(&mean, words, &mut counts));
            black_box(&counts);
        }
    });
}

fn main() {
    let tiles = 256;
    let units = tiles * TILE;
    let stream = Stream { key: 1, frame: 0, kind: Kind::Light as u8, stage: StageId::Shot as u8, draw: 0 };
    let mut words = vec![0; units];
    stream.fill(0, &mut words);
    timing::head("variates");
    timing::row("Philox4x32-10 word", units, || {
        let mut tile = [0; TILE];
        for index in 0..tiles {
            stream.fill((index * TILE) as u64, &mut tile);
            black_box(&tile);
        }
    });
    timing::row("normal f32", units, || {
        let mut z = [0f32; TILE];
        for words in words.chunks(TILE) {
            simd::dispatch(Normals(words, &mut z));
            black_box(&z);
        }
    });
    timing::row("normal f64", units, || {
        let mut z = [0f64; TILE];
        for words in words.chunks(TILE) {
            simd::dispatch(Normals(words, &mut z));
            black_box(&z);
        }
    });
    for mean in [1e-3, 0.01, 0.1, 1.0, 4.0, 5.5, 20.0, 100.0, 1e3, 1e4, 1e5] {
        poisson_row::<f32>(&format!("Poisson f32, mean {mean}"), mean, &words);
        poisson_row::<f64>(&format!("Poisson f64, mean {mean}"), mean, &words);
    }
}
