"""Series of a scene: time, light curves, pointing, persistence."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtri

from getframes import (
    Camera,
    CameraConfig,
    GaussianPSF,
    LightCurve,
    Observation,
    Pointing,
    PointSource,
    Scene,
    Sky,
    Source,
    Telescope,
    UniformIllumination,
)
from getframes.errors import DomainError, ShapeError
from getframes.reference import stream as reference
from getframes.scene.psf import PSF

SHAPE = (32, 40)


def config(**changes: Any) -> CameraConfig:
    values: dict[str, Any] = {
        "name": "small",
        "sensor_type": "CCD",
        "resolution": SHAPE,
        "pixel_size_um": 10.0,
        "quantum_efficiency": 0.8,
        "full_well_e": 1e6,
        "bit_depth": 16,
        "gain_e_per_adu": 1.0,
        "bias_offset_adu": 100.0,
        "read_noise_e": 3.0,
        "dark_current_e_per_s": 0.01,
    }
    return CameraConfig(**{**values, **changes})


def scene(*sources: Source, scale: float = 0.5) -> Scene:
    star = PointSource(20.0, 16.0, photon_rate=5000.0, name="star")
    return Scene(SHAPE, Telescope.unit(scale), GaussianPSF(1.2), list(sources) or [star])


def centroid(frame: Any) -> tuple[float, float]:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    rate = frame.truth.photon_rate
    return float((x * rate).sum() / rate.sum()), float((y * rate).sum() / rate.sum())


def test_frame_0_is_observe() -> None:
    camera = Camera(config())
    series = camera.observe_series(scene(), 2.0, 3, seed=7)
    alone = camera.observe(scene(), 2.0, seed=7)
    assert isinstance(series, Observation) and len(series) == 3
    assert_array_equal(series[0].data, alone.data)
    assert_array_equal(camera.observe_item(scene(), 2.0, None, 7, 2).data, series[2].data)
    assert not np.array_equal(series[0].data, series[1].data)
    assert series[1].metadata["frame_type"] == "science"
    assert series[1].metadata["spectral"] is False


def test_times_offsets_and_metadata() -> None:
    series = Camera(config()).observe_series(scene(), 2.0, 4, seed=1, cadence=5.0)
    assert_array_equal(series.times_s, [0.0, 5.0, 10.0, 15.0])
    assert_array_equal(series.offsets_pixels, np.zeros((4, 2)))
    for index, frame in enumerate(series):
        assert frame.metadata["frame_index"] == index
        assert frame.metadata["time_s"] == 5.0 * index
        assert frame.metadata["pointing_offset_px"] == (0.0, 0.0)
    back_to_back = Camera(config()).observe_series(scene(), 2.0, 3, seed=1)
    assert_array_equal(back_to_back.times_s, [0.0, 2.0, 4.0])
    assert "Observation(n_frames=4, camera='small')" in repr(series)


def test_no_frames() -> None:
    series = Camera(config()).observe_series(scene(), 2.0, 0, seed=1)
    assert len(series) == 0 and series.offsets_pixels.shape == (0, 2)
    assert series.truth is not None and series.truth.light_curve["star"].shape == (0,)


def test_light_curves() -> None:
    """A factor at the start of each frame, in the light and in the truth."""
    curve = LightCurve.box(0.5, 3.0, 7.0)
    sources = [
        PointSource(20.0, 16.0, photon_rate=1000.0, name="planet", brightness=curve),
        PointSource(10.0, 10.0, photon_rate=10.0),
        PointSource(30.0, 10.0, photon_rate=5.0, name="planet"),
    ]
    series = Camera(config()).observe_series(scene(*sources), 2.0, 5, seed=1)
    assert series.truth is not None
    assert list(series.truth.light_curve) == ["planet", "source_1"]
    assert_allclose(series.truth.light_curve["planet"], [2010.0, 2010.0, 1010.0, 1010.0, 2010.0])
    assert_allclose(series.truth.light_curve["source_1"], 20.0)
    assert_array_equal(series.truth.times_s, series.times_s)
    light = [frame.truth.photon_rate.sum() for frame in series]
    assert_allclose(light, [1015.0, 1015.0, 515.0, 515.0, 1015.0], rtol=1e-5)


def test_drift_and_dither_move_the_sources() -> None:
    pointing = Pointing(drift_arcsec_per_s=(0.05, -0.1), dither_arcsec=[(0.0, 0.0), (1.0, 0.5)])
    series = Camera(config()).observe_series(scene(), 2.0, 3, pointing=pointing, seed=1)
    expected = [[0.0, 0.0], [2.2, 0.6], [0.4, -0.8]]
    assert_allclose(series.offsets_pixels, expected, atol=1e-12)
    for frame, (dx, dy) in zip(series, expected, strict=True):
        assert_allclose(centroid(frame), (20.0 + dx, 16.0 + dy), atol=1e-3)
        assert frame.metadata["pointing_offset_px"] == pytest.approx((dx, dy))


def test_jitter_is_addressed() -> None:
    """Frame i of a seed has its own two normal variates, whatever is around it."""
    camera = Camera(config())
    one = camera.observe_series(scene(), 1.0, 4, jitter_arcsec=0.3, seed=5)
    two = camera.observe_series(scene(), 1.0, 2, pointing=Pointing(jitter_arcsec=0.3), seed=5)
    assert_array_equal(one.offsets_pixels[:2], two.offsets_pixels)
    assert_array_equal(one[1].data, two[1].data)
    from getframes.noise.stream import Kind, StageId, seed_key

    uniform = reference.wide_uniform(seed_key(5), Kind.SCENE, StageId.POINTING, 3, 0, 2)
    assert_allclose(one.offsets_pixels[3], ndtri(uniform) * 0.3 / 0.5, rtol=1e-9)


def test_moments_of_the_jitter() -> None:
    tiny = Scene((1, 1), Telescope.unit(0.5), GaussianPSF(1.0), [])
    camera = Camera(config(resolution=(1, 1)))
    offsets = camera.observe_series(tiny, 0.0, 2000, jitter_arcsec=1.0, seed=3).offsets_pixels
    assert_allclose(offsets.mean(axis=0), 0.0, atol=4 * 2.0 / np.sqrt(2000))
    assert_allclose(offsets.std(axis=0), 2.0, rtol=4 / np.sqrt(2 * 2000))
    assert abs(np.corrcoef(offsets.T)[0, 1]) < 4 / np.sqrt(2000)


def test_without_a_seed_frames_are_the_cameras_next() -> None:
    camera, other = Camera(config(), seed=3), Camera(config(), seed=3)
    first = camera.observe_series(scene(), 1.0, 2, jitter_arcsec=0.2)
    again = other.observe_series(scene(), 1.0, 2, jitter_arcsec=0.2)
    later = camera.observe_series(scene(), 1.0, 2, jitter_arcsec=0.2)
    assert_array_equal(first[1].data, again[1].data)
    assert not np.array_equal(first.offsets_pixels, later.offsets_pixels)
    assert [frame.metadata["frame_number"] for frame in later] == [2, 3]


def test_a_still_scene_is_drawn_once() -> None:
    class Counting(PSF):
        calls = 0

        def add_source(self, image: Any, x: float, y: float, flux: float, plate_scale: float) -> None:
            Counting.calls += 1
            image[int(y), int(x)] += flux

    still = Scene(SHAPE, Telescope.unit(), Counting(), [PointSource(3.0, 3.0, photon_rate=10.0)])
    Camera(config()).observe_series(still, 1.0, 5, seed=1)
    assert Counting.calls == 1
    still.add(PointSource(4.0, 4.0, photon_rate=1.0, brightness=LightCurve.constant()))
    Camera(config()).observe_series(still, 1.0, 5, seed=1)
    assert Counting.calls == 11


def test_persistence() -> None:
    """released = d latent; latent' = latent - released + f signal: a flash fades by (1 - d) a frame."""
    fraction, decay = 0.1, 0.4
    flash = LightCurve.box(1.0, 0.5, 100.0)  # dark from the second frame on
    lit = scene(UniformIllumination(1000.0, brightness=flash))
    camera = Camera(config(persistence_fraction=fraction, persistence_decay=decay, dark_current_e_per_s=0.0))
    series = camera.observe_series(lit, 1.0, 5, seed=1)
    charge = [float(frame.truth.mean_electrons.mean()) for frame in series]
    latent = fraction * 800.0
    expected = [800.0] + [decay * latent * (1.0 - decay) ** k for k in range(4)]
    assert_allclose(charge, expected, rtol=1e-12)
    assert_allclose(series[2].data.mean() - 100.0, expected[2], atol=4 * np.sqrt(expected[2] + 9.1) / 35)
    alone = Camera(config(dark_current_e_per_s=0.0)).observe_series(lit, 1.0, 1, seed=1)
    assert_array_equal(alone[0].data, series[0].data)


