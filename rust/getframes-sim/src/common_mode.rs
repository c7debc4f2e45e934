//! Common mode: an offset that all pixels of a frame share, one number a frame.
//!
//! Law: a' = a + sigma z, the word of z at pixel 0 of the frame.
//!
//! Not modelled: drifts along a frame; correlation from frame to frame belongs to nondestructive ramps.

use getframes_core::stream::Stream;
use getframes_core::variate::normal;

/// The offset of one frame [ADU].
pub fn offset(rms_adu: f64, stream: &Stream) -> f64 {
    let mut word = [0];
    stream.fill(0, &mut word);
    rms_adu * normal::of_word(word[0])
}
