"""Sections of an image: which of its pixels are data, which were read beyond the sensor.

A section is written as in FITS headers, ``[x1:x2,y1:y2]``: columns first, both ends counted, from 1. The keywords are those of IRAF: DATASEC
(light), BIASSEC (overscan or prescan), TRIMSEC (what is kept); with several amplifiers each keyword ends in a letter or digit of the
amplifier: DATASECA, BIASSECA, DATASECB ...

Source: https://iraf.readthedocs.io/en/latest/tasks/noao/imred/ccdred/ccdgeometry.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from getframes.errors import require

_TEXT = re.compile(r"\s*\[\s*(\d+)\s*:\s*(\d+)\s*,\s*(\d+)\s*:\s*(\d+)\s*\]\s*")
KEYWORD = re.compile(r"(DATA|BIAS|TRIM|PRE)SEC([A-Z0-9]?)")
"""Keywords of sections that lie in the image itself."""
AMPLIFIERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
"""What the keywords of the first, second ... of several amplifiers end in."""


class Section(NamedTuple):
    """Pixels ``left <= x < right``, ``bottom <= y < top``, from 0."""

    left: int
    right: int
    bottom: int
    top: int

    @classmethod
    def parse(cls, text: Any, keyword: str, shape: tuple[int, int], owner: str = "") -> Section:
        """A section from its text, inside an image of `shape`.

        Raises
        ------
        DomainError
            That names owner and keyword, if it is no section, or not inside the image.
        """
        found = _TEXT.fullmatch(text) if isinstance(text, str) else None
        rule = "a section [x1:x2,y1:y2] with 1 <= x1 <= x2, 1 <= y1 <= y2"
        name = f"{owner}: {keyword}" if owner else keyword
        require(found is not None, "", name, rule, text)
        assert found is not None
        x1, x2, y1, y2 = map(int, found.groups())
        require(1 <= x1 <= x2 and 1 <= y1 <= y2, "", name, rule, text)
        height, width = shape
        require(x2 <= width and y2 <= height, "", name, f"inside the image [1:{width},1:{height}]", text)
        return cls(x1 - 1, x2, y1 - 1, y2)

    @classmethod
    def whole(cls, shape: tuple[int, int]) -> Section:
        """All of an image."""
        return cls(0, shape[1], 0, shape[0])

    def __str__(self) -> str:
        return f"[{self.left + 1}:{self.right},{self.bottom + 1}:{self.top}]"

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.bottom, self.top), slice(self.left, self.right)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.top - self.bottom, self.right - self.left

    def within(self, other: Section) -> Section | None:
        """What it has in common with another section; None for nothing."""
        common = Section(
            max(self.left, other.left),
            min(self.right, other.right),
            max(self.bottom, other.bottom),
            min(self.top, other.top),
        )
        return common if common.left < common.right and common.bottom < common.top else None


def data_section(metadata: Mapping[str, Any], shape: tuple[int, int], owner: str = "Frame") -> Section:
    """Where the pixels are that collect light: DATASEC, or the whole image where there is none.

    Raises
    ------
    DomainError
        As `Section.parse`.
    """
    text = metadata.get("DATASEC")
    return Section.whole(shape) if text is None else Section.parse(text, "DATASEC", shape, owner)


def require_trimmed(metadata: Mapping[str, Any], shape: tuple[int, int], owner: str) -> None:
    """Raise `DomainError` for an image with pixels beyond the sensor, where only those that collect light are meant."""
    section = data_section(metadata, shape, owner)
    rule = "the whole image: take the overscan off first (getframes.reduce.subtract_overscan or trim)"
    require(section == Section.whole(shape), "", f"{owner}: DATASEC", rule, str(section))
