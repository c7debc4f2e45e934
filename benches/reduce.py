"""Measures the reduction room against ccdproc, astroscrappy and NumPy, in one run on one machine.

::

    python benches/reduce.py [--quick] [--only 'median*'] [--threads N] [-o STEM]

Every side of a contest works in a process of its own, on the same files: the median of its CPU time (all threads, the system's share included) and the peak
of its resident memory above that before the work. A sample is repeated until it lasts half a second. `--quick` takes small data and one round. With `-o` the page and the numbers are written to STEM.md and
STEM.json; results/reduce is what the documentation shows.
"""

from __future__ import annotations

import sys

from contests import Comparison

REDUCTION = Comparison("Reduction", __file__, "reduction", ("astropy", "ccdproc", "astroscrappy"), __doc__)

if __name__ == "__main__":
    sys.exit(REDUCTION.main())
