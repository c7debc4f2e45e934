"""The loop closed: a frame of the simulator, its PSF as a mixture, and a fit that brings back what went in."""

from __future__ import annotations

import numpy as np
import pytest

from getframes import Catalog, MoffatPSF, Scene, Telescope
from getframes.fit import Exposure, Patcher, PsfMixture, Region, fit_psf, optimize, read_catalog
from getframes.psfmatch import ScenePSF

SHAPE, NOISE = (64, 64), 3.0
PSF = MoffatPSF(2.8, 3.5)


def truth() -> dict[str, np.ndarray]:
    return {
        "id": np.array([1, 2]),
        "x": np.array([28.3, 38.6]),
        "y": np.array([30.1, 34.4]),
        "rhalf": np.array([4.0, 0.0]),
        "sersic": np.array([1.5, 1.0]),
        "q": np.array([0.6, 1.0]),
        "pa": np.array([35.0, 0.0]),
        "roi": np.array([26.0, 26.0]),
        "r": np.array([30000.0, 9000.0]),
    }


@pytest.fixture(scope="module")
def psf() -> PsfMixture:
    return fit_psf(ScenePSF(PSF, 1.0, side=41).stamp(0, 0), 4)


def test_a_galaxy_and_a_star_of_the_simulator(psf):
    given = truth()
    entries = {"x": given["x"], "y": given["y"], "photon_rate": given["r"], "r_eff_arcsec": given["rhalf"]}
    entries |= {
        "sersic_n": given["sersic"],
        "ellipticity": 1.0 - given["q"],
        "position_angle_deg": given["pa"],
    }
    image = Scene(SHAPE, Telescope.unit(), PSF, [Catalog.from_columns(entries)]).photon_rate_map()
    image = image + np.random.default_rng(8).normal(0.0, NOISE, SHAPE)
    seen = Exposure.of(image, np.full(SHAPE, NOISE), name="e", band="r", psf=psf)
    guess = {**given, "r": 0.8 * given["r"], "x": given["x"] + 0.4, "rhalf": 1.2 * given["rhalf"]}
    rows = read_catalog(guess, bands=["r"]).sources()
    region = Region(id=0, seed=1, ra=rows["ra"], dec=rows["dec"], radius=given["roi"], sky=False)
    near, any_flux = [(-3.0, 3.0)] * 2, [(-np.inf, np.inf)] * 2
    bounds = [*near, (0.5, 15.0), (0.5, 6.0), (-0.65, 0.65), (-0.65, 0.65), *near, *any_flux]
    patch = Patcher([seen]).build_patch(region, rows, bounds=np.array(bounds))
    found = optimize(patch)
    expected = read_catalog(given, bands=["r"]).sources()
    names = [name.split("[")[0] for name in patch.names]
    wanted = []
    for name, number in zip(names, [1] * 6 + [2] * 2 + [1, 2], strict=True):
        row, start = expected[number - 1], rows[number - 1]
        place = {"dra": row["ra"] - start["ra"], "ddec": row["dec"] - start["dec"], "flux_r": row["flux"][0]}
        wanted.append(place[name] if name in place else row[name])
    pull = (found.parameters[:10] - wanted) / np.sqrt(np.diag(found.covariance)[:10])
    assert found.converged, found.status
    assert np.abs(pull).max() < 4.0
