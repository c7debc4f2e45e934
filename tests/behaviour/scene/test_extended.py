"""Galaxies and arrays of light, as sources of a scene and rows of a catalog."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from getframes import (
    PSF,
    SED,
    AiryPSF,
    ArrayPSF,
    Bandpass,
    Catalog,
    CatalogEntry,
    EllipticalGaussianPSF,
    ExtendedSource,
    FieldPolynomial,
    GaussianPSF,
    LightCurve,
    MoffatPSF,
    PointSource,
    Scene,
    Telescope,
    WCSInfo,
)
from getframes.errors import DomainError, ShapeError
from getframes.scene.diffusion import DiffusedPSF

SIZE = 61
OPTICS = Telescope.unit(0.5)
GALAXY: dict[str, Any] = {"x": 30.0, "y": 30.0, "photon_rate": 1000.0, "n": 1.0, "r_eff_arcsec": 1.5}


class OwnPSF(PSF):
    """A user's PSF that defines `add_source` only."""

    def add_source(
        self, image: Any, x: float, y: float, flux: float, plate_scale_arcsec_per_pixel: float
    ) -> None:
        GaussianPSF(1.2).add_source(image, x, y, flux, plate_scale_arcsec_per_pixel)


def image_of(*sources: Any, psf: PSF | None = None, **scene: Any) -> np.ndarray:
    return Scene((SIZE, SIZE), OPTICS, psf or GaussianPSF(1.2), list(sources), **scene).photon_rate_map()


def moments(image: np.ndarray) -> tuple[float, float, float]:
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE // 2
    share = image / image.sum()
    return float((share * x * x).sum()), float((share * x * y).sum()), float((share * y * y).sum())


def test_the_light_of_a_galaxy_is_all_there() -> None:
    source = ExtendedSource.sersic(**GALAXY)
    assert source.total_photon_rate(OPTICS) == 1000.0
    assert_allclose(image_of(source).sum(), 1000.0, rtol=2e-3)


def test_the_psf_widens_a_galaxy() -> None:
    """Variances add: those of an exponential disk are 3 h^2 = 1.0650 r_eff^2 an axis."""
    xx, xy, yy = moments(image_of(ExtendedSource.sersic(**{**GALAXY, "r_eff_arcsec": 1.0})))
    expected = 3.0 * (2.0 / 1.678347) ** 2 + (1.2 / 0.5 / 2.354820) ** 2 + 1.0 / 12.0
    assert_allclose([xx, yy], expected, rtol=0.01)
    assert abs(xy) < 1e-5  # of 20 pixel^2: the last 3e-5 of the light end at blocks of pixels


def test_ellipticity_and_angle() -> None:
    """r_eff is along the major axis, the angle from +x towards +y."""
    source = ExtendedSource.sersic(**{**GALAXY, "n": 0.5}, ellipticity=0.5, position_angle_deg=30.0)
    assert source.position_angle == 30.0
    xx, xy, yy = moments(image_of(source, psf=GaussianPSF(0.5)))
    assert_allclose(np.degrees(np.arctan2(2.0 * xy, xx - yy)) / 2.0, 30.0, atol=0.1)
    blur = (1.0 / 2.354820) ** 2 + 1.0 / 12.0
    minor, major = np.linalg.eigvalsh([[xx, xy], [xy, yy]]) - blur
    sigma = 3.0 * 0.849322
    assert_allclose([major, minor], [sigma**2, sigma**2 / 4.0], rtol=5e-3)


@pytest.mark.parametrize(
    "psf",
    [
        OwnPSF(),
        ArrayPSF(np.outer([1.0, 2.0, 1.0], [1.0, 2.0, 1.0])),
        AiryPSF(1.0, 3e-6),
        DiffusedPSF(OwnPSF(), 0.7),
    ],
    ids=["own", "array", "airy", "diffused"],
)
def test_any_psf_blurs_a_galaxy(psf: PSF) -> None:
    """The Fourier way: a point-like galaxy is a star, and the light is all there."""
    tiny = image_of(ExtendedSource.sersic(**{**GALAXY, "r_eff_arcsec": 0.002}), psf=psf)
    star = image_of(PointSource(30.0, 30.0, photon_rate=1000.0), psf=psf)
    assert_allclose(tiny, star, rtol=0.0, atol=4e-3 * star.max())
    galaxy = image_of(ExtendedSource.sersic(**GALAXY), psf=psf)
    assert (galaxy >= 0.0).all()
    lost = psf.lost_flux(OPTICS.plate_scale_arcsec_per_pixel) if isinstance(psf, AiryPSF) else 0.0
    assert_allclose(
        galaxy.sum(), star.sum() + 1000.0 * lost, rtol=8e-3
    )  # a galaxy keeps the wings of the pattern
    assert galaxy.max() < 0.7 * star.max()


