"""Experiment files and a way to run commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from getframes.cli import main

CAMERA = """[camera]
preset = "generic_ccd"
resolution = [24, 32]
"""


class Outcome(NamedTuple):
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


Command = Callable[..., Outcome]
Writer = Callable[..., Path]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process."""

    def run(*words: object) -> Outcome:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def experiment(tmp_path: Path) -> Writer:
    """Write an experiment file: a small camera, and the tables that are given."""

    def write(tables: str, camera: str = CAMERA) -> Path:
        path = tmp_path / "experiment.toml"
        path.write_text(camera + tables, encoding="utf-8")
        return path

    return write
