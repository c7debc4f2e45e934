"""Prints a table of mixtures: ``python -m tests.parity.profile.table sersic > .../sersic_table.rs``, or ``airy``."""

from __future__ import annotations

import sys

from getframes.reference.profile.airy import rust_table as airy
from getframes.reference.profile.sersic import rust_table as sersic

TABLES = {"sersic": sersic, "airy": airy}

if __name__ == "__main__":
    print(TABLES[sys.argv[1]](), end="")
