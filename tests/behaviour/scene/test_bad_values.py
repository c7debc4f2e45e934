"""What no light curve, band, spectrum or optics can be: a typed error that names it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from getframes import (
    QE,
    SED,
    Bandpass,
    Extinction,
    LightCurve,
    SpectralBandpass,
    Vignetting,
)
from getframes.errors import DomainError

NAN = float("nan")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LightCurve.constant(NAN), r"LightCurve.constant.level must be finite, got nan"),
        (lambda: LightCurve.constant(-1.0), r"LightCurve.constant.level must be >= 0, got -1.0"),
        (lambda: LightCurve.constant("high"), r"LightCurve.constant.level must be a number, got 'high'"),
        (lambda: LightCurve.box(0.1, 0.0, 1.0, NAN), r"LightCurve.box.baseline must be finite"),
        (lambda: LightCurve.box("deep", 0.0, 1.0), r"LightCurve.box.depth must be a number"),
        (lambda: LightCurve.box(0.1, 0.0, NAN), r"LightCurve.box.t1 must be finite"),
        (lambda: LightCurve.sinusoidal(NAN, 3.0), r"LightCurve.sinusoidal.amplitude must be finite"),
        (lambda: LightCurve.sinusoidal(0.1, NAN), r"LightCurve.sinusoidal.period_s must be finite"),
        (lambda: LightCurve.from_function(lambda _: "x")(1.0), r"LightCurve.func at 1.0 s must be a number"),
        (lambda: LightCurve.from_function(lambda _: NAN)(1.0), r"LightCurve.func at 1.0 s must be finite"),
        (lambda: LightCurve.from_function(lambda _: -1.0)(1.0), r"LightCurve.func at 1.0 s must be >= 0"),
        (lambda: LightCurve.sinusoidal(2.0, 4.0)(3.0), r"LightCurve.func at 3.0 s must be >= 0, got -1.0"),
        (lambda: Extinction(1.0).redden("dust"), r"Extinction.sed must be an SED, got 'dust'"),
        (lambda: Vignetting(0.1).illumination_map((0, 5)), r"Vignetting.shape must be of positive height"),
        (lambda: Vignetting(0.1).illumination_map(5), r"Vignetting.shape must be two whole numbers"),
        (lambda: Vignetting(0.1).illumination_map((3.5, 5)), r"Vignetting.shape must be two whole numbers"),
        (lambda: Bandpass("mine", 1e9, "red"), r"Bandpass.response must be a SpectralBandpass or None"),
        (lambda: Bandpass.johnson("V").photon_flux(NAN), r"Bandpass.magnitude must be finite"),
        (lambda: Bandpass.johnson("V").photon_flux("bright"), r"Bandpass.magnitude must be a number"),
    ],
)
def test_an_error_names_thing_rule_and_value(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        make()


@pytest.mark.parametrize("kind", [QE, SED, SpectralBandpass])
def test_files_that_hold_no_curve(kind: Any, tmp_path: Path) -> None:
    path = tmp_path / "curve.txt"
    path.write_text("# nm, value\n400 0.5\n500 0.9\n")
    for wrong in ({"usecols": (0,)}, {"usecols": (0, 5)}, {"skiprows": 9}, {"wavelength_to_nm": 0.0}):
        with pytest.raises(DomainError, match=r"curve\.txt does not hold a curve"):
            kind.from_file(path, **wrong)
    with pytest.raises(FileNotFoundError, match=r"none\.txt"):
        kind.from_file(tmp_path / "none.txt")