def test_the_fourier_way_is_the_mixture_way() -> None:
    source = ExtendedSource.sersic(**GALAXY, ellipticity=0.4, position_angle_deg=-20.0)
    for place in (30.0, 30.37, 1.2, -4.0, 62.5):
        moved = ExtendedSource.sersic(**{**GALAXY, "x": place}, ellipticity=0.4, position_angle_deg=-20.0)
        mixture, fourier = image_of(moved), image_of(moved, psf=OwnPSF())
        assert_allclose(fourier, mixture, rtol=0.0, atol=2e-4 * image_of(source).max())


def test_far_galaxies_are_lost() -> None:
    for psf in (GaussianPSF(1.2), OwnPSF()):
        for x, y in ((1e6, 30.0), (30.0, -1e6), (1e15, 1e15)):
            assert not image_of(ExtendedSource.sersic(**{**GALAXY, "x": x, "y": y}), psf=psf).any()


def test_single_precision() -> None:
    scene = Scene((SIZE, SIZE), OPTICS, MoffatPSF(1.2), [ExtendedSource.sersic(**GALAXY)])
    single = scene.photon_rate_map(precision="float32")
    assert single.dtype == np.float32
    assert_allclose(single, scene.photon_rate_map(), rtol=2e-6)


def test_an_array_source_is_convolved() -> None:
    disk = np.zeros((21, 21))
    disk[10, 10] = 5.0
    image = image_of(ExtendedSource.from_array(disk, x=30.0, y=30.0, photon_rate=100.0))
    star = image_of(PointSource(30.0, 30.0, photon_rate=100.0))
    assert_allclose(image.sum(), 100.0, rtol=1e-6)
    assert_allclose(moments(image)[0], moments(star)[0] + 1.0 / 12.0, rtol=1e-3)  # a square of even light


def test_an_array_that_is_convolved_already() -> None:
    light = np.arange(12.0).reshape(3, 4)
    source = ExtendedSource.from_array(light, x=30.5, y=30.0, photon_rate=66.0, convolved=True)
    image = image_of(source)
    assert_allclose(image[29:32, 29:33], light, atol=1e-12)
    assert_allclose(image.sum(), 66.0)
    wider = image_of(source, psf=DiffusedPSF(GaussianPSF(1.2), 1.0))
    assert wider[28, 31] > 0.0  # charge diffuses all the same


def test_position_on_the_sky_brightness_and_band() -> None:
    wcs = WCSInfo(10.0, 20.0, 30.0, 30.0, 0.5)
    optics = Telescope(1.0, 0.5, band=Bandpass.johnson("V"))
    curve = LightCurve.constant(0.5)
    shape = {"n": 1.0, "r_eff_arcsec": 1.0}
    source = ExtendedSource.sersic(ra=10.0, dec=20.0, magnitude=15.0, brightness=curve, **shape)
    scene = Scene((SIZE, SIZE), optics, GaussianPSF(1.2), [source], wcs=wcs)
    assert_allclose(source.total_photon_rate(optics, 3.0), 0.5 * optics.photon_rate_from_magnitude(15.0))
    image = scene.photon_rate_map(time_s=3.0)
    assert np.unravel_index(image.argmax(), image.shape) == (30, 30)
    assert_allclose(image.sum(), source.total_photon_rate(optics, 3.0), rtol=2e-3)
    sed = SED.from_flux_density([400.0, 700.0], [1.0, 1.0])
    by_sed = ExtendedSource.sersic(x=1.0, y=1.0, flux_sed=sed, **shape)
    assert_allclose(by_sed.total_photon_rate(optics), optics.photon_rate_from_sed(sed))
    opposite = ExtendedSource.sersic(ra=190.0, dec=-20.0, magnitude=15.0, **shape)
    assert not Scene((SIZE, SIZE), optics, GaussianPSF(1.2), [opposite], wcs=wcs).photon_rate_map().any()


