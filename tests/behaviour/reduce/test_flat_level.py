"""Levels of flats: what is left out, where bias, sections and names come from, what is said about bad input."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from getframes import Camera, Frame
from getframes.errors import DomainError, InputError, MissingEntryError, ShapeError
from getframes.reduce import ReducedFrame, measure_flat_levels
from getframes.reduce.flat_level import clipped_level
from getframes.sections import Section

IDS = {"exposure": 4, "detector": "S1"}
RNG = np.random.default_rng(1)
PIXELS = RNG.normal(1000.0, 10.0, (60, 80))


def measured(image: object, ids: dict[str, object] | None = None, **options: object) -> dict[str, object]:
    (record,) = measure_flat_levels([(image, IDS if ids is None else ids)], **options)
    return record


def test_the_mean_without_outliers() -> None:
    hit = PIXELS.copy()
    hit[::7, ::5] += 4000.0
    record = measured(hit)
    assert (record["exposure"], record["detector"]) == (4, "S1")
    clean = np.delete(PIXELS.ravel(), np.flatnonzero(hit != PIXELS))
    assert record["level"] == pytest.approx(clean.mean(), abs=0.1)
    assert record["sigma"] == pytest.approx(10.0, rel=0.05)
    assert 0.99 * clean.size < record["pixels"] <= clean.size


def test_the_error_of_a_level() -> None:
    """sigma / sqrt(pixels) is what levels of 600 flats of normal noise scatter by."""
    rng = np.random.default_rng(2)
    records = [measured(rng.normal(500.0, 3.0, (30, 30))) for _ in range(600)]
    pulls = [(each["level"] - 500.0) / (each["sigma"] / math.sqrt(each["pixels"])) for each in records]
    assert abs(np.std(pulls) - 1.0) < 4.0 / math.sqrt(1200.0)
    assert abs(np.mean(pulls)) < 4.0 / math.sqrt(600.0)


def test_noise_of_gain_and_read_noise() -> None:
    record = measured(PIXELS, gain_e_per_adu=2.0, read_noise_e=6.0)
    assert record["sigma"] == pytest.approx(math.sqrt(record["level"] / 2.0 + 9.0 + 1 / 12), rel=0.02)
    own = measured(PIXELS, gain_e_per_adu={"S1": 2.0, "S2": 1.0}, read_noise_e=6.0)
    assert own == record
    with pytest.raises(MissingEntryError, match="gain_e_per_adu must have detector 'S1', got 'S2'"):
        measured(PIXELS, gain_e_per_adu={"S2": 1.0}, read_noise_e=6.0)


def test_whole_numbers_that_are_almost_all_equal() -> None:
    counts = np.full((20, 20), 100, np.uint16)
    counts[0, :5], counts[1, 0] = 101, 60_000
    assert measured(counts)["level"] == pytest.approx((100 * 394 + 101 * 5) / 399)
    assert clipped_level(np.full(9, 7.5), 3.0) == (7.5, 9, 0.0)
    assert math.isnan(clipped_level(np.array([3.0]), 3.0).sigma)


def test_saturated_masked_and_infinite_pixels_do_not_count() -> None:
    image = np.full((10, 10), 500.0) + np.arange(100).reshape(10, 10) % 3
    image[:2] = 65535.0
    image[2] = np.nan
    assert measured(image, saturate_adu=60_000.0)["pixels"] == 70
    assert measured(Frame(image, {**IDS, "saturate_adu": 60_000}))["level"] < 502.0
    flags = np.zeros((10, 10), np.uint16)
    flags[:2] = 4
    assert measured(ReducedFrame(image, dict(IDS), flags=flags))["pixels"] == 70


def test_half_a_detector_is_no_level() -> None:
    image = PIXELS.copy()
    image[:30] = np.inf
    record = measured(image)
    assert math.isnan(record["level"]) and math.isnan(record["sigma"]) and record["pixels"] == 0


def test_amplifiers_have_levels_of_their_own() -> None:
    image = np.repeat([[100.0, 200.0]], 10, axis=0).repeat(20, axis=1) + RNG.normal(size=(10, 40))
    texts = {"left": "[1:20,1:10]", "right": "[21:40,1:10]"}
    record = measured(image, sections=texts)
    assert record["level"] == {"left": pytest.approx(100.0, abs=1), "right": pytest.approx(200.0, abs=1)}
    assert set(record["pixels"]) == set(record["sigma"]) == {"left", "right"}
    sections = {name: Section.parse(text, name, (10, 40)) for name, text in texts.items()}
    assert measured(image, sections={"S1": sections, "S2": {}}) == record


@pytest.mark.parametrize("kind", ["number", "array", "mapping", "file"])
def test_bias(kind: str, tmp_path: Path) -> None:
    master = np.full(PIXELS.shape, 300.0)
    fits.writeto(tmp_path / "bias.fits", master)
    bias = {"number": 300.0, "array": master, "mapping": {"S1": master}, "file": tmp_path / "bias.fits"}[kind]
    assert measured(PIXELS, bias=bias)["level"] == pytest.approx(measured(PIXELS)["level"] - 300.0)


def test_frames_and_files_name_themselves(tmp_path: Path) -> None:
    camera = Camera.from_preset("generic_ccd").with_config(resolution=(32, 32))
    frame = camera.flat_frame(2000.0, 1.0, seed=1)
    frame.metadata.update(IDS)
    frame.to_fits(tmp_path / "flat.fits")
    (one,) = measure_flat_levels([frame])
    (two,) = measure_flat_levels([tmp_path / "flat.fits"])
    assert one == two and two["exposure"] == 4


def test_files_with_several_detectors(tmp_path: Path) -> None:
    units = [fits.PrimaryHDU()]
    for number in (1, 2):
        units.append(fits.ImageHDU(np.full((8, 8), 1000.0 * number) + np.eye(8), name=f"CCD{number}"))
        units[-1].header["EXPID"] = 77
    fits.HDUList(units).writeto(tmp_path / "all.fits")
    records = list(
        measure_flat_levels([tmp_path / "all.fits"], extensions=["CCD1", "CCD2"], exposure="EXPID")
    )
    assert [(each["exposure"], each["detector"]) for each in records] == [(77, "CCD1"), (77, "CCD2")]
    assert records[1]["level"] == pytest.approx(2000.0, abs=0.2)


def test_one_flat_is_in_memory_at_a_time() -> None:
    taken: list[weakref.ref[np.ndarray]] = []

    def flats() -> Iterator[tuple[np.ndarray, dict[str, int]]]:
        for number in range(4):
            image = PIXELS.copy()
            taken.append(weakref.ref(image))
            yield image, {"exposure": number, "detector": 0}
            del image

    for number, _ in enumerate(measure_flat_levels(flats())):
        assert len(taken) == number + 1
        assert all(each() is None for each in taken[:-1])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"ids": {"exposure": 1}}, MissingEntryError, "flat 0 must have the entry 'detector', got exposure"),
        ({"ids": {"detector": 1}}, KeyError, "flat 0 must have the entry 'exposure', got detector"),
        (
            {"bias": np.zeros((3, 3))},
            ShapeError,
            r"bias must have the shape of flat 0, \(60, 80\), got \(3, 3\)",
        ),
        ({"bias": {"S2": 1.0}}, MissingEntryError, "bias must have detector 'S1', got 'S2'"),
        ({"bias": math.nan}, DomainError, "bias must be finite, got nan"),
        (
            {"sections": {"A": "[1:81,1:60]"}},
            DomainError,
            r"flat 0: detector 'S1': A must be inside the image \[1:80,1:60\]",
        ),
        (
            {"sections": {"S2": {"A": "[1:8,1:6]"}}},
            MissingEntryError,
            "sections must have detector 'S1', got 'S2'",
        ),
        ({"sigma": 0.0}, DomainError, "sigma must be > 0, got 0.0"),
        (
            {"gain_e_per_adu": 0.0, "read_noise_e": 1.0},
            DomainError,
            "gain_e_per_adu must be > 0 e-/ADU, got 0.0",
        ),
        ({"gain_e_per_adu": 1.0}, DomainError, "read_noise_e must be given together with gain_e_per_adu"),
        (
            {"gain_e_per_adu": 1.0, "read_noise_e": -1.0},
            DomainError,
            "read_noise_e must be >= 0 e-, got -1.0",
        ),
    ],
)
def test_what_is_wrong_is_said(options: dict[str, object], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        measured(PIXELS, **options)


def test_an_overscan_has_to_come_off_first() -> None:
    with pytest.raises(
        DomainError, match=r"flat 0: DATASEC must be the whole image: take the overscan off first"
    ):
        measured(Frame(PIXELS, {**IDS, "DATASEC": "[1:70,1:60]"}))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.fits"):
        measured(tmp_path / "missing.fits")
