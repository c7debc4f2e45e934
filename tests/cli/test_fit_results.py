"""The steps after a fit: background, missing, postprocess."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from getframes.cli import main
from getframes.fit import PsfMixture, read_catalog, read_patch, write_catalog, write_psfs
from tests.behaviour.fit.fields import blank, exposed, wcs
from tests.behaviour.fit.fields import table as columns
from tests.cli.conftest import Command

SHAPE, CENTRE, NOISE, LEVEL = (48, 48), (0.0, 40.0), 0.05, 0.02
FIT = """
[catalog]
file = "catalog.fits"

[[images]]
file = "*_1.fits"

[psf]
file = "psfs.h5"

[optimize]
visits = 1

[sample]
draws = 12
warmup = 12
chains = 2
max_treedepth = 3

[output]
folder = "out"
"""


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A star and a galaxy in two bands, fitted; a star that the catalog lacks, and a background that is not fitted."""
    folder = tmp_path_factory.mktemp("fit")
    given = columns(3, side=20.0, bands=("r", "i"))
    given |= {
        "ra": np.array([0.0, 0.002, 359.998]),
        "dec": np.array([40.0, 40.003, 39.998]),
        "kind": ["star", "galaxy", "star"],
        "roi": np.array([20.0, 20.0, 9.0]),
        "rhalf": np.array([0.0, 1.2, 0.0]),
    }
    every = read_catalog(given, bands=("r", "i"))
    write_catalog(every.select([0, 1]), folder / "catalog.fits")
    write_psfs(folder / "psfs.h5", {"r": PsfMixture.gaussian(1.2), "i": PsfMixture.gaussian(1.5)})
    blanks = [
        blank(f"{band}_1", band, SHAPE, wcs(SHAPE, CENTRE, turn=turn), psf=PsfMixture.gaussian(sigma))
        for band, turn, sigma in (("r", 0.0, 1.2), ("i", 80.0, 1.5))
    ]
    for exposure in exposed(every, blanks, noise=NOISE):
        header = fits.Header({"FILTER": exposure.band}) + exposure.wcs.to_header()
        image = fits.ImageHDU(exposure.data + (LEVEL if exposure.band == "r" else 0.0), header, "SCI")
        error = fits.ImageHDU(np.full(SHAPE, NOISE), name="ERR")
        fits.HDUList([fits.PrimaryHDU(), image, error]).writeto(folder / f"{exposure.name}.fits")
    (folder / "scene.toml").write_text(FIT, encoding="utf-8")
    assert main(["fit", "optimize", str(folder / "scene.toml")]) == 0
    return folder


@pytest.fixture
def field(fitted: Path, tmp_path: Path) -> Path:
    shutil.copytree(fitted, tmp_path / "field")
    return tmp_path / "field"


def test_the_background_is_found_written_and_taken_off(field: Path, command: Command) -> None:
    """Sources take some of it at first, so that it takes a second round."""
    path, left = field / "scene.toml", []
    for _ in range(2):
        said = command("fit", "background", path, "--write")
        assert said.code == 0 and said.err == ""
        lines = said.out.splitlines()
        assert lines[-1].endswith("scene.toml: 2 backgrounds")
        told = dict(line.split(": ", 1) for line in lines[:2])
        left.append(float(told["r_1.fits"].split()[0]))
        shutil.rmtree(field / "out")
        assert command("fit", "optimize", path).code == 0
    assert 0.2 * LEVEL < left[0] < LEVEL
    assert abs(left[1]) < 0.5 * left[0]
    assert abs(sum(left) - LEVEL) < 0.4 * LEVEL
    assert command("fit", "background", path, "--write", "--least", "1e3").out.endswith("0 backgrounds\n")
    assert "[[background]]" not in path.read_text(encoding="utf-8")


def test_the_star_that_the_catalog_lacks_is_found_and_fitted(field: Path, command: Command) -> None:
    said = command("fit", "missing", field / "scene.toml", "-o", field / "more.fits", "--threshold", "7")
    assert said.code == 0 and said.out.splitlines()[-1].endswith("more.fits: 1 new of 3")
    more = read_catalog(field / "more.fits")
    assert more.good.all() and more.id[2] == more.id[:2].max() + 1
    off = (more.position[2] - [359.998, 39.998]) * 3600.0
    assert np.abs(off).max() < 0.3
    whole = command(
        "fit", "missing", field / "scene.toml", "-o", field / "whole.fits", "--whole", "--threshold", "7"
    )
    assert whole.out.splitlines()[0] == said.out.splitlines()[0]
    assert command("fit", "missing", field / "scene.toml", "-o", field / "more.fits").code == 1


