"""What a pipeline will do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits

from getframes.pipeline import Plan, read_pipeline
from tests.behaviour.pipeline.conftest import LEAST, Settings

NAMES = ("bias", "dark", "flat")


def test_every_frame_has_its_masters(settings: Settings) -> None:
    plan = Plan.of(read_pipeline(settings()))
    assert list(plan.nights) == ["2026-03-01", "2026-03-04"] and plan.failed == {}
    for night, frames in plan.nights.items():
        assert [source.name for source, _, _ in frames] == [f"light_{n}.fits" for n in range(6)]
        for n, (source, target, names) in enumerate(frames):
            assert target == plan.settings.out / "science" / source.parent.name / source.name
            assert [kind for kind, _ in names] == list(NAMES)
            assert all(name.startswith(f"{kind}_{night}") for kind, name in names)
            assert f"_{'VR'[n % 2]}_" in dict(names)["flat"]
    kinds = [master.kind for master in plan.masters.values()]
    assert sorted(kinds) == ["bias"] * 2 + ["dark"] * 2 + ["flat"] * 4
    made: set[str] = set()
    for name, master in plan.masters.items():  # each after what it needs
        assert set(master.needs.values()) <= made
        made.add(name)
    assert all(len(master.group) == 3 for master in plan.masters.values())


def test_the_list(settings: Settings) -> None:
    file = settings()
    (file.parent / "raw" / "odd.fits").write_text("no FITS")
    fits.writeto(file.parent / "raw" / "focus.fits", np.zeros((3, 3)), fits.Header({"IMAGETYP": "focus"}))
    lines = str(Plan.of(read_pipeline(file))).splitlines()
    assert lines[0].split() == [
        "night", "type", "frames", "filter", "exposure/s", "temperature/C", "size", "binning", "detector"
    ]  # fmt: skip
    rows = [line.split()[:5] for line in lines[1:13]]
    kinds = [["bias", "3", "-", "0"], ["dark", "3", "-", "60"]]
    kinds += [[kind, "3", name, time] for kind, time in (("flat", "4"), ("science", "60")) for name in "VR"]
    assert rows == [[night, *kind] for night in ("2026-03-01", "2026-03-04") for kind in kinds]
    assert "1 of type 'other' left alone" in lines[-2] and "odd.fits" in lines[-1]


def test_only_what_is_wanted(settings: Settings) -> None:
    plan = Plan.of(read_pipeline(settings("[masters]\ndark = false\nflat = false\n")))
    assert {master.kind for master in plan.masters.values()} == {"bias"}


def test_the_nearest_night_within_a_limit(settings: Settings) -> None:
    file = settings()
    for path in (file.parent / "raw" / "night4").glob("zero_*"):
        path.unlink()
    plan = Plan.of(read_pipeline(file))
    assert {dict(names)["bias"] for _, _, names in plan.nights["2026-03-04"]} == {
        dict(names)["bias"] for _, _, names in plan.nights["2026-03-01"]
    }
    plan = Plan.of(read_pipeline(settings("[group]\nmax_nights = 1\n")))
    assert list(plan.nights) == ["2026-03-01"] and len(plan.failed) == 6
    assert all("no bias has the night" in text for text in plan.failed.values())


def test_what_has_no_master_is_told(settings: Settings) -> None:
    file = settings()
    for path in (file.parent / "raw").rglob("flat_R*"):
        path.unlink()
    plan = Plan.of(read_pipeline(file))
    assert sum(map(len, plan.nights.values())) == 6 and len(plan.failed) == 6
    assert all("no flat has the filter 'R', there is 'V'" in text for text in plan.failed.values())


def test_results_inside_the_raw_folder_are_not_raw(settings: Settings) -> None:
    file = settings(text=LEAST.replace('"reduced"', '"raw/reduced"'))
    inside = file.parent / "raw" / "reduced" / "science"
    inside.mkdir(parents=True)
    for path in (file.parent / "raw" / "night1").glob("light*"):
        (inside / path.name).write_bytes(path.read_bytes())
    plan = Plan.of(read_pipeline(file))
    assert sum(map(len, plan.nights.values())) == 12 and plan.failed == {}


def test_two_files_of_one_result(settings: Settings) -> None:
    file = settings()
    first: Path = file.parent / "raw" / "night1" / "light_0.fits"
    first.with_suffix(".fit").write_bytes(first.read_bytes())
    plan = Plan.of(read_pipeline(file))
    assert len(plan.failed) == 1 and "is already the result of" in next(iter(plan.failed.values()))
