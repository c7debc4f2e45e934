"""The plan of the house: names, crates and places."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from tests.house.imports import PACKAGE

ROOT = PACKAGE.parents[1]
EMPTY_NAMES = {"utils", "util", "helpers", "misc", "manager", "base", "common", "tools"}
ROOMS = ("getframes-sim", "getframes-reduce", "getframes-psf", "getframes-fit")
NOT_STAGES = {"__init__", "lib", "chain", "edge", "input", "map", "neighbour", "offset"}
STAGES = sorted({path.stem for path in (PACKAGE / "reference" / "sim").glob("*.py")} - NOT_STAGES)
KERNELS = sorted({path.stem for path in (ROOT / "rust" / "getframes-sim" / "src").glob("*.rs")} - NOT_STAGES)


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


def test_every_kernel_has_a_twin() -> None:
    assert STAGES == KERNELS


@pytest.mark.parametrize("stage", STAGES)
def test_one_stage_one_name_everywhere(stage: str) -> None:
    places = {
        "parity test": ROOT / "tests" / "parity" / "sim" / f"test_{stage}.py",
        "physics page": ROOT / "docs" / "physics" / f"{stage}.md",
    }
    missing = [place for place, path in places.items() if not path.is_file()]
    assert missing == []
