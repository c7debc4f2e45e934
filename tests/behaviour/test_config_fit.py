"""Fit files: strict, and every problem has its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from getframes.config import documented_keys
from getframes.config.fit import read_fit
from getframes.config.fit_tables import FIT_TABLES
from getframes.errors import ConfigError

LEAST = '[catalog]\nfile = "a.fits"\n[output]\nfolder = "out"\n'


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scene.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_least_file(tmp_path: Path) -> None:
    settings = read_fit(write(tmp_path, LEAST))
    assert settings.out == tmp_path / "out" and settings.path_of("a.fits") == tmp_path / "a.fits"
    assert (settings.images, settings.prior, settings.psf, settings.sample) == ((), (), None, None)
    assert settings.scene == {"max_active": 20, "seed": 0}
    assert settings.optimize == {"visits": 1, "max_iterations": 500, "max_snr": None}
    assert settings.bounds["sersic"] == (0.5, 6.0) and settings.bounds["flux"] is None
    assert settings.output["patches"] is True and settings.text == LEAST


def test_tables_that_are_there(tmp_path: Path) -> None:
    text = LEAST + (
        '[[images]]\nfile = "b.fits"\nsci_ext = 1\nunc_ext = "ERR"\n[sample]\ndraws = 50\n'
        '[[prior]]\nparameter = "rhalf"\ntype = "log_uniform"\nlower = 0.1\nupper = 2\n'
    )
    settings = read_fit(write(tmp_path, text))
    assert (settings.images[0]["sci_ext"], settings.images[0]["unc_ext"]) == (1, "ERR")
    assert settings.sample is not None and (settings.sample["draws"], settings.sample["chains"]) == (50, 4)
    assert settings.prior == ({"parameter": "rhalf", "type": "log_uniform", "lower": 0.1, "upper": 2.0},)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r":1:1: \[catalog\] is missing\n.*:1:1: \[output\] is missing"),
        (LEAST + "[optimise]\n", r":5:2: unknown table 'optimise' \(did you mean 'optimize'\?\)"),
        (
            LEAST + "[sample]\ndraw = 3\n",
            r":6:1: unknown key 'draw' in \[sample\] \(did you mean 'draws'\?\)",
        ),
        (LEAST + "[sample]\n\ndraws = 0\n", r":7:1: sample.draws must be >= 1, got 0"),
        (
            LEAST + "[bounds]\ng1 = [0.5, 0.1]\n",
            r":6:1: bounds.g1 must be in order, got \(0.5, 0.1\)|in order, got \[0.5, 0.1\]",
        ),
        (LEAST + "[images]\nfile = 'x'\n", r"images must be an array of tables, as in \[\[images\]\]"),
        (
            LEAST + "[[images]]\nfile = 'x'\nbackground = 2\n",
            r":7:1: images.background must be 0, 1 or 3, got 2",
        ),
        (
            LEAST + "[[images]]\nfile = 'x'\nsci_ext = 1.5\n",
            r":7:1: images.sci_ext must be the number or the name of an extension, got 1.5",
        ),
        (
            LEAST + "[[prior]]\nparameter = 'radius'\ntype = 'normal'\n",
            r":6:1: prior.parameter must be one of",
        ),
        (
            LEAST + "[[prior]]\nparameter = 'rhalf'\ntype = 'normal'\nlower = 1\n",
            r":8:1: \[prior\] of type 'normal' has no 'lower'",
        ),
        (
            LEAST + "[[prior]]\nparameter = 'rhalf'\ntype = 'uniform'\nlower = 3\nupper = 1\n",
            r":8:1: prior.lower must be below upper \(1.0\), got 3.0",
        ),
        (
            LEAST + "[[prior]]\nparameter = 'rhalf'\ntype = 'log_uniform'\nlower = 0\nupper = 1\n",
            r":8:1: prior.lower must be > 0 of a log_uniform, got 0.0",
        ),
        (
            LEAST + 2 * "[[prior]]\nparameter = 'rhalf'\ntype = 'uniform'\nlower = 0\nupper = 1\n",
            r":11:1: prior.parameter 'rhalf' must not be given twice",
        ),
    ],
)
def test_what_is_not_right(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_fit(write(tmp_path, text))
    assert re.search(r"scene\.toml" + message if message.startswith(":") else message, str(caught.value)), (
        caught.value
    )


def test_every_key_is_documented() -> None:
    rows = documented_keys(FIT_TABLES)
    assert all(row.meaning.endswith(".") for row in rows) and len(rows) >= 40
