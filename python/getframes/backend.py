"""Where arrays live. getframes computes on the CPU; these names let scripts ask."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, require

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ArrayBackend", "get_array_module", "get_backend", "require_cpu", "to_numpy"]


@dataclass(frozen=True)
class ArrayBackend:
    """NumPy on the CPU, behind the names of the interface.

    Attributes
    ----------
    xp : module
        numpy.
    device : str
        "cpu".
    device_id : int, optional
        None on the CPU.

    Raises
    ------
    DomainError
        For anything else.
    """

    xp: Any
    device: str
    device_id: int | None = None

    def __post_init__(self) -> None:
        require(self.xp is np, self, "xp", "numpy", self.xp)
        require(self.device == "cpu", self, "device", "'cpu'", self.device)
        require(self.device_id is None, self, "device_id", "None", self.device_id)

    @property
    def is_cpu(self) -> bool:
        """True."""
        return True

    @property
    def spec(self) -> str:
        """The device as `get_backend` takes it."""
        return self.device

    @contextlib.contextmanager
    def activate(self) -> Iterator[ArrayBackend]:
        """A context in which the device is in use."""
        yield self

    def asarray(self, value: Any, *, dtype: Any | None = None) -> Any:
        """`value` as an array."""
        return np.asarray(value, dtype=dtype)

    def default_rng(self, seed: Any = None, *, float_dtype: Any = np.float64) -> Any:
        """A numpy Generator."""
        return np.random.default_rng(seed)

    def convolve(self, array: Any, kernel: Any) -> Any:
        """Same-size convolution of two images, zero beyond the edges (scipy)."""
        from scipy.signal import fftconvolve

        return fftconvolve(array, kernel, mode="same")

    def scalar(self, value: Any) -> float:
        """`value` as a Python float."""
        return float(value)

    def to_numpy(self, value: Any) -> np.ndarray[Any, Any]:
        """`value` as a numpy array."""
        return np.asarray(value)


def get_backend(device: str = "cpu") -> ArrayBackend:
    """The backend of a device: "cpu", or "auto" which falls back to it.

    Raises
    ------
    DomainError
        For any other device.
    """
    if device not in ("cpu", "auto"):
        raise DomainError(f"device must be 'cpu' or 'auto' (there is no GPU support), got {device!r}")
    return ArrayBackend(np, "cpu")


def require_cpu(backend: Any) -> None:
    """Accept None (and a CPU backend) where the interface has `backend=`."""
    if backend is not None and not isinstance(backend, ArrayBackend):
        raise DomainError(f"backend must be None or a CPU backend, got {backend!r}")


def get_array_module(value: Any) -> Any:
    """numpy."""
    return np


def to_numpy(value: Any) -> np.ndarray[Any, Any]:
    """`value` as a numpy array."""
    return np.asarray(value)
