"""Overscan taken off raw frames: levels, amplifiers, sections, files, bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData

from getframes.errors import DomainError
from getframes.frame import Frame, FrameTruth
from getframes.reduce import subtract_overscan, trim
from getframes.reduce.frame import Flag, ReducedFrame

HEIGHT, WIDTH, STRIP = 40, 30, 16
SECTIONS = {"DATASEC": f"[1:{WIDTH},1:{HEIGHT}]", "BIASSEC": f"[{WIDTH + 1}:{WIDTH + STRIP},1:{HEIGHT}]"}


def drifting(noise_adu: float = 3.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Counts with light in the data, whose offset drifts from row to row; and the light."""
    rng = np.random.default_rng(seed)
    offset = 300.0 + np.cumsum(rng.normal(0.0, 5.0, (HEIGHT, 1)), axis=0)
    light = np.zeros((HEIGHT, WIDTH + STRIP))
    light[:, :WIDTH] = rng.uniform(0.0, 500.0, (HEIGHT, WIDTH))
    counts = np.rint(light + offset + rng.normal(0.0, noise_adu, light.shape))
    return counts.astype(np.uint16), light[:, :WIDTH]


def raw(counts: np.ndarray, **metadata: object) -> Frame:
    return Frame(counts, {**SECTIONS, "saturate_adu": 65535, **metadata})


@pytest.mark.parametrize("method", ["sigma_clip", "mean", "median"])
def test_a_level_for_each_row(method: str) -> None:
    counts, light = drifting()
    before = counts.copy()
    frame = subtract_overscan(raw(counts), method=method)
    assert frame.shape == light.shape
    assert frame.dtype == np.float64
    residuals = frame.data - light
    (error,) = frame.metadata["overscan_error_adu"]
    assert error == pytest.approx((1.2533 if method == "median" else 1.0) * 3.01 / 4.0, rel=0.1)
    # Each row is off by the error of its own level.
    assert abs(residuals.mean()) < 4.0 * np.hypot(3.0 / np.sqrt(light.size), error / np.sqrt(HEIGHT))
    assert residuals.mean(axis=1).std() == pytest.approx(np.hypot(error, 3.0 / np.sqrt(WIDTH)), rel=0.35)
    np.testing.assert_array_equal(counts, before)


