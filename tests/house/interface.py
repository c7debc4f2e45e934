"""The public names and signatures of the 2.x interface, read from the text that lists them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

LISTING = Path(__file__).parents[1] / "data" / "interface_2x.txt"


@dataclass(frozen=True)
class Entry:
    """One line: what it lists, and in which module and class."""

    module: str
    owner: str | None
    kind: str
    name: str
    text: str

    def __str__(self) -> str:
        return ".".join(filter(None, (self.module, self.owner, self.name)))

    def home(self) -> Any:
        """The object that should have the name."""
        module = import_module(self.module)
        return getattr(module, self.owner) if self.owner else module


def entries() -> Iterator[Entry]:
    """Every line of the listing."""
    module, owner = "", None
    for line in LISTING.read_text().splitlines():
        text = line.strip()
        if text.startswith("#") or not text:
            continue
        if text.startswith("module "):
            module, owner = text.removeprefix("module "), None
            yield Entry(module, None, "module", "", text)
        elif text.startswith("class "):
            owner = re.match(r"class (\w+)", text)[1]  # type: ignore[index]
            elsewhere = re.search(r"\(in ([\w.]+)\)", text)
            place = elsewhere[1] if elsewhere else module
            class_module = place
            yield Entry(place, None, "class", owner, text)
        elif line.startswith("  def "):
            owner = None
            yield Entry(module, None, "function", re.match(r"def (\w+)", text)[1], text.removeprefix("def "))  # type: ignore[index]
        else:
            yield _member(class_module, owner, text)


def _member(module: str, owner: str | None, text: str) -> Entry:
    for kind in ("field", "property", "fields", "members", "classmethod"):
        if text.startswith(f"{kind} "):
            rest = text.removeprefix(f"{kind} ")
            return Entry(module, owner, kind, re.match(r"\w*", rest)[0], rest)  # type: ignore[index]
    if text.startswith("init "):
        return Entry(module, owner, "init", "__init__", text)
    return Entry(module, owner, "method", re.match(r"\w+", text)[0], text)  # type: ignore[index]


@dataclass(frozen=True)
class Parameter:
    """A parameter as the listing has it; `default` is its text, None where there is none."""

    name: str
    keyword_only: bool
    default: str | None


def parameters(text: str) -> list[Parameter]:
    """The parameters of a signature, without self, cls, star parameters and private ones."""
    inside = text[text.index("(") + 1 : _closing(text)]
    found, keyword_only = [], False
    for part in _split(inside):
        if part in ("*", "/"):
            keyword_only |= part == "*"
        elif not part.startswith(("*", "self", "cls", "_")):
            name, _, default = part.partition(" = ")
            found.append(Parameter(name.partition(":")[0], keyword_only, default.replace("'", "") or None))
    return found


def _closing(text: str) -> int:
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and character == ")":
            return place
    raise ValueError(text)


def _split(text: str) -> list[str]:
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([{<") - (character in ")]}>")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def shown(default: Any) -> str:
    """A default as the listing writes it."""
    if isinstance(default, str):
        return default
    return repr(default).replace("'", "")


def signature_problems(function: Any, text: str) -> list[str]:
    """Where a function's parameters differ from a listed signature."""
    own = inspect.signature(function).parameters
    problems = []
    for wanted in parameters(text):
        have = own.get(wanted.name)
        if have is None:
            if not any(one.kind is one.VAR_KEYWORD for one in own.values()):
                problems.append(f"{wanted.name} is missing")
            continue
        if wanted.keyword_only != (have.kind is have.KEYWORD_ONLY):
            problems.append(f"{wanted.name} is {have.kind.description}")
        default = None if have.default is have.empty else shown(have.default)
        if default != wanted.default:
            problems.append(f"{wanted.name} has the default {default}, not {wanted.default}")
    listed = {wanted.name for wanted in parameters(text)}
    problems += [
        f"{one.name} has no default and is not in the interface"
        for one in own.values()
        if one.name not in listed and one.default is one.empty and one.name not in ("self", "cls")
        if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)
    ]
    return problems
