"""Records of a pipeline to scales: data ids, cameras, amplifiers, and what is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from getframes import Camera, FocalPlane
from getframes.errors import DomainError, MissingEntryError, ShapeError
from getframes.reduce import normalize_flats

G = {"S1": 0.9, "S2": 1.0, "S3": 1.2}
E = {1001: 500.0, 1003: 800.0, 1002: 650.0}


def records(**more: Any) -> list[dict[str, Any]]:
    return [{"exposure": e, "detector": d, "level": G[d] * E[e], **more} for e in E for d in G]


def test_scales_are_keyed_by_id() -> None:
    scales = normalize_flats(records())
    mean = np.mean(list(G.values()))
    assert scales.by_detector == {name: pytest.approx(value / mean) for name, value in G.items()}
    assert scales.by_exposure == {name: pytest.approx(value * mean) for name, value in E.items()}
    assert scales.exposures == (1001, 1003, 1002)


def test_the_order_of_records_does_not_slip_an_index() -> None:
    mixed = [records()[i] for i in np.random.default_rng(1).permutation(9)]
    straight, shuffled = normalize_flats(records()), normalize_flats(mixed)
    for name, value in straight.by_detector.items():
        assert shuffled.by_detector[name] == pytest.approx(value, rel=1e-12)


def test_data_ids_apart_from_the_metadata() -> None:
    ids = [
        {"instrument": "X", "exposure": each["exposure"], "detector": each["detector"]} for each in records()
    ]
    metadata = [{"MEAN": each["level"], "NPIX": 100, "STD": 3.0} for each in records()]
    scales = normalize_flats(metadata, ids, statistic="MEAN", counts="NPIX", sigma="STD")
    assert scales.by_detector["S3"] / scales.by_detector["S1"] == pytest.approx(1.2 / 0.9)
    assert scales.weight[0, 0] == pytest.approx(100 * (450.0 / 3.0) ** 2)
    files = [f"flat_{number}.fits" for number in range(9)]
    by_file = normalize_flats(
        dict(zip(files, metadata, strict=True)),
        dict(zip(files[::-1], ids[::-1], strict=True)),
        statistic="MEAN",
    )
    assert by_file.by_detector == pytest.approx(normalize_flats(records()).by_detector)


class Amplifier:
    def __init__(self, name: str) -> None:
        self.name = name

    def getName(self) -> str:  # noqa: N802
        return self.name


class Detector:
    """As detectors of survey pipelines are asked."""

    def __init__(self, number: int, amplifiers: list[str]) -> None:
        self.number, self.amplifiers = number, [Amplifier(name) for name in amplifiers]

    def getId(self) -> int:  # noqa: N802
        return self.number

    def getAmplifiers(self) -> list[Amplifier]:  # noqa: N802
        return self.amplifiers


CAMERAS = {
    "mapping": {1: ("C00", "C01"), 2: ("C00",), 3: ("C00", "C01")},
    "objects": [Detector(1, ["C00", "C01"]), Detector(2, ["C00"]), Detector(3, ["C00", "C01"])],
}


@pytest.mark.parametrize("camera", [*CAMERAS.values(), None], ids=[*CAMERAS, "records"])
def test_amplifiers_are_rows_of_their_own(camera: Any) -> None:
    gains = {(1, "C00"): 1.0, (1, "C01"): 1.3, (2, "C00"): 0.7, (3, "C00"): 0.9}
    made = [
        {
            "exposure": e,
            "detector": d,
            "level": {amp: gain * light for (owner, amp), gain in gains.items() if owner == d}
            | ({"C01": None} if d == 3 else {}),
        }
        for e, light in E.items()
        for d in (1, 2, 3)
    ]
    scales = normalize_flats(made, camera=camera, level="amp")
    assert scales.detectors == ((1, "C00"), (1, "C01"), (2, "C00"), (3, "C00"), (3, "C01"))
    assert np.isnan(scales.by_detector[3, "C01"])
    assert scales.by_detector[1, "C01"] / scales.by_detector[2, "C00"] == pytest.approx(1.3 / 0.7)


def test_amplifiers_as_cards_of_a_header() -> None:
    made = [
        {"EXP": e, "exposure": e, "detector": d, "MED C0": light, "MED C1": 2 * light, "N C0": 5, "N C1": 7}
        for e, light in E.items()
        for d in (1, 2)
    ]
    scales = normalize_flats(
        made, camera={1: ["C0", "C1"], 2: ["C0", "C1"]}, level="amp", statistic="MED {amp}", counts="N {amp}"
    )
    assert scales.by_detector[2, "C1"] == pytest.approx(2 * scales.by_detector[1, "C0"])
    assert scales.weight[:, 0].tolist() == [5.0, 7.0, 5.0, 7.0]


def test_a_detector_without_flats_is_nan() -> None:
    scales = normalize_flats(records(), camera=["S0", "S1", "S2", "S3"])
    assert scales.detectors == ("S0", "S1", "S2", "S3") and np.isnan(scales.by_detector["S0"])
    plane = FocalPlane.grid(Camera.from_preset("generic_ccd").config, (1, 3))
    named = [{**each, "detector": f"D0{int(each['detector'][1]) - 1}"} for each in records()]
    assert normalize_flats(named, camera=plane).detectors == plane.names


def test_options_go_on() -> None:
    with pytest.raises(DomainError, match="got 2 sets of detectors"):
        normalize_flats([{"exposure": n, "detector": n, "level": 1.0} for n in (1, 2)], disconnected="raise")


def without(entry: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name != entry} for each in records()]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((without("exposure"),), {}, MissingEntryError, "record 0 must have the entry 'exposure', got none"),
        ((without("detector"),), {}, KeyError, "record 0 must have the entry 'detector', got none"),
        ((without("level"),), {}, MissingEntryError, "record 0 must have the entry 'level', got none"),
        ((records(),), {"statistic": "levels"}, MissingEntryError, r"'levels', got none \(did you mean 'level'\?\)"),
        ((records(),), {"counts": "pixels"}, MissingEntryError, "record 0 must have the entry 'pixels'"),
        (([],), {}, DomainError, "records must be at least one, got 0"),
        ((records(), records()[1:]), {}, ShapeError, "dimensions must be one for each of the 9 records, got 8"),
        (({"a": records()[0]}, records()), {}, DomainError, "dimensions must be a mapping, as records are, got list"),
        (({"a": records()[0]}, {"b": {}}), {}, MissingEntryError, "dimensions must have the entry 'a'"),
        ((records() + records()[3:4],), {}, DomainError, r"record 9 must be the only one of its detector and exposure, got \('S1', 1003\)"),
        ((records(), None, ["S1", "S2"]), {}, DomainError, "detector of record 2 must be one of the camera, got 'S3'"),
        ((records(), None, ["S1", "S1"]), {}, DomainError, "camera must be of detectors of different names, got 'S1'"),
        ((records(), None, ["S1", "S2", "S3"]), {"level": "amp"}, DomainError, r"camera must be of detectors with amplifiers, got \['S1', 'S2', 'S3'\]"),
        ((records(), None, dict.fromkeys(G, ("A",))), {"level": "amp"}, DomainError, "level of record 0 must be a mapping by amplifier, got 450.0"),
        ((records(level={"B": 1.0}), None, dict.fromkeys(G, ("A",))), {"level": "amp"}, MissingEntryError, "level of record 0 must have the entry 'A'"),
        ((records(level="high"),), {}, DomainError, "level of record 0 must be a number, got 'high'"),
        ((records(),), {"level": "amplifier"}, DomainError, "level must be one of 'detector', 'amp', got 'amplifier'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    arguments: tuple[Any, ...], options: dict[str, Any], error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        normalize_flats(*arguments, **options)
