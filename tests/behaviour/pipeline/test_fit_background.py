"""Backgrounds in a fit file."""

from __future__ import annotations

import numpy as np
import pytest
import tomli

from getframes.errors import DomainError, MissingFileError
from getframes.fit import Exposure
from getframes.pipeline.fit_background import with_backgrounds, write_backgrounds

TEXT = '# mine\n[catalog]\nfile = "a.fits"  # kept\n\n[[background]]\nimage = "own"\nlevel = 1.0\n'


def test_what_was_written_before_is_replaced_and_the_rest_stays(tmp_path):
    path = tmp_path / "fit.toml"
    path.write_text(TEXT, encoding="utf-8")
    write_backgrounds(path, {"b.fits": -0.25, 'odd "name" é.fits': 1e-9})
    write_backgrounds(path, {"b.fits": 0.5, 'odd "name" é.fits': 1e-9})
    text = path.read_text(encoding="utf-8")
    assert text.startswith(TEXT)
    assert tomli.loads(text)["background"] == [
        {"image": "own", "level": 1.0},
        {"image": "b.fits", "level": 0.5},
        {"image": 'odd "name" é.fits', "level": 1e-9},
    ]
    path.write_text(text + "\n[scene]\nseed = 3\n", encoding="utf-8")
    write_backgrounds(path, {})
    assert tomli.loads(path.read_text(encoding="utf-8"))["scene"] == {"seed": 3}
    assert len(tomli.loads(path.read_text(encoding="utf-8"))["background"]) == 1
    with pytest.raises(MissingFileError, match=r"nowhere\.toml"):
        write_backgrounds(tmp_path / "nowhere.toml", {})


def test_images_get_the_backgrounds_of_their_names():
    images = [Exposure(name=name, band="r", data=np.ones((9, 9)), weight=np.ones((9, 9))) for name in "ab"]
    made = with_backgrounds(images, [{"image": "b", "level": 0.5}])
    assert [image.level for image in made] == [0.0, 0.5]
    with pytest.raises(DomainError, match=r"background.image must be the name of an image, got 'c'"):
        with_backgrounds(images, [{"image": "c", "level": 0.5}])
