//! Light to charge to counts: one file per stage, and the deposition of sources.