def test_equality_and_pickling() -> None:
    for source in (
        ExtendedSource.sersic(**GALAXY),
        ExtendedSource.from_array(np.ones((3, 3)), x=1.0, y=2.0, photon_rate=1.0),
    ):
        copy = pickle.loads(pickle.dumps(source))
        assert copy == source
        assert copy != ExtendedSource.sersic(**{**GALAXY, "n": 2.0})
        assert_array_equal(image_of(copy), image_of(source))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0.4}, r"sersic_n must be in \[0.5, 8\]"),
        ({"n": 9.0}, r"sersic_n must be in \[0.5, 8\]"),
        ({"n": "bulge"}, "sersic_n must be a number"),
        ({"r_eff_arcsec": 0.0}, "r_eff_arcsec must be > 0"),
        ({"r_eff_arcsec": np.nan}, "r_eff_arcsec must be finite"),
        ({"ellipticity": 1.0}, r"ellipticity must be in \[0, 1\)"),
        ({"ellipticity": -0.1}, r"ellipticity must be in \[0, 1\)"),
        ({"position_angle_deg": np.inf}, "position_angle_deg must be finite"),
        ({"x": None}, "position must be given"),
        ({"ra": 1.0}, "position must be given"),
        ({"x": None, "y": None}, "position must be given"),
        ({"photon_rate": None}, "brightness must be given"),
        ({"magnitude": 1.0}, "brightness must be given"),
        ({"photon_rate": -1.0}, "photon_rate must be >= 0"),
        ({"flux_sed": SED.flat(), "photon_rate": None}, "flux_sed must be an absolute SED"),
    ],
)
def test_impossible_galaxies(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        ExtendedSource.sersic(**{**GALAXY, **change})


@pytest.mark.parametrize("light", [np.zeros((3, 3)), [[1.0, -1.0]], [[np.nan]], [[np.inf, 1.0]]])
def test_impossible_light(light: Any) -> None:
    with pytest.raises(DomainError, match=r"ExtendedSource\.profile must be"):
        ExtendedSource.from_array(light, x=1.0, y=1.0, photon_rate=1.0)


def test_light_of_the_wrong_shape() -> None:
    with pytest.raises(ShapeError, match=r"ExtendedSource\.profile must be two-dimensional"):
        ExtendedSource.from_array(np.ones(3), x=1.0, y=1.0, photon_rate=1.0)
    with pytest.raises(DomainError, match="shape must be one of profile and sersic_n"):
        ExtendedSource(x=1.0, y=1.0, photon_rate=1.0)
    with pytest.raises(DomainError, match="convolved must be False without a profile"):
        ExtendedSource(x=1.0, y=1.0, photon_rate=1.0, sersic_n=1.0, r_eff_arcsec=1.0, convolved=True)


TABLE = {
    "x": [30.0, 12.5, 40.0],
    "y": [30.0, 17.0, 44.0],
    "rate": [1000.0, 500.0, 200.0],
    "re": [1.5, 0.0, 0.8],
    "n": [1.0, 1.0, 4.0],
    "e": [0.4, 0.0, 0.1],
    "pa": [30.0, 0.0, -45.0],
}
COLUMNS = {"x": "x", "y": "y", "photon_rate": "rate", "r_eff": "re"}
SHAPES = {"n": "n", "ellipticity": "e", "position_angle": "pa"}


@pytest.mark.parametrize("psf", [GaussianPSF(1.2), MoffatPSF(1.2), AiryPSF(1.0, 3e-6)])
def test_a_catalog_of_galaxies_and_stars(psf: PSF) -> None:
    catalog = Catalog.from_table(TABLE, **COLUMNS, **SHAPES)
    rows = zip(*TABLE.values(), strict=True)
    sources: list[Any] = [
        ExtendedSource.sersic(
            x=x, y=y, photon_rate=rate, n=n, r_eff_arcsec=re, ellipticity=e, position_angle_deg=pa
        )
        if re > 0.0
        else PointSource(x, y, photon_rate=rate)
        for x, y, rate, re, n, e, pa in rows
    ]
    assert_allclose(image_of(catalog, psf=psf), image_of(*sources, psf=psf), rtol=1e-12, atol=1e-12)
    assert repr(catalog).startswith("Catalog(1 stars, 2 galaxies, ")
    assert catalog.entries[0].sersic_n == 1.0
    assert_allclose(catalog.total_photon_rate(OPTICS), 1700.0)
    assert image_of(Catalog(catalog.entries), psf=psf).tobytes() == image_of(catalog, psf=psf).tobytes()
    assert pickle.loads(pickle.dumps(catalog)) == catalog


def test_defaults_of_the_shape() -> None:
    catalog = Catalog.from_table(TABLE, **COLUMNS)
    entries = [
        CatalogEntry(x=30.0, y=30.0, photon_rate=1000.0, r_eff_arcsec=1.5),
        CatalogEntry(x=12.5, y=17.0, photon_rate=500.0),
        CatalogEntry(x=40.0, y=44.0, photon_rate=200.0, r_eff_arcsec=0.8),
    ]
    assert_array_equal(image_of(Catalog(tuple(entries))), image_of(catalog))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("re", -1.0, r"r_eff_arcsec must be >= 0 arcsec, got -1.0 in row 2"),
        ("n", 0.2, r"sersic_n must be in \[0.5, 8\], got 0.2 in row 2"),
        ("e", 1.0, r"ellipticity must be in \[0, 1\), got 1.0 in row 2"),
        ("pa", np.inf, "'pa' must be finite in every row, got inf in row 2"),
    ],
)
def test_impossible_rows(column: str, value: float, message: str) -> None:
    table = {**TABLE, column: [*TABLE[column][:2], value]}
    with pytest.raises(DomainError, match=message):
        Catalog.from_table(table, **COLUMNS, **SHAPES)


