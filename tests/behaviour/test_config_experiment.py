"""Experiment files: strict, and every problem has its place."""

from __future__ import annotations

import pickle
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from astropy.io import fits

from getframes.config import documented_keys
from getframes.config.experiment import read_experiment
from getframes.errors import ConfigError, DomainError
from getframes.presets import load_preset
from getframes.scene import AiryPSF, ArrayPSF, Catalog, EllipticalGaussianPSF, GaussianPSF, MoffatPSF

CAMERA = """
[camera]
preset = "generic_ccd"
"""
SCIENCE = """
[frame]
type = "science"
exposure_s = 10

[scene.optics]
aperture_diameter_m = 0.5
plate_scale_arcsec_per_pixel = 2.0
band = "V"

[scene.psf]
type = "gaussian"
fwhm_arcsec = 3.0
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes a text as `night.toml` in the working folder, and gives the path as a user would."""
    monkeypatch.chdir(tmp_path)

    def write(text):
        Path("night.toml").write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return Path("night.toml")

    return write


@pytest.fixture
def problems(written):
    """The lines of the error that a text gives."""

    def read(text):
        with pytest.raises(ConfigError) as error:
            read_experiment(written(text))
        return str(error.value).splitlines()

    return read


def test_a_preset_with_overrides(written):
    experiment = read_experiment(
        written("""
        [camera]
        preset = "andor_ikon_m934"
        resolution = [100, 120]
        prnu = 1
        default_temperature_c = -70
        precision = "float32"
        [camera.extra]
        observer = "me"
        """)
    )
    preset = load_preset("andor_ikon_m934")
    expected = preset.replace(resolution=(100, 120), prnu=1.0, extra={**preset.extra, "observer": "me"})
    assert experiment.camera == expected
    assert experiment.camera_options == {
        "default_temperature_c": -70.0,
        "precision": "float32",
        "device": "cpu",
    }
    assert (experiment.frame, experiment.scene, experiment.dataset) == (None, None, None)
    assert experiment.path == Path("night.toml")


def test_an_inline_camera(written):
    experiment = read_experiment(
        written("""
        [camera]
        name = "mine"
        sensor_type = "sCMOS"
        resolution = [10, 20]
        pixel_size_um = 6.5
        quantum_efficiency = 0.8
        full_well_e = 30000
        bit_depth = 16
        gain_e_per_adu = 0.5
        bias_offset_adu = 100
        read_noise_e = 1.5
        dark_current_e_per_s = 0.5
        qe_curve = { wavelength_nm = [400, 500.0], qe = [0.5, 0.9] }
        roi = [1, 2, 5, 4]
        [frame]
        type = "bias"
        """)
    )
    assert experiment.camera.output_resolution == (4, 5)
    assert experiment.camera.qe_curve(450) == pytest.approx(0.7)
    assert experiment.camera_options == {
        "default_temperature_c": None,
        "precision": "float64",
        "device": "cpu",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('type = "bias"', ("bias", 0.0, 0.0, 0.0, None, None, 1)),
        (
            'type = "dark"\nexposure_s = 60\ntemperature_c = -10\nseed = 3',
            ("dark", 60.0, 0.0, 0.0, -10.0, 3, 1),
        ),
        (
            'type = "flat"\nexposure_s = 1\nphoton_rate = 1000\nbackground = 5\nn_frames = 4',
            ("flat", 1.0, 1000.0, 5.0, None, None, 4),
        ),
        ('type = "light"\nexposure_s = 1\nphoton_rate = 0', ("light", 1.0, 0.0, 0.0, None, None, 1)),
    ],
)
def test_frames(written, text, expected):
    frame = read_experiment(written(f"{CAMERA}\n[frame]\n{text}\n")).frame
    assert (
        frame.type,
        frame.exposure_s,
        frame.photon_rate,
        frame.background,
        frame.temperature_c,
        frame.seed,
        frame.n_frames,
    ) == expected


