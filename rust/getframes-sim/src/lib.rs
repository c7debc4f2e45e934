//! Light to charge to counts: one file per stage, the chain that runs them, the fixed patterns, and the deposition of sources.

pub mod amplifier;
pub mod chain;
pub mod dark;
pub mod deposit;
pub mod digitize;
pub mod extra;
pub mod full_well;
pub mod gain;
pub mod input;
pub mod map;
pub mod nonlinearity;
pub mod pattern;
pub mod photo;
pub mod read_noise;
pub mod shot;

pub use map::Map;
