"""Blocks and regions of a sensor."""

from __future__ import annotations

from typing import Any, NamedTuple

Parts = tuple[tuple[int, int, int], ...]


def block_boundaries(length: int, blocks: int) -> tuple[int, ...]:
    """First index of every block after the first: equal blocks, of which the first take the remainder.

    >>> block_boundaries(10, 3)
    (4, 7)
    """
    size, remainder = divmod(length, blocks)
    return tuple(i * size + min(i, remainder) for i in range(1, blocks))


def inside_region(boundaries: tuple[int, ...], start: int, length: int) -> tuple[int, ...]:
    """The boundaries that fall strictly inside a region, counted from its start."""
    return tuple(b - start for b in boundaries if start < b < start + length)


def amplifier_boundaries(config: Any, axis: int) -> tuple[int, ...]:
    """First row (axis 0) or column (axis 1) of each amplifier block after the first, on the whole sensor [px]."""
    given: tuple[int, ...] = (config.amplifier_boundaries_y_px, config.amplifier_boundaries_x_px)[axis]
    return given or block_boundaries(config.resolution[axis], config.amplifier_layout[axis])


class Strips(NamedTuple):
    """Pixels that are read before or after those of the sensor, and collect no light.

    Attributes
    ----------
    columns : int
        Columns of the strip of each amplifier [px].
    rows : int
        Rows over the whole width [px].
    side : str
        Where the columns stand: "left" or "right" of the data, those of one amplifier beside those of the next; "both" puts the columns of the
        left half of the amplifiers on the left and those of the right half on the right.
    """

    columns: int
    rows: int
    side: str


class Span(NamedTuple):
    """Pixels of a frame along one axis that are of one kind.

    Attributes
    ----------
    kind : str
        "data", "prescan" or "overscan".
    start, stop : int
        Where they are in the frame [px].
    origin : int
        The first of them in all pixels of that kind and edge, of which a region reads a part [px].
    parts : tuple of (amplifier, first, count)
        All pixels of that kind and edge, amplifier by amplifier: how many, and the place on the sensor of the first [px]; places beyond the sensor
        are those that would be read next.
    """

    kind: str
    start: int
    stop: int
    origin: int
    parts: tuple[tuple[int, int, int], ...]

    @property
    def length(self) -> int:
        """All pixels of that kind and edge, whatever a region reads [px]."""
        return sum(count for _, _, count in self.parts)

    def of_amplifier(self, amplifier: int) -> tuple[int, int] | None:
        """Where the pixels of one amplifier are in the frame; None where there are none."""
        end = self.start - self.origin
        for number, _, count in self.parts:
            end += count
            start, stop = max(end - count, self.start), min(end, self.stop)
            if number == amplifier and start < stop:
                return start, stop
        return None


def column_spans(config: Any) -> tuple[Span, ...]:
    """What a frame of `config` consists of from left to right; without strips the data alone."""
    left, _, width, _ = config.roi or (0, 0, config.resolution[1], 0)
    amplifiers = _amplifiers(amplifier_boundaries(config, 1), config.resolution[1])
    read = {number for number, first, count in amplifiers if first < left + width and left < first + count}

    def strip(kind: str, edge: str) -> tuple[str, int, int, Parts]:
        parts = _beside(getattr(config, kind), kind, edge, amplifiers)
        before = sum(count for number, _, count in parts if number < min(read))
        return kind, before, sum(count for number, _, count in parts if number in read), parts

    return _placed(
        strip("prescan", "left"),
        strip("overscan", "left"),
        ("data", left, width, amplifiers),
        strip("overscan", "right"),
        strip("prescan", "right"),
    )


def row_spans(config: Any) -> tuple[Span, ...]:
    """The same from the bottom to the top. Rows before and after those of the sensor are read by its outer amplifiers."""
    _, top, _, height = config.roi or (0, 0, 0, config.resolution[0])
    amplifiers = _amplifiers(amplifier_boundaries(config, 0), config.resolution[0])
    before, after = (strips.rows if strips else 0 for strips in (config.prescan, config.overscan))
    return _placed(
        ("prescan", 0, before, ((0, -before, before),)),
        ("data", top, height, amplifiers),
        ("overscan", 0, after, ((len(amplifiers) - 1, config.resolution[0], after),)),
    )


class Strip(NamedTuple):
    """Pixels of a frame that are not of the sensor: what one span of rows and one of columns have in common.

    Attributes
    ----------
    rows, columns : Span
        Not both of kind "data"; where a region reads none of them, one of them is empty.
    first : int
        Address of its first pixel in the random contract: strips follow the pixels of the sensor, and each other.
    """

    rows: Span
    columns: Span
    first: int

    @property
    def is_read(self) -> bool:
        """Whether the frame has any of it."""
        return self.rows.start < self.rows.stop and self.columns.start < self.columns.stop


def strips(config: Any) -> tuple[Strip, ...]:
    """The strips of `config`, from the bottom to the top and from left to right."""
    found, first = [], config.resolution[0] * config.resolution[1]
    all_rows, all_columns = config.frame_spans
    for rows in all_rows:
        for columns in all_columns:
            if (rows.kind, columns.kind) != ("data", "data"):
                found.append(Strip(rows, columns, first))
                first += rows.length * columns.length
    return tuple(found)


def data_spans(config: Any) -> tuple[Span, Span]:
    """Rows and columns of a frame that are of the sensor."""
    rows, columns = (next(span for span in spans if span.kind == "data") for spans in config.frame_spans)
    return rows, columns


def _amplifiers(boundaries: tuple[int, ...], length: int) -> Parts:
    """Number, first pixel and pixels of each amplifier."""
    limits = zip((0, *boundaries), (*boundaries, length), strict=True)
    return tuple((number, start, stop - start) for number, (start, stop) in enumerate(limits))


def _beside(strips: Strips | None, kind: str, edge: str, amplifiers: Parts) -> Parts:
    """The strips of amplifiers that stand at one edge."""
    if strips is None or strips.columns == 0 or strips.side not in (edge, "both"):
        return ()
    if strips.side == "both":
        half = len(amplifiers) // 2
        amplifiers = amplifiers[:half] if edge == "left" else amplifiers[half:]
    count = strips.columns
    return tuple(
        (number, first - count if kind == "prescan" else first + pixels, count)
        for number, first, pixels in amplifiers
    )


def _placed(*spans: tuple[str, int, int, Parts]) -> tuple[Span, ...]:
    """Spans behind each other: kind, origin, length, parts."""
    placed, end = [], 0
    for kind, origin, length, parts in spans:
        placed.append(Span(kind, end, end + length, origin, parts))
        end += length
    return tuple(placed)
