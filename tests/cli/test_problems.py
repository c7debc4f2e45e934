"""How commands end."""

from __future__ import annotations

import logging
from argparse import Namespace
from collections.abc import Iterator

import pytest

from getframes.cli.problems import exit_code
from getframes.errors import (
    ConfigError,
    DomainError,
    IntegrityError,
    OutputError,
    OutputExistsError,
    SizeError,
    StageNotAvailableError,
    UnknownPresetError,
)


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    log = logging.getLogger("getframes")
    level, handlers = log.level, list(log.handlers)
    yield
    log.setLevel(level)
    log.handlers = handlers


def ending(error: BaseException, *, verbose: bool = False) -> int:
    def command(options: Namespace) -> int:
        raise error

    return exit_code(command, Namespace(verbose=verbose))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("a.toml:3:1: unknown key"), 2),
        (DomainError("seed must be >= 0"), 2),
        (UnknownPresetError("preset must be one of a, b"), 2),
        (StageNotAvailableError("needs blooming"), 2),
        (SizeError("needs 3 TB"), 2),
        (OutputError("cannot write x"), 1),
        (IntegrityError("x is damaged"), 1),
    ],
)
def test_an_error_is_one_line(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(error) == code
    assert capsys.readouterr().err == f"getframes: error: {error}\n"


def test_every_problem_of_a_file_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(ConfigError("a.toml:1:1: one\na.toml:2:1: two")) == 2
    expected = "getframes: error: a.toml:1:1: one\ngetframes: error: a.toml:2:1: two\n"
    assert capsys.readouterr().err == expected


def test_an_existing_file_names_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(OutputExistsError("x exists already (overwrite=True replaces it)")) == 1
    assert "(--overwrite replaces it)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied", "stars.csv"), "stars.csv: Permission denied"),
        (MemoryError(), "not enough memory"),
        (
            ZeroDivisionError("division by zero"),
            "unexpected ZeroDivisionError: division by zero (-v shows where)",
        ),
    ],
)
def test_the_unexpected_is_told_without_a_traceback(
    error: Exception, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(error) == 1
    assert capsys.readouterr().err == f"getframes: error: {words}\n"


def test_verbose_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(DomainError("no"), verbose=True) == 2
    error = capsys.readouterr().err
    assert "Traceback" in error and error.endswith("getframes: error: no\n")


def test_interruption_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == ""
