"""The typed stubs of the extension name exactly what it has; `make lint` runs stubtest for the signatures."""

from __future__ import annotations

import ast
import importlib

import pytest

from tests.house.imports import PACKAGE

PARTS = ("core", "sim", "deposit", "toml")


def stubbed(part: str) -> set[str]:
    tree = ast.parse((PACKAGE / "_native" / f"{part}.pyi").read_text(encoding="utf-8"))
    definitions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    return {node.name for node in definitions if not node.name.startswith("_")}


@pytest.mark.parametrize("part", PARTS)
def test_stub_names_what_the_extension_has(part: str) -> None:
    module = importlib.import_module(f"getframes._native.{part}")
    assert stubbed(part) == {name for name in vars(module) if not name.startswith("_")}
