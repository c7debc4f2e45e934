"""Where the keys of a TOML document stand."""

from __future__ import annotations

import json

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from getframes._native import toml

DOCUMENT = """\
title = "x"
a.b.c = 1
[camera]
preset = "generic_ccd"
 "prnü" = 0.1
x = [1, [2, {q = 3}], 4]
inl = { k = 1, "z z".y = [ 1 ] }

[[scene.sources]]
type = "point"
[scene.sources.sub]
q=1
[[scene.sources]]
type = "uniform"
[scene.psf]
"é" = 1
"""

PLACES = {
    ("title",): (1, 1),
    ("a",): (2, 1),
    ("a", "b"): (2, 3),
    ("a", "b", "c"): (2, 5),
    ("camera",): (3, 2),
    ("camera", "preset"): (4, 1),
    ("camera", "prnü"): (5, 2),
    ("camera", "x"): (6, 1),
    ("camera", "x", 0): (6, 6),
    ("camera", "x", 1): (6, 9),
    ("camera", "x", 1, 0): (6, 10),
    ("camera", "x", 1, 1): (6, 13),
    ("camera", "x", 1, 1, "q"): (6, 14),
    ("camera", "x", 2): (6, 23),
    ("camera", "inl"): (7, 1),
    ("camera", "inl", "k"): (7, 9),
    ("camera", "inl", "z z"): (7, 16),
    ("camera", "inl", "z z", "y"): (7, 22),
    ("camera", "inl", "z z", "y", 0): (7, 28),
    ("scene",): (9, 3),
    ("scene", "sources"): (9, 9),
    ("scene", "sources", 0): (9, 9),
    ("scene", "sources", 0, "type"): (10, 1),
    ("scene", "sources", 0, "sub"): (11, 16),
    ("scene", "sources", 0, "sub", "q"): (12, 1),
    ("scene", "sources", 1): (13, 9),
    ("scene", "sources", 1, "type"): (14, 1),
    ("scene", "psf"): (15, 8),
    ("scene", "psf", "é"): (16, 1),
}


def paths(value, path=()):
    """Every path of a parsed document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in items:
        yield (*path, step)
        yield from paths(inner, (*path, step))


def test_every_key_has_its_place():
    assert {path: (line, column) for path, line, column in toml.spans(DOCUMENT)} == PLACES


def test_paths_are_those_of_the_values():
    assert set(paths(tomli.loads(DOCUMENT))) == set(PLACES)


def test_lines_end_as_they_like():
    assert toml.spans("a=1\r\nb=2\n") == [(("a",), 1, 1), (("b",), 2, 1)]
    assert toml.spans("") == []


@pytest.mark.parametrize(
    "text", ["a = ", "[[[[", "= 1", "a = [1, ", "a=" + "[" * 200_000, "\x00", "[a]]\nb=1"]
)
def test_a_text_that_is_no_toml_does_no_harm(text):
    assert all(line >= 1 and column >= 1 for _, line, column in toml.spans(text))


VALUES = st.recursive(
    st.integers(-5, 5) | st.booleans() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def as_toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {as_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_toml(item) for item in value) + "]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def quoted(text):
    return '"' + "".join(f"\\U{ord(letter):08X}" for letter in text) + '"'


@given(
    st.dictionaries(st.text(max_size=4), VALUES, max_size=4),
    st.dictionaries(st.text(max_size=4), VALUES, max_size=4),
)
def test_any_document(head, table):
    head.pop("table", None)
    lines = [f"{quoted(key)} = {as_toml(value)}" for key, value in head.items()]
    lines += ["[table]", *(f"{quoted(key)} = {as_toml(value)}" for key, value in table.items())]
    found = {path: (line, column) for path, line, column in toml.spans("\n".join(lines))}
    assert set(found) == set(paths({**head, "table": table}))
    for i, key in enumerate(head):
        assert found[(key,)] == (i + 1, 1)
    for i, key in enumerate(table):
        assert found[("table", key)] == (len(head) + 2 + i, 1)