def test_a_scene(written, tmp_path):
    (tmp_path / "stars.csv").write_text("mag,ra,dec\n10,56.75,24.1\n11,56.76,24.1\n")
    experiment = read_experiment(
        written(
            CAMERA
            + SCIENCE
            + """
[scene.optics.vignetting]
strength = 0.2
[scene.sky]
surface_brightness_mag_arcsec2 = 21
[scene.thermal]
temperature_k = 280
[scene.wcs]
crval_ra_deg = 56.75
crval_dec_deg = 24.1
[[scene.sources]]
type = "point"
x = 3
y = 4
magnitude = 10
name = "A"
[[scene.sources]]
type = "uniform"
photon_rate = 2
[scene.catalog]
file = "stars.csv"
magnitude = "mag"
ra = "ra"
dec = "dec"
"""
        )
    )
    scene = experiment.scene.build((20, 31))
    assert scene.shape == (20, 31)
    assert scene.optics.band.name == "Johnson V"
    assert scene.optics.vignetting.strength == 0.2
    assert scene.psf == GaussianPSF(3.0)
    assert scene.sky.surface_brightness_mag_arcsec2 == 21.0
    assert scene.thermal.temperature_k == 280.0
    assert (scene.wcs.crpix_x, scene.wcs.crpix_y) == (15.0, 9.5)
    assert scene.wcs.plate_scale_arcsec_per_pixel == 2.0
    star, lamp, catalog = scene.sources
    assert (star.x, star.y, star.magnitude, star.name) == (3.0, 4.0, 10.0, "A")
    assert lamp.photon_rate == 2.0
    assert isinstance(catalog, Catalog)
    assert len(catalog) == 2


def test_the_shipped_stars(written):
    text = CAMERA + SCIENCE + "[scene.wcs]\ncrval_ra_deg = 56.75\ncrval_dec_deg = 24.1\n"
    experiment = read_experiment(written(text + '[scene.catalog]\nfile = "pleiades"\n'))
    (stars,) = experiment.scene.build((10, 10)).sources
    assert len(stars) == 926


@pytest.mark.parametrize(
    ("text", "psf"),
    [
        ('type = "moffat"\nfwhm_arcsec = 2', MoffatPSF(2.0, 3.0)),
        (
            'type = "elliptical"\nfwhm_major_arcsec = 2\nfwhm_minor_arcsec = 1',
            EllipticalGaussianPSF(2.0, 1.0, 0.0),
        ),
        ('type = "airy"\nwavelength_m = 5e-7', AiryPSF(0.5, 5e-7, 0.0)),
        (
            'type = "airy"\nwavelength_m = 5e-7\naperture_diameter_m = 8\nobstruction = 0.1',
            AiryPSF(8.0, 5e-7, 0.1),
        ),
    ],
)
def test_point_spread_functions(written, text, psf):
    science = SCIENCE.replace('type = "gaussian"\nfwhm_arcsec = 3.0', text)
    assert read_experiment(written(CAMERA + science)).scene.build((5, 5)).psf == psf


@pytest.mark.parametrize("name", ["star.npy", "star.fits"])
def test_a_point_spread_function_from_a_file(written, tmp_path, name):
    kernel = np.arange(9.0).reshape(3, 3)
    if name.endswith("npy"):
        np.save(tmp_path / name, kernel)
    else:
        fits.PrimaryHDU(kernel).writeto(tmp_path / name)
    science = SCIENCE.replace('type = "gaussian"\nfwhm_arcsec = 3.0', f'type = "array"\nfile = "{name}"')
    assert read_experiment(written(CAMERA + science)).scene.build((5, 5)).psf == ArrayPSF(kernel)


def test_a_data_set(written):
    experiment = read_experiment(
        written(
            CAMERA
            + """
[dataset]
n = 8
shape = [64, 32]
exposure_s = 30
n_stars = [5, 10]
mag_range = [12, 16]
seed = 4
compress = true
[dataset.optics]
aperture_diameter_m = 1.0
plate_scale_arcsec_per_pixel = 0.5
system = "ab"
band = "r"
[dataset.psf]
type = "moffat"
fwhm_arcsec = 1.5
"""
        )
    )
    dataset = experiment.dataset
    assert experiment.camera.resolution == dataset.shape == (64, 32)
    assert (dataset.n, dataset.n_stars, dataset.mag_range, dataset.seed) == (8, (5, 10), (12.0, 16.0), 4)
    assert (dataset.dtype, dataset.compress, dataset.format) == ("float32", True, "npz")
    assert dataset.sky_mag_arcsec2 == 21.0
    assert dataset.build_optics().band.name == "AB SDSS r"
    assert dataset.build_psf() == MoffatPSF(1.5)


