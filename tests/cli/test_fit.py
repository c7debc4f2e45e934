"""`getframes fit`: a scene from its files to a catalog, chains and residuals."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from getframes.cli.fit import with_step
from getframes.fit import (
    PsfMixture,
    read_catalog,
    read_patch,
    read_store,
    write_catalog,
    write_psfs,
    write_store,
)
from tests.behaviour.fit.fields import blank, catalog, exposed, table, wcs
from tests.cli.conftest import Command

CONFIGS = Path(__file__).parents[2] / "configs" / "fit"
SHAPE, CENTRE = (48, 48), (0.0, 40.0)
NOISE = 0.05


def rows() -> dict[str, Any]:
    """Two stars that overlap, a galaxy, and a star by itself."""
    return table(4, side=30.0, bands=("r", "i")) | {
        "ra": np.mod(np.array([-10.0, -7.0, 3.0, 12.0]) / 3600.0 / np.cos(np.deg2rad(40.0)), 360.0),
        "dec": 40.0 + np.array([-9.0, -9.5, 6.0, -4.0]) / 3600.0,
        "rhalf": np.array([0.0, 0.0, 1.2, 0.0]),
        "roi": np.array([4.0, 4.0, 7.0, 4.0]),
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that scene.toml names: four sources in two bands on three images."""
    folder = tmp_path_factory.mktemp("field")
    source = read_catalog(rows(), bands=("r", "i"))
    write_catalog(source, folder / "catalog.fits")
    write_psfs(folder / "psfs.h5", {"r": PsfMixture.gaussian(1.2), "i": PsfMixture.gaussian(1.5)})
    blanks = [
        blank(name, name[0], SHAPE, wcs(SHAPE, CENTRE, turn=turn), psf=PsfMixture.gaussian(sigma))
        for name, turn, sigma in (("r_1", 0.0, 1.2), ("r_2", 30.0, 1.2), ("i_1", 80.0, 1.5))
    ]
    (folder / "images").mkdir()
    for exposure in exposed(source, blanks, noise=NOISE):
        header = fits.Header({"FILTER": exposure.band}) + exposure.wcs.to_header()
        units = [
            fits.PrimaryHDU(),
            fits.ImageHDU(exposure.data + (3.0 if exposure.band == "r" else 0.0), header, "SCI"),
            fits.ImageHDU(np.full(SHAPE, NOISE), name="ERR"),
        ]
        fits.HDUList(units).writeto(folder / "images" / f"{exposure.name}.fits")
    return folder


