"""Closing the loop: configure a detector, simulate it, measure it, and get back what was configured, for every preset.

Everything has to come back within 0.5 % or three standard errors, whichever is larger; log-normal maps are compared by their means and widths. Where a
standard error decides, the test says what it is made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import sqrt

import numpy as np
import pytest

from getframes import Camera, CameraConfig, load_preset
from getframes.analysis import (
    DarkCharacterization,
    PTCResult,
    StackStats,
    characterize_dark,
    characterize_flat,
    characterize_gain_stage,
    interpixel_coupling,
    nondestructive_stack_statistics,
    photon_transfer_curve,
    ramp_photon_transfer,
    stack_statistics,
)
from getframes.analysis.coupling import noise_kept
from getframes.analysis.rounding import unrounded
from getframes.config import missing_stages
from getframes.errors import DomainError
from getframes.presets import available_presets

PRESETS = [name for name in available_presets() if not missing_stages(load_preset(name))]
SHAPE = (256, 256)
SMALL = (128, 128)
DARKS = 64
EXPOSURE_S = 1e-4
"""So short that dark charge is no part of a flat."""
LEVELS = np.append(np.geomspace(0.003, 0.85, 30), 12.0)
"""Light over what fills the range; the last level is far beyond it."""
CLOSE = 0.005


def named(*marks: str) -> list[str]:
    """Presets with a field that is not zero."""
    return [name for name in PRESETS if any(getattr(load_preset(name), mark) for mark in marks)]


MULTIPLYING = [name for name in PRESETS if load_preset(name).em_gain > 1]
COUPLED = named("ipc_coupling")
RESPONSE = named("prnu", "nonlinearity")
LINEAR = [name for name in PRESETS if name not in named("nonlinearity", "nonlinearity_coeffs")]
"""Cameras that have ramps."""


@cache
def plain(name: str) -> Camera:
    """A camera of a preset, smaller, without its gain stage.

    Wells that data sheets refer to the input at full gain are those of the output without it.
    """
    config = load_preset(name)
    changes: dict[str, object] = {"resolution": SHAPE, "roi": None}
    changes |= {"amplifier_boundaries_x_px": (), "amplifier_boundaries_y_px": ()}
    if config.em_gain > 1 and config.full_well_e < 10_000.0:
        changes["full_well_e"] = config.output_full_well_e
    return Camera(config.replace(**changes, em_gain=1.0), seed=1)


@cache
def multiplying(name: str) -> Camera:
    """The same with its gain stage."""
    stage = load_preset(name)
    return plain(name).with_config(em_gain=stage.em_gain, full_well_e=stage.full_well_e)


def ends_adu(camera: Camera) -> dict[str, float]:
    """Mean counts at which wells and converter end."""
    config = camera.config
    lost = 1.0 - config.nonlinearity
    output = config.full_well_e if config.output_full_well_e is None else config.output_full_well_e
    charge = min(config.full_well_e * lost * config.em_gain, output)
    return {
        "full well": config.bias_offset_adu + structure_adu(camera) + charge / config.gain_e_per_adu,
        "converter": float(config.max_adu),
    }


def rates(config: CameraConfig, low: float, high: float, count: int) -> np.ndarray:
    """Photons whose signal goes from `low` to `high` of what can be counted."""
    output = config.full_well_e if config.output_full_well_e is None else config.output_full_well_e
    range_e = (config.max_adu - config.bias_offset_adu) * config.gain_e_per_adu
    charge = min(config.full_well_e, output / config.em_gain, range_e / config.em_gain)
    return charge / config.quantum_efficiency * np.geomspace(low, high, count)


@cache
def curve(name: str) -> PTCResult:
    """Photon transfer of the camera without gain stage."""
    camera = plain(name)
    photons = rates(camera.config, 1, 1, 1) * LEVELS
    return photon_transfer_curve(camera, photons / EXPOSURE_S, EXPOSURE_S, seed=3000)


@dataclass(frozen=True)
class Expected:
    """What must come back."""

    value: float
    error: float = 0.0

    def __eq__(self, found: object) -> bool:
        assert isinstance(found, float)
        return abs(found - self.value) <= max(CLOSE * abs(self.value), 3.0 * self.error)

    __hash__ = None  # type: ignore[assignment]


def structure_adu(camera: Camera) -> float:
    """Mean of the structure of the bias."""
    return float(np.mean(np.asarray(camera.fixed_patterns.bias_structure)))


@pytest.mark.parametrize("name", PRESETS)
def test_conversion_gain(name: str) -> None:
    found, config = curve(name), plain(name).config
    assert found.gain_e_per_adu == Expected(config.gain_e_per_adu, found.gain_error)
    assert found.gain_error < 0.01 * config.gain_e_per_adu


@pytest.mark.parametrize("name", PRESETS)
def test_read_noise(name: str) -> None:
    """The variance of one difference of two biases, in electrons; reset noise is part of it."""
    found, camera = curve(name), plain(name)
    sigma = np.asarray(camera.fixed_patterns.read_noise_sigma, np.float64)
    noise = sqrt(float(np.mean(sigma**2)) + camera.config.reset_noise_e**2)
    tails = float(np.mean(sigma**4) / np.mean(sigma**2) ** 2)
    error = noise * sqrt(
        (found.gain_error / found.gain_e_per_adu) ** 2 + (3 * tails - 1) / (4 * np.prod(SHAPE))
    )
    assert found.read_noise_e == Expected(noise, error)
    assert error < 0.02 * noise


@pytest.mark.parametrize("name", PRESETS)
def test_the_lower_end_is_found_and_named(name: str) -> None:
    found, ends = curve(name), ends_adu(plain(name))
    lower = min(ends, key=lambda end: ends[end])
    assert found.saturation == lower
    assert found.full_well_adu == Expected(ends[lower])


@pytest.mark.parametrize("name", MULTIPLYING)
def test_gain_stage(name: str) -> None:
    """Gain from the signals of the same light with and without the stage, excess noise from the slopes."""
    camera, without = multiplying(name), curve(name)
    ratio = rates(camera.config, 0.4, 0.4, 1)[0] / LEVELS[-2] / rates(plain(name).config, 1, 1, 1)[0]
    levels = rates(plain(name).config, 1, 1, 1) * LEVELS * ratio
    with_stage = photon_transfer_curve(camera, levels / EXPOSURE_S, EXPOSURE_S, seed=400)
    stage = characterize_gain_stage(without, with_stage, light_ratio=ratio)
    assert stage.em_gain == Expected(camera.config.em_gain)
    wanted = camera.config.gain_excess_noise_factor
    assert stage.excess_noise_factor == Expected(wanted, stage.excess_noise_factor_error)
    assert stage.excess_noise_factor_error < 0.01 * wanted
    ends = ends_adu(camera)
    assert with_stage.saturation == min(ends, key=lambda end: ends[end])
    assert with_stage.full_well_adu == Expected(min(ends.values()))


@pytest.mark.parametrize("name", PRESETS)
def test_interpixel_coupling(name: str) -> None:
    """From twelve flats at half the range; cameras without coupling show none."""
    camera = plain(name)
    light = rates(camera.config, 0.5, 0.5, 1)[0] / EXPOSURE_S
    flats = camera.expose_series(light, EXPOSURE_S, 12, seed=7, include_truth=False)
    read = (curve(name).read_noise_e / camera.config.gain_e_per_adu) ** 2
    found = interpixel_coupling(flats, read_variance_adu2=read)
    assert found.ipc_coupling == Expected(camera.config.ipc_coupling, found.error)
    assert found.error < 0.001
    if camera.config.ipc_coupling:
        assert curve(name).ipc_coupling == Expected(camera.config.ipc_coupling, 2.0 * found.error)


@cache
def darks(name: str) -> DarkCharacterization:
    """Four exposures, the longest with a fifth of what can be counted."""
    camera = plain(name)
    camera = camera.with_config(resolution=SMALL)
    signal = (min(ends_adu(camera).values()) - camera.config.bias_offset_adu) * camera.config.gain_e_per_adu
    rate = camera.config.dark_current_e_per_s + camera.config.detector_glow_e_per_s
    common_mode = camera.config.readout_common_mode_noise_adu > 0
    stacks: dict[float, StackStats] = {}
    for number, fraction in enumerate((0.0, 0.002, 0.1, 0.2)):
        exposure = fraction * signal / rate
        frames = camera.dark_series(exposure, DARKS, seed=100 + number)
        stacks[exposure] = stack_statistics(frames, common_mode=common_mode)
    return characterize_dark(stacks, ipc_coupling=camera.config.ipc_coupling)


@pytest.mark.parametrize("name", named("dark_current_e_per_s"))
def test_dark_current(name: str) -> None:
    found, config = darks(name), plain(name).config
    pixels = SMALL[0] * SMALL[1]
    relative = found.gain_error / found.gain_e_per_adu
    assert found.gain_e_per_adu == Expected(config.gain_e_per_adu, found.gain_error)
    assert relative < 0.01
    rate = config.dark_current_e_per_s + config.detector_glow_e_per_s
    # The level of a stack is known to its common mode.
    charge = found.exposures_s[-1] * rate
    shift = config.readout_common_mode_noise_adu * config.gain_e_per_adu * sqrt(2.0 / DARKS) / charge
    error = rate * sqrt(relative**2 + shift**2 + config.dark_current_nonuniformity**2 / pixels)
    # Neighbours of hot pixels get c of their charge.
    spill = 4.0 * config.ipc_coupling * config.hot_pixel_fraction * config.hot_pixel_factor
    assert found.dark_current_e_per_s == Expected(rate * (1.0 + spill), error)
    hot = config.hot_pixel_fraction
    assert found.hot_pixel_fraction == Expected(hot, sqrt(hot / pixels))
    if hot * pixels > 5:
        scatter = max(config.dark_current_nonuniformity, 0.05) / sqrt(hot * pixels) + relative
        glow = config.detector_glow_e_per_s / rate
        factor = config.hot_pixel_factor * (1.0 - glow) + glow
        assert found.hot_pixel_factor == Expected(
            factor / (1.0 + spill) * (1 - 4 * config.ipc_coupling), 2 * factor * scatter
        )
    if not spill:  # it widens the map of the others
        width = config.dark_current_nonuniformity * config.dark_current_e_per_s / rate
        assert found.dark_current_nonuniformity == Expected(
            width, max(width, 0.01) / sqrt(2 * pixels) + 0.1 * relative
        )


@pytest.mark.parametrize("name", named("dark_current_e_per_s"))
def test_read_noise_map(name: str) -> None:
    found, config = darks(name), plain(name).config
    camera = plain(name).with_config(resolution=SMALL)
    sigma = np.hypot(np.asarray(camera.fixed_patterns.read_noise_sigma, np.float64), config.reset_noise_e)
    pixels, relative = SMALL[0] * SMALL[1], found.gain_error / found.gain_e_per_adu
    mean = float(sigma.mean())
    assert float(found.read_noise_map_e.mean()) == Expected(mean, mean * relative)
    assert found.bias_offset_adu == Expected(
        config.bias_offset_adu
        + structure_adu(camera)
        + config.clock_induced_charge_e / config.gain_e_per_adu,
        config.readout_common_mode_noise_adu / sqrt(DARKS),
    )
    if np.ndim(camera.fixed_patterns.read_noise_sigma) and config.read_noise_edge_factor == 1.0:
        width = config.read_noise_nonuniformity
        chance = (width**2 + 0.5 / DARKS) / width / sqrt(2.0 * pixels)
        assert found.read_noise_e == Expected(
            config.read_noise_e, config.read_noise_e * (relative + width / sqrt(pixels))
        )
        assert found.read_noise_nonuniformity == Expected(width, 2.0 * chance)
        fraction = config.read_noise_rts_fraction
        assert found.read_noise_rts_fraction == Expected(fraction, 2.0 * sqrt(fraction / pixels))


@pytest.mark.parametrize("name", sorted(set(PRESETS) - set(named("dark_current_e_per_s"))))
def test_no_dark_current_is_said_to_be_none(name: str) -> None:
    camera = plain(name).with_config(resolution=SMALL)
    stacks = {time: stack_statistics(camera.dark_series(time, 8, seed=int(time))) for time in (1.0, 1000.0)}
    with pytest.raises(DomainError, match="long enough for dark charge to show"):
        characterize_dark(stacks)


@pytest.mark.parametrize("name", RESPONSE)
def test_response(name: str) -> None:
    """PRNU and nonlinearity; coupled pixels share their pattern, which is put right."""
    camera = plain(name)
    config = camera.config
    levels = np.append(np.geomspace(0.05, 0.88, 10), 3.0)
    light = levels * rates(config, 1, 1, 1)[0] / EXPOSURE_S
    stacks = {
        rate: stack_statistics(
            camera.expose_series(rate, EXPOSURE_S, 8, seed=200 + number, include_truth=False),
            common_mode=config.readout_common_mode_noise_adu > 0,
        )
        for number, rate in enumerate(light)
    }
    biases = (camera.bias_frame(seed=300 + number) for number in range(32))
    bias_map = stack_statistics(biases, common_mode=config.readout_common_mode_noise_adu > 0).mean_adu
    found = characterize_flat(stacks, bias_adu=bias_map, ipc_coupling=config.ipc_coupling)
    bias = config.bias_offset_adu + structure_adu(camera)
    ends = ends_adu(camera)
    assert found.gain_e_per_adu == Expected(config.gain_e_per_adu, found.gain_error)
    # The map itself scatters; so does the level of the frames, where they have a common mode.
    shift = config.readout_common_mode_noise_adu / sqrt(8) / found.full_well_adu
    assert found.prnu == Expected(config.prnu, config.prnu * (1.0 / sqrt(2.0 * np.prod(SHAPE)) + shift))
    assert found.saturation == min(ends, key=lambda end: ends[end])
    assert found.full_well_adu == Expected(
        min(ends.values()) - config.bias_offset_adu - structure_adu(camera)
    )
    assert found.nonlinearity is not None
    counted = (min(ends.values()) - bias) * config.gain_e_per_adu
    lost = config.nonlinearity * counted / config.full_well_e
    filled = lost / (1.0 - lost) if found.saturation == "converter" else config.nonlinearity
    assert abs(found.nonlinearity - filled) < 0.0005


@pytest.mark.parametrize("name", LINEAR)
def test_gain_of_ramps(name: str) -> None:
    """Six ramps of twelve reads to half the range; without knowing of it, coupling makes the gain too high."""
    camera = plain(name)
    config = camera.config
    light = rates(config, 0.5, 0.5, 1)[0] / (12 * EXPOSURE_S)
    reads = camera.nondestructive_series(light, EXPOSURE_S, 72, 12, seed=600, include_truth=False)
    found = ramp_photon_transfer(list(reads), reset_after_indices=np.arange(11, 72, 12))
    assert (found.n_ramps, found.reads_per_ramp) == (6, 12)
    # Variances of five degrees of freedom over all pixels, at both ends of the line.
    error = 2.0 * config.gain_e_per_adu * sqrt(2.0 / (5 * np.prod(SHAPE)))
    kept = noise_kept(config.ipc_coupling)
    assert found.conversion_gain_e_per_adu * kept == Expected(config.gain_e_per_adu, error)


@pytest.mark.parametrize("name", LINEAR)
def test_noise_of_ramps(name: str) -> None:
    """Differences show what is new in every read, all reads what a ramp shares as well."""
    camera = plain(name).with_config(resolution=SMALL)
    config = camera.config
    reads = camera.dark_nondestructive_series(EXPOSURE_S, 240, 8, seed=700, include_truth=False)
    found = nondestructive_stack_statistics(
        list(reads), reset_after_indices=np.arange(7, 240, 8), level_sample_step=1
    )
    sigma = np.asarray(camera.fixed_patterns.read_noise_sigma, np.float64)
    square = float(np.mean(sigma**2))
    shared = config.read_noise_correlated_fraction
    worth = float(np.mean(sigma**4)) / square**2
    for noise, wanted, degrees in (
        (found.cds_noise_adu, (1.0 - shared) * square, 140.0),
        (found.temporal_noise_adu, square + config.reset_noise_e**2, 30.0 if shared else 230.0),
    ):
        seen = float(np.sqrt(unrounded(np.mean(noise**2), config.bias_offset_adu))) * config.gain_e_per_adu
        error = sqrt(wanted) * sqrt(worth / (2.0 * degrees * np.prod(SMALL)))
        assert seen == Expected(sqrt(wanted), error)


def test_what_was_measured_makes_a_camera_that_measures_the_same() -> None:
    """The loop closed twice: characterize, build a camera of it, characterize again."""
    first = darks("generic_scmos")
    config = first.to_config("measured", bit_depth=16, full_well_e=30_000.0, dark_current_ref_temp_c=-10.0)
    assert config.resolution == SMALL
    camera = Camera(config.replace(fixed_pattern_seed=5), seed=2)
    stacks = {
        time: stack_statistics(camera.dark_series(float(time), DARKS, seed=500 + number))
        for number, time in enumerate(first.exposures_s)
    }
    again = characterize_dark(stacks)
    for field in ("gain_e_per_adu", "read_noise_e", "dark_current_e_per_s", "bias_offset_adu"):
        assert getattr(again, field) == pytest.approx(getattr(first, field), rel=0.015)
    assert again.read_noise_nonuniformity == pytest.approx(first.read_noise_nonuniformity, rel=0.05)
    assert again.dark_current_nonuniformity == pytest.approx(first.dark_current_nonuniformity, rel=0.05)
