"""A frame without bias, dark and pixel response; and a module that is a function."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest

import getframes
from getframes import Camera, Frame
from getframes.errors import DomainError, ShapeError


def image(value: float, shape: tuple[int, int] = (3, 4)) -> np.ndarray:
    return np.full(shape, float(value))


def test_the_law() -> None:
    raw, bias, dark = image(1000), image(100), image(150)
    calibrate = getframes.calibrate
    assert (calibrate(raw, bias=bias).data == 900).all()
    assert (calibrate(raw, dark=dark).data == 850).all()
    assert (calibrate(raw, bias=bias, dark=dark).data == 850).all()
    assert (calibrate(raw, bias=bias, dark=dark, dark_scale=3.0).data == 1000 - 100 - 3 * 50).all()
    assert (calibrate(raw, dark=dark, dark_scale=2.0).data == 700).all()
    flat = np.array([[1.0, 3.0]])
    np.testing.assert_allclose(calibrate(np.array([[10.0, 10.0]]), flat=flat).data, [[20.0, 20 / 3]])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int16", "int64", ">u2", "float32", ">f8"])
def test_any_counts(dtype: str) -> None:
    raw = np.arange(12).reshape(3, 4).astype(dtype)[:, ::-1]
    before = raw.copy()
    reduced = getframes.calibrate(raw, bias=image(5))
    np.testing.assert_array_equal(reduced.data, raw.astype(float) - 5.0)
    np.testing.assert_array_equal(raw, before)
    assert reduced.dtype == np.float64


def test_a_pixel_without_response_has_no_value() -> None:
    flat = image(2.0)
    flat[0, 0], flat[1, 1], flat[2, 2] = 0.0, -1.0, np.nan
    data = getframes.calibrate(image(7), flat=flat).data
    assert np.isnan(data[[0, 1, 2], [0, 1, 2]]).all()
    assert (data[flat == 2.0] == 7.0).all()


def test_metadata_and_truth_are_kept() -> None:
    camera = Camera.from_preset("generic_ccd", seed=1).with_config(resolution=(8, 8))
    raw = camera.expose(50.0, 1.0, seed=4)
    reduced = getframes.calibrate(raw, bias=camera.master_bias(3), flat=image(1, (8, 8)))
    assert reduced.metadata["frame_type"] == "reduced"
    assert reduced.metadata["calibration"] == ["bias", "flat"]
    assert reduced.metadata["seed"] == 4
    assert reduced.truth is raw.truth
    assert raw.metadata["frame_type"] == "light"


def test_no_signal_calibrates_to_zero() -> None:
    camera = Camera.from_preset("generic_cmos", seed=1).with_config(resolution=(128, 128))
    dark = camera.master_dark(10.0, 50, method="mean")
    data = getframes.calibrate(camera.dark_frame(10.0), dark=dark, bias=camera.master_bias(9)).data
    assert abs(data.mean()) < 3.0 * data.std() / 128
    assert (data < 0).any()


BAD = [
    ({"bias": image(1, (3, 3))}, ShapeError, r"bias must have shape \(3, 4\), got \(3, 3\)"),
    ({"dark": image(1, (4, 3))}, ShapeError, r"dark must have shape"),
    ({"flat": image(1, (1, 4))}, ShapeError, r"flat must have shape"),
    ({"bias": 5.0}, ShapeError, "bias must be an image"),
    ({"dark": image(np.nan)}, DomainError, r"dark must be finite, got nan at \(y, x\) = \(0, 0\)"),
    ({"flat": image(0)}, DomainError, "flat must be positive in some pixel, got 0.0"),
    ({"flat": image(np.nan)}, DomainError, "flat must be positive in some pixel"),
    ({"dark_scale": -1.0}, DomainError, "dark_scale must be finite and >= 0, got -1.0"),
    ({"dark_scale": float("inf")}, DomainError, "dark_scale must be"),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("masters", "error", "words"), BAD)
def test_bad_masters(masters, error, words) -> None:
    with pytest.raises(error, match=words):
        getframes.calibrate(image(10), **masters)


def test_bad_frames() -> None:
    raw = image(10)
    raw[1, 2] = np.inf
    with pytest.raises(DomainError, match=r"frame must be finite, got inf at \(y, x\) = \(1, 2\)"):
        getframes.calibrate(raw)
    with pytest.raises(ShapeError, match="raw must be an image"):
        getframes.calibrate(np.zeros(3))


SCRIPT = """
import pickle
import numpy as np
import getframes
{before}
assert (getframes.calibrate(np.ones((2, 2)), bias=np.ones((2, 2))).data == 0).all()
import getframes.calibrate
from getframes.calibrate import calibrate, combine, Calibration
assert (getframes.calibrate(np.ones((2, 2)), bias=np.ones((2, 2))).data == 0).all()
assert (calibrate(np.ones((2, 2))).data == 1).all()
assert getframes.calibrate.combine is getframes.combine is combine
assert getframes.Calibration is Calibration
assert pickle.loads(pickle.dumps(getframes.calibrate)) is getframes.calibrate
"""


@pytest.mark.parametrize("before", ["", "import getframes.calibrate", "from getframes import calibrate"])
def test_calibrate_is_a_function_and_a_module(before: str) -> None:
    subprocess.run([sys.executable, "-c", SCRIPT.format(before=before)], check=True)


def test_calibrate_looks_like_a_function() -> None:
    parameters = inspect.signature(getframes.calibrate).parameters
    assert list(parameters) == ["raw", "bias", "dark", "flat", "dark_scale"]
    assert parameters["dark_scale"].default == 1.0
    assert pickle.loads(pickle.dumps(getframes.calibrate)) is getframes.calibrate


def test_master_flats() -> None:
    camera = Camera.from_preset("generic_scmos", seed=1).with_config(resolution=(32, 32), prnu=0.05)
    bias = camera.master_bias(9, method="mean")
    plain = camera.master_flat(2000.0, 1.0, 4, seed=2)
    flat = camera.master_flat(2000.0, 1.0, 4, seed=2, bias=bias)
    assert plain.metadata["frame_type"] == flat.metadata["frame_type"] == "master_flat"
    assert flat.metadata["bias_subtracted"] is True
    np.testing.assert_allclose(plain.data - flat.data, bias.data)
    with pytest.raises(ShapeError, match="bias must have shape"):
        camera.master_flat(2000.0, 1.0, 2, bias=Frame(image(1)))
    for take in (camera.master_bias, lambda n: camera.master_dark(1.0, n)):
        with pytest.raises(DomainError, match="n_frames must be >= 1, got 0"):
            take(0)
