//! Light to charge to counts: one file per stage, the chain that runs them, the fixed patterns, and the deposition of sources.

pub mod amplifier;
pub mod bias_structure;
pub mod binning;
pub mod blooming;
pub mod calibration;
pub mod chain;
pub mod channels;
pub mod common_mode;
pub mod cosmic_ray;
pub mod cti;
pub mod dark;
pub mod defects;
pub mod deposit;
pub mod diffusion;
pub mod digitize;
pub mod edge;
pub mod extra;
pub mod full_well;
pub mod gain;
pub mod input;
pub mod ipc;
pub mod map;
mod neighbour;
pub mod nonlinearity;
pub mod offset;
pub mod pattern;
pub mod persistence;
pub mod photo;
pub mod ramp;
pub mod read_noise;
pub mod shot;

pub use map::Map;
