"""What a user of `cosmic_rays` sees, bad input first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units
from astropy.nddata import CCDData, StdDevUncertainty

from getframes import Frame
from getframes.errors import DomainError, MissingFileError, ShapeError
from getframes.reduce import Flag, ReducedFrame, cosmic_rays

NOISE = {"gain": 2.0, "read_noise": 6.0}
HITS = [(5, 7), (30, 40), (31, 41), (63, 0)]


def sky(shape: tuple[int, int] = (64, 80), level: float = 200.0) -> np.ndarray:
    return np.random.default_rng(2).normal(level, np.sqrt(level / 2.0 + 9.0), shape)


def struck() -> np.ndarray:
    """Four hits, in a sky so quiet that no pixel beside them looks like one."""
    image = 200.0 + 0.2 * (sky() - 200.0)
    for place in HITS:
        image[place] += 4000.0
    return image


def hits_of(frame: ReducedFrame) -> list[tuple[int, int]]:
    return [(int(y), int(x)) for y, x in np.argwhere(frame.flags & Flag.COSMIC_RAY)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sigma_clip": 0.0}, "sigma_clip must be finite and > 0, got 0.0"),
        ({"sigma_clip": np.nan}, "sigma_clip must be finite and > 0, got nan"),
        ({"sigma_frac": 1.5}, "sigma_frac must be <= 1, got 1.5"),
        ({"object_limit": -1}, "object_limit must be finite and > 0, got -1"),
        ({"iterations": 0}, "iterations must be a positive integer, got 0"),
        ({"iterations": 2.0}, "iterations must be a positive integer, got 2.0"),
        ({"replacement": "none"}, "replacement must be 'median' or 'mean', got 'none'"),
        ({"precision": "float16"}, "precision must be 'float32' or 'float64', got 'float16'"),
        ({"gain": 0.0}, "gain must be finite and > 0 e- per unit of the image, got 0.0"),
        ({"read_noise": -1.0}, "read_noise must be finite and >= 0 e-, got -1.0"),
        ({"read_noise": 3.0 * units.m}, "read_noise must be in e-, got 3.0 m"),
        ({"saturation": -5.0}, "saturation must be > 0, got -5.0"),
        ({"background": np.inf}, "background must be finite, got inf"),
        ({"background": np.full((64, 80), np.nan)}, "background must be finite in every pixel"),
        ({"variance": np.ones((64, 80))}, "gain and read_noise must be left out where variance is given"),
        ({"mask": np.zeros((64, 80))}, "mask must be an image of bool, got 'float64'"),
    ],
)
def test_values_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError) as error:
        cosmic_rays(struck(), **(NOISE | options))
    assert message in str(error.value)


def test_planes_of_other_shapes_are_refused() -> None:
    plane = np.ones((80, 64))
    for name, options in (
        ("mask", {**NOISE, "mask": plane > 0}),
        ("variance", {"variance": plane}),
        ("background", {**NOISE, "background": plane}),
    ):
        with pytest.raises(ShapeError, match=rf"{name} must have shape \(64, 80\), got \(80, 64\)"):
            cosmic_rays(struck(), **options)
    with pytest.raises(ShapeError, match="must be an image"):
        cosmic_rays(np.zeros((3, 4, 5)), **NOISE)
    with pytest.raises(DomainError, match="must be an image of real numbers"):
        cosmic_rays(struck().astype(complex), **NOISE)


def test_noise_that_nobody_tells_is_asked_for() -> None:
    with pytest.raises(DomainError, match="gain must be given, as image does not tell it"):
        cosmic_rays(struck())
    with pytest.raises(DomainError, match="read_noise must be given"):
        cosmic_rays(struck(), gain=2.0)
    with pytest.raises(MissingFileError):
        cosmic_rays("no such file.fits", **NOISE)


def test_hits_are_flagged_and_replaced_and_the_image_is_left_alone() -> None:
    image = struck()
    before = image.copy()
    frame = cosmic_rays(image, **NOISE)
    assert hits_of(frame) == HITS
    assert (image == before).all()
    assert frame.data.dtype == np.float64
    assert np.abs(frame.data - 200.0).max() < 60.0
    found = (frame.flags & Flag.COSMIC_RAY) != 0
    assert (frame.data[~found] == image[~found]).all()
    assert (frame.mask == found).all()
    assert frame.metadata["cosmic_ray_pixels"] == 4
    assert frame.metadata["calibration"] == ["cosmic_rays"]
    window = image[3:8, 5:10].ravel()
    good = window[window != image[5, 7]]
    assert frame.data[5, 7] == np.median(good)
    assert cosmic_rays(image, replacement="mean", **NOISE).data[5, 7] == pytest.approx(good.mean())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers_are_flagged_and_spread_nowhere(value: float) -> None:
    image = struck()
    image[20:22, 10:13] = value
    image[0, :] = value
    frame = cosmic_rays(image, **NOISE)
    assert hits_of(frame) == HITS
    lost = ~np.isfinite(image)
    assert ((frame.flags & Flag.NOT_FINITE) != 0).tolist() == lost.tolist()
    assert (frame.mask >= lost).all()
    np.testing.assert_array_equal(~np.isfinite(frame.data), lost)


def test_masked_pixels_are_left_alone_and_hide_nothing() -> None:
    image = struck()
    image[:, 50:52] = 0.0  # dead columns, whose neighbours stand out
    mask = np.zeros(image.shape, bool)
    mask[:, 50:52] = True
    mask[5, 7] = True
    frame = cosmic_rays(image, mask=mask, **NOISE)
    assert hits_of(frame) == HITS[1:]
    assert (frame.data[mask] == image[mask]).all()
    assert ((frame.flags & Flag.MASKED_IN_INPUT) != 0).tolist() == mask.tolist()
    assert (frame.mask >= mask).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (3, 1), (4, 5), (6, 200)])
def test_images_smaller_than_the_windows(shape: tuple[int, int]) -> None:
    image = sky(shape)
    assert hits_of(cosmic_rays(image, **NOISE)) == []
    if image.size > 24:
        image[shape[0] // 2, 5] = 6000.0
        assert hits_of(cosmic_rays(image, **NOISE)) == [(shape[0] // 2, 5)]


@pytest.mark.parametrize(
    "kind", ["uint8", "uint16", "int16", "int32", "uint32", "int64", "float32", "float16"]
)
def test_every_real_type(kind: str) -> None:
    image = np.clip(struck() / 20.0, 0.0, 200.0).astype(kind)
    frame = cosmic_rays(image, gain=40.0, read_noise=20.0, sigma_frac=1.0)
    assert hits_of(frame) == HITS
    wide = kind in ("int32", "uint32", "int64")
    assert frame.data.dtype == (np.float64 if wide else np.float32)
    assert cosmic_rays(image, gain=40.0, read_noise=6.0, precision="float64").data.dtype == np.float64


def test_layouts_that_are_not_contiguous() -> None:
    image = struck()
    exact = cosmic_rays(image, **NOISE)
    wide = np.empty((128, 160))
    wide[::2, ::2] = image
    frozen = image.copy()
    frozen.flags.writeable = False
    for given in (
        frozen,
        wide[::2, ::2],
        np.asfortranarray(image),
        image.astype(">f8"),
        image[::-1, ::-1].copy()[::-1, ::-1],
    ):
        frame = cosmic_rays(given, mask=np.asfortranarray(np.zeros(image.shape, bool)), **NOISE)
        assert frame.data.tobytes() == exact.data.tobytes()
        assert frame.data.flags.c_contiguous


def test_nothing_to_find_and_nothing_to_see() -> None:
    assert hits_of(cosmic_rays(np.zeros((40, 40)), gain=1.0, read_noise=0.0)) == []
    full = np.full((40, 40), 65535.0)
    frame = cosmic_rays(full, saturation=65535.0, **NOISE)
    assert hits_of(frame) == []
    assert (frame.flags == Flag.SATURATED).all()
    lost = cosmic_rays(np.full((9, 9), np.nan), **NOISE)
    assert np.isnan(lost.data).all() and lost.mask.all()
    assert cosmic_rays(struck(), mask=np.ones((64, 80), bool), **NOISE).metadata["cosmic_ray_pixels"] == 0


def test_stars_that_are_full_are_kept_and_hits_that_are_full_are_not() -> None:
    y, x = np.indices((64, 80))
    star = 3e6 * np.exp(-((y - 30.0) ** 2 + (x - 30.0) ** 2) / 4.0)
    image = np.minimum(sky() + star, 60_000.0)
    image[50, 60] = 60_000.0
    frame = cosmic_rays(image, saturation=60_000.0, **NOISE)
    assert hits_of(frame) == [(50, 60)]
    assert ((frame.flags & Flag.SATURATED) != 0).tolist() == (image == 60_000.0).tolist()
    known = ReducedFrame(
        image, {}, flags=np.where(image == 60_000.0, int(Flag.SATURATED), 0).astype(np.uint16)
    )
    assert (cosmic_rays(known, **NOISE).flags == frame.flags).all()


def test_frames_tell_their_noise() -> None:
    exact = cosmic_rays(struck(), **NOISE)
    metadata = {"gain_e_per_adu": 2.0, "read_noise_e": 6.0, "exposure_s": 10.0, "camera": "this"}
    frame = cosmic_rays(Frame(struck(), metadata))
    assert frame.data.tobytes() == exact.data.tobytes()
    assert frame.metadata["camera"] == "this" and frame.unit == "adu"
    rate = ReducedFrame(struck() / 10.0, metadata | {"unit": "adu/s"})
    assert hits_of(cosmic_rays(rate)) == HITS
    assert cosmic_rays(rate).unit == "adu/s"
    charge = ReducedFrame(struck() * 2.0, metadata | {"unit": "electron"})
    assert hits_of(cosmic_rays(charge)) == HITS
    gained = Frame(struck(), metadata | {"gain_e_per_adu": 20.0, "em_gain": 10.0})
    assert cosmic_rays(gained).data.tobytes() == exact.data.tobytes()


def test_planes_of_a_reduced_frame_are_kept() -> None:
    image, flags = struck(), np.zeros((64, 80), np.uint16)
    flags[5, 7], flags[10, 10] = int(Flag.HOT), int(Flag.REJECTED)
    sigma = np.sqrt(np.maximum(image, 0.0) / 2.0 + 9.0)
    used = np.full(image.shape, 3, np.int32)
    given = ReducedFrame(image, {"calibration": ["bias"]}, uncertainty=sigma, flags=flags, used=used)
    frame = cosmic_rays(given)
    assert hits_of(frame) == HITS[1:]
    assert frame.flags[5, 7] == Flag.HOT | Flag.NO_DATA
    assert frame.flags[10, 10] == Flag.REJECTED
    assert (frame.uncertainty == sigma).all() and (frame.used == used).all()
    assert frame.metadata["calibration"] == ["bias", "cosmic_rays"]
    again = cosmic_rays(frame)
    assert again.metadata["cosmic_ray_pixels"] == 0
    assert (again.flags & Flag.COSMIC_RAY).tolist() == (frame.flags & Flag.COSMIC_RAY).tolist()


def test_ccddata_and_quantities() -> None:
    exact = cosmic_rays(struck(), **NOISE)
    gain, noise = 2.0 * units.electron / units.adu, 6.0 * units.electron
    mask = np.zeros((64, 80), bool)
    ccd = CCDData(struck(), unit="adu", mask=mask)
    for image in (ccd, struck() * units.adu):
        assert cosmic_rays(image, gain=gain, read_noise=noise).data.tobytes() == exact.data.tobytes()
    sigma = np.sqrt(np.maximum(struck(), 0.0) / 2.0 + 9.0)
    ccd.uncertainty = StdDevUncertainty(sigma)
    mask[30, 40] = True
    frame = cosmic_rays(ccd)
    assert hits_of(frame) == [place for place in HITS if place != (30, 40)]
    np.testing.assert_allclose(frame.uncertainty, sigma)
    assert cosmic_rays(ccd, gain=gain, read_noise=noise, saturation=9e4 * units.adu).unit == "adu"


def test_files_in_and_out(tmp_path: Path) -> None:
    Frame(struck().astype(np.float32), {"gain_e_per_adu": 2.0, "read_noise_e": 6.0}).to_fits(
        tmp_path / "raw.fits"
    )
    frame = cosmic_rays(tmp_path / "raw.fits")
    assert hits_of(frame) == HITS
    frame.to_fits(tmp_path / "clean.fits")
    back = ReducedFrame.from_fits(tmp_path / "clean.fits")
    assert hits_of(back) == HITS
    assert back.metadata["cosmic_ray_pixels"] == 4


def test_a_sky_that_was_taken_off_still_makes_noise() -> None:
    flat = sky(level=2000.0) - 2000.0
    assert len(hits_of(cosmic_rays(flat, gain=2.0, read_noise=6.0))) > 0
    for background in (2000.0, np.full(flat.shape, 2000.0)):
        assert hits_of(cosmic_rays(flat, background=background, **NOISE)) == []


def test_units_of_any_size() -> None:
    """Fluxes in janskys are as good as counts."""
    scale = 1e-30
    frame = cosmic_rays((struck() * scale).astype(np.float32), gain=2.0 / scale, read_noise=6.0)
    assert hits_of(frame) == HITS
    variance = (np.maximum(struck(), 0.0) / 2.0 + 9.0) * scale**2
    assert hits_of(cosmic_rays(struck() * scale, variance=variance)) == HITS


def test_an_interrupt_stops_it() -> None:
    script = """
import numpy, signal, threading, os, time
from getframes.reduce import cosmic_rays
tile = numpy.random.default_rng(1).normal(1000.0, 30.0, (500, 500)).astype("float32")
image = numpy.tile(tile, (10, 10))
image[::7, ::5] += 3000.0
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
start = time.perf_counter()
try:
    while True:
        cosmic_rays(image, gain=1.0, read_noise=5.0, iterations=50)
except KeyboardInterrupt:
    print(time.perf_counter() - start)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 2.0
