"""A cube of light folded with a QE curve: photoelectrons per pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, ShapeError, require
from getframes.memory import require_memory
from getframes.quantity import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.spectral import QE

BLOCK = 1 << 15  # pixels whose sums stay in the cache


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

    Raises
    ------
    DomainError
        When light is negative or not finite; names the first such place of its sample.
    """
    require_memory(cube.shape[1:], dtype.itemsize, "the photoelectrons of a cube")
    total = np.zeros(cube.shape[1:], dtype)
    rows = max(1, BLOCK // max(total.shape[1], 1))
    efficiencies = curve(wavelengths_nm).astype(dtype)
    part = np.empty((min(rows, total.shape[0]), total.shape[1]), dtype)
    for top in range(0, total.shape[0], rows):
        here = total[top : top + rows]
        room = part[: here.shape[0]]
        for number, efficiency in enumerate(efficiencies):
            light = cube[number, top : top + rows]
            if light.size and not (light.min() >= 0 and light.max() < np.inf):
                _raise_bad(light, number, top)
            np.multiply(light, efficiency, out=room, casting="same_kind")
            here += room
    return total


def _raise_bad(light: NDArray[Any], number: int, top: int) -> None:
    row, column = np.argwhere(~((light >= 0) & np.isfinite(light)))[0]
    value = float(light[row, column])
    place = f"photon_rate_cube[{number}, {top + row}, {column}]"
    require(False, "", place, "finite and >= 0 photons/s", value)
