"""The Python benches, each on one small case."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

import getframes

BENCHES = Path(__file__).parents[2] / "benches"


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A bench, as somebody would type it."""
    found = os.pathsep.join(path for path in sys.path if path)
    return subprocess.run(
        [sys.executable, str(BENCHES / script), *arguments],
        env={**os.environ, "PYTHONPATH": found},
        capture_output=True,
        text=True,
        timeout=120,
    )


def interpreter(folder: Path, body: str) -> Path:
    """An executable that stands for another interpreter."""
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{body}\n")
    python.chmod(0o755)
    return python


def interpreter_with(folder: Path, *packages: Path) -> Path:
    """This interpreter, with other places to look for packages first."""
    found = os.pathsep.join([*map(str, packages), *(path for path in sys.path if path)])
    return interpreter(folder, f'PYTHONPATH="{found}" exec "{sys.executable}" "$@"')


def test_the_package_alone(tmp_path: Path) -> None:
    result = run("run.py", "--quick", "--only", "small/*", "-o", str(tmp_path / "alone"))
    assert result.returncode == 0, result.stderr
    (row,) = json.loads((tmp_path / "alone.json").read_text())["rows"]
    assert (row["name"], row["unit"]) == ("small 8 x 8", "us")
    assert 0.1 < row["ours"] < 1e6
    assert "| small 8 x 8 | us |" in (tmp_path / "alone.md").read_text()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be kept on a core here")
def test_two_installations(tmp_path: Path) -> None:
    (tmp_path / "getframes").symlink_to(Path(getframes.__file__).parent)
    other = interpreter_with(tmp_path, tmp_path)
    stem = tmp_path / "results" / "compare"
    arguments = ["--only", "small/*", "expose/andor_ocam2k/float32", "--rounds", "2", "-o", str(stem)]
    result = run("compare.py", "--peer-python", str(other), *arguments)
    assert result.returncode == 0, result.stderr
    written = json.loads(stem.with_suffix(".json").read_text())
    assert written["machine"]["cores"] == str(os.cpu_count())
    assert not written["failures"]
    frame, small = written["rows"]
    assert frame["target"] == ">= 12x"
    assert frame["met"] == (frame["ratio"] >= 12.0)
    assert frame["ratio"] == pytest.approx(frame["other"] / frame["ours"])
    assert [len(frame["samples"][side]["cpu_s"]) for side in ("ours", "peer")] == [2, 2]
    assert small["met"] == (small["ours"] <= 50.0)
    page = stem.with_suffix(".md").read_text()
    assert "expose andor_ocam2k float32" in page.partition("## Losing rows")[0]
    assert ("expose andor_ocam2k" in page.partition("## Losing rows")[2]) == (not frame["met"])
    assert str(tmp_path) not in page


def test_a_package_is_not_compared_with_itself(tmp_path: Path) -> None:
    stem = tmp_path / "compare"
    result = run("compare.py", "--peer-python", str(interpreter_with(tmp_path)), "-o", str(stem))
    assert result.returncode == 1
    assert "imports the same getframes" in result.stderr
    assert not stem.with_suffix(".md").exists()


def test_a_peer_that_does_not_answer(tmp_path: Path) -> None:
    result = run("compare.py", "--peer-python", str(interpreter(tmp_path, "exit 3")))
    assert result.returncode == 1
    assert "ended at describe" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(not (BENCHES / "results" / "compare.json").exists(), reason="there are no results yet")
def test_the_readme_shows_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHES)
    figures = importlib.import_module("figures")
    readme = (BENCHES.parent / "README.md").read_text(encoding="utf-8")
    table = figures.summary(json.loads(figures.RESULTS.read_text(encoding="utf-8")))
    assert figures.filled(readme, table) == readme


def test_the_readme_can_be_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHES)
    figures = importlib.import_module("figures")
    row = {
        "table": "Start",
        "name": "import getframes",
        "unit": "s",
        "ours": 0.1,
        "other": 1.0,
        "ratio": 10.0,
    }
    results = {"rows": [row], "measured": "today", "machine": {"processor": "P", "cores": "2"}}
    page = f"above\n{figures.BEGIN}\nold\n{figures.END}\nbelow\n"
    once = figures.filled(page, figures.summary(results))
    assert once.startswith("above\n") and once.endswith("\nbelow\n") and "old" not in once
    assert "| `import getframes` | s | 0.100 | 1.00 | 10.0x |" in once
    assert figures.filled(once, figures.summary(results)) == once


