"""The report of a fit: one page that a person opens, with what is doubtful first.

`index.html` has what went wrong, a table of the patches that hold the results (chi2, draws, R-hat, effective draws), one of the images, and for some patches the pictures
of data, model and residual, and the numbers, chains and corner plot of every source; the pictures lie beside it. Pages of large surveys stay small: pictures are those of the patches
that are most doubtful.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.errors import require_count
from getframes.fit.chain_pictures import chain_pictures
from getframes.fit.outcome import LEVELS, patch_row
from getframes.fit.patch_file import read_patch
from getframes.fit.patch_pictures import patch_picture
from getframes.fit.residual import last_files
from getframes.io.atomic import make_folder, write_text
from getframes.picture.png import save_png

if TYPE_CHECKING:
    from os import PathLike

    from PIL.Image import Image

UNITS = "dra, ddec and rhalf (circularized) are in arcsec, or pixels without WCS; fluxes in the unit of the catalog."
MOST_ROWS = 500
"""Of the table of patches."""
STYLE = """
body { background: #101218; color: #e8eaf0; font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 1300px; padding: 0 1em }
h1, h2, h3 { font-weight: 500 } h2 { border-top: 1px solid #4a5060; margin-top: 2em; padding-top: 1em }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 1em 0 }
th, td { padding: .15em .8em; text-align: right } th { color: #969cac; font-weight: 400 }
th:first-child, td:first-child, td.words { text-align: left } tr:nth-child(even) { background: #181b24 }
a { color: #60a5fa } img { max-width: 100%; vertical-align: top } p.faint { color: #969cac } li.bad, td.words { color: #fb923c }
"""


class _Patch(NamedTuple):
    """A patch that holds the results of a source, and what the table says of it."""

    path: Path
    row: Mapping[str, Any]

    @property
    def off(self) -> float:
        """How far chi2 is from the number of pixels, in its standard deviations."""
        pixels = max(self.row["pixels"], 1)
        return float((self.row["chi2"] - pixels) / np.sqrt(2.0 * pixels))

    @property
    def doubt(self) -> tuple[bool, float]:
        """What sorts the most doubtful patch first."""
        return not self.row["problems"], -abs(self.off)


def write_report(
    folder: str | PathLike[str],
    out: str | PathLike[str],
    *,
    title: str = "Fit",
    told: Iterable[str] = (),
    most: int = 24,
    overwrite: bool = False,
) -> Path:
    """Write the page of a fit.

    Parameters
    ----------
    folder : path
        With the files of the patches.
    out : path
        Folder of ``index.html`` and its pictures in ``stamps/`` and ``chains/``; made where it is not there.
    title : str
        Of the page.
    told : iterable of str
        What is not as it should be, such as `SurveyReport.told`; stands first.
    most : int
        Patches that have pictures.
    overwrite : bool
        Replace existing files.

    Returns
    -------
    Path
        The page, which is written last.

    Raises
    ------
    DomainError
        If `most` is not at least 1.
    MissingFileError, IntegrityError
        If there is no patch, or one is damaged.
    OutputError
        If a file exists already or cannot be written.
    """
    most = require_count(most, "write_report", "most")
    into = make_folder(out)
    images: dict[str, list[float]] = {}
    patches = []
    for path in dict.fromkeys(last_files(folder).values()):
        patch = read_patch(path)
        patches.append(_Patch(path, patch_row(patch)))
        for name, tiles in patch["tiles"].items():
            pixels, chi2 = images.get(name, (0, 0.0))
            pull = tiles["residual"] ** 2 * tiles["weight"]
            images[name] = [pixels + int(np.count_nonzero(tiles["weight"])), chi2 + float(pull.sum())]
    patches.sort(key=lambda each: each.doubt)
    parts = [
        f"<h1>{escape(title)}</h1>",
        *_summary(patches),
        *_told(told),
        "<h2>Patches</h2>",
        *_patch_table(patches),
        "<h2>Images</h2>",
        _table(
            ("image", "pixels", "chi2", "chi2 / pixel"),
            [
                (name, f"{n:.0f}", f"{chi2:.1f}", f"{chi2 / max(n, 1):.3f}")
                for name, (n, chi2) in sorted(images.items())
            ],
        ),
    ]
    parts.append(f'<p class="faint">{UNITS}</p>')
    for each in patches[:most]:
        parts += _section(each, into, overwrite=overwrite)
    if len(patches) > most:
        parts.append(f'<p class="faint">{len(patches) - most} further patches have no pictures here.</p>')
    page = into / "index.html"
    head = f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>\n'
    write_text(page, head + "\n".join(parts) + "\n</html>\n")
    return page


def _summary(patches: Sequence[_Patch]) -> list[str]:
    rows = [each.row for each in patches]
    total = {name: sum(row[name] for row in rows) for name in ("sources", "pixels", "chi2", "divergences")}
    sampled = sum(row["draws"] > 0 for row in rows)
    doubtful = sum(bool(row["problems"]) for row in rows)
    words = (
        f"{total['sources']} sources in {len(rows)} patches, {sampled} of them sampled; "
        f"chi2 {total['chi2']:.1f} of {total['pixels']} pixels ({total['chi2'] / max(total['pixels'], 1):.3f} a pixel); "
        f"{total['divergences']} divergences; {doubtful} patches are doubtful."
    )
    return [f"<p>{words}</p>"]


def _told(told: Iterable[str]) -> list[str]:
    lines = [f'<li class="bad">{escape(line)}</li>' for line in told]
    return ["<h2>What the run said</h2>", "<ul>", *lines, "</ul>"] if lines else []


def _patch_table(patches: Sequence[_Patch]) -> list[str]:
    heads = (
        "patch",
        "sources",
        "parameters",
        "pixels",
        "chi2",
        "off",
        "draws",
        "divergences",
        "R-hat",
        "least ESS",
        "",
    )
    rows = [
        (
            f"{row['task']} {row['patch']}",
            *(str(row[name]) for name in ("sources", "parameters", "pixels")),
            f"{row['chi2']:.1f}",
            f"{each.off:+.1f} sigma",
            *(str(row[name]) if row["draws"] else "" for name in ("draws", "divergences")),
            *(f"{row[name]:.4g}" if row["draws"] else "" for name in ("worst_rhat", "least_ess")),
            row["problems"],
        )
        for each in patches[:MOST_ROWS]
        for row in [each.row]
    ]
    words = 'The most doubtful first; "off" is chi2 minus pixels in units of its standard deviation.'
    if len(patches) > MOST_ROWS:
        words += f" {len(patches) - MOST_ROWS} more are in the table of `--mode patches`."
    return [f'<p class="faint">{words}</p>', _table(heads, rows)]


def _section(each: _Patch, into: Path, *, overwrite: bool) -> list[str]:
    """Pictures and numbers of a patch."""
    patch = read_patch(each.path)
    parts = [f"<h2>{escape(str(patch['task']))}, patch {patch['patch']}</h2>"]
    parts += [f'<li class="bad">{escape(line)}</li>' for line in str(patch["problems"]).splitlines()]
    if patch["tiles"]:
        parts.append(_shown(patch_picture(patch), into, f"stamps/{each.path.stem}.png", overwrite=overwrite))
    for number in np.atleast_1d(patch["active"]).astype(int).tolist():
        parts += [f"<h3>source {number}</h3>", _numbers(patch, f"[{number}]")]
        for kind, picture in chain_pictures(patch, number).items():
            parts.append(_shown(picture, into, f"chains/{number}_{kind}.png", overwrite=overwrite))
    return parts


def _shown(picture: Image, into: Path, name: str, *, overwrite: bool) -> str:
    """A picture of the page, written beside it."""
    make_folder((into / name).parent)
    save_png(picture, into / name, overwrite=overwrite)
    return f'<a href="{name}"><img src="{name}" alt="{name}" loading="lazy"></a>'


def _numbers(patch: dict[str, Any], end: str) -> str:
    """Values of the parameters of a source: percentiles of draws, or the optimum with its errors."""
    places = [place for place, name in enumerate(patch["names"]) if name.endswith(end)]
    names = [patch["names"][place].removesuffix(end) for place in places]
    if "posterior" not in patch:
        sigma = np.sqrt(np.diag(patch["covariance"]))
        rows = [
            (name, f"{patch['parameters'][at]:.6g}", f"{sigma[at]:.2g}")
            for name, at in zip(names, places, strict=True)
        ]
        return _table(("parameter", "optimum", "sigma"), rows)
    draws = patch["posterior"]
    low, middle, high = draws.percentiles(LEVELS)
    rows = [
        (
            name,
            *(f"{numbers[at]:.6g}" for numbers in (low, middle, high)),
            f"{draws.rhat[at]:.4f}",
            *(f"{numbers[at]:.0f}" for numbers in (draws.ess_bulk, draws.ess_tail)),
        )
        for name, at in zip(names, places, strict=True)
    ]
    return _table(("parameter", "16 %", "50 %", "84 %", "R-hat", "bulk ESS", "tail ESS"), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def cells(row: Sequence[str]) -> str:
        last = len(heads) - 1
        kinds = [' class="words"' if place == last and not heads[last] else "" for place in range(len(row))]
        return "".join(f"<td{kind}>{escape(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))

    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return "\n".join(["<table>", f"<tr>{head}</tr>", *(f"<tr>{cells(row)}</tr>" for row in rows), "</table>"])
