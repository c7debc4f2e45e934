"""Truth in layers: they sum to the frame, and each is what its stage added."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from getframes import Camera, CameraConfig, Frame, available_presets, load_preset
from getframes.errors import DomainError, OutputExistsError, ShapeError, SizeError
from getframes.layers import Layers
from getframes.noise import block_sum
from getframes.noise.patterns import fixed_pattern_maps
from getframes.reference.sim import chain as reference
from getframes.reference.stream import Address, Kind, key_from_seed
from tests.behaviour.random.cameras import CCD, COUPLED, EVERY, SHAPE, TRANSFER, ids, light

PRECISIONS = ("float32", "float64")
each_camera = pytest.mark.parametrize("config", EVERY, ids=ids)
each_precision = pytest.mark.parametrize("precision", PRECISIONS)


def small(name: str) -> CameraConfig:
    """A preset on a sensor that does not take long, with a few amplifiers where it has many."""
    config = load_preset(name)
    height, width = (min(side, 64) for side in config.resolution)
    return config.replace(
        resolution=(height, width), roi=None, amplifier_boundaries_y_px=(), amplifier_boundaries_x_px=()
    )


@pytest.mark.parametrize("preset", available_presets())
@given(
    seed=st.integers(0, 2**64 - 1),
    level=st.floats(0.0, 1e7),
    exposure=st.sampled_from([0.0, 0.01, 3.0, 900.0]),
    precision=st.sampled_from(PRECISIONS),
)
@settings(max_examples=5)
def test_layers_sum_to_the_frame(
    preset: str, seed: int, level: float, exposure: float, precision: str
) -> None:
    """Exactly, at any level of light, wells and converter overflowing included."""
    camera = Camera(small(preset), precision=precision)
    rate = level * np.random.default_rng(seed % 2**32).random(camera.resolution)
    layers = camera.layers(rate, exposure, seed=seed)
    assert_array_equal(layers.total(), layers.frame.data)
    assert layers.frame == camera.expose(rate, exposure, seed=seed)
    assert all(layer.dtype == np.float64 and layer.shape == camera.resolution for layer in layers.values())


@each_camera
@each_precision
@pytest.mark.parametrize("options", [{}, {"binning": 2}, {"binning": 2, "binning_mode": "on_chip"}], ids=str)
def test_regions_neighbours_and_super_pixels(config: CameraConfig, precision: str, options: dict) -> None:
    config = config.replace(roi=(6, 4, 100, 60), amplifier_layout=(1, 1), amp_gain_nonuniformity=0.0)
    camera = Camera(config, precision=precision)
    rate = light(3e3)[4:64, 6:106]
    layers = camera.layers(rate, 2.0, -20.0, background=2.0, extra_electrons=1.0, seed=4, **options)
    assert_array_equal(layers.total(), layers.frame.data)
    same = camera.expose(rate, 2.0, -20.0, background=2.0, extra_electrons=1.0, seed=4, **options)
    assert layers.frame == same
    charge = sum(layers[name] for name in ("photo", "dark", "extra"))
    assert_allclose(charge * config.gain_e_per_adu, same.truth.mean_electrons, rtol=2e-6)


def test_each_layer_is_what_its_stage_added() -> None:
    """Against the values between the stages of the reference."""
    for config in (TRANSFER, COUPLED):
        layers = Camera(config).layers(light(3e3), 2.0, -20.0, seed=11)
        maps = reference.patterns(config)
        gain = config.gain_e_per_adu * maps.amplifier_gain
        mean = reference.expose(config, light(3e3), 2.0, -20.0, seed=11).mean_electrons
        at = Address(key_from_seed(11), Kind.LIGHT)
        value, checked = mean, 0
        for name, stage in reference.stages(config, maps, at, 2.0):
            after = stage(value)
            shown = {"amplifier": "bias", "digitize": "quantization"}.get(name, name)
            if name == "amplifier":
                expected = after - value / gain
            else:
                expected = (after - value) / (1.0 if name in _IN_ADU else gain)
            if shown in layers:
                assert_allclose(layers[shown], expected, rtol=1e-7, atol=1e-4, err_msg=name)
                checked += 1
            value = after
        assert checked == len(layers) - 2  # photo and dark come before


_IN_ADU = ("bias_structure", "common_mode", "digitize")


def test_what_the_layers_are() -> None:
    layers = Camera(CCD).layers(light(3e3), 2.0, -20.0, seed=2)
    maps = fixed_pattern_maps(CCD)
    assert list(layers)[:3] == ["photo", "dark", "shot"]
    assert list(layers)[-2:] == ["bias", "quantization"]
    assert len(layers) == len(list(layers))
    assert_allclose(layers["bias"], 300.0 + maps.amplifier_offset, atol=1e-9)
    assert abs(layers["quantization"]).max() <= 0.5 + 1e-9
    noise = layers["read_noise"] * maps.amplifier_gain
    assert noise.std() == pytest.approx(CCD.read_noise_e, rel=0.03)
    assert not layers["full_well"].any()
    assert (layers["photo"] >= 0.0).all()
    assert repr(layers).startswith("Layers(photo, dark, shot, full_well,")


def test_switching_a_stage_off_leaves_the_other_layers() -> None:
    whole = Camera(CCD.replace(nonlinearity=0.0)).layers(light(3e3), 2.0, seed=2)
    quiet = Camera(CCD.replace(nonlinearity=0.0, reset_noise_e=0.0)).layers(light(3e3), 2.0, seed=2)
    assert set(whole) - set(quiet) == {"reset_noise"}
    for name in set(quiet) - {"quantization"}:
        assert_allclose(quiet[name], whole[name], atol=1e-9)


def test_a_digital_layer_is_the_sum_of_its_pixels() -> None:
    config = COUPLED.replace(resolution=(72, 120))
    rate = 100.0 * np.random.default_rng(3).random((72, 120))
    single, binned = (Camera(config).layers(rate, 2.0, seed=1, binning=factor) for factor in (1, 4))
    for name in single:
        assert_allclose(binned[name], block_sum(single[name], 4), atol=1e-6)


def test_the_own_stream_goes_on() -> None:
    camera, other = Camera(CCD, seed=3), Camera(CCD, seed=3)
    for _ in range(2):
        assert camera.layers(5.0, 1.0).frame == other.expose(5.0, 1.0)


def test_files(tmp_path: Path) -> None:
    from astropy.io import fits

    layers = Camera(TRANSFER).layers(light(3e3), 2.0, seed=2)
    layers.to_fits(tmp_path / "layers.fits")
    with fits.open(tmp_path / "layers.fits", checksum=True) as units:
        units.verify("exception")
        assert [unit.name for unit in units[1:]] == [name.upper() for name in layers]
        assert {unit.header["BUNIT"] for unit in units} == {"adu"}
        for name in layers:
            assert_array_equal(units[name.upper()].data, layers[name])
    assert_array_equal(Frame.from_fits(tmp_path / "layers.fits").data, layers.frame.data)
    layers.to_npz(tmp_path / "layers.npz")
    with np.load(tmp_path / "layers.npz") as read:
        assert read.files == ["raw", *layers]
        assert_array_equal(sum(read[name] for name in read.files[1:]), read["raw"])
    for write, path in ((layers.to_fits, "layers.fits"), (layers.to_npz, "layers.npz")):
        with pytest.raises(OutputExistsError):
            write(tmp_path / path)
        write(tmp_path / path, overwrite=True)
    with pytest.raises(DomainError, match=r"path must end in \.npz, got"):
        layers.to_npz(tmp_path / "layers.fits")


def test_bad_input_is_named() -> None:
    camera = Camera(CCD)
    with pytest.raises(DomainError, match=r"photon_rate must be finite and >= 0 photons/s, got -1"):
        camera.layers(-1.0, 1.0)
    with pytest.raises(ShapeError, match="photon_rate must be a number or have shape"):
        camera.layers(np.ones((3, 3)), 1.0)
    with pytest.raises(ShapeError, match=rf"divide the height and width of resolution, \({SHAPE[0]}, "):
        camera.layers(1.0, 1.0, binning=2)


def test_memory_is_asked_for_before_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getframes.memory.available_bytes", lambda: 50 << 20)
    config = CCD.replace(resolution=(1024, 1024), prnu=0.0, dark_current_nonuniformity=0.0)
    camera = Camera(
        config.replace(hot_pixel_fraction=0.0, detector_glow_e_per_s=0.0, amplifier_layout=(1, 1))
    )
    camera.expose(1.0, 1.0, seed=1)
    with pytest.raises(SizeError, match="the layers of a frame of 1024 x 1024 pixels needs"):
        camera.layers(1.0, 1.0, seed=1)


def test_memory_is_bounded() -> None:
    import tracemalloc

    camera = Camera(COUPLED.replace(resolution=(512, 512)))
    camera.fixed_patterns  # noqa: B018 - built before the count
    tracemalloc.start()
    layers = camera.layers(50.0, 1.0, seed=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(layers, Layers)
    image = 8 * 512 * 512
    assert peak < (len(layers) + 6) * image
    assert all(one is not other for one, other in pairwise(layers.values()))
