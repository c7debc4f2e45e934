"""`getframes presets`: the cameras that come with the package.

Read noise is that of one read, at the output; behind a gain stage it counts as read noise / gain.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

name = "presets"
summary = "list the cameras that come with the package"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--plain", action="store_true", help="print the names only, one a line")


def run(options: Namespace) -> int:
    """Print the table."""
    from shutil import get_terminal_size

    from getframes.presets import available_presets, preset_info

    if options.plain:
        print(*available_presets(), sep="\n")
        return 0
    width = get_terminal_size().columns if sys.stdout.isatty() else None
    print(*(line[:width] for line in table([cells(row) for row in preset_info()])), sep="\n")
    return 0


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    """What the table shows of a camera."""
    height, width = row["resolution"]
    figures = f"{width} x {height}", f"{row['read_noise_e']:g}", f"{row['em_gain']:g}"
    return row["preset"], row["sensor_type"], *figures, "; ".join(row["source"])


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """The rows under their headings, in columns."""
    heading = ("preset", "sensor", "size/px", "read noise/e-", "gain", "source")
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (heading, *rows)]
