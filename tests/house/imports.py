"""What the modules of the package import, read from their source."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[2] / "python" / "getframes"


class Import(NamedTuple):
    """One imported name: `from getframes.scene import psf` is `getframes.scene.psf` in `module`."""

    module: str
    name: str
    lazy: bool


def room_of(name: str) -> str:
    """First part below the package: `getframes.scene.psf` is in `scene`; the package itself is ``."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports() -> list[Import]:
    """Every import of every module of the package, type-checking ones left out."""
    return [found for path in sorted(PACKAGE.rglob("*.py")) for found in _imports_of(path)]


def _imports_of(path: Path) -> Iterator[Import]:
    module = _module_name(path)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node, lazy in _run_time(ast.parse(path.read_text(encoding="utf-8")), lazy=False):
        for name in _names(node, package):
            yield Import(module, name, lazy)


def _module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _run_time(tree: ast.AST, *, lazy: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, lazy
        elif not _is_type_checking(node):
            yield from _run_time(node, lazy=lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _names(node: ast.Import | ast.ImportFrom, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    origin = node.module or ""
    if node.level:
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        origin = ".".join([*above, origin]).rstrip(".")
    return [f"{origin}.{alias.name}" for alias in node.names]
