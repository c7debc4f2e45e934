"""Cosmic rays: the kernel against its twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from getframes import set_num_threads
from getframes._native import core
from getframes._native import reduce as native
from getframes.reference.reduce.lacosmic import Found, lacosmic

SHAPES = st.tuples(st.integers(1, 48), st.integers(1, 300))
LIMITS = st.fixed_dictionaries(
    {
        "sigma_clip": st.sampled_from([2.0, 4.5, 7.0]),
        "sigma_frac": st.sampled_from([0.1, 0.3, 1.0]),
        "object_limit": st.sampled_from([0.5, 2.0, 5.0]),
        "iterations": st.integers(1, 5),
        "mean": st.booleans(),
        "saturation": st.sampled_from([np.inf, 2500.0]),
    }
)
NOISES = st.sampled_from(["model", "empty", "background", "variance"])
PRECISIONS = st.sampled_from(["float32", "float64"])
MASKED, SATURATED, HIT, STAR, NOT_FINITE = 1, 2, 4, 8, 16


def scene(shape: tuple[int, int], seed: int, precision: str) -> np.ndarray:
    """Sky, stars of several widths, full ones among them, and tracks."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape)
    image = np.full(shape, rng.choice([0.0, 50.0, 400.0]))
    for _ in range(rng.integers(0, 2 + image.size // 400)):
        width, height = rng.uniform(0.4, 3.0), 10.0 ** rng.uniform(1.5, 4.5)
        cy, cx = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        image += height * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2.0 * width**2))
    image = rng.normal(image, np.sqrt(image + 16.0))
    for _ in range(rng.integers(0, 2 + image.size // 300)):
        cy, cx = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        slope, length, charge = rng.uniform(0.0, 6.3), rng.exponential(5.0), rng.uniform(20.0, 3000.0)
        for step in np.arange(0.0, length, 0.7):
            at = int(cy + step * np.sin(slope)), int(cx + step * np.cos(slope))
            if 0 <= at[0] < shape[0] and 0 <= at[1] < shape[1]:
                image[at] += charge
    return np.minimum(image, 5000.0).astype(precision)


def noise_of(kind: str, image: np.ndarray, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed + 1)
    plain: dict[str, Any] = {"gain": 1.6, "read_noise_e": 4.0, "background": 0.0, "variance": None}
    if kind == "empty":
        return plain | {"read_noise_e": 0.0, "background": -60.0}
    if kind == "background":
        return plain | {"background": rng.uniform(0.0, 200.0, image.shape).astype(image.dtype)}
    if kind == "variance":
        variance = (np.maximum(image, 0.0) + rng.uniform(9.0, 25.0, image.shape)).astype(image.dtype)
        variance[rng.random(image.shape) < 0.01] = 0.0
        return plain | {"gain": 1.0, "read_noise_e": 0.0, "variance": variance}
    return plain


def cleaned(image: np.ndarray, states: np.ndarray, limits: dict[str, Any], noise: dict[str, Any]) -> Found:
    names = ("sigma_clip", "sigma_frac", "object_limit", "saturation", "iterations", "mean")
    out, bits = np.empty_like(image), states.copy()
    settings = tuple(limits[name] for name in names)
    native.lacosmic(image, out, bits, settings=settings, precision=image.dtype.name, **noise)
    return Found((bits & HIT) != 0, (bits & STAR) != 0, (bits & MASKED) != 0, out)


def states_of(image: np.ndarray, seed: int, share: float) -> np.ndarray:
    rng = np.random.default_rng(seed + 2)
    return (rng.random(image.shape) < share) * np.uint8(MASKED) + (image > 4900.0) * np.uint8(SATURATED)


def reference(image: np.ndarray, states: np.ndarray, limits: dict[str, Any], noise: dict[str, Any]) -> Found:
    mask, saturated = (states & MASKED) != 0, (states & SATURATED) != 0
    return lacosmic(image, mask=mask, saturated=saturated, **limits, **noise)


@given(SHAPES, LIMITS, NOISES, st.sampled_from([0.0, 0.02, 0.7, 1.0]), st.integers(0, 10**6))
def test_native_meets_the_reference(shape, limits, kind, share, seed) -> None:
    image = scene(shape, seed, "float64")
    image[np.random.default_rng(seed + 3).random(shape) < 0.002] = np.nan
    states, noise = states_of(image, seed, share), noise_of(kind, image, seed)
    found, exact = (of(image, states, limits, noise) for of in (cleaned, reference))
    for name in ("hits", "stars", "masked"):
        assert (getattr(found, name) == getattr(exact, name)).all(), name
    np.testing.assert_allclose(found.image, exact.image, rtol=1e-12)


@given(SHAPES, LIMITS, NOISES, st.integers(0, 10**6))
def test_single_precision_decides_the_same_where_rounding_cannot_tell(shape, limits, kind, seed) -> None:
    image = scene(shape, seed, "float32")
    states, noise = states_of(image, seed, 0.02), noise_of(kind, image, seed)
    exact = reference(image, states, limits, noise)
    for factor in (1.0 - 1e-4, 1.0 + 1e-4):
        for name in ("sigma_clip", "object_limit"):
            near = reference(image, states, limits | {name: limits[name] * factor}, noise)
            assume((near.hits == exact.hits).all())
    found = cleaned(image, states, limits, noise)
    assert (found.hits == exact.hits).all()
    np.testing.assert_allclose(found.image, exact.image, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["model", "background", "variance"])
def test_threads_and_levels_change_nothing(precision: str, kind: str) -> None:
    image = scene((150, 421), 5, precision)
    states, noise = states_of(image, 5, 0.01), noise_of(kind, image, 5)
    limits = {"sigma_clip": 4.5, "sigma_frac": 0.3, "object_limit": 2.0, "iterations": 4, "mean": False}
    kept = []
    try:
        for threads in (1, 3):
            set_num_threads(threads)
            for level in core.simd_levels():
                core.set_simd_level(level)
                found = cleaned(image, states, limits | {"saturation": 4000.0}, noise)
                kept.append(b"".join(plane.tobytes() for plane in found))
                assert found.hits.any() and found.stars.any()
    finally:
        core.set_simd_level(None)
        set_num_threads(None)
    assert len(set(kept)) == 1
