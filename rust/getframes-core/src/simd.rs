//! One portable kernel body, compiled for each SIMD level and chosen at run time.
//!
//! Bodies use only correctly rounded operations (`mul_add`, `+`, `*`, `/`, `sqrt`, integers), so every level gives the same bits.

use std::sync::atomic::{AtomicU8, Ordering};

/// A kernel: data and a body. Mark `run` `#[inline(always)]`, so that the body is compiled inside each dispatch copy.
pub trait Kernel {
    /// What the kernel returns.
    type Output;
    /// The body.
    fn run(self) -> Self::Output;
}

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// What the target always has.
    Baseline = 0,
    /// AVX2 with FMA.
    Avx2 = 1,
    /// AVX-512 F, BW, DQ and VL.
    Avx512 = 2,
}

impl Level {
    const ALL: [Self; 3] = [Self::Baseline, Self::Avx2, Self::Avx512];

    /// The name that users see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

/// The levels this machine has, lowest first.
pub fn available() -> Vec<Level> {
    Level::ALL.into_iter().filter(|&level| level <= best()).collect()
}

#[cfg(target_arch = "x86_64")]
fn best() -> Level {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (avx2, avx512) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        _ => Level::Baseline,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn best() -> Level {
    Level::Baseline
}

const UNSET: u8 = u8::MAX;
static CHOSEN: AtomicU8 = AtomicU8::new(UNSET);

/// The level in use: the one set, else the one named by `GETFRAMES_SIMD`, else the best of this machine.
pub fn level() -> Level {
    match CHOSEN.load(Ordering::Relaxed) {
        UNSET => {
            let wanted = std::env::var("GETFRAMES_SIMD").ok();
            let level =
                wanted.and_then(|name| available().into_iter().find(|level| level.name() == name)).unwrap_or_else(best);
            CHOSEN.store(level as u8, Ordering::Relaxed);
            level
        }
        number => Level::ALL[usize::from(number)],
    }
}

/// Chooses a level by name, or the default again; false when this machine does not have it.
pub fn choose(name: Option<&str>) -> bool {
    let number = match name {
        None => UNSET,
        Some(name) => match available().into_iter().find(|level| level.name() == name) {
            Some(level) => level as u8,
            None => return false,
        },
    };
    CHOSEN.store(number, Ordering::Relaxed);
    true
}

/// Runs a kernel at the level in use.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    match level() {
        Level::Baseline => run_baseline(kernel),
        // SAFETY: `level` gives only levels that this machine has.
        Level::Avx2 => unsafe { run_avx2(kernel) },
        Level::Avx512 => unsafe { run_avx512(kernel) },
    }
    #[cfg(not(target_arch = "x86_64"))]
    run_baseline(kernel)
}

/// Asks for values that come next, so that they are on their way from memory while others are worked on. Changes nothing else.
#[inline(always)]
pub fn prefetch<V>(next: &[V]) {
    #[cfg(target_arch = "x86_64")]
    for line in next.chunks(64 / size_of::<V>()) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch has no effect that a program could see, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = next;
}

/// Like [`prefetch`] for the `COUNT` values from index `first`, which may lie beyond the end.
#[inline(always)]
pub fn prefetch_from<V, const COUNT: usize>(values: &[V], first: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..(COUNT * size_of::<V>()).div_ceil(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let address = values.as_ptr().wrapping_add(first).cast::<i8>().wrapping_add(64 * line);
        // SAFETY: a prefetch has no effect that a program could see, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, first);
}

/// A function of its own, as the copies of the levels are: inlined, a large body would be compiled again at every place that dispatches it.
#[inline(never)]
fn run_baseline<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}
