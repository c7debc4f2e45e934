"""A patch: the order of its parameters, and how it is packed."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import getframes.fit
from getframes.errors import DomainError, ShapeError
from getframes.fit import Patch, PatchExposure
from getframes.fit.source import GALAXY, STAR, parameter_positions, source_dtype


def sources() -> Any:
    rows = np.zeros(2, source_dtype(2))
    rows["id"], rows["kind"] = (17, 4), (STAR, GALAXY)
    rows["dra"], rows["ddec"], rows["flux"] = (1, 3), (2, 4), [[20, 21], [22, 23]]
    rows[1]["rhalf"], rows[1]["sersic"], rows[1]["g1"], rows[1]["g2"] = 5, 6, 7, 8
    return rows


def exposure(tiles: int, gaussians: int, background: int) -> PatchExposure:
    psf = np.arange(2 * gaussians * 6, dtype=float).reshape(2, gaussians, 6)
    return PatchExposure(
        name=f"e{tiles}",
        band=tiles % 2,
        flux_scale=tiles,
        background=background,
        x=8 * np.arange(tiles, dtype=np.int32),
        y=np.zeros(tiles, np.int32),
        data=np.full((tiles, 64), tiles),
        weight=np.eye(tiles, 64),
        position=np.full((2, 2), tiles),
        jacobian=np.full((2, 2, 2), tiles),
        psf=psf,
    )


def patch(**changed: Any) -> Patch:
    given: dict[str, Any] = {
        "sources": sources(),
        "bands": ("r", "i"),
        "exposures": (exposure(2, 1, 1), exposure(3, 2, 3)),
        "bounds": np.tile([-np.inf, np.inf], (12, 1)),
        "visits": np.zeros(2, np.int64),
        "draws": np.zeros(2, np.int64),
    }
    return Patch(**{**given, **changed})


def test_parameters_are_shapes_then_fluxes() -> None:
    made = patch()
    assert made.names == (
        "dra[17]", "ddec[17]", "dra[4]", "ddec[4]", "rhalf[4]", "sersic[4]", "g1[4]", "g2[4]",
        "flux_r[17]", "flux_i[17]", "flux_r[4]", "flux_i[4]",
    )  # fmt: skip
    assert made.parameters.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 20, 21, 22, 23]
    assert (made.n_shapes, made.n_linear, made.n_pixels) == (8, 8, 5)
    assert [places.tolist() for places in parameter_positions(made.sources)] == [
        [0, 1, 8, 9],
        [2, 3, 4, 5, 6, 7, 10, 11],
    ]


def test_filling_leaves_the_patch_as_it_was() -> None:
    made = patch()
    wanted = np.arange(12.0) + 100
    filled = made.filled(wanted)
    assert dataclasses.replace(made, sources=filled).parameters.tolist() == wanted.tolist()
    assert_array_equal(made.sources, sources())
    assert_array_equal(filled["id"], [17, 4])


def test_packed() -> None:
    packed = patch().packed()
    assert packed.pop("bands") == 2
    assert {name: value.shape for name, value in packed.items()} == {
        "tile_x": (5,), "tile_y": (5,), "tile_exposure": (5,), "data": (5, 64), "weight": (5, 64),
        "band": (2,), "flux_scale": (2,), "background": (2,), "kind": (2,),
        "position": (2, 2, 2), "jacobian": (2, 2, 2, 2), "psf_of": (2, 2), "psf": (4, 2, 6),
    }  # fmt: skip
    assert packed["tile_exposure"].tolist() == [0, 0, 1, 1, 1]
    assert packed["psf"][packed["psf_of"][1, 1]].tolist() == exposure(3, 2, 3).psf[1].tolist()
    assert packed["psf"][packed["psf_of"][0, 1]].tolist() == [[6, 7, 8, 9, 10, 11], [0, 0, 0, 1, 0, 1]]
    assert all(value.flags.c_contiguous for value in packed.values())


def test_a_patch_that_no_exposure_sees() -> None:
    packed = patch(exposures=()).packed()
    assert packed["data"].shape == (0, 64) and packed["position"].shape == (0, 2, 2)


@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({"bounds": np.zeros((3, 2))}, ShapeError, r"Patch.bounds must have shape \(12, 2\), got \(3, 2\)"),
        ({"bounds": np.tile([1.0, 0.0], (12, 1))}, DomainError, r"bounds of dra\[17\] must be in order"),
        ({"covariance": np.eye(3)}, ShapeError, "Patch.covariance"),
        ({"visits": np.zeros(3)}, ShapeError, "Patch.visits"),
        ({"bands": ("r",)}, ShapeError, "a flux for each of"),
        ({"exposures": (dataclasses.replace(exposure(1, 1, 0), band=2),)}, DomainError, "band of e1"),
    ],
)
def test_what_does_not_fit(changed: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        patch(**changed)


def test_names_are_loaded_when_they_are_used() -> None:
    assert set(dir(getframes.fit)) == set(getframes.fit.__all__)
    assert all(getattr(getframes.fit, name) for name in getframes.fit.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getframes.fit.nothing  # noqa: B018
