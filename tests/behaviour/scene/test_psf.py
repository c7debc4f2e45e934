"""PSFs as objects: what they accept, refuse, and leave alone."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from astropy import units
from numpy.testing import assert_allclose, assert_array_equal

from getframes.errors import DomainError, ShapeError
from getframes.scene import (
    PSF,
    AiryPSF,
    ArrayPSF,
    Catalog,
    EllipticalGaussianPSF,
    GaussianPSF,
    MoffatPSF,
    Scene,
    Telescope,
)

PSFS = [
    GaussianPSF(2.5),
    EllipticalGaussianPSF(3.0, 2.0, 30.0),
    MoffatPSF(2.5, 2.5),
    AiryPSF(0.1, 500e-9, 0.2),
    ArrayPSF(np.outer([1.0, 2.0, 1.0], [1.0, 3.0, 1.0])),
]
X, Y, FLUX = np.array([5.2, 11.0, 18.7]), np.array([4.9, 12.2, 3.3]), np.array([10.0, 20.0, 0.0])


@pytest.mark.parametrize("psf", PSFS)
def test_pickles_are_equal_and_draw_the_same(psf: Any) -> None:
    again = pickle.loads(pickle.dumps(psf))
    assert again == psf
    assert hash(again) == hash(psf)
    images = np.zeros((2, 20, 24))
    psf.add_sources(images[0], X, Y, FLUX, 1.0)
    again.add_sources(images[1], X, Y, FLUX, 1.0)
    assert_array_equal(images[0], images[1])


@pytest.mark.parametrize("psf", PSFS)
def test_any_real_image(psf: Any) -> None:
    """Strides, byte orders and half precision: one copy, written back."""
    exact = np.ones((20, 24))
    psf.add_sources(exact, X, Y, FLUX, 1.0)
    wide = np.ones((40, 48))
    psf.add_sources(wide[::2, ::2], X, Y, FLUX, 1.0)
    assert_array_equal(wide[::2, ::2], exact)
    assert (wide[1::2] == 1.0).all()
    for image in (np.ones((20, 24), ">f8"), np.asfortranarray(np.ones((20, 24)))):
        psf.add_sources(image, X, Y, FLUX, 1.0)
        assert_array_equal(image, exact)
    half = np.ones((20, 24), np.float16)
    psf.add_sources(half, X, Y, FLUX, 1.0)
    assert_allclose(half, exact, rtol=1e-3)


@pytest.mark.parametrize("psf", PSFS)
def test_bad_stars_are_named(psf: Any) -> None:
    image = np.zeros((20, 24))
    name = type(psf).__name__
    with pytest.raises(DomainError, match=rf"{name}.x\[1\] must be finite, got nan"):
        psf.add_sources(image, np.array([5.0, np.nan, np.nan]), Y, FLUX, 1.0)
    with pytest.raises(DomainError, match=rf"{name}.flux\[2\] must be >= 0, got -1"):
        psf.add_sources(image, X, Y, np.array([1.0, 2.0, -1.0]), 1.0)
    with pytest.raises(DomainError, match=rf"{name}.y\[0\] must be finite, got inf"):
        psf.add_source(image, 5.0, math.inf, 1.0, 1.0)
    with pytest.raises(ShapeError, match="one length"):
        psf.add_sources(image, X, Y[:2], FLUX, 1.0)
    with pytest.raises(ShapeError, match="two-dimensional"):
        psf.add_sources(np.zeros(5), X, Y, FLUX, 1.0)
    with pytest.raises(DomainError, match="plate_scale_arcsec_per_pixel must be > 0"):
        psf.add_sources(image, X, Y, FLUX, 0.0)
    with pytest.raises(DomainError, match=r"flux\[0\] must be <= 3.4e\+38 in a float32 image"):
        psf.add_source(np.zeros((5, 5), np.float32), 2.0, 2.0, 1e39, 1.0)
    assert not image.any()


def test_read_only_and_integer_images_are_refused() -> None:
    image = np.zeros((5, 5))
    image.flags.writeable = False
    with pytest.raises(DomainError, match="image must be writeable"):
        GaussianPSF(2.0).add_source(image, 2.0, 2.0, 1.0, 1.0)
    with pytest.raises(DomainError, match="floating-point"):
        GaussianPSF(2.0).add_source(np.zeros((5, 5), np.int32), 2.0, 2.0, 1.0, 1.0)


def test_no_stars() -> None:
    image = np.zeros((5, 5))
    for psf in PSFS:
        psf.add_sources(image, np.empty(0), np.empty(0), np.empty(0), 1.0)
    assert not image.any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianPSF(0.0), "GaussianPSF.fwhm_arcsec must be > 0 arcsec, got 0"),
        (lambda: EllipticalGaussianPSF(1.0, -1.0), "fwhm_minor_arcsec must be > 0 arcsec, got -1"),
        (lambda: MoffatPSF(2.0, 1.0), "MoffatPSF.beta must be > 1, got 1"),
        (lambda: AiryPSF(0.0, 5e-7), "AiryPSF.aperture_diameter_m must be > 0 m"),
        (lambda: AiryPSF(1.0, 5e-7, 1.0), r"AiryPSF.obstruction must be in \[0, 1\), got 1"),
        (lambda: GaussianPSF(math.nan), "fwhm_arcsec must be finite, got nan"),
        (lambda: ArrayPSF(np.zeros((3, 3))), "ArrayPSF.kernel must be of positive sum, got 0"),
        (lambda: ArrayPSF(-np.ones((3, 3))), "ArrayPSF.kernel must be >= 0, got -1"),
        (lambda: ArrayPSF(np.full((3, 3), np.nan)), "ArrayPSF.kernel must be finite"),
    ],
)
def test_impossible_values(make: Any, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        make()


def test_shapeless_kernels() -> None:
    for kernel in (np.ones(3), np.ones((0, 3))):
        with pytest.raises(ShapeError, match="two-dimensional and not empty"):
            ArrayPSF(kernel)


def test_quantities() -> None:
    assert MoffatPSF(2500.0 * units.mas) == MoffatPSF(2.5)
    assert AiryPSF(10.0 * units.cm, 500.0 * units.nm).wavelength_m == pytest.approx(5e-7)


def test_array_kernel_is_scaled_and_kept_apart() -> None:
    kernel = np.ones((3, 4))
    psf = ArrayPSF(kernel)
    kernel[:] = 0.0
    assert_allclose(psf.kernel, 1.0 / 12.0)
    image = np.zeros((9, 9))
    psf.add_source(image, 4.5, 4.0, 12.0, 1.0)
    assert_array_equal(image[3:6, 3:7], np.ones((3, 4)))
    assert image.sum() == 12.0


class Square(PSF):
    """A user's own PSF."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, float, float]] = []

    def add_source(self, image: Any, x: float, y: float, flux: float, plate_scale: float) -> None:
        self.seen.append((x, y, flux))
        image[round(y), round(x)] += flux


class DuckSquare:
    """The same, of no family."""

    add_source = Square.add_source

    def __init__(self) -> None:
        self.seen: list[tuple[float, float, float]] = []


@pytest.mark.parametrize("make", [Square, DuckSquare])
def test_own_psf_with_add_source_only(make: Any) -> None:
    psf = make()
    catalog = Catalog.from_table({"x": X, "y": Y, "f": FLUX}, photon_rate="f", x="x", y="y")
    image = Scene((20, 24), Telescope.unit(), psf, [catalog]).photon_rate_map()
    assert psf.seen == list(zip(X, Y, FLUX, strict=True))
    assert image[12, 11] == 20.0
    assert image.sum() == FLUX.sum()
