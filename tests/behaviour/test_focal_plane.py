"""A focal plane: places, patterns, addressed frames, truth, and one sky on several detectors."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

from getframes import (
    Bandpass,
    Camera,
    Catalog,
    FocalPlane,
    FocalPlaneDetector,
    GaussianPSF,
    Illumination,
    PointSource,
    RadialDistortion,
    Scene,
    Sky,
    Telescope,
    Vignetting,
    WCSInfo,
)
from getframes.errors import DomainError, ShapeError

CONFIG = Camera.from_preset("generic_ccd").config.replace(
    resolution=(40, 60), amplifier_layout=(2, 3), prnu=0.01, dead_pixel_fraction=0.01
)
LAMP = Illumination(
    photon_rate=4000.0,
    drift=-0.02,
    flicker=0.1,
    vignetting=0.4,
    field_radius_mm=3.0,
    gradient_per_mm=(0.02, -0.03),
)


@pytest.fixture(scope="module")
def plane() -> FocalPlane:
    return FocalPlane.grid(
        CONFIG, (2, 3), gap_mm=0.3, responses=[1.0, 0.9, 1.1, 0.8, (1, 1, 0, 1, 1, 0.5), 1.0],
        gains_e_per_adu=[1.5, 1.6, 1.4, 1.5, 1.5, 2.0],
    )  # fmt: skip


def test_grid(plane: FocalPlane) -> None:
    assert plane.names == ("D00", "D01", "D02", "D10", "D11", "D12")
    pitch = CONFIG.pixel_size_um / 1e3
    assert [plane["D00"].x_mm, plane["D00"].y_mm] == pytest.approx(
        [-(60 * pitch + 0.3), -(20 * pitch + 0.15)]
    )
    assert sum(each.x_mm for each in plane) == pytest.approx(0.0)
    assert [each.camera.config.fixed_pattern_seed for each in plane] == list(range(6))
    assert plane["D12"].camera.config.gain_e_per_adu == 2.0
    assert len(plane) == 6 and repr(plane) == "FocalPlane(detectors=6, amplifiers=36)"


def test_sections_are_the_amplifiers(plane: FocalPlane) -> None:
    assert plane["D00"].amplifiers == ("A1", "A2", "A3", "A4", "A5", "A6")
    assert str(plane.sections["D00"]["A2"]) == "[21:40,1:20]"
    cut = Camera(CONFIG.replace(roi=(10, 5, 20, 20)))
    assert [str(each) for each in FocalPlaneDetector(1, cut).sections.values()] == [
        "[1:10,1:15]", "[11:20,1:15]", "[1:10,16:20]", "[11:20,16:20]",
    ]  # fmt: skip


def test_the_pattern_is_vignetting_times_slope() -> None:
    assert LAMP.pattern(0.0, 0.0) == 1.0
    assert LAMP.pattern(3.0, 0.0) == pytest.approx(0.6 * 1.06)
    assert LAMP.pattern(0.0, 1.5) == pytest.approx(0.9 * 0.955)
    assert LAMP.pattern(30.0, 0.0) == 0.0


def test_the_lamp_drifts_and_flickers() -> None:
    steady = dataclasses.replace(LAMP, flicker=0.0)
    assert [steady.level(number, 1) for number in range(3)] == pytest.approx([1.0, 0.98, 0.98**2])
    logs = [np.log(LAMP.level(number, 1)) - number * np.log(0.98) for number in range(2000)]
    assert np.std(logs) == pytest.approx(0.1, rel=0.07) and abs(np.mean(logs)) < 0.01
    assert LAMP.level(5, 1) == LAMP.level(5, 1) != LAMP.level(5, 2)


def test_frames_do_not_depend_on_what_else_is_taken(plane: FocalPlane) -> None:
    frames = list(plane.flats(LAMP, 2.0, 3, seed=7, missing=[("D01", 1)]))
    assert len(frames) == 17
    for frame in frames:
        about = frame.metadata
        alone = plane.flat(about["detector"], about["exposure"], LAMP, 2.0, seed=7)
        assert np.array_equal(alone.data, frame.data) and alone.metadata == frame.metadata
    assert len({frame.metadata["seed"] for frame in frames}) == 17
    (again,) = FocalPlane([plane["D11"]]).flats(LAMP, 2.0, [2], seed=7)
    assert np.array_equal(again.data, frames[-2].data)
    copy = pickle.loads(pickle.dumps(plane))
    assert np.array_equal(copy.flat("D11", 2, LAMP, 2.0, seed=7).data, again.data)
    own = plane["D11"]
    light = LAMP.photon_rate * again.metadata["lamp_level"] * own.light(LAMP)
    by_hand = own.camera.flat_frame(light, 2.0, seed=again.metadata["seed"])
    assert np.array_equal(by_hand.data, again.data)


def test_detectors_have_patterns_of_their_own(plane: FocalPlane) -> None:
    one, two = (plane[name].camera.fixed_patterns.prnu_multiplier for name in ("D00", "D01"))
    assert abs(np.corrcoef(np.ravel(one), np.ravel(two))[0, 1]) < 0.1


@pytest.mark.parametrize("level", ["detector", "amp"])
def test_truth_is_what_frames_are_drawn_from(plane: FocalPlane, level: str) -> None:
    truth = plane.flat_truth(LAMP, 2.0, 3, level=level, seed=7)
    assert truth.detector_scale.mean() == pytest.approx(1.0)
    for frame in plane.flats(LAMP, 2.0, 3, seed=7):
        about, detector = frame.metadata, plane[frame.metadata["detector"]]
        light = np.array(frame.truth.mean_photoelectrons) / detector.camera.fixed_patterns.amplifier_gain
        light[detector.camera.fixed_patterns.defect_mask] = np.nan
        parts = {(detector.name, name): part for name, part in detector.sections.items()}
        rows = (
            {detector.name: np.s_[:, :]} if level == "detector" else {n: p.slices for n, p in parts.items()}
        )
        for name, part in rows.items():
            expected = truth.levels[truth.detectors.index(name), about["exposure"]]
            assert expected == pytest.approx(np.nanmean(light[part]), rel=1e-12)


@pytest.mark.parametrize("preset", ["generic_emccd", "generic_eapd", "generic_scmos"])
def test_truth_of_cameras_with_a_gain_stage(preset: str) -> None:
    """Flats above their bias have the expected level."""
    config = Camera.from_preset(preset).config.replace(
        resolution=(128, 128), fixed_pattern_seed=3, dark_current_e_per_s=0.0
    )
    plane, lamp = FocalPlane([FocalPlaneDetector(1, Camera(config))]), Illumination(photon_rate=500.0)
    truth = plane.flat_truth(lamp, 1.0, 1, seed=1)
    bias = plane[1].camera.master_bias(16, seed=2, method="mean").data
    frames = [plane.flat(1, number, lamp, 1.0, seed=1) for number in range(8)]
    levels = [np.mean(frame.data - bias) for frame in frames]
    assert np.mean(levels) == pytest.approx(truth.levels[0, 0], rel=2e-3)


def test_a_dead_amplifier_gets_no_light(plane: FocalPlane) -> None:
    frame = plane.flat("D11", 0, LAMP, 2.0, seed=1)
    sections = plane["D11"].sections
    assert not frame.truth.mean_photoelectrons[sections["A3"].slices].any()
    truth = plane.flat_truth(LAMP, 2.0, 1, level="amp", seed=1)
    assert truth.detector_scale[truth.detectors.index(("D11", "A3"))] == 0.0


SKY = WCSInfo(150.0, 2.0, 500.5, 480.0, plate_scale_arcsec_per_pixel=0.5, rotation_deg=20.0)


def small_plane() -> FocalPlane:
    config = Camera.from_preset("generic_ccd").config.replace(resolution=(50, 50), read_noise_e=0.0)
    return FocalPlane.grid(config, (2, 2), gap_mm=0.15)


def center(image: np.ndarray) -> tuple[float, float]:
    y, x = np.indices(image.shape)
    return (image * x).sum() / image.sum(), (image * y).sum() / image.sum()


def test_one_sky_on_all_detectors() -> None:
    """A star in the middle of each detector, by RA and Dec, is there, and the WCS of each frame says so."""
    plane = small_plane()
    pitch = plane["D00"].pixel_mm
    places = [(500.5 + each.x_mm / pitch, 480.0 + each.y_mm / pitch) for each in plane]
    ra, dec = SKY.pixel_to_world(*(np.array(axis) for axis in zip(*places, strict=True)))
    stars = Catalog.from_columns({"photon_rate": np.full(4, 1e5), "ra_deg": ra, "dec_deg": dec})
    scene = Scene((1000, 1000), Telescope.unit(0.5), GaussianPSF(1.5), [stars], wcs=SKY)
    frames = list(plane.observe(scene, 1.0, seed=3))
    assert [frame.metadata["detector"] for frame in frames] == list(plane.names)
    for number, frame in enumerate(frames):
        light = np.asarray(frame.truth.mean_photoelectrons)
        assert center(light) == pytest.approx((24.5, 24.5), abs=0.01)
        from astropy.wcs import WCS

        header = {
            name: value for name, value in frame.metadata.items() if name[:2] in ("CT", "CR", "CD", "CU")
        }
        assert WCS(header).all_pix2world(24.5, 24.5, 0) == pytest.approx([ra[number], dec[number]], abs=1e-9)


def test_stars_by_pixels_of_the_scene_and_distortion_about_the_axis() -> None:
    plane = small_plane()
    right = plane["D11"]
    offset = right.x_mm / right.pixel_mm
    bend = RadialDistortion(1e-5)
    x, y = bend.apply(offset + 3.0, offset - 4.0, 0.0, 0.0)
    star = PointSource(249.5 + offset + 3.0, 249.5 + offset - 4.0, photon_rate=1e5)
    optics = dataclasses.replace(Telescope.unit(), distortion=bend)
    frames = plane.observe(Scene((500, 500), optics, GaussianPSF(3.0), [star]), 1.0, seed=1)
    light = {frame.metadata["detector"]: np.asarray(frame.truth.mean_photoelectrons) for frame in frames}
    assert center(light["D11"]) == pytest.approx((24.5 + x - offset, 24.5 + y - offset), abs=0.01)
    assert light["D00"].sum() < 1e-6 * light["D11"].sum()


def test_vignetting_is_about_the_axis_and_small_pixels_see_less_sky() -> None:
    config = Camera.from_preset("generic_ccd").config.replace(resolution=(40, 40), quantum_efficiency=1.0)
    coarse, fine = Camera(config), Camera(config.replace(pixel_size_um=config.pixel_size_um / 2))
    pitch = config.pixel_size_um / 1e3
    plane = FocalPlane([FocalPlaneDetector("coarse", coarse), FocalPlaneDetector("fine", fine, 100 * pitch)])
    stars = [PointSource(149.5 + dx, 149.5, photon_rate=1e5) for dx in (0.0, 100.0)]
    optics = dataclasses.replace(Telescope.unit(), vignetting=Vignetting(0.5))
    frames = plane.observe(Scene((300, 300), optics, GaussianPSF(2.0), stars), 1.0, seed=1)
    middle, side = (np.asarray(frame.truth.mean_photoelectrons) for frame in frames)
    assert middle.sum() == pytest.approx(1e5, rel=1e-3)
    assert side.sum() == pytest.approx(1e5 * (1.0 - 0.5 * 100**2 / (2 * 149.5**2)), rel=1e-3)
    assert center(side) == pytest.approx((19.5, 19.5), abs=0.01)
    spread = [np.sqrt((image * (np.arange(40) - 19.5) ** 2).sum() / image.sum()) for image in (middle, side)]
    assert spread[1] == pytest.approx(2.0 * spread[0], rel=0.05)


def test_response_is_a_throughput() -> None:
    """Of what comes through the telescope; a photon rate at the detector stays what it is."""
    camera = Camera(CONFIG.replace(prnu=0.0, dead_pixel_fraction=0.0))
    plane = FocalPlane([FocalPlaneDetector(name, camera, response=r) for name, r in ((1, 1.0), (2, 0.4))])
    optics = dataclasses.replace(Telescope.unit(), band=Bandpass.johnson("V"))
    scene = Scene((40, 60), optics, GaussianPSF(2.0), [], sky=Sky(18.0))
    one, two = (frame.truth.mean_photoelectrons.mean() for frame in plane.observe(scene, 1.0, seed=1))
    assert two == pytest.approx(0.4 * one)
    scene.sources = [PointSource(30, 20, magnitude=12.0)]
    scene.sky = None
    one, two = (frame.truth.mean_photoelectrons.sum() for frame in plane.observe(scene, 1.0, seed=1))
    assert two == pytest.approx(0.4 * one)


def test_mosaic() -> None:
    plane = small_plane()
    images = {name: np.full((50, 50), number) for number, name in enumerate(plane.names)}
    del images["D10"]
    mosaic = plane.mosaic(images)
    assert mosaic.shape == (110, 110)
    assert [mosaic[y, x] for y, x in ((0, 0), (0, 109), (109, 109), (49, 49))] == [0, 1, 3, 0]
    assert np.isnan(mosaic[50:60]).all() and np.isnan(mosaic[60:, :50]).all()
    assert np.isfinite(mosaic).sum() == 3 * 2500
    with pytest.raises(ShapeError, match=r"image of 'D00' must have shape \(50, 50\), got \(2, 2\)"):
        plane.mosaic({"D00": np.zeros((2, 2))})
    with pytest.raises(DomainError, match="detector must be one of 'D00', 'D01', 'D10', 'D11', got 'X'"):
        plane.mosaic({"X": np.zeros((50, 50))})
    fine = Camera(plane["D00"].camera.config.replace(pixel_size_um=5.0))
    with pytest.raises(DomainError, match=r"FocalPlane\.pixel_size_um must be the same for a mosaic"):
        FocalPlane([plane["D00"], FocalPlaneDetector("fine", fine)]).mosaic({})


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Illumination(photon_rate=-1.0), DomainError, "photon_rate must be finite and >= 0"),
        (lambda: dataclasses.replace(LAMP, vignetting=1.0), DomainError, r"Illumination.vignetting must be in \[0, 1\), got 1.0"),
        (lambda: dataclasses.replace(LAMP, drift=-1.0), DomainError, "Illumination.drift must be > -1, got -1.0"),
        (lambda: dataclasses.replace(LAMP, flicker=-0.1), DomainError, "Illumination.flicker must be >= 0, got -0.1"),
        (lambda: dataclasses.replace(LAMP, field_radius_mm=0.0), DomainError, "field_radius_mm must be > 0 mm"),
        (lambda: dataclasses.replace(LAMP, gradient_per_mm=(1.0,)), DomainError, r"gradient_per_mm must be \(x, y\)"),
        (lambda: FocalPlane([]), DomainError, "FocalPlane.detectors must be at least one, got 0"),
        (lambda: FocalPlane([FocalPlaneDetector(1, Camera(CONFIG))] * 2), DomainError, r"detectors must be of different names, got \[1\]"),
        (lambda: FocalPlaneDetector(1.5, Camera(CONFIG)), DomainError, "FocalPlaneDetector.name must be a text or a whole number, got 1.5"),
        (lambda: FocalPlaneDetector(1, Camera(CONFIG), np.nan), DomainError, "FocalPlaneDetector.x_mm must be finite, got nan"),
        (lambda: FocalPlaneDetector(1, Camera(CONFIG), response=-1.0), DomainError, "response must be finite and >= 0, got -1.0"),
        (lambda: FocalPlaneDetector(1, Camera(CONFIG), response=(1, 2)), ShapeError, "one for each of the 6 amplifiers, got 2"),
        (lambda: FocalPlane.grid(CONFIG, (2, 2), responses=[1.0]), ShapeError, "responses must be one for each of the 4 cameras, got 1"),
        (lambda: FocalPlane.grid(CONFIG, (2, 0)), DomainError, "shape must be"),
        (lambda: FocalPlane.grid(CONFIG, (1, 1))["D1"], DomainError, "detector must be one of 'D00', got 'D1'"),
        (lambda: FocalPlane.grid(CONFIG, (1, 1)).flat("D00", -1, LAMP, 1.0, seed=1), DomainError, "exposure must be a whole number >= 0, got -1"),
        (lambda: FocalPlane.grid(CONFIG, (1, 1)).flats(LAMP, 1.0, 0, seed=1), DomainError, "exposures must be"),
        (lambda: FocalPlane.grid(CONFIG, (1, 1)).flats(LAMP, 1.0, 1, missing=[("D1", 0)], seed=1), DomainError, "detector must be one of 'D00', got 'D1'"),
        (lambda: FocalPlane.grid(CONFIG, (1, 1)).flat_truth(LAMP, 1.0, 1, level="chip", seed=1), DomainError, "level must be"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(make: object, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_scene_needs_one_response_for_a_detector(plane: FocalPlane) -> None:
    scene = Scene((100, 100), Telescope.unit(), GaussianPSF(2.0), [])
    part = FocalPlane([plane["D11"]])
    with pytest.raises(DomainError, match=r"FocalPlaneDetector\.response must be one number for a scene"):
        part.observe(scene, 1.0, seed=1)
    with pytest.raises(DomainError, match="throughput"):
        FocalPlane([plane["D02"]]).observe(scene, 1.0, seed=1)
