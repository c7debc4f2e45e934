"""Every line of the 2.x interface exists, with its parameters and defaults."""

from __future__ import annotations

import dataclasses
import inspect
from importlib import import_module

import pytest

from tests.house.interface import Entry, entries, shown, signature_problems

ENTRIES = list(entries())


def of_kind(*kinds: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("entry", [one for one in ENTRIES if one.kind in kinds], ids=str)


def test_the_listing_is_read() -> None:
    assert len(ENTRIES) > 500
    assert {one.kind for one in ENTRIES} == {
        "module", "class", "function", "method", "classmethod", "property", "field", "fields", "members", "init",
    }  # fmt: skip


@of_kind("module")
def test_modules(entry: Entry) -> None:
    import_module(entry.module)


@of_kind("class")
def test_classes(entry: Entry) -> None:
    assert inspect.isclass(getattr(entry.home(), entry.name))


@of_kind("function", "method", "classmethod")
def test_signatures(entry: Entry) -> None:
    assert signature_problems(getattr(entry.home(), entry.name), entry.text) == []


@of_kind("init")
def test_constructors(entry: Entry) -> None:
    if "*args" not in entry.text:
        assert signature_problems(entry.home(), entry.text) == []


@of_kind("property")
def test_properties(entry: Entry) -> None:
    assert isinstance(inspect.getattr_static(entry.home(), entry.name), property)


@of_kind("field")
def test_fields(entry: Entry) -> None:
    """A field is a parameter of the constructor with the listed default, and an attribute."""
    owner = entry.home()
    _, _, default = entry.text.partition(" = ")
    own = inspect.signature(owner).parameters[entry.name]
    if default == "<factory>":
        assert own.default is not own.empty
    else:
        assert (None if own.default is own.empty else shown(own.default)) == (
            default.replace("'", "") or None
        )
    attributes = {one.name for one in dataclasses.fields(owner)} if dataclasses.is_dataclass(owner) else set()
    assert entry.name in attributes or hasattr(owner, entry.name)


@of_kind("fields")
def test_named_tuples(entry: Entry) -> None:
    wanted = [name.strip() for name in entry.text.split(",")]
    assert list(entry.home()._fields[: len(wanted)]) == wanted


@of_kind("members")
def test_members(entry: Entry) -> None:
    for name in entry.text.strip("[]").replace("'", "").split(", "):
        assert hasattr(entry.home(), name.strip("[] "))