def test_truth_can_be_left_out() -> None:
    series = Camera(config()).observe_series(scene(), 1.0, 2, seed=1, include_truth=False)
    assert series.truth is None and series[0].truth is None


def test_threads_precision_and_pickling() -> None:
    from getframes import set_num_threads

    camera = Camera(config(), precision="float32")
    pointing = Pointing(0.1, (0.01, 0.02), [(0.0, 0.0), (0.5, 0.5)])
    assert pickle.loads(pickle.dumps(pointing)) == pointing
    one = camera.observe_series(scene(), 1.0, 2, pointing=pointing, seed=1)
    set_num_threads(1)
    try:
        two = camera.observe_series(scene(), 1.0, 2, pointing=pointing, seed=1)
    finally:
        set_num_threads(None)
    assert_array_equal(one[1].data, two[1].data)
    assert one[0].truth.photon_rate.dtype == np.float32


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"n_frames": -1}, DomainError, "n_frames must be an integer >= 0"),
        ({"n_frames": 1.5}, DomainError, "n_frames must be an integer >= 0"),
        ({"n_frames": True}, DomainError, "n_frames must be an integer >= 0"),
        ({"cadence": -1.0}, DomainError, "cadence must be finite and >= 0 s, got -1"),
        ({"cadence": np.nan}, DomainError, "cadence must be finite and >= 0 s"),
        ({"exposure": -1.0}, DomainError, "must be finite and >= 0"),
        ({"jitter_arcsec": -1.0}, DomainError, "jitter_arcsec must be >= 0"),
        (
            {"jitter_arcsec": 1.0, "pointing": Pointing()},
            DomainError,
            "jitter_arcsec must be 0 with a pointing",
        ),
        ({"scene": Scene((3, 3), Telescope.unit(), GaussianPSF(1.0))}, ShapeError, "Scene.shape must be"),
    ],
)
def test_impossible_series(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments = {"scene": scene(), "exposure": 1.0, "n_frames": 2, "seed": 1, **changes}
    with pytest.raises(error, match=message):
        Camera(config()).observe_series(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"jitter_arcsec": -0.1}, "jitter_arcsec must be >= 0 arcsec"),
        ({"jitter_arcsec": np.nan}, "jitter_arcsec must be finite"),
        ({"drift_arcsec_per_s": 1.0}, r"drift_arcsec_per_s must be \(x, y\)"),
        ({"drift_arcsec_per_s": (1.0, np.inf)}, "drift_arcsec_per_s must be finite"),
        ({"dither_arcsec": []}, "dither_arcsec must be at least one"),
        ({"dither_arcsec": [(1.0, 2.0, 3.0)]}, r"dither_arcsec must be \(x, y\)"),
    ],
)
def test_impossible_pointings(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        Pointing(**arguments)


def test_pointing_by_itself() -> None:
    assert Pointing().is_static
    assert Pointing(dither_arcsec=[(1.0, 2.0)]).is_static
    assert not Pointing(jitter_arcsec=0.1).is_static
    assert not Pointing(drift_arcsec_per_s=(0.0, 0.1)).is_static
    assert not Pointing(dither_arcsec=[(0.0, 0.0), (1.0, 0.0)]).is_static
    pointing = Pointing(0.5, (1.0, 0.0), [(0.0, 0.0), (2.0, -2.0)])
    rng, same = np.random.default_rng(1), np.random.default_rng(1)
    jitter = 0.5 * same.standard_normal(2)
    expected = (np.array([3.0 + 2.0, -2.0]) + jitter) / 0.5
    assert_allclose(pointing.offset_pixels(1, 3.0, 0.5, rng), expected)
    with pytest.raises(DomainError, match="plate_scale_arcsec_per_pixel must be > 0"):
        pointing.offset_pixels(1, 3.0, 0.0, rng)


def test_charge_diffusion_in_scenes() -> None:
    """The PSF gets wider, uniform light stays as it is, and the frame says so."""
    fwhm = 1.5
    wide = Camera(config(charge_diffusion_fwhm_px=fwhm)).observe(scene(), 1.0, seed=1)
    assert wide.metadata["charge_diffusion_applied"] is True
    assert wide.metadata["charge_diffusion_fwhm_px"] == fwhm
    direct = Scene(SHAPE, Telescope.unit(0.5), GaussianPSF(0.5 * np.hypot(2.4, fwhm)), scene().sources)
    assert_allclose(wide.truth.photon_rate, direct.photon_rate_map(), rtol=0.0, atol=1e-5 * 5000.0)
    flat = Camera(config(charge_diffusion_fwhm_px=fwhm))
    lamp = scene(UniformIllumination(50.0))
    assert_array_equal(flat.observe(lamp, 1.0, seed=1).data, Camera(config()).observe(lamp, 1.0, seed=1).data)
    plain = flat.expose(np.full(SHAPE, 50.0), 1.0, seed=1)
    assert plain.metadata["charge_diffusion_applied"] is False


def test_the_ocam2k_observes() -> None:
    camera = Camera.from_preset("andor_ocam2k")
    star = PointSource(100.0, 120.0, photon_rate=1e5)
    field = Scene(camera.resolution, Telescope.unit(), GaussianPSF(1.5), [star], sky=None)
    frame = camera.observe(field, 0.001, seed=1)
    assert frame.metadata["charge_diffusion_applied"] is True
    assert frame.truth.photon_rate.max() < field.photon_rate_map().max()
    assert_allclose(frame.truth.photon_rate.sum(), 1e5, rtol=1e-4)
    assert Sky(20.0).sed is None


def test_frames_one_at_a_time_are_those_of_the_series() -> None:
    camera = Camera(config(persistence_fraction=0.01, persistence_decay=0.3), seed=5)
    pointing = Pointing(0.2, (0.05, 0.0), [(0.0, 0.0), (1.0, 0.0)])
    series = camera.observe_series(scene(), 2.0, 4, cadence=3.0, pointing=pointing, seed=1)
    frames = camera.observe_each(scene(), 2.0, 4, cadence=3.0, pointing=pointing, seed=1)
    assert iter(frames) is frames
    for frame, wanted in zip(frames, series, strict=True):
        assert_array_equal(frame.data, wanted.data)
        assert frame.metadata == wanted.metadata
    with pytest.raises(DomainError, match="cadence must be finite and >= 0 s"):
        camera.observe_each(scene(), 2.0, 4, cadence=-1.0)
