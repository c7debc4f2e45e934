"""Mean dark charge, the temperature law and the glow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from getframes.noise import dark_signal_map
from getframes.reference.sim import chain
from getframes.reference.sim.dark import dark_current, mean_dark_electrons
from tests.behaviour.random.cameras import CCD
from tests.parity.sim.stages import PRECISIONS, SHAPES, charges, rounding, run, single

NUMBERS = st.floats(0.0, 1e4).map(single)


@given(SHAPES, PRECISIONS, st.integers(0, 99), NUMBERS, NUMBERS)
def test_native_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, dark_e: float, glow_e: float
) -> None:
    multiplier, glow = (charges(shape, precision, number, 100.0) for number in (seed, seed + 1))
    parameters = {"dark_e": dark_e, "multiplier": multiplier, "glow_e": glow_e, "glow_shape": glow}
    native = run(("dark", parameters), shape=shape, precision=precision)
    exact = mean_dark_electrons(dark_e, 1.0, multiplier.astype(float), glow_e, glow.astype(float))
    assert_allclose(native, exact, rtol=rounding(precision), atol=1e-30)


@given(st.floats(-150.0, 60.0), st.floats(-80.0, 40.0), st.floats(3.0, 12.0), PRECISIONS, st.floats(0.0, 1e4))
def test_temperature_law(
    temperature: float, reference: float, doubling: float, precision: str, exposure: float
) -> None:
    config = CCD.replace(dark_current_ref_temp_c=reference, dark_current_doubling_temp_c=doubling)
    assert_allclose(
        config.dark_current_at(temperature),
        dark_current(config.dark_current_e_per_s, temperature, reference, doubling),
        rtol=1e-13,
    )
    native = dark_signal_map(config, exposure, temperature, precision=precision)
    exact = chain.mean_dark(config, chain.patterns(config), exposure, temperature)
    assert native.dtype == precision
    assert_allclose(native, exact, rtol=rounding(precision) + 1e-10, atol=1e-30)
