//! getframes' own thread pool: it follows the CPU affinity, can be resized, and survives a fork.

use crate::Error;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

struct Pool {
    process: u32,
    threads: usize,
    rayon: rayon::ThreadPool,
}

static POOL: AtomicPtr<Pool> = AtomicPtr::new(std::ptr::null_mut());
static WANTED: AtomicUsize = AtomicUsize::new(0);

/// Threads that kernels use: the number set, else `GETFRAMES_NUM_THREADS`, else the CPUs this process may run on.
pub fn num_threads() -> usize {
    match WANTED.load(Ordering::Relaxed) {
        0 => std::env::var("GETFRAMES_NUM_THREADS")
            .ok()
            .and_then(|text| text.parse().ok())
            .filter(|&threads| threads > 0)
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
        threads => threads,
    }
}

/// Sets the number of threads; 0 means the default again.
pub fn set_num_threads(threads: usize) {
    WANTED.store(threads, Ordering::Relaxed);
}

/// The pool of this process. Pools are leaked when replaced: after a fork their threads do not exist, and another thread may
/// still run in one that was resized.
fn pool() -> Result<&'static Pool, Error> {
    let (process, threads) = (std::process::id(), num_threads());
    let known = POOL.load(Ordering::Acquire);
    // SAFETY: the pointer is null or comes from `Box::leak` below.
    if let Some(pool) = unsafe { known.as_ref() }
        && pool.process == process
        && pool.threads == threads
    {
        return Ok(pool);
    }
    let rayon = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("getframes-{number}"))
        .build()
        .map_err(|error| Error::Threads { wanted: threads, reason: error.to_string() })?;
    let made: &'static mut Pool = Box::leak(Box::new(Pool { process, threads, rayon }));
    POOL.store(made, Ordering::Release);
    Ok(made)
}

/// Runs `work` inside the pool, so that its parallel iterators use it.
///
/// # Errors
/// [`Error::Threads`] when the pool cannot be started; those of `work`.
pub fn install<R: Send>(work: impl FnOnce() -> Result<R, Error> + Send) -> Result<R, Error> {
    pool()?.rayon.install(work)
}

/// A flag that long kernels look at between blocks of work.
#[derive(Debug, Default)]
pub struct Cancel(AtomicBool);

impl Cancel {
    /// Asks the kernel to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the kernel should stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs `work` in the pool while the calling thread asks `interrupted` about ten times a second; true cancels.
///
/// # Errors
/// As [`install`].
pub fn install_watched<R: Send>(
    cancel: &Cancel,
    interrupted: impl Fn() -> bool,
    work: impl FnOnce() -> Result<R, Error> + Send,
) -> Result<R, Error> {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    pool()?.rayon.in_place_scope(|scope| {
        scope.spawn(move |_| {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // The receiver outlives the scope: sending cannot fail.
            let _ = sender.send(outcome);
        });
        loop {
            match receiver.recv_timeout(std::time::Duration::from_millis(100)) {
                Ok(Ok(result)) => return result,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) if interrupted() => cancel.cancel(),
                Err(_) => {}
            }
        }
    })
}
