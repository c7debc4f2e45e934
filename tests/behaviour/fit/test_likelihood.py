"""What the likelihood says about input that is none."""

from __future__ import annotations

import numpy as np
import pytest

from getframes._native import fit as native
from getframes.errors import DomainError, ShapeError
from tests.parity.fit.scenes import likelihood, scene

SCENE, SHAPES = scene(0)
LIKELIHOOD = likelihood(SCENE)


def changed(name, at, value):
    array = getattr(SCENE, name).copy()
    array[at] = value
    return {name: array}


@pytest.mark.parametrize(
    "name",
    [
        "tile_y",
        "tile_exposure",
        "data",
        "weight",
        "flux_scale",
        "background",
        "position",
        "jacobian",
        "psf_of",
    ],
)
def test_shapes_that_do_not_fit_are_named(name):
    with pytest.raises(ShapeError, match=f"{name} must have shape"):
        likelihood(SCENE, **{name: np.ascontiguousarray(getattr(SCENE, name)[:-1])})


def test_a_mixture_has_six_columns():
    with pytest.raises(ShapeError, match="psf must have shape"):
        likelihood(SCENE, psf=np.ones((1, 2, 5)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed("tile_exposure", 1, 3), "tile_exposure must be the number of an exposure, got 3 at tile 1"),
        (changed("tile_exposure", 1, -1), "tile_exposure must be >= 0, got -1"),
        ({"bands": 1}, "band must be the number of a band, got 1 for exposure 1"),
        (changed("band", 0, -2), "band must be >= 0, got -2"),
        (changed("flux_scale", 2, 0.0), "flux_scale must be > 0 counts per flux, got 0 for exposure 2"),
        (changed("background", 0, 2), "background must be 0, 1 or 3 coefficients, got 2 for exposure 0"),
        (changed("kind", 0, 2), r"kind must be 0 \(star\) or 1 \(galaxy\), got 2"),
        (changed("psf_of", (1, 2), 9), "psf_of must be the number of a PSF, got 9 for exposure 1, source 2"),
        (
            changed("weight", (2, 5), -1.0),
            r"weight must be >= 0 \(inverse variance\), got -1 at tile 2, pixel 5",
        ),
        (changed("weight", (2, 5), np.nan), "weight must be finite, got NaN at"),
        (
            changed("jacobian", (1, 0), 0.0),
            "jacobian must be finite with a determinant, .* got 0 for exposure 1, source 0",
        ),
        (changed("position", (1, 0, 0), np.inf), "jacobian must be finite .* at a finite position"),
        (changed("psf", (1, 0, 3), -1.0), "determinant of a covariance must be > 0 pixel.*for PSF 1"),
        (changed("psf", (1, 0, 1), np.nan), "Gaussian must be finite, got NaN for PSF 1"),
        (
            changed("psf", (0, slice(None), 0), 0.0),
            "psf must be a mixture of at least one Gaussian.*for PSF 0",
        ),
    ],
)
def test_a_scene_that_breaks_a_rule(change, words):
    with pytest.raises(DomainError, match=words):
        likelihood(SCENE, **change)


def test_data_may_be_anything_where_the_weight_is_zero_only():
    masked = SCENE.weight == 0.0
    likelihood(SCENE, data=np.where(masked, np.nan, SCENE.data))
    tile, pixel = np.argwhere(~masked)[7]
    with pytest.raises(
        DomainError,
        match=f"data must be finite where the weight is not 0, got inf at tile {tile}, pixel {pixel}",
    ):
        likelihood(SCENE, **changed("data", (tile, pixel), np.inf))


@pytest.mark.parametrize(
    ("number", "value", "words"),
    [
        (2, -0.1, "rhalf must be >= 0 arcsec, got -0.1 for source 0"),
        (9, 0.4, r"sersic must be in \[0.5, 8\], got 0.4 for source 1"),
        (9, 8.1, r"sersic must be in \[0.5, 8\], got 8.1 for source 1"),
        (10, 1.0, r"shear \|g\| must be < 1, got 1 for source 1"),
        (12, np.nan, "source must be finite, got NaN for source 2"),
    ],
)
def test_shapes_that_are_no_sources(number, value, words):
    shapes = SHAPES.copy()
    shapes[number] = value
    linear = np.zeros(LIKELIHOOD.linear)
    for ask in (
        lambda: LIKELIHOOD.value_and_gradient(shapes, linear),
        lambda: LIKELIHOOD.model(shapes, linear),
        lambda: LIKELIHOOD.marginal(shapes, linear, linear + 1.0),
        lambda: LIKELIHOOD.solve(shapes, linear, linear + 1.0),
    ):
        with pytest.raises(DomainError, match=words):
            ask()


def test_parameters_that_are_too_few_or_no_numbers():
    linear = np.zeros(LIKELIHOOD.linear)
    with pytest.raises(ShapeError, match="shapes must have shape"):
        LIKELIHOOD.model(SHAPES[:-1], linear)
    with pytest.raises(ShapeError, match="linear must have shape"):
        LIKELIHOOD.model(SHAPES, linear[:-1])
    with pytest.raises(DomainError, match="linear must be finite, got NaN at 0"):
        LIKELIHOOD.value_and_gradient(SHAPES, linear * np.nan)
    with pytest.raises(ShapeError, match="prior_mean must have shape"):
        LIKELIHOOD.solve(SHAPES, linear[:-1], linear)
    with pytest.raises(DomainError, match="prior_precision must be >= 0, got -1"):
        LIKELIHOOD.marginal(SHAPES, linear, linear - 1.0)


def test_nothing_to_see():
    """Without tiles, or without sources, there is a likelihood: 0, or that of the data alone."""
    empty = {
        name: getattr(SCENE, name)[:0] for name in ("tile_x", "tile_y", "tile_exposure", "data", "weight")
    }
    none = likelihood(SCENE, **empty)
    value, slopes, _ = none.value_and_gradient(SHAPES, np.zeros(none.linear))
    assert value == 0.0
    assert (slopes == 0.0).all()
    nobody = likelihood(
        SCENE,
        kind=np.zeros(0, np.int32),
        position=np.zeros((3, 0, 2)),
        jacobian=np.zeros((3, 0, 2, 2)),
        psf_of=np.zeros((3, 0), np.int32),
    )
    value, _, _ = nobody.value_and_gradient(np.zeros(0), np.zeros(nobody.linear))
    assert value == pytest.approx(-0.5 * (SCENE.weight * SCENE.data**2).sum())


def test_a_gaussian_and_a_source_of_their_own():
    numbers = np.zeros((8, 8))
    with pytest.raises(ShapeError, match="component must have shape"):
        native.gaussian(np.ones(5), (0, 0), numbers)
    with pytest.raises(DomainError, match="determinant of a covariance must be > 0"):
        native.gaussian(np.array([1.0, 0.0, 0.0, 1.0, 2.0, 1.0]), (0, 0), numbers)
    with pytest.raises(ShapeError, match="source must have shape"):
        native.mixture(np.ones(3), (0.0, 0.0), [[1.0, 0.0], [0.0, 1.0]], np.ones((1, 6)))
