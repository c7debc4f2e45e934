//! Scenes from pixels: sources as mixtures of Gaussians, rendered, compared with data, and differentiated.

pub mod gaussian;
pub mod likelihood;
pub mod linear;
pub mod mixture;
pub mod posterior;
pub mod sample;
pub mod transform;
