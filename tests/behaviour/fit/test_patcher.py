"""Patches of pixels: what is in them, what was taken off, and what was left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from getframes.errors import DomainError
from getframes.fit import Normal, Patcher, PsfMixture, Region, Uniform, prepare_model, read_catalog
from getframes.fit.source import parameters_of
from tests.behaviour.fit.fields import blank, catalog, exposed, fluxes_only, table, wcs

CENTRE = (0.0, 40.0)
SHAPE = (90, 110)


def region_of(source: Any, rows: np.ndarray) -> Region:
    return Region(
        id=3,
        seed=9,
        ra=rows["ra"],
        dec=rows["dec"],
        radius=source.roi[np.isin(source.id, rows["id"])],
        sky=source.sky,
    )


def patch_of(
    patcher: Patcher, source: Any, active: np.ndarray, fixed: np.ndarray | None = None, **more: Any
) -> Any:
    bounds = np.tile([-np.inf, np.inf], (len(parameters_of(active)), 1))
    return patcher.build_patch(region_of(source, active), active, fixed, bounds=bounds, **more)


@pytest.fixture(scope="module")
def field() -> Any:
    """Twenty sources in two bands on three exposures, turned and scaled."""
    source = catalog(20, side=60.0, bands=("r", "i"))
    exposures = [
        blank("r1", "r", SHAPE, wcs(SHAPE, CENTRE, scale=0.8), flux_scale=2.0),
        blank(
            "r2", "r", SHAPE, wcs(SHAPE, (0.002, 40.003), scale=1.1, turn=35.0), psf=PsfMixture.gaussian(1.8)
        ),
        blank("i1", "i", SHAPE, wcs(SHAPE, CENTRE, scale=0.9, turn=200.0), flux_scale=0.5, background=1),
    ]
    return source, exposed(source, exposures)


def test_pixels_are_those_within_the_circles(field: Any) -> None:
    source, exposures = field
    active = source.sources()[[2, 5]]
    patch = patch_of(Patcher(exposures, bands=source.bands), source, active)
    radius = source.roi[[2, 5]]
    for exposure, image in zip(patch.exposures, exposures, strict=True):
        x = (exposure.x[:, None] + np.arange(64) % 8).astype(float)
        y = (exposure.y[:, None] + np.arange(64) // 8).astype(float)
        ra, dec = image.wcs.all_pix2world(x.ravel(), y.ravel(), 0)
        east = ((ra[:, None] - active["ra"] + 180) % 360 - 180) * np.cos(np.deg2rad(active["dec"]))
        apart = 3600 * np.hypot(east, dec[:, None] - active["dec"])
        inside = (apart < radius - 0.01).any(axis=1).reshape(x.shape)
        outside = (apart > radius + 0.01).all(axis=1).reshape(x.shape)
        on_image = (x < SHAPE[1]) & (y < SHAPE[0])
        assert (exposure.weight[inside & on_image] == 1).all() and not exposure.weight[outside].any()
        assert not exposure.data[exposure.weight == 0].any()
        count = np.pi * radius**2 * abs(np.linalg.det(exposure.jacobian)).mean()
        assert exposure.n_pixels < 1.1 * count.sum()
    assert [each.name for each in patch.exposures] == ["r1", "r2", "i1"]
    assert (patch.id, patch.seed, patch.bands) == (3, 9, ("r", "i"))


def test_fixed_neighbours_are_taken_off(field: Any) -> None:
    """Those of all others: what is left is the light of the active ones."""
    source, exposures = field
    rows, patcher = source.sources(), Patcher(exposures, bands=source.bands)
    chosen = np.arange(20) < 4
    patch = patch_of(patcher, source, rows[chosen], rows[~chosen])
    assert patch.fixed.tolist() == rows["id"][~chosen].tolist()
    for exposure, light in zip(patch.exposures, patch.rendered(patch.parameters), strict=True):
        assert_allclose(exposure.data, np.where(exposure.weight > 0, light, 0.0), atol=1e-9)
    found = fluxes_only(patch)
    assert_allclose(found.parameters[: len(patch.names)], patch.parameters, rtol=1e-8)
    with_neighbours = patch_of(patcher, source, rows[chosen])
    assert (
        max(
            np.abs(each.data - other.data).max()
            for each, other in zip(patch.exposures, with_neighbours.exposures, strict=True)
        )
        > 0.1
    )


def test_no_input_is_changed(field: Any) -> None:
    source, exposures = field
    rows = source.sources()
    before = [each.data.copy() for each in exposures]
    patch_of(Patcher(exposures, bands=source.bands), source, rows[:4], rows[4:])
    assert_array_equal(rows, source.sources())
    for exposure, data in zip(exposures, before, strict=True):
        assert_array_equal(exposure.data, data)


def test_sources_that_nothing_sees(field: Any) -> None:
    """Off the image, masked, or in one band alone."""
    source, exposures = field
    rows = source.sources()[:4]
    rows["dec"][0] += 0.1
    position = exposures[2].linearized(rows["ra"], rows["dec"])[0][2]
    y, x = np.indices(SHAPE)
    hole = np.hypot(x - position[0], y - position[1]) < 12
    masked = [*exposures[:2], replace(exposures[2], weight=np.where(hole, 0.0, exposures[2].weight))]
    bounds = np.arange(2.0 * len(parameters_of(rows))).reshape(-1, 2)
    covariance = np.arange(float(len(bounds)) ** 2).reshape(len(bounds), -1)
    patcher = Patcher(masked, bands=source.bands)
    patch = patcher.build_patch(
        region_of(source, rows), rows, bounds=bounds, covariance=covariance, visits=np.arange(4), draws=10
    )
    assert patch.sources["id"].tolist() == [1001, 1002, 1003]
    assert patch.visits.tolist() == [1, 2, 3] and patch.draws.tolist() == [10] * 3
    assert patch.bounds[patch.names.index("dra[1001]")].tolist() == [4, 5]
    assert patch.covariance is not None and patch.covariance.shape == (len(patch.names),) * 2
    assert patch.bounds[-1].tolist() == bounds[-1].tolist()
    assert list(patch.priors) == ["flux_i[1002]"]
    prior = patch.priors["flux_i[1002]"]
    assert prior.mean == rows["flux"][2, 1] and prior.sigma == rows["flux"][1:].max()
    model = prepare_model(replace(patch, covariance=None, bounds=np.tile([-0.5, 0.5], (len(patch.names), 1))))
    laws = dict(zip(model.names, model.priors, strict=False))
    assert isinstance(laws["flux_i[1002]"], Normal) and isinstance(laws["flux_i[1001]"], Uniform)


def test_no_pixels_at_all(field: Any) -> None:
    source, exposures = field
    rows = source.sources()[:3]
    rows["ra"] += 90.0
    patch = patch_of(Patcher(exposures, bands=source.bands), source, rows, source.sources()[3:5])
    assert len(patch.sources) == 0 and patch.exposures == () and patch.n_pixels == 0


def test_the_other_side_of_the_sky(field: Any) -> None:
    """Where a tangent plane has no answer."""
    source, exposures = field
    rows = source.sources()[:2]
    rows["ra"][1] += 180.0
    rows["dec"][1] *= -1.0
    assert patch_of(Patcher(exposures, bands=source.bands), source, rows).sources["id"].tolist() == [1000]


def test_images_without_wcs() -> None:
    rows = table(6, side=60.0)
    del rows["ra"], rows["dec"]
    x, y = np.random.default_rng(1).uniform(10, 70, (2, 6))
    source = read_catalog(rows | {"x": x, "y": y}, bands=("r",))
    exposures = exposed(source, [blank("a", "r", (80, 80), None)])
    patcher = Patcher(exposures)
    patch = patch_of(patcher, source, source.sources()[:3], source.sources()[3:])
    assert_array_equal(patch.exposures[0].position, np.stack([x, y], axis=1)[:3])
    assert_allclose(fluxes_only(patch).parameters, patch.parameters, rtol=1e-8)
    with pytest.raises(
        DomainError, match="positions of the catalog must be x and y: images have no WCS, got 'ra and dec'"
    ):
        patch_of(patcher, catalog(3), catalog(3).sources())


def test_bands_and_psfs(field: Any) -> None:
    source, exposures = field
    one = source.sources()[:1]
    patcher = Patcher(
        exposures, {"r": PsfMixture.gaussian(2.0), "r2": PsfMixture.gaussian(3.0)}, bands=("r", "i")
    )
    patch = patch_of(patcher, source, one)
    assert [each.psf[0, 0, 3] for each in patch.exposures] == [4.0, 9.0, pytest.approx(1.44)]
    assert Patcher(exposures).bands == ("r", "i")
    assert len(Patcher(exposures, bands=("i",)).images) == 1


@pytest.mark.parametrize(
    ("images", "text"),
    [
        ([], r"images must be of the bands .*, one at least, got"),
        (2 * [blank("a", "r", (20, 20), None)], r"names of images must be their own, each once, got \['a'\]"),
        (
            [blank("a", "r", (20, 20), None, psf=None)],
            r"PSF of a must be given, by the name of the image or of its band 'r', got \[\]",
        ),
        (
            [blank("a", "r", (20, 20), None), blank("b", "r", (20, 20), wcs((20, 20), CENTRE))],
            "WCS of b must be",
        ),
    ],
)
def test_images_that_do_not_go_together(images: Any, text: str) -> None:
    with pytest.raises(DomainError, match=text):
        Patcher(images)


def test_images_that_tell_nothing(field: Any) -> None:
    source, exposures = field
    rows = source.sources()
    assert Patcher(exposures).idle(rows, 5.0) == []
    shape = (20, 20)
    away = blank("away", "r", shape, wcs(shape, (180.0, CENTRE[1])))
    red = blank("red", "z", shape, wcs(shape, CENTRE))
    told = Patcher([*exposures, away, red], bands=("r", "i", "g")).idle(rows, 5.0)
    assert told == [
        "red is of the band z, which is not fitted",
        "there is none of the band g: its fluxes stay those of the catalog",
        "away sees no source of the catalog: is its WCS right?",
    ]
    assert Patcher([*exposures, away]).idle(rows, 1e9) == []
