"""Native galaxies against their twin, pixel by pixel, and what may not change a bit of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from getframes._native import core
from getframes._native.deposit import Mixture
from getframes.errors import DomainError, ShapeError
from getframes.reference import deposit as reference
from getframes.reference.deposit.galaxy import covariance
from getframes.reference.profile import moffat
from tests.parity.scene.stars import simd_level, threads

DTYPES = [np.float32, np.float64]
MERGED = 1.2e-3  # of the peak: like Gaussians are taken as one

positions = st.floats(-6.0, 34.0)
galaxies = st.tuples(
    positions,
    positions,
    st.floats(0.0, 1e4),
    st.sampled_from([0.0, 0.3, 1.0, 3.0, 12.0]),
    st.floats(0.5, 8.0),
    st.floats(0.1, 1.0),
    st.floats(-400.0, 400.0),
)
FIELD = [list(g) for g in np.random.default_rng(3).uniform(size=(60, 7)) * [300, 300, 1e3, 4, 5, 0.8, 180]]
for row in FIELD:
    row[4] += 0.6
    row[5] += 0.2
FIELD[7][3] = 0.0
PSFS = {
    "round": Mixture.gaussian(*np.array([[1.1], [1.1], [0.0]])),
    "elliptical": Mixture.gaussian(*np.array([[1.9], [1.2], [30.0]])),
    "moffat": Mixture.moffat(*np.array([[2.5], [3.0]])),
    "varying": Mixture.moffat(np.linspace(2.0, 3.0, len(FIELD)), np.array([4.0])),
}


def draw(
    psf: Mixture, shape: tuple[int, int], sources: Any, dtype: Any = np.float64, variance: float = 0.0
) -> NDArray[Any]:
    image = np.zeros(shape, dtype)
    columns = np.array([list(source) for source in sources], float).reshape(-1, 7).T.copy()
    psf.deposit(image, columns, variance_px2=variance)
    return image


def peak_of(sources: Any, psf: list[tuple[float, NDArray[np.float64]]]) -> float:
    """Sum of the peaks that the sources would have."""
    own = [reference.galaxy((1, 1), [(0.0, 0.0, *source[2:])], psf)[0, 0] for source in sources]
    return float(sum(own))


@settings(max_examples=25)
@given(
    st.lists(galaxies, max_size=2),
    st.sampled_from([0.1, 0.4, 0.7, 1.2, 2.5]),
    st.floats(0.5, 1.0),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from(DTYPES),
)
def test_behind_a_gaussian(sources: Any, sigma: float, ratio: float, variance: float, dtype: Any) -> None:
    mixture = Mixture.gaussian(np.array([sigma]), np.array([sigma * ratio]), np.array([25.0]))
    psf = [(1.0, covariance(sigma, max(sigma * ratio, 0.085), 25.0) + variance * np.eye(2))]
    if sigma == 0.1:
        psf = [(1.0, np.diag([1.0, 1.0]) * 0.02)]
        mixture = Mixture.gaussian(*np.array([[0.02**0.5], [0.02**0.5], [0.0]]))
        variance = 0.0
    native = draw(mixture, (28, 30), sources, dtype, variance)
    exact = reference.galaxy((28, 30), sources, psf)
    assert (native >= 0.0).all()
    assert_allclose(native, exact, rtol=0.0, atol=MERGED * peak_of(sources, psf) + 1e-30)


@settings(max_examples=15)
@given(st.lists(galaxies, max_size=2), st.sampled_from([1.2, 2.5, 5.0]), st.sampled_from([2.5, 4.765]))
def test_behind_a_moffat(sources: Any, fwhm: float, beta: float) -> None:
    variance, share = moffat(fwhm, beta)
    psf = [(w, v * np.eye(2)) for v, w in zip(variance, share, strict=True)]
    native = draw(Mixture.moffat(np.array([fwhm]), np.array([beta])), (28, 30), sources)
    exact = reference.galaxy((28, 30), sources, psf)
    assert_allclose(native, exact, rtol=0.0, atol=MERGED * peak_of(sources, psf) + 1e-30)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PSFS)
def test_threads(name: str, dtype: Any) -> None:
    with threads(1):
        alone = draw(PSFS[name], (300, 310), FIELD, dtype)
    for count in (2, 3):
        with threads(count):
            assert_array_equal(draw(PSFS[name], (300, 310), FIELD, dtype), alone)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["round", "elliptical", "moffat"])
def test_one_galaxy_at_a_time(name: str, dtype: Any) -> None:
    image = np.zeros((300, 310), dtype)
    for source in FIELD:
        PSFS[name].deposit(image, np.array(source)[:, None])
    assert_array_equal(draw(PSFS[name], (300, 310), FIELD, dtype), image)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PSFS)
def test_simd_levels(name: str, dtype: Any) -> None:
    images = []
    for level in core.simd_levels():
        with simd_level(level):
            images.append(draw(PSFS[name], (120, 130), FIELD, dtype))
    for image in images[1:]:
        assert_array_equal(image, images[0])


@pytest.mark.parametrize("shift", [(17, 0), (0, 64), (-40, 23)])
def test_a_shift_by_whole_pixels_shifts_the_image(shift: tuple[int, int]) -> None:
    """Blocks are counted from the source: a band of rows leaves no trace."""
    big = draw(PSFS["moffat"], (400, 400), [(200.25, 180.375, 1.0, 6.0, 2.0, 0.4, 30.0)])
    moved = draw(
        PSFS["moffat"], (400, 400), [(200.25 + shift[0], 180.375 + shift[1], 1.0, 6.0, 2.0, 0.4, 30.0)]
    )
    centre = big[140:220, 160:240]
    assert_array_equal(moved[140 + shift[1] : 220 + shift[1], 160 + shift[0] : 240 + shift[0]], centre)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (3, -1.0, "r_eff must be >= 0"),
        (3, np.inf, "r_eff must be >= 0"),
        (4, 0.4, r"index must be in \[0.5, 8\]"),
        (5, 0.0, r"axis_ratio must be in \(0, 1\]"),
        (5, 1.5, r"axis_ratio must be in \(0, 1\]"),
        (6, np.nan, "angle must be finite"),
    ],
)
def test_impossible_shapes(column: int, value: float, message: str) -> None:
    source = [5.0, 5.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    source[column] = value
    with pytest.raises(DomainError, match=message):
        draw(PSFS["round"], (10, 10), [source])


def test_impossible_psfs() -> None:
    source = [[5.0, 5.0, 1.0, 1.0, 1.0, 1.0, 0.0]]
    with pytest.raises(DomainError, match="beta must be > 1"):
        draw(Mixture.moffat(np.array([2.0]), np.array([1.0])), (10, 10), source)
    with pytest.raises(DomainError, match="along must be > 0"):
        draw(Mixture.gaussian(*np.array([[0.0], [1.0], [0.0]])), (10, 10), source)
    with pytest.raises(DomainError, match="variance must be >= 0"):
        draw(PSFS["round"], (10, 10), source, variance=-1.0)
    with pytest.raises(ShapeError, match="fwhm must have shape"):
        draw(PSFS["varying"], (10, 10), source)
