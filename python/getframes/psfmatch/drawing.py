"""Pictures of a match, to see whether it is a good one.

| kind        | what is to be seen                                                                                         |
|-------------|------------------------------------------------------------------------------------------------------------|
| `input`     | the image with its mask, and its PSF over the field                                                        |
| `reference` | the PSF that is wanted, and cuts through the PSFs of the worst node                                        |
| `matched`   | the matched image under the same stretch, its PSF, and what that PSF still differs by                      |
| `nodes`     | residual, kernel and noise gain of every node, in frames from green (good) to red (bad)                    |
| `basis`     | what the kernel is made of: its mean and the components that vary, the functions of an Alard-Lupton basis  |
| `kernels`   | the kernel over the field, with its negative parts                                                         |
| `surfaces`  | how much of each component there is at every place                                                         |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import require
from getframes.picture.masked import legend, overlaid
from getframes.picture.plot import BLUE, FAINT, INK, ORANGE, Plot, text
from getframes.picture.sheet import Sheet, short
from getframes.picture.stretch import Stretch, diverging, fitted, good_to_bad, grey
from getframes.picture.tiles import Tile, show_tiles
from getframes.psfmatch.basis import NodeKernel, full_convolution, gaussian_basis

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from getframes.psfmatch.exposure import Exposure
    from getframes.psfmatch.models import PSFModel
    from getframes.psfmatch.result import PsfMatchResult

PANEL = 480
GREEN = (52, 168, 96)
_GOOD, _BAD = 1e-5, 1e-2
"""Residuals that are drawn green and red."""
_DECADES = 5
"""Below the peak of a PSF, what a picture of it shows."""
_FAINTEST = 1e-8
"""Of the peak of a PSF, the least that a cut shows."""
_ACROSS = 4
"""Surfaces in a row."""

Place = tuple[float, float]


def draw(result: PsfMatchResult, kind: str, mask_transparency: float = 0.5) -> Image:
    """A picture of a match; see `PsfMatchResult.plot`."""
    require(kind in KINDS, "", "kind", f"one of {', '.join(KINDS)}", kind)
    require(0 <= mask_transparency <= 1, "", "mask_transparency", "in [0, 1]", mask_transparency)
    return _DRAWN[kind](result, mask_transparency)


def _input(result: PsfMatchResult, transparency: float) -> Image:
    exposure, stretch = result.exposure, _stretch(result)
    sheet = _sheet("input", "the exposure as it came, and its PSF", 2)
    _show_exposure(sheet, 0, exposure, stretch, transparency)
    assert exposure.psf is not None
    _show_psf(sheet, 1, exposure.psf, result, "PSF of the exposure")
    return sheet.picture


def _reference(result: PsfMatchResult, transparency: float) -> Image:
    sheet = _sheet("reference", "the PSF that is wanted, and cuts through the PSFs of the worst node", 2)
    _show_psf(sheet, 0, result.reference, result, "PSF of the reference")
    _show_cuts(sheet, 1, max(result.nodes, key=lambda node: node.residual))
    return sheet.picture


def _matched(result: PsfMatchResult, transparency: float) -> Image:
    achieved, reference = result.matched.psf, result.reference
    assert achieved is not None
    sheet = _sheet("matched", "the exposure now, the PSF that it has, and what that differs by", 3)
    stretch, total = _stretch(result), result.kernel.sum
    stretch = Stretch(
        stretch.kind, *(total * level for level in (stretch.black, stretch.white, stretch.soft))
    )
    _show_exposure(sheet, 0, result.matched, stretch, transparency)
    _show_psf(sheet, 1, achieved, result, "PSF achieved")
    rest = [
        [achieved.stamp(x, y) - reference.stamp(x, y, achieved.side) for x, y in row]
        for row in _places(result)
    ]
    peak = max(float(np.abs(stamp).max()) for row in rest for stamp in row)
    whole = float(reference.stamp(*_places(result)[0][0]).max())
    detail = f"orange too much, blue too little, {peak / whole:.1e} of the peak at most"
    _show_signed(sheet, 2, rest, "achieved - reference", detail)
    return sheet.picture


def _nodes(result: PsfMatchResult, transparency: float) -> Image:
    nodes, bound = result.nodes, result.config.max_noise_gain
    sheet = _sheet(
        "nodes",
        f"residual {short(min(node.residual for node in nodes))} to {short(result.residual)} of the PSF, "
        f"noise gain {short(min(node.noise_gain for node in nodes))} to {short(result.noise_gain)}",
        3,
    )
    columns = len({node.x for node in nodes})
    rows = [nodes[start : start + columns] for start in range(0, len(nodes), columns)]
    rest = [
        [Tile(_cut(node.difference, node), _residual_colour(node), f"{node.residual:.0e}") for node in row]
        for row in rows
    ]
    most = max(float(np.abs(tile.image).max()) for row in rest for tile in row)
    words = f"green {_GOOD:g}, red {_BAD:g} of the PSF and more"
    show_tiles(sheet, 0, 0, rest, partial(diverging, limit=most or 1.0), "PSF * K - reference", words)
    gains = [
        [Tile(node.kernel, good_to_bad(node.noise_gain / bound), f"{node.noise_gain:.2f}") for node in row]
        for row in rows
    ]
    words = f"framed by noise gain: green 0, red {bound:g}, where it is bounded"
    show_tiles(sheet, 0, 1, gains, _kernel_colours(node.kernel for node in nodes), "kernels", words)
    _show_places(sheet, 2, result)
    return sheet.picture


def _basis(result: PsfMatchResult, transparency: float) -> Image:
    kernel, functions = result.kernel, result.config.basis == "alard-lupton"
    parts = kernel.parts
    sheet = _sheet("basis", "what the kernel is made of", 3 if functions else 2)
    words = f"{kernel.side} x {kernel.side} px, of sum 1, signed asinh stretch"
    show_tiles(sheet, 0, 0, [[Tile(parts[0])]], _kernel_colours(parts[:1]), "mean kernel", words)
    if kernel.rank:
        tiles = _squared([_unit(part) for part in parts[1:]])
        _show_signed(sheet, 1, tiles, "components", f"{kernel.rank} that vary, of sum 0, strongest first")
    else:
        sheet.caption(0, 1, "components", "none: the kernel is the same everywhere")
    if functions:
        made = [_unit(function) for function in gaussian_basis(kernel.side)]
        _show_signed(
            sheet, 2, _squared(made), "Alard-Lupton basis", f"{len(made)} Gaussians times polynomials"
        )
    return sheet.picture


def _kernels(result: PsfMatchResult, transparency: float) -> Image:
    kernel = result.kernel
    places = _places(result, 7)
    stamps = [[kernel(x, y) for x, y in row] for row in places]
    gains = [float(np.sqrt((stamp**2).sum())) for row in stamps for stamp in row]
    sheet = _sheet("kernels", "the kernel over the field, under a signed asinh stretch", 2)
    flat = [stamp for row in stamps for stamp in row]
    tiles = [[Tile(stamp) for stamp in row] for row in stamps]
    words = (
        f"{len(places[0])} x {len(places)} places; noise gain {short(min(gains))} to {short(max(gains))}, sum {kernel.sum:g}",
    )
    show_tiles(sheet, 0, 0, tiles, _kernel_colours(flat), "kernel mosaic", *words)
    worst = flat[int(np.argmax(gains))]
    least = float(worst.min() / worst.max())
    detail = f"its lowest pixel is {least:.1e} of its peak"
    show_tiles(sheet, 0, 1, [[Tile(worst)]], _kernel_colours([worst]), "kernel of the largest gain", detail)
    return sheet.picture


def _surfaces(result: PsfMatchResult, transparency: float) -> Image:
    kernel = result.kernel
    count = max(kernel.rank, 1)
    sheet = Sheet.blank(
        "PSF match: surfaces",
        "how much of each component there is, blue below 0, orange above",
        rows=-(-count // _ACROSS),
        columns=min(max(count, 2), _ACROSS),
        panel=PANEL * 3 // 4,
    )
    if not kernel.rank:
        sheet.caption(0, 0, "none", "the kernel is the same everywhere")
    height, width = (max(1, sheet.panel * side // max(kernel.shape)) for side in kernel.shape)
    v, u = np.linspace(-1.0, 1.0, height), np.linspace(-1.0, 1.0, width)
    for number, (part, surface) in enumerate(zip(kernel.parts[1:], kernel.surfaces, strict=True)):
        values = np.polynomial.chebyshev.chebgrid2d(v, u, surface) * float(np.abs(part).sum())
        most = float(np.abs(values).max())
        words = f"{values.min():+.1e} to {values.max():+.1e} of the mass of the kernel"
        pixels = diverging(values, most or 1.0)
        sheet.show(*divmod(number, _ACROSS), pixels, f"component {number + 1}", words)
    return sheet.picture


_DRAWN: dict[str, Callable[[PsfMatchResult, float], Image]] = {
    "input": _input,
    "reference": _reference,
    "matched": _matched,
    "nodes": _nodes,
    "basis": _basis,
    "kernels": _kernels,
    "surfaces": _surfaces,
}
KINDS = tuple(_DRAWN)


def _sheet(kind: str, remark: str, columns: int) -> Sheet:
    return Sheet.blank(f"PSF match: {kind}", remark, rows=1, columns=columns, panel=PANEL)


def _stretch(result: PsfMatchResult) -> Stretch:
    return Stretch.fitting(result.exposure.image)


def _places(result: PsfMatchResult, count: int = 3) -> list[list[Place]]:
    """Rows of places over the field, between the outermost nodes: a PSF need not be known beyond."""
    xs, ys = ({getattr(node, axis) for node in result.nodes} for axis in ("x", "y"))
    across, up = (np.linspace(min(at), max(at), count if len(at) > 1 else 1).tolist() for at in (xs, ys))
    return [[(x, y) for x in across] for y in up]


def _show_exposure(
    sheet: Sheet, column: int, exposure: Exposure, stretch: Stretch, transparency: float
) -> None:
    pixels = grey(stretch(fitted(exposure.image, PANEL, PANEL)))
    if exposure.mask is not None:
        pixels = overlaid(pixels, np.asarray(exposure.mask), exposure.planes, transparency)
    height, width = exposure.shape
    detail = f"{width} x {height} px, asinh stretch, {short(stretch.black)} to {short(stretch.white)}"
    sheet.show(0, column, pixels, "image", detail)
    left, top = sheet.corner(0, column)
    legend(sheet.draw, (left + 70, top + PANEL + 7), exposure.planes)


def _show_psf(sheet: Sheet, column: int, psf: PSFModel, result: PsfMatchResult, caption: str) -> None:
    stamps = [[psf.stamp(x, y) for x, y in row] for row in _places(result)]
    peak = max(float(stamp.max()) for row in stamps for stamp in row)
    tiles = [[Tile(stamp) for stamp in row] for row in stamps]

    def logarithmic(values: Any) -> NDArray[np.uint8]:
        decades = np.log10(np.maximum(np.asarray(values) / peak, 10.0**-_DECADES))
        return grey(1.0 + decades / _DECADES)

    detail = f"{psf.side} x {psf.side} px, logarithmic: {_DECADES} decades below {peak:.2g}"
    show_tiles(sheet, 0, column, tiles, logarithmic, caption, detail)


def _show_signed(sheet: Sheet, column: int, stamps: Any, caption: str, detail: str) -> None:
    most = max(float(np.abs(stamp).max()) for row in stamps for stamp in row)
    tiles = [[Tile(stamp) for stamp in row] for row in stamps]
    show_tiles(sheet, 0, column, tiles, partial(diverging, limit=most or 1.0), caption, detail)


def _show_cuts(sheet: Sheet, column: int, node: NodeKernel) -> None:
    """PSF, reference, what was achieved and what is left, along the row through the middle."""
    left, top = sheet.corner(0, column)
    box = (left + 40, top, left + PANEL, top + PANEL - 26)
    peak = float(max(node.source.max(), node.target.max()))
    reach = node.target.shape[0] // 2
    plot = Plot.in_box(sheet.draw, box, (-reach, reach), (_FAINTEST * peak, 2.0 * peak), log_y=True)
    plot.axes("against x [px]")
    for level in plot.y.ticks():
        at = round(float(plot.y(level)))
        text(sheet.draw, (box[0] - 4, at), f"{level:.0e}", FAINT, 11, "rm")
    made = full_convolution(node.source, node.kernel)
    shown = (
        ("exposure", node.source, BLUE, plot.line),
        ("reference", node.target, INK, plot.line),
        ("achieved", made, GREEN, plot.points),
        ("|achieved - reference|", np.abs(node.difference), ORANGE, plot.line),
    )
    for number, (name, stamp, colour, drawn) in enumerate(shown):
        middle = stamp.shape[0] // 2
        drawn(np.arange(-middle, middle + 1.0), stamp[middle], colour)
        text(sheet.draw, (box[0] + 10, top + 8 + 18 * number), name, colour, 14)
    words = f"at (x, y) = ({node.x:.0f}, {node.y:.0f}), residual {node.residual:.1e}"
    sheet.caption(0, column, "cuts through the PSFs", words)


def _show_places(sheet: Sheet, column: int, result: PsfMatchResult) -> None:
    """Where in the image the nodes are, in the colours of their residuals."""
    left, top = sheet.corner(0, column)
    scale = PANEL / max(result.kernel.shape)
    height, width = (scale * side for side in result.kernel.shape)
    sheet.draw.rectangle((left, top, left + width, top + height), outline=FAINT)
    for node in result.nodes:
        x, y = left + (node.x + 0.5) * scale, top + height - (node.y + 0.5) * scale
        sheet.draw.ellipse((x - 7, y - 7, x + 7, y + 7), fill=_residual_colour(node))
    sheet.caption(0, column, "places of the nodes", "Chebyshev-Gauss points, in the colours of the residuals")


def _residual_colour(node: NodeKernel) -> tuple[int, int, int]:
    decades = math.log10(max(node.residual, 1e-300) / _GOOD)
    return good_to_bad(decades / math.log10(_BAD / _GOOD))


def _cut(stamp: NDArray[np.float64], node: NodeKernel) -> NDArray[np.float64]:
    """The middle of a full convolution, in the size of the reference."""
    lost = (stamp.shape[0] - node.target.shape[0]) // 2
    return stamp[lost : stamp.shape[0] - lost, lost : stamp.shape[0] - lost]


def _kernel_colours(kernels: Any) -> Callable[[Any], NDArray[np.uint8]]:
    """Signed asinh: a thousandth of the peak is still to be seen."""
    peak = max(float(np.abs(kernel).max()) for kernel in kernels)
    return lambda values: diverging(np.arcsinh(values / (0.003 * peak)), math.asinh(1.0 / 0.003))


def _unit(stamp: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(stamp / np.abs(stamp).max())


def _squared(stamps: Sequence[NDArray[np.float64]]) -> list[list[NDArray[np.float64]]]:
    """Rows that make about a square, the first stamp at the top left."""
    across = math.ceil(math.sqrt(len(stamps)))
    empty = np.zeros_like(stamps[0])
    filled = [*stamps, *[empty] * (-len(stamps) % across)]
    return [filled[start : start + across] for start in range(0, len(filled), across)][::-1]
