"""Overscan and prescan in frames: what they hold, where they stand, and what follows them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal

from getframes import (
    QE,
    Camera,
    CameraConfig,
    DetectorWorkspace,
    Frame,
    GaussianPSF,
    PointSource,
    Scene,
    Telescope,
    WCSInfo,
    calibrate,
    combine,
)
from getframes.analysis import photon_transfer_curve, stack_statistics
from getframes.analysis.noise_budget import noise_budget
from getframes.config.field import shown
from getframes.dataset import pairs, random_star_fields
from getframes.errors import DomainError, ShapeError
from getframes.noise import photo_signal_map, simulate_frame
from getframes.noise.stream import seed_key
from getframes.reduce import Calibration, subtract_overscan, trim
from tests.behaviour.random.cameras import CCD, EMCCD, EVERY, RAMPS, STRIPS, TRANSFER, ids, light

NONE: dict[str, Any] = {"overscan": None, "prescan": None}
PLAIN = CCD.replace(
    resolution=(60, 80),
    amplifier_layout=(1, 1),
    amp_gain_nonuniformity=0.0,
    amp_offset_spread_adu=0.0,
    reset_noise_e=0.0,
    nonlinearity=0.0,
    prnu=0.0,
)
each_camera = pytest.mark.parametrize("config", EVERY, ids=ids)


def camera(**changes: Any) -> Camera:
    return Camera(PLAIN.replace(**{"overscan": {"columns": 16}, **changes}))


def section(frame: Frame, keyword: str) -> np.ndarray:
    """Pixels of a section, read without the help of the package."""
    columns, rows = frame.metadata[keyword].strip("[]").split(",")
    (left, right), (bottom, top) = (map(int, pair.split(":")) for pair in (columns, rows))
    return np.asarray(frame.data)[bottom - 1 : top, left - 1 : right]


# ---- what strips hold


def test_a_strip_has_offset_and_read_noise_and_nothing_else() -> None:
    """No light, no dark charge: read noise about the bias."""
    exposed = camera(resolution=(600, 80), overscan={"columns": 64}).expose(2000.0, 10.0, seed=1)
    strip = section(exposed, "BIASSEC").astype(float)
    assert strip.shape == (600, 64)
    sigma = np.hypot(PLAIN.read_noise_e / PLAIN.gain_e_per_adu, 12**-0.5)
    assert abs(strip.mean() - PLAIN.bias_offset_adu) < 4.0 * sigma / np.sqrt(strip.size)
    assert strip.std() == pytest.approx(sigma, rel=4.0 / np.sqrt(2.0 * strip.size))
    assert section(exposed, "DATASEC").mean() > 10_000.0


def test_draws_of_strip_data_and_kinds_are_independent() -> None:
    config = camera(resolution=(400, 64), overscan={"columns": 64}, prescan={"columns": 64})
    frames = [config.bias_frame(seed=1), config.dark_frame(1.0, seed=1), config.expose(5.0, 1.0, seed=1)]
    parts = [section(frame, name).astype(float) for frame in frames for name in ("BIASSEC", "PRESEC")]
    parts.append(section(frames[0], "DATASEC").astype(float))
    correlations = np.corrcoef([part.ravel() for part in parts])
    assert abs(correlations - np.eye(len(parts))).max() < 5.0 / np.sqrt(parts[0].size)


def test_a_strip_follows_the_common_mode_of_its_frame() -> None:
    drifting = camera(readout_common_mode_noise_adu=30.0)
    frames = list(drifting.dark_series(0.0, 40, seed=2))
    data, strip = (
        np.array([section(frame, name).mean() for frame in frames]) for name in ("DATASEC", "BIASSEC")
    )
    assert np.std(strip) > 20.0
    assert np.std(data - strip) < 0.5


def test_each_amplifier_reads_its_strip() -> None:
    config = PLAIN.replace(
        amplifier_layout=(2, 2),
        amplifier_offsets_adu=(0.0, 100.0, 200.0, 300.0),
        amplifier_gain_factors=(2.0, 1.0, 0.5, 0.25),
        readout_common_mode_noise_adu=0.0,
        resolution=(200, 80),
        overscan={"columns": 32, "rows": 10, "side": "right"},
    )
    frame = Camera(config).bias_frame(seed=1)
    assert frame.shape == (210, 80 + 64)
    for number, name in enumerate("ABCD"):
        strip = section(frame, f"BIASSEC{name}").astype(float)
        assert strip.shape == (100, 32)
        sigma = PLAIN.read_noise_e / PLAIN.gain_e_per_adu * 2.0 ** (number - 1)
        assert abs(strip.mean() - PLAIN.bias_offset_adu - 100.0 * number) < 5.0 * np.hypot(sigma, 0.29) / 56.0
        assert strip.std() == pytest.approx(np.hypot(sigma, 12**-0.5), rel=0.06)
        data = section(frame, f"DATASEC{name}")
        assert abs(data.mean() - strip.mean()) < 1.0
    # Rows behind the last are read by the amplifiers of the upper half.
    behind = np.asarray(frame.data)[200:].mean(axis=0)
    assert abs(behind[:40].mean() - 500.0) < 1.0
    assert abs(behind[40:80].mean() - 600.0) < 1.0


def test_channels_go_on_beyond_the_edge() -> None:
    for axis in (0, 1):
        config = PLAIN.replace(
            readout_channel_count=7,
            readout_channel_axis=axis,
            bias_channel_spread_adu=40.0,
            read_noise_e=0.0,
            resolution=(60, 80),
            overscan={"columns": 12, "rows": 9},
            prescan={"columns": 5, "rows": 4},
        )
        lines = np.asarray(Camera(config).bias_frame(seed=1).data).mean(axis=1 - axis)
        assert np.ptp(lines) > 50.0
        assert_allclose(lines[7:], lines[:-7], atol=1.1)


def test_charge_trails_behind_the_last_row() -> None:
    """The extended pixel edge response of a flat."""
    config = PLAIN.replace(
        cti=1e-4, resolution=(500, 400), overscan={"columns": 8, "rows": 6}, read_noise_e=1.0
    )
    frame = Camera(config).expose(20_000.0, 1.0, seed=1)
    behind = (np.asarray(frame.data)[500:, :400] - PLAIN.bias_offset_adu) * PLAIN.gain_e_per_adu
    signal = 20_000.0 * PLAIN.quantum_efficiency
    expected = signal * 1e-4 * 499
    assert abs(behind[0].mean() - expected) < 5.0 * np.sqrt(expected * 1e-4 * 499 / 400 + 1.5 / 400) + 0.2
    assert abs(behind[1:].mean()) < 0.3
    corner = np.asarray(frame.data)[500:, 400:]
    assert abs(corner.mean() - PLAIN.bias_offset_adu) < 1.0
    assert (trim(frame).data == Camera(config.replace(**NONE)).expose(20_000.0, 1.0, seed=1).data).all()


def test_trailing_charge_of_a_region_is_that_of_the_frame() -> None:
    """With blooming and light that is the same everywhere, and with a map that ends where the region does."""
    config = TRANSFER.replace(**STRIPS, amplifier_layout=(1, 2), cti=1e-3)
    whole = Camera(config).expose(4e4, 2.0, -20.0, seed=3)
    part = Camera(config.replace(roi=(20, 10, 50, 40))).expose(4e4, 2.0, -20.0, seed=3)
    assert_array_equal(part.data[-4:, 10:60], whole.data[-4:, 30:80])
    dim = Camera(config.replace(roi=(20, 10, 50, 40))).expose(np.full((40, 50), 4e4), 2.0, -20.0, seed=3)
    assert dim.data[-4, 10:60].mean() < part.data[-4, 10:60].mean() - 20.0
    for blooming in (True, False):
        lit = np.full((33, 50), 3e4)
        end = config.replace(roi=(20, 40, 50, 33), blooming=blooming)
        full = np.zeros(config.resolution)
        full[40:73, 20:70] = lit
        alone = Camera(end).expose(lit, 2.0, -20.0, seed=3)
        sensor = Camera(config.replace(blooming=blooming)).expose(full, 2.0, -20.0, seed=3)
        assert_array_equal(alone.data[2:, 10:60], sensor.data[42:, 30:80])


def test_electrons_that_trail_are_multiplied() -> None:
    config = EMCCD.replace(
        cti=2e-4, resolution=(200, 300), overscan={"columns": 0, "rows": 3}, clock_induced_charge_e=0.0
    )
    config = config.replace(amplifier_layout=(1, 1), amp_gain_nonuniformity=0.0, amp_offset_spread_adu=0.0)
    frame = Camera(config).expose(1000.0, 1.0, -20.0, seed=1)
    behind = (np.asarray(frame.data)[200:] - config.bias_offset_adu) * config.gain_e_per_adu / config.em_gain
    expected = (1000.0 * config.quantum_efficiency + 4.0 * 0.01) * 2e-4 * 199 * 0.98
    assert behind[0].mean() == pytest.approx(expected, rel=0.05)
    assert abs(behind[1:].mean()) < 0.2


# ---- where they stand


@each_camera
def test_a_region_is_the_crop_of_the_frame(config: CameraConfig) -> None:
    config = config.replace(**STRIPS, cti=0.0, ipc_coupling=0.0, blooming=False)
    whole = Camera(config).dark_frame(5.0, -20.0, seed=4).data
    part = Camera(config.replace(roi=(3, 7, 100, 50)))
    frame = part.dark_frame(5.0, -20.0, seed=4)
    assert part.resolution == (50, 100)
    assert part.frame_resolution == frame.shape == (56, 100 + 4 + 12)
    rows = [0, 1, *range(9, 59), *range(75, 79)]
    columns = [*range(10), *range(13, 113), *range(141, 147)]
    assert_array_equal(frame.data, whole[np.ix_(rows, columns)])
    one = Camera(config.replace(roi=(70, 7, 50, 20))).dark_frame(5.0, -20.0, seed=4)
    assert one.shape == (26, 2 + 50 + 6)  # the amplifiers on the right alone
    columns = [2, 3, *range(80, 130), *range(141, 147)]
    assert_array_equal(one.data, whole[np.ix_([0, 1, *range(9, 29), *range(75, 79)], columns)])


def test_sections_of_one_amplifier() -> None:
    both = {"overscan": {"columns": 16, "rows": 3}, "prescan": {"columns": 4, "rows": 2}}
    frame = camera(**both).bias_frame(seed=1)
    stated = {name: value for name, value in frame.metadata.items() if name.endswith("SEC")}
    assert stated == {
        "DATASEC": "[5:84,3:62]",
        "TRIMSEC": "[5:84,3:62]",
        "BIASSEC": "[85:100,3:62]",
        "PRESEC": "[1:4,3:62]",
    }
    alone = camera(overscan=None, prescan={"columns": 4}).bias_frame(seed=1)
    assert alone.metadata["BIASSEC"] == "[1:4,1:60]"
    rows = camera(overscan={"columns": 0, "rows": 5}).bias_frame(seed=1)
    assert rows.metadata["BIASSEC"] == "[1:80,61:65]"
    assert not [name for name in camera(**NONE).bias_frame(seed=1).metadata if name.endswith("SEC")]


def test_sections_of_amplifiers_cover_the_frame() -> None:
    config = PLAIN.replace(
        amplifier_layout=(2, 4), overscan={"columns": 6, "side": "both"}, roi=(0, 5, 70, 41)
    )
    frame = Camera(config).bias_frame(seed=1)
    marks = np.zeros(frame.shape, int)
    names = [name for name in frame.metadata if name[:-1] in ("DATASEC", "BIASSEC")]
    assert len(names) == 16
    for name in names:
        section(Frame(marks, frame.metadata), name)[:] += 1
    assert (marks == 1).all()


def test_files_and_ccddata_carry_the_sections(tmp_path: Path) -> None:
    config = TRANSFER.replace(**STRIPS, roi=(10, 20, 60, 40))
    frame = Camera(config).expose(light(1e3)[20:60, 10:70], 2.0, -20.0, seed=1)
    path = tmp_path / "raw.fits"
    frame.to_fits(path, truth=True)
    assert Frame.from_fits(path) == frame
    header = fits.getheader(path)
    assert (header["NAXIS1"], header["NAXIS2"]) == frame.shape[::-1]
    assert header["CCDSEC"] == "[11:70,21:60]"
    assert header["DETSIZE"] == "[1:131,1:73]"
    assert header["DATASEC"] == header["TRIMSEC"] == frame.metadata["DATASEC"]
    for name in ("BIASSECA", "BIASSECC", "PRESECA", "DATASECC"):
        assert header[name] == frame.metadata[name]
        assert header.comments[name].endswith(f"amplifier {name[-1]}")
    ccd = frame.to_ccddata()
    assert ccd.shape == frame.shape
    assert ccd.header["BIASSECA"] == frame.metadata["BIASSECA"]
    assert_array_equal(
        trim(path).data,
        Camera(config.replace(**NONE)).expose(light(1e3)[20:60, 10:70], 2.0, -20.0, seed=1).data,
    )


def test_the_sky_moves_with_the_data() -> None:
    wcs = WCSInfo(56.75, 24.12, 39.5, 29.5, plate_scale_arcsec_per_pixel=1.0)
    star = PointSource(x=39.5, y=29.5, photon_rate=1e6)
    scene = Scene((60, 80), Telescope.unit(), GaussianPSF(2.0), sources=[star], wcs=wcs)
    both = camera(prescan={"columns": 7, "rows": 5, "side": "left"})
    frame = both.observe(scene, 1.0, seed=1)
    bare = camera(**NONE).observe(scene, 1.0, seed=1)
    assert frame.metadata["CRPIX1"] == bare.metadata["CRPIX1"] + 7
    assert frame.metadata["CRPIX2"] == bare.metadata["CRPIX2"] + 5
    x, y = frame.to_ccddata().wcs.all_world2pix(56.75, 24.12, 0)
    assert (x, y) == pytest.approx((46.5, 34.5), abs=1e-6)
    columns = np.arange(frame.shape[1])
    light_ = np.asarray(frame.truth.mean_photoelectrons)
    assert (light_ * columns).sum() / light_.sum() == pytest.approx(46.5, abs=1e-3)
    trimmed = trim(frame)
    assert trimmed.metadata == bare.metadata | {"config_hash": frame.metadata["config_hash"]}
    assert trimmed.truth == bare.truth


# ---- what else reads frames


def test_light_is_given_for_the_pixels_that_collect_it() -> None:
    both = camera()
    assert (both.resolution, both.frame_resolution) == ((60, 80), (60, 96))
    assert both.config.output_resolution == (60, 80)
    with pytest.raises(ShapeError, match=r"photon_rate must be a number or have shape \(60, 80\)"):
        both.expose(np.zeros((60, 96)), 1.0)


@pytest.mark.parametrize("config", RAMPS, ids=ids)
def test_reads_of_a_ramp(config: CameraConfig) -> None:
    plain = Camera(config)
    both = plain.with_config(**STRIPS)
    shared = config.replace(**STRIPS, read_noise_correlated_fraction=0.0, reset_noise_e=0.0)
    assert shared.has_strips
    reads = list(both.nondestructive_series(light(5e3), 2.0, 5, 3, -20.0, seed=1))
    for read, bare in zip(
        reads, plain.nondestructive_series(light(5e3), 2.0, 5, 3, -20.0, seed=1), strict=True
    ):
        assert_array_equal(trim(read).data, bare.data)
        assert read.shape == read.truth.mean_electrons.shape == both.frame_resolution
        assert trim(read).truth == bare.truth
    # What the reads of a ramp share is in its strips too: reset noise and correlated read noise drop out of differences.
    first, second, _, other, _ = (np.asarray(read.data, float)[:, :2] for read in reads)
    assert np.std(second - first) < np.std(other - first)


def test_double_samples_are_signed_in_strips_too() -> None:
    both = Camera(RAMPS[0].replace(**STRIPS))
    sample = both.correlated_double_sample(50.0, 2.0, -20.0, seed=1)
    bare = Camera(RAMPS[0]).correlated_double_sample(50.0, 2.0, -20.0, seed=1)
    assert sample.dtype == np.int32
    assert_array_equal(trim(sample).data, bare.data)
    strip = sample.data[:, :2]
    assert strip.min() < 0 < strip.max()


@pytest.mark.parametrize("config", [TRANSFER, EMCCD], ids=ids)
@pytest.mark.parametrize("options", [{}, {"binning": 2}, {"binning": 2, "binning_mode": "on_chip"}], ids=str)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_layers_sum_to_the_frame(config: CameraConfig, options: dict, precision: str) -> None:
    even = config.replace(resolution=(72, 132), **STRIPS, roi=(4, 8, 120, 64), cti=1e-3)
    both = Camera(even, precision=precision)
    layers = both.layers(300.0, 2.0, -20.0, seed=1, **options)
    assert layers.frame == both.expose(300.0, 2.0, -20.0, seed=1, **options)
    assert_array_equal(layers.total(), layers.frame.data)
    # Strips take part in the readout, and hold what charge transfer leaves behind.
    trail = trim_rows(layers["cti"], layers.frame)
    assert trail[0].mean() > 0.0
    assert (layers["shot"][:, :1] == 0.0).all()
    assert (layers["read_noise"][:, :1] != 0.0).all()


def trim_rows(image: np.ndarray, frame: Frame) -> np.ndarray:
    """What is behind the last row of the data."""
    _, rows = frame.metadata["DATASEC"].strip("[]").split(",")
    return image[int(rows.split(":")[1]) :]


def test_binned_frames() -> None:
    config = PLAIN.replace(**STRIPS, amplifier_layout=(1, 2))
    both, bare = Camera(config), Camera(config.replace(**NONE))
    for mode in ("digital", "on_chip"):
        frame = both.expose(50.0, 1.0, seed=1, binning=2, binning_mode=mode)
        assert frame.shape == (33, (80 + 12 + 4) // 2)
        assert frame.metadata["DATASEC"] == "[6:45,2:31]"
        assert_array_equal(
            trim(frame).data, bare.expose(50.0, 1.0, seed=1, binning=2, binning_mode=mode).data
        )
        assert fits_ccdsec(frame) == "[1:80,1:60]"
        assert frame.truth.mean_electrons.shape == frame.shape
    whole = both.expose(50.0, 1.0, seed=1)
    again = whole.binned(2)
    digital = both.expose(50.0, 1.0, seed=1, binning=2)
    assert_array_equal(again.data, digital.data)
    assert {
        name: again.metadata[name] for name in digital.metadata if name.endswith("SEC") or "SEC" in name
    } == {name: value for name, value in digital.metadata.items() if "SEC" in name}
    on_chip = both.bias_frame(seed=1), both.expose(0.0, 0.0, seed=1, binning=2, binning_mode="on_chip")
    noise = [section(frame, "BIASSECB").astype(float).std() for frame in on_chip]
    assert noise[1] == pytest.approx(noise[0], rel=0.3)  # one read, not four


def fits_ccdsec(frame: Frame) -> str:
    return str(frame.to_ccddata().header["CCDSEC"])


@pytest.mark.parametrize(
    ("changes", "binning", "rule"),
    [
        (
            {"overscan": {"columns": 5}},
            2,
            r"binning must divide columns and rows of overscan, \(5, 0\), got 2",
        ),
        ({"prescan": {"rows": 3}}, 2, r"binning must divide columns and rows of prescan, \(0, 3\), got 2"),
        (
            {"amplifier_layout": (1, 2), "amplifier_boundaries_x_px": (41,)},
            2,
            r"binning must divide the boundaries of the amplifiers, \(41,\), got 2",
        ),
    ],
)
def test_binning_must_divide_strips(changes: dict, binning: int, rule: str) -> None:
    for mode in ("digital", "on_chip"):
        with pytest.raises(ShapeError, match=rule):
            camera(**changes).expose(1.0, 1.0, binning=binning, binning_mode=mode)
    if "overscan" in changes:
        with pytest.raises(DomainError, match=r"BIASSEC must be made of 5 x 5 blocks"):
            Frame(np.zeros((60, 90)), {"BIASSEC": "[81:90,1:59]"}).binned(5)


def test_workspace_and_out() -> None:
    config = TRANSFER.replace(**STRIPS)
    both = Camera(config)
    expected = both.expose(light(1e3), 2.0, -20.0, seed=1)
    workspace, out = DetectorWorkspace(), np.full(both.frame_resolution, 7, np.uint32)
    for _ in range(2):
        frame = both.expose(light(1e3), 2.0, -20.0, seed=1, workspace=workspace, out=out)
        assert frame.data is out
        assert_array_equal(out, expected.data)
    with pytest.raises(
        ShapeError, match=shown(both.frame_resolution).replace("(", r"\(").replace(")", r"\)")
    ):
        both.expose(1.0, 1.0, out=np.zeros(both.resolution, np.uint32))


def test_the_noise_layer() -> None:
    config = PLAIN.replace(**STRIPS, amplifier_layout=(1, 2))
    result = simulate_frame(config, 20.0, 1.0, temperature_c=-20.0, seed=1)
    frame = Camera(config).expose(20.0, 1.0, -20.0, seed=1)
    assert_array_equal(result.adu, frame.data)
    assert result.mean_photoelectrons.shape == result.mean_dark_electrons.shape == frame.shape
    assert_allclose(result.mean_photoelectrons + result.mean_dark_electrons, frame.truth.mean_electrons)
    assert photo_signal_map(config, 20.0, 1.0, 0.0).shape == config.output_resolution
    binned = simulate_frame(config, 20.0, 1.0, temperature_c=-20.0, seed=1, binning=2, binning_mode="on_chip")
    assert_array_equal(
        binned.adu, Camera(config).expose(20.0, 1.0, -20.0, seed=1, binning=2, binning_mode="on_chip").data
    )


def test_spectral_truth() -> None:
    curve = QE.from_arrays([400.0, 800.0], [0.5, 0.9])
    cube = np.random.default_rng(1).random((3, 60, 80)) * 100.0
    wavelengths = np.array([450.0, 600.0, 750.0])
    frame = camera(qe_curve=curve).expose_spectral(cube, wavelengths, 1.0, seed=1)
    assert frame.truth.spectral_photon_rate.shape == (3, 60, 96)
    assert_allclose(frame.truth.photon_rate[:, :80], cube.sum(axis=0))
    assert (frame.truth.photon_rate[:, 80:] == 0.0).all()
    bare = camera(qe_curve=curve, **NONE).expose_spectral(cube, wavelengths, 1.0, seed=1)
    assert_array_equal(trim(frame).data, bare.data)
    assert trim(frame).truth == bare.truth


def test_pairs_have_one_shape() -> None:
    both = Camera(PLAIN.replace(**STRIPS, amplifier_layout=(1, 2)))
    scenes = random_star_fields(2, both.resolution, seed=3)
    raw, truth = pairs(camera=both, scenes=scenes, exposure=1.0, seed=1).to_arrays()
    assert raw.shape == truth.shape == (2, *both.frame_resolution)
    assert_array_equal(pickle.loads(pickle.dumps(both)).bias_frame(seed=1).data, both.bias_frame(seed=1).data)


def test_measurements_take_the_data_alone() -> None:
    both, bare = camera(), camera(**NONE)
    levels = np.array([500.0, 1000.0, 2000.0, 4000.0, 8000.0])
    one, two = (photon_transfer_curve(each, levels, seed=2) for each in (both, bare))
    assert (one.gain_e_per_adu, one.read_noise_e) == (two.gain_e_per_adu, two.read_noise_e)
    stacks = [stack_statistics(each.dark_series(1.0, 5, seed=1), split=True) for each in (both, bare)]
    assert_array_equal(stacks[0].variance_adu2, stacks[1].variance_adu2)
    exposures = [each._exposure(30.0, 2.0, -20.0) for each in (both, bare)]
    budgets = [noise_budget(exposure, seed_key(1)) for exposure in exposures]
    assert budgets[0].rows == budgets[1].rows


def test_calibration_of_whole_and_of_trimmed_frames() -> None:
    """A flat has no response in a strip; what is trimmed is what a camera without strips gives."""
    both, bare = camera(prnu=0.05), camera(prnu=0.05, **NONE)
    raw = both.expose(500.0, 2.0, seed=9)
    masters = {}
    for each in (both, bare):
        bias = each.master_bias(8, seed=1, method="mean")
        flat = each.master_flat(5000.0, 1.0, 8, bias=bias, seed=2, method="mean")
        masters[each] = bias, flat
    bias, flat = masters[both]
    assert bias.shape == flat.shape == raw.shape
    assert bias.metadata["BIASSEC"] == raw.metadata["BIASSEC"]
    reduced = calibrate(raw, bias=bias, flat=flat)
    expected = calibrate(bare.expose(500.0, 2.0, seed=9), bias=masters[bare][0], flat=masters[bare][1])
    assert_array_equal(reduced.data[:, :80], expected.data)
    assert np.isnan(reduced.data[:, 80:]).all()
    cal = Calibration.from_camera(both, 2.0, 8, seed=4, flat=flat)
    other = Calibration.from_camera(bare, 2.0, 8, seed=4, flat=masters[bare][1])
    electrons = cal.to_electrons(raw)
    assert_allclose(electrons[:, :80], other.to_electrons(trim(raw)))
    assert_array_equal(combine([trim(raw), trim(raw)]).data, trim(raw).data)


# ---- closing the loop


@pytest.mark.parametrize("by", ["row", "strip"])
def test_the_level_of_a_drifting_bias_is_taken_off(by: str) -> None:
    """Rows that each have an offset, amplifiers that each have one, and a frame that has one: residual 0 within its errors."""
    config = PLAIN.replace(
        resolution=(400, 300),
        readout_channel_count=400,
        readout_channel_axis=0,
        bias_channel_spread_adu=20.0 if by == "row" else 0.0,
        readout_common_mode_noise_adu=50.0,
        amplifier_layout=(2, 2),
        amp_offset_spread_adu=30.0,
        amp_gain_nonuniformity=0.05,
        overscan={"columns": 32, "side": "both"},
    )
    drifting = Camera(config)
    levels = []
    for frame in drifting.dark_series(0.0, 6, seed=11):
        flat = subtract_overscan(frame, by=by)
        levels.append(frame.metadata and np.mean(flat.metadata["overscan_adu"]))
        assert flat.shape == (400, 300)
        for number, name in enumerate("ABCD"):
            rows, columns = divmod(number, 2)
            part = flat.data[rows * 200 :, columns * 150 :][:200, :150]
            error = flat.metadata["overscan_error_adu"][number]
            sigma = error * np.sqrt(32 if by == "row" else 32 * 200)
            of_levels = error / np.sqrt(200) if by == "row" else error
            assert abs(part.mean()) < 4.5 * np.hypot(of_levels, sigma / np.sqrt(part.size)), name
            lines = part.mean(axis=1)
            expected = np.hypot(error if by == "row" else 0.0, sigma / np.sqrt(150))
            assert lines.std() == pytest.approx(expected, rel=0.25)
    assert np.std(levels) > 10.0


def test_the_level_of_an_exposed_frame_is_taken_off() -> None:
    """Light does not move the level: electrons come out, with the gain of each amplifier."""
    both = camera(
        resolution=(300, 200),
        amplifier_layout=(1, 2),
        amplifier_gain_factors=(1.0, 1.3),
        amplifier_offsets_adu=(0.0, 250.0),
        readout_common_mode_noise_adu=20.0,
        dark_current_e_per_s=0.0,
        detector_glow_e_per_s=0.0,
        overscan={"columns": 40},
    )
    flat = subtract_overscan(both.expose(1000.0, 5.0, seed=3))
    for columns, factor in ((slice(0, 100), 1.0), (slice(100, 200), 1.3)):
        electrons = flat.data[:, columns] * PLAIN.gain_e_per_adu * factor
        assert electrons.mean() == pytest.approx(4500.0, abs=5.0 * np.sqrt(4500.0 / electrons.size) + 0.2)
