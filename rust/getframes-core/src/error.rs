//! What can go wrong in a kernel, as data; the binding crate turns it into Python exceptions.

/// An error of a kernel. Every message names the thing, the rule and the value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// Two arrays do not fit together.
    #[error("{name} must have shape {expected:?}, got {got:?}")]
    Shape {
        /// The array that does not fit.
        name: &'static str,
        /// The shape it should have.
        expected: Vec<usize>,
        /// The shape it has.
        got: Vec<usize>,
    },
    /// A value breaks a rule.
    #[error("{name} must be {rule}, got {value}{place}")]
    Domain {
        /// The quantity.
        name: &'static str,
        /// The rule, as it reads after "must be".
        rule: &'static str,
        /// The value that breaks it.
        value: f64,
        /// Where: empty, or ` at (y, x) = (3, 4)`.
        place: String,
    },
    /// A linear system does not determine one of its unknowns.
    #[error("{unknown} is not determined: {reason}")]
    Singular {
        /// The unknown, in words.
        unknown: String,
        /// Why.
        reason: &'static str,
    },
    /// The system gives no more threads.
    #[error("{wanted} threads could not be started ({reason}); set GETFRAMES_NUM_THREADS to fewer")]
    Threads {
        /// Threads of the pool.
        wanted: usize,
        /// What the system said.
        reason: String,
    },
    /// The caller asked for the work to stop (Ctrl-C).
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// `Ok` when both shapes are equal.
    pub fn same_shape(name: &'static str, got: &[usize], expected: &[usize]) -> Result<(), Self> {
        if got == expected {
            return Ok(());
        }
        Err(Self::Shape { name, expected: expected.to_vec(), got: got.to_vec() })
    }

    /// `Ok` when `holds`.
    pub fn domain(holds: bool, name: &'static str, rule: &'static str, value: f64) -> Result<(), Self> {
        if holds {
            return Ok(());
        }
        Err(Self::Domain { name, rule, value, place: String::new() })
    }

    /// A broken rule of a value, with the place where it is.
    pub fn at(self, place: impl FnOnce() -> String) -> Self {
        match self {
            Self::Domain { name, rule, value, .. } => Self::Domain { name, rule, value, place: place() },
            other => other,
        }
    }
}
