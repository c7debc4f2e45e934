"""Memory is checked before anything is allocated."""

from __future__ import annotations

import os
from pathlib import Path

from getframes.errors import SizeError


def available_bytes() -> int | None:
    """Memory that can still be had [bytes]; None where the system does not tell."""
    meminfo = Path("/proc/meminfo")
    try:
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def require_memory(shape: tuple[int, ...], bytes_per_pixel: int, thing: str) -> None:
    """Raise `SizeError` when `thing`, an image of `shape`, needs more memory than there is.

    Images below 16 MiB are not worth the question.
    """
    needed = bytes_per_pixel
    for side in shape:
        needed *= int(side)
    if needed < 1 << 24:
        return
    available = available_bytes()
    if available is not None and needed > available:
        pixels = " x ".join(str(side) for side in shape)
        raise SizeError(
            f"{thing} of {pixels} pixels needs {needed / 2**30:.1f} GiB ({needed} bytes), "
            f"but {available / 2**30:.1f} GiB are available"
        )
