"""A TOML file whose every value knows its line and column."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from getframes.config.tables import TABLES, Table
from getframes.errors import ConfigError

Place = tuple[str | int, ...]
"""Key path of a value: keys, and positions in arrays from 0."""


@dataclass
class Document:
    """The values of a TOML file, and the problems found in them so far.

    Attributes
    ----------
    path : Path
        The file.
    text : str
        What it says.
    values : dict
        What that means.
    tables : tuple of Table
        What it may say.
    problems : list
        Line, column and text of each.
    """

    path: Path
    text: str
    values: dict[str, Any]
    tables: tuple[Table, ...] = TABLES
    problems: list[tuple[int, int, str]] = field(default_factory=list)
    _positions: dict[Place, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: str | Path, tables: tuple[Table, ...] = TABLES) -> Document:
        """Read a file that may have these tables; those of an experiment when left out.

        Raises
        ------
        ConfigError
            When it cannot be read, or is no TOML; the latter with line and column.
        """
        import tomli

        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise ConfigError(f"{path}:{line}:1: must be UTF-8 text") from error
        try:
            return cls(path, text, tomli.loads(text), tables)
        except tomli.TOMLDecodeError as error:
            message = re.sub(r"\s*\(at [^()]*\)$", "", error.msg)
            raise ConfigError(f"{path}:{error.lineno}:{error.colno}: {message}") from error
        except RecursionError:
            raise ConfigError(f"{path}: arrays and tables are nested too deep") from None

    def position(self, place: Place) -> tuple[int, int]:
        """Line and column of the key at `place`, or of the innermost table around it that is there."""
        if not self._positions:
            from getframes._native import toml

            self._positions = {tuple(path): (line, column) for path, line, column in toml.spans(self.text)}
        while place and place not in self._positions:
            place = place[:-1]
        return self._positions.get(place, (1, 1))

    def problem(self, place: Place, text: str) -> None:
        """Note that something is wrong with the value at `place`."""
        line, column = self.position(place)
        self.problems.append((line, column, text))

    def require_none(self) -> None:
        """Raise `ConfigError` with all problems, in order of appearance, if there are any."""
        if self.problems:
            raise ConfigError(
                "\n".join(
                    f"{self.path}:{line}:{column}: {text}" for line, column, text in sorted(self.problems)
                )
            )
