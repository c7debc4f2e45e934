"""The page of a fit: what is doubtful first, with pictures that are there."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from getframes.errors import DomainError, MissingFileError, OutputExistsError
from getframes.fit import write_report
from getframes.fit.residual import last_files
from getframes.fit.source import GALAXY, STAR, source_dtype
from tests.behaviour.fit.fitted_patches import source_patch

BANDS = ("g<r",)


class Page(HTMLParser):
    """The pictures, headings and words of a page; every tag that is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.pictures: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.pictures.append(dict(attrs)["src"])
        elif tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.words.append(data.strip())


@pytest.fixture
def folder(tmp_path):
    """Three stars and a galaxy: an optimum that later draws of the same sources replace, and a doubtful optimum."""
    rows = np.zeros(3, source_dtype(1))
    rows["id"], rows["kind"], rows["flux"] = [1, 2, 7], [STAR, GALAXY, STAR], 20.0
    rows["rhalf"], rows["sersic"] = 0.5, 1.0
    made = tmp_path / "patches"
    made.mkdir()
    source_patch(made / "optimize_001.h5", rows[:2], BANDS, 0.1)
    source_patch(made / "optimize_002.h5", rows[2:], BANDS, 0.1, problems="not converged: <far>")
    source_patch(made / "sample_003.h5", rows[:2], BANDS, 0.1, draws=40)
    return made


def test_the_last_patch_of_every_source(folder):
    assert {number: path.stem for number, path in last_files(folder).items()} == {
        1: "sample_003",
        2: "sample_003",
        7: "optimize_002",
    }
    assert set(last_files(folder, sampled=True)) == {1, 2}


def test_a_page_of_what_is_doubtful_with_its_pictures(folder, tmp_path):
    page = write_report(folder, tmp_path / "report", title="A & B", told=["row 3 (id 4): ra must be finite"])
    read = Page(page.read_text(encoding="utf-8"))
    assert read.open == []
    assert read.words.count("A & B") == 2  # title and heading
    text = "\n".join(read.words)
    assert "3 sources in 2 patches, 1 of them sampled" in text and "1 patches are doubtful" in text
    assert "row 3 (id 4): ra must be finite" in read.words and "flux_g<r" in read.words
    headings = [word for word in read.words if ", patch " in word]
    assert headings == ["optimize, patch 2", "sample, patch 3"]  # the doubtful one first
    assert read.words.count("not converged: <far>") == 2
    assert read.pictures == [
        "stamps/optimize_002.png",
        "stamps/sample_003.png",
        *(f"chains/{number}_{kind}.png" for number in (1, 2) for kind in ("trace", "corner")),
    ]
    for name in read.pictures:
        with Image.open(page.parent / name) as picture:
            assert min(picture.size) > 100
    with pytest.raises(OutputExistsError):
        write_report(folder, tmp_path / "report")


def test_pages_of_large_surveys_stay_small(folder, tmp_path):
    page = write_report(folder, tmp_path / "report", most=1)
    read = Page(page.read_text(encoding="utf-8"))
    assert read.pictures == ["stamps/optimize_002.png"]
    assert "1 further patches have no pictures here." in read.words


def test_what_cannot_be_reported(folder, tmp_path):
    with pytest.raises(MissingFileError, match="there is no file of a patch"):
        write_report(tmp_path, tmp_path / "report")
    with pytest.raises(DomainError, match="most must be a positive integer, got 0"):
        write_report(folder, tmp_path / "report", most=0)
    assert not (tmp_path / "report" / "index.html").exists()