def test_a_shape_needs_a_radius() -> None:
    with pytest.raises(DomainError, match="r_eff must be given with n"):
        Catalog.from_table(TABLE, x="x", y="y", photon_rate="rate", n="n")


@pytest.mark.parametrize(
    ("varying", "plain"),
    [
        (GaussianPSF(FieldPolynomial([[1.2]])), GaussianPSF(1.2)),
        (MoffatPSF(FieldPolynomial([[1.2]]), FieldPolynomial([[4.0]])), MoffatPSF(1.2, 4.0)),
        (
            EllipticalGaussianPSF(1.5, FieldPolynomial([[1.2]]), FieldPolynomial([[20.0]])),
            EllipticalGaussianPSF(1.5, 1.2, 20.0),
        ),
        (AiryPSF(1.0, FieldPolynomial([[3e-6]]), 0.205), AiryPSF(1.0, 3e-6, 0.205)),
    ],
)
def test_a_polynomial_that_does_not_vary(varying: Any, plain: Any) -> None:
    assert varying.varies
    assert not plain.varies
    assert varying.at(3.0, 4.0) == plain
    for source in (PointSource(30.2, 29.8, photon_rate=1.0), ExtendedSource.sersic(**GALAXY)):
        expected = image_of(source, psf=plain)
        assert_allclose(image_of(source, psf=varying), expected, rtol=0.0, atol=4e-4 * expected.max())


def test_a_psf_that_widens_over_the_field() -> None:
    """Every star, and every galaxy, has the PSF of its place."""
    width = FieldPolynomial([[1.0, 0.2], [0.4]], center_xy=(30.0, 30.0), scale_px=30.0)
    assert width(60.0, 45.0) == pytest.approx(1.0 + 0.4 + 0.1)
    psf = MoffatPSF(width, 3.0)
    catalog = Catalog.from_table(TABLE, **COLUMNS, **SHAPES)
    together = image_of(catalog, psf=psf)
    alone = np.zeros_like(together)
    for row, entry in enumerate(catalog.entries):
        assert entry.x is not None and entry.y is not None
        alone += image_of(Catalog((catalog.entries[row],)), psf=psf.at(entry.x, entry.y))
    assert_allclose(together, alone, rtol=0.0, atol=3e-4 * alone.max())


