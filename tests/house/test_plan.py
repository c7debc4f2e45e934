"""The plan of the house: names, crates and places."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from tests.house.imports import PACKAGE

ROOT = PACKAGE.parents[1]
EMPTY_NAMES = {"utils", "util", "helpers", "misc", "manager", "base", "common", "tools"}
ROOMS = ("getframes-sim", "getframes-reduce", "getframes-psf", "getframes-fit")
NOT_STAGES = {"__init__", "lib", "chain", "edge", "input", "neighbour", "offset", "sample"}
"""Files without a twin: what holds others together, and the sampler, whose random walk another program cannot repeat."""
TWINNED = ("sim", "reduce", "psf", "fit")


def twins(room: str) -> list[str]:
    return sorted({path.stem for path in (PACKAGE / "reference" / room).glob("*.py")} - NOT_STAGES)


def kernels(room: str) -> list[str]:
    folder = ROOT / "rust" / f"getframes-{room}" / "src"
    return sorted({path.stem for path in folder.glob("*.rs")} - NOT_STAGES)


def dependencies(manifest: Path) -> set[str]:
    crate = tomli.loads(manifest.read_text(encoding="utf-8"))
    return {name for table in ("dependencies", "build-dependencies") for name in crate.get(table, {})}


CRATES = {path.parent.name: dependencies(path) for path in sorted((ROOT / "rust").glob("*/Cargo.toml"))}


def test_no_file_has_a_name_without_meaning() -> None:
    sources = [*PACKAGE.rglob("*.py"), *(ROOT / "rust").rglob("*.rs"), *(ROOT / "tests").rglob("*.py")]
    assert [path for path in sources if path.stem in EMPTY_NAMES] == []


def test_only_the_binding_crate_knows_python() -> None:
    assert {crate for crate, needs in CRATES.items() if needs & {"pyo3", "numpy"}} == {"getframes-py"}


@pytest.mark.parametrize("crate", sorted(set(CRATES) & {"getframes-core", *ROOMS}))
def test_rooms_stand_on_the_core_only(crate: str) -> None:
    own = {name for name in CRATES[crate] if name.startswith("getframes-")}
    assert own <= ({"getframes-core"} if crate in ROOMS else set())


@pytest.mark.parametrize("room", TWINNED)
def test_every_kernel_has_a_twin(room: str) -> None:
    assert twins(room) == kernels(room)


@pytest.mark.parametrize(("room", "stage"), [(room, stage) for room in TWINNED for stage in twins(room)])
def test_one_stage_one_name_everywhere(room: str, stage: str) -> None:
    places = {
        "parity test": ROOT / "tests" / "parity" / room / f"test_{stage}.py",
        "physics page": ROOT / "docs" / "physics" / f"{stage}.md",
    }
    missing = [place for place, path in places.items() if not path.is_file()]
    assert missing == []
