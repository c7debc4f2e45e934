//! The only crate that knows Python.

mod boundary;
