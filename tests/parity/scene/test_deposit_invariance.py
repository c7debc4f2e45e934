"""What may not change a single bit: threads, bands, SIMD level, and one star at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from getframes._native import core
from getframes._native.deposit import Profile
from tests.parity.scene.stars import draw, field, simd_level, threads

KERNEL = np.arange(1.0, 36.0).reshape(5, 7) / 630.0
PROFILES = {
    "gaussian": Profile.gaussian(1.1),
    "wide gaussian": Profile.gaussian(9.0),
    "elliptical": Profile.elliptical(1.5, 0.9, 30.0),
    "wide elliptical": Profile.elliptical(7.0, 8.0, 30.0),
    "moffat": Profile.moffat(2.5, 3.0),
    "narrow moffat": Profile.moffat(0.4, 3.0),
    "wide moffat": Profile.moffat(13.0, 4.0),
    "airy": Profile.airy(1.1, 0.3),
    "array": Profile.array(KERNEL),
}
DTYPES = [np.float32, np.float64]
SIZE = 300
SHAPE = (SIZE, SIZE)
FIELD = field(300, SIZE)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PROFILES)
def test_one_star_at_a_time(name: str, dtype: Any) -> None:
    profile = PROFILES[name]
    image = np.zeros(SHAPE, dtype)
    for star in FIELD:
        profile.deposit(image, *(np.array([value]) for value in star))
    assert_array_equal(draw(profile, SHAPE, FIELD, dtype), image)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PROFILES)
def test_threads_and_bands(name: str, dtype: Any) -> None:
    alone = draw(PROFILES[name], SHAPE, FIELD, dtype, band_rows=SIZE)
    for count, band_rows in ((1, 128), (2, 7), (3, 64), (2, 10_000)):
        with threads(count):
            assert_array_equal(draw(PROFILES[name], SHAPE, FIELD, dtype, band_rows), alone)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PROFILES)
def test_simd_levels(name: str, dtype: Any) -> None:
    shape, stars = (80, 90), field(25, 80)
    images = []
    for level in core.simd_levels():
        with simd_level(level):
            images.append(draw(PROFILES[name], shape, stars, dtype))
    for image in images[1:]:
        assert_array_equal(image, images[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_crowded_tiles(dtype: Any) -> None:
    """Rows of a power of two of bytes: crowded bands are drawn in copies of tiles."""
    shape, stars = (160, 512), [(4.0 * x, y, flux) for x, y, flux in field(3000, 140)]
    image = np.zeros(shape, dtype)
    for part in range(0, len(stars), 100):
        PROFILES["gaussian"].deposit(image, *np.array(stars[part : part + 100]).T.copy())
    assert_array_equal(draw(PROFILES["gaussian"], shape, stars, dtype), image)


def test_the_order_of_a_pixel_is_that_of_the_catalog() -> None:
    """Small after large is lost in float32; large after small is not."""
    faint, bright = (10.0, 10.0, 1.0), (10.0, 10.0, 2.0**27)
    profile = Profile.array(np.ones((1, 1)))
    assert draw(profile, (21, 21), [bright, faint, faint, faint], np.float32)[10, 10] == 2.0**27
    stacked = draw(profile, (21, 21), [faint] * 32 + [bright], np.float32)[10, 10]
    assert stacked == 2.0**27 + 32.0