@pytest.mark.parametrize("method", ["sigma_clip", "mean"])
def test_offsets_of_channels_are_no_noise_of_a_level(method: str) -> None:
    """What every row has in the same place is not what makes the level of one row differ from the next."""
    counts, light = drifting()
    offsets = np.tile([0, 25, -10, 40], STRIP // 4).astype(np.int64)
    shifted = counts.astype(np.int64)
    shifted[:, WIDTH:] += offsets
    plain, other = (subtract_overscan(raw(array), method=method) for array in (counts, shifted))
    (error,), (wanted,) = (frame.metadata["overscan_error_adu"] for frame in (other, plain))
    assert wanted == pytest.approx(3.01 / 4.0, rel=0.1)
    assert error == pytest.approx(wanted, rel=0.05)
    residuals = (other.data - light).mean(axis=1)
    assert residuals.std() == pytest.approx(np.hypot(error, 3.0 / np.sqrt(WIDTH)), rel=0.35)


def test_one_level_for_a_strip() -> None:
    counts, _ = drifting()
    frame = subtract_overscan(raw(counts), by="strip", method="mean")
    level = counts[:, WIDTH:].mean()
    np.testing.assert_array_equal(frame.data, counts[:, :WIDTH] - level)
    assert frame.metadata["overscan_adu"] == (level,)
    assert frame.metadata["saturate_adu"] == 65535 - level
    assert frame.metadata["calibration"] == ["overscan"]
    assert not {"DATASEC", "BIASSEC"} & set(frame.metadata)


def test_a_level_for_each_column() -> None:
    counts, light = drifting()
    frame = subtract_overscan(
        Frame(counts.T, {"DATASEC": "[1:40,1:30]", "BIASSEC": "[1:40,31:46]"}), by="column", method="mean"
    )
    expected = subtract_overscan(raw(counts), by="row", method="mean")
    np.testing.assert_array_equal(frame.data, expected.data.T)
    assert frame.shape == light.T.shape


def test_outliers_in_the_strip_are_clipped() -> None:
    counts, _ = drifting()
    clean = subtract_overscan(raw(counts))
    hit = counts.copy()
    hit[3, WIDTH + 2] = hit[8, WIDTH + 5] = 60_000
    struck = subtract_overscan(raw(hit))
    rows = np.abs(struck.data - clean.data).max(axis=1)
    assert rows.max() < 2.0
    assert (np.delete(rows, [3, 8]) == 0.0).all()
    assert np.abs(subtract_overscan(raw(hit), method="mean").data - clean.data).max() > 1000.0


def two_amplifiers() -> tuple[np.ndarray, dict[str, object]]:
    """Strips between the data, as some cameras write them: 10 data, 4 strip, 4 strip, 10 data; upper and lower halves."""
    counts = np.zeros((8, 28))
    counts[:, :14], counts[:, 14:] = 100.0, 200.0
    counts[4:] += 7.0
    counts[:, :10] += np.arange(10)
    counts[:, 18:] += np.arange(10, 20)
    metadata: dict[str, object] = {}
    for suffix, bottom in (("A", 0), ("C", 4)):
        rows = f"{bottom + 1}:{bottom + 4}"
        metadata |= {f"DATASEC{suffix}": f"[1:10,{rows}]", f"BIASSEC{suffix}": f"[11:14,{rows}]"}
        after = chr(ord(suffix) + 1)
        metadata |= {f"DATASEC{after}": f"[19:28,{rows}]", f"BIASSEC{after}": f"[15:18,{rows}]"}
    return counts, metadata


def test_each_amplifier_has_its_strip() -> None:
    counts, metadata = two_amplifiers()
    frame = subtract_overscan(Frame(counts, metadata))
    np.testing.assert_array_equal(frame.data, np.tile(np.arange(20.0), (8, 1)))
    assert frame.metadata["overscan_adu"] == (100.0, 200.0, 107.0, 207.0)
    whole = {**metadata, "BIASSEC": "[11:18,1:8]"}
    np.testing.assert_array_equal(subtract_overscan(Frame(counts, whole)).data, frame.data)


def test_sections_may_be_given() -> None:
    counts, metadata = two_amplifiers()
    pairs = [(str(metadata[f"DATASEC{amp}"]), str(metadata[f"BIASSEC{amp}"])) for amp in "ABCD"]
    expected = subtract_overscan(Frame(counts, metadata)).data
    np.testing.assert_array_equal(subtract_overscan(counts, sections=pairs).data, expected)
    alone = subtract_overscan(counts, sections=[("[1:10,1:8]", "[12:14,1:8]")], by="strip")
    assert alone.shape == (8, 10)


def test_only_what_is_in_trimsec_is_kept() -> None:
    counts, _ = drifting()
    frame = subtract_overscan(raw(counts, TRIMSEC="[3:28,5:40]"))
    np.testing.assert_array_equal(frame.data, subtract_overscan(raw(counts)).data[4:, 2:28])
    assert trim(raw(counts, TRIMSEC="[3:28,5:40]")).shape == (36, 26)


def test_wcs_and_truth_follow_the_pixels() -> None:
    counts = np.arange(12.0).reshape(3, 4)
    truth = FrameTruth(
        counts + 1, counts + 2, counts + 3, np.stack([counts, counts]), np.array([400.0, 500.0])
    )
    metadata = {"DATASEC": "[2:3,2:3]", "BIASSEC": "[4:4,1:3]", "CRPIX1": 5.0, "CRPIX2": 7.5, "seed": 3}
    for cut in (trim(Frame(counts, metadata, truth)), subtract_overscan(Frame(counts, metadata, truth))):
        assert cut.metadata["CRPIX1"] == 4.0
        assert cut.metadata["CRPIX2"] == 6.5
        assert cut.metadata["seed"] == 3
        assert cut.truth is not None
        np.testing.assert_array_equal(cut.truth.mean_electrons, counts[1:, 1:3] + 1)
        np.testing.assert_array_equal(cut.truth.photon_rate, counts[1:, 1:3] + 3)
        assert np.shape(cut.truth.spectral_photon_rate) == (2, 2, 2)
        np.testing.assert_array_equal(cut.truth.wavelengths_nm, [400.0, 500.0])


def test_trim_keeps_the_values() -> None:
    counts, _ = drifting()
    assert trim(raw(counts)).dtype == np.uint16
    np.testing.assert_array_equal(trim(raw(counts)).data, counts[:, :WIDTH])
    frame = Frame(counts, {})
    assert trim(frame) is frame


def test_files_and_ccddata(tmp_path: Path) -> None:
    counts, _ = drifting()
    frame, path = raw(counts), tmp_path / "raw.fits"
    frame.to_fits(path)
    with fits.open(path) as units:
        assert units[0].header["BIASSEC"] == SECTIONS["BIASSEC"]
        assert units[0].header["DATASEC"] == SECTIONS["DATASEC"]
        assert units[0].header["CCDSEC"] == f"[1:{WIDTH},1:{HEIGHT}]"
    assert Frame.from_fits(path).metadata == frame.metadata
    expected = subtract_overscan(frame).data
    np.testing.assert_array_equal(subtract_overscan(path).data, expected)
    np.testing.assert_array_equal(subtract_overscan(str(path)).data, expected)
    np.testing.assert_array_equal(subtract_overscan(frame.to_ccddata()).data, expected)
    foreign = CCDData(counts, unit="adu", meta={key.lower(): value for key, value in SECTIONS.items()})
    np.testing.assert_array_equal(subtract_overscan(foreign).data, expected)


@pytest.mark.parametrize("method", ["sigma_clip", "mean", "median"])
@pytest.mark.parametrize("by", ["row", "strip"])
def test_masked_pixels_take_no_part(method: str, by: str) -> None:
    counts, _ = drifting()
    mask = np.zeros(counts.shape, bool)
    mask[5, WIDTH : WIDTH + 4] = mask[7, 3] = True
    spoilt = np.where(mask, 60_000, counts)
    ccd = CCDData(spoilt, unit="adu", mask=mask, meta=dict(SECTIONS))
    frame = subtract_overscan(ccd, method=method, by=by)
    assert isinstance(frame, ReducedFrame)
    assert np.isnan(frame.data[7, 3])
    assert np.flatnonzero(frame.mask) == [7 * WIDTH + 3]
    clean = subtract_overscan(raw(counts), method=method, by=by).data
    difference = np.delete(np.abs(frame.data - clean).ravel(), 7 * WIDTH + 3)
    assert difference.max() < 2.0
    if by == "row":
        good = counts[5, WIDTH + 4 :]
        assert method == "sigma_clip" or frame.data[5, 0] == counts[5, 0] - getattr(np, method)(good)
        rows = difference[: 5 * WIDTH]
        assert (rows == 0.0).all()
    again = subtract_overscan(
        ReducedFrame(spoilt, dict(SECTIONS), flags=mask * np.uint16(Flag.NO_DATA)), method=method, by=by
    )
    np.testing.assert_array_equal(again.data, frame.data)
    mask[5, WIDTH:] = True
    if by == "row":
        with pytest.raises(DomainError, match=r"BIASSEC \[31:46,1:40\] must be good in some pixel of row 5"):
            subtract_overscan(CCDData(spoilt, unit="adu", mask=mask, meta=dict(SECTIONS)), by=by)


def test_amplifiers_in_extensions(tmp_path: Path) -> None:
    """Files with one extension an amplifier are read one by one."""
    counts, _ = drifting()
    units = [fits.PrimaryHDU()]
    for number, suffix in enumerate("AB"):
        header = fits.Header(SECTIONS)
        units.append(fits.CompImageHDU(counts + np.uint16(number), header, name=f"AMP{suffix}"))
    path = tmp_path / "mosaic.fits"
    fits.HDUList(units).writeto(path)
    first, second = (subtract_overscan(path, extension=name) for name in ("AMPA", "AMPB"))
    np.testing.assert_array_equal(first.data, second.data)
    assert second.metadata["overscan_adu"][0] == pytest.approx(first.metadata["overscan_adu"][0] + 1.0)
    assert trim(path, extension=2).shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"BIASSEC": None}, "must have the keyword BIASSEC"),
        ({"DATASEC": None}, "must have the keyword DATASEC or TRIMSEC beside BIASSEC"),
        (
            {"DATASECA": "[1:30,1:20]", "BIASSECA": "[31:46,1:20]", "DATASECB": "[1:30,21:40]"},
            "must have the keyword BIASSECB beside DATASECB",
        ),
        ({"BIASSEC": "[31:46]"}, r"BIASSEC must be a section \[x1:x2,y1:y2\] .* got '\[31:46\]'"),
        ({"BIASSEC": 3}, "BIASSEC must be a section"),
        ({"BIASSEC": "[46:31,1:40]"}, "BIASSEC must be a section .* x1 <= x2"),
        ({"BIASSEC": "[31:47,1:40]"}, r"BIASSEC must be inside the image \[1:46,1:40\]"),
        ({"DATASEC": "[0:30,1:40]"}, "DATASEC must be a section"),
        ({"BIASSEC": "[31:46,2:40]"}, r"BIASSEC must be as long as DATASEC \[1:30,1:40\] .*by='strip'"),
        (
            {"TRIMSEC": "[31:46,1:40]", "DATASECA": "[1:30,1:40]", "BIASSECA": "[31:46,1:40]"},
            "DATASECA must be partly",
        ),
        (
            {
                "DATASECA": "[1:20,1:40]",
                "BIASSECA": "[31:36,1:40]",
                "DATASECB": "[11:30,1:40]",
                "BIASSECB": "[37:46,1:40]",
            },
            "data sections must be blocks of a grid",
        ),
    ],
)
def test_bad_sections_name_file_and_keyword(changes: dict[str, object], rule: str, tmp_path: Path) -> None:
    counts, _ = drifting()
    stated = {name: value for name, value in {**SECTIONS, **changes}.items() if value is not None}
    with pytest.raises(DomainError, match=rule):
        subtract_overscan(Frame(counts, stated))
    path = tmp_path / "night" / "bias.fits"
    path.parent.mkdir()
    fits.PrimaryHDU(counts, fits.Header(stated)).writeto(path)
    with pytest.raises(DomainError, match=f"{path}:? .*{rule}"):
        subtract_overscan(path)


def test_bad_options_and_pixels() -> None:
    counts, _ = drifting()
    for options, rule in (
        ({"by": "rows"}, "by must be one of row, column, strip"),
        ({"method": "mode"}, "method must be one of"),
        ({"sigma": 0.0}, "sigma must be > 0"),
        ({"sections": []}, "sections must be at least one pair"),
        ({"sections": ["[1:2,1:2]"]}, r"sections\[0\] must be a pair"),
        ({"sections": [("[1:2,1:2]", "[1,1]")]}, r"sections\[0\]\[1\] must be a section"),
        ({"by": "column"}, "BIASSEC must be as long as DATASEC"),
    ):
        with pytest.raises(DomainError, match=rule):
            subtract_overscan(raw(counts), **options)  # type: ignore[arg-type]
    broken = counts.astype(float)
    broken[5, WIDTH + 1] = np.nan
    with pytest.raises(DomainError, match=r"BIASSEC \[31:46,1:40\] must be finite, got nan at"):
        subtract_overscan(raw(broken))
    with pytest.raises(DomainError, match="image must have the keyword BIASSEC"):
        subtract_overscan(counts)
