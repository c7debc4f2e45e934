"""Scenes: what ends up in a rate map."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal

from getframes.errors import DomainError, SizeError
from getframes.scene import (
    Bandpass,
    GaussianPSF,
    LightCurve,
    MoffatPSF,
    PointSource,
    RadialDistortion,
    Scene,
    Sky,
    Telescope,
    Thermal,
    UniformIllumination,
    Vignetting,
    WCSInfo,
)
from getframes.scene.sources import Catalog, CatalogEntry, RenderContext
from getframes.spectral import QE, SED

OPTICS = Telescope(1.0, 0.5, 0.8, 0.3, Bandpass.johnson("V"))
PSF = GaussianPSF(1.5)
STAR = PointSource(10.0, 12.0, photon_rate=3.0)


def scene(*sources: Any, optics: Telescope = OPTICS, **more: Any) -> Scene:
    return Scene((31, 31), optics, PSF, list(sources), **more)


def centroid(image: np.ndarray) -> tuple[float, float]:
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return float((image * x).sum() / image.sum()), float((image * y).sum() / image.sum())


def test_sources_are_added_up() -> None:
    both = scene(STAR, UniformIllumination(2.0))
    image = both.photon_rate_map()
    assert_allclose(image, scene(STAR).photon_rate_map() + 2.0)
    both.add(STAR)
    assert_allclose(both.photon_rate_map().sum(), 6.0 + 2.0 * 31 * 31)
    assert len(both.sources) == 3


def test_the_background_is_kept_apart() -> None:
    full = scene(sky=Sky(20.0), thermal=Thermal(300.0))
    assert not full.photon_rate_map().any()
    assert full.sky_photon_rate() == OPTICS.surface_brightness_photon_rate(20.0)
    assert full.thermal_photon_rate() == Thermal(300.0).photon_rate(OPTICS)
    assert full.background_photon_rate() == full.sky_photon_rate() + full.thermal_photon_rate()
    assert scene().background_photon_rate() == 0.0


@pytest.mark.parametrize(
    ("asked", "dtype"),
    [
        ({}, np.float64),
        ({"dtype": "float32"}, np.float32),
        ({"dtype": np.float64}, np.float64),
        ({"precision": "single"}, np.float32),
        ({"precision": "double", "dtype": float}, np.float64),
    ],
)
def test_precisions(asked: dict[str, Any], dtype: Any) -> None:
    image = scene(STAR).photon_rate_map(**asked)
    assert image.dtype == dtype
    assert_allclose(image, scene(STAR).photon_rate_map(), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize(
    "asked", [{"dtype": "float16"}, {"precision": "half"}, {"dtype": "f4", "precision": "double"}]
)
def test_other_precisions_are_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(DomainError, match="must be"):
        scene(STAR).photon_rate_map(**asked)


def test_pointing_offset_and_distortion() -> None:
    assert_allclose(centroid(scene(STAR).photon_rate_map(offset_xy=(2.0, 5.5))), (12.0, 17.5), atol=1e-6)
    bent = Telescope(1.0, 0.5, distortion=RadialDistortion(1e-2))
    star = PointSource(19.0, 15.0, photon_rate=1.0)
    assert_allclose(
        centroid(scene(star, optics=bent).photon_rate_map()), (15.0 + 4.0 * 1.16, 15.0), atol=1e-6
    )
    catalog = Catalog((CatalogEntry(photon_rate=1.0, x=19.0, y=15.0),))
    assert_array_equal(
        scene(catalog, optics=bent).photon_rate_map(), scene(star, optics=bent).photon_rate_map()
    )


def test_vignetting_dims_all_sources() -> None:
    dim = Telescope(1.0, 0.5, vignetting=Vignetting(0.5))
    lit = scene(UniformIllumination(2.0), optics=dim).photon_rate_map(dtype="float32")
    assert lit.dtype == np.float32
    assert_allclose(lit, 2.0 * Vignetting(0.5).illumination_map((31, 31)), rtol=1e-6)


def test_light_curves() -> None:
    assert LightCurve.constant(2.0)(5.0) == 2.0
    box = LightCurve.box(0.1, 1.0, 2.0, baseline=2.0)
    assert [box(t) for t in (0.9, 1.0, 1.9, 2.0)] == [2.0, 1.8, 1.8, 2.0]
    assert_allclose(LightCurve.sinusoidal(0.1, 4.0, phase=1.0)(1.0), 1.0 + 0.1 * np.sin(np.pi / 2 + 1.0))
    star = PointSource(10.0, 12.0, photon_rate=3.0, brightness=box)
    assert_allclose(scene(star).photon_rate_map(time_s=1.5).sum(), 3.0 * 1.8, rtol=1e-5)
    assert_allclose(scene(star).photon_rate_map().sum(), 3.0, rtol=1e-5)
    with pytest.raises(DomainError, match=r"LightCurve.func at 1.0 s must be >= 0, got -1"):
        LightCurve.from_function(lambda t: -t)(1.0)


def test_electrons_of_each_spectrum() -> None:
    qe = QE.from_arrays([400.0, 700.0], [0.2, 0.8])
    blue, red = SED.blackbody(20000.0), SED.blackbody(3000.0)
    for sed in (None, blue, red):
        source = PointSource(15.0, 15.0, magnitude=10.0, sed=sed)
        photons = scene(source).photon_rate_map()
        electrons = scene(source).photoelectron_rate_map(qe)
        assert_allclose(electrons, photons * OPTICS.band.effective_qe(qe, sed), rtol=1e-12)  # type: ignore[union-attr]
    full = scene(sky=Sky(20.0, red), thermal=Thermal(2000.0))
    assert full.is_spectral_capable
    assert_allclose(
        full.sky_electron_rate(qe),
        full.sky_photon_rate() * OPTICS.band.effective_qe(qe, red),  # type: ignore[union-attr]
    )
    assert 0.2 < full.thermal_electron_rate(qe) / full.thermal_photon_rate() < 0.8
    assert full.background_electron_rate(qe) == full.sky_electron_rate(qe) + full.thermal_electron_rate(qe)


def test_electrons_need_a_response() -> None:
    plain = Telescope(1.0, 0.5, band=Bandpass.johnson("V", spectral=False))
    blind = scene(STAR, optics=plain)
    assert not blind.is_spectral_capable
    with pytest.raises(DomainError, match=r"Bandpass.response must be given"):
        blind.photoelectron_rate_map(QE.constant(0.5))


def test_absolute_spectra() -> None:
    sed = SED.from_flux_density([400.0, 700.0], [100.0, 100.0])
    image = scene(PointSource(15.0, 15.0, flux_sed=sed)).photon_rate_map()
    assert_allclose(image.sum(), 100.0 * 88.0 * OPTICS.collecting_area_m2 * 0.8, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PointSource(1.0, 2.0), "PointSource.brightness must be given by one of .* got None"),
        (
            lambda: PointSource(1.0, 2.0, magnitude=1.0, photon_rate=1.0),
            r"got \['magnitude', 'photon_rate'\]",
        ),
        (lambda: PointSource(np.nan, 2.0, photon_rate=1.0), "PointSource.x must be finite, got nan"),
        (lambda: PointSource(1.0, 2.0, photon_rate=-1.0), "PointSource.photon_rate must be >= 0"),
        (lambda: PointSource(1.0, 2.0, flux_sed=SED.flat()), "flux_sed must be an absolute SED"),
        (lambda: UniformIllumination(-1.0), "UniformIllumination.photon_rate must be >= 0"),
        (lambda: Scene((0, 5), OPTICS, PSF), "Scene.shape must be of positive height and width"),
        (lambda: Scene((5.5, 5), OPTICS, PSF), "Scene.shape must be two whole numbers"),  # type: ignore[arg-type]
        (lambda: scene(STAR).photon_rate_map(offset_xy=(np.nan, 0.0)), "offset_xy must be finite"),
        (
            lambda: WCSInfo(0.0, 91.0, 0.0, 0.0, 1.0),
            r"WCSInfo.crval_dec_deg must be in \[-90, 90\] deg, got 91",
        ),
        (lambda: WCSInfo(0.0, 0.0, 0.0, 0.0, 0.0), "plate_scale_arcsec_per_pixel must be > 0"),
        (lambda: LightCurve.box(2.0, 0.0, 1.0), "LightCurve.box.depth must be <= 1, got 2"),
        (lambda: LightCurve.sinusoidal(0.1, 0.0), "LightCurve.sinusoidal.period_s must be > 0 s"),
    ],
)
def test_impossible_values(make: Any, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        make()


def test_a_map_that_does_not_fit() -> None:
    with pytest.raises(
        SizeError, match=r"rate map of a scene of 10000000 x 10000000 pixels needs 745058.1 GiB"
    ):
        Scene((10**7, 10**7), OPTICS, PSF, [STAR]).photon_rate_map()


def test_scenes_can_be_pickled() -> None:
    whole = scene(
        STAR,
        PointSource(3.0, 4.0, magnitude=12.0, brightness=LightCurve.box(0.5, 0.0, 1.0), name="transit"),
        UniformIllumination(1.0),
        optics=Telescope(1.0, 0.5, 0.8, 0.3, Bandpass.ab("r"), Vignetting(0.1), RadialDistortion(1e-7)),
        sky=Sky(20.0),
        thermal=Thermal(300.0),
        wcs=WCSInfo(56.75, 24.1, 15.0, 15.0, 0.5),
    )
    again = pickle.loads(pickle.dumps(whole))
    assert again == whole
    assert_array_equal(again.photon_rate_map(time_s=0.5), whole.photon_rate_map(time_s=0.5))


def test_world_coordinates_are_those_of_astropy() -> None:
    info = WCSInfo(56.75, 24.1, 512.0, 400.0, 1.0, 30.0)
    cards = info.header_cards()
    assert (cards["CTYPE1"], cards["CRPIX1"], cards["CRPIX2"]) == ("RA---TAN", 513.0, 401.0)
    assert_allclose(info.pixel_to_world(512.0, 400.0), (56.75, 24.1))
    assert isinstance(info.to_astropy(), WCS)
    x, y = np.array([0.0, 1000.0]), np.array([10.0, 700.0])
    assert_allclose(info.world_to_pixel(*info.pixel_to_world(x, y)), (x, y), atol=1e-7)
    upright = WCSInfo(56.75, 24.1, 512.0, 400.0, 1.0)
    east_x, east_y = upright.world_to_pixel(56.75 + 0.01, 24.1)
    north_x, north_y = upright.world_to_pixel(56.75, 24.1 + 0.01)
    assert_allclose((east_x, east_y), (512.0 - 36.0 * np.cos(np.radians(24.1)), 400.0), atol=0.01)
    assert_allclose((north_x, north_y), (512.0, 436.0), atol=1e-6)
    assert np.isnan(upright.world_to_pixel(236.75, -24.1)).all()


def test_a_source_of_ones_own() -> None:
    class Corner:
        def deposit(self, image: Any, ctx: RenderContext) -> None:
            x, y = ctx.place(None, None, 56.75, 24.1)
            ctx.psf.add_source(image, x, y, 2.0 * ctx.qe_scale(None), ctx.optics.plate_scale_arcsec_per_pixel)

        def total_photon_rate(self, optics: Telescope, time_s: float | None = None) -> float:
            return 2.0

    image = scene(Corner(), wcs=WCSInfo(56.75, 24.1, 14.0, 17.0, 0.5)).photon_rate_map()
    assert_allclose(centroid(image), (14.0, 17.0), atol=1e-6)


def test_moffat_in_a_scene_reports_what_it_loses() -> None:
    psf = MoffatPSF(1.5)
    assert 0.5e-3 < psf.lost_flux(0.5) < 1.2e-3
    assert psf.truncation_radius_arcsec(0.5) == pytest.approx(8.5, abs=0.5)
