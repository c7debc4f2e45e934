"""Galaxies behind Airy patterns and drawn PSFs against their twin, and what may not change a bit of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from getframes._native import core
from getframes._native.deposit import Mixture, Transfer
from getframes.errors import DomainError, ShapeError
from getframes.reference import deposit as reference
from getframes.scene import AiryPSF, ArrayPSF, FieldPolynomial, GaussianPSF
from getframes.scene.diffusion import DiffusedPSF
from getframes.scene.galaxies import Galaxies, deposit_galaxies
from tests.parity.scene.stars import simd_level, threads

RADIAN = 180.0 * 3600.0 / math.pi
SHAPE = (90, 96)
DTYPES = [np.float32, np.float64]

positions = st.floats(20.0, 70.0)
galaxies = st.tuples(
    positions,
    positions,
    st.floats(1.0, 1e4),
    st.sampled_from([0.0, 0.3, 1.0, 3.0, 9.0]),
    st.floats(0.5, 6.0),
    st.floats(0.3, 1.0),
    st.floats(-400.0, 400.0),
)
FIELD = [list(g) for g in np.random.default_rng(3).uniform(size=(40, 7)) * [220, 200, 1e3, 5, 5, 0.7, 180]]
for row in FIELD:
    row[4] += 0.6
    row[5] += 0.3
FIELD[7][3] = 0.0
KERNEL = np.outer([1.0, 3.0, 4.0, 2.0], [1.0, 2.0, 5.0, 2.0, 0.5])
PSFS = {
    "airy": AiryPSF(1.0, 1.1 / RADIAN, 0.2),
    "wide airy": AiryPSF(1.0, 2.6 / RADIAN),
    "diffused airy": DiffusedPSF(AiryPSF(1.0, 1.1 / RADIAN), 0.8),
    "varying airy": AiryPSF(1.0, FieldPolynomial([[1.2 / RADIAN, 1e-3 / RADIAN]])),
    "array": ArrayPSF(KERNEL),
}


def airy(resolution: float, obstruction: float = 0.0) -> AiryPSF:
    return AiryPSF(1.0, resolution / RADIAN, obstruction)


def draw(psf: Any, shape: tuple[int, int], sources: Any, dtype: Any = np.float64) -> NDArray[Any]:
    image = np.zeros(shape, dtype)
    columns = np.array([list(source) for source in sources], float).reshape(-1, 7).T
    deposit_galaxies(image, psf, Galaxies(*(np.ascontiguousarray(column) for column in columns)), 1.0)
    return image


@settings(max_examples=20)
@given(
    galaxies,
    st.sampled_from([0.3, 0.7, 1.1, 2.0, 3.3]),
    st.sampled_from([0.0, 0.15, 0.3, 0.5, 0.7]),
    st.sampled_from([0.0, 0.4]),
    st.sampled_from(DTYPES),
)
@example((45.2, 44.7, 1.0, 0.0, 1.0, 1.0, 0.0), 2.0, 0.0, 0.0, np.float64)
@example((45.5, 44.5, 1.0, 0.0, 1.0, 1.0, 0.0), 0.3, 0.7, 0.0, np.float64)
@example((45.5, 44.5, 1.0, 0.0, 1.0, 1.0, 0.0), 0.7, 0.7, 0.0, np.float64)
@example((45.2, 44.7, 1.0, 1.0, 4.0, 0.5, 30.0), 3.3, 0.5, 0.0, np.float64)
def test_behind_an_airy_pattern(
    source: Any, resolution: float, obstruction: float, variance: float, dtype: Any
) -> None:
    psf: Any = airy(resolution, obstruction)
    if variance > 0.0:
        psf = DiffusedPSF(psf, math.sqrt(variance) * 2.354820045)
    native = draw(psf, SHAPE, [source], dtype)
    exact = reference.behind_airy(
        SHAPE, [source], resolution, obstruction, variance, side=200 if resolution < 1.0 else 720
    )
    assert (native >= 0.0).all()
    assert_allclose(native, exact, rtol=0.0, atol=1.5e-3 * exact.max())
    # What lies beyond 70 lambda/D is not drawn: of an aperture with an obstruction, 1 / (1 - obstruction) times as much as of a clear one.
    lost = 6.8e-3 / (1.0 - obstruction)
    assert np.abs(native - exact).sum() < lost * source[2]


@pytest.mark.parametrize("kernel", [KERNEL, np.outer(np.hanning(13), np.hanning(9))])
@pytest.mark.parametrize("r_eff", [0.8, 1.5, 6.0])
def test_behind_an_array_it_is_the_sum_of_its_pixels(kernel: NDArray[np.float64], r_eff: float) -> None:
    """A kernel of even pixels: a galaxy behind a pixel of light, shifted and added."""
    source = (45.3, 40.1, 1.0, r_eff, 1.7, 0.6, 25.0)
    fine = 5
    nodes = (np.arange(fine) + 0.5) / fine - 0.5
    expected = np.zeros(SHAPE)
    height, width = kernel.shape
    for (j, i), share in np.ndenumerate(kernel / kernel.sum()):
        for dy in nodes:
            for dx in nodes:
                x, y = source[0] + i - (width - 1) / 2.0 + dx, source[1] + j - (height - 1) / 2.0 + dy
                moved = (x, y, share / fine**2, *source[3:])
                expected += draw(GaussianPSF(0.2001), SHAPE, [moved])
    assert_allclose(draw(ArrayPSF(kernel), SHAPE, [source]), expected, rtol=0.0, atol=4e-3 * expected.max())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PSFS)
def test_threads(name: str, dtype: Any) -> None:
    with threads(1):
        alone = draw(PSFS[name], (200, 220), FIELD, dtype)
    for count in (2, 3):
        with threads(count):
            assert_array_equal(draw(PSFS[name], (200, 220), FIELD, dtype), alone)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PSFS)
def test_one_galaxy_at_a_time(name: str, dtype: Any) -> None:
    image = np.zeros((200, 220), dtype)
    for source in FIELD[:12]:
        columns = np.array(source)[:, None]
        deposit_galaxies(image, PSFS[name], Galaxies(*columns), 1.0)
    assert_array_equal(draw(PSFS[name], (200, 220), FIELD[:12], dtype), image)


@pytest.mark.parametrize("name", PSFS)
def test_simd_levels(name: str) -> None:
    images = []
    for level in core.simd_levels():
        with simd_level(level):
            images.append(draw(PSFS[name], (120, 130), FIELD[:15]))
    for image in images[1:]:
        assert_array_equal(image, images[0])


def test_galaxies_off_the_image() -> None:
    inside = draw(PSFS["airy"], SHAPE, [(-3.0, 40.0, 1.0, 2.0, 1.0, 0.5, 0.0)])
    wide = draw(PSFS["airy"], (SHAPE[0], 2 * SHAPE[1]), [(SHAPE[1] - 3.0, 40.0, 1.0, 2.0, 1.0, 0.5, 0.0)])
    assert_array_equal(inside, wide[:, SHAPE[1] :])
    assert not draw(PSFS["airy"], SHAPE, [(1e6, 40.0, 1.0, 2.0, 1.0, 0.5, 0.0)]).any()


def test_impossible_patterns() -> None:
    columns = tuple(np.array([value]) for value in (5.0, 5.0, 1.0, 1.0, 1.0, 1.0, 0.0))
    image = np.zeros((9, 9))
    with pytest.raises(DomainError, match=r"resolution must be in \(0, 1000\] pixel"):
        Mixture.airy(np.array([0.0]), np.array([0.0])).deposit(image, columns)
    with pytest.raises(DomainError, match=r"obstruction must be in \[0, 1\)"):
        Mixture.airy(np.array([1.0]), np.array([1.0])).deposit(image, columns)
    with pytest.raises(DomainError, match="reach must be in"):
        Mixture.image(-1.0, [0.0, 0.0], [1.0, 0.0, 1.0], 3.0).deposit(image, columns)
    law = Mixture.airy(np.array([1.0]), np.array([0.0]))
    with pytest.raises(ShapeError, match="sides must have shape"):
        law.deposit(image, columns, sides=np.zeros(2, np.uintp), stamps=np.zeros(0, np.float32))
    with pytest.raises(ShapeError, match="stamps must have shape"):
        law.deposit(image, columns, sides=np.full(1, 4, np.uintp), stamps=np.zeros(3, np.float32))
    for shape, side in (((16, 18), 15), ((16, 16), 16), ((24, 18), 16)):
        with pytest.raises(ShapeError, match="transfer must have shape"):
            Transfer(np.zeros(shape, np.float32), side)
