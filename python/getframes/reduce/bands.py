"""Frames by bands of rows within a limit of memory, and the planes of what is made of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.errors import SizeError, require
from getframes.memory import require_memory
from getframes.reduce.frame import Flag
from getframes.threads import num_threads

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from getframes.io.images import Band, Image

_BAND_BYTES = 1 << 22
"""Bands have about this many bytes of frames, less where memory is short."""
_RESULT_BYTES = 18
"""Of a pixel of a band: data, deviation, count and flags."""
_LANES = 64
_COPIES = 3
"""Of a block of pixels: its values, in order, and their distances from the median."""


class Plan(NamedTuple):
    """What is read, in which type and in how many rows at a time.

    Attributes
    ----------
    images : list of Image
        What is combined.
    masks : list of array or None
        Besides the masks that images bring; empty, or one an image.
    maps : tuple of lists
        Zero, scale and weights: each empty, or a number or array an image.
    kind : numpy.dtype
        Type that the kernel reads.
    rows : int
        Of a band.
    ahead : bool
        Whether a band is read while another one is combined.
    """

    images: list[Image]
    masks: list[NDArray[np.bool_] | None]
    maps: tuple[list[Any], list[Any], list[Any]]
    kind: np.dtype[Any]
    rows: int
    ahead: bool

    @classmethod
    def of(
        cls, images: list[Image], masks: list[Any], maps: tuple[list[Any], list[Any], list[Any]], limit: int
    ) -> Plan:
        """The plan for a limit of memory [bytes]."""
        height, width = images[0].shape
        kind = _lane_type([image.dtype for image in images])
        count = len(images)
        blocks = num_threads() * _COPIES * count * _LANES * 8
        arrays = sum(isinstance(item, np.ndarray) for values in maps for item in values)
        once = width * (_RESULT_BYTES + 8 * arrays)
        more = any(mask is not None for mask in masks)
        stack = width * sum(kind.itemsize + (1 if more else image.mask_bytes) for image in images)
        reads = not all(image.in_memory for image in images)
        for ahead in (True, False):
            row = once + (2 if ahead else 1) * stack
            rows = (limit - blocks) // row
            if rows >= 1 and ahead <= reads:
                return cls(images, masks, maps, kind, min(rows, max(1, _BAND_BYTES // stack), height), ahead)
        raise SizeError(
            f"memory_limit_mb must be at least {(blocks + once + stack) / 1e6:.3g} MB for one row of {count} frames of width {width}, "
            f"got {limit / 1e6:g}"
        )

    def bands(self) -> Generator[tuple[int, int, list[Band]], None, None]:
        """First row, the one after the last, and the rows of every image; the next band is being read while one is used.

        To be closed before the images are.
        """
        height, width = self.images[0].shape
        starts = range(0, height, self.rows)
        rooms = [
            np.empty((len(self.images), self.rows, width), self.kind) for _ in range(2 if self.ahead else 1)
        ]

        def read(number: int) -> tuple[int, int, list[Band]]:
            start, stop = starts[number], min(starts[number] + self.rows, height)
            room = rooms[number % len(rooms)][:, : stop - start]
            return start, stop, [self._band(n, start, stop, room[n]) for n in range(len(self.images))]

        if not self.ahead:
            yield from map(read, range(len(starts)))
            return
        with ThreadPoolExecutor(1, thread_name_prefix="getframes-read") as reader:
            coming = reader.submit(read, 0)
            for number in range(len(starts)):
                band = coming.result()
                if number + 1 < len(starts):
                    coming = reader.submit(read, number + 1)
                yield band

    def _band(self, number: int, start: int, stop: int, room: NDArray[Any]) -> Band:
        """Rows of one image in the type of the kernel, with every mask there is."""
        pixels, mask = self.images[number].band(start, stop, room)
        if pixels.dtype != self.kind or not pixels.flags.c_contiguous:
            room[...] = pixels
            pixels = room
        more = self.masks[number] if self.masks else None
        if more is not None:
            mask = more[start:stop] if mask is None else mask | more[start:stop]
        from getframes.io.images import Band

        return Band(pixels, None if mask is None else np.ascontiguousarray(mask))


class Planes:
    """The result, filled band by band; planes that say the same everywhere take no memory."""

    def __init__(self, shape: tuple[int, int], dtype: np.dtype[Any]) -> None:
        require(dtype in (np.float32, np.float64), "", "dtype", "float64 or float32", str(dtype))
        require_memory(shape, dtype.itemsize + 4, "a combined frame")
        self.data = np.empty(shape, dtype)
        self.uncertainty = np.empty(shape, np.float32)
        self.used: NDArray[Any] | None = None
        self.flags: NDArray[np.uint16] | None = None

    def put(
        self, rows: slice, count: int, data: NDArray[Any], used: NDArray[np.uint32], flags: NDArray[np.uint16]
    ) -> None:
        """Keep a band; the uncertainty is there already."""
        with np.errstate(over="ignore"):
            self.data[rows] = data
        if self.data.dtype != data.dtype and np.isinf(self.data[rows]).any():
            flags |= np.where(np.isinf(self.data[rows]), np.uint16(Flag.NOT_FINITE), np.uint16(0))
        if self.used is None and (used != count).any():
            self.used = np.full(self.data.shape, count, np.uint16 if count < 2**16 else np.uint32)
        if self.used is not None:
            self.used[rows] = used
        if self.flags is None and flags.any():
            self.flags = np.zeros(self.data.shape, np.uint16)
        if self.flags is not None:
            self.flags[rows] = flags

    def optional(self, count: int) -> dict[str, Any]:
        """The planes beside the data."""
        used = self.used
        if used is None:
            used = np.broadcast_to(
                np.array(count, np.uint16 if count < 2**16 else np.uint32), self.data.shape
            )
        return {"uncertainty": self.uncertainty, "used": used, "flags": self.flags}


def _lane_type(dtypes: list[np.dtype[Any]]) -> np.dtype[Any]:
    """The type in which the kernel reads frames of these types."""
    kind = np.result_type(*dtypes)
    if kind.itemsize > 4:
        return np.dtype(np.float64)
    if kind.kind == "f":
        return np.dtype(np.float32)
    if kind.kind == "i":
        return np.dtype(np.int32)
    return np.dtype(np.uint32 if kind.itemsize == 4 else np.uint16)