def test_a_data_set_that_says_little(written):
    dataset = read_experiment(written(CAMERA + "[dataset]\nn = 1\nexposure_s = 1\nsky = false\n")).dataset
    assert dataset.shape == (512, 512)
    assert dataset.sky_mag_arcsec2 is None
    assert (dataset.build_optics(), dataset.build_psf()) == (None, None)


def test_every_problem_is_told_at_once(problems):
    assert problems("""
        [camera]
        preset = "generic_ccd"
          prnuu = 3
        bit_depth = 16.0
        blooming = 1
        precison = "float32"

        [frame]
        type = "bias"
        exposure_s = 3
        seed = "x"

        [scne]
        a = 1

        [dataset]
        n = 3
        exposure_s = nan
        n_stars = [5, 3]

        [scene.psf]
        type = "gauss"
        fwhm_arcsec = 2

        [[scene.sources]]
        type = "point"
        x = 1
        y = 2
        magnitude = true
        """) == [
        "night.toml:3:3: unknown key 'prnuu' in [camera] (did you mean 'prnu'?)",
        "night.toml:4:1: camera.bit_depth must be an integer in 1..32, got 16.0",
        "night.toml:5:1: camera.blooming must be true or false, got 1",
        "night.toml:6:1: unknown key 'precison' in [camera] (did you mean 'precision'?)",
        "night.toml:10:1: [frame] of type 'bias' has no 'exposure_s'",
        "night.toml:11:1: frame.seed must be an integer >= 0, got 'x'",
        "night.toml:13:2: unknown table 'scne' (did you mean 'scene'?)",
        "night.toml:18:1: dataset.exposure_s must be a finite number >= 0 s, got nan",
        "night.toml:19:1: dataset.n_stars must be >= 0 and in order, got [5, 3]",
        "night.toml:21:2: [scene.optics] is missing",
        "night.toml:22:1: scene.psf.type must be one of 'gaussian', 'moffat', 'elliptical', 'airy', 'array', "
        "got 'gauss'",
        "night.toml:29:1: scene.sources.magnitude must be a number, got True",
    ]


