"""Measures the matching room against photutils, pypher and SciPy, and its two bases against each other, in one run on one machine.

::

    python benches/match.py [--quick] [--only 'kernel*'] [--threads N] [-o STEM]

Every side of a contest works in a process of its own, on the same files: the median of its CPU time (all threads, the system's share included). Kernels are
also judged by what they do: the residual |PSF * K - reference| / |reference| of the full convolution, how far they are from the kernel that is known, and their
noise gain. `--quick` takes small data and one round. With `-o` the page and the numbers are written to STEM.md and STEM.json.
"""

from __future__ import annotations

import sys

from contests import Comparison

MATCHING = Comparison(
    "PSF matching", __file__, "matching", ("scipy", "photutils", "pypher", "galsim"), __doc__
)

if __name__ == "__main__":
    sys.exit(MATCHING.main())
