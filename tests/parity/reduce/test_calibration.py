"""Counts back to charge and light: the kernel against its twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from getframes import set_num_threads
from getframes._native import core
from getframes._native import reduce as native
from getframes.reference.reduce.calibration import branch, calibration, curve, inverse_nonlinearity

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 700))
KINDS = st.sampled_from(["uint16", "uint32", "int32", "float32", "float64"])
CURVES = st.one_of(
    st.just([0.0]),
    st.integers(0, 400).map(lambda a: [-a / 1000]),
    st.lists(st.integers(-80, 80).map(lambda c: c / 1000), min_size=1, max_size=5),
)
PRECISIONS = st.sampled_from(["float32", "float64"])
TOLERANCE = {"float32": 2e-6, "float64": 2e-12}


def calibrated(counts: np.ndarray, precision: str, coefficients: list[float], well: float, **steps: object):
    out = np.empty(counts.shape, precision)
    inverse = native.inverse_response(coefficients, well)
    native.calibrate(counts, out, inverse=inverse, precision=precision, **steps)
    return out


def maps(shape: tuple[int, int], precision: str, seed: int) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    return {
        "zero_adu": 100.0,
        "scale": 0.5,
        "dark": rng.uniform(0.0, 50.0, shape).astype(precision),
        "weight": rng.uniform(0.5, 2.0, shape).astype(precision),
        "factor": 1.25,
    }


@given(SHAPES, KINDS, CURVES, PRECISIONS, st.integers(0, 99))
def test_native_meets_the_reference(shape, kind, coefficients, precision, seed) -> None:
    well = 30_000.0
    # Up to 95 % of the branch: nearer to where a curve turns, the rounding of a count is worth any number of electrons.
    top = 100.0 + 2.0 * well * 0.95 * float(curve(branch(coefficients), coefficients))
    counts = np.random.default_rng(seed).uniform(0.0, min(top, 65535.0), shape).astype(kind)
    steps = maps(shape, precision, seed)
    exact = calibration(counts, coefficients=coefficients, full_well_e=well, **steps)
    found = calibrated(counts, precision, coefficients, well, **steps)
    size = np.abs(exact) + np.asarray(steps["weight"]) * 1.25 * (
        np.asarray(steps["dark"]) + 0.5 * counts + 50
    )
    steep = 5.0  # slope of the inverse at 95 % of the branch
    assert (np.abs(found - exact) <= steep * TOLERANCE[precision] * size).all()


@given(SHAPES, PRECISIONS, st.integers(0, 99))
def test_numbers_and_maps_of_one_value_agree(shape, precision, seed) -> None:
    counts = np.random.default_rng(seed).integers(0, 60_000, shape).astype(np.uint32)
    steps = maps(shape, precision, seed) | {"dark": 12.5, "weight": 2.0}
    alike = steps | {"dark": np.full(shape, 12.5, precision), "weight": np.full(shape, 2.0, precision)}
    one, two = (calibrated(counts, precision, [-0.05], 3e4, **kind) for kind in (steps, alike))
    assert (one == two).all()


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_threads_and_levels_change_nothing(precision: str) -> None:
    shape = (500, 613)
    counts = np.random.default_rng(1).integers(0, 60_000, shape).astype(np.uint32)
    steps = maps(shape, precision, 2)
    kept = []
    try:
        for threads in (1, 3):
            set_num_threads(threads)
            for level in core.simd_levels():
                core.set_simd_level(level)
                for coefficients in ([-0.01], [-0.2, 0.05], [-0.45]):
                    kept.append(calibrated(counts, precision, coefficients, 4e4, **steps).tobytes())
    finally:
        core.set_simd_level(None)
        set_num_threads(None)
    assert len(set(kept)) == 3


@given(st.integers(-500, 499).map(lambda a: a / 1000), st.floats(1e3, 1e6))
def test_the_inverse_undoes_the_curve(a: float, well: float) -> None:
    """Against the closed form q = 2 v W / (1 + (1 - 4 a v)^1/2) of the one-number curve."""
    u = np.linspace(0.0, 0.98, 200)
    v = curve(u, [-a])
    closed = 2.0 * v * well / (1.0 + np.sqrt(np.maximum(1.0 - 4.0 * a * v, 0.0)))
    np.testing.assert_allclose(inverse_nonlinearity(v * well, [-a], well), closed, rtol=2e-12)
    steps = {"zero_adu": 0.0, "scale": 1.0, "dark": 0.0, "weight": 1.0, "factor": 1.0}
    found = calibrated((v * well)[None], "float64", [-a], well, **steps)[0]
    np.testing.assert_allclose(found, u * well, rtol=2e-12, atol=1e-12)


def test_noise_below_zero_and_beyond_the_branch_goes_on_straight() -> None:
    steps = {"zero_adu": 0.0, "scale": 1.0, "dark": 0.0, "weight": 1.0, "factor": 1.0}
    for coefficients in ([-0.1], [-0.45], [-0.3, 0.1]):
        end = float(curve(branch(coefficients), coefficients)) * 1e4
        charge = np.array([[-500.0, -1.0, 0.0, end, 1.5 * end, 3.0 * end]])
        found = calibrated(charge, "float64", coefficients, 1e4, **steps)
        np.testing.assert_allclose(found[0, :3], charge[0, :3], rtol=1e-13)
        np.testing.assert_allclose(
            found[0, 3:], branch(coefficients) * 1e4 * np.array([1.0, 1.5, 3.0]), rtol=1e-9
        )
        np.testing.assert_allclose(found, inverse_nonlinearity(charge, coefficients, 1e4), rtol=1e-9)
