"""The bits of the random contract are the ones that were frozen."""

from __future__ import annotations

import json

from tests.behaviour.random import golden


def test_digests() -> None:
    assert golden.digests() == json.loads(golden.PATH.read_text(encoding="utf-8"))
