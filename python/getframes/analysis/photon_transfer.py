"""Photon transfer: gain and read noise from how the noise of flats grows with their level.

| symbol | meaning                                             | unit   |
|--------|-----------------------------------------------------|--------|
| m, V   | mean and temporal variance of a flat                | ADU    |
| b, V0  | the same of a bias                                  | ADU    |
| K      | conversion gain                                     | e-/ADU |
| s      | read noise                                          | e-     |

Law: V = V0 + (m - b) / K, and V0 = (s / K)^2, each V without what rounding adds to it.

Half the variance of the difference of two flats of the same light is V: whatever is the same in both (PRNU, dark pattern, dead and hot pixels)
drops out. Curvature of the response bends the curve, V = V0 + x/K (1 + c x + d x^2), x = m - b; with c, and d where it shows, 1/K is the slope at no light. Neighbours that share signal lower V: the coupling is measured on the differences, and corrected
where it shows (see `getframes.analysis.coupling`).

Behind a gain stage of mean gain G and excess noise factor F the slope is G F^2 / K: `characterize_gain_stage` takes it apart.

Not modelled: noise common to rows or to the frame (the latter drops out), light that changes between the flats of a pair beyond its mean.

Sources: Janesick 2007, *Photon Transfer*, doi:10.1117/3.725073; Downing et al. 2006, doi:10.1117/12.671457 (correlated noise); Widrow and Kollar 2008,
doi:10.1017/CBO9780511754661 (the 1/12 of rounding; see `getframes.analysis.rounding` for noise below one count).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from getframes.analysis import curve
from getframes.analysis.coupling import coupling_of, covariances
from getframes.analysis.rounding import unrounded
from getframes.analysis.saturation import saturation
from getframes.coupling import noise_kept
from getframes.errors import DomainError, require
from getframes.frame import lit_pixels

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


LEAST_ADU2 = 1e-3
"""Variances count as no smaller than this [ADU^2], so that a camera without noise can be fitted."""
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
    ipc_coupling : float
        Interpixel coupling that shows in the flats, and has been corrected for; 0 where none does.
    """

    mean_adu: NDArray[np.float64]
    variance_adu2: NDArray[np.float64]
    gain_e_per_adu: float
    read_noise_e: float
    full_well_adu: float | None
    saturation: str | None = None
    gain_error: float = float("nan")
    bias_adu: float = float("nan")
    ipc_coupling: float = 0.0


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
    bias = pair_moments(*(lit_pixels(camera.bias_frame(temperature, seed=seed + i)) for i in (0, 1)))
    flats = [_flats(camera, float(rate), exposure, temperature, seed + i) for i, rate in enumerate(rates)]
    return _result(bias, flats)


class Moments(NamedTuple):
    """What two frames of the same light say.

    Mean [ADU], half the covariances of their difference [ADU^2], how many Gaussian values the variance is worth, the largest count, the difference of the two
    means [ADU], and pixels.
    """

    mean: float
    covariances: NDArray[np.float64]
    worth: float
    largest: float
    step: float
    pixels: int


def pair_moments(one: NDArray[Any], two: NDArray[Any]) -> Moments:
    """Mean, temporal variance and covariances of two frames of the same light."""
    difference = one.astype(np.float64) - two
    mean = float(one.mean(dtype=np.float64) + two.mean(dtype=np.float64)) / 2.0
    step = float(difference.mean())
    difference -= step
    square = float(np.mean(difference**2))
    # Var(s^2) = (m4 - m2^2) / n; tails (gain stages, cosmic rays) make a variance worth less than 2 m2^2 / n would say.
    tails = float(np.mean(difference**4)) / square**2 - 1.0 if square > 0 else 2.0
    worth = difference.size * 2.0 / max(tails, 1.0)
    variance = square * difference.size / max(difference.size - 1, 1)
    shared = covariances(difference)[1:] if min(difference.shape) >= 8 else np.zeros(0)
    largest = float(max(one.max(), two.max()))
    return Moments(mean, np.array([variance, *shared]) / 2.0, worth, largest, step, difference.size)


