"""Apertures and centroids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from getframes import Frame
from getframes.analysis import aperture_sum, centroid, matched_filter_centroid
from getframes.analysis.aperture import overlap
from getframes.errors import DomainError, ShapeError

PLACES = st.floats(-3.0, 13.0)
Y, X = np.mgrid[:31, :31]


def spot(x: float, y: float, sigma: float = 2.0) -> np.ndarray:
    return np.exp(-((X - x) ** 2 + (Y - y) ** 2) / (2 * sigma**2))


@given(PLACES, PLACES, st.floats(0.05, 8.0))
def test_overlap_is_exact(x: float, y: float, r: float) -> None:
    """Against the integral of chord lengths over each row, in a thousand steps."""
    area = overlap((slice(0, 11), slice(0, 11)), x, y, r)
    lines = (np.arange(11 * 1000) + 0.5) / 1000.0 - 0.5
    half = np.sqrt(np.maximum(r * r - (lines - y) ** 2, 0.0))[:, None]
    left, right = np.arange(11) - 0.5, np.arange(11) + 0.5
    chords = np.clip(np.minimum(x + half, right) - np.maximum(x - half, left), 0.0, None)
    np.testing.assert_allclose(area, chords.reshape(11, 1000, 11).mean(axis=1), atol=2e-3)
    assert (area >= 0).all()
    assert (area <= 1 + 1e-12).all()


@given(st.floats(10.0, 30.0), st.floats(10.0, 30.0), st.floats(0.1, 9.0))
def test_flat_images_give_the_area(x: float, y: float, r: float) -> None:
    flat = np.full((41, 41), 3.0)
    assert aperture_sum(flat, (x, y), r, background=0.0) == pytest.approx(3.0 * np.pi * r * r, rel=1e-9)
    assert aperture_sum(flat, (x, y), r, background=1.0) == pytest.approx(2.0 * np.pi * r * r, rel=1e-9)
    assert aperture_sum(flat, (x, y), r) == pytest.approx(0.0, abs=1e-9)


def test_apertures_at_the_edge_sum_what_is_there() -> None:
    image = np.ones((41, 41))
    assert aperture_sum(image, (0, 0), 5.0, background=0.0) == pytest.approx(
        np.pi * 25 / 4 + 5.0 + 0.25, rel=5e-3
    )
    assert aperture_sum(image, (-0.5, 20.0), 4.0, background=0.0) == pytest.approx(np.pi * 8.0, rel=1e-12)
    assert aperture_sum(image, (0, 0), 5.0, annulus=(8, 12)) == pytest.approx(0.0, abs=1e-10)


@pytest.mark.parametrize("dtype", ["uint16", ">i4", "float32"])
def test_the_background_is_taken_off(dtype: str) -> None:
    rng = np.random.default_rng(1)
    image = rng.poisson(20.0, (61, 61)).astype(float)
    image[28:33, 28:33] += 400.0
    image[30, 50] += 30_000.0  # a star in the ring
    ring = aperture_sum(image.astype(dtype), (30, 30), 5.0, annulus=(15, 25))
    pixels = np.pi * (25**2 - 15**2)
    error = np.sqrt(10_000 + 20 * np.pi * 25 + 20 * (np.pi * 25) ** 2 / pixels)
    assert abs(ring - 10_000.0) < 4.0 * error


def test_the_ring_begins_two_pixels_out_and_is_three_wide() -> None:
    image = np.random.default_rng(2).normal(50.0, 5.0, (61, 61))
    for r in (2.0, 5.5):
        ring = aperture_sum(image, (30.2, 29.1), r, annulus=(r + 2, r + 5))
        assert aperture_sum(image, (30.2, 29.1), r) == ring


def test_the_background_is_not_biased_where_counts_are_few() -> None:
    """The median of Poisson counts of mean 0.7 is 1, and the mode is 0."""
    sums = [
        aperture_sum(np.random.default_rng(seed).poisson(0.7, (61, 61)), (30, 30), 6.0, annulus=(10, 28))
        for seed in range(200)
    ]
    mean, error = np.mean(sums), np.std(sums) / np.sqrt(200)
    assert abs(mean) < 4.0 * error + 0.02 * np.pi * 36


@given(st.floats(10.0, 20.0), st.floats(10.0, 20.0), st.floats(-50.0, 50.0))
def test_centroids_of_a_spot(x: float, y: float, level: float) -> None:
    image = 100.0 * spot(x, y, 1.2) + level
    assert centroid(image, background=level) == pytest.approx((x, y), abs=1e-6)
    assert centroid(image) == pytest.approx((x, y), abs=1e-3)
    assert centroid(Frame(image)) == centroid(image)
    template = spot(13.0, 16.0, 1.2)
    for background in (None, level):
        assert matched_filter_centroid(image, template, background=background) == pytest.approx(
            (x, y), abs=2e-3
        )


def test_centroids_in_a_window() -> None:
    image = spot(12.0, 14.0) + 50.0 * spot(25.0, 25.0)
    x, y = centroid(image, center=(12, 14), r=4.0, background=0.0)
    assert (x, y) == pytest.approx((12.0, 14.0), abs=0.01)
    assert centroid(spot(15.0, 15.0), r=6.0) == pytest.approx((15.0, 15.0), abs=1e-9)


def test_centroids_with_a_threshold() -> None:
    image = spot(14.3, 16.7)
    weight = np.maximum(image - 0.1, 0.0)
    wanted = (weight * X).sum() / weight.sum(), (weight * Y).sum() / weight.sum()
    assert centroid(image, background=0.0, threshold=0.1) == pytest.approx(wanted, abs=1e-12)
    levels = np.full(image.shape, 0.1)
    assert centroid(image, background=0.0 * image, threshold=levels) == pytest.approx(wanted, abs=1e-12)


def test_noise_does_not_pull_a_centroid() -> None:
    """Clipping at zero would pull it towards the middle by a few tenths of a pixel."""
    rng = np.random.default_rng(4)
    found = [
        centroid(spot(11.0, 19.0) * 100 + rng.normal(0, 3, X.shape), center=(15, 15), r=12.0, background=0.0)
        for _ in range(400)
    ]
    x, y = np.mean(found, axis=0)
    error = np.std(found, axis=0) / 20.0
    assert abs(x - 11.0) < 4.0 * error[0] + 0.03
    assert abs(y - 19.0) < 4.0 * error[1] + 0.03


def test_no_light_has_no_place() -> None:
    for image in (np.zeros((5, 5)), np.ones((5, 5)), -spot(4.0, 4.0)):
        assert np.isnan(centroid(image)).all()


def test_matched_filter_beats_a_parabola() -> None:
    """A parabola through three pixels of the correlation is off by 0.006 pixels here."""
    assert matched_filter_centroid(spot(14.3, 16.7), spot(15, 15)) == pytest.approx((14.3, 16.7), abs=1e-6)


@pytest.mark.parametrize("cut", [np.s_[4:27, 2:27], np.s_[3:, :], np.s_[:28, 1:30]])
def test_templates_of_any_shape(cut: tuple[slice, slice]) -> None:
    """The position is that of the template's centre of light."""
    template = spot(15.0, 15.0)[cut]
    for image, x, y in ((spot(14.3, 16.7), 14.3, 16.7), (spot(14.3, 16.7)[5:25, 5:], 9.3, 11.7)):
        assert matched_filter_centroid(image, template) == pytest.approx((x, y), abs=2e-4)


