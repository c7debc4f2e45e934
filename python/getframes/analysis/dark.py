"""A detector in the dark: gain, read noise, dark current, and the maps of the latter two, from stacks of darks of several exposures.

| symbol | meaning                                    | unit              |
|--------|--------------------------------------------|-------------------|
| m, V   | mean and variance of a pixel in a stack    | ADU, ADU^2        |
| t      | exposure                                   | s                 |
| K      | conversion gain                            | e-/ADU            |
| D      | dark current of a pixel, glow included     | e- / s            |
| s      | read noise of a pixel                      | e-                |

Laws: m = bias + D t / K and V = (s / K)^2 + D t / K^2 + 1/12.

* K: the mean variance of the pixels that are not hot against their mean level, over the exposures; only dark charge changes, so 1/K is the slope.
* D and bias: weighted line through m(t) of each pixel (of hot pixels, which saturate first, through the two shortest exposures). Hot pixels are those more than three medians above the median; the dark current is the
  mean of the others, and its non-uniformity the width of the log-normal with their spread, less the scatter of the lines.
* s: variance of the shortest exposure, less dark charge and rounding. Mean and width are those of the core in ln s, without the scatter of a
  variance from few frames and without pixels that stand apart (random telegraph noise), whose fraction and factor are given by themselves.
* Fano factor: variance over mean of the dark charge, from how the variance of pixels grows with their dark current. It is 1 for Poisson statistics;
  random telegraph noise of the dark current makes it larger.

Clock-induced charge does not grow with the exposure: it is part of the bias and of the read noise here.

Not modelled: dark current that is not proportional to time, noise common to a frame, cosmic rays (leave such frames out).

Sources: Janesick 2007, *Photon Transfer*, doi:10.1117/3.725073, chapters 5 and 11; EMVA Standard 1288, release 4.0 (2021), doi:10.5281/zenodo.5075875.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp, log, nan, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.analysis.curve import fitted
from getframes.analysis.rounding import unrounded
from getframes.analysis.spread import digamma, groups, log_normal_width, trigamma, unbiased_deviation
from getframes.analysis.stack import StackStats
from getframes.config import CameraConfig
from getframes.coupling import noise_kept
from getframes.errors import DomainError, ShapeError, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_HOT = 4.0
"""Hot pixels have more than this many times the median dark current, and stand six widths above it."""
_UNKNOWN: dict[str, Any] = {
    "sensor_type": "SCMOS",
    "pixel_size_um": 10.0,
    "quantum_efficiency": 1.0,
    "full_well_e": 50_000.0,
    "bit_depth": 16,
}
"""What darks do not tell, for `to_config`."""


@dataclass(frozen=True, eq=False)
class DarkCharacterization:
    """What darks say about a detector.

    Attributes
    ----------
    gain_e_per_adu : float
        Conversion gain [e-/ADU].
    read_noise_e : float
        Mean read noise of the core of the pixels [e-].
    dark_current_e_per_s : float
        Mean dark current of the pixels that are not hot, glow included [e-/s].
    bias_offset_adu : float
        Mean bias [ADU].
    dark_current_nonuniformity, read_noise_nonuniformity : float
        Widths of the log-normal maps.
    read_noise_rts_fraction : float
        Fraction of pixels that stand apart in read noise.
    hot_pixel_fraction : float
        Fraction of pixels that stand apart in dark current.
    fano_factor : float
        Variance over mean of the dark charge; NaN where pixels do not differ enough to tell.
    exposures_s : array (n,)
        Exposures of the stacks, ascending [s].
    read_noise_map_e, dark_current_map_e_per_s, bias_map_adu : array (height, width)
        Read noise [e-], dark current [e-/s] and bias [ADU] of each pixel.
    read_noise_rts_factor, hot_pixel_factor : float
        Read noise and dark current of those pixels over the mean of the others; NaN where there are none.
    gain_error : float
        Standard error of the gain [e-/ADU].
    """

    gain_e_per_adu: float
    read_noise_e: float
    dark_current_e_per_s: float
    bias_offset_adu: float
    dark_current_nonuniformity: float
    read_noise_nonuniformity: float
    read_noise_rts_fraction: float
    hot_pixel_fraction: float
    fano_factor: float
    exposures_s: NDArray[np.float64]
    read_noise_map_e: NDArray[np.float64]
    dark_current_map_e_per_s: NDArray[np.float64]
    bias_map_adu: NDArray[np.float64]
    read_noise_rts_factor: float = nan
    hot_pixel_factor: float = nan
    gain_error: float = nan

    def to_config(self, name: str, **overrides: Any) -> CameraConfig:
        """A camera with the measured figures.

        Parameters
        ----------
        name : str
            Its name.
        **overrides
            Fields of `CameraConfig`: what darks do not tell (type of sensor, pixel size, quantum efficiency, full well, bits), and whatever is
            known better. The resolution is that of the maps.

        Raises
        ------
        TypeError, DomainError
            As `CameraConfig`.
        """
        height, width = self.bias_map_adu.shape
        measured: dict[str, Any] = {
            "resolution": (height, width),
            "gain_e_per_adu": self.gain_e_per_adu,
            "bias_offset_adu": self.bias_offset_adu,
            "read_noise_e": self.read_noise_e,
            "dark_current_e_per_s": self.dark_current_e_per_s,
            "dark_current_nonuniformity": self.dark_current_nonuniformity,
            "read_noise_nonuniformity": self.read_noise_nonuniformity,
            "read_noise_rts_fraction": self.read_noise_rts_fraction,
            "hot_pixel_fraction": self.hot_pixel_fraction,
        }
        if self.read_noise_rts_factor > 0:
            measured["read_noise_rts_factor"] = self.read_noise_rts_factor
        if self.hot_pixel_factor > 0:
            measured["hot_pixel_factor"] = self.hot_pixel_factor
        plain = CameraConfig(name=name, **{**_UNKNOWN, **measured})
        return plain.replace(**overrides) if overrides else plain


def characterize_dark(
    stacks: Mapping[float, StackStats] | Sequence[StackStats], *, ipc_coupling: float = 0.0
) -> DarkCharacterization:
    """Gain, read noise and dark current from stacks of darks.

    Parameters
    ----------
    stacks : mapping from exposure [s] to StackStats, or sequence of StackStats with an exposure
        Two or more different exposures, the longest with enough dark charge to be seen in the noise. Eight frames or more in the shortest
        keep the read-noise map useful.
    ipc_coupling : float
        Fraction of the signal in each of the four neighbours, in [0, 0.25): shot noise and dark pattern of coupled pixels are low by (1 - 4c)^2 + 4 c^2.

    Raises
    ------
    DomainError
        If there are fewer than two exposures, one is missing, or the dark charge does not show in the noise.
    ShapeError
        If the stacks differ in shape.
    """
    require(0 <= ipc_coupling < 0.25, "", "ipc_coupling", "in [0, 0.25)", ipc_coupling)
    kept = noise_kept(ipc_coupling)
    series = by_exposure(stacks, "characterize_dark")
    times = np.array([stack.exposure_s for stack in series], np.float64)
    require(np.unique(times).size > 1, "", "stacks", "of two or more different exposures", times.tolist())
    slope, bias, scatter = _lines(series, times)
    hot = _hot(slope)
    slope, bias = _early(series, times, hot, slope, bias)
    gain, error = (kept * value for value in _gain(series, ~hot))
    dark = slope * gain
    core = float(dark[~hot].mean())
    width = log_normal_width((float(dark[~hot].var()) - gain**2 * float(scatter[~hot].mean())) / kept, core)
    shortest = series[0]
    variance = unrounded(shortest.variance_adu2, shortest.mean_adu) - slope * (kept * times[0] / gain)
    noise = groups(_logarithm(variance))
    degrees = (shortest.n_frames - 1) / 2.0
    spread = max(noise.width**2 - trigamma(degrees) / 4.0, 0.0)
    middle = noise.mean - (digamma(degrees) - log(degrees)) / 2.0
    deviation = np.sqrt(np.maximum(variance, 0.0)) / unbiased_deviation(shortest.n_frames)
    return DarkCharacterization(
        gain,
        gain * exp(middle + spread / 2.0),
        core,
        float(bias[~hot].mean()),
        width,
        sqrt(spread),
        noise.fraction,
        float(hot.mean()),
        _fano(series, gain / kept, ~hot),
        times,
        gain * deviation,
        dark,
        bias,
        exp(noise.distance) if noise.fraction > 0 else nan,
        float(dark[hot].mean()) / core if hot.any() and core > 0 else nan,
        error,
    )


def by_exposure(stacks: Mapping[float, StackStats] | Sequence[StackStats], name: str) -> list[StackStats]:
    """The stacks with their exposures, ascending."""
    if isinstance(stacks, Mapping):
        series = [replace(stack, exposure_s=float(time)) for time, stack in stacks.items()]
    else:
        series = list(stacks)
    for stack in series:
        require(isinstance(stack, StackStats), name, "stacks", "StackStats", type(stack).__name__)
        time = stack.exposure_s
        require(time is not None and 0 <= time < np.inf, "", "exposure_s", "given and >= 0 s", time)
        if stack.shape != series[0].shape:
            raise ShapeError(f"{name} stacks must have shape {series[0].shape}, got {stack.shape}")
    return sorted(series, key=lambda stack: stack.exposure_s or 0.0)


def _gain(series: list[StackStats], kept: NDArray[np.bool_]) -> tuple[float, float]:
    """One over the slope of the mean variance against the mean level, of the pixels that are not hot, and its standard error."""
    level = np.array([float(stack.mean_adu[kept].mean()) for stack in series])
    variance = np.array([float(stack.variance_adu2[kept].mean()) for stack in series])
    squares = np.array([float((stack.variance_adu2[kept] ** 2).mean()) for stack in series])
    frames = np.array([stack.n_frames for stack in series])
    error = np.sqrt(2.0 * squares / ((frames + 1) * int(kept.sum())))
    line = fitted(level - level[0], variance, np.maximum(error, 1e-12), (0, 1))
    if not line.of(1) > 3.0 * line.errors[1]:
        raise DomainError(
            "stacks must be of exposures long enough for dark charge to show in the noise, "
            f"got the slope {line.of(1):.3g} +- {line.errors[1]:.2g} of variance against level"
        )
    return 1.0 / line.of(1), float(line.errors[1]) / line.of(1) ** 2


def _lines(series: list[StackStats], times: Array) -> tuple[Array, Array, Array]:
    """Slope [ADU/s] and intercept [ADU] of the mean of each pixel, and the variance of the slope."""
    weight = np.array([stack.n_frames / max(float(stack.variance_adu2.mean()), 1e-12) for stack in series])
    total, first = weight.sum(), (weight * times).sum()
    middle = first / total
    lever = weight * (times - middle)
    strength = float((lever * (times - middle)).sum())
    slope = sum(c / strength * stack.mean_adu for c, stack in zip(lever, series, strict=True))
    mean = sum(w / total * stack.mean_adu for w, stack in zip(weight, series, strict=True))
    scatter = sum(
        (c / strength) ** 2 / stack.n_frames * stack.variance_adu2
        for c, stack in zip(lever, series, strict=True)
    )
    return np.asarray(slope), np.asarray(mean - middle * slope), np.asarray(scatter)


def _early(
    series: list[StackStats], times: Array, hot: NDArray[np.bool_], slope: Array, bias: Array
) -> tuple[Array, Array]:
    """Slope and intercept, of hot pixels from the two shortest exposures alone: they are the first to saturate."""
    first = series[0]
    second = series[int(np.argmax(times > times[0]))]
    steep = (second.mean_adu - first.mean_adu) / ((second.exposure_s or 0.0) - times[0])
    slope = np.where(hot, steep, slope)
    return slope, np.where(hot, first.mean_adu - times[0] * slope, bias)


def _hot(dark: Array) -> NDArray[np.bool_]:
    """Pixels that stand apart from the others in dark current."""
    middle = float(np.median(dark))
    width = 1.4826 * float(np.median(np.abs(dark - middle)))
    return np.asarray(dark > max(_HOT * middle, middle + 6.0 * width))


def _logarithm(variance: Array) -> Array:
    """ln s; the few variances that are not positive count as very small ones."""
    least = 0.01 * max(float(np.median(variance)), 1e-12)
    return np.asarray(0.5 * np.log(np.maximum(variance.ravel(), least)))


def _fano(series: list[StackStats], gain: float, kept: NDArray[np.bool_]) -> float:
    """Regression over pixels of the growth of the variance on the growth of the mean, times K; hot pixels may saturate, and are left out.

    The scatter of the growth of the mean, and the covariance of mean and variance of a Poisson sample, are taken off.
    """
    first, last = series[0], series[-1]
    growth = (last.mean_adu - first.mean_adu)[kept]
    variance = (last.variance_adu2 - first.variance_adu2)[kept]
    chance = (last.variance_adu2 / last.n_frames + first.variance_adu2 / first.n_frames)[kept]
    spread = float(growth.var()) - float(chance.mean())
    if spread < 5.0 * float(chance.mean()) / sqrt(growth.size):
        return nan
    shared = float(np.mean((growth - growth.mean()) * (variance - variance.mean())))
    skew = float(growth.mean()) / gain**2 / last.n_frames
    return gain * (shared - skew) / spread
