//! The reduction room: one file per kernel.

pub mod calibration;
pub mod combine;
pub mod lacosmic;
