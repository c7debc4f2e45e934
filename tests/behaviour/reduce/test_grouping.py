"""Groups of raw files, and what goes with a science frame."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from getframes.errors import DomainError
from getframes.reduce.grouping import NoMatchError, Tolerances, group_files, match
from getframes.reduce.raw_file import RawFile

_COUNT = iter(range(10**6))


def raw(kind: str, day: int | None = 1, **known: Any) -> RawFile:
    number = next(_COUNT)
    moment = None if day is None else datetime(2026, 3, day, 20, 0, number % 60)
    night = None if day is None else date(2026, 3, day)
    values = {"shape": (8, 8), "exposure_s": 30.0, "temperature_c": -20.0, **known}
    return RawFile(Path(f"{kind}_{number}.fits"), kind, date_obs=moment, night=night, **values)


def sizes(files: list[RawFile], **tolerances: float) -> list[int]:
    return [len(group) for group in group_files(files, Tolerances(**tolerances))]


@pytest.mark.parametrize("kind", ["bias", "dark", "flat", "science"])
@pytest.mark.parametrize(
    ("known", "parts"),
    [
        ({"shape": (8, 9)}, {"bias", "dark", "flat", "science"}),
        ({"binning": (2, 2)}, {"bias", "dark", "flat", "science"}),
        ({"instrument": "other"}, {"bias", "dark", "flat", "science"}),
        ({"detector": "2"}, {"bias", "dark", "flat", "science"}),
        ({"gain": "high"}, {"bias", "dark", "flat", "science"}),
        ({"day": 2}, {"bias", "dark", "flat", "science"}),
        ({"filter": "V"}, {"flat", "science"}),
        ({"exposure_s": 31.0}, {"dark", "science"}),
        ({"exposure_s": 30.1}, set()),
        ({"temperature_c": -17.9}, {"bias", "dark", "science"}),
        ({"temperature_c": -18.1}, set()),
        ({"temperature_c": None}, {"bias", "dark", "science"}),
    ],
)
def test_what_parts_files(kind: str, known: dict[str, Any], parts: set[str]) -> None:
    files = [raw(kind), raw(kind, **known), raw(kind), raw(kind, **known)]
    assert sizes(files) == ([2, 2] if kind in parts else [4])


def test_a_drift_of_temperature_is_cut() -> None:
    """However small its steps are, a group spans no more than the tolerance."""
    files = [raw("bias", temperature_c=-20.0 + 0.5 * step) for step in range(20)]
    groups = group_files(files, Tolerances(temperature_c=2.0))
    assert [len(group) for group in groups] == [5, 5, 5, 5]
    for group in groups:
        measured = [file.temperature_c or 0.0 for file in group.files]
        assert max(measured) - min(measured) <= 2.0


def test_zero_exposures_stay_together() -> None:
    assert sizes(
        [raw("dark", exposure_s=0.0), raw("dark", exposure_s=0.0), raw("dark", exposure_s=0.001)]
    ) == [2, 1]


def test_order_and_names() -> None:
    files = [
        raw("flat", filter="V/1"),
        raw("bias", 2),
        raw("bias", 1),
        raw("other"),
        raw("master"),
        raw("bias", None),
    ]
    groups = group_files(files)
    assert [group.label for group in groups] == [
        "bias_2026-03-01_-20C_8x8",
        "bias_2026-03-02_-20C_8x8",
        "bias_undated_-20C_8x8",
        "flat_2026-03-01_V-1_8x8",
    ]


def chosen(wanted: RawFile, kind: str, files: list[RawFile], **tolerances: float) -> RawFile:
    alike = Tolerances(**tolerances)
    return match(wanted, kind, group_files(files, alike), alike).first


def test_the_nearest_night() -> None:
    files = [raw("bias", day) for day in (1, 4, 9)]
    for day, expected in ((1, 0), (2, 0), (5, 1), (7, 2), (20, 2)):
        assert chosen(raw("science", day), "bias", files) is files[expected]
    undated = raw("bias", None)
    assert chosen(raw("science", 1), "bias", [undated, files[2]]) is files[2]
    assert chosen(raw("science", None), "bias", [undated], nights=3) is undated
    assert chosen(raw("science", None), "bias", [files[0], undated]) is undated
    with pytest.raises(
        NoMatchError, match=r"no bias has the night 2026-03-20 within 3 d, there is 2026-03-01, 2026"
    ):
        chosen(raw("science", 20), "bias", files, nights=3)


def test_darks_of_the_same_exposure_first() -> None:
    files = [
        raw("dark", 1, exposure_s=10.0),
        raw("dark", 5, exposure_s=60.0),
        raw("dark", 6, exposure_s=60.0),
    ]
    assert chosen(raw("science", 1, exposure_s=60.0), "dark", files) is files[1]
    assert chosen(raw("science", 1, exposure_s=50.0), "dark", files) is files[0]  # then the night
    same_night = [raw("dark", 1, exposure_s=10.0), raw("dark", 1, exposure_s=300.0)]
    assert chosen(raw("science", 1, exposure_s=60.0), "dark", same_night) is same_night[1]  # then the ratio


def test_filters_temperatures_and_cameras() -> None:
    flats = [raw("flat", filter="V"), raw("flat", 5, filter="R")]
    assert chosen(raw("science", 1, filter="R"), "flat", flats) is flats[1]
    with pytest.raises(
        NoMatchError, match=r"science_\d+.fits: no flat has the filter 'B', there is 'R', 'V'"
    ):
        chosen(raw("science", filter="B"), "flat", flats)
    darks = [raw("dark", temperature_c=-10.0), raw("dark", 9, temperature_c=-19.0)]
    assert chosen(raw("science"), "dark", darks) is darks[1]
    with pytest.raises(NoMatchError, match=r"no dark has the temperature 0 C within 2 C, there is -10, -19"):
        chosen(raw("science", temperature_c=0.0), "dark", darks)
    assert chosen(raw("science", temperature_c=0.0), "flat", flats[:1]) is flats[0]
    with pytest.raises(NoMatchError, match="no dark has the shape 8x9, there is 8x8"):
        chosen(raw("science", shape=(8, 9)), "dark", darks)
    with pytest.raises(NoMatchError, match="there is no bias"):
        chosen(raw("science"), "bias", darks)
    with pytest.raises(NoMatchError, match="no bias has the gain 'low', there is 'high'"):
        chosen(raw("science", gain="low"), "bias", [raw("bias", gain="high")])


def test_what_is_not_said_does_not_part() -> None:
    bias = raw("bias", instrument="", temperature_c=None)
    assert chosen(raw("science", instrument="Cam"), "bias", [bias]) is bias


def test_tolerances_are_checked() -> None:
    with pytest.raises(DomainError, match=r"Tolerances.temperature_c must be >= 0, got -1"):
        Tolerances(temperature_c=-1)
