"""Prints the table of the Sersic mixtures: ``python -m tests.parity.profile.table > .../sersic_table.rs``."""

from __future__ import annotations

from getframes.reference.profile.sersic import rust_table

if __name__ == "__main__":
    print(rust_table(), end="")
