"""Run records."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path

import pytest

from getframes.errors import OutputError
from getframes.run_record import RunRecord, Step


def test_steps_add_up() -> None:
    record = RunRecord("work", {"seed": 1})
    for _ in range(3):
        with record.step("sleep", 2, "nap") as step:
            time.sleep(0.002)
            step.count += 1
    with record.step("other"):
        pass
    known = record.as_dict()
    assert (known["run"], known["seed"]) == ("work", 1)
    sleep, other = known["steps"]
    assert (sleep["step"], sleep["calls"], sleep["count"], sleep["unit"]) == ("sleep", 3, 9, "nap")
    assert 0.006 <= sleep["wall_s"] <= known["wall_s"]
    assert sleep["cpu_s"] < 0.5 and other["count"] == 0


def test_time_is_kept_where_a_step_fails() -> None:
    record = RunRecord("work")
    with pytest.raises(ValueError, match="no"), record.step("fails"):
        raise ValueError("no")
    assert record.steps["fails"].calls == 1


def test_items_are_timed_where_they_are_made() -> None:
    record = RunRecord("work")

    def slow() -> object:
        for number in range(3):
            time.sleep(0.002)
            yield number

    for _ in record.over(slow(), "make", "thing"):  # type: ignore[arg-type]
        time.sleep(0.01)
    step = record.steps["make"]
    assert (step.count, step.calls) == (3, 3)
    assert 0.006 <= step.wall_s < 0.025


def test_table_and_file(tmp_path: Path) -> None:
    record = RunRecord("work", steps={"a long name": Step("a long name", 1.5, 0.25, 1, 1234, "frame")})
    heading, row, total, *_ = str(record).splitlines()
    assert heading.split() == ["step", "wall/s", "CPU/s", "count"]
    assert row.split() == ["a", "long", "name", "1.500", "0.250", "1234", "frame"]
    assert total.startswith("total ")
    record.save(tmp_path / "work.json")
    known = json.loads((tmp_path / "work.json").read_text())
    assert known["steps"][0]["count"] == 1234 and known["started"].endswith("+00:00")
    with pytest.raises(OutputError, match="does not exist"):
        record.save(tmp_path / "none" / "work.json")


def test_steps_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "getframes.run_record"), RunRecord("work").step("write", 2, "file"):
        pass
    assert caplog.messages[0].startswith("write: ") and caplog.messages[0].endswith(" s, 2 file")
