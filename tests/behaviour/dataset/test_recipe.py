"""Digests of what a data set is made from."""

from __future__ import annotations

import functools
import pickle
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from getframes.dataset.recipe import digest

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


class Colour(Enum):
    RED = 1
    GREEN = 2


@dataclass
class Part:
    values: np.ndarray
    name: str = ""
    cache: list = field(default_factory=list, compare=False)


class Plain:
    def __init__(self, value):
        self.value = value


def dimming(depth):
    return lambda time_s: 1.0 - depth * time_s


@given(plain, plain)
def test_equal_content_has_equal_digests(left, right):
    assert digest(left) == digest(pickle.loads(pickle.dumps(left)))
    if repr(left) != repr(right):
        assert digest(left) != digest(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (Part(np.arange(3)), Part(np.arange(4))),
        (Part(np.arange(3)), Part(np.arange(3.0))),
        (Part(np.zeros((2, 3))), Part(np.zeros((3, 2)))),
        (Part(np.arange(3), "a"), Part(np.arange(3), "b")),
        (Colour.RED, Colour.GREEN),
        (Colour.RED, 1),
        (Plain(1), Plain(2)),
        (dimming(0.1), dimming(0.2)),
        (lambda x: x + 1, lambda x: x + 2),
        (functools.partial(max, 1), functools.partial(max, 2)),
        (["ab", "c"], ["a", "bc"]),
        ([[1], 2], [[1, 2]]),
        ({1, 2}, {1, 3}),
        (int, float),
        (len, max),
    ],
)
def test_different_content_has_different_digests(left, right):
    assert digest(left) != digest(right)


def test_what_does_not_count():
    assert digest(Part(np.arange(3))) == digest(Part(np.arange(3), cache=[1]))
    assert digest(np.arange(3, dtype="<i4")) == digest(np.arange(3, dtype=">i4"))
    assert digest(np.float64(1.5)) == digest(1.5)
    assert digest((1, 2)) == digest([1, 2])
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest(np.arange(6).reshape(2, 3).T) == digest(np.arange(6).reshape(2, 3).T.copy())


def test_objects_without_end():
    loop: list = []
    loop.append(loop)
    assert digest(loop) == digest(loop)
    assert digest(threading.Lock()) == digest(threading.Lock())


def test_another_process_finds_the_same():
    script = (
        "from getframes.dataset.recipe import digest; print(digest({'a': {3, 1, 2}, 'b': (1.5, None, 'x')}))"
    )
    command = [sys.executable, "-c", script]
    assert subprocess.check_output(command, text=True).strip() == digest(
        {"a": {3, 1, 2}, "b": (1.5, None, "x")}
    )
