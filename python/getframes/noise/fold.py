"""A cube of light folded with a QE curve: photoelectrons per pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import sim as native
from getframes.errors import DomainError, ShapeError, require
from getframes.memory import require_memory
from getframes.quantity import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from getframes.spectral import QE

BLOCK = 1 << 17  # values that are copied at a time
_READ = tuple(np.dtype(kind) for kind in ("f4", "f8", "u2", "i2", "u4", "i4"))


def checked_cube(
    cube: Any, wavelengths_nm: Any, shape: tuple[int, int]
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The cube, shape `(n, height, width)`, and its wavelengths [nm], as arrays.

    Raises
    ------
    ShapeError
        When their shapes do not fit each other or the frame.
    DomainError
        When the cube does not hold real numbers, or a wavelength is not positive.
    """
    light = np.asarray(plain(cube, "photons/s", "", "photon_rate_cube"))
    if light.dtype.kind not in "fiub":
        raise DomainError(f"photon_rate_cube must hold real numbers, got {light.dtype}")
    wavelengths = np.array(plain(wavelengths_nm, "nm", "", "wavelengths_nm"), dtype=np.float64)
    if light.ndim != 3 or light.shape[1:] != shape or light.shape[0] == 0:
        raise ShapeError(
            f"photon_rate_cube must have shape (n, {shape[0]}, {shape[1]}), n >= 1, got {light.shape}"
        )
    if wavelengths.shape != light.shape[:1]:
        raise ShapeError(f"wavelengths_nm must have shape ({light.shape[0]},), got {wavelengths.shape}")
    good = np.isfinite(wavelengths) & (wavelengths > 0.0)
    require(bool(good.all()), "", "wavelengths_nm", "finite and > 0 nm", wavelengths.tolist())
    return light, wavelengths


def fold_cube(
    cube: NDArray[Any], wavelengths_nm: NDArray[np.float64], curve: QE, dtype: np.dtype[Any]
) -> NDArray[np.floating[Any]]:
    """Sum over wavelengths of QE times light [e- / s / pixel], in `dtype`, in the order of the cube.

    Law: p = sum over k of eta_k r_k. The cube is read once, as it is; one of another layout, byte order or type is copied a few rows at a time.

    Raises
    ------
    DomainError
        When light is negative or not finite; names the first such value of the first sample that has one.
    """
    require_memory(cube.shape[1:], dtype.itemsize, "the photoelectrons of a cube")
    total = np.empty(cube.shape[1:], dtype)
    efficiency = curve(wavelengths_nm).tolist()
    bad: list[tuple[int, int, int, float]] = []
    for top, part in _readable(cube):
        found = native.fold_light(part, efficiency, total[top : top + part.shape[1]])
        if found is not None:
            sample, pixel, value = found
            row, column = divmod(pixel, total.shape[1])
            bad.append((sample, top + row, column, value))
    if bad:
        sample, row, column, value = min(bad, key=lambda place: place[:3])
        place = f"photon_rate_cube[{sample}, {row}, {column}]"
        require(False, "", place, "finite and >= 0 photons/s", value)
    return total


def _readable(cube: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    """The cube, or copies of some of its rows after the other, as the kernel reads it; each with its first row."""
    if cube.dtype in _READ and cube.flags.c_contiguous:
        yield 0, cube
        return
    native_order = cube.dtype.newbyteorder("=")
    dtype = native_order if native_order in _READ else np.dtype(np.float64)
    rows = max(1, BLOCK // max(cube.shape[0] * cube.shape[2], 1))
    for top in range(0, cube.shape[1], rows):
        yield top, np.ascontiguousarray(cube[:, top : top + rows], dtype)
