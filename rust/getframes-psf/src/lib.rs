//! PSF matching: the convolution with a kernel that varies over the image.

pub mod convolve;
