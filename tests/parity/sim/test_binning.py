"""Binning, digital and on the chip."""

from __future__ import annotations

import tracemalloc
from itertools import product
from resource import RUSAGE_SELF, getrusage

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from getframes import Camera, CameraConfig, DetectorWorkspace
from getframes._native import core, sim
from getframes.errors import DomainError, ShapeError
from getframes.noise import block_sum, simulate_frame
from getframes.reference.sim import chain as reference
from getframes.reference.sim.binning import binning
from tests.behaviour.random.cameras import CCD, COUPLED, EMCCD, EVERY, TRANSFER, ids
from tests.parity.sim.stages import PRECISIONS, charges, rounding

SHAPE = (72, 120)
BOUNDARIES = {"amplifier_boundaries_y_px": (24,), "amplifier_boundaries_x_px": (60,)}
FACTORS = (1, 2, 3, 4, 12)
MODES = ("digital", "on_chip")
SEEDS = st.integers(0, 2**64 - 1)
CAMERAS = tuple(config.replace(resolution=SHAPE, **BOUNDARIES) for config in EVERY)
each_camera = pytest.mark.parametrize("config", CAMERAS, ids=ids)
each_mode = pytest.mark.parametrize("mode", MODES)


def light(level: float = 2e3) -> np.ndarray:
    return level * np.random.default_rng(7).random(SHAPE)


@given(st.tuples(st.integers(1, 5), st.integers(1, 60)), st.integers(1, 13), PRECISIONS, st.integers(0, 99))
def test_sums_of_charge_meet_the_reference(
    blocks: tuple[int, int], factor: int, precision: str, seed: int
) -> None:
    charge = charges((blocks[0] * factor, blocks[1] * factor), precision, seed, 1e5)
    exact = binning(charge.astype(float), factor)
    at = {"sensor_shape": charge.shape, "origin": (0, 0), "key": 0, "frame": 0, "kind": 3}
    stage = ("input", {"electrons": charge})
    for stages, digital in (([stage], factor), ([stage, ("binning", {"factor": factor})], 1)):
        out = np.full(blocks, np.nan, precision)
        sim.run_chain(stages, out, precision=precision, binning=digital, **at)
        assert_allclose(out, exact, rtol=factor**2 * rounding(precision))