def test_matched_filter_reaches_the_limit_of_noise() -> None:
    """Cramer-Rao for white noise: sigma_x = noise / (sum (dI/dx)^2)^1/2."""
    rng, noise = np.random.default_rng(5), 2.0
    source = 100.0 * spot(14.6, 15.2)
    limit = noise / np.sqrt((np.gradient(source, axis=1) ** 2).sum())
    found = [
        matched_filter_centroid(source + rng.normal(0, noise, X.shape), spot(15, 15), background=0.0)[0]
        for _ in range(300)
    ]
    assert np.std(found) == pytest.approx(limit, rel=0.15)
    assert abs(np.mean(found) - 14.6) < 4.0 * limit / np.sqrt(300)


IMAGE = np.ones((9, 9))
HOLED = np.where(np.eye(9) > 0, np.nan, 1.0)
BAD = [
    (lambda: aperture_sum(IMAGE, (4, 4), 0.0), DomainError, "r must be > 0 px, got 0.0"),
    (lambda: aperture_sum(IMAGE, (4, 4), float("nan")), DomainError, "r must be > 0 px"),
    (
        lambda: aperture_sum(IMAGE, (40, 4), 3.0),
        DomainError,
        "center must be where the aperture meets the image",
    ),
    (lambda: aperture_sum(IMAGE, (np.nan, 4), 3.0), DomainError, "center must be two finite numbers"),
    (lambda: aperture_sum(IMAGE, (4, 4), 1.0, annulus=(3, 2)), DomainError, "annulus must be"),
    (lambda: aperture_sum(IMAGE, (4, 4), 1.0, annulus=(30, 40)), DomainError, "a ring that meets the image"),
    (lambda: aperture_sum(IMAGE, (4, 4), 20.0), DomainError, "a ring that meets the image"),
    (lambda: aperture_sum(IMAGE, (4, 4), 1.0, background=np.nan), DomainError, "background must be finite"),
    (
        lambda: aperture_sum(IMAGE, (4, 4), 1.0, annulus=(2, 3), background=0.0),
        DomainError,
        "annulus must be left out where the background is given",
    ),
    (lambda: aperture_sum(HOLED, (4, 4), 1.0), DomainError, "image inside the aperture must be finite"),
    (
        lambda: aperture_sum(HOLED, (2, 6), 1.0, annulus=(2, 5)),
        DomainError,
        "image inside the annulus must be finite",
    ),
    (lambda: aperture_sum(np.ones(4), (0, 0), 1.0), ShapeError, "image must be an image"),
    (lambda: centroid(HOLED), DomainError, "image must be finite"),
    (lambda: centroid(IMAGE, center=(4, 4)), DomainError, "r must be given together with center"),
    (lambda: centroid(IMAGE, center=(40, 4), r=2.0), DomainError, "center must be within r of a pixel"),
    (lambda: centroid(IMAGE, r=-1.0), DomainError, "r must be > 0 px"),
    (lambda: centroid(IMAGE, background=np.ones(3)), ShapeError, "background must be a number or have shape"),
    (lambda: centroid(IMAGE, threshold=np.nan), DomainError, "threshold must be finite"),
    (lambda: matched_filter_centroid(HOLED, IMAGE), DomainError, "image must be finite"),
    (lambda: matched_filter_centroid(IMAGE, HOLED), DomainError, "template must be finite"),
    (
        lambda: matched_filter_centroid(IMAGE, 0 * IMAGE),
        DomainError,
        "template must be an image with light in it",
    ),
    (
        lambda: matched_filter_centroid(IMAGE, IMAGE, background=np.inf),
        DomainError,
        "background must be finite",
    ),
]


@pytest.mark.parametrize(("call", "error", "words"), BAD)
def test_bad_input(call, error, words) -> None:
    with pytest.raises(error, match=words):
        call()


def test_values_outside_do_not_matter() -> None:
    assert aperture_sum(HOLED, (6, 2), 1.5, background=0.0) == pytest.approx(np.pi * 1.5**2)
    assert not np.isnan(
        centroid(
            np.where(np.isnan(HOLED), np.nan, 1.0 + (X + Y)[:9, :9]), center=(7, 1), r=2.0, background=0.0
        )
    ).any()
