"""Rows of a comparison, and the pages made of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """One measured figure.

    Attributes
    ----------
    table : str
        Which table it belongs to.
    name : str
        What was measured.
    unit : str
        Unit of `ours` and `other`.
    ours, other : float, optional
        This package, and what it is compared with; None where there is nothing.
    ratio : float, optional
        How many times better ours is.
    target : str
        What it has to be; empty where nothing was promised.
    met : bool, optional
        Whether it is.
    samples : dict
        Everything measured for it.
    """

    table: str
    name: str
    unit: str
    ours: float
    other: float | None = None
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    samples: dict[str, Any] = field(default_factory=dict)

    @property
    def is_losing(self) -> bool:
        """A target missed, or slower or larger than what it is compared with."""
        return self.met is False or (self.ratio is not None and self.ratio < 1.0)


@dataclass(frozen=True)
class Table:
    """How a table is headed."""

    title: str
    ours: str
    other: str
    note: str = ""


def page(
    title: str,
    introduction: Iterable[str],
    tables: Sequence[Table],
    rows: Sequence[Row],
    failures: Sequence[str] = (),
) -> str:
    """Markdown of all tables, and of the losing rows and the failed cases once more at the end."""
    parts = [f"# {title}", *introduction]
    for table in tables:
        own = [row for row in rows if row.table == table.title]
        if own:
            parts += [f"## {table.title}", *([table.note] if table.note else []), _lines(table, own)]
    if any(row.met is not None or row.ratio is not None for row in rows):
        losing = [f"- {_reason(row)}" for row in rows if row.is_losing]
        parts += ["## Losing rows", "\n".join(losing) or "None."]
    if failures:
        parts += ["## Failed", "\n".join(f"- {failure}" for failure in failures)]
    return "\n\n".join(parts) + "\n"


def write(stem: Path, text: str, facts: dict[str, Any], rows: Sequence[Row]) -> None:
    """Write the page to `stem`.md and everything measured to `stem`.json."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps({**facts, "rows": [asdict(row) for row in rows]}, indent=1)
    stem.with_suffix(".json").write_text(content + "\n")
    stem.with_suffix(".md").write_text(text)


def _lines(table: Table, rows: Sequence[Row]) -> str:
    """The rows as Markdown, without the columns that none of them fills."""
    columns = [
        ("", "---", [row.name for row in rows]),
        ("unit", "---", [row.unit for row in rows]),
        (table.ours, "---:", [number(row.ours) for row in rows]),
        (table.other, "---:", [number(row.other) for row in rows]),
        ("ratio", "---:", [number(row.ratio, "x") for row in rows]),
        ("target", "---:", [row.target for row in rows]),
        ("", "---", [_verdict(row) for row in rows]),
    ]
    filled = [[head, rule, *cells] for head, rule, cells in columns if any(cells)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in zip(*filled, strict=True))


def _verdict(row: Row) -> str:
    return "" if row.met is None else "met" if row.met else "**missed**"


def _reason(row: Row) -> str:
    what = f"{row.table}, {row.name}: {number(row.ours)} {row.unit}"
    if row.other is not None:
        what += f" against {number(row.other)}"
    if row.ratio is not None:
        what += f", ratio {number(row.ratio, 'x')}"
    return what + (f", target {row.target}" if row.target else "")


def number(value: float | None, suffix: str = "") -> str:
    """Three digits, and all digits before the point; powers of ten for what is tiny."""
    if value is None:
        return ""
    if 0 < abs(value) < 1e-3:
        return f"{value:.1e}{suffix}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}{suffix}"
