"""Contact sheets: panels of one size in rows, each with what it shows below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from getframes.picture.plot import FAINT, INK, PAPER, text

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

GAP = 24
TOP = 96
HEADING = 40
CAPTION = 72


@dataclass(frozen=True, eq=False)
class Sheet:
    """Rows of square panels under a title.

    Attributes
    ----------
    picture : PIL.Image.Image
        What is drawn on.
    draw : PIL.ImageDraw.ImageDraw
        What draws on it.
    panel : int
        Side of a panel [px].
    """

    picture: Image
    draw: ImageDraw
    panel: int

    @classmethod
    def blank(cls, title: str, remark: str, *, rows: int, columns: int, panel: int = 512) -> Sheet:
        """A sheet without panels; `remark` stands below the title."""
        from PIL import Image as Pillow
        from PIL import ImageDraw

        row = HEADING + panel + CAPTION
        size = columns * (panel + GAP) + GAP, TOP + rows * row + GAP // 2
        picture = Pillow.new("RGB", size, PAPER)
        sheet = cls(picture, ImageDraw.Draw(picture), panel)
        text(sheet.draw, (GAP, 14), title, INK, 30)
        text(sheet.draw, (GAP, 56), remark, FAINT, 18)
        return sheet

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """Left and top of a panel [px]."""
        top = TOP + row * (HEADING + self.panel + CAPTION) + HEADING
        return GAP + column * (self.panel + GAP), top

    def heading(self, row: int, words: str, column: int = 0) -> None:
        """Words above a row, from the left of a panel on."""
        left, top = self.corner(row, column)
        text(self.draw, (left, top + 4 - HEADING), words, INK, 22)

    def show(self, row: int, column: int, pixels: NDArray[np.uint8], caption: str, detail: str) -> None:
        """An image of colours, shape (height, width, 3), in a panel; its first row is at the bottom."""
        from PIL import Image as Pillow

        self.picture.paste(Pillow.fromarray(np.ascontiguousarray(pixels[::-1])), self.corner(row, column))
        self.caption(row, column, caption, detail)

    def caption(self, row: int, column: int, caption: str, detail: str) -> None:
        """What a panel shows, and a line about it."""
        left, top = self.corner(row, column)
        text(self.draw, (left, top + self.panel + 5), caption, INK, 19)
        text(self.draw, (left, top + self.panel + 29), detail, FAINT, 16)


def short(value: float) -> str:
    """A number for a caption: whole from 100 on, else with three digits."""
    return f"{value:,.0f}" if abs(value) >= 99.5 else f"{value:.3g}"
