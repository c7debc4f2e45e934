"""The same bits whatever threads there are, those of BLAS included."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import hashlib

import numpy as np

from getframes.psfmatch import Exposure, FunctionPSF, MatchConfig, MixturePSF, match_psf

widening = FunctionPSF(
    lambda x, y, side: MixturePSF([1.0], [1.0 + 0.002 * x + 0.001 * y], side=side).stamp(0, 0), 41, resizes=True
)
rng = np.random.default_rng(1)
image = rng.normal(100.0, 10.0, (200, 230))
mask = rng.random(image.shape) < 1e-3
exposure = Exposure(image, widening, np.abs(image), mask)
digest = hashlib.sha256()
for basis, side in (("pixel", 25), ("alard-lupton", 21)):
    config = MatchConfig(kernel_size=side, basis=basis, edge="reflect", nodes=(4, 4))
    result = match_psf(exposure, MixturePSF([1.0], [2.4], side=41), config=config)
    for array in (result.matched.image, result.matched.variance, result.matched.mask, result.kernel.parts):
        digest.update(np.ascontiguousarray(array))
print(digest.hexdigest())
"""


def digest(threads: int) -> str:
    names = ("GETFRAMES_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {
        **os.environ,
        **dict.fromkeys(names, str(threads)),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has one thread")
def test_a_match_has_the_same_bits_on_one_and_on_two_threads():
    assert digest(1) == digest(2)
