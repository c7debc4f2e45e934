"""Pictures of what is measured on frames: variance, ramps, layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from paper import Plot, side_by_side, stacked
from PIL import Image

from getframes import (
    Camera,
    GaussianPSF,
    PointSource,
    Scene,
    Telescope,
)
from getframes.analysis import photon_transfer_curve


def photon_transfer() -> Image.Image:
    """Photon transfer curve of a camera, and the line that was fitted."""
    camera = Camera.from_preset("generic_scmos", seed=1).with_config(resolution=(256, 256))
    curve = photon_transfer_curve(camera, np.geomspace(3.0, 60_000.0, 24), seed=3)
    plot = Plot((1.0, 1e5), (1.0, 1e6), ("mean above bias [ADU]", "variance [ADU^2]"), logarithmic=True)
    signal = np.geomspace(1.0, 6e4, 100)
    read = (curve.read_noise_e / curve.gain_e_per_adu) ** 2 + 1.0 / 12.0
    plot.line(signal, read + signal / curve.gain_e_per_adu, 170)
    plot.line(signal, np.full(signal.size, read), 210)
    plot.points(curve.mean_adu - curve.bias_adu, curve.variance_adu2)
    plot.text(3.0, 2.2e5, f"slope 1/K: K = {curve.gain_e_per_adu:.3f} e-/ADU")
    plot.text(3.0, 8e4, f"intercept: read noise {curve.read_noise_e:.2f} e-")
    plot.text(3.0, 2.9e4, f"saturation: {curve.saturation}, {curve.full_well_adu:.0f} ADU")
    return plot.picture


def explained_variance() -> Image.Image:
    """Variance after every stage of the example of `getframes explain`, predicted and drawn."""
    from getframes.analysis.noise_budget import noise_budget
    from getframes.config.experiment import read_experiment
    from getframes.noise.exposure import Exposure
    from getframes.noise.stream import seed_key

    experiment = read_experiment(Path(__file__).parents[2] / "configs" / "explain" / "detector.toml")
    camera, frame = Camera(experiment.camera), experiment.frame
    light = Exposure.checked(
        camera.config,
        camera.fixed_patterns,
        np.dtype(np.float64),
        photon_rate=frame.photon_rate,
        exposure=frame.exposure_s,
        temperature=frame.temperature_c,
    )
    rows = noise_budget(light, seed_key(frame.seed)).rows[2:]
    number = np.arange(1.0, len(rows) + 1.0)
    plot = Plot(
        (0.0, len(rows) + 1.0), (0.0, 4000.0), ("stage, from shot to digitize", "variance [e-^2, ADU^2]")
    )
    plot.line(number, np.array([row.predicted_variance for row in rows]), shade=150)
    plot.points(number, np.array([row.drawn_variance for row in rows]))
    return plot.picture


def layers_of_a_frame() -> Image.Image:
    """What some stages added to a frame of bright and faint stars, and the frame."""
    config = Camera.from_preset("generic_ccd").config.replace(
        resolution=(160, 160),
        blooming=True,
        full_well_e=30_000.0,
        cti=5e-5,
        cosmic_ray_rate_per_cm2_s=15.0,
        cosmic_ray_track_length_px=14.0,
    )
    camera = Camera(config)
    rng = np.random.default_rng(5)
    at, flux = rng.uniform(8.0, 152.0, (40, 2)), np.geomspace(20.0, 60_000.0, 40)
    stars = [PointSource(x, y, photon_rate=rate) for (x, y), rate in zip(at, flux, strict=True)]
    scene = Scene(camera.resolution, Telescope.unit(), GaussianPSF(3.0), stars)
    layers = camera.layers(scene.photon_rate_map(), 20.0, background=3.0, seed=3)
    shown = [
        (layers["photo"] + layers["dark"], 300.0),
        (layers["shot"], 60.0),
        (layers["cosmic_rays"], 300.0),
        (layers["blooming"], 3000.0),
        (layers["cti"], 20.0),
        (layers.frame.data - config.bias_offset_adu, 300.0),
    ]
    pictures = []
    for layer, scale in shown:
        bent = np.arcsinh(10.0 * layer / scale) / np.arcsinh(10.0)
        lowest = -1.0 if (layer < 0.0).any() else 0.0
        grey = 255.0 * np.clip((bent - lowest) / (1.0 - lowest), 0.0, 1.0)
        pictures.append(
            Image.fromarray(grey[::-1].astype(np.uint8)).resize((240, 240), Image.Resampling.NEAREST)
        )
    return stacked([side_by_side(pictures[:3]), side_by_side(pictures[3:])])


def ramps() -> Image.Image:
    """Mean of the reads of ramps above the bias, with what settles after a reset; thin lines are the charge."""
    camera = Camera.from_preset("generic_eapd", seed=1).with_config(
        resolution=(128, 128),
        bias_offset_adu=3000.0,
        readout_common_mode_noise_adu=200.0,
        readout_common_mode_correlation=0.95,
        ndr_reset_settling_input_e=100.0,
        ndr_reset_settling_scale_reads=1.5,
    )
    config, interval, length, count = camera.config, 0.1, 12, 36
    e_per_adu = config.gain_e_per_adu / config.em_gain
    plot = Plot((0.0, 4.5), (-200.0, 1300.0), ("time [s]", "mean of a read [e- at the input]"))
    for rate, shade in ((1000.0, 40), (400.0, 110), (0.0, 170)):
        frames = list(camera.nondestructive_series(rate, interval, count, length, seed=2))
        time = interval * (1.0 + np.arange(count, dtype=np.float64))
        level = np.array([(frame.data.mean() - config.bias_offset_adu) * e_per_adu for frame in frames])
        charge = np.array([frame.truth.mean_electrons.mean() for frame in frames if frame.truth is not None])
        for ramp in np.arange(count).reshape(-1, length):
            plot.line(time[ramp], charge[ramp], 210)
        plot.points(time, level, shade)
        plot.text(3.65, charge[-1], f"{rate:g} photons/s", shade)
    return plot.picture


def calibrated_response() -> Image.Image:
    """What a bent response takes away, before and after calibration."""
    camera = Camera.from_preset("generic_scmos", seed=1)
    camera = camera.with_config(resolution=(64, 64), nonlinearity=0.1, prnu=0.0)
    calibration, config = camera.calibration(1.0, 32, seed=2), camera.config
    plot = Plot((0.0, 35_000.0), (-0.025, 0.1), ("light [photons]", "missing signal"))
    light = np.linspace(500.0, 35_000.0, 70)
    frames = [camera.expose(rate, 1.0, seed=10 + i, include_truth=False) for i, rate in enumerate(light)]
    straight = (
        np.array([frame.data.mean() for frame in frames]) - calibration.dark_adu.mean()
    ) * config.gain_e_per_adu
    photons = np.array([calibration.to_photons(frame).mean() for frame in frames])
    plot.line(np.array([0.0, 35_000.0]), np.zeros(2), 210)
    plot.points(light, 1.0 - straight / config.quantum_efficiency / light, 150)
    plot.points(light, 1.0 - photons / light)
    return plot.picture


PICTURES = {
    "photon_transfer.png": photon_transfer,
    "explain.png": explained_variance,
    "layers.png": layers_of_a_frame,
    "ramp.png": ramps,
    "calibration.png": calibrated_response,
}
