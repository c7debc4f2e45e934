"""The loop: flats of nine detectors in twenty exposures, measured, solved, and held against what went in."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import pytest

from getframes import Camera, FlatTruth, FocalPlane, Illumination, combine
from getframes.reduce import FlatScales, measure_flat_levels, normalize_flats

EXPOSURES, EXPOSURE_S = 20, 5.0
DEAD = ("D12", "A2")
MISSING = [
    ("D00", 3),
    ("D12", 7),
    ("D22", 0),
    ("D01", 19),
    *((f"D{r}{c}", 11) for r in range(3) for c in range(3)),
]
CONFIG = Camera.from_preset("generic_ccd").config.replace(
    resolution=(128, 128),
    amplifier_layout=(2, 2),
    amp_gain_nonuniformity=0.03,
    amp_offset_spread_adu=20.0,
    prnu=0.01,
    cosmic_ray_rate_per_cm2_s=20.0,
)
LAMP = Illumination(
    photon_rate=2500.0,
    drift=-0.015,
    flicker=0.08,
    vignetting=0.35,
    field_radius_mm=5.0,
    gradient_per_mm=(0.02, -0.01),
)


def focal_plane() -> FocalPlane:
    rng = np.random.default_rng(4)
    responses: list[float | list[float]] = list(rng.uniform(0.7, 1.2, 9))
    responses[5] = [1.0, 0.0, 1.0, 1.0]
    return FocalPlane.grid(
        CONFIG, (3, 3), responses=responses, gains_e_per_adu=CONFIG.gain_e_per_adu * rng.uniform(0.8, 1.3, 9)
    )


PLANE = focal_plane()


class Loop(NamedTuple):
    """What was recovered, and what went in, in the gauge of the result."""

    scales: FlatScales
    truth: FlatTruth
    detector_pulls: np.ndarray
    exposure_pulls: np.ndarray


def darks() -> dict[str | int, np.ndarray]:
    masters = {}
    for number, detector in enumerate(PLANE):
        masters[detector.name] = detector.camera.master_dark(EXPOSURE_S, 16, seed=100 + number).data
    return masters


def loop(seed: int, level: str, lamp: Illumination = LAMP) -> Loop:
    """Simulate, measure, solve, compare."""
    truth = PLANE.flat_truth(lamp, EXPOSURE_S, EXPOSURES, level=level, seed=seed)
    records = measure_flat_levels(
        PLANE.flats(lamp, EXPOSURE_S, EXPOSURES, missing=MISSING, seed=seed, include_truth=False),
        bias=darks(),
        sections=PLANE.sections if level == "amp" else None,
        gain_e_per_adu={each.name: each.camera.config.gain_e_per_adu for each in PLANE},
        read_noise_e=CONFIG.read_noise_e,
    )
    scales = normalize_flats(list(records), camera=PLANE, level=level, counts="pixels", sigma="sigma")
    here = [truth.exposures.index(exposure) for exposure in scales.exposures]
    good = np.isfinite(scales.detector_scale)
    gauge = np.average(truth.detector_scale[good], weights=scales.weight[good].sum(axis=1))
    return Loop(
        scales,
        truth,
        ((scales.detector_scale - truth.detector_scale / gauge) / scales.detector_sigma)[good],
        (scales.exposure_scale - truth.exposure_scale[here] * gauge) / scales.exposure_sigma,
    )


@pytest.fixture(scope="module")
def recovered() -> Loop:
    return loop(1, "amp")


def test_chi2_is_one(recovered: Loop) -> None:
    scales = recovered.scales
    assert abs(scales.chi2 / scales.dof - 1.0) < 3.0 * np.sqrt(2.0 / scales.dof)


def test_dead_and_missing_are_known(recovered: Loop) -> None:
    scales = recovered.scales
    assert [name for name, scale in scales.by_detector.items() if np.isnan(scale)] == [DEAD]
    assert 11 not in scales.exposures and len(scales.exposures) == 19
    assert scales.n_components == 1 and np.count_nonzero(scales.weight) == 35 * 19 - 4 * 4 + 1


def test_what_went_in_comes_out(recovered: Loop) -> None:
    """Scales to their standard deviations, of a few parts in ten thousand."""
    scales = recovered.scales
    assert np.nanmax(scales.detector_sigma / scales.detector_scale) < 1e-3
    for pulls in (recovered.detector_pulls, recovered.exposure_pulls):
        assert np.abs(pulls).max() < 4.5
        assert abs(np.sqrt((pulls**2).mean()) - 1.0) < 3.5 / np.sqrt(2.0 * pulls.size)


def test_whole_detectors() -> None:
    """The dead quarter of a detector is left out of its level, as an outlier; the others are as they went in."""
    found = loop(2, "detector")
    assert abs(found.scales.chi2 / found.scales.dof - 1.0) < 3.0 * np.sqrt(2.0 / found.scales.dof)
    whole = np.array([name != DEAD[0] for name in found.scales.detectors])
    ratio = (found.scales.detector_scale / found.truth.detector_scale)[whole]
    assert np.ptp(ratio) / ratio.mean() < 3e-3


def test_masters_have_the_level_of_their_detector() -> None:
    """Flats of a lamp that drifts by a third, over E: the master is G, and its pixels scatter by their noise alone."""
    found = loop(2, "detector")
    name = "D10"
    dark, detector = darks()[name], PLANE[name]
    exposures = [exposure for exposure in range(EXPOSURES) if (name, exposure) not in MISSING]
    flats = [PLANE.flat(name, exposure, LAMP, EXPOSURE_S, seed=2).data for exposure in exposures]
    master = combine(
        flats, method="sigma_clip", zero=[-dark] * len(flats), scale=found.scales.factors(exposures)
    )
    assert np.mean(master.data) == pytest.approx(found.scales.by_detector[name], rel=1e-3)
    electrons = (
        found.scales.by_detector[name] * found.scales.exposure_scale * detector.camera.config.gain_e_per_adu
    )
    expected = np.sqrt(np.mean(1.0 / electrons) / len(flats)) * found.scales.by_detector[name]
    assert np.median(master.uncertainty) == pytest.approx(expected, rel=0.1)


def test_vignetting_and_gradient_go_into_the_detectors() -> None:
    """They are the same in every exposure, so nothing but G knows of them: chi2 does not."""
    flat = dataclasses.replace(LAMP, vignetting=0.0, gradient_per_mm=(0.0, 0.0))
    with_pattern, without = loop(3, "amp"), loop(3, "amp", flat)
    for found in (with_pattern, without):
        assert abs(found.scales.chi2 / found.scales.dof - 1.0) < 3.0 * np.sqrt(2.0 / found.scales.dof)
    ratio = with_pattern.scales.detector_scale / without.scales.detector_scale
    pattern = np.array(
        [
            np.mean(detector.light(LAMP)[section.slices]) / np.mean(detector.light(flat)[section.slices])
            for detector in PLANE
            for name, section in detector.sections.items()
            if (detector.name, name) != DEAD
        ]
    )
    assert np.ptp(pattern) > 0.3
    assert np.allclose(ratio[np.isfinite(ratio)] / np.nanmean(ratio), pattern / pattern.mean(), rtol=3e-3)


def test_a_gradient_that_changes_shows_in_chi2() -> None:
    """Half of the exposures with the screen turned round: no G and E fit them."""
    turned = dataclasses.replace(LAMP, gradient_per_mm=(-0.02, 0.01))
    flats = (
        PLANE.flat(detector.name, exposure, LAMP if exposure < 5 else turned, EXPOSURE_S, seed=1)
        for exposure in range(10)
        for detector in PLANE
    )
    records = measure_flat_levels(flats, bias=darks())
    scales = normalize_flats(list(records), camera=PLANE, counts="pixels", sigma="sigma")
    assert scales.chi2 / scales.dof > 100.0
