"""One native stage at a time, and charges to feed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from getframes._native import sim
from getframes.reference.stream import Address, Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRECISIONS = st.sampled_from(["float32", "float64"])
SHAPES = st.one_of(st.tuples(st.integers(1, 9), st.integers(1, 700)), st.just((150, 301)))
"""From one pixel to several tiles, words blocks and tasks."""
ADDRESSES = st.builds(
    Address,
    st.integers(0, 2**64 - 1),
    st.sampled_from([Kind.BIAS, Kind.DARK, Kind.LIGHT]),
    st.integers(0, 2**64 - 1),
    st.one_of(st.just(0), st.integers(0, 2**33)),
)

SOMEWHERE = Address(0, Kind.LIGHT)


def run(
    *stages: tuple[str, dict[str, Any]],
    shape: tuple[int, int],
    precision: str,
    at: Address = SOMEWHERE,
) -> NDArray[np.floating]:
    """What native stages make of an empty frame, in the working precision."""
    out = np.empty(shape, precision)
    sim.run_chain(list(stages), out, sensor_shape=shape, origin=(0, 0), precision=precision, **at._asdict())
    return out


def after(
    name: str, charge_e: NDArray[np.floating], at: Address = SOMEWHERE, **parameters: Any
) -> NDArray[np.floating]:
    """Charge after one native stage, in the precision of the charge."""
    stages = ("input", {"electrons": charge_e}), (name, parameters)
    return run(*stages, shape=charge_e.shape, precision=charge_e.dtype.name, at=at)


def charges(shape: tuple[int, int], precision: str, seed: int, most: float) -> NDArray[np.floating]:
    """Charge over eight decades below `most`, whole and broken, some of it zero."""
    rng = np.random.default_rng(seed)
    charge = most * 10.0 ** rng.uniform(-8.0, 0.0, shape)
    charge = np.where(rng.random(shape) < 0.3, np.rint(charge), charge)
    return np.where(rng.random(shape) < 0.1, 0.0, charge).astype(precision)


def single(value: float) -> float:
    """The nearest number that both precisions hold."""
    return float(np.float32(value))


def rounding(precision: str) -> float:
    """A few units in the last place."""
    return 8.0 * float(np.finfo(precision).eps)
