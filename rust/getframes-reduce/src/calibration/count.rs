//! Kinds of counts.

use getframes_core::Real;

/// A kind of counts, in a working precision.
pub trait Count<T>: Copy + Send + Sync {
    /// Whether there are infinities, and what is not a number, among them.
    const MAY_BE_BAD: bool;
    /// The nearest number.
    fn real(self) -> T;
    /// Whether it is one.
    fn is_finite(self) -> bool;
}

macro_rules! counts {
    ($($kind:ty => $real:ty: $bad:expr),*) => {$(
        impl Count<$real> for $kind {
            const MAY_BE_BAD: bool = $bad;
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
counts!(u16 => f32: false, i16 => f32: false, u32 => f32: false, i32 => f32: false, f32 => f32: true, f64 => f32: true);
counts!(u16 => f64: false, i16 => f64: false, u32 => f64: false, i32 => f64: false, f32 => f64: true, f64 => f64: true);
