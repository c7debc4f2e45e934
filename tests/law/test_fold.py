"""Light per wavelength: what must hold whatever the curve."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from getframes import QE, Camera, CameraConfig
from getframes.noise.fold import fold_cube

CURVE = QE.from_arrays([300.0, 500.0, 700.0], [0.2, 0.9, 0.4])
SHAPE = (64, 80)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_linear_and_sums_over_wavelengths(dtype: type) -> None:
    rng = np.random.default_rng(1)
    one, two = rng.uniform(0.0, 10.0, (2, 7, *SHAPE)).astype(dtype)
    wavelengths = np.linspace(320.0, 690.0, 7)
    precision = np.dtype(dtype)
    rtol = 2e-6 if dtype is np.float32 else 1e-14
    whole = fold_cube(one + 2 * two, wavelengths, CURVE, precision)
    parts = fold_cube(one, wavelengths, CURVE, precision) + 2 * fold_cube(two, wavelengths, CURVE, precision)
    assert_allclose(whole, parts, rtol=rtol)
    pieces = sum(fold_cube(one[k : k + 1], wavelengths[k : k + 1], CURVE, precision) for k in range(7))
    assert_allclose(fold_cube(one, wavelengths, CURVE, precision), pieces, rtol=rtol)


def test_no_more_electrons_than_photons_and_the_integral_of_the_curve() -> None:
    """A flat spectrum in fine samples: photoelectrons a photon are the mean of the curve, (0.55 + 0.65) / 2 over these two halves."""
    n = 2001
    wavelengths = np.linspace(300.0, 700.0, n)
    light = np.full((n, 3, 4), 1.0 / n)
    electrons = fold_cube(light, wavelengths, CURVE, np.dtype(np.float64))
    assert_allclose(electrons, 0.6, rtol=1e-3)
    assert (electrons <= light.sum(axis=0)).all()


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_counts_have_the_mean_and_the_variance_of_the_folded_light(precision: str) -> None:
    config = CameraConfig(
        name="plain",
        sensor_type="CCD",
        resolution=(256, 256),
        pixel_size_um=10.0,
        quantum_efficiency=0.5,
        full_well_e=1e6,
        bit_depth=16,
        gain_e_per_adu=1.0,
        bias_offset_adu=100.0,
        read_noise_e=3.0,
        dark_current_e_per_s=0.0,
        qe_curve=CURVE,
    )
    light = np.stack([np.full((256, 256), rate) for rate in (100.0, 300.0, 50.0)])
    expected = float((CURVE(np.array([400.0, 500.0, 600.0])) * [100.0, 300.0, 50.0]).sum()) * 2.0
    frame = Camera(config, precision=precision).expose_spectral(light, [400.0, 500.0, 600.0], 2.0, seed=3)
    counts = frame.data.astype(float) - 100.0
    variance = expected + 9.0 + 1.0 / 12.0
    assert abs(counts.mean() - expected) < 4.0 * np.sqrt(variance) / 256
    assert abs(counts.var() / variance - 1.0) < 4.0 * np.sqrt(2.0) / 256
