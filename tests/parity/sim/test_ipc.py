"""Interpixel capacitance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from getframes import CameraConfig
from getframes.errors import DomainError, ShapeError
from getframes.noise import apply_ipc, chain, fixed_pattern_maps
from getframes.reference.sim.ipc import ipc
from tests.behaviour.random.cameras import CCD, EAPD
from tests.parity.sim.stages import PRECISIONS, SHAPES, after, charges, rounding, single

COUPLINGS = st.floats(0.0, 0.2499).map(single)


@given(SHAPES, PRECISIONS, st.integers(0, 99), COUPLINGS)
def test_native_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, coupling: float
) -> None:
    charge = charges(shape, precision, seed, 1e5)
    native = after("ipc", charge, coupling=coupling)
    exact = ipc(charge.astype(float), coupling)
    assert_allclose(native, exact, rtol=rounding(precision), atol=1e-30)


@given(SHAPES, st.integers(0, 99), COUPLINGS)
def test_charge_is_kept_but_for_the_edges(shape: tuple[int, int], seed: int, coupling: float) -> None:
    charge = charges(shape, "float64", seed, 1e5)
    lost = charge[[0, -1]].sum() + charge[:, [0, -1]].sum()
    assert apply_ipc(charge, coupling).sum() == pytest.approx(charge.sum() - coupling * lost, rel=1e-12)


def test_a_uniform_image_stays_as_it_is_inside() -> None:
    assert_allclose(apply_ipc(np.full((30, 40), 7.0), 0.02)[1:-1, 1:-1], 7.0, rtol=1e-14)


def test_white_noise_becomes_correlated_as_published() -> None:
    """Moore et al. 2006: neighbours correlate by 2 c (1 - 4 c) over (1 - 4 c)^2 + 4 c^2."""
    coupling, side = 0.02, 1500
    noise = np.random.default_rng(3).normal(1000.0, 30.0, (side, side))
    coupled = apply_ipc(noise, coupling)[1:-1, 1:-1]
    own = (1.0 - 4.0 * coupling) ** 2 + 4.0 * coupling**2
    assert coupled.var() == pytest.approx(900.0 * own, rel=4.0 * np.sqrt(2.0) / side)
    for one, other in ((coupled[1:], coupled[:-1]), (coupled[:, 1:], coupled[:, :-1])):
        expected = 2.0 * coupling * (1.0 - 4.0 * coupling) / own
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1] - expected) < 4.0 / side


def test_its_input_stays_as_it_is() -> None:
    charge = charges((20, 30), "float32", 1, 1e4)
    before = charge.copy()
    assert apply_ipc(charge, 0.01).dtype == np.float32
    assert_array_equal(charge, before)


@pytest.mark.parametrize("config", [CCD, EAPD], ids=lambda config: config.name)
def test_it_comes_after_the_gain_of_an_avalanche_photodiode_only(config: CameraConfig) -> None:
    config = config.replace(ipc_coupling=0.01, em_gain=20.0)
    names = [stage.name for stage in chain.charge(config, fixed_pattern_maps(config))]
    assert (names.index("ipc") > names.index("gain")) == (config.sensor_type == "EAPD")


@pytest.mark.parametrize("coupling", [-0.1, 0.25, np.nan, "x"])
def test_a_bad_coupling_is_named(coupling: object) -> None:
    with pytest.raises(DomainError, match=r"^coupling must be in \[0, 0\.25\), got"):
        apply_ipc(np.ones((3, 3)), coupling)  # type: ignore[arg-type]


def test_bad_charge_is_named() -> None:
    with pytest.raises(ShapeError, match=r"electrons must have shape \(height, width\), got \(3,\)"):
        apply_ipc(np.ones(3), 0.1)
    with pytest.raises(DomainError, match=r"electrons must be finite, got nan at \(y, x\) = \(1, 2\)"):
        apply_ipc(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, np.nan]]), 0.1)
    with pytest.raises(DomainError, match="electrons must hold real numbers, got complex128"):
        apply_ipc(np.ones((2, 2), complex), 0.1)


def test_memory_is_asked_for_before_the_sensor_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from getframes import memory
    from getframes.errors import SizeError

    monkeypatch.setattr(memory, "available_bytes", lambda: 2**20)
    with pytest.raises(
        SizeError, match="the charge between stages that look at other pixels of 2000 x 2000 pixels"
    ):
        apply_ipc(np.zeros((2000, 2000)), 0.01)
