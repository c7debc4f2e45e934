//! Calibration: counts without what the detector added, and back to charge and light, in one pass over a frame, with variance and flags.
//!
//! | symbol | name         | shape      | unit                     |
//! |--------|--------------|------------|--------------------------|
//! | n      | `counts`     | `(ny, nx)` | ADU                      |
//! | o      | `levels`     | `(ny,)`    | ADU, overscan of a row   |
//! | b      | `zero`       | `(ny, nx)` | ADU                      |
//! | k      | `scale`      | one        | e-/ADU, or 1             |
//! | g      | `inverse`    | –          | e- to e-                 |
//! | s, d   | `dark_scale`, `dark` | one, `(ny, nx)` | s and unit / s |
//! | w      | `flat`       | `(ny, nx)` | 1                        |
//! | f      | `factor`     | one        | out per unit             |
//!
//! Law: out = (g(p) - s d) f / w, p = k (n - o - b), with g the inverse of the response curve of a pixel ([`Inverse`]). The dark is taken off after g, since
//! the curve bends with all the charge of a pixel.
//!
//! Variance, for a straight response ([`Noise`] has the symbols):
//!
//!   sigma^2 = (f/w)^2 (V + (u/w)^2 sigma_w^2),  V = r^2 + c max(q, 0) + beta sigma_b^2 + s^2 sigma_d^2
//!
//! q is p and u = p - s d; or what is expected of them where light e is, in the unit of out: q = e w/f + s d and u^2 = (e w/f)^2 + V, their mean square.
//!
//! Out is NaN where the flat is not positive, and where what goes in is not finite.

use getframes_core::map::Map;
use getframes_core::pool::Cancel;
use getframes_core::simd::{self, Kernel};
use getframes_core::{Error, Real};
use rayon::prelude::*;

mod count;
mod inverse;
mod plain;
pub use count::Count;
pub use inverse::{Inverse, Series};

const TILE: usize = 512;
const CHUNK: usize = 64 * TILE;
/// Frames with fewer pixels run on the calling thread.
pub const SMALL: usize = 2 * CHUNK;

/// Counts as a detector gives them: rows that may be parts of longer ones.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a, R> {
    /// From the first pixel on.
    pub counts: &'a [R],
    /// Pixels of a row.
    pub width: usize,
    /// From one row to the next.
    pub stride: usize,
    /// o, one for each row.
    pub levels: Option<&'a [f64]>,
}

impl<R: Copy> Raw<'_, R> {
    /// Where a pixel of the frame is: (y, x).
    #[inline(always)]
    fn place(&self, index: usize) -> (usize, usize) {
        (index / self.width, index % self.width)
    }

    /// At most `most` counts from a pixel on that have one level and lie side by side, and their level.
    #[inline(always)]
    fn piece(&self, first: usize, most: usize) -> (&[R], f64) {
        if let Some(counts) = self.whole(first) {
            return (&counts[..most], 0.0);
        }
        let (y, x) = self.place(first);
        let start = y * self.stride + x;
        let counts = &self.counts[start..start + most.min(self.width - x)];
        (counts, self.levels.map_or(0.0, |levels| levels[y]))
    }

    /// Counts from a pixel on, where they lie side by side and have no levels.
    #[inline(always)]
    fn whole(&self, first: usize) -> Option<&[R]> {
        (self.stride == self.width && self.levels.is_none()).then(|| &self.counts[first..])
    }

    #[inline(always)]
    fn prefetch(&self, first: usize, end: usize) {
        if self.stride == self.width {
            simd::prefetch(&self.counts[first..end]);
        }
    }
}

/// What turns counts into charge or light.
#[derive(Clone, Copy, Debug)]
pub struct Calibration<'a> {
    /// b.
    pub zero: Map<'a>,
    /// k.
    pub scale: f64,
    /// g; none where the response is a straight line.
    pub inverse: Option<&'a Inverse>,
    /// d.
    pub dark: Map<'a>,
    /// s.
    pub dark_scale: f64,
    /// w.
    pub flat: Map<'a>,
    /// f.
    pub factor: f64,
    /// What is known about errors; none where none are wanted.
    pub noise: Option<Noise<'a>>,
    /// What is to be flagged; without it a count that is not finite is an error.
    pub flagging: Option<Flagging<'a>>,
}

