//! The random contract: words that are addressed, not consumed (docs/adr/0001-random-contract.md).
//!
//! Philox4x32-10: Salmon et al. 2011, doi:10.1145/2063384.2063405.

use crate::simd::{self, Kernel};

/// Version of the contract; written into every header.
pub const STREAM_VERSION: u32 = 1;

/// What kind of frame a word belongs to; it follows from the physics of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Kind {
    Pattern = 0,
    Bias = 1,
    Dark = 2,
    Light = 3,
    Ramp = 4,
    Scene = 5,
    DarkRamp = 6,
}

/// Which stage draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum StageId {
    Prnu = 1,
    Dsnu = 2,
    HotPixels = 3,
    ReadNoiseCore = 4,
    ReadNoiseRts = 5,
    ReadNoiseChannels = 6,
    AmplifierGain = 7,
    AmplifierOffset = 8,
    BiasPlane = 9,
    BiasColumns = 10,
    BiasChannels = 11,
    BiasTexture = 12,
    DeadPixels = 13,
    DeadColumns = 14,
    AvalancheGain = 15,
    Shot = 32,
    ClockInducedCharge = 33,
    CosmicRays = 34,
    Gain = 35,
    ResetNoise = 36,
    AvalancheInputNoise = 37,
    ReadNoise = 38,
    CommonMode = 39,
    CorrelatedReadNoise = 40,
}

/// An addressable source of random words: the same address always gives the same word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// 64 bits derived from the user's seed.
    pub key: u64,
    /// Frame number.
    pub frame: u64,
    /// Kind of frame, as in [`Kind`].
    pub kind: u8,
    /// Stage, as in [`StageId`].
    pub stage: u8,
    /// Which word of a variate that takes several.
    pub draw: u16,
}

impl Stream {
    /// Writes the words of pixels `first .. first + words.len()`.
    ///
    /// # Panics
    /// When a pixel lies beyond 2^34.
    pub fn fill(&self, first: u64, words: &mut [u32]) {
        assert!(first + words.len() as u64 <= 1 << 34, "a sensor has at most 2^34 pixels");
        simd::dispatch(Fill { stream: *self, first, words });
    }

    #[inline(always)]
    fn counter(&self) -> u32 {
        (u32::from(self.kind) << 24) | (u32::from(self.stage) << 16) | u32::from(self.draw)
    }

    /// The body of [`Stream::fill`], for kernels that are already inside a dispatch copy.
    #[inline(always)]
    pub fn fill_inline(&self, first: u64, words: &mut [u32]) {
        let skip = (first % 4) as usize;
        let mut block = (first / 4) as u32;
        let mut rest = words;
        if skip != 0 {
            let mut lead = [0; 4];
            self.blocks::<1, 4>(block, &mut lead);
            let take = rest.len().min(4 - skip);
            let (now, later) = rest.split_at_mut(take);
            now.copy_from_slice(&lead[skip..skip + take]);
            (rest, block) = (later, block.wrapping_add(1));
        }
        let mut wide = rest.chunks_exact_mut(WIDE * 4);
        for chunk in &mut wide {
            let chunk: &mut [u32; WIDE * 4] = chunk.try_into().expect("chunks have this length");
            self.blocks::<WIDE, { WIDE * 4 }>(block, chunk);
            block = block.wrapping_add(WIDE as u32);
        }
        for chunk in wide.into_remainder().chunks_mut(4) {
            let mut last = [0; 4];
            self.blocks::<1, 4>(block, &mut last);
            chunk.copy_from_slice(&last[..chunk.len()]);
            block = block.wrapping_add(1);
        }
    }

    /// `N` consecutive blocks of four words, ten rounds each. Lanes are 64 bits wide and only their low halves count: the
    /// products then need no widening and no packing until the end.
    #[inline(always)]
    fn blocks<const N: usize, const M: usize>(&self, block: u32, out: &mut [u32; M]) {
        const LOW: u64 = 0xffff_ffff;
        let (mut c0, mut c1) = ([0; N], [self.frame & LOW; N]);
        let (mut c2, mut c3) = ([self.frame >> 32; N], [u64::from(self.counter()); N]);
        for lane in 0..N {
            c0[lane] = u64::from(block.wrapping_add(lane as u32));
        }
        let (mut k0, mut k1) = (self.key as u32, (self.key >> 32) as u32);
        for _ in 0..10 {
            for lane in 0..N {
                let even = (c0[lane] & LOW) * 0xD251_1F53;
                let odd = (c2[lane] & LOW) * 0xCD9E_8D57;
                c0[lane] = (odd >> 32) ^ c1[lane] ^ u64::from(k0);
                c2[lane] = (even >> 32) ^ c3[lane] ^ u64::from(k1);
                c1[lane] = odd;
                c3[lane] = even;
            }
            k0 = k0.wrapping_add(0x9E37_79B9);
            k1 = k1.wrapping_add(0xBB67_AE85);
        }
        for lane in 0..N {
            out[4 * lane] = c0[lane] as u32;
            out[4 * lane + 1] = c1[lane] as u32;
            out[4 * lane + 2] = c2[lane] as u32;
            out[4 * lane + 3] = c3[lane] as u32;
        }
    }
}

/// Blocks computed side by side.
const WIDE: usize = 16;

struct Fill<'a> {
    stream: Stream,
    first: u64,
    words: &'a mut [u32],
}

impl Kernel for Fill<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        self.stream.fill_inline(self.first, self.words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published vectors of philox4x32, 10 rounds, through our counter layout.
    #[test]
    fn known_answers() {
        let cases = [
            ([0u32; 4], [0u32; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, words) in cases {
            let stream = Stream {
                key: u64::from(key[0]) | u64::from(key[1]) << 32,
                frame: u64::from(counter[1]) | u64::from(counter[2]) << 32,
                kind: (counter[3] >> 24) as u8,
                stage: (counter[3] >> 16) as u8,
                draw: counter[3] as u16,
            };
            let mut got = [0; 4];
            stream.blocks::<1, 4>(counter[0], &mut got);
            assert_eq!(got, words);
        }
    }

    #[test]
    fn any_cut_gives_the_same_words() {
        let stream = Stream { key: 7, frame: 1 << 40, kind: 3, stage: 32, draw: 1 };
        let mut whole = vec![0; 1000];
        stream.fill(5, &mut whole);
        for level in simd::available() {
            assert!(simd::choose(Some(level.name())));
            for (start, length) in [(0, 1), (1, 2), (3, 200), (130, 870), (999, 1)] {
                let mut part = vec![0; length];
                stream.fill(5 + start as u64, &mut part);
                assert_eq!(part, whole[start..start + length]);
            }
        }
        assert!(simd::choose(None));
    }
}
