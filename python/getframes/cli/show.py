"""`getframes show`: a frame as a PNG with its histogram, or in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from getframes.picture import STRETCHES

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from numpy.typing import NDArray

    from getframes.picture.stretch import Stretch

name = "show"
summary = "show a frame as a PNG, or in the terminal"

READABLE = ".fits, .fits.gz, .npz or .npy"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("frame", type=Path, metavar="FRAME", help=f"{READABLE} file")
    parser.add_argument("-o", "--output", type=Path, metavar="PNG", help="write a PNG; else show it here")
    parser.add_argument("--layer", metavar="NAME", help="an array of the truth, such as mean_electrons")
    parser.add_argument("--stretch", choices=STRETCHES, default=STRETCHES[0], help="default: asinh")
    parser.add_argument(
        "--percent", type=float, nargs=2, metavar=("LOW", "HIGH"), help="percentiles shown as black and white"
    )
    parser.add_argument(
        "--size", type=int, default=1024, metavar="PX", help="most pixels along a side; default: 1024"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing PNG")


def run(options: Namespace) -> int:
    """Show the frame."""
    from getframes.errors import require

    low, high = options.percent or (0.0, 100.0)
    require(0 <= low < high <= 100, "show", "percent", "two rising numbers in [0, 100]", options.percent)
    require(16 <= options.size <= 16384, "show", "size", "in 16..16384", options.size)
    image, about = read_image(options.frame, options.layer)
    if options.output is None:
        print(*_on_terminal(image, about, options), sep="\n")
    else:
        _to_png(image, about, options)
    return 0


def read_image(path: Path, layer: str | None) -> tuple[NDArray[Any], dict[str, Any]]:
    """The image of a file, and what is known about it.

    Raises
    ------
    DomainError
        If there is no such file, it cannot be a frame, or has no such layer.
    IntegrityError
        If it is damaged.
    """
    import numpy as np

    from getframes.errors import require

    require(path.is_file(), "show", "FRAME", f"an existing {READABLE} file", str(path))
    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    require(kind in ("fits", "fit", "fts", "npz", "npy"), "show", "FRAME", f"a {READABLE} file", str(path))
    read = _read_fits if kind.startswith("f") else _read_numpy
    image, about = read(path, layer)
    require(
        image.ndim == 2 and image.size > 0 and image.dtype.kind in "uifb",
        "show",
        "FRAME",
        "an image (height, width) of real numbers",
        f"{image.dtype} {image.shape}",
    )
    return np.asarray(image), {"file": path.name, "layer": layer, **about}


def _read_fits(path: Path, layer: str | None) -> tuple[NDArray[Any], dict[str, Any]]:
    from getframes.frame import Frame

    frame = Frame.from_fits(path)
    if layer is None:
        return frame.data, frame.metadata
    layers = frame.truth.arrays() if frame.truth is not None else {}
    return _layer(layers, layer), frame.metadata


def _read_numpy(path: Path, layer: str | None) -> tuple[NDArray[Any], dict[str, Any]]:
    import numpy as np

    from getframes.errors import IntegrityError

    try:
        loaded: Any = np.load(path, allow_pickle=False)
        if not hasattr(loaded, "files"):
            return loaded, {}
        with loaded:
            images = {key: loaded[key] for key in loaded.files if loaded[key].ndim == 2}
    except (ValueError, EOFError, OSError) as error:
        raise IntegrityError(f"{path} is damaged, or no file of numpy: {error}") from error
    return _layer(images, layer or next(iter(images), "raw")), {}


def _layer(layers: dict[str, NDArray[Any]], layer: str) -> NDArray[Any]:
    from getframes.errors import require

    known = ", ".join(layers)
    require(layer in layers, "show", "layer", f"one of {known or 'none, as there is no truth'}", layer)
    return layers[layer]


def _to_png(image: NDArray[Any], about: dict[str, Any], options: Namespace) -> None:
    from getframes.picture.frame_picture import frame_picture
    from getframes.picture.png import save_png
    from getframes.picture.stretch import Stretch

    stretch = Stretch.fitting(image, options.stretch, options.percent)
    picture = frame_picture(
        image, stretch, heading(image, about), _limits(stretch), _unit(about), options.size
    )
    save_png(picture, options.output, overwrite=options.overwrite)


def _on_terminal(image: NDArray[Any], about: dict[str, Any], options: Namespace) -> list[str]:
    import os
    import shutil
    import sys

    from getframes.picture.stretch import Stretch, fitted
    from getframes.picture.terminal import characters, histogram_line

    columns, lines = shutil.get_terminal_size((100, 40))
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    blocks = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    small = fitted(image, columns, 2 * max(lines - 5, 4))
    stretch = Stretch.fitting(small, options.stretch, options.percent)
    rows = characters(stretch(small), half_blocks=colour and blocks)
    bars = histogram_line(image, stretch, min(columns, 100), blocks=blocks)
    return [heading(image, about), *rows, bars, _limits(stretch), statistics(image)]


def heading(image: NDArray[Any], about: dict[str, Any]) -> str:
    """What the frame is, in a line."""
    height, width = image.shape
    parts = [about["file"], about.get("layer"), about.get("camera"), about.get("frame_type")]
    if isinstance(about.get("exposure_s"), int | float):
        parts.append(f"{about['exposure_s']:g} s")
    return ", ".join([*(str(part) for part in parts if part), f"{width} x {height} px"])


def statistics(image: NDArray[Any]) -> str:
    """Lowest, median, mean and highest value, and the scatter."""
    import numpy as np

    values = np.asarray(image, np.float64)
    figures = {
        "min": values.min(),
        "median": np.median(values),
        "mean": values.mean(),
        "max": values.max(),
        "std": values.std(),
    }
    return "  ".join(f"{name} {value:.6g}" for name, value in figures.items())


def _limits(stretch: Stretch) -> str:
    return f"{stretch.kind} stretch, black {stretch.black:.6g}, white {stretch.white:.6g}"


def _unit(about: dict[str, Any]) -> str:
    if about["layer"] is None:
        return "ADU"
    return {"photon_rate": "photons/s"}.get(about["layer"], "e-" if about["layer"] != "raw" else "ADU")