/// Where the variance comes from, in the unit of p.
#[derive(Clone, Copy, Debug)]
pub struct Noise<'a> {
    /// r, of one read.
    pub read: Map<'a>,
    /// c: variance of a signal of 1.
    pub shot: f64,
    /// e; none where it is not known better than from the counts.
    pub signal: Option<Map<'a>>,
    /// sigma_b.
    pub zero: Map<'a>,
    /// beta: 1 where the dark knows nothing of this bias; 1 - 2 s/t where it is a rate of frames of t seconds less the same bias.
    pub zero_weight: f64,
    /// sigma_d.
    pub dark: Map<'a>,
    /// sigma_w.
    pub flat: Map<'a>,
}

/// Which bits say what.
#[derive(Clone, Copy, Debug)]
pub struct Flagging<'a> {
    /// Counts from here on are saturated.
    pub saturation: f64,
    /// Bits of a saturated pixel, of one without response, and of one where something is not finite.
    pub bits: [u16; 3],
    /// Flags of the frame and its masters, all of which hold.
    pub planes: &'a [&'a [u16]],
}

/// What is written.
pub struct Planes<'a, T> {
    /// Out.
    pub data: &'a mut [T],
    /// sigma, where noise is known; else empty.
    pub sigma: &'a mut [T],
    /// Flags, where they are wanted; else empty.
    pub flags: &'a mut [u16],
}

impl<'a, T> Planes<'a, T> {
    /// Chunks of all planes that are there.
    fn parts(self) -> Vec<Self> {
        let count = self.data.len().div_ceil(CHUNK);
        let (mut sigma, mut flags) = (self.sigma.chunks_mut(CHUNK), self.flags.chunks_mut(CHUNK));
        let mut parts = Vec::with_capacity(count);
        for data in self.data.chunks_mut(CHUNK) {
            let (sigma, flags) = (sigma.next().unwrap_or_default(), flags.next().unwrap_or_default());
            parts.push(Planes { data, sigma, flags });
        }
        parts
    }
}

impl Calibration<'_> {
    /// Calibrates a frame.
    ///
    /// # Errors
    /// [`Error::Domain`] for a variance through a bent response, and, without flags, for the first count that is infinite or not a number: what is written
    /// is then not to be used. [`Error::Interrupted`] when cancelled.
    pub fn run<R: Count<T>, T: Real>(
        &self,
        raw: Raw<'_, R>,
        planes: Planes<'_, T>,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        let straight = self.noise.is_none() || self.inverse.is_none();
        Error::domain(straight, "inverse", "none where the variance is wanted", 1.0)?;
        let small = planes.data.len() < SMALL;
        let work = |(n, planes): (usize, Planes<'_, T>)| {
            simd::dispatch(Part { calibration: self, raw, first: n * CHUNK, planes, cancel })
        };
        let parts: Vec<_> = planes.parts().into_iter().enumerate().collect();
        let bad =
            if small { parts.into_iter().filter_map(work).min() } else { parts.into_par_iter().filter_map(work).min() };
        if cancel.is_cancelled() {
            return Err(Error::Interrupted);
        }
        bad.map_or(Ok(()), |index| {
            let (y, x) = raw.place(index);
            let value = raw.counts[y * raw.stride + x].real().wide();
            Err(Error::Domain { name: "frame", rule: "finite", value, place: format!(" at (y, x) = ({y}, {x})") })
        })
    }
}

/// The ones' complement sum of 32-bit words, which FITS calls DATASUM; it does not depend on their order.
pub fn datasum(words: &[u32]) -> u32 {
    (words.iter().map(|&word| u64::from(word)).sum::<u64>() % 0xFFFF_FFFF) as u32
}

/// Consecutive pixels.
struct Part<'a, R, T> {
    calibration: &'a Calibration<'a>,
    raw: Raw<'a, R>,
    first: usize,
    planes: Planes<'a, T>,
    cancel: &'a Cancel,
}

