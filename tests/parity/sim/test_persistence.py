"""Persistence from frame to frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from getframes import Camera
from getframes.errors import DomainError, ShapeError
from getframes.noise import release_latent
from getframes.reference.sim.persistence import persistence
from tests.behaviour.random.cameras import CCD
from tests.parity.sim.stages import PRECISIONS, SHAPES, charges, rounding

FRACTIONS = st.floats(0.0, 1.0)


@given(SHAPES, PRECISIONS, st.integers(0, 99), FRACTIONS, FRACTIONS)
def test_native_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, fraction: float, decay: float
) -> None:
    config = CCD.replace(persistence_fraction=fraction, persistence_decay=decay)
    latent, signal = (charges(shape, precision, seed + more, 1e4) for more in (0, 1))
    before = latent.copy()
    native = release_latent(latent, signal, config)
    exact = persistence(latent.astype(float), signal.astype(float), fraction, decay)
    for one, other in zip(native, exact, strict=True):
        assert one.dtype == precision
        assert (abs(one - other) <= rounding(precision) * (latent + signal)).all()
    assert_array_equal(latent, before)


def test_a_constant_signal_releases_its_fraction() -> None:
    config = CCD.replace(persistence_fraction=0.02, persistence_decay=0.4)
    latent, signal = np.zeros((3, 4)), np.full((3, 4), 1000.0)
    for _ in range(100):
        released, latent = release_latent(latent, signal, config)
    assert_allclose(released, 20.0)
    assert_allclose(latent, 50.0)


def test_charge_that_was_trapped_comes_out_again() -> None:
    config = CCD.replace(persistence_fraction=0.1, persistence_decay=0.3)
    released, latent = release_latent(np.zeros((2, 2)), np.full((2, 2), 500.0), config)
    total = released.copy()
    for _ in range(200):
        released, latent = release_latent(latent, np.zeros((2, 2)), config)
        total += released
    assert_allclose(total, 50.0)


def test_it_enters_a_frame_as_extra_charge() -> None:
    config = CCD.replace(persistence_fraction=0.1, persistence_decay=0.5)
    camera = Camera(config)
    _, latent = release_latent(np.zeros(config.resolution), np.full(config.resolution, 2e4), config)
    released, _ = release_latent(latent, np.zeros(config.resolution), config)
    frame = camera.expose(0.0, 1.0, extra_electrons=released, seed=1)
    dark = camera.expose(0.0, 1.0, extra_electrons=np.zeros(config.resolution), seed=1)
    assert_allclose(frame.truth.mean_electrons - dark.truth.mean_electrons, 1000.0)


def test_bad_charge_is_named() -> None:
    config = CCD.replace(persistence_fraction=0.1)
    with pytest.raises(ShapeError, match=r"one shape \(height, width\), got \(2, 2\) and \(2, 3\)"):
        release_latent(np.zeros((2, 2)), np.zeros((2, 3)), config)
    with pytest.raises(DomainError, match=r"signal_e must be finite, got nan at \(y, x\) = \(0, 0\)"):
        release_latent(np.zeros((2, 2)), np.full((2, 2), np.nan), config)
