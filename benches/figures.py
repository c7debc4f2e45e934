"""Puts a summary of results/compare.json into README.md, between its two markers.

::

    python benches/figures.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from table import number

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "compare.json"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"

SHOWN = {
    "expose andor_ikon_m934 float32": "frame, CCD 1024 x 1024, float32",
    "expose generic_scmos float32": "frame, sCMOS 2048 x 2048, float32",
    "expose generic_scmos float64": "frame, sCMOS 2048 x 2048, float64",
    "expose andor_ocam2k float32": "frame, EMCCD 240 x 240, float32",
    "expose generic_cmos float32": "frame, CMOS 4096 x 4096, float32",
    "dark_frame generic_scmos float32": "dark, sCMOS 2048 x 2048, float32",
    "catalog gaussian 100000 float32": "100 000 Gaussian stars in 2048 x 2048, float32",
    "catalog gaussian 100000 float64": "the same, float64",
    "catalog moffat 10000 float64": "10 000 Moffat stars, float64",
    "to_npz, CPU time": "data set, 512 x 512, float32, to npz",
    "expose 4096 x 4096 float32": "peak memory of a frame, 4096 x 4096, float32",
    "import getframes": "`import getframes`",
    "getframes presets": "`getframes presets`",
}
"""Rows that are shown, by name; frames are told from threads by their table."""


def summary(results: dict[str, Any]) -> str:
    """The table of README.md."""
    rows = {row["name"]: row for row in results["rows"] if row["table"] != "Threads"}
    lines = ["| | | this package | NumPy | ratio |", "|---|---|---:|---:|---:|"]
    for name, words in SHOWN.items():
        if name in rows:
            row = rows[name]
            ours, other = number(row["ours"]), number(row["other"])
            lines.append(f"| {words} | {row['unit']} | {ours} | {other} | {number(row['ratio'], 'x')} |")
    measured, machine = results["measured"], results["machine"]
    lines += ["", f"Measured {measured} on {machine['processor']}, {machine['cores']} cores."]
    return "\n".join(lines)


def filled(readme: str, table: str) -> str:
    """`readme` with the table between its markers."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


if __name__ == "__main__":
    page = ROOT / "README.md"
    table = summary(json.loads(RESULTS.read_text(encoding="utf-8")))
    page.write_text(filled(page.read_text(encoding="utf-8"), table), encoding="utf-8")
