"""Blocks and regions of a sensor."""

from __future__ import annotations


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