def test_airy_patterns_between_two_steps() -> None:
    for obstruction in (0.0, 0.333, 0.555):
        wavelength = 3.017e-6
        psf = AiryPSF(1.0, FieldPolynomial([[wavelength]]), obstruction)
        star = PointSource(30.2, 29.8, photon_rate=1.0)
        expected = image_of(star, psf=AiryPSF(1.0, wavelength, obstruction))
        assert_allclose(image_of(star, psf=psf), expected, rtol=0.0, atol=3e-4 * expected.max())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FieldPolynomial([]), "coefficients must be rows"),
        (lambda: FieldPolynomial([[np.nan]]), "coefficients must be rows"),
        (lambda: FieldPolynomial(3.0), "coefficients must be rows"),  # type: ignore[arg-type]
        (lambda: FieldPolynomial([[1.0]], scale_px=0.0), "scale_px must be > 0"),
        (lambda: FieldPolynomial([[1.0]], center_xy=(np.inf, 0.0)), "center_xy must be"),
        (
            lambda: image_of(
                PointSource(1.0, 2.0, photon_rate=1.0), psf=GaussianPSF(FieldPolynomial([[-1.0]]))
            ),
            r"fwhm_arcsec at \(1.0, 2.0\) must be > 0, got -1.0",
        ),
        (
            lambda: image_of(
                PointSource(1.0, 2.0, photon_rate=1.0), psf=MoffatPSF(1.0, FieldPolynomial([[1.0]]))
            ),
            r"beta at \(1.0, 2.0\) must be > 1",
        ),
        (
            lambda: image_of(
                PointSource(1.0, 2.0, photon_rate=1.0), psf=AiryPSF(1.0, 1e-6, FieldPolynomial([[1.0]]))
            ),
            r"obstruction at \(1.0, 2.0\) must be in \[0, 1\)",
        ),
        (lambda: GaussianPSF(FieldPolynomial([[1.0]])).lost_flux(1.0), "plain numbers here"),
        (lambda: GaussianPSF(FieldPolynomial([[0.0, 1.0]])).at(1.0, -1.0), "fwhm_arcsec must be > 0"),
    ],
)
def test_impossible_fields(make: Any, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        make()


@pytest.mark.parametrize("psf", [GaussianPSF(1.2), EllipticalGaussianPSF(1.2, 1.0, 20.0), OwnPSF()])
@pytest.mark.parametrize("fwhm", [0.4, 1.0, 3.0])
def test_diffusion_adds_its_variance(psf: PSF, fwhm: float) -> None:
    star = PointSource(30.0, 30.0, photon_rate=1.0)
    centre = np.hypot(*(np.mgrid[:SIZE, :SIZE] - 30)) < 12.0
    before, after = (image_of(star, psf=p) for p in (psf, DiffusedPSF(psf, fwhm)))
    assert_allclose(after.sum(), before.sum(), rtol=3e-3)
    widening = moments(after * centre)[0] - moments(before * centre)[0]
    assert_allclose(widening, (fwhm / 2.354820) ** 2, rtol=0.06, atol=4e-3)


class Delegating(PSF):
    """A PSF that nobody knows to be a mixture."""

    def __init__(self, psf: PSF) -> None:
        self.psf = psf

    def add_source(
        self, image: Any, x: float, y: float, flux: float, plate_scale_arcsec_per_pixel: float
    ) -> None:
        self.psf.add_source(image, x, y, flux, plate_scale_arcsec_per_pixel)


@pytest.mark.parametrize(
    "psf", [GaussianPSF(1.2), EllipticalGaussianPSF(1.2, 1.0, 20.0), MoffatPSF(1.2, 4.0)]
)
@pytest.mark.parametrize("fwhm", [0.4, 1.0, 3.0])
def test_both_ways_of_diffusion(psf: PSF, fwhm: float) -> None:
    """Variances added to a mixture, and the nodes of a rule, draw the same star."""
    star = PointSource(30.3, 29.6, photon_rate=1.0)
    added = image_of(star, psf=DiffusedPSF(psf, fwhm))
    drawn = image_of(star, psf=DiffusedPSF(Delegating(psf), fwhm))
    assert_allclose(drawn, added, rtol=0.0, atol=4e-4 * added.max())


@pytest.mark.parametrize("fwhm", [0.0, -1.0, np.nan, 101.0])
def test_impossible_diffusion(fwhm: float) -> None:
    with pytest.raises(DomainError, match="fwhm_px must be"):
        DiffusedPSF(GaussianPSF(1.0), fwhm)
