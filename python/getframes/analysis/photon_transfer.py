"""Photon transfer: gain and read noise from how the noise of flats grows with their level.

| symbol | meaning                                             | unit   |
|--------|-----------------------------------------------------|--------|
| m, V   | mean and temporal variance of a flat                | ADU    |
| b, V0  | the same of a bias                                  | ADU    |
| K      | conversion gain                                     | e-/ADU |
| s      | read noise                                          | e-     |

Law: V = V0 + (m - b) / K, and V0 = (s / K)^2 + 1/12.

Half the variance of the difference of two flats of the same light is V: whatever is the same in both (PRNU, dark pattern, dead and hot pixels)
drops out. Curvature of the response bends the curve, V = V0 + x/K (1 + c x + d x^2), x = m - b; the terms are fitted where the data ask for them,
so that 1/K is the slope at no light. Neighbours that share signal lower V: the covariance of the difference is added back where it shows (see
`getframes.analysis.coupling`).

Behind a gain stage of mean gain G and excess noise factor F the slope is G F^2 / K: `characterize_gain_stage` takes it apart.

Not modelled: noise common to rows or to the frame (the latter drops out), light that changes between the flats of a pair beyond its mean.

Sources: Janesick 2007, *Photon Transfer*, doi:10.1117/3.725073; Downing et al. 2006, doi:10.1117/12.671457 (correlated noise); Widrow and Kollar 2008,
doi:10.1017/CBO9780511754661 (the 1/12 of rounding).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from getframes.analysis import curve
from getframes.analysis.coupling import covariances
from getframes.analysis.saturation import saturation
from getframes.errors import DomainError, require
from getframes.frame import as_pixels

if TYPE_CHECKING:
    from typing import Any, Protocol

    from numpy.typing import ArrayLike, NDArray

    from getframes.frame import Frame

    class Exposing(Protocol):
        """A camera, as far as a photon transfer curve needs one."""

        def bias_frame(self, temperature: float | None = None, *, seed: int | None = None) -> Frame: ...
        def expose_series(
            self,
            photon_rate: Any,
            exposure: float,
            n_frames: int,
            temperature: float | None = None,
            *,
            seed: int | None = None,
            include_truth: bool = True,
        ) -> Any: ...


QUANTIZATION_ADU2 = 1.0 / 12.0
"""Variance of rounding to whole counts."""
FRACTION = 0.9
"""Levels up to this fraction of saturation are fitted."""


@dataclass(frozen=True, eq=False)
class PTCResult:
    """A photon transfer curve and what follows from it.

    Attributes
    ----------
    mean_adu : array (n,)
        Mean of the flats of each level, bias included [ADU].
    variance_adu2 : array (n,)
        Their temporal variance [ADU^2].
    gain_e_per_adu : float
        One over the slope of the curve at no light [e-/ADU]; behind a gain stage, K / (G F^2).
    read_noise_e : float
        RMS noise without light, without the rounding of the converter [e- of `gain_e_per_adu`].
    full_well_adu : float, optional
        Mean count at saturation [ADU], bias included; None when no level reaches it.
    saturation : str, optional
        What saturates: "full well" or "converter", whichever is lower.
    gain_error : float
        Standard error of the gain [e-/ADU].
    bias_adu : float
        Mean count without light [ADU].
    correlation : float
        Covariance with the neighbours over the variance of a pixel, both of the shot noise; 0 where none shows. It has been corrected for.
    """

    mean_adu: NDArray[np.float64]
    variance_adu2: NDArray[np.float64]
    gain_e_per_adu: float
    read_noise_e: float
    full_well_adu: float | None
    saturation: str | None = None
    gain_error: float = float("nan")
    bias_adu: float = float("nan")
    correlation: float = 0.0


def photon_transfer_curve(
    camera: Exposing,
    levels: ArrayLike,
    exposure: float = 1.0,
    *,
    temperature: float | None = None,
    seed: int = 0,
) -> PTCResult:
    """The photon transfer curve of a camera: two biases, and two flats of each level.

    Parameters
    ----------
    camera : Camera
        What is measured.
    levels : array (n,)
        Light of each level [photons / s / pixel], three or more.
    exposure : float
        Exposure time of the flats [s].
    temperature : float, optional
        Temperature of the sensor [deg C].
    seed : int
        Seed of the frames. Level number i takes seed + i, so that levels are independent.

    Raises
    ------
    DomainError
        If the levels are not three or more positive numbers, the exposure is zero, or fewer than three levels are below saturation.
    """
    rates = np.asarray(levels, np.float64)
    positive = rates.ndim == 1 and rates.size >= 3 and bool(np.isfinite(rates).all() and (rates > 0).all())
    require(positive, "", "levels", "three or more positive numbers", levels)
    require(0 < exposure < np.inf, "", "exposure", "> 0 s", exposure)
    bias = pair_moments(*(as_pixels(camera.bias_frame(temperature, seed=seed + i)) for i in (0, 1)))
    flats = [_flats(camera, float(rate), exposure, temperature, seed + i) for i, rate in enumerate(rates)]
    return _result(bias, flats)


class Moments(NamedTuple):
    """Mean [ADU], half the covariances of the difference of two frames [ADU^2], and pixels."""

    mean: float
    covariances: NDArray[np.float64]
    pixels: int


def pair_moments(one: NDArray[Any], two: NDArray[Any]) -> Moments:
    """Mean, temporal variance and covariances of two frames of the same light."""
    difference = one.astype(np.float64) - two
    mean = float(one.mean(dtype=np.float64) + two.mean(dtype=np.float64)) / 2.0
    if min(difference.shape) < 8:
        variance = difference.var(ddof=1) if difference.size > 1 else 0.0
        return Moments(mean, np.array([variance / 2.0]), difference.size)
    return Moments(mean, covariances(difference) / 2.0, difference.size)


def photon_transfer(x: NDArray[np.float64], variance: NDArray[np.float64], weight: Any) -> curve.Curve:
    """V = a + x/K (1 + c x + d x^2), weighted by what a variance from `weight` values is worth: error V sqrt(2 / weight)."""
    fit = curve.best(x, variance, variance * np.sqrt(2.0 / weight), (0, 1), (2, 3))
    expected = np.maximum(fit(x), 0.1 * variance)  # again, with errors that do not follow the scatter
    fit = curve.best(x, variance, expected * np.sqrt(2.0 / weight), (0, 1), (2, 3))
    if not fit.of(1) > 3.0 * fit.errors[1]:
        raise DomainError(
            f"the levels must be far enough apart to show shot noise, got the slope {fit.of(1):.3g} +- {fit.errors[1]:.2g}"
        )
    return fit


def _flats(camera: Exposing, rate: float, exposure: float, temperature: float | None, seed: int) -> Moments:
    frames = camera.expose_series(rate, exposure, 2, temperature, seed=seed, include_truth=False)
    return pair_moments(*(as_pixels(frame) for frame in frames))


def _result(bias: Moments, flats: list[Moments]) -> PTCResult:
    mean = np.array([flat.mean for flat in flats])
    variance = np.array([flat.covariances[0] for flat in flats])
    found = saturation(mean, variance, bias.mean, FRACTION)
    used = found.usable
    require(int(used.sum()) >= 3, "", "levels", "three or more below saturation", int(used.sum()))
    ratio, correlation = _shared(bias, [flat for flat, use in zip(flats, used, strict=True) if use])
    dark = float(bias.covariances[0])
    x = np.concatenate([[0.0], mean[used] - bias.mean])
    y = np.concatenate([[dark], dark + (variance[used] - dark) * ratio])
    fit = photon_transfer(x, np.maximum(y, QUANTIZATION_ADU2), float(bias.pixels))
    gain = 1.0 / fit.of(1)
    return PTCResult(
        mean,
        variance,
        gain,
        gain * sqrt(max(fit.of(0) - QUANTIZATION_ADU2, 0.0)),
        found.level_adu,
        found.limit,
        gain**2 * float(fit.errors[1]),
        bias.mean,
        correlation,
    )


def _shared(bias: Moments, flats: list[Moments]) -> tuple[float, float]:
    """Variance before the coupling over that after it, and the correlation behind it; 1 and 0 where none shows."""
    if bias.covariances.size == 1:
        return 1.0, 0.0
    shot = [flat.covariances - bias.covariances for flat in flats]
    total = np.array([2.0 * c[1:].sum() / c[0] if c[0] > 0 else 0.0 for c in shot])
    # Each of the covariances scatters by V / sqrt(pixels), of half a difference; six of them count twice.
    noise = np.array(
        [f.covariances[0] / c[0] if c[0] > 0 else np.inf for f, c in zip(flats, shot, strict=True)]
    )
    noise *= sqrt(4.0 * 6.0 / bias.pixels)
    weight = 1.0 / noise**2
    correlation, error = float((total * weight).sum() / weight.sum()), float(weight.sum() ** -0.5)
    if abs(correlation) < 5.0 * error:
        return 1.0, 0.0
    return 1.0 + correlation, correlation
