"""The laws of the noise budget against drawn frames, and where they say that they do not hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from getframes import Camera, CameraConfig
from getframes.analysis.noise_budget import (
    LAWS,
    MARGIN_SIGMA,
    Moments,
    NoiseBudget,
    kept_inside,
    noise_budget,
    predictions,
)
from getframes.errors import DomainError
from getframes.noise import add_cosmic_rays, chain
from getframes.noise.exposure import Exposure
from getframes.noise.stream import seed_key

SHAPE = (200, 300)
ALL = CameraConfig(
    name="everything",
    sensor_type="EMCCD",
    resolution=SHAPE,
    pixel_size_um=10.0,
    quantum_efficiency=0.8,
    full_well_e=50_000.0,
    output_full_well_e=5e6,
    bit_depth=24,
    gain_e_per_adu=2.0,
    bias_offset_adu=1000.0,
    read_noise_e=20.0,
    dark_current_e_per_s=3.0,
    dark_current_nonuniformity=0.3,
    hot_pixel_fraction=0.01,
    hot_pixel_factor=20.0,
    detector_glow_e_per_s=2.0,
    detector_glow_edge_scale_px=10.0,
    prnu=0.05,
    nonlinearity=0.1,
    em_gain=50.0,
    avalanche_gain_nonuniformity=0.02,
    clock_induced_charge_e=0.5,
    reset_noise_e=12.0,
    read_noise_nonuniformity=0.2,
    read_noise_rts_fraction=0.02,
    amplifier_layout=(2, 2),
    amp_gain_nonuniformity=0.02,
    amp_offset_spread_adu=5.0,
)
MORE: dict[str, Any] = {
    "cosmic_ray_rate_per_cm2_s": 0.5,
    "cti": 1e-3,
    "ipc_coupling": 0.02,
    "dead_pixel_fraction": 0.01,
    "avalanche_input_noise_e": 0.2,
    "bias_structure_amplitude_adu": 20.0,
    "bias_pixel_spread_adu": 5.0,
    "readout_channel_count": 4,
    "read_noise_channel_nonuniformity": 0.1,
    "readout_common_mode_noise_adu": 4.0,
}
CCD = ALL.replace(sensor_type="CCD", em_gain=1.0, bias_offset_adu=2000.0)


def exposure(config: CameraConfig, rate: Any = 0.0, **more: Any) -> Exposure:
    camera = Camera(config)
    given = {"photon_rate": rate, "exposure": 2.0, "temperature": 20.0, "background": 5.0, **more}
    return Exposure.checked(config, camera.fixed_patterns, np.dtype(np.float64), **given)


def deviations(budget: NoiseBudget) -> list[float]:
    return [
        (drawn - predicted) / error
        for row in budget.rows
        if row.mean_error > 0
        for predicted, drawn, error in (row[2:5], row[5:8])
    ]


@pytest.mark.parametrize("rate", [0.0, 3.0, 400.0])
@pytest.mark.parametrize("changes", [{}, {"em_gain": 1.0}, {"excess_noise_factor": 1.1}], ids=str)
def test_every_stage_of_a_camera_with_all_of_them(rate: float, changes: dict[str, Any]) -> None:
    light = exposure(
        ALL.replace(**changes), np.linspace(0.5, 1.5, SHAPE[1]) * np.full(SHAPE, rate), extra_electrons=2.0
    )
    budget = noise_budget(light, seed_key(11))
    assert [row.stage for row in budget.rows] == [*(stage.name for stage in light.stages()), "digitize"]
    assert budget.pixels > 0.9 * SHAPE[0] * SHAPE[1]
    assert max(map(abs, deviations(budget))) < 4.5
    for row in budget.rows[:3]:
        assert row.drawn_mean == pytest.approx(row.predicted_mean, rel=1e-12)
        assert row.drawn_variance == row.predicted_variance == 0.0


RARER = {
    "cosmic_ray_rate_per_cm2_s": 200.0,
    "cti": 2e-4,
    "ipc_coupling": 0.02,
    "dead_pixel_fraction": 0.002,
    "bad_column_fraction": 0.01,
    "bias_structure_amplitude_adu": 6.0,
    "bias_pixel_spread_adu": 2.0,
    "readout_common_mode_noise_adu": 3.0,
}
"""Stages that move charge, or that few cameras have."""


def test_there_is_a_law_for_every_stage() -> None:
    stages = (
        *exposure(ALL, 1.0, extra_electrons=1.0).stages(),
        *exposure(ALL.replace(**MORE, blooming=True)).stages(),
    )
    assert {stage.name for stage in stages} == set(LAWS)


@pytest.mark.parametrize("roi", [None, (20, 30, 250, 160)])
@pytest.mark.parametrize("sensor_type", ["CCD", "EAPD"])
@pytest.mark.parametrize("rate", [3.0, 400.0])
def test_stages_that_look_at_other_pixels(
    rate: float, sensor_type: str, roi: tuple[int, int, int, int] | None
) -> None:
    """Pixels are correlated after them; a common mode would shift all."""
    figures = {**MORE, "readout_common_mode_noise_adu": 0.0, "cosmic_ray_rate_per_cm2_s": 0.0}
    config = ALL.replace(**figures, sensor_type=sensor_type, excess_noise_factor=1.2, roi=roi)
    budget = noise_budget(exposure(config, rate), seed_key(5))
    assert {"cti", "ipc", "defects", "bias_structure"} <= {row.stage for row in budget.rows}
    assert max(map(abs, deviations(budget))) < 6.0


@pytest.mark.parametrize("length_px", [0.0, 0.3, 4.0, 40.0])
def test_cosmic_rays_have_the_variance_of_their_tracks(length_px: float) -> None:
    config = CCD.replace(resolution=(1000, 1000), pixel_size_um=10.0)
    config = config.replace(cosmic_ray_rate_per_cm2_s=1000.0, cosmic_ray_track_length_px=length_px)
    struck = add_cosmic_rays(np.zeros((1000, 1000)), config, 20.0, 3)[100:-100, 100:-100]
    (stage,) = chain.cosmic_rays(config, 20.0)
    zero = np.zeros(struck.shape)
    moments = LAWS["cosmic_rays"](Moments(zero, zero), {**stage.parameters, "sensor": (1000, 1000)})
    assert struck.mean() == pytest.approx(moments.mean[0, 0], rel=0.03)
    assert struck.var() == pytest.approx(moments.variance[0, 0], rel=0.06)


def test_a_common_mode_is_in_the_variance() -> None:
    *_, last = predictions(exposure(CCD.replace(readout_common_mode_noise_adu=30.0), 50.0))
    *_, without = predictions(exposure(CCD, 50.0))
    np.testing.assert_allclose(last.moments.variance - without.moments.variance, 900.0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rate", [0.0, 30.0, 400.0])
@pytest.mark.parametrize(
    "changes",
    [
        {"em_gain": 1.0, "sensor_type": "CCD", "blooming": True, "cosmic_ray_rate_per_cm2_s": 0.0},
        {"em_gain": 1.0, "sensor_type": "CCD"},
        {"em_gain": 1.0, "sensor_type": "CCD", "cosmic_ray_track_length_px": 9.0},
        {"sensor_type": "EAPD", "em_gain": 8.0, "excess_noise_factor": 1.2, "avalanche_input_noise_e": 0.4},
        {"em_gain": 1.0, "sensor_type": "CCD", "roi": (7, 11, 260, 150)},
    ],
    ids=str,
)
def test_stages_that_move_charge_or_share_noise(changes: dict[str, Any], rate: float, seed: int) -> None:
    config = ALL.replace(**{**RARER, **changes})
    light = exposure(
        config, np.linspace(0.5, 1.5, config.output_resolution[1]) * np.full(config.output_resolution, rate)
    )
    budget = noise_budget(light, seed_key(seed))
    assert budget.pixels > 0.5 * config.output_resolution[0] * config.output_resolution[1]
    assert max(map(abs, deviations(budget))) < 4.5


def test_the_error_of_a_common_mode_is_that_of_one_draw() -> None:
    config = ALL.replace(em_gain=1.0, sensor_type="CCD", readout_common_mode_noise_adu=10.0)
    rows = [noise_budget(exposure(config, 50.0), seed_key(seed)).rows[-1] for seed in range(40)]
    pulls = np.array([(row.drawn_mean - row.predicted_mean) / row.mean_error for row in rows])
    assert rows[0].mean_error == pytest.approx(10.0, rel=0.01)
    assert 0.6 < pulls.std() < 1.5


@pytest.mark.parametrize(("length_px", "rel"), [(0.0, 1e-9), (12.0, 0.01)])
def test_tracks_leave_over_the_edges(length_px: float, rel: float) -> None:
    """About their length times 1 / pi over the sides, from both of them."""
    expected = 1.0 - length_px / np.pi * (1 / 100 + 1 / 200)
    assert kept_inside(length_px, 100, 200) == pytest.approx(expected, rel=rel)


def test_a_binned_exposure_has_no_budget() -> None:
    camera = Camera(ALL)
    binned = camera._exposure(1.0, 1.0, None, readout=camera._readout(2, "digital"))
    with pytest.raises(DomainError, match=r"noise budget\.binning must be 1, got 2"):
        list(predictions(binned))


def test_pulls_of_a_frame_have_mean_0_and_variance_1() -> None:
    light = exposure(
        ALL.replace(em_gain=1.0, sensor_type="CCD"), np.geomspace(1, 5000, SHAPE[1]) * np.ones(SHAPE)
    )
    *_, last = predictions(light)
    pulls = ((light.adu(seed_key(3), 0) - last.moments.mean) / np.sqrt(last.moments.variance))[last.inside]
    assert abs(pulls.mean()) < 4 / np.sqrt(pulls.size)
    assert abs(pulls.var() - 1) < 4 * np.sqrt(2 / pulls.size)


@pytest.mark.parametrize(
    ("changes", "rate"),
    [
        ({}, 1e6),
        ({"bit_depth": 12}, 400.0),
        ({"bias_offset_adu": 1.0, "detector_glow_e_per_s": 0.0, "dark_current_e_per_s": 0.0}, 0.0),
        ({"output_full_well_e": 5000.0}, 300.0),
    ],
)
def test_near_a_limit_the_laws_say_so(changes: dict[str, Any], rate: float) -> None:
    *_, last = predictions(exposure(ALL.replace(**changes), rate))
    assert not last.inside.any()
    with pytest.raises(DomainError, match="pixels inside the limits"):
        noise_budget(exposure(ALL.replace(**changes), rate), 1)


def test_the_limit_is_drawn_where_it_should_be() -> None:
    config = CameraConfig("plain", "CCD", SHAPE, 10.0, 1.0, 1e4, 16, 1.0, 500.0, 0.0, 0.0)
    ramp = np.linspace(4000.0, 5000.0, SHAPE[1]) * np.ones(SHAPE)
    *_, last = predictions(exposure(config, ramp, background=0.0))
    mean = 2 * ramp
    np.testing.assert_array_equal(last.inside, mean + MARGIN_SIGMA * np.sqrt(mean) <= 1e4)


def test_chosen_pixels_only() -> None:
    where = np.zeros(SHAPE, np.bool_)
    where[:50] = True
    light = exposure(ALL, 10.0)
    budget = noise_budget(light, seed_key(2), where=where)
    assert budget.pixels <= where.sum()
    assert max(map(abs, deviations(budget))) < 4.5


def test_an_unknown_stage_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    light = exposure(ALL)
    monkeypatch.setattr(Exposure, "stages", lambda self: (chain.Stage("fringing"),))
    with pytest.raises(DomainError, match="'fringing'"):
        list(predictions(light))