@pytest.fixture
def field(made: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "field"
    shutil.copytree(made, folder)
    text = (CONFIGS / "scene.toml").read_text(encoding="utf-8")
    text = text.replace("draws = 200", "draws = 20").replace("warmup = 200", "warmup = 20\nmax_treedepth = 3")
    (folder / "scene.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_whole_thing(field: Path, command: Command) -> None:
    done = command("fit", field / "scene.toml", "--workers", 2)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    patches = len(list((field / "fit" / "patches").glob("optimize_*.h5")))
    assert lines == [
        f"{field / 'fit'}: {step}: {patches} patches fitted, 0 failed" for step in ("optimize", "sample")
    ]
    truth, found = read_catalog(field / "catalog.fits"), read_catalog(field / "fit" / "catalog.fits")
    assert np.abs(found.flux / truth.flux - 1).max() < 0.1
    assert np.abs(found.position - truth.position).max() * 3600 < 0.1
    chains = [read_patch(path) for path in sorted((field / "fit" / "patches").glob("sample_*.h5"))]
    assert sum(len(each["active"]) for each in chains) == 4
    assert all(each["posterior"].draws.shape[:2] == (2, 20) for each in chains)
    assert all(
        "[sample]" in each["config"] and set(each["tiles"]) <= {"r_1.fits", "r_2.fits", "i_1.fits"}
        for each in chains
    )
    again = command("fit", field / "scene.toml", "--profile")
    assert again.code == 0 and again.out.count(" 0 patches fitted, 0 failed") == 2 and "images" in again.out


def test_a_step(field: Path, command: Command) -> None:
    done = command("fit", "optimize", field / "scene.toml")
    assert (done.code, done.err) == (0, "") and done.out.count("\n") == 1
    assert sorted(path.name for path in (field / "fit").iterdir()) == [
        "catalog.fits",
        "fit.run.json",
        "patches",
        "state.fits",
    ]


def test_workers_change_nothing(field: Path, command: Command) -> None:
    states = []
    for options in (("--workers", 1), ("--workers", 3)):
        assert command("fit", "optimize", field / "scene.toml", *options).code == 0
        states.append((field / "fit" / "state.fits").read_bytes())
        shutil.rmtree(field / "fit")
    assert states[0] == states[1]


def test_images_in_a_store(field: Path, command: Command) -> None:
    from getframes.fit import read_exposure

    pictures = [read_exposure(path, name=path.name) for path in sorted((field / "images").iterdir())]
    write_store(field / "store.h5", pictures)
    assert len(read_store(field / "store.h5")) == 3
    text = (field / "scene.toml").read_text(encoding="utf-8")
    start, stop = text.index("[[images]]"), text.index("[psf]")
    toml = text[:start] + '[[images]]\nfile = "store.h5"\n\n' + text[stop:]
    (field / "scene.toml").write_text(toml + "patches = false\n", encoding="utf-8")
    assert command("fit", "optimize", field / "scene.toml").code == 0
    assert not (field / "fit" / "patches").exists()
    (field / "scene.toml").write_text(toml.replace('store.h5"', 'store.h5"\nband = "r"'), encoding="utf-8")
    done = command("fit", "optimize", field / "scene.toml")
    assert done.code == 2 and "images[0].keys must be file alone of a store, got ['band']" in done.err


def test_bad_rows_are_told_at_the_end(field: Path, command: Command) -> None:
    with fits.open(field / "catalog.fits", mode="update") as units:
        units[1].data["r"][2] = np.nan
        units[1].data["dec"][3] = 41.0
    done = command("fit", "optimize", field / "scene.toml")
    assert done.code == 0
    assert done.err.splitlines() == [
        "getframes: warning: catalog: row 2 (id 1002): r must be finite, got nan",
        "getframes: warning: 1 sources are flagged NO_PIXELS: 1003",
    ]


def test_an_interrupt_says_how_to_go_on(
    field: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **options: object) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as changed:
        changed.setattr("getframes.pipeline.fit.SceneFit.run", interrupted)
        done = command("fit", "optimize", field / "scene.toml")
    assert done.code == 130 and "the same command goes on where this one ended" in done.err
    assert command("fit", "optimize", field / "scene.toml").code == 0


def test_what_is_doubtful_is_told_once(field: Path, command: Command) -> None:
    done = command("fit", "sample", field / "scene.toml", "--workers", 1)
    lines = done.err.splitlines()
    assert lines and all(line.startswith("getframes: warning: ") for line in lines)
    assert len(set(lines)) == len(lines)


def test_images_that_tell_nothing_are_told_at_the_end(field: Path, command: Command) -> None:
    with fits.open(field / "images" / "i_1.fits", mode="update") as units:
        units["SCI"].header["FILTER"] = "z"
    with fits.open(field / "images" / "r_2.fits", mode="update") as units:
        units["SCI"].header["CRVAL1"] = 200.0
    done = command("fit", "optimize", field / "scene.toml")
    assert done.code == 0
    assert done.err.splitlines() == [
        "getframes: warning: images: i_1.fits is of the band z, which is not fitted",
        "getframes: warning: images: there is none of the band i: its fluxes stay those of the catalog",
        "getframes: warning: images: r_2.fits sees no source of the catalog: is its WCS right?",
        "getframes: warning: 4 sources are flagged UNSEEN: 1000, 1001, 1002, 1003",
    ]


def test_a_start_beyond_a_prior_flags_its_source_alone(field: Path, command: Command) -> None:
    """The two stars that overlap are in one patch."""
    with fits.open(field / "catalog.fits", mode="update") as units:
        units[1].data["r"][0] = 0.0
    text = (field / "scene.toml").read_text(encoding="utf-8")
    prior = '[[prior]]\nparameter = "flux"\ntype = "log_uniform"\nlower = 0.1\nupper = 1e4\n\n[output]'
    (field / "scene.toml").write_text(text.replace("[output]", prior), encoding="utf-8")
    done = command("fit", "optimize", field / "scene.toml")
    assert done.code == 0 and "1 sources are flagged OUT_OF_BOUNDS: 1000" in done.err
    assert "FAILED" not in done.err


def test_images_of_one_name_in_two_folders(field: Path, command: Command) -> None:
    (field / "images" / "more").mkdir()
    (field / "images" / "r_2.fits").rename(field / "images" / "more" / "r_1.fits")
    text = (field / "scene.toml").read_text(encoding="utf-8")
    (field / "scene.toml").write_text(text.replace("images/r_*.fits", "images/**/r_*.fits"), encoding="utf-8")
    done = command("fit", "optimize", field / "scene.toml")
    assert (done.code, done.err) == (0, "")
    patch = read_patch(next((field / "fit" / "patches").glob("*.h5")))
    assert set(patch["tiles"]) == {"images/r_1.fits", "images/more/r_1.fits", "i_1.fits"}
    root = field / "fit"
    done = command("fit", "postprocess", "--root", root, "--mode", "images", "--fit", field / "scene.toml")
    assert done.code == 0
    assert sorted(path.name for path in (root / "images").iterdir()) == [
        "i_1.fits",
        "images_more_r_1.fits",
        "images_r_1.fits",
    ]


def test_what_is_wrong_with_many_patches_is_told_of_some(
    field: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from getframes.cli.fit import steps

    monkeypatch.setattr(steps, "MOST_LINES", 1)
    with fits.open(field / "catalog.fits", mode="update") as units:
        units[1].data["r"][2:] = np.nan
    done = command("fit", "optimize", field / "scene.toml")
    first, last = done.err.splitlines()
    assert "row 2" in first and last.endswith(f"1 more lines are in {field / 'fit' / 'fit.run.json'}")


def test_a_patch_that_fails_and_another_try(
    field: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    import getframes.fit.optimizing as optimizing

    kept = optimizing.optimize

    def failing(patch: object, **options: object) -> object:
        if 1001 in patch.sources["id"]:  # type: ignore[attr-defined]
            raise ArithmeticError("no way")
        return kept(patch, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(optimizing, "optimize", failing)
    done = command("fit", "optimize", field / "scene.toml", "--workers", 1)
    assert done.code == 1 and "1 failed" in done.out
    assert "unexpected ArithmeticError: no way" in done.err and "flagged FAILED" in done.err
    monkeypatch.undo()
    assert command("fit", "optimize", field / "scene.toml").code == 0
    done = command("fit", "optimize", field / "scene.toml", "--retry")
    assert (done.code, done.err) == (0, "") and "1 patches fitted, 0 failed" in done.out


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[optimize]", "[optimise]", "scene.toml:18:2: unknown table 'optimise' (did you mean 'optimize'?)"),
        ("draws = 20", "draws = 0", "sample.draws must be >= 1, got 0"),
        ("images/i_*.fits", "nothing_*.fits", "scene.toml: images.file: cannot read"),
        ('"catalog.fits"', '"no.fits"', "no.fits: there is no such file"),
        ('file = "psfs.h5"', 'file = "no.h5"', "no.h5: there is no such file"),
        (
            '[psf]\nfile = "psfs.h5"\n',
            "",
            "PSF of r_1.fits must be given, by the name of the image or of its band 'r', got []",
        ),
    ],
)
def test_what_is_not_right(old: str, new: str, message: str, field: Path, command: Command) -> None:
    file = field / "scene.toml"
    assert old in file.read_text(encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    done = command("fit", "sample", file)
    assert done.code == 2 and message in done.err and not (field / "fit" / "state.fits").exists()


def test_sampling_needs_its_table(field: Path, command: Command) -> None:
    file = field / "scene.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text[: text.index("[sample]")] + text[text.index("[output]") :], encoding="utf-8")
    done = command("fit", "sample", file)
    assert done.code == 2 and "[sample] must be there, got None" in done.err


def test_another_catalog_needs_another_folder(field: Path, command: Command) -> None:
    assert command("fit", "optimize", field / "scene.toml").code == 0
    write_catalog(catalog(3, side=30.0, bands=("r", "i")), field / "catalog.fits", overwrite=True)
    done = command("fit", "optimize", field / "scene.toml")
    assert done.code == 1 and "state.fits is the state of another catalog" in done.err


def test_run_is_the_step_that_need_not_be_said() -> None:
    assert with_step(["-v", "fit", "a.toml", "--workers", "2"]) == [
        "-v",
        "fit",
        "run",
        "a.toml",
        "--workers",
        "2",
    ]
    assert with_step(["fit", "--report", "a.toml"]) == ["fit", "run", "--report", "a.toml"]
    for words in (["fit", "optimize", "a.toml"], ["fit"], ["fit", "--help"], ["check", "a.toml"], []):
        assert with_step(words) == words
