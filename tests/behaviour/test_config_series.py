"""Series, light curves and ramps in experiment files: what they mean, and a test that breaks every rule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from getframes.config.experiment import Experiment, read_experiment
from getframes.errors import ConfigError
from getframes.scene import Pointing

SCENE = """
[camera]
preset = "generic_ccd"
[frame]
type = "science"
exposure_s = 10
n_frames = 3
[scene.optics]
aperture_diameter_m = 0.5
plate_scale_arcsec_per_pixel = 2.0
[scene.psf]
type = "gaussian"
fwhm_arcsec = 3.0
[[scene.sources]]
type = "point"
x = 5.0
y = 6.0
photon_rate = 100.0
"""
LIGHT = """
[camera]
preset = "generic_ccd"
[frame]
type = "light"
exposure_s = 10
photon_rate = 5
n_frames = 4
"""
CURVE = "[scene.sources.light_curve]\n"
BOX = 'type = "box"\ndepth = 0.1\nbetween_s = [5, 9]\n'
SINE = 'type = "sinusoidal"\namplitude = 0.5\nperiod_s = 7\n'

Reader = Callable[[str], Experiment]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    def of(text: str) -> Experiment:
        path = tmp_path / "night.toml"
        path.write_text(text, encoding="utf-8")
        return read_experiment(path)

    return of


def test_a_series(read: Reader) -> None:
    plain = read(SCENE + "[series]\n").series
    assert plain is not None and plain.cadence_s is None
    assert plain.build_pointing() == Pointing()
    text = "[series]\ncadence_s = 12\njitter_arcsec = 0.5\ndrift_arcsec_per_s = [0.1, -1]\ndither_arcsec = [[0, 0], [1, 2.5]]\n"
    full = read(SCENE + text).series
    assert full is not None and full.cadence_s == 12.0
    assert full.build_pointing() == Pointing(0.5, (0.1, -1.0), [(0.0, 0.0), (1.0, 2.5)])


def test_light_curves(read: Reader) -> None:
    experiment = read(SCENE + CURVE + BOX + "baseline = 2\n[series]\n")
    assert experiment.scene is not None
    (star,) = experiment.scene.build((12, 14)).sources
    assert [star.brightness(t) for t in (0.0, 5.0, 9.0)] == [2.0, 1.8, 2.0]
    (star,) = read(SCENE + CURVE + SINE + "phase_rad = 0.0\n[series]\n").scene.build((12, 14)).sources
    assert star.brightness(1.75) == pytest.approx(1.5)


def test_ramps(read: Reader) -> None:
    reads = read(LIGHT + '[ramp]\ntype = "nondestructive"\nreads_per_reset = 4\n').ramp
    assert reads is not None and (reads.type, reads.reads_per_reset) == ("nondestructive", 4)
    sample = read(LIGHT + '[ramp]\ntype = "cds"\n').ramp
    assert sample is not None and sample.pedestal_interval_s == 0.0


def test_the_digest_follows_them_and_files_without_them_keep_theirs(read: Reader) -> None:
    texts = [
        SCENE,
        SCENE + "[series]\n",
        SCENE + "[series]\njitter_arcsec = 1\n",
        SCENE + "[series]\n" + CURVE + BOX,
        SCENE + "[series]\n" + CURVE + SINE,
        LIGHT,
        LIGHT + '[ramp]\ntype = "cds"\n',
        LIGHT + '[ramp]\ntype = "cds"\npedestal_interval_s = 1\n',
    ]
    assert len({read(text).digest for text in texts}) == len(texts)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SCENE + "[series]\ncadence_s = -1\n", "series.cadence_s must be >= 0 s, got -1"),
        (SCENE + "[series]\ncadence_s = inf\n", "series.cadence_s must be a finite number >= 0 s"),
        (SCENE + "[series]\njitter_arcsec = -0.1\n", "series.jitter_arcsec must be >= 0 arcsec, got -0.1"),
        (SCENE + "[series]\ndrift_arcsec_per_s = 1\n", "series.drift_arcsec_per_s must be two numbers"),
        (
            SCENE + "[series]\ndrift_arcsec_per_s = [1, 2, 3]\n",
            "series.drift_arcsec_per_s must be two numbers",
        ),
        (
            SCENE + "[series]\ndither_arcsec = []\n",
            "series.dither_arcsec must be pairs of numbers, at least one",
        ),
        (SCENE + "[series]\ndither_arcsec = [1, 2]\n", "series.dither_arcsec must be pairs of numbers"),
        (SCENE + "[series]\ndither_arcsec = [[1, nan]]\n", "series.dither_arcsec must be pairs of numbers"),
        (SCENE + "[series]\ndrift = [0, 0]\n", "unknown key 'drift' in [series]"),
        (LIGHT + "[series]\n", "[series] needs a [frame] of type 'science'"),
        (SCENE + CURVE + BOX, "[scene.sources.light_curve] needs a [series]"),
        (
            SCENE + CURVE + 'type = "step"\n[series]\n',
            "scene.sources.light_curve.type must be one of 'box', 'sinusoidal'",
        ),
        (
            SCENE + CURVE + 'type = "box"\n[series]\n',
            "[scene.sources.light_curve] needs 'depth', 'between_s'",
        ),
        (SCENE + CURVE + BOX.replace("0.1", "1.1") + "[series]\n", "light_curve.depth must be <= 1, got 1.1"),
        (
            SCENE + CURVE + BOX.replace("[5, 9]", "[9, 5]") + "[series]\n",
            "light_curve.between_s must be in order",
        ),
        (SCENE + CURVE + BOX + "baseline = -1\n[series]\n", "light_curve.baseline must be >= 0, got -1"),
        (SCENE + CURVE + BOX + "period_s = 1\n[series]\n", "of type 'box' has no 'period_s'"),
        (SCENE + CURVE + SINE.replace("7", "0") + "[series]\n", "light_curve.period_s must be > 0 s, got 0"),
        (SCENE + CURVE + SINE + 'phase_rad = "x"\n[series]\n', "light_curve.phase_rad must be a number"),
        (
            SCENE + CURVE + SINE + "baseline = 0.4\n[series]\n",
            "light_curve.amplitude must be at most the baseline, 0.4, got 0.5",
        ),
        (SCENE + '[ramp]\ntype = "cds"\n', "[ramp] needs a [frame] of type 'dark', 'flat' or 'light'"),
        (LIGHT + "[ramp]\n", "[ramp] needs 'type'"),
        (LIGHT + '[ramp]\ntype = "up"\n', "ramp.type must be one of 'nondestructive', 'cds', got 'up'"),
        (LIGHT + '[ramp]\ntype = "nondestructive"\n', "[ramp] needs 'reads_per_reset'"),
        (
            LIGHT + '[ramp]\ntype = "nondestructive"\nreads_per_reset = 0\n',
            "ramp.reads_per_reset must be >= 1, got 0",
        ),
        (
            LIGHT + '[ramp]\ntype = "cds"\npedestal_interval_s = -1\n',
            "ramp.pedestal_interval_s must be >= 0 s, got -1",
        ),
        (
            LIGHT + '[ramp]\ntype = "cds"\nreads_per_reset = 2\n',
            "[ramp] of type 'cds' has no 'reads_per_reset'",
        ),
        (
            LIGHT.replace("exposure_s = 10", "exposure_s = 0") + '[ramp]\ntype = "cds"\n',
            "frame.exposure_s must be > 0 s in a [ramp], got 0",
        ),
    ],
)
def test_every_rule_can_be_broken(read: Reader, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(text)
    assert words in str(error.value)
