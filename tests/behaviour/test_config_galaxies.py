"""Galaxies in experiment files: what they become, and what is refused, with its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from getframes.config.experiment import read_experiment
from getframes.errors import ConfigError

HEAD = """
[camera]
preset = "generic_ccd"
resolution = [40, 50]
[frame]
type = "science"
exposure_s = 1.0
[scene.optics]
aperture_diameter_m = 1.0
plate_scale_arcsec_per_pixel = 0.5
[scene.psf]
type = "gaussian"
fwhm_arcsec = 1.0
"""
SERSIC = "[[scene.sources]]\ntype = 'sersic'\nx = 20\ny = 18\nphoton_rate = 10.0\nr_eff_arcsec = 1.0\n"
WCS = "[scene.wcs]\ncrval_ra_deg = 10.0\ncrval_dec_deg = 0.0\n"


def read(folder: Path, text: str):  # type: ignore[no-untyped-def]
    file = folder / "experiment.toml"
    file.write_text(HEAD + text, encoding="utf-8")
    return read_experiment(file)


def test_galaxies_of_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "light.npy", np.ones((3, 5)))
    (tmp_path / "rows.csv").write_text("x,y,rate,re,q\n10,12,5.0,1.0,0.3\n30,20,5.0,0.0,0.0\n")
    text = (
        SERSIC
        + "n = 4\nellipticity = 0.5\nposition_angle_deg = 30\n"
        + "[[scene.sources]]\ntype = 'array'\nfile = 'light.npy'\nra = 10\ndec = 0\nphoton_rate = 2.0\nconvolved = true\n"
        + "[scene.catalog]\nfile = 'rows.csv'\nx = 'x'\ny = 'y'\nphoton_rate = 'rate'\nr_eff = 're'\nellipticity = 'q'\n"
        + WCS
    )
    scene = read(tmp_path, text).scene.build((40, 50))
    galaxy, light, rows = scene.sources
    assert (galaxy.sersic_n, galaxy.ellipticity, galaxy.position_angle_deg) == (4.0, 0.5, 30.0)
    assert light.convolved and light.profile.shape == (3, 5) and light.ra_deg == 10.0
    assert rows.entries[0].ellipticity == 0.3 and rows.entries[1].r_eff_arcsec == 0.0
    assert scene.photon_rate_map().sum() == pytest.approx(22.0, rel=0.02)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SERSIC + "n = 0.3\n", r"n must be in \[0.5, 8\]"),
        (SERSIC + "ellipticity = 1.0\n", r"ellipticity must be in \[0, 1\)"),
        (SERSIC.replace("r_eff_arcsec = 1.0", "r_eff_arcsec = 0.0"), "r_eff_arcsec must be > 0"),
        (SERSIC.replace("r_eff_arcsec = 1.0\n", ""), "needs 'r_eff_arcsec'"),
        (SERSIC.replace("x = 20\n", ""), "needs 'x' and 'y', or 'ra' and 'dec'"),
        (SERSIC + "magnitude = 3.0\n", "needs 'magnitude' or 'photon_rate', one of them"),
        (SERSIC.replace("photon_rate", "magnitude"), "a magnitude needs 'band'"),
        (SERSIC.replace("x = 20\ny = 18", "ra = 1.0\ndec = 1.0"), r"needs a \[scene.wcs\]"),
        (SERSIC + "sersic_n = 2.0\n", "sersic_n"),
        (
            "[[scene.sources]]\ntype = 'array'\nfile = 'no.npy'\nx = 1\ny = 1\nphoton_rate = 1.0\n",
            "no such file",
        ),
        (
            "[scene.catalog]\nfile = 'pleiades'\nr_eff = 're'\n" + WCS,
            "the columns of 'pleiades' are known; leave 'r_eff' out",
        ),
    ],
)
def test_what_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, text)


def test_a_shape_needs_a_radius(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,y,rate,n\n10,12,5.0,1.0\n")
    text = "[scene.catalog]\nfile = 'rows.csv'\nx = 'x'\ny = 'y'\nphoton_rate = 'rate'\nn = 'n'\n"
    with pytest.raises(ConfigError, match="'n' needs 'r_eff'"):
        read(tmp_path, text)
