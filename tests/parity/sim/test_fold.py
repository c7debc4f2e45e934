"""Light per wavelength to photoelectrons: the kernel against its twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from getframes import QE, set_num_threads
from getframes._native import core, sim
from getframes.errors import DomainError
from getframes.noise.fold import checked_cube, fold_cube
from getframes.reference.sim.fold import first_bad, fold

SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 40), st.integers(1, 300))
KINDS = ("float32", "float64", "uint16", "int16", "uint32", "int32")
OTHERS = (">f4", ">f8", ">i2", "float16", "uint8", "int64", "bool")
PRECISIONS = st.sampled_from(["float32", "float64"])
TOLERANCE = {"float32": 4e-7, "float64": 4e-16}
CURVE = QE.from_arrays([300.0, 500.0, 700.0], [0.2, 0.9, 0.4])


def cube(shape: tuple[int, int, int], kind: str, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.0, 250.0, shape).astype(kind)


def folded(light: np.ndarray, efficiency: list[float], precision: str) -> np.ndarray:
    out = np.full(light.shape[1:], np.nan, precision)
    assert sim.fold_light(light, efficiency, out) is None
    return out


@given(SHAPES, st.sampled_from(KINDS), PRECISIONS, st.integers(0, 99))
def test_native_meets_the_reference(shape, kind, precision, seed) -> None:
    light = cube(shape, kind, seed)
    efficiency = np.random.default_rng(seed).uniform(0.0, 1.0, shape[0]).tolist()
    exact = fold(light, efficiency)
    tolerance = shape[0] * TOLERANCE[precision]
    assert (np.abs(folded(light, efficiency, precision) - exact) <= tolerance * exact).all()


@given(SHAPES, st.integers(0, 99))
def test_double_precision_is_that_of_numpy(shape, seed) -> None:
    """Every product and every sum is rounded, in the order of the samples."""
    light = cube(shape, "float64", seed)
    efficiency = np.random.default_rng(seed).uniform(0.0, 1.0, shape[0]).tolist()
    assert_array_equal(folded(light, efficiency, "float64"), fold(light, efficiency))


@given(SHAPES, st.sampled_from(OTHERS), PRECISIONS, st.sampled_from(["C", "F", "strided"]), st.integers(0, 9))
def test_any_real_type_order_and_layout(shape, kind, precision, layout, seed) -> None:
    light = cube(shape, kind, seed)
    plain = folded(light.astype(np.float64), CURVE(np.linspace(320.0, 690.0, shape[0])).tolist(), precision)
    given_so = {"C": light, "F": np.asfortranarray(light), "strided": np.repeat(light, 2, axis=2)[:, :, ::2]}
    checked, wavelengths = checked_cube(given_so[layout], np.linspace(320.0, 690.0, shape[0]), shape[1:])
    assert_array_equal(fold_cube(checked, wavelengths, CURVE, np.dtype(precision)), plain)


@given(
    SHAPES,
    st.lists(
        st.tuples(*[st.floats(0.0, 0.999)] * 3, st.sampled_from([-1.0, np.nan, np.inf, -np.inf, -1e-30]))
    ),
    st.sampled_from(["float32", "float64", ">f4", "F"]),
    PRECISIONS,
)
def test_the_first_bad_value_is_named(shape, places, layout, precision) -> None:
    light = np.ones(shape) if layout == "F" else np.ones(shape, layout)
    light = np.asfortranarray(light) if layout == "F" else light
    light.flat[:: max(1, light.size // 3)] = -0.0  # is no light, but not negative
    for z, y, x, value in places:
        light[int(z * shape[0]), int(y * shape[1]), int(x * shape[2])] = value
    place = first_bad(light)
    wavelengths = np.linspace(100.0, 900.0, shape[0])  # where the efficiency is 0, too
    if place is None:
        fold_cube(light, wavelengths, CURVE, np.dtype(precision))
        return
    with pytest.raises(DomainError) as error:
        fold_cube(light, wavelengths, CURVE, np.dtype(precision))
    name = f"photon_rate_cube[{place[0]}, {place[1]}, {place[2]}] must be finite and >= 0 photons/s, got "
    assert str(error.value).startswith(name)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_threads_and_levels_change_nothing(precision: str) -> None:
    light = cube((5, 500, 613), precision, 1)
    kept = set()
    try:
        for threads in (1, 3):
            set_num_threads(threads)
            for level in core.simd_levels():
                core.set_simd_level(level)
                kept.add(folded(light, [0.1, 0.5, 0.0, 0.9, 1.0], precision).tobytes())
    finally:
        core.set_simd_level(None)
        set_num_threads(None)
    assert len(kept) == 1


def test_light_beyond_single_precision_is_light() -> None:
    light = np.full((1, 2, 3), 1e300)
    assert np.isinf(folded(light, [1.0], "float32")).all()
    assert (folded(light, [1.0], "float64") == 1e300).all()


@pytest.mark.parametrize(
    ("light", "efficiency"), [(np.ones((2, 3, 4)), [1.0]), (np.ones((1, 3, 4), complex), [1.0])]
)
def test_what_does_not_fit(light: np.ndarray, efficiency: list[float]) -> None:
    with pytest.raises((TypeError, ValueError)):
        sim.fold_light(light, efficiency, np.empty((3, 4)))