@each_camera
@each_mode
@given(seed=SEEDS, factor=st.sampled_from(FACTORS), exposure=st.sampled_from([0.0, 0.3, 5.0]))
@settings(max_examples=6)
def test_frames_meet_the_reference(
    config: CameraConfig, mode: str, seed: int, factor: int, exposure: float
) -> None:
    """A count may round the other way where its signal falls on half an ADU."""
    frame = Camera(config).expose(
        light(), exposure, -20.0, seed=seed, binning=factor, binning_mode=mode, background=1.5
    )
    exact = reference.expose(
        config,
        light(),
        exposure,
        -20.0,
        seed=seed,
        background=1.5,
        factor=factor,
        on_chip=mode == "on_chip" and factor > 1,
    )
    assert frame.shape == exact.adu.shape == (SHAPE[0] // factor, SHAPE[1] // factor)
    difference = frame.data.astype(np.int64) - exact.adu
    assert abs(difference).max() <= 1
    assert np.count_nonzero(difference) <= 3
    assert_allclose(frame.truth.mean_electrons, exact.mean_electrons, rtol=1e-10)
    assert_allclose(frame.truth.mean_photoelectrons, exact.mean_photoelectrons, rtol=1e-10, atol=1e-30)
    assert_allclose(frame.truth.photon_rate, binning(light(), factor), rtol=1e-12)


@each_camera
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_digital_binning_is_that_of_the_frame(config: CameraConfig, precision: str) -> None:
    camera = Camera(config, precision=precision)
    for factor in FACTORS:
        binned = camera.expose(light(), 2.0, -20.0, seed=5, binning=factor)
        whole = camera.expose(light(), 2.0, -20.0, seed=5)
        assert binned.dtype == np.uint32
        assert_array_equal(binned.data, block_sum(whole.data, factor))
        assert binned.truth.mean_electrons.dtype == whole.truth.mean_electrons.dtype
        assert_allclose(
            binned.truth.mean_electrons,
            block_sum(whole.truth.mean_electrons.astype(float), factor),
            rtol=1e-5 if precision == "float32" else 1e-12,
        )


@each_camera
@each_mode
def test_threads_and_levels_change_nothing(config: CameraConfig, mode: str) -> None:
    camera = Camera(config.replace(resolution=(720, 960), **dict.fromkeys(BOUNDARIES, ())))
    rate = np.random.default_rng(1).random((720, 960)) * 1e3
    alone, before = None, core.num_threads()
    try:
        for threads, level in product((1, 2, 3), core.simd_levels()):
            core.set_num_threads(threads)
            core.set_simd_level(level)
            data = camera.expose(rate, 1.0, seed=3, binning=4, binning_mode=mode).data
            alone = data if alone is None else alone
            assert_array_equal(data, alone)
    finally:
        core.set_num_threads(before)
        core.set_simd_level(None)


@each_mode
@given(left=st.integers(0, 10), top=st.integers(0, 5), precision=PRECISIONS)
@settings(max_examples=5)
def test_a_region_is_the_crop_of_the_sensor(mode: str, left: int, top: int, precision: str) -> None:
    config = CAMERAS[0]
    roi = (4 * left, 4 * top, 64, 44)
    options = {"seed": 9, "binning": 4, "binning_mode": mode}
    full = Camera(config, precision=precision).expose(20.0, 3.0, **options)
    part = Camera(config.replace(roi=roi), precision=precision).expose(20.0, 3.0, **options)
    assert_array_equal(part.data, full.data[top : top + 11, left : left + 16])
    assert part.metadata["detector_roi"] == roi


def test_the_chain_says_where_it_bins() -> None:
    camera = Camera(TRANSFER.replace(resolution=SHAPE, **BOUNDARIES))
    exposure = camera._exposure(5.0, 1.0, None, readout=camera._readout(2, "on_chip"))
    names = [stage.name for stage in exposure.stages()]
    assert names[names.index("binning") - 1 : names.index("binning") + 2] == [
        "defects",
        "binning",
        "output_full_well",
    ]
    assert "binning(factor=2)" in map(str, exposure.stages())
    plain = camera._exposure(5.0, 1.0, None, readout=camera._readout(2, "digital"))
    assert "binning" not in [stage.name for stage in plain.stages()]


PLAIN = CameraConfig(
    name="plain",
    sensor_type="CCD",
    resolution=(400, 600),
    pixel_size_um=13.0,
    quantum_efficiency=0.5,
    full_well_e=5e4,
    bit_depth=18,
    gain_e_per_adu=1.0,
    bias_offset_adu=500.0,
    read_noise_e=6.0,
    dark_current_e_per_s=0.5,
)


@each_mode
@pytest.mark.parametrize("factor", [2, 4])
def test_moments(mode: str, factor: int) -> None:
    """Charge adds up in both; the read noise of one read, or of all pixels (Janesick 2001)."""
    data = Camera(PLAIN).expose(40.0, 2.0, seed=3, binning=factor, binning_mode=mode).data.astype(float)
    reads = 1 if mode == "on_chip" else factor**2
    charge = factor**2 * (40.0 * 0.5 + 0.5) * 2.0
    mean, variance = 500.0 * reads + charge, charge + reads * (36.0 + 1.0 / 12.0)
    assert abs(data.mean() - mean) < 4.0 * np.sqrt(variance / data.size)
    assert abs(data.var() / variance - 1.0) < 4.0 * np.sqrt(2.0 / data.size)


@pytest.mark.parametrize(
    ("changes", "mode", "highest"),
    [
        ({"read_noise_e": 0.0}, "digital", 4 * (50_000 + 500)),
        ({"read_noise_e": 0.0}, "on_chip", 4 * 50_000 + 500),
        ({"read_noise_e": 0.0, "output_full_well_e": 7e4}, "on_chip", 70_000 + 500),
        ({"bit_depth": 12}, "digital", 4 * 4095),
        ({"bit_depth": 12}, "on_chip", 4095),
    ],
)
def test_a_super_pixel_holds_what_its_pixels_hold(changes: dict, mode: str, highest: int) -> None:
    frame = Camera(PLAIN.replace(**changes)).expose(1e6, 1.0, seed=1, binning=2, binning_mode=mode)
    assert (frame.data == highest).all()
    assert frame.metadata["saturate_adu"] == highest


def test_dead_pixels_have_no_charge_to_give() -> None:
    config = PLAIN.replace(dead_pixel_fraction=0.2, read_noise_e=0.0)
    camera = Camera(config)
    data = camera.expose(1e6, 1.0, seed=1, binning=2, binning_mode="on_chip").data
    alive = 4 - block_sum(camera.fixed_patterns.defect_mask, 2)
    assert_array_equal(data, 500 + 50_000 * alive)


@pytest.mark.parametrize("factor", [2, 4])
def test_what_a_read_adds_has_the_figures_of_the_camera(factor: int) -> None:
    """On the chip, bias structure and read noise are those of reads, not means over pixels."""
    config = PLAIN.replace(bias_pixel_spread_adu=30.0, read_noise_nonuniformity=0.4)
    camera = Camera(config)
    frames = camera.expose_series(0.0, 0.0, 60, seed=4, binning=factor, binning_mode="on_chip")
    stack = np.array([frame.data for frame in frames], float)
    assert stack.mean(axis=0).std() == pytest.approx(30.0, rel=0.05)
    # A log-normal map of mean 1 and width s has mean square exp(s^2).
    assert stack.var(axis=0, ddof=1).mean() == pytest.approx(36.0 * np.exp(0.16) + 1 / 12, rel=0.05)


def test_the_charge_of_neighbours_moves_before_it_is_summed() -> None:
    spot = np.zeros((400, 600))
    spot[101, 101] = 8000.0
    config = PLAIN.replace(ipc_coupling=0.01, read_noise_e=0.0, dark_current_e_per_s=0.0)
    data = Camera(config).expose(spot, 2.0, seed=1, binning=2, binning_mode="on_chip").data
    assert data[50, 51] > 500 + 50  # a neighbour in another super pixel
    assert data.sum(dtype=np.int64) - 500 * data.size == pytest.approx(8000.0, abs=400.0)


def test_metadata() -> None:
    camera = Camera(PLAIN)
    for mode in MODES:
        frame = camera.expose(1.0, 1.0, binning=2, binning_mode=mode, seed=1)
        assert (frame.metadata["binning"], frame.metadata["binning_mode"]) == (2, mode)
        for number, other in enumerate(
            camera.expose_series(1.0, 1.0, 2, binning=2, binning_mode=mode, seed=1)
        ):
            assert other.shape == (200, 300)
            assert number or other.data.tolist() == frame.data.tolist()
    assert "binning" not in camera.expose(1.0, 1.0, binning=1, seed=1).metadata


def test_uniform_truth_is_a_view() -> None:
    truth = Camera(PLAIN).expose(3.0, 2.0, binning=4, seed=1).truth
    for array, value in (
        (truth.mean_electrons, 64.0),
        (truth.mean_photoelectrons, 48.0),
        (truth.photon_rate, 48.0),
    ):
        assert array.shape == (100, 150)
        assert array.strides == (0, 0)
        assert array[3, 4] == pytest.approx(value)


@each_mode
def test_simulate_frame_is_expose(mode: str) -> None:
    for config in (EMCCD, COUPLED):
        config = config.replace(resolution=SHAPE, **BOUNDARIES)
        options = {"binning": 4, "binning_mode": mode, "seed": 8}
        result = simulate_frame(config, light(), 2.0, temperature_c=-20.0, **options)
        frame = Camera(config).expose(light(), 2.0, -20.0, **options)
        assert_array_equal(result.adu, frame.data)
        assert_array_equal(result.mean_photoelectrons, frame.truth.mean_photoelectrons)
        assert_allclose(
            result.mean_photoelectrons + result.mean_dark_electrons, frame.truth.mean_electrons, rtol=1e-12
        )


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"binning": 0}, DomainError, "^binning must be a positive integer, got 0"),
        ({"binning": 2.0}, DomainError, "^binning must be a positive integer, got 2.0"),
        ({"binning": True}, DomainError, "^binning must be a positive integer, got True"),
        ({"binning_mode": "sum"}, DomainError, "^binning_mode must be 'digital' or 'on_chip', got 'sum'"),
        ({"binning": 7}, ShapeError, r"divide the height and width of resolution, \(72, 120\), got 7"),
        ({"workspace": 3}, TypeError, "^workspace must be a DetectorWorkspace, got int"),
        ({"binning": 2, "out": np.empty(SHAPE, np.uint32)}, ShapeError, r"out must have shape \(36, 60\)"),
        (
            {"binning": 8, "binning_mode": "on_chip"},
            ShapeError,
            r"divide the boundaries of the amplifiers, \(24, 60\), got 8",
        ),
    ],
)
def test_bad_readouts_are_named(options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Camera(CAMERAS[0]).expose(1.0, 1.0, **options)


def test_regions_and_sums_that_do_not_fit_are_named() -> None:
    camera = Camera(CCD.replace(roi=(3, 2, 60, 40)))
    with pytest.raises(ShapeError, match=r"binning must divide left and top of roi, \(3, 2\), got 2"):
        camera.expose(1.0, 1.0, binning=2)
    with pytest.raises(ShapeError, match=r"height and width of roi, \(40, 60\), got 3"):
        camera.expose_series(1.0, 1.0, 2, binning=3)
    deep = Camera(PLAIN.replace(bit_depth=32))
    with pytest.raises(
        DomainError, match="binning must be at most 1 for sums of 32-bit ADU in 32 bits, got 2"
    ):
        deep.expose(1.0, 1.0, binning=2)
    assert deep.expose(1.0, 1.0, binning=2, binning_mode="on_chip").shape == (200, 300)


def test_bad_light_is_placed_on_the_pixels_it_was_given_for() -> None:
    rate = light()
    rate[17, 33] = -1.0
    for mode in MODES:
        with pytest.raises(DomainError, match=r"photon_rate .* at \(y, x\) = \(17, 33\)"):
            Camera(CAMERAS[0]).expose(rate, 1.0, binning=4, binning_mode=mode)


# Caller-owned buffers.


@each_camera
@each_mode
def test_a_workspace_changes_nothing(config: CameraConfig, mode: str) -> None:
    camera, workspace = Camera(config), DetectorWorkspace()
    out = np.empty((SHAPE[0] // 4, SHAPE[1] // 4), np.uint32)
    for seed, level in ((1, 10.0), (2, 1e5), (1, 10.0)):
        options = {"seed": seed, "binning": 4, "binning_mode": mode}
        frame = camera.expose(light(level), 1.0, workspace=workspace, out=out, **options)
        assert frame.data is out
        assert_array_equal(out, camera.expose(light(level), 1.0, **options).data)


def test_a_workspace_is_kept_and_can_be_copied() -> None:
    import copy
    import pickle

    workspace = DetectorWorkspace()
    assert workspace.nbytes == 0
    Camera(CAMERAS[4]).expose(5.0, 1.0, workspace=workspace)
    held = workspace.nbytes
    assert held >= 8 * SHAPE[0] * SHAPE[1]
    Camera(CAMERAS[4]).expose(5.0, 1.0, workspace=workspace)
    assert workspace.nbytes == held
    for other in (copy.deepcopy(workspace), pickle.loads(pickle.dumps(workspace))):
        assert other.nbytes == 0
    assert repr(workspace) == f"DetectorWorkspace({held} bytes)"


def _faults_of_frames(camera: Camera, options: dict, count: int = 4) -> tuple[int, int]:
    """Pages that frames touch for the first time, and what NumPy allocates at its peak, a frame."""
    rate = np.full(camera.resolution, 5.0)
    camera.expose(rate, 1.0, include_truth=False, **options)
    tracemalloc.start()
    before = getrusage(RUSAGE_SELF).ru_minflt
    for _ in range(count):
        camera.expose(rate, 1.0, include_truth=False, **options)
    faults = (getrusage(RUSAGE_SELF).ru_minflt - before) // count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return faults, peak


@each_mode
def test_frames_in_a_workspace_allocate_nothing_of_their_size(mode: str) -> None:
    """64 MiB images: the memory of each new one comes from the system, page by page."""
    side = 2896
    camera = Camera(PLAIN.replace(resolution=(side, side), ipc_coupling=0.01, cti=1e-6))
    options = {"binning": 2, "binning_mode": mode}
    pages = side * side * 8 // 4096
    faults, _ = _faults_of_frames(camera, options)
    assert faults > pages // 2
    out = np.zeros((side // 2, side // 2), np.uint32)
    faults, peak = _faults_of_frames(camera, {**options, "workspace": DetectorWorkspace(), "out": out})
    assert faults < pages // 50
    assert peak < out.nbytes // 50


@each_mode
def test_spectral_light(mode: str) -> None:
    from getframes import QE

    camera = Camera(PLAIN.replace(resolution=SHAPE, qe_curve=QE.from_arrays([400.0, 900.0], [0.5, 0.9])))
    cube, wavelengths = np.stack([light(), 0.5 * light()]), np.array([500.0, 700.0])
    options = {"binning": 4, "binning_mode": mode, "seed": 3}
    frame = camera.expose_spectral(cube, wavelengths, 2.0, **options)
    electrons = np.tensordot(np.interp(wavelengths, [400.0, 900.0], [0.5, 0.9]), cube, 1)
    plain = camera.expose(electrons, 2.0, quantum_efficiency=1.0, **options)
    assert (
        abs(frame.data.astype(int) - plain.data.astype(int)).max() <= 20
    )  # a rate may round to another electron
    assert_allclose(frame.truth.mean_electrons, plain.truth.mean_electrons, rtol=1e-9)
    assert_allclose(frame.truth.photon_rate, binning(cube.sum(axis=0), 4), rtol=1e-9)
    assert frame.truth.spectral_photon_rate.shape == (2, SHAPE[0] // 4, SHAPE[1] // 4)
    assert frame.metadata["binning_mode"] == mode