impl<R: Count<T>, T: Real> Kernel for Part<'_, R, T> {
    /// The first count that is not finite, where that is an error.
    type Output = Option<usize>;

    #[inline(always)]
    fn run(self) -> Option<usize> {
        let Part { calibration: made, raw, first, planes: Planes { data, sigma, flags }, cancel } = self;
        if cancel.is_cancelled() {
            return None;
        }
        if let (Some(counts), None, None) = (raw.whole(first), &made.noise, &made.flagging)
            && let Some(bad) = plain::calibrate(made, counts, first, data)
        {
            return bad;
        }
        let (mut one, mut two, mut three) = ([T::ZERO; TILE], [T::ONE; TILE], [T::ZERO; TILE]);
        let length = data.len();
        for done in (0..length).step_by(TILE) {
            let (start, end, next) = (first + done, length.min(done + TILE), length.min(done + 2 * TILE));
            simd::prefetch(&data[end..next]);
            raw.prefetch(first + end, first + next);
            let out = &mut data[done..end];
            let (one, two) = (&mut one[..out.len()], &mut two[..out.len()]);
            if !load(raw, start, out) && made.flagging.is_none() {
                return first_bad(raw, start, out.len());
            }
            made.less_zero(start, out, one);
            let mut sigma = sigma.get_mut(done..end);
            if let (Some(noise), Some(sigma)) = (&made.noise, &mut sigma) {
                noise.read_and_shot(made, start, out, sigma, [&mut *one, &mut *two]);
                noise.masters(made.dark_scale, start, sigma, one);
            }
            if let Some(inverse) = made.inverse {
                inverse.apply(out);
            }
            made.less_dark(start, out, one);
            let three = &mut three[..out.len()];
            made.over_flat(start, out, sigma, [&mut *one, &mut *two, three]);
            if let Some(flagging) = &made.flagging {
                flagging.mark(raw, start, out, one, &mut flags[done..end]);
            }
        }
        None
    }
}

/// Counts less the level of their row; whether all are finite.
#[inline(always)]
fn load<R: Count<T>, T: Real>(raw: Raw<'_, R>, start: usize, out: &mut [T]) -> bool {
    let mut finite = true;
    let mut done = 0;
    while done < out.len() {
        let (counts, level) = raw.piece(start + done, out.len() - done);
        let level = T::of(level);
        for (q, &count) in out[done..].iter_mut().zip(counts) {
            finite &= count.is_finite();
            *q = count.real() - level;
        }
        done += counts.len();
    }
    finite
}

/// The first count that is not finite.
fn first_bad<R: Count<T>, T: Real>(raw: Raw<'_, R>, start: usize, count: usize) -> Option<usize> {
    (start..start + count).find(|&index| !raw.piece(index, 1).0[0].is_finite())
}

impl Calibration<'_> {
    #[inline(always)]
    fn less_zero<T: Real>(&self, start: usize, out: &mut [T], room: &mut [T]) {
        if !self.zero.is(0.0) {
            self.zero.load(start, room);
            for (q, &zero) in out.iter_mut().zip(&*room) {
                *q -= zero;
            }
        }
        if self.scale != 1.0 {
            let scale = T::of(self.scale);
            for q in out.iter_mut() {
                *q *= scale;
            }
        }
    }

    #[inline(always)]
    fn less_dark<T: Real>(&self, start: usize, out: &mut [T], room: &mut [T]) {
        if !self.dark.is(0.0) {
            let scale = T::of(self.dark_scale);
            self.dark.load(start, room);
            for (q, &dark) in out.iter_mut().zip(&*room) {
                *q -= scale * dark;
            }
        }
    }

    /// Divides; variances become standard deviations.
    #[inline(always)]
    fn over_flat<T: Real>(&self, start: usize, out: &mut [T], sigma: Option<&mut [T]>, rooms: [&mut [T]; 3]) {
        let [one, two, three] = rooms;
        let (factor, nan) = (T::of(self.factor), T::of(f64::NAN));
        let uniform = self.flat.is(1.0);
        if uniform {
            one.fill(T::ONE);
        } else {
            self.flat.load(start, one);
            for (q, flat) in out.iter_mut().zip(one.iter_mut()) {
                *flat = if *flat > T::ZERO { T::ONE / *flat } else { nan };
                *q *= *flat;
            }
        }
        if let (Some(sigma), Some(noise)) = (sigma, &self.noise) {
            for v in sigma.iter_mut() {
                *v = T::ZERO.most(*v);
            }
            if !uniform {
                noise.flat.load(start, two);
                let light = match noise.signal {
                    Some(signal) => {
                        signal.load(start, three);
                        for (((v, e), &inverse), &error) in sigma.iter_mut().zip(&mut *three).zip(&*one).zip(&*two) {
                            *e *= T::of(1.0 / self.factor);
                            let relative = inverse * error;
                            *v = relative.mul_add(relative * *v, *v);
                        }
                        &*three
                    }
                    None => &*out,
                };
                for (((v, &q), &inverse), &error) in sigma.iter_mut().zip(light).zip(&*one).zip(&*two) {
                    let relative = q * error;
                    *v = inverse * inverse * relative.mul_add(relative, *v);
                }
            }
            for (v, &q) in sigma.iter_mut().zip(&*out) {
                *v = if q.is_finite() { v.sqrt() * factor } else { nan };
            }
        }
        if self.factor != 1.0 {
            for q in out.iter_mut() {
                *q *= factor;
            }
        }
    }
}