def test_every_case_has_a_table_and_its_conditions() -> None:
    program = """
import cases, compare
kinds = {name.partition("/")[0] for name in cases.TIMED}
placed = set(compare.TABLE_OF) | {kind for kind in kinds if "truth" in kind}
described = {kind for kinds in compare.CONDITIONS_OF.values() for kind in kinds}
print(sorted(kinds - placed), sorted(kinds - described), sorted(kinds - set(cases.CONDITIONS)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=BENCHES, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[] [] []\n", done.stderr


def test_reduction(tmp_path: Path) -> None:
    result = run("reduce.py", "--quick", "--only", "clipped mean of 40*", "-o", str(tmp_path / "reduce"))
    assert result.returncode == 0, result.stderr
    rows = json.loads((tmp_path / "reduce.json").read_text())["rows"]
    assert [row["name"].partition("time of ")[2] for row in rows] == [
        f"40 frames over time of 10, {clip}" for clip in ("mad", "std")
    ]
    assert {(row["target"], row["met"]) for row in rows} == {("<= 4.6", None)}  # small data meet no target
    assert "| <= 4.6 |" in (tmp_path / "reduce.md").read_text()


def test_fitting(tmp_path: Path) -> None:
    stem = tmp_path / "fit"
    result = run("fit.py", "--quick", "--only", "likelihood", "-o", str(stem))
    assert result.returncode == 0, result.stderr
    rows = json.loads(stem.with_suffix(".json").read_text())["rows"]
    assert {row["target"] for row in rows} == {"", "<= 2"}
    assert all(row["met"] is None and row["ours"] > 0.0 for row in rows)


def test_matching(tmp_path: Path) -> None:
    stem = tmp_path / "match"
    result = run("match.py", "--quick", "--only", "whole match*", "-o", str(stem))
    assert result.returncode == 0, result.stderr
    rows = {
        row["name"].split(": ")[-1]: row for row in json.loads(stem.with_suffix(".json").read_text())["rows"]
    }
    assert rows["residual"]["ours"] < 1e-4 and rows["components"]["ours"] >= 2
    assert rows["wall clock on two threads"]["met"] is None  # small data meet no target
    assert "| <= 1.5 |" in stem.with_suffix(".md").read_text()


def test_kernels_are_judged_by_what_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHES)
    kernels = importlib.import_module("matching.kernels")
    name = "Gaussian 1.2 to 2.0 px"
    known = kernels.gaussian(1.6)
    wrong = 0.9 * known
    figures = {
        figure.name: figure
        for figure in kernels.judged(name)({"getframes": known, "other": wrong}, {}, False)
    }
    assert figures["residual"].met and figures["residual"].value < 1e-6
    assert figures["residual, other"].other == pytest.approx(0.1, rel=1e-6)
    assert figures["error of the kernel over its peak, other"].other == pytest.approx(0.1, rel=1e-6)
    assert figures["noise gain, other"].other == pytest.approx(0.9 * figures["noise gain, other"].value)


def test_draws(tmp_path: Path) -> None:
    """In pieces: a run that is cut short goes on where it ended."""
    stem = tmp_path / "posterior"
    for number, more in ((1, ["--seconds", "0"]), (2, ["--resume"])):
        result = run("posterior.py", "--quick", "--only", "optimum", *more, "-o", str(stem))
        assert result.returncode == 0, result.stderr
        assert len(result.stderr.splitlines()) == 1  # a scene that is measured is named
        written = json.loads(stem.with_suffix(".json").read_text())
        assert len(written["scenes"]["optimum"]) == number
    (row,) = written["rows"]
    assert row["name"] == "PSF 1.3 px, 2 r_h apart, S/N 30: worst of 2" and row["ours"] < 0.3
    assert (row["target"], row["met"]) == ("< 0.3", None)  # few scenes meet no target
    assert "| < 0.3 |" in stem.with_suffix(".md").read_text()


def test_draws_are_judged_by_where_the_truth_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranks that are uniform, and those of draws that are twice too narrow or too wide."""
    monkeypatch.syspath_prepend(BENCHES)
    calibration = importlib.import_module("draws.calibration")
    pulls = np.random.default_rng(1).normal(size=200)
    met = {}
    for scale in (0.5, 1.0, 2.0):
        ranks = [{"x[1]": float(rank)} for rank in norm.cdf(scale * pulls)]
        found = {str(n): {"rank": rank, "below": rank, "problems": []} for n, rank in enumerate(ranks)}
        met[scale] = [row.met for row in calibration.rows(found)]
    assert met == {
        0.5: [False, True, False, None],
        1.0: [True, True, True, None],
        2.0: [False, False, True, None],
    }
