"""Arrays as the bytes of an npz file."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_EARLIEST = (1980, 1, 1, 0, 0, 0)


def npz_content(
    arrays: Mapping[str, NDArray[Any]], *, compress: bool = False, buffer: BytesIO | None = None
) -> memoryview:
    """What `numpy.savez` would write, without the date: the same arrays give the same bytes.

    Parameters
    ----------
    arrays : mapping of array
        The arrays, by key.
    compress : bool
        Deflate them, as `numpy.savez_compressed` does.
    buffer : BytesIO, optional
        Where the bytes go. One that is used again and again spares the system the handing out of memory; the
        view of the last time must have been released.
    """
    buffer = BytesIO() if buffer is None else buffer
    buffer.seek(0)
    with ZipFile(buffer, "w", ZIP_DEFLATED if compress else ZIP_STORED) as archive:
        for name, array in arrays.items():
            array = np.ascontiguousarray(array)
            entry = ZipInfo(f"{name}.npy", date_time=_EARLIEST)
            entry.compress_type = archive.compression
            with archive.open(entry, "w", force_zip64=array.nbytes > 2**30) as member:
                np.lib.format.write_array_header_1_0(member, np.lib.format.header_data_from_array_1_0(array))
                member.write(array.data.cast("B") if array.size else b"")
    return buffer.getbuffer()[: buffer.tell()]