impl Noise<'_> {
    /// Variance of p.
    #[inline(always)]
    fn read_and_shot<T: Real>(
        &self,
        made: &Calibration<'_>,
        start: usize,
        out: &[T],
        sigma: &mut [T],
        [one, two]: [&mut [T]; 2],
    ) {
        let shot = T::of(self.shot);
        self.read.load(start, sigma);
        let Some(signal) = self.signal else {
            for (v, &p) in sigma.iter_mut().zip(out) {
                *v = shot.mul_add(p.most(T::ZERO), *v * *v);
            }
            return;
        };
        let (inverse, scale) = (T::of(1.0 / made.factor), T::of(made.dark_scale));
        signal.load(start, one);
        made.flat.load(start, two);
        for (e, &flat) in one.iter_mut().zip(&*two) {
            *e *= flat * inverse;
        }
        made.dark.load(start, two);
        for ((v, &light), &dark) in sigma.iter_mut().zip(&*one).zip(&*two) {
            *v = shot.mul_add(scale.mul_add(dark, light).most(T::ZERO), *v * *v);
        }
    }

    /// Adds the variances of bias and dark.
    #[inline(always)]
    fn masters<T: Real>(&self, dark_scale: f64, start: usize, sigma: &mut [T], room: &mut [T]) {
        for (map, weight) in [(self.zero, self.zero_weight), (self.dark, dark_scale * dark_scale)] {
            if !map.is(0.0) {
                let weight = T::of(weight);
                map.load(start, room);
                for (v, &error) in sigma.iter_mut().zip(&*room) {
                    *v = weight.mul_add(error * error, *v);
                }
            }
        }
    }
}