POINT = '[[scene.sources]]\ntype = "point"\nx = 1\ny = 1\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "1:1: [camera] is missing"),
        ("[camera]\n", "1:2: [camera] needs 'preset', or 'name', 'sensor_type', 'resolution', "),
        ("camera = 3\n", "1:1: camera must be a table, as in [camera]"),
        ('[camera]\npreset = "generic_cdc"\n', "2:1: preset must be one of "),
        (CAMERA + "[frame]\n", "3:2: [frame] needs 'type'"),
        (CAMERA + '[frame]\ntype = "flat"\n', "3:2: [frame] needs 'exposure_s', 'photon_rate'"),
        (CAMERA + '[frame]\ntype = "flt"\n', "4:1: frame.type must be one of 'dark', "),
        (CAMERA + '[frame]\ntype = "bias"\nn_frames = 0\n', "5:1: frame.n_frames must be >= 1, got 0"),
        (CAMERA + 'sources = { a = [1], "b c" = 1 }\n', "3:1: unknown key 'sources' in [camera]"),
        (
            CAMERA + "qe_curve = { wavelength_nm = [1, 2], qe = [1, 2] }\n",
            "3:1: camera.qe_curve must be a table",
        ),
        (CAMERA + "[camera.qe_curve]\nqe = [1, 2]\n", "3:9: camera.qe_curve must be a QE or a table with"),
        (
            CAMERA + "overscan = { columns = 4, side = 'top' }\n",
            "3:1: camera.overscan must be a table with integers columns >= 0",
        ),
        (
            CAMERA + "[camera.prescan]\ncolumn = 2\n",
            "3:9: camera.prescan must be without 'column' (did you mean 'columns'?), a table",
        ),
        (CAMERA + "[frame]\ntype = 3\n", "4:1: frame.type must be a string one of"),
        (
            CAMERA + '[frame]\ntype = "science"\nexposure_s = 1\n',
            "4:1: a frame of type 'science' needs a [scene]",
        ),
        (CAMERA + SCIENCE.replace("science", "dark"), "8:2: [scene] needs a [frame] of type 'science'"),
        (CAMERA + SCIENCE + POINT, "16:9: [scene.sources] needs 'magnitude' or 'photon_rate', one of them"),
        (
            CAMERA + SCIENCE + POINT + "photon_rate = 1\nmagnitude = 1\n",
            "20:1: [scene.sources] needs 'magnitude' or 'photon_rate', one of them",
        ),
        (CAMERA + SCIENCE + "[scene.sources]\n", "16:8: scene.sources must be an array of tables"),
        (CAMERA + SCIENCE + '[[scene.sources]]\ntype = "star"\n', "17:1: scene.sources.type must be one of"),
        (
            CAMERA + SCIENCE.replace('band = "V"\n', "") + POINT + "magnitude = 5\n",
            "19:1: a magnitude needs 'band' in [scene.optics]",
        ),
        (
            CAMERA + SCIENCE.replace('"V"', '"W"'),
            "11:1: Johnson band must be one of U, B, V, R, I, J, H, Ks, got 'W'",
        ),
        (CAMERA + SCIENCE + "beta = 2\n", "16:1: [scene.psf] of type 'gaussian' has no 'beta'"),
        (
            CAMERA + SCIENCE + '[scene.catalog]\nfile = "no.csv"\nphoton_rate = "f"\nx = "x"\ny = "y"\n',
            "17:1: no such file: ",
        ),
        (
            CAMERA + SCIENCE + '[scene.catalog]\nfile = "night.toml"\nphoton_rate = "f"\nx = "x"\n',
            "16:8: [scene.catalog] needs 'x' and 'y', or 'ra' and 'dec'",
        ),
        (
            CAMERA
            + SCIENCE
            + '[scene.catalog]\nfile = "night.toml"\nphoton_rate = "f"\nra = "a"\ndec = "d"\n',
            "19:1: stars given by RA and Dec need a [scene.wcs]",
        ),
        (
            CAMERA + SCIENCE + '[scene.catalog]\nfile = "pleiades"\n',
            "16:8: stars given by RA and Dec need a [scene.wcs]",
        ),
        (
            CAMERA + "[dataset]\nn = 1\nexposure_s = 1\nshape = [0, 4]\n",
            "6:1: dataset.shape must be of at least 1",
        ),
        (
            CAMERA + "[dataset]\nn = 1\nexposure_s = 1\nmag_range = [3, 1]\n",
            "6:1: dataset.mag_range must be in order",
        ),
        (
            CAMERA + '[dataset]\nn = 1\nexposure_s = 1\ndtype = "float16"\n',
            "6:1: dataset.dtype must be one of",
        ),
        (
            CAMERA
            + "[dataset]\nn = 1\nexposure_s = 1\n"
            + "[dataset.optics]\naperture_diameter_m = 1\nplate_scale_arcsec_per_pixel = 1\n",
            "6:10: [dataset.optics] needs 'band', for the magnitudes of the stars",
        ),
    ],
)
def test_a_problem_has_its_place(problems, text, line):
    found = problems(text)
    assert found[0].startswith(f"night.toml:{line}"), found


def test_a_shape_that_does_not_fit_the_amplifiers(problems):
    dataset = "[dataset]\nn = 1\nexposure_s = 1\nshape = [100, 100]\n"
    assert problems(
        '[camera]\npreset = "andor_ocam2k"\namplifier_layout = [2, 1]\namplifier_boundaries_y_px = [120]\n'
        + dataset
    ) == ["night.toml:4:1: camera.amplifier_boundaries_y_px must be increasing and inside 1..99, got (120,)"]
    assert problems('[camera]\npreset = "generic_ccd"\nroi = [0, 0, 200, 200]\n' + dataset) == [
        "night.toml:3:1: camera.roi must be inside the sensor of 100 x 100, got (0, 0, 200, 200)"
    ]
    assert problems('[camera]\npreset = "andor_ocam2k"\n' + dataset.replace("[100,", "[3,")) == [
        "night.toml:6:1: camera.amplifier_layout must be no larger than the sensor of 3 x 100, got (4, 2)"
    ]


