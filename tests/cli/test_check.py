"""`getframes check`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from getframes.cli.estimate import lasting, needs_of, sized
from getframes.config import stages
from getframes.config.camera_fields import BY_NAME
from getframes.config.experiment import read_experiment
from tests.cli.conftest import Command, Writer

BIAS = '[frame]\ntype = "bias"\nn_frames = 3\nseed = 1\n'


def test_it_tells_what_is_needed_and_makes_nothing(
    command: Command, experiment: Writer, tmp_path: Path
) -> None:
    done = command("check", experiment(BIAS))
    assert done.code == 0
    words = [line.split()[0] for line in done.out.splitlines()]
    assert words == ["camera", "frames", "memory", "disk", "time"]
    assert "in 3 files" in done.out
    assert [path.name for path in tmp_path.iterdir()] == ["experiment.toml"]


@pytest.mark.parametrize("truth", [False, True])
def test_disk_is_what_generate_writes(
    truth: bool, command: Command, experiment: Writer, tmp_path: Path
) -> None:
    file = experiment(BIAS, '[camera]\npreset = "generic_ccd"\nresolution = [200, 300]\n')
    needs = needs_of(read_experiment(file), truth=truth)
    command("generate", file, "-o", tmp_path / "b.fits", *["--truth"] * truth)
    written = sum(path.stat().st_size for path in tmp_path.glob("b_*.fits"))
    assert needs.files == 3
    assert needs.disk_bytes == pytest.approx(written, rel=0.05)


def test_disk_of_a_data_set(command: Command, experiment: Writer, tmp_path: Path) -> None:
    file = experiment("[dataset]\nn = 5\nexposure_s = 1.0\nseed = 1\n")
    done = command("check", file)
    assert done.code == 0 and "5 pairs of 1 s, float32 npz" in done.out
    command("dataset", file, "-o", tmp_path / "train")
    written = sum(path.stat().st_size for path in (tmp_path / "train").glob("*.npz"))
    assert needs_of(read_experiment(file)).disk_bytes == pytest.approx(written, rel=0.02)


def test_memory_and_time_of_a_large_sensor_are_told_without_having_it(
    command: Command, experiment: Writer
) -> None:
    file = experiment(BIAS, '[camera]\npreset = "generic_ccd"\nresolution = [100000, 100000]\n')
    done = command("check", file)
    assert done.code == 0
    assert "GB" in done.out and "needs" in done.err and "of memory" in done.err


def test_missing_stages_are_named(
    command: Command, experiment: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "FIELDS", (replace(BY_NAME["cti"], stage="charge transfer", asks="frame"),))
    file = experiment("cti = 1e-5\n" + BIAS)
    done = command("check", file)
    assert done.code == 2
    assert "missing stage  charge transfer" in done.out
    refused = command("generate", file, "-o", file.parent / "x.fits")
    assert refused.code == 2 and "needs stages that this version does not have" in refused.err
    assert not (file.parent / "x.fits").exists()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("bit_depth = 12\n", "the converter saturates before the well: 4095 ADU is"),
        ("bias_offset_adu = 1.0\n", "dark pixels are clipped at 0 ADU"),
        ("em_gain = 100000.0\nbit_depth = 32\n", "photoelectrons"),
    ],
)
def test_what_is_suspicious_is_a_warning(keys: str, words: str, command: Command, experiment: Writer) -> None:
    done = command("check", experiment(keys + BIAS))
    assert done.code == 0
    assert "getframes: warning: " in done.err and words in done.err


def test_a_well_that_the_converter_covers_is_no_warning(command: Command, experiment: Writer) -> None:
    assert command("check", experiment("full_well_e = 50000.0\n" + BIAS)).err == ""


def test_a_camera_alone(command: Command, experiment: Writer) -> None:
    done = command("check", experiment(""))
    assert done.code == 0 and "neither a [frame] nor a [dataset]" in done.out


def test_a_catalog_is_read(command: Command, experiment: Writer, tmp_path: Path) -> None:
    (tmp_path / "stars.csv").write_text("x,y,flux\n1,2,3\n4,5,6\n")
    scene = (
        '[frame]\ntype = "science"\nexposure_s = 1.0\n[scene.optics]\naperture_diameter_m = 1.0\n'
        'plate_scale_arcsec_per_pixel = 1.0\n[scene.psf]\ntype = "gaussian"\nfwhm_arcsec = 2.0\n'
        '[scene.catalog]\nfile = "stars.csv"\nx = "x"\ny = "y"\nphoton_rate = "{column}"\n'
    )
    assert "2 sources" in command("check", experiment(scene.format(column="flux"))).out
    done = command("check", experiment(scene.format(column="fluxx")))
    assert done.code == 2 and "fluxx" in done.err


def test_figures_for_people() -> None:
    assert [sized(999), sized(1500), sized(2.5e9), sized(4e12)] == ["999 B", "1.5 kB", "2.5 GB", "4 TB"]
    times = [lasting(seconds) for seconds in (0.2, 30, 600, 9000)]
    assert times == ["less than 1 s", "about 30 s", "about 10 min", "about 2.5 h"]
