//! Common mode: an offset that all pixels of a frame share, one number a frame.
//!
//! Law: a' = a + sigma x, with x = z in a single frame, the word of z at pixel 0. From read to read of nondestructive ramps
//! x' = rho x + sqrt(1 - rho^2) z: an autoregressive process of unit variance.
//!
//! Not modelled: drifts along a frame.

use getframes_core::stream::Stream;
use getframes_core::variate::normal;

/// The offset of one frame [ADU].
pub fn offset(rms_adu: f64, stream: &Stream) -> f64 {
    rms_adu * innovation(stream)
}

/// x of a read from that of the read before it; the first read has none.
pub fn next(before: Option<f64>, correlation: f64, stream: &Stream) -> f64 {
    let z = innovation(stream);
    before.map_or(z, |x| (-correlation).mul_add(correlation, 1.0).sqrt().mul_add(z, correlation * x))
}

fn innovation(stream: &Stream) -> f64 {
    let mut word = [0];
    stream.fill(0, &mut word);
    normal::of_word(word[0])
}