def test_a_fit_becomes_images_tables_and_catalogs(field: Path, command: Command) -> None:
    root = field / "out"
    words = ["fit", "postprocess", "--root", root, "--mode"]
    said = command(*words, "images", "patches", "catalog", "postop", "--fit", field / "scene.toml")
    assert said.code == 0 and said.err == ""
    with fits.open(root / "images" / "r_1.fits") as units:
        pull = (units["RESIDUAL"].data * np.sqrt(units["WEIGHT"].data))[np.isfinite(units["RESIDUAL"].data)]
        assert 0.5 < np.std(np.sort(pull)[:-60]) < 1.3
        with fits.open(field / "r_1.fits") as image:
            total = units["RESIDUAL"].data + units["MODEL"].data
            seen = np.isfinite(total)
            np.testing.assert_allclose(total[seen], image["SCI"].data[seen], atol=1e-5)
    patches = Table.read(root / "patches.ecsv")
    assert set(patches["task"]) == {"optimize"} and (patches["pixels"] > 100).all()
    percentiles = Table.read(root / "percentiles.fits")
    assert (percentiles["r_p16"] < percentiles["r_p84"]).all()
    assert percentiles["covariance"].shape == (2, 8, 8) and "flux_i" in percentiles.meta["COVNAMES"]
    postop = read_catalog(root / "postop.fits")
    assert postop.good.all() and (postop.column("r_err") > 0.0).all()
    assert command(*words, "patches").code == 1
    assert command(*words, "patches", "--overwrite").code == 0
    renamed = command(*words, "postop", "--catname", "results.fits")
    assert renamed.code == 0 and read_catalog(root / "results.fits").good.all()


def test_chains_of_a_sampled_fit_are_drawn(field: Path, command: Command) -> None:
    done = command("fit", "sample", field / "scene.toml", "--report")
    assert done.code == 0 and done.out.splitlines()[-1] == str(field / "out" / "report" / "index.html")
    page = (field / "out" / "report" / "index.html").read_text(encoding="utf-8")
    assert page.count("_corner.png") == 6 and "effective draws" in page
    assert command("fit", "postprocess", "--root", field / "out", "--mode", "report").code == 1  # it is there
    said = command("fit", "postprocess", "--root", field / "out", "--mode", "chains", "catalog")
    assert said.code == 0
    ids = read_catalog(field / "catalog.fits").id.tolist()
    names = sorted(path.name for path in (field / "out" / "chains").iterdir())
    assert names == sorted(f"{number}_{kind}.png" for number in ids for kind in ("trace", "corner"))
    assert (Table.read(field / "out" / "percentiles.fits")["draws"] == 24).all()
    patch = read_patch(next((field / "out" / "patches").glob("sample*.h5")))
    assert patch["posterior"].draws.shape[1] == 12


def test_what_is_not_there_is_said(field: Path, tmp_path: Path, command: Command) -> None:
    record = field / "out" / "fit.run.json"
    record.write_text("{", encoding="utf-8")
    said = command("fit", "postprocess", "--root", field / "out", "--mode", "images")
    assert said.code == 1 and "fit.run.json is damaged" in said.err
    record.unlink()
    toml = field / "scene.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + "patches = false\n", encoding="utf-8")
    said = command("fit", toml, "--report")
    assert said.code == 2 and "output.patches must be true for --report, got False" in said.err
    for words, text in (
        (["--root", field / "out", "--mode", "images"], "--fit names it"),
        (["--root", tmp_path, "--mode", "patches"], "there is no file of a patch"),
        (["--root", tmp_path, "--mode", "postop"], "catalog.fits: there is no such file"),
        (
            ["--root", field / "out", "--mode", "postop", "catalog", "--catname", "x.fits"],
            "given with one mode",
        ),
    ):
        said = command("fit", "postprocess", *words)
        assert said.code == 2 and text in said.err