impl Flagging<'_> {
    /// Bits of what happened to a pixel, and those it had. What is not finite becomes NaN.
    #[inline(always)]
    fn mark<R: Count<T>, T: Real>(&self, raw: Raw<'_, R>, start: usize, out: &mut [T], dead: &[T], flags: &mut [u16]) {
        let ([full, without, bad], end) = (self.bits, T::of(self.saturation));
        let mut done = 0;
        while done < out.len() {
            let (counts, _) = raw.piece(start + done, out.len() - done);
            let flags = &mut flags[done..done + counts.len()];
            done += counts.len();
            let mut any = false;
            for &count in counts {
                any |= count.real() >= end;
            }
            if any {
                for (flag, &count) in flags.iter_mut().zip(counts) {
                    *flag = if count.real() >= end { full } else { 0 };
                }
            } else {
                flags.fill(0);
            }
        }
        let mut finite = true;
        for q in out.iter() {
            finite &= q.is_finite();
        }
        if !finite {
            let nan = T::of(f64::NAN);
            for ((flag, q), &inverse) in flags.iter_mut().zip(out).zip(dead) {
                if !q.is_finite() {
                    *flag |= if inverse.is_finite() { bad } else { without };
                    *q = nan;
                }
            }
        }
        for plane in self.planes {
            for (flag, &more) in flags.iter_mut().zip(&plane[start..]) {
                *flag |= more;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made<'a>() -> Calibration<'a> {
        let uniform = Map::Uniform;
        Calibration {
            zero: uniform(0.0),
            scale: 1.0,
            inverse: None,
            dark: uniform(0.0),
            dark_scale: 1.0,
            flat: uniform(1.0),
            factor: 1.0,
            noise: None,
            flagging: None,
        }
    }

    fn bare(data: &mut [f64]) -> Planes<'_, f64> {
        Planes { data, sigma: &mut [], flags: &mut [] }
    }

    #[test]
    fn a_bad_count_is_placed() {
        let mut counts = vec![100.0f32; 40 * 50];
        counts[7 * 50 + 3] = f32::NAN;
        counts[1999] = f32::INFINITY;
        let raw = Raw { counts: &counts, width: 50, stride: 50, levels: None };
        let error = made().run(raw, bare(&mut vec![0.0; 2000]), &Cancel::default()).unwrap_err();
        assert_eq!(error.to_string(), "frame must be finite, got NaN at (y, x) = (7, 3)");
        let cut = Raw { counts: &counts[2..], width: 40, stride: 50, levels: None };
        let error = made().run(cut, bare(&mut vec![0.0; 1600]), &Cancel::default()).unwrap_err();
        assert_eq!(error.to_string(), "frame must be finite, got NaN at (y, x) = (7, 1)");
    }

    #[test]
    fn parts_of_rows_are_rows() {
        let counts: Vec<u16> = (0..60_000).collect();
        let levels: Vec<f64> = (0..200).map(f64::from).collect();
        let raw = Raw { counts: &counts[7..], width: 290, stride: 300, levels: Some(&levels) };
        let mut data = vec![0.0; 200 * 290];
        made().run(raw, bare(&mut data), &Cancel::default()).unwrap();
        for (index, &value) in data.iter().enumerate() {
            let (y, x) = (index / 290, index % 290);
            assert_eq!(value, f64::from(counts[y * 300 + 7 + x]) - y as f64);
        }
    }

    #[test]
    fn at_once_is_step_by_step() {
        let (width, height) = (61, 37);
        let counts: Vec<u16> = (0..width * height).map(|n| (n * 7919 % 65_521) as u16).collect();
        let map = |least: f64| -> Vec<f32> {
            (0..counts.len()).map(|n| (least + (n * 31 % 101) as f64 / 50.0) as f32).collect()
        };
        let (zero, dark, flat) = (map(100.0), map(3.0), map(-0.1));
        for coefficients in [vec![0.0], vec![-0.05], vec![-0.3]] {
            let inverse = Inverse::of(&coefficients, 3e4).unwrap();
            let mut made = Calibration { scale: 0.5, inverse: inverse.as_ref(), factor: 1.3, ..made() };
            for maps in [false, true] {
                if maps {
                    (made.zero, made.dark, made.flat) = (Map::Single(&zero), Map::Single(&dark), Map::Single(&flat));
                }
                let raw = Raw { counts: &counts, width, stride: width, levels: None };
                // Levels of zero change nothing but the way.
                let stepwise = Raw { levels: Some(&[0.0; 37]), ..raw };
                same_bits::<f32>(&made, raw, stepwise);
                same_bits::<f64>(&made, raw, stepwise);
            }
        }
    }

    fn same_bits<T: Real>(made: &Calibration<'_>, one: Raw<'_, u16>, two: Raw<'_, u16>)
    where
        u16: Count<T>,
    {
        let [one, two] = [one, two].map(|raw| {
            let mut data = vec![T::ZERO; raw.counts.len()];
            let planes = Planes { data: &mut data, sigma: &mut [], flags: &mut [] };
            made.run(raw, planes, &Cancel::default()).unwrap();
            data.into_iter().map(|value| value.wide().to_bits()).collect::<Vec<_>>()
        });
        assert_eq!(one, two);
    }

    #[test]
    fn no_variance_through_a_bent_response() {
        let inverse = Inverse::of(&[-0.1], 1e4).unwrap().unwrap();
        let zero = Map::Uniform(0.0);
        let noise = Noise { read: zero, shot: 1.0, signal: None, zero, zero_weight: 1.0, dark: zero, flat: zero };
        let bent = Calibration { inverse: Some(&inverse), noise: Some(noise), ..made() };
        let raw = Raw { counts: &[1u16; 4], width: 2, stride: 2, levels: None };
        let planes = Planes { data: &mut [0.0f32; 4], sigma: &mut [0.0; 4], flags: &mut [] };
        assert!(bent.run(raw, planes, &Cancel::default()).is_err());
    }
}
