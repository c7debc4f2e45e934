"""`getframes presets`: the cameras that come with the package."""

from __future__ import annotations

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
    from getframes.presets import available_presets, preset_info

    if options.plain:
        print(*available_presets(), sep="\n")
    else:
        print(*table([cells(row) for row in preset_info()]), sep="\n")
    return 0


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    """What the table shows of a camera; read noise at the output, and at the input of a gain stage."""
    height, width = row["resolution"]
    noise = f"{row['read_noise_e']:g}"
    if row["em_gain"] > 1.0:
        noise += f" / {row['em_gain']:g}"
    return row["preset"], row["sensor_type"], f"{width} x {height}", noise, "; ".join(row["source"])


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """The rows under their headings, in columns."""
    heading = ("preset", "sensor", "size/px", "read noise/e- (/ gain)", "source")
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (heading, *rows)]
