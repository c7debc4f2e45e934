//! Kinds of counts.

use getframes_core::Real;

/// A kind of counts, in a working precision.
pub trait Count<T>: Copy + Send + Sync {
    /// The nearest number.
    fn real(self) -> T;
    /// Whether it is one.
    fn is_finite(self) -> bool;
}

macro_rules! counts {
    ($($kind:ty => $real:ty),*) => {$(
        impl Count<$real> for $kind {
            #[inline(always)]
            fn real(self) -> $real {
                self as $real
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                <f64 as Real>::is_finite(self as f64)
            }
        }
    )*};
}
counts!(u16 => f32, i16 => f32, u32 => f32, i32 => f32, f32 => f32, f64 => f32);
counts!(u16 => f64, i16 => f64, u32 => f64, i32 => f64, f32 => f64, f64 => f64);
