"""The experiment files in configs/: each runs, and together they show every key."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli

from getframes import Frame
from getframes.cli.findings import missing_of
from getframes.config.experiment import read_experiment
from getframes.config.fit import read_fit
from getframes.config.fit_tables import FIT_TABLES
from getframes.config.pipeline import read_pipeline
from getframes.config.pipeline_tables import PIPELINE_TABLES
from getframes.config.reference import documented_keys
from getframes.config.tables import TABLES, Table
from tests.cli.conftest import Command

CONFIGS = Path(__file__).parents[2] / "configs"
EVERY = sorted(path.relative_to(CONFIGS) for path in CONFIGS.glob("*/*.toml"))
PIPELINES = [path for path in EVERY if "[input]" in (CONFIGS / path).read_text(encoding="utf-8")]
FITS = [path for path in EVERY if path.parts[0] == "fit"]
FILES = [path for path in EVERY if path not in (*PIPELINES, *FITS)]


@pytest.fixture
def small(tmp_path: Path) -> Any:
    """A copy of an experiment with a small sensor and few frames."""

    def shrunk(file: Path) -> Path:
        shutil.copytree(CONFIGS / "data", tmp_path / "data")
        text = (CONFIGS / file).read_text(encoding="utf-8")
        text = re.sub(r"^n_frames = \d+", "n_frames = 2", text, flags=re.M)
        text = re.sub(r"^n = \d+", "n = 2", text, flags=re.M)
        text = re.sub(r"^shape = .*$", "shape = [24, 32]", text, flags=re.M)
        if 'preset = "' in text:
            text = re.sub(r"^resolution = .*\n", "", text, flags=re.M)
            text = re.sub(r'^(preset = ".*")', r"\1\nresolution = [80, 96]", text, flags=re.M)
        copy = tmp_path / file
        copy.parent.mkdir()
        copy.write_text(text, encoding="utf-8")
        return copy

    return shrunk


def paths(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Table and key of everything that a file gives; a table that is a value counts as one."""
    for key, item in value.items():
        inner = f"{path}.{key}" if path else key
        yield f"[{path}]", key
        if isinstance(item, dict):
            yield from paths(item, inner)
        elif isinstance(item, list):
            for each in item:
                if isinstance(each, dict):
                    yield from (
                        (f"[{table}]" if table == f"[{inner}]" else table, name)
                        for table, name in paths(each, inner)
                    )


@pytest.mark.parametrize(
    ("files", "tables"), [(FILES, TABLES), (PIPELINES, PIPELINE_TABLES), (FITS, FIT_TABLES)]
)
def test_every_key_is_shown(files: list[Path], tables: tuple[Table, ...]) -> None:
    shown = {
        pair for file in files for pair in paths(tomli.loads((CONFIGS / file).read_text(encoding="utf-8")))
    }
    assert {(row.table, row.key) for row in documented_keys(tables)} - shown == set()


@pytest.mark.parametrize("file", PIPELINES, ids=str)
def test_every_pipeline_is_right_as_it_stands(file: Path, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    assert read_pipeline(shutil.copy(CONFIGS / file, tmp_path)).path.name == file.name


@pytest.mark.parametrize("file", FITS, ids=str)
def test_every_fit_file_is_right_as_it_stands(file: Path) -> None:
    assert read_fit(CONFIGS / file).path.name == file.name


def test_the_night_of_the_pipelines(command: Command, tmp_path: Path) -> None:
    """The commands that night.toml begins with."""
    folder = tmp_path / "reduce"
    shutil.copytree(CONFIGS / "reduce", folder)
    (folder / "raw").mkdir()
    for kind in ("bias", "dark", "flat", "science"):
        path = folder / f"{kind}.toml"
        path.write_text(
            path.read_text()
            .replace("[256, 256]", "[96, 96]")
            .replace("x = 1", "x = 5")
            .replace("y = 2", "y = 5")
        )
        assert command("generate", path, "-o", folder / "raw" / f"{kind}.fits").code == 0
    listed = command("reduce", folder / "night.toml", "--list")
    assert [line.split()[1:3] for line in listed.out.splitlines()[1:]] == [
        ["bias", "9"], ["dark", "9"], ["flat", "9"], ["science", "4"]
    ]  # fmt: skip
    assert not (folder / "reduced").exists()
    done = command("reduce", folder / "night.toml")
    assert (done.code, done.err) == (0, "") and "4 calibrated, 0 were there" in done.out
    assert "0 calibrated, 4 were there" in command("reduce", folder / "night.toml").out


def test_every_frame_type_has_an_example() -> None:
    kinds = [
        tomli.loads((CONFIGS / file).read_text())["frame"]["type"]
        for file in FILES
        if file.parts[0] == "generate"
    ]
    assert {"dark", "bias", "flat", "light", "science"} <= set(kinds)


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_file_is_right_as_it_stands(file: Path, command: Command) -> None:
    code, _, err = command("check", CONFIGS / file)
    assert code == (2 if missing_of(read_experiment(CONFIGS / file)) else 0)
    assert "error" not in err


@pytest.mark.parametrize("file", [file for file in FILES if file.parts[0] == "generate"], ids=str)
def test_frames(file: Path, small: Any, command: Command, tmp_path: Path) -> None:
    done = command("generate", small(file), "-o", tmp_path / "frame.fits", "--truth")
    assert (done.code, done.err) == (0, "")
    frames = [Frame.from_fits(path) for path in sorted(tmp_path.glob("frame*.fits"))]
    for frame in frames:
        assert frame.truth is not None and np.isfinite(frame.truth.mean_electrons).all()
        assert frame.data.std() > 0 and frame.data.max() < frame.metadata["saturate_adu"]


@pytest.mark.parametrize("file", [file for file in FILES if file.parts[0] == "dataset"], ids=str)
def test_data_sets(file: Path, small: Any, command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "train"
    done = command("dataset", small(file), "-o", folder)
    assert (done.code, done.err) == (0, "")
    assert len(list(folder.glob("*.npz"))) == 2
    assert command("verify", folder).code == 0


def test_check_examples(command: Command) -> None:
    assert (
        "the converter saturates before the well"
        in command("check", CONFIGS / "check" / "converter.toml").err
    )
    every = CONFIGS / "check" / "every_stage.toml"
    missing = missing_of(read_experiment(every))
    done = command("check", every)
    assert done.code == (2 if missing else 0)
    assert done.out.count("missing stage") == len(missing)
    assert all(f"missing stage  {stage}" in done.out for stage in missing)
