//! PSF matching: node kernels, their field, and the convolution with a kernel that varies.

pub mod convolve;
pub mod field;
pub mod node;
