"""Makes the pictures of the documentation: ``python docs/drawings [FOLDER]``.

They are committed, so that building the documentation needs neither the compiled kernels nor time.
"""

import sys
from pathlib import Path

import detector
import draws
import fitting
import matching
import measurement
import reduction
import sky

PICTURES = {
    name: make
    for room in (sky, detector, measurement, reduction, matching, fitting, draws)
    for name, make in room.PICTURES.items()
}


def main(folder: Path) -> None:
    """Write every picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PICTURES.items():
        make().save(folder / name, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "pictures")
