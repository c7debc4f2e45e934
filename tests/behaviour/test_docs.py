"""README and documentation: every Python example runs, every link inside the repository leads somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("benches/results/*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)[^)\s]*\)")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def examples(page: Path) -> Iterator[tuple[int, str]]:
    """The Python blocks of a page, each with the line it begins on."""
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        yield text.count("\n", 0, match.start(1)), match[1]


@pytest.mark.parametrize("page", [page for page in PAGES if any(examples(page))], ids=name)
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page, in order, in one namespace and an empty folder."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    for line, block in examples(page):
        exec(compile("\n" * line + block, name(page), "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = LINK.findall(prose)
    inside = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in inside if not (page.parent / target).exists()] == []


def test_the_readme_has_an_example() -> None:
    assert len(list(examples(ROOT / "README.md"))) >= 1


def test_pictures_are_those_that_the_code_makes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(ROOT / "docs" / "drawings"), str(tmp_path)], check=True)
    committed = sorted((ROOT / "docs" / "pictures").glob("*.png"))
    assert [path.name for path in committed] == sorted(path.name for path in tmp_path.iterdir())
    for path in committed:
        kept, made = (np.asarray(Image.open(file), float) for file in (path, tmp_path / path.name))
        assert kept.shape == made.shape
        assert np.abs(kept - made).mean() < 1.0
