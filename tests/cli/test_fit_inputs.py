"""`getframes fit psf` and `getframes fit preprocess`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from getframes.fit import PsfField, PsfMixture, read_psfs, read_store, store_content
from getframes.psfmatch import MixturePSF, PixelPSF, write_psf
from tests.cli.conftest import Command

NARROW, WIDE = (MixturePSF([1.0], [sigma], side=21) for sigma in (1.2, 1.5))


def stamp_file(path: Path, band: str | None, pixels: np.ndarray) -> Path:
    fits.PrimaryHDU(pixels, fits.Header({} if band is None else {"FILTER": band})).writeto(path)
    return path


def image_file(path: Path, band: str, **cards: object) -> Path:
    image = fits.ImageHDU(
        np.ones((30, 40)), fits.Header({"FILTER": band, "BUNIT": "nJy", **cards}), name="SCI"
    )
    fits.HDUList([fits.PrimaryHDU(), image, fits.ImageHDU(np.full((30, 40), 4.0), name="VARIANCE")]).writeto(
        path
    )
    return path


def test_stamps_of_every_kind_become_mixtures(tmp_path: Path, command: Command) -> None:
    one = stamp_file(tmp_path / "a.fits", "F090W", NARROW.stamp(0, 0))
    grid = tmp_path / "b.fits"
    stamps = np.array([[NARROW.stamp(0, 0), WIDE.stamp(0, 0)]])
    write_psf(PixelPSF(stamps, [0.0, 99.0], [0.0]), grid)
    with fits.open(grid, mode="update") as units:
        units[0].header["FILTER"] = "F115W"
    said = command("fit", "psf", one, grid, "--components", 1, "-o", tmp_path / "psfs.h5")
    assert said.code == 0 and said.err == ""
    lines = said.out.splitlines()
    assert lines[0].startswith("F090W        rms ") and lines[1].endswith("the worst of 2 positions")
    found = read_psfs(tmp_path / "psfs.h5")
    assert isinstance(found["F090W"], PsfMixture) and isinstance(found["F115W"], PsfField)
    np.testing.assert_allclose(found["F090W"].components[0, 3], 1.44, rtol=1e-4)
    np.testing.assert_allclose(found["F115W"].at(99.0, 0.0).components[0, 3], 2.25, rtol=1e-4)
    again = command("fit", "psf", one, "--components", 1, "-o", tmp_path / "psfs.h5")
    assert again.code == 1 and "--overwrite" in again.err


def test_mixtures_by_image(tmp_path: Path, command: Command) -> None:
    write_psf(NARROW, tmp_path / "a.npz")
    said = command(
        "fit", "psf", tmp_path / "a.npz", "--by", "image", "--components", 1, "-o", tmp_path / "p.h5"
    )
    assert said.code == 0 and list(read_psfs(tmp_path / "p.h5")) == ["a.npz"]


def test_a_mixture_by_a_band_that_is_given(tmp_path: Path, command: Command) -> None:
    nameless = stamp_file(tmp_path / "a.fits", None, NARROW.stamp(0, 0))
    words = ("--components", 1, "--band", "r", "-o", tmp_path / "p.h5")
    assert command("fit", "psf", nameless, *words).code == 0
    assert list(read_psfs(tmp_path / "p.h5")) == ["r"]
    said = command("fit", "psf", nameless, nameless, *words, "--overwrite")
    assert said.code == 2 and "--band must be given with one file, got 2" in said.err


def test_an_image_is_no_stamp(tmp_path: Path, command: Command) -> None:
    noise = np.random.default_rng(1).normal(1.0, 1.0, (30, 30))
    said = command(
        "fit", "psf", stamp_file(tmp_path / "a.fits", "r", noise), "--components", 1, "-o", tmp_path / "p.h5"
    )
    assert said.code == 0 and "r: is it the stamp of a PSF? The mixture misses it by" in said.err


def test_what_is_wrong_with_stamps_is_said(tmp_path: Path, command: Command) -> None:
    nameless = stamp_file(tmp_path / "a.fits", None, NARROW.stamp(0, 0))
    twice = [stamp_file(tmp_path / f"{name}.fits", "r", NARROW.stamp(0, 0)) for name in "bc"]
    oblong = stamp_file(tmp_path / "d.fits", "r", np.ones((20, 30)))
    for files, text in (
        ([nameless], "a.fits: FILTER must be the name of a filter (or give --band, or --by image), got ''"),
        (twice, "c.fits.FILTER must be that of one file (or --by image), got 'r'"),
        ([oblong], "stamp must be square, got shape (20, 30)"),
        ([tmp_path / "nowhere.fits"], "nowhere.fits: there is no such file"),
    ):
        said = command("fit", "psf", *files, "--components", 1, "-o", tmp_path / "p.h5")
        assert said.code == 2 and text in said.err
    assert not (tmp_path / "p.h5").exists()


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    return [image_file(tmp_path / f"{band}.fits", band) for band in ("F090W", "F115W")]


def test_images_become_stores(tmp_path: Path, images: list[Path], command: Command) -> None:
    stamp = stamp_file(tmp_path / "psf.fits", "F090W", NARROW.stamp(0, 0))
    assert command("fit", "psf", stamp, "--components", 1, "-o", tmp_path / "psfs.h5").code == 0
    said = command(
        "fit", "preprocess", "--exposures", *images, "--mosaics", images[0], "-o", tmp_path / "stores", "--pixels",
        "--psfs", tmp_path / "psfs.h5", "--flux-unit", "uJy", "--background", 1, "--max-snr", 30, "--float32",
    )  # fmt: skip
    assert said.code == 0 and said.err == ""
    assert "F115W.fits: all pixels count" in said.out
    stores = tmp_path / "stores"
    first, second = read_store(stores / "exposures.h5")
    assert (first.band, first.background, first.max_snr) == ("F090W", 1, 30.0)
    assert first.flux_scale == pytest.approx(1000.0)
    assert isinstance(first.psf, PsfMixture) and second.psf is None
    assert first.tiles((0, 9), (0, 9)).weight.max() == 0.25
    assert store_content(stores / "mosaics.h5") == "mosaics"


def test_extensions_by_number_name_and_version(tmp_path: Path, images: list[Path], command: Command) -> None:
    said = command(
        "fit", "preprocess", "--exposures", images[0], "-o", tmp_path, "--pixels", "--sci-ext", "SCI,1", "--unc-ext", 2,
        "--error", "inverse",
    )  # fmt: skip
    assert said.code == 0
    (found,) = read_store(tmp_path / "exposures.h5")
    assert found.tiles((0, 9), (0, 9)).weight.max() == 4.0


def test_what_is_wrong_with_images_is_said(tmp_path: Path, images: list[Path], command: Command) -> None:
    for words, text in (
        (["--exposures", *images], "F090W.fits must have a WCS of the sky"),
        (["--exposures", *images, "--pixels", "--unc-ext", "NOPE"], "must have an extension 'NOPE'"),
        (["--exposures", images[0], images[0], "--pixels"], "name of an image must be its own"),
        (["--exposures", *images, "--pixels", "--flux-unit", "electron"], "give flux_scale="),
        ([], "images must be given (--exposures, --mosaics)"),
    ):
        said = command("fit", "preprocess", *words, "-o", tmp_path / "stores")
        assert said.code == 2 and text in said.err
    assert not list(tmp_path.glob("stores/*"))
