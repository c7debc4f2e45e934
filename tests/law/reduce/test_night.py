"""A night through the pipeline, from raw files to calibrated ones, for each family of sensors: the residuals are noise of the width that is said."""

from __future__ import annotations

import numpy as np
import pytest

from getframes.cli.demo.night import Night
from getframes.cli.demo.reduction import Reduction, reduce_night
from getframes.run_record import RunRecord

FAMILIES = (
    "generic_ccd",
    "generic_cmos",
    "generic_scmos",
    "generic_emccd",
    "generic_eapd",
    "first_light_imaging_cred_one",
)
SIDE = 96


@pytest.fixture(scope="module", params=FAMILIES)
def reduction(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reduction:
    night = Night.of(request.param, 11, SIDE)
    return reduce_night(night, tmp_path_factory.mktemp(request.param), RunRecord("night"))


def test_pixels(reduction: Reduction) -> None:
    pixels = reduction.pixels
    assert pixels.count > 200_000
    assert pixels.chi2_error < 0.005
    assert abs(pixels.chi2 - 1.0) < 3.0 * pixels.chi2_error
    # The masters are the same in all frames, and 1/16 of the noise: their mean error does not get smaller with the number of frames.
    assert abs(pixels.bias) < 3.0 * pixels.rms * np.hypot(pixels.count**-0.5, 0.3 / SIDE)


def test_stars(reduction: Reduction) -> None:
    pulls = reduction.fluxes.pulls
    known = pulls[np.isfinite(pulls)]
    assert known.size > 0.85 * pulls.size
    assert abs(known.mean()) < 0.2
    assert abs(np.mean(known**2) - 1.0) < 0.25


def test_the_counts_alone_say_too_much_by_what_is_known(reduction: Reduction) -> None:
    """c (3 - skew / V) / V more, to first order, with c the variance of an electron and skew the third moment; where electrons are many."""
    config = reduction.night.camera.config
    per_electron = config.gain_excess_noise_factor**2
    light = np.concatenate([each.expected[each.good] for each in reduction.results])
    if np.median(light) < 200.0:
        pytest.skip("the next orders are not small")
    variance = (reduction.night.dark_noise_e / config.em_gain) ** 2 + per_electron * light
    skew = per_electron * (2.0 * per_electron - 1.0) * light
    excess = float(np.mean(per_electron * (3.0 - skew / variance) / variance))
    counts = reduction.pixels_from_counts
    assert abs(counts.chi2 - 1.0 - excess) < 3.0 * counts.chi2_error
