"""Linear algebra of a patch on one thread: its matrices are small, and a BLAS that shares them out among threads takes a hundred times as long.

660 iterations of L-BFGS-B in 22 dimensions take 15 ms with one thread of OpenBLAS 0.3.30 and 2 s with two.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_blas_thread() -> AbstractContextManager[Any]:
    """Until the block ends BLAS has one thread, in the whole process, and then as many as before.

    Where blocks of several threads overlap, that of the first one counts: `getframes.fit.run` opens one around those of its workers.
    """
    limit: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return limit


@cache
def _controller() -> Any:
    """Of the libraries of NumPy and SciPy."""
    import scipy.linalg
    from threadpoolctl import ThreadpoolController

    assert scipy.linalg
    return ThreadpoolController()
