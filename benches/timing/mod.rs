//! Nanoseconds of CPU time a unit: the median of repeated runs, at every SIMD level of this machine.

use cpu_time::ProcessTime;
use getframes_core::simd;

/// One row: the median time of `run` divided by `units`, per SIMD level.
pub fn row(name: &str, units: usize, mut run: impl FnMut()) {
    print!("{name:<44}");
    for level in simd::available() {
        assert!(simd::choose(Some(level.name())));
        run();
        let repeats = 15;
        let mut times: Vec<f64> = (0..repeats)
            .map(|_| {
                let start = ProcessTime::now();
                run();
                start.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        print!("{:>11.3}", times[repeats / 2] * 1e9 / units as f64);
    }
    println!();
    simd::choose(None);
}

/// The head of a table.
pub fn head(title: &str) {
    print!("{title:<44}");
    for level in simd::available() {
        print!("{:>11}", level.name());
    }
    println!("   [ns a unit]");
}