def photon_transfer(
    x: NDArray[np.float64], variance: NDArray[np.float64], weight: Any, x_error: Any = 0.0
) -> curve.Curve:
    """V = a + x/K (1 + c x + d x^2), weighted by what a variance from `weight` values is worth: error V sqrt(2 / weight).

    An error of x, which a common mode makes, counts as one of V, through the slope.

    c is always fitted where there are five levels or more: left out where it does not show yet, it would bias the slope by more than its noise. d is there
    where the data ask for it.
    """
    powers = (0, 1, 2) if x.size >= 5 else (0, 1)
    slope = float(np.ptp(variance) / np.ptp(x)) if np.ptp(x) > 0 else 0.0
    fit = curve.best(x, variance, np.hypot(variance * np.sqrt(2.0 / weight), slope * x_error), powers, (3,))
    expected = np.maximum(fit(x), 0.1 * variance)  # again, with errors that do not follow the scatter
    fit = curve.best(x, variance, np.hypot(expected * np.sqrt(2.0 / weight), slope * x_error), powers, (3,))
    if not (np.ptp(x) > 0 and fit.of(1) > 3.0 * fit.errors[1]):
        raise DomainError(
            f"the levels must be far enough apart to show shot noise, got the slope {fit.of(1):.3g} +- {fit.errors[1]:.2g}"
        )
    return fit


def _flats(camera: Exposing, rate: float, exposure: float, temperature: float | None, seed: int) -> Moments:
    frames = camera.expose_series(rate, exposure, 2, temperature, seed=seed, include_truth=False)
    return pair_moments(*(lit_pixels(frame) for frame in frames))


def _result(bias: Moments, flats: list[Moments]) -> PTCResult:
    mean = np.array([flat.mean for flat in flats])
    variance = np.array([flat.covariances[0] for flat in flats])
    largest = flats[int(np.argmax(mean))].largest
    found = saturation(mean, variance, bias.mean, FRACTION, largest)
    used = found.usable
    require(int(used.sum()) >= 3, "", "levels", "three or more below saturation", int(used.sum()))
    coupling, coupling_error = _coupled(bias, [flat for flat, use in zip(flats, used, strict=True) if use])
    dark = float(unrounded(bias.covariances[0], bias.mean))
    x = np.concatenate([[0.0], mean[used] - bias.mean])
    y = np.concatenate([[dark], dark + (unrounded(variance[used], mean[used]) - dark) / noise_kept(coupling)])
    worth = np.array([bias.worth, *(flat.worth for flat, use in zip(flats, used, strict=True) if use)])
    fit = photon_transfer(x, np.maximum(y, LEAST_ADU2), worth, _common_mode([bias, *flats]) / sqrt(2.0))
    gain = 1.0 / fit.of(1)
    return PTCResult(
        mean,
        variance,
        gain,
        gain * sqrt(max(fit.of(0), 0.0)),
        found.level_adu,
        found.limit,
        gain * hypot(gain * float(fit.errors[1]), 8.0 * coupling_error),
        bias.mean,
        coupling,
    )


def _common_mode(pairs: list[Moments]) -> float:
    """RMS of what all pixels of a frame share [ADU], from the means of pairs; 0 where it does not stand out."""
    steps = np.array([pair.step for pair in pairs])
    chance = np.array([2.0 * pair.covariances[0] / pair.pixels for pair in pairs])
    if np.mean(steps**2) < 4.0 * np.mean(chance):
        return 0.0
    return float(np.sqrt(np.mean(steps**2 - chance) / 2.0))


def _coupled(bias: Moments, flats: list[Moments]) -> tuple[float, float]:
    """Interpixel coupling of the flats and its standard error; 0 and 0 where none shows."""
    if bias.covariances.size == 1:
        return 0.0, 0.0
    shot = [flat.covariances - bias.covariances for flat in flats]
    nearest = np.array([(c[1] + c[2]) / 2.0 / c[0] if c[0] > 0 else 0.0 for c in shot])
    noise = np.array(
        [f.covariances[0] / c[0] if c[0] > 0 else np.inf for f, c in zip(flats, shot, strict=True)]
    )
    weight = 2.0 * bias.worth / noise**2
    correlation, error = float((nearest * weight).sum() / weight.sum()), float(weight.sum() ** -0.5)
    if correlation < 5.0 * error:
        return 0.0, 0.0
    return coupling_of(correlation), 0.5 * error
