"""`getframes match`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from getframes.psfmatch import Exposure, MixturePSF, VaryingKernel, read_exposure, write_exposure, write_psf
from tests.cli.conftest import Command

NARROW, WIDE = MixturePSF([1.0], [1.2], side=31), MixturePSF([1.0], [2.0], side=41)

HEADER = {"FILTER": "r", "CRPIX1": 12.5, "CRVAL1": 83.6, "LTV1": -200.0, "LTV2": -100.0, "MAGZERO": 27.2}
"""Filter, WCS, origin and flux calibration."""


@pytest.fixture
def exposure(tmp_path: Path) -> Path:
    """A point behind a narrow PSF, with a header of its own."""
    image = np.zeros((64, 80))
    image[10:41, 20:51] = 100.0 * NARROW.stamp(0, 0)
    header = fits.Header({**HEADER, "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    path = tmp_path / "science.fits"
    write_exposure(Exposure(image, NARROW, np.ones((64, 80)), header=header), path)
    return path


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    path = tmp_path / "wanted.npz"
    write_psf(WIDE, path)
    return path


def test_the_exposure_gets_the_psf(exposure: Path, reference: Path, tmp_path: Path, command: Command) -> None:
    out, kernel = tmp_path / "matched.fits", tmp_path / "kernel.npz"
    said = command(
        "match", exposure, "--reference", reference, "-o", out, "--edge", "reflect", "--kernel", kernel
    )
    assert said.code == 0 and "residual" in said.out and said.err == ""
    matched = read_exposure(out)
    expected = np.zeros((64, 80))
    expected[5:46, 15:56] = 100.0 * WIDE.stamp(0, 0)
    np.testing.assert_allclose(matched.image, expected, atol=1e-4)
    assert {key: matched.header[key] for key in HEADER} == HEADER
    assert matched.header["KERNSUM"] == 1.0
    assert matched.psf is not None and np.abs(matched.psf.stamp(3, 4) - WIDE.stamp(3, 4)).max() < 1e-6
    assert abs(VaryingKernel.load(kernel)(30, 30).sum() - 1.0) < 1e-12


def test_the_kernel_sum_is_recorded(
    exposure: Path, reference: Path, tmp_path: Path, command: Command
) -> None:
    out = tmp_path / "matched.fits"
    code = command(
        "match", exposure, "--reference", reference, "-o", out, "--edge", "reflect", "--kernel-sum", 2.5
    ).code
    matched = read_exposure(out)
    assert code == 0 and matched.header["KERNSUM"] == 2.5
    np.testing.assert_allclose(matched.image.sum(), 250.0, rtol=1e-6)


def test_an_exposure_can_be_the_reference_and_a_file_the_psf(
    exposure: Path, reference: Path, tmp_path: Path, command: Command
) -> None:
    write_exposure(Exposure(np.zeros((50, 50)), WIDE), tmp_path / "other.fits")
    fits.PrimaryHDU(np.zeros((64, 80))).writeto(tmp_path / "bare.fits")
    write_psf(NARROW, tmp_path / "psf.fits")
    out = tmp_path / "matched.fits"
    words = ("match", tmp_path / "bare.fits", "--reference", tmp_path / "other.fits", "-o", out)
    assert command(*words).code != 0 and not out.exists()
    assert command(*words, "--psf", tmp_path / "psf.fits").code == 0


def test_what_is_missing_is_named(exposure: Path, reference: Path, tmp_path: Path, command: Command) -> None:
    out = tmp_path / "matched.fits"
    for words, text in (
        ((tmp_path / "no.fits", "--reference", reference), "cannot read the exposure"),
        ((exposure, "--reference", tmp_path / "no.fits"), "cannot read the reference"),
        ((exposure, "--reference", reference, "--psf", tmp_path / "no.npz"), "the PSF of the exposure"),
        ((exposure,), "--reference must be given"),
        (("--reference", reference), "EXPOSURE must be given"),
        ((exposure, "--reference", reference, "--kernel-size", 20), "kernel_size must be odd, got 20"),
    ):
        said = command("match", *words, "-o", out)
        assert said.code != 0 and text in said.err
    assert not out.exists()


def test_an_existing_result_stays(exposure: Path, reference: Path, tmp_path: Path, command: Command) -> None:
    out = tmp_path / "matched.fits"
    out.write_text("mine")
    assert command("match", exposure, "--reference", reference, "-o", out).code == 1
    assert out.read_text() == "mine"
    assert command("match", exposure, "--reference", reference, "-o", out, "--overwrite").code == 0


def test_a_made_up_field(tmp_path: Path, command: Command) -> None:
    out = tmp_path / "matched.fits"
    assert command("match", "--fake", "-o", out, "--kernel-size", 15, "--nodes", 3, 3).code == 0
    assert read_exposure(out).shape == (512, 512)


def test_pictures_of_the_match(exposure: Path, reference: Path, tmp_path: Path, command: Command) -> None:
    folder = tmp_path / "new" / "pictures"
    said = command("match", exposure, "--reference", reference, "-o", tmp_path / "m.fits", "--debug", folder)
    assert said.code == 0 and said.err == ""
    made = sorted(path.name for path in folder.iterdir())
    assert made == [
        f"{kind}.png" for kind in ("basis", "input", "kernels", "matched", "nodes", "reference", "surfaces")
    ]
    assert all(str(folder / name) in said.out for name in made)


def test_an_impossible_transparency_is_named_before_anything_is_written(
    exposure: Path, reference: Path, tmp_path: Path, command: Command
) -> None:
    words = (
        "match",
        exposure,
        "--reference",
        reference,
        "-o",
        tmp_path / "m.fits",
        "--debug",
        tmp_path / "p",
    )
    said = command(*words, "--mask-transparency", 3)
    assert said.code != 0 and "--mask-transparency must be in [0, 1], got 3" in said.err
    assert not (tmp_path / "m.fits").exists()
