"""Counts back to charge and light: the kernel against its twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from getframes import set_num_threads
from getframes._native import core
from getframes._native import reduce as native
from getframes.reduce.kernel import Errors, Marks, Steps
from getframes.reference.reduce.calibration import (
    branch,
    calibration,
    curve,
    flags,
    inverse_nonlinearity,
    uncertainty,
)

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 700))
KINDS = st.sampled_from(["uint16", "int16", "uint32", "int32", "float32", "float64"])
BITS = (4, 16, 64)
CURVES = st.one_of(
    st.just([0.0]),
    st.integers(0, 400).map(lambda a: [-a / 1000]),
    st.lists(st.integers(-80, 80).map(lambda c: c / 1000), min_size=1, max_size=5),
)
FACTOR = 1.25
PRECISIONS = st.sampled_from(["float32", "float64"])
TOLERANCE = {"float32": 2e-6, "float64": 2e-12}


def calibrated(counts: np.ndarray, precision: str, coefficients: list[float], well: float, **steps: object):
    height, width = counts.shape
    inverse = native.inverse_response(coefficients, well)
    made = Steps((height, width), np.dtype(precision), inverse=inverse, **steps)
    return made.planes(counts, factor=FACTOR).data


def maps(shape: tuple[int, int], precision: str, seed: int) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    return {
        "zero": rng.uniform(80.0, 120.0, shape).astype(precision),
        "scale": 0.5,
        "dark": rng.uniform(0.0, 50.0, shape).astype(precision),
        "dark_scale": 1.5,
        "flat": rng.uniform(0.5, 2.0, shape).astype(precision),
    }


@given(SHAPES, KINDS, CURVES, PRECISIONS, st.integers(0, 99))
def test_native_meets_the_reference(shape, kind, coefficients, precision, seed) -> None:
    well = 30_000.0
    # Up to 95 % of the branch: nearer to where a curve turns, the rounding of a count is worth any number of electrons.
    top = 80.0 + 2.0 * well * 0.95 * float(curve(branch(coefficients), coefficients))
    most = min(top, 32767.0 if kind == "int16" else 65535.0)
    counts = np.random.default_rng(seed).uniform(0.0, most, shape).astype(kind)
    steps = maps(shape, precision, seed)
    exact = calibration(counts, coefficients=coefficients, full_well_e=well, factor=FACTOR, **steps)
    found = calibrated(counts, precision, coefficients, well, **steps)
    size = np.abs(exact) + FACTOR / np.asarray(steps["flat"]) * (
        1.5 * np.asarray(steps["dark"]) + 0.5 * counts + 50
    )
    steep = 5.0  # slope of the inverse at 95 % of the branch
    assert (np.abs(found - exact) <= steep * TOLERANCE[precision] * size).all()


@given(SHAPES, PRECISIONS, st.integers(0, 99))
def test_numbers_and_maps_of_one_value_agree(shape, precision, seed) -> None:
    counts = np.random.default_rng(seed).integers(0, 60_000, shape).astype(np.uint32)
    steps = maps(shape, precision, seed) | {"zero": 100.0, "dark": 12.5, "flat": 2.0}
    alike = steps | {name: np.full(shape, steps[name], precision) for name in ("zero", "dark", "flat")}
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
    found = calibrated((v * well)[None], "float64", [-a], well)[0] / FACTOR
    np.testing.assert_allclose(found, u * well, rtol=2e-12, atol=1e-12)


def test_noise_below_zero_and_beyond_the_branch_goes_on_straight() -> None:
    for coefficients in ([-0.1], [-0.45], [-0.3, 0.1]):
        end = float(curve(branch(coefficients), coefficients)) * 1e4
        charge = np.array([[-500.0, -1.0, 0.0, end, 1.5 * end, 3.0 * end]])
        found = calibrated(charge, "float64", coefficients, 1e4) / FACTOR
        np.testing.assert_allclose(found[0, :3], charge[0, :3], rtol=1e-13)
        np.testing.assert_allclose(
            found[0, 3:], branch(coefficients) * 1e4 * np.array([1.0, 1.5, 3.0]), rtol=1e-9
        )
        np.testing.assert_allclose(found, inverse_nonlinearity(charge, coefficients, 1e4), rtol=1e-9)


def noisy(shape: tuple[int, int], precision: str, seed: int) -> tuple[dict[str, object], Errors]:
    """Masters with their uncertainties."""
    rng = np.random.default_rng(seed)

    def image(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, shape).astype(precision)

    masters = {
        "zero": image(80.0, 120.0),
        "dark": image(0.0, 50.0),
        "dark_scale": 1.5,
        "flat": image(0.5, 2.0),
    }
    weight = float(rng.uniform(-1.0, 1.0))
    signal = image(-50.0, 9000.0) if seed % 2 else None
    errors = Errors(
        image(1.0, 9.0), 0.7, signal, image(0.1, 1.0), weight, image(0.1, 1.0), image(0.001, 0.01)
    )
    return masters, errors


@given(SHAPES, KINDS, PRECISIONS, st.integers(0, 99), st.booleans())
def test_errors_and_flags_meet_the_reference(shape, kind, precision, seed, whole) -> None:
    rng = np.random.default_rng(seed)
    masters, errors = noisy(shape, precision, seed)
    masters["flat"][rng.random(shape) < 0.05] = rng.choice([0.0, -1.0, np.nan])
    masters["dark"][rng.random(shape) < 0.05] = np.nan
    height, width = shape
    counts = rng.uniform(0.0, 32_000.0, (height + 3, width + 5)).astype(kind)
    if counts.dtype.kind == "f":
        counts[rng.random(counts.shape) < 0.05] = rng.choice([np.nan, np.inf, -np.inf])
    levels = None if whole else rng.uniform(-3.0, 3.0, height)
    corner, window = (
        ((0, 0), counts[:height, :width]) if whole else ((2, 4), counts[2 : 2 + height, 4 : 4 + width])
    )
    plane = rng.integers(0, 4, shape).astype(np.uint16)
    marks = Marks(20_000.0, BITS, [plane, plane << 8])
    steps = Steps((height, width), np.dtype(precision), **masters)
    given = window.copy() if whole else counts
    data, sigma, found = steps.planes(
        given, factor=FACTOR, corner=corner, levels=levels, errors=errors, marks=marks
    )
    column = 0.0 if levels is None else levels[:, None]
    exact = calibration(window, levels=column, factor=FACTOR, **masters)
    known = {name: getattr(errors, name) for name in ("read", "shot", "zero_weight")}
    known |= {f"{name}_sigma": getattr(errors, name) for name in ("zero", "dark", "flat")}
    known["expected"] = errors.signal
    noise = uncertainty(window, levels=column, factor=FACTOR, **masters, **known)
    size = 5.0 * TOLERANCE[precision] * FACTOR / 0.5 * (np.abs(window) + 150.0)
    for one, two, bound in (
        (data, exact, size),
        (sigma, noise, TOLERANCE[precision] * (10.0 * noise + 1000.0)),
    ):
        assert (np.isnan(one) == np.isnan(two)).all()
        good = np.isfinite(two)
        assert (np.abs(one - two)[good] <= bound[good]).all()
    expected = flags(window, exact, saturation=20_000.0, bits=BITS, flat=masters["flat"], planes=marks.planes)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_threads_and_levels_change_no_plane(precision: str) -> None:
    shape = (300, 613)
    counts = np.random.default_rng(1).integers(0, 60_000, (310, 700)).astype(np.uint16)
    masters, errors = noisy(shape, precision, 2)
    steps = Steps(shape, np.dtype(precision), **masters)
    marks = Marks(50_000.0, BITS, [np.arange(300 * 613).reshape(shape).astype(np.uint16)])
    kept = []
    try:
        for threads in (1, 3):
            set_num_threads(threads)
            for level in core.simd_levels():
                core.set_simd_level(level)
                made = steps.planes(
                    counts, corner=(4, 50), levels=np.arange(300.0), errors=errors, marks=marks
                )
                kept.append(b"".join(plane.tobytes() for plane in made))
    finally:
        core.set_simd_level(None)
        set_num_threads(None)
    assert len(set(kept)) == 1
