"""A detector in even light: gain, read noise, saturation, PRNU and nonlinearity, from stacks of flats of several levels.

| symbol | meaning                                             | unit       |
|--------|-----------------------------------------------------|------------|
| x, V   | mean above the bias, and mean temporal variance     | ADU, ADU^2 |
| S      | variance over pixels of the mean of a stack         | ADU^2      |
| L      | light                                               | any        |
| n      | frames of a stack                                   |            |

* gain, read noise: V against x as in `getframes.analysis.photon_transfer`; the variance in time has no fixed pattern in it.
* PRNU: S - V/n = c + p^2 x^2 (1 + d x). c is the fixed pattern of the dark frame; d is there where the response bends. The width of the log-normal map is
  (ln(1 + p^2))^1/2. Amplifiers of different gain count as PRNU. Where the bias has a structure, give it as a map: it resembles that of the response by
  chance, which would be taken for PRNU.
* nonlinearity: x(L) against the straight line at no light, at the level of saturation: the fraction of the signal that is lost there.
* saturation: `getframes.analysis.saturation`; the lower of full well and converter, named.

Coupled pixels share noise and pattern alike: both variances are low by (1 - 4c)^2 + 4 c^2. Give `ipc_coupling` to have that put right (the frames
themselves are needed to measure it, see `interpixel_coupling`).

Vary the light and not the exposure, or the dark pattern is taken for PRNU. Not modelled: light that is not even, a lamp that drifts.

Sources: Janesick 2007, *Photon Transfer*, doi:10.1117/3.725073; EMVA Standard 1288, release 4.0 (2021), doi:10.5281/zenodo.5075875; Moore, Ninkov and
Forrest 2006, doi:10.1117/1.2219103.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.analysis import curve
from getframes.analysis.photon_transfer import LEAST_ADU2, photon_transfer
from getframes.analysis.rounding import unrounded
from getframes.analysis.saturation import CONVERTER, WELL, saturation
from getframes.analysis.spread import log_normal_width
from getframes.analysis.stack import StackStats
from getframes.config import CameraConfig
from getframes.coupling import noise_kept
from getframes.errors import ShapeError, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FlatCharacterization:
    """What flats say about a detector.

    Attributes
    ----------
    gain_e_per_adu : float
        Conversion gain [e-/ADU]; behind a gain stage, divided by G F^2.
    read_noise_e : float
        RMS noise without light [e-], from the intercept: it needs the right `bias_adu`.
    full_well_adu, full_well_e : float, optional
        Signal at saturation above the bias, in ADU and e-; None when no level reaches it.
    prnu : float
        Width of the log-normal response map.
    nonlinearity : float, optional
        Fraction of the signal lost at saturation; None without saturation, or where the levels of light are not known.
    mean_adu, variance_adu2 : array (n,)
        Mean, bias included [ADU], and temporal variance [ADU^2] of each stack.
    levels : array (n,)
        Light of each stack, as given, ascending.
    saturation : str, optional
        What saturates: "full well" or "converter", whichever is lower.
    gain_error : float
        Standard error of the gain [e-/ADU].
    bias_adu : float
        The bias that was taken off [ADU].
    shape : (height, width)
        Of the stacks [px].
    """

    gain_e_per_adu: float
    read_noise_e: float
    full_well_adu: float | None
    full_well_e: float | None
    prnu: float
    nonlinearity: float | None
    mean_adu: NDArray[np.float64]
    variance_adu2: NDArray[np.float64]
    levels: NDArray[np.float64]
    saturation: str | None = None
    gain_error: float = float("nan")
    bias_adu: float = 0.0
    shape: tuple[int, int] = (0, 0)

    def to_config(self, name: str, **overrides: Any) -> CameraConfig:
        """A camera with the measured figures.

        Parameters
        ----------
        name : str
            Its name.
        **overrides
            Fields of `CameraConfig`: what flats do not tell (type of sensor, pixel size, quantum efficiency, dark current, bits; the full well
            where the converter ends first), and whatever is known better.

        Raises
        ------
        TypeError, DomainError
            As `CameraConfig`.
        """
        known: dict[str, Any] = {
            "sensor_type": "SCMOS",
            "resolution": self.shape,
            "pixel_size_um": 10.0,
            "quantum_efficiency": 1.0,
            "full_well_e": 50_000.0,
            "bit_depth": 16,
            "gain_e_per_adu": self.gain_e_per_adu,
            "bias_offset_adu": self.bias_adu,
            "read_noise_e": self.read_noise_e,
            "dark_current_e_per_s": 0.0,
            "prnu": self.prnu,
        }
        if self.saturation == WELL and self.full_well_e is not None:
            lost = self.nonlinearity or 0.0
            known |= {"full_well_e": self.full_well_e / (1.0 - lost), "nonlinearity": max(lost, 0.0)}
        if self.saturation == CONVERTER and self.full_well_adu is not None:
            known["bit_depth"] = round(np.log2(self.full_well_adu + self.bias_adu + 1.0))
        return CameraConfig(name=name, **known).replace(**overrides)


def characterize_flat(
    stacks: Mapping[float, StackStats] | Sequence[StackStats],
    *,
    bias_adu: float | NDArray[np.floating[Any]] = 0.0,
    saturation_fraction: float = 0.9,
    ipc_coupling: float = 0.0,
) -> FlatCharacterization:
    """Gain, read noise, saturation, PRNU and nonlinearity from stacks of flats.

    Parameters
    ----------
    stacks : mapping from level to StackStats, or sequence of StackStats
        Three or more levels below saturation. A key is the light of its stack in any unit; in a sequence it is the exposure.
    bias_adu : float or array (height, width)
        Mean count without light [ADU].
    saturation_fraction : float
        Levels up to this fraction of saturation are fitted, in (0, 1].
    ipc_coupling : float
        Fraction of the signal in each of the four neighbours, in [0, 0.25).

    Raises
    ------
    DomainError
        If there are fewer than three levels below saturation, they do not show shot noise, or a number is impossible.
    ShapeError
        If the stacks differ in shape.
    """
    require(0 < saturation_fraction <= 1, "", "saturation_fraction", "in (0, 1]", saturation_fraction)
    require(0 <= ipc_coupling < 0.25, "", "ipc_coupling", "in [0, 0.25)", ipc_coupling)
    levels, series = _by_level(stacks)
    zero = np.asarray(bias_adu, np.float64)
    require(bool(np.isfinite(zero).all()), "", "bias_adu", "finite", bias_adu)
    if zero.ndim and zero.shape != series[0].shape:
        raise ShapeError(f"bias_adu must be a number or have shape {series[0].shape}, got {zero.shape}")
    bias = float(zero.mean())
    mean, variance = (
        np.array([float(getattr(stack, name).mean()) for stack in series])
        for name in ("mean_adu", "variance_adu2")
    )
    largest = float(series[int(np.argmax(mean))].mean_adu.max())
    found = saturation(mean, variance, bias, saturation_fraction, largest)
    used = found.usable
    require(int(used.sum()) >= 3, "", "stacks", "three or more levels below saturation", int(used.sum()))
    x, frames = mean - bias, np.array([stack.n_frames for stack in series], np.float64)
    pixels = series[0].mean_adu.size
    noise = np.maximum(unrounded(variance[used], mean[used]), LEAST_ADU2)
    shift = np.array([stack.common_mode_adu for stack in series]) / np.sqrt(frames)
    fit = photon_transfer(x[used], noise, (frames[used] - 1.0) * pixels, shift[used])
    kept = noise_kept(ipc_coupling)
    gain = kept / fit.of(1)
    fixed = np.array([float((stack.mean_adu - zero).var()) for stack in series]) - variance / frames
    pattern = _pattern(x[used], fixed[used], (variance / frames)[used], shift[used], pixels) / kept
    top = None if found.level_adu is None else found.level_adu - bias
    return FlatCharacterization(
        gain,
        gain * sqrt(max(fit.of(0), 0.0)),
        top,
        None if top is None else top * gain,
        log_normal_width(pattern, 1.0),
        _nonlinearity(
            levels[used], x[used], np.hypot(shift, np.sqrt(variance / (frames * pixels)))[used], top
        ),
        mean,
        variance,
        levels,
        found.limit,
        gain / fit.of(1) * float(fit.errors[1]),
        bias,
        series[0].shape,
    )


def _by_level(
    stacks: Mapping[float, StackStats] | Sequence[StackStats],
) -> tuple[Array, list[StackStats]]:
    keys = list(stacks) if isinstance(stacks, Mapping) else None
    series = list(stacks.values()) if isinstance(stacks, Mapping) else list(stacks)
    for stack in series:
        require(isinstance(stack, StackStats), "", "stacks", "StackStats", type(stack).__name__)
    require(len(series) >= 3, "", "stacks", "three or more levels below saturation", len(series))
    if keys is None:
        keys = [float("nan") if stack.exposure_s is None else stack.exposure_s for stack in series]
    pairs = [(float(key), stack) for key, stack in zip(keys, series, strict=True)]
    for _, stack in pairs:
        if stack.shape != pairs[0][1].shape:
            raise ShapeError(
                f"characterize_flat stacks must have shape {pairs[0][1].shape}, got {stack.shape}"
            )
    pairs.sort(key=lambda pair: (pair[0], float(pair[1].mean_adu.mean())))
    return np.array([level for level, _ in pairs]), [stack for _, stack in pairs]


def _pattern(x: Array, fixed: Array, chance: Array, shift: Array, pixels: int) -> float:
    """p^2 of S = c + p^2 x^2 (1 + d x); errors are those of a map that is the same in all levels."""
    known = np.maximum(fixed, 0.0)
    error = np.sqrt((4.0 * known * chance + 2.0 * chance**2) / pixels)
    error = np.hypot(error, 2.0 * known * shift / np.maximum(np.abs(x), 1e-12))
    error = np.maximum(error, 1e-6 * np.maximum(known, chance) + 1e-12)
    return curve.best(x, fixed, error, (0, 2), (3, 4)).of(2)


def _nonlinearity(levels: Array, x: Array, error: Array, top: float | None) -> float | None:
    """Signal missing at saturation from the straight line at no light, as a fraction."""
    if top is None or not np.isfinite(levels).all() or np.unique(levels).size < 3:
        return None
    error = np.maximum(error, 1e-9 * np.abs(x) + 1e-12)
    response = curve.best(levels, x, error, (0, 1), (2, 3))
    zero, slope = response.of(0), response.of(1)
    light = levels.max()
    for _ in range(100):  # the light at saturation: the curve is close to its line
        light += (top - float(response(np.array([light]))[0])) / slope
    return float(1.0 - (top - zero) / (slope * light))
