"""PSFs whose parameters are polynomials of position: every parameter, every kind of source."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from getframes import (
    PSF,
    AiryPSF,
    Camera,
    Catalog,
    EllipticalGaussianPSF,
    ExtendedSource,
    FieldPolynomial,
    GaussianPSF,
    MoffatPSF,
    PointSource,
    Scene,
    Telescope,
)
from getframes.errors import DomainError
from getframes.scene.psf import NativePSF

SHAPE = (70, 80)
OPTICS = Telescope.unit(0.5)
RADIAN = 180.0 * 3600.0 / math.pi
PLACE = {"x": 31.3, "y": 36.6}


def plane(middle: float, across: float, down: float = 0.0) -> FieldPolynomial:
    return FieldPolynomial([[middle, down], [across]], center_xy=(40.0, 35.0), scale_px=40.0)


PSFS: dict[str, NativePSF] = {
    "fwhm": GaussianPSF(plane(1.4, 0.3, 0.2)),
    "major": EllipticalGaussianPSF(plane(1.8, 0.3), 1.1, 20.0),
    "minor": EllipticalGaussianPSF(1.8, plane(1.1, 0.2), 20.0),
    "angle": EllipticalGaussianPSF(1.8, 1.0, plane(10.0, 60.0)),
    "moffat fwhm": MoffatPSF(plane(1.4, 0.3)),
    "beta": MoffatPSF(1.4, plane(3.0, 0.5)),
    "aperture": AiryPSF(plane(1.0, 0.2), 1.0 / RADIAN, 0.2),
    "wavelength": AiryPSF(1.0, plane(1.0 / RADIAN, 0.2 / RADIAN)),
    "obstruction": AiryPSF(1.0, 1.0 / RADIAN, plane(0.3, 0.1)),
}
SOURCES: dict[str, Any] = {
    "star": PointSource(**PLACE, photon_rate=100.0),
    "galaxy": ExtendedSource.sersic(**PLACE, photon_rate=100.0, n=2.0, r_eff_arcsec=1.0, ellipticity=0.3),
    "array": ExtendedSource.from_array(np.ones((1, 1)), **PLACE, photon_rate=100.0),
    "row": Catalog.from_table({"x": [31.3], "y": [36.6], "rate": [100.0]}, x="x", y="y", photon_rate="rate"),
}


def image_of(psf: PSF, source: Any, **kwargs: Any) -> Any:
    return Scene(SHAPE, OPTICS, psf, [source]).photon_rate_map(**kwargs)


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("parameter", PSFS)
def test_every_parameter_is_that_of_the_place(parameter: str, kind: str) -> None:
    psf, source = PSFS[parameter], SOURCES[kind]
    there = image_of(psf.at(**PLACE), source)
    image = image_of(psf, source)
    assert (image >= 0.0).all()
    assert_allclose(image, there, rtol=0.0, atol=1e-3 * there.max())
    elsewhere = image_of(psf.at(75.0, 60.0), source)
    assert np.abs(image - elsewhere).max() > 3e-3 * there.max()
    assert_allclose(image_of(psf, source, precision="float32"), image, rtol=0.0, atol=3e-6 * image.max())


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize(
    ("psf", "message"),
    [
        (GaussianPSF(plane(-0.5, -1.0)), r"fwhm_arcsec.*must be > 0"),
        (EllipticalGaussianPSF(plane(-0.5, -1.0), 1.0), r"fwhm_major_arcsec.*must be > 0"),
        (EllipticalGaussianPSF(1.0, plane(-0.5, -1.0)), r"fwhm_minor_arcsec.*must be > 0"),
        (MoffatPSF(plane(-1.0, -1.0)), r"fwhm_arcsec.*must be > 0"),
        (MoffatPSF(1.0, plane(0.5, 0.1)), r"beta.*must be > 1"),
        (AiryPSF(plane(-1.0, 0.1), 1e-6), r"aperture_diameter_m.*must be > 0"),
        (AiryPSF(1.0, plane(-1e-6, 0.0)), r"wavelength_m.*must be > 0"),
        (AiryPSF(1.0, 1e-6, plane(1.2, 0.1)), r"obstruction.*must be in \[0, 1\)"),
        (AiryPSF(1.0, 1e-6, plane(-0.2, 0.1)), r"obstruction.*must be in \[0, 1\)"),
    ],
)
def test_what_is_impossible_at_a_source_names_the_place(psf: PSF, message: str, kind: str) -> None:
    source = {**SOURCES, "array": SOURCES["star"]}[kind]
    with pytest.raises(DomainError, match=message) as error:
        image_of(psf, source)
    assert "31.3, 36.6" in str(error.value)


def test_what_varies_has_no_reach_of_its_own() -> None:
    for psf in PSFS.values():
        with pytest.raises(DomainError, match=r"take at\(x, y\)"):
            psf.truncation_radius_arcsec(0.5)
        assert psf.at(**PLACE).lost_flux(0.5) < 0.05


def test_a_camera_observes_through_it() -> None:
    """Charge diffusion on top, where the camera has it."""
    camera = Camera.from_preset("andor_ikon_m934", seed=1).with_config(resolution=SHAPE)
    for psf in (PSFS["beta"], PSFS["obstruction"]):
        scene = Scene(SHAPE, OPTICS, psf, [SOURCES["star"], SOURCES["galaxy"]])
        assert camera.observe(scene, 1.0).data.shape == SHAPE


@pytest.mark.parametrize("psf", [MoffatPSF(1e6), AiryPSF(1.0, 550.0), AiryPSF(1e-6, 1.0)])
def test_a_psf_of_a_wrong_unit_is_an_error_and_no_endless_loop(psf: PSF) -> None:
    for kind in ("star", "galaxy"):
        if isinstance(psf, AiryPSF) or kind == "star":
            with pytest.raises(DomainError, match=r"in \(0, 1000\] pixel"):
                image_of(psf, SOURCES[kind])
