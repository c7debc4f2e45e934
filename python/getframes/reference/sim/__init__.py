"""Light to charge to counts: one file per stage, pure functions of `(height, width)` arrays."""