def test_what_is_no_toml(problems, written, tmp_path):
    assert problems("[camera]\npreset = \n") == ["night.toml:2:10: Invalid value"]
    assert problems("a = 1\na = 2\n") == ["night.toml:2:6: Cannot overwrite a value"]
    assert problems("a = " + "[" * 5000) == ["night.toml: arrays and tables are nested too deep"]
    Path("night.toml").write_bytes(b"[camera]\nname = '\xff'\n")
    with pytest.raises(ConfigError, match=r"^night\.toml:2:1: must be UTF-8 text$"):
        read_experiment("night.toml")


@pytest.mark.parametrize("name", ["none.toml", "."])
def test_a_file_that_cannot_be_read(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"cannot be read: "):
        read_experiment(name)


def test_the_digest_follows_all_that_can_change_a_frame(written, tmp_path):
    stars = tmp_path / "stars.csv"
    stars.write_text("f,x,y\n10,1,2\n")
    text = CAMERA + SCIENCE + '[scene.catalog]\nfile = "stars.csv"\nphoton_rate = "f"\nx = "x"\ny = "y"\n'
    first = read_experiment(written(text))
    assert first.digest == read_experiment(written("# a remark\n" + text)).digest
    assert first.digest == pickle.loads(pickle.dumps(first)).digest
    other = {
        read_experiment(written(text.replace("3.0", "3.1"))).digest,
        read_experiment(written(text.replace("exposure_s = 10", "exposure_s = 11"))).digest,
        first.reseeded(5).digest,
    }
    before = first.digest
    stars.write_text("f,x,y\n11,1,2\n")
    assert len({*other, before, first.digest}) == 5


def test_another_seed(written):
    text = CAMERA + SCIENCE + "[dataset]\nn = 1\nexposure_s = 1\nseed = 2\n"
    experiment = read_experiment(written(text))
    assert experiment.reseeded(None) is experiment
    assert (experiment.frame.seed, experiment.dataset.seed) == (None, 2)
    again = experiment.reseeded(9)
    assert (again.frame.seed, again.dataset.seed) == (9, 9)


def test_a_catalog_without_the_column(written, tmp_path):
    (tmp_path / "stars.csv").write_text("flux,x,y\n10,1,2\n")
    text = CAMERA + SCIENCE + '[scene.catalog]\nfile = "stars.csv"\nphoton_rate = "f"\nx = "x"\ny = "y"\n'
    experiment = read_experiment(written(text))
    with pytest.raises(DomainError, match="'f'"):
        experiment.scene.build((4, 4))


def test_every_key_is_documented_once():
    rows = documented_keys()
    keys = [(row.table, row.key, row.meaning) for row in rows]
    assert len(set(keys)) == len(keys)
    assert all(row.type and row.meaning for row in rows)
    tables = dict.fromkeys(row.table for row in rows)
    assert list(tables) == [
        "[camera]",
        "[frame]",
        "[ramp]",
        "[series]",
        "[scene.optics]",
        "[scene.optics.vignetting]",
        "[scene.optics.distortion]",
        "[scene.psf]",
        "[scene.sky]",
        "[scene.thermal]",
        "[scene.wcs]",
        "[[scene.sources]]",
        "[scene.sources.light_curve]",
        "[scene.catalog]",
        "[dataset]",
        "[dataset.optics]",
        "[dataset.optics.vignetting]",
        "[dataset.optics.distortion]",
        "[dataset.psf]",
    ]
    row = next(row for row in rows if (row.table, row.key) == ("[frame]", "photon_rate"))
    assert row.default == "required"
    assert row.meaning.endswith("Goes with type flat and light.")
