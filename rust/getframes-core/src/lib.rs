//! The ground floor of getframes: addressed random words, quantile variates, mixtures of Gaussians, SIMD dispatch, the thread pool and the errors
//! that every room shares.

pub mod error;
pub mod map;
pub mod network;
pub mod pool;
pub mod profile;
pub mod real;
pub mod simd;
pub mod stream;
pub mod variate;

pub use error::Error;
pub use real::Real;
pub use stream::{Kind, StageId, Stream};
