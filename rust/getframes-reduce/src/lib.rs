//! Counts to calibrated counts: one file per step.

pub mod calibration;
pub mod combine;
pub mod lacosmic;
