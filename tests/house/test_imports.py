"""The directions of architecture.md: who may import whom."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.house.imports import Import, imports, room_of

IMPORTS = imports()

FLOORS = (
    {"errors"},
    {"quantity", "backend", "threads", "memory", "precision", "sections", "coupling"},
    {"spectral", "frame", "layers", "observation"},
    {"config"},
    {"presets", "io", "picture"},
    {"scene", "noise", "run_record", "analysis", "reduce", "psfmatch", "fit"},
    {"camera", "calibrate"},
    {"focal_plane"},
    {"dataset", "pipeline"},
    {"cli"},
)
"""A module sees its own room and the floors below."""
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

NATIVE = {
    "config": {"toml"},
    "noise": {"core", "sim"},
    "camera": {"core", "sim"},
    "scene": {"deposit"},
    "reduce": {"reduce"},
    "psfmatch": {"psf"},
    "fit": {"fit"},
    "dataset": {"core"},
    "threads": {"core"},
}
"""The parts of the extension that a room may import."""

SLOW = ("astropy", "scipy", "h5py", "pandas", "PIL", "tqdm", "numpy.random", "tomli", "multiprocessing")


def own(found: Import) -> bool:
    return found.name == "getframes" or found.name.startswith("getframes.")


def test_something_is_checked() -> None:
    assert {room_of(found.module) for found in IMPORTS} >= {"config", "scene", "dataset", "cli", "reference"}


def test_modules_see_only_the_floors_below() -> None:
    """Imports inside functions are the way out for a method of a lower floor, so they are free."""
    wrong = [
        found
        for found in IMPORTS
        if own(found) and not found.lazy
        for here, there in [(room_of(found.module), room_of(found.name))]
        if here not in ("", "reference", "__main__") and there not in (here, "_native")
        if FLOOR_OF[here] <= FLOOR_OF.get(there, -1)
    ]
    assert wrong == []


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(found.module) for found in IMPORTS}
    assert rooms - set(FLOOR_OF) <= {"", "reference", "_native", "__main__"}


def test_rooms_import_their_own_part_of_the_extension() -> None:
    wrong = [
        found
        for found in IMPORTS
        if room_of(found.name) == "_native"
        if not set(found.name.split(".")[2:3]) <= NATIVE.get(room_of(found.module), set())
    ]
    assert wrong == []


def test_nobody_imports_the_command_line() -> None:
    assert {found.module for found in IMPORTS if room_of(found.name) == "cli"} <= {
        found.module for found in IMPORTS if room_of(found.module) in ("cli", "__main__")
    }


def test_only_tests_import_the_reference() -> None:
    wrong = [
        found
        for found in IMPORTS
        if room_of(found.name) == "reference" and room_of(found.module) != "reference"
    ]
    assert wrong == []


def test_the_reference_imports_numpy_and_scipy_only() -> None:
    outside = {
        found.name.split(".")[0]
        for found in IMPORTS
        if room_of(found.module) == "reference" and room_of(found.name) != "reference"
    }
    assert outside - set(sys.stdlib_module_names) <= {"numpy", "scipy"}


@pytest.mark.parametrize("statement", ["import getframes", "import getframes.cli"])
def test_imports_stay_light(statement: str) -> None:
    script = f"{statement}; import sys; print(*[name for name in {SLOW!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
