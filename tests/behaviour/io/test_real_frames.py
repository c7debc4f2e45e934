"""Frames of real cameras through FITS."""

from __future__ import annotations

import pickle
import shutil
import subprocess

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from getframes import Camera, Frame, GaussianPSF, PointSource, Scene, Telescope, WCSInfo
from getframes.scene import Bandpass, Sky

SHAPE = (40, 60)


def a_science_frame(precision="float64") -> Frame:
    wcs = WCSInfo(56.75, 24.1167, 29.5, 19.5, 1.0, rotation_deg=20.0)
    ra, dec = wcs.pixel_to_world(41.0, 12.0)
    optics = Telescope(0.5, 1.0, band=Bandpass.johnson("V"))
    scene = Scene(SHAPE, optics, GaussianPSF(2.0), [PointSource(41.0, 12.0, 10.0)], sky=Sky(21.0), wcs=wcs)
    frame = (
        Camera.from_preset("generic_ccd", precision=precision)
        .with_config(resolution=SHAPE)
        .observe(scene, 5.0, seed=3)
    )
    frame.metadata["star"] = (ra, dec)
    return frame


def frames() -> dict[str, Frame]:
    small = Camera.from_preset("generic_scmos").with_config(resolution=SHAPE)
    wide = Camera.from_preset("generic_ccd").with_config(resolution=SHAPE, bit_depth=18)
    return {
        "science": a_science_frame(),
        "science32": a_science_frame("float32"),
        "bias": small.bias_frame(seed=1),
        "dark": small.dark_frame(10.0, -20.0, seed=2**90),
        "flat": small.flat_frame(1000.0, 2.0),
        "light": wide.expose(np.linspace(0, 100, 2400).reshape(SHAPE), 3.0, seed=1),
        "binned": small.flat_frame(1000.0, 2.0, seed=1).binned(4),
    }


@pytest.mark.parametrize("name", list(frames()))
def test_a_frame_comes_back_and_is_valid(tmp_path, name):
    frame = frames()[name]
    path = tmp_path / "frame.fits"
    frame.to_fits(path, truth=frame.truth is not None)
    again = Frame.from_fits(path)
    assert again == frame
    assert again.data.dtype == frame.data.dtype
    assert pickle.loads(pickle.dumps(frame)) == again
    if shutil.which("fitsverify"):
        report = subprocess.run(["fitsverify", str(path)], capture_output=True, text=True, check=False).stdout
        assert "0 warning(s) and 0 error(s)" in report, report


def test_bits_follow_the_converter(tmp_path):
    for name, bitpix in (("science", 16), ("light", 32)):
        frames()[name].to_fits(tmp_path / f"{name}.fits")
        with fits.open(tmp_path / f"{name}.fits", do_not_scale_image_data=True) as units:
            assert units[0].header["BITPIX"] == bitpix


def test_a_star_is_where_the_header_says(tmp_path):
    frame = a_science_frame()
    frame.to_fits(tmp_path / "frame.fits")
    header = fits.getheader(tmp_path / "frame.fits")
    x, y = WCS(header).world_to_pixel_values(*frame.metadata["star"])
    assert (float(x), float(y)) == pytest.approx((41.0, 12.0), abs=1e-6)
    brightest = np.unravel_index(np.argmax(frame.data), SHAPE)
    assert brightest == (12, 41)
