"""Noise budget: mean and variance of every pixel after each stage of the signal chain, predicted and drawn.

| symbol | meaning                                        | unit      |
|--------|------------------------------------------------|-----------|
| m, V   | mean and variance over many frames, one pixel  | e- or ADU |
| G, F   | mean gain and excess noise factor              | 1         |
| s      | RMS of an additive noise                       | e-        |

A prediction is a chain of small laws, one a stage, each from (m, V) before the stage to (m, V) after it. Away
from the limits they are exact, but for the nonlinearity (second order). Near a limit, a well or an end of the
converter, they do not hold: `Prediction.inside` says where they do.

Not modelled: correlation between pixels, and of a pixel from frame to frame. Common mode is one number a frame: the drawn
mean is off by it, and the drawn variance holds its square.

Sources: Janesick 2007, *Photon Transfer*, doi:10.1117/3.725073; Robbins and Hadwen 2003, *The noise
performance of electron multiplying charge-coupled devices*, doi:10.1109/TED.2003.813462; Widrow and Kollar
2008, *Quantization Noise*, doi:10.1017/CBO9780511754661 (the 1/12 of rounding).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.errors import DomainError, require

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.noise.chain import Stage
    from getframes.noise.exposure import Exposure

    Image = NDArray[np.float64]
    Parameters = Mapping[str, Any]

MARGIN_SIGMA = 6.0
"""A pixel is inside the limits where its mean stays this many standard deviations away from them."""


class Moments(NamedTuple):
    """Mean and variance of each pixel over many frames, numbers or arrays (height, width)."""

    mean: Any
    variance: Any


def photo(before: Moments, at: Parameters) -> Moments:
    """m + (rate + background) t QE prnu; the mean of the light has no noise yet."""
    light = (_wide(at["photon_rate"]) + _wide(at["background"])) * at["factor"] * _wide(at["prnu"])
    return Moments(before.mean + light, before.variance)


def dark(before: Moments, at: Parameters) -> Moments:
    """m + D t dsnu + glow."""
    thermal, glow = at["dark_e"] * _wide(at["multiplier"]), at["glow_e"] * _wide(at["glow_shape"])
    return Moments(before.mean + thermal + glow, before.variance)


def extra(before: Moments, at: Parameters) -> Moments:
    """m + extra charge."""
    return Moments(before.mean + at["extra_electrons"], before.variance)


def shot(before: Moments, at: Parameters) -> Moments:
    """Poisson: V + m."""
    return Moments(before.mean, before.variance + before.mean)


def clock_induced_charge(before: Moments, at: Parameters) -> Moments:
    """m + c, V + c: one more Poisson."""
    return Moments(before.mean + at["mean_e"], before.variance + at["mean_e"])


def cosmic_rays(before: Moments, at: Parameters) -> Moments:
    """m + n E[Q], V + n E[Q^2] C (Campbell): n hits a pixel of charge Q, Gamma(2, 5000 e-); C as in `concentration`.

    Away from the edges, where tracks are whole.
    """
    hits = at["mean_hits"] / at["sensor_pixels"]
    shared = concentration(at["track_length_px"])
    return Moments(before.mean + hits * 1e4, before.variance + hits * 1.5e8 * shared)


def concentration(length_px: float) -> float:
    """Mean sum of the squared fractions of a hit in its pixels: 1 for a point, less for tracks of a mean length [px].

    Two points of a track that are s apart lie in one pixel with the probability (1 - |s cos phi|)(1 - |s sin phi|), averaged over
    directions; a track of length L has the density 2 (L - s) / L^2 of such distances, and L is exponential.
    """
    if length_px == 0.0:
        return 1.0
    apart, angle = np.linspace(0.0, np.sqrt(2.0), 400), (np.arange(400) + 0.5) / 400 * np.pi / 2.0
    across, along = (np.maximum(0.0, 1.0 - apart[:, None] * part(angle)) for part in (np.cos, np.sin))
    same = (across * along).mean(axis=1)
    lengths = -length_px * np.log1p(-(np.arange(400) + 0.5) / 400)[:, None]
    density = 2.0 * np.maximum(0.0, lengths - apart) / lengths**2
    short = lengths[:, 0] < 0.05  # too short for the grid: almost always in one pixel
    shared = (density * same).sum(axis=1) * apart[1]  # the ends: half of the first, 0 at the last
    shared -= 0.5 * (density * same)[:, 0] * apart[1]
    return float(np.where(short, 1.0, shared).mean())


def cti(before: Moments, at: Parameters) -> Moments:
    """(1 - f_r) m_r + f_{r-1} m_{r-1}, with the squares for V; f_r = min(cti r, 1). Above a region is what its first row is."""
    row = at["first_row"] + np.arange(before.mean.shape[0])[:, None]
    kept, gained = (
        1.0 - np.minimum(at["cti"] * row, 1.0),
        np.minimum(at["cti"] * np.maximum(row - 1, 0), 1.0),
    )

    def moved(moment: Image, power: int) -> Image:
        above = np.concatenate([moment[:1], moment[:-1]])
        shifted: Image = kept**power * moment + gained**power * above
        return shifted

    return Moments(moved(before.mean, 1), moved(before.variance, 2))


def ipc(before: Moments, at: Parameters) -> Moments:
    """(1 - 4c) m + c (sum of four neighbours), with the squares for V. Beyond a region is what its edge is."""
    coupling = at["coupling"]

    def combined(moment: Image, own: float, shared: float) -> Image:
        padded = np.pad(moment, 1, mode="constant" if at["is_whole"] else "edge")
        around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
        coupled: Image = own * moment + shared * around
        return coupled

    own = 1.0 - 4.0 * coupling
    return Moments(combined(before.mean, own, coupling), combined(before.variance, own**2, coupling**2))


def defects(before: Moments, at: Parameters) -> Moments:
    """0 and 0 where a pixel is dead."""
    alive = ~at["dead"]
    return Moments(before.mean * alive, before.variance * alive)


def bias_structure(before: Moments, at: Parameters) -> Moments:
    """m + structure."""
    return Moments(before.mean + _wide(at["bias_structure_adu"]), before.variance)


def limited(before: Moments, at: Parameters) -> Moments:
    """m, V: a well changes nothing far below it."""
    return before


def nonlinearity(before: Moments, at: Parameters) -> Moments:
    """f(m) + f'' V / 2 and f'^2 V + f''^2 V^2 / 2: to second order.

    f = q (1 + c1 u + c2 u^2 ...), u = q / W, with W the full well.
    """
    well = at["full_well_e"]
    curve = np.polynomial.Polynomial([0.0, well, *(well * c for c in at["coefficients"])])
    u, spread = before.mean / well, before.variance / well**2
    slope, bend = curve.deriv()(u), curve.deriv(2)(u)
    return Moments(curve(u) + bend * spread / 2, slope**2 * spread + bend**2 * spread**2 / 2)


def gain(before: Moments, at: Parameters) -> Moments:
    """m G, G^2 (V + (F^2 - 1) m): the variance of the gain adds to that of the charge."""
    total = at["gain"] * _wide(at["gain_map"])
    return Moments(before.mean * total, total**2 * (before.variance + at["excess"] * before.mean))


def added_noise(before: Moments, at: Parameters) -> Moments:
    """V + s^2."""
    return Moments(before.mean, before.variance + _wide(at["rms_e"]) ** 2)


def common_mode(before: Moments, at: Parameters) -> Moments:
    """V + s^2, over many frames; one frame is shifted as a whole."""
    return Moments(before.mean, before.variance + at["rms_adu"] ** 2)


def amplifier(before: Moments, at: Parameters) -> Moments:
    """m / K + bias, V / K^2, with K in e-/ADU."""
    scale = _wide(at["gain_e_per_adu"])
    return Moments(before.mean / scale + at["bias_adu"] + at["offset_adu"], before.variance / scale**2)


def digitized(before: Moments) -> Moments:
    """V + 1/12 ADU^2, where the noise before is more than about half an ADU."""
    return Moments(before.mean, before.variance + 1.0 / 12.0)


LAWS: dict[str, Callable[[Moments, Parameters], Moments]] = {
    "photo": photo,
    "dark": dark,
    "extra": extra,
    "shot": shot,
    "clock_induced_charge": clock_induced_charge,
    "cosmic_rays": cosmic_rays,
    "full_well": limited,
    "blooming": limited,
    "cti": cti,
    "ipc": ipc,
    "nonlinearity": nonlinearity,
    "gain": gain,
    "output_full_well": limited,
    "defects": defects,
    "reset_noise": added_noise,
    "avalanche_input_noise": added_noise,
    "read_noise": added_noise,
    "amplifier": amplifier,
    "bias_structure": bias_structure,
    "common_mode": common_mode,
}
"""The law of every stage, by its name."""

NOT_CHARGE = (
    "reset_noise",
    "avalanche_input_noise",
    "read_noise",
    "amplifier",
    "bias_structure",
    "common_mode",
)
"""Stages that can take a pixel without charge below its mean; charge itself is never negative."""

ADU_STAGES = ("amplifier", "bias_structure", "common_mode", "digitize")
"""Stages after which a pixel holds counts."""


class Prediction(NamedTuple):
    """What is expected of every pixel after a stage.

    Attributes
    ----------
    stage : str
        Its name.
    moments : Moments
        Mean and variance, arrays (height, width).
    inside : array of bool (height, width)
        Where no limit so far comes within `MARGIN_SIGMA` standard deviations of the mean.
    """

    stage: str
    moments: Moments
    inside: NDArray[np.bool_]


class Row(NamedTuple):
    """One line of a budget: averages over the compared pixels.

    `drawn_variance` is the mean squared distance of the drawn values from the predicted mean of their pixel.
    The errors are the standard errors of the drawn figures. Before `shot` nothing is drawn, and both
    variances are 0.
    """

    stage: str
    unit: str
    predicted_mean: float
    drawn_mean: float
    mean_error: float
    predicted_variance: float
    drawn_variance: float
    variance_error: float


@dataclass(frozen=True, eq=False)
class NoiseBudget:
    """The budget of one exposure.

    Attributes
    ----------
    rows : tuple of Row
        One for each stage, in order.
    pixels : int
        How many pixels were compared.
    prediction : Prediction
        Of the frame, after the last stage.
    """

    rows: tuple[Row, ...]
    pixels: int
    prediction: Prediction


def predictions(exposure: Exposure) -> Iterator[Prediction]:
    """Mean and variance of every pixel after each stage of an exposure, from the figures of its camera.

    Raises
    ------
    DomainError
        If the chain has a stage without a law.
    """
    config = exposure.config
    zero = np.zeros(config.output_resolution)
    moments = empty = Moments(zero, zero)
    inside = np.ones(zero.shape, np.bool_)
    for stage in exposure.stages():
        if stage.name not in LAWS:
            raise DomainError(f"noise budget: stage must be one of {', '.join(LAWS)}, got {stage.name!r}")
        parameters = _cropped(stage, config.resolution, config.roi_slices) | {
            "sensor_pixels": config.resolution[0] * config.resolution[1],
            "first_row": config.roi_slices[0].start or 0,
            "is_whole": config.roi is None,
        }
        moments = _spread(LAWS[stage.name](moments, parameters), zero.shape)
        if stage.name in NOT_CHARGE:
            empty = LAWS[stage.name](empty, parameters)
        inside = inside & _below(moments, stage.parameters.get("limit_e", inf))
        yield Prediction(stage.name, moments, inside)
    moments = digitized(moments)
    inside = inside & _below(moments, config.max_adu) & (_above(moments, 0.0) | _above(empty, 0.0))
    yield Prediction("digitize", moments, inside)


def noise_budget(
    exposure: Exposure, key: int, frame: int = 0, *, where: NDArray[np.bool_] | None = None
) -> NoiseBudget:
    """Compare the predictions with one drawn frame, stage by stage.

    Parameters
    ----------
    exposure : Exposure
        What is exposed.
    key, frame : int
        Key of the seed (`getframes.noise.stream.seed_key`) and number of the frame.
    where : array of bool (height, width), optional
        Pixels to compare; of those, the ones inside all limits are.

    Raises
    ------
    DomainError
        If there is no such pixel.
    """
    foreseen = list(predictions(exposure))
    chosen = foreseen[-1].inside if where is None else foreseen[-1].inside & where
    require(bool(chosen.any()), "", "where", "a mask with pixels inside the limits", "none")
    drawn = _draws(exposure, key, frame)
    rows = tuple(_row(expected, values, chosen) for expected, values in zip(foreseen, drawn, strict=True))
    return NoiseBudget(rows, int(chosen.sum()), foreseen[-1])


def _draws(exposure: Exposure, key: int, frame: int) -> Iterator[NDArray[Any]]:
    """The values after each stage, from runs of the chain up to it; the last are the counts of the frame."""
    from getframes.noise import chain

    stages = exposure.stages()
    address = chain.Address(key, frame, exposure.kind)
    for count in range(1, len(stages) + 1):
        yield chain.values(stages[:count], exposure.config, address, np.dtype(np.float64))
    yield exposure.adu(key, frame)


def _row(expected: Prediction, drawn: NDArray[Any], chosen: NDArray[np.bool_]) -> Row:
    mean, variance = (moment[chosen] for moment in expected.moments)
    values = drawn[chosen].astype(np.float64)
    squares = (values - mean) ** 2
    root = np.sqrt(values.size)
    return Row(
        expected.stage,
        "ADU" if expected.stage in ADU_STAGES else "e-",
        float(mean.mean()),
        float(values.mean()),
        float(np.sqrt(variance.mean()) / root),
        float(variance.mean()),
        float(squares.mean()) if variance.any() else 0.0,
        float(squares.std() / root) if variance.any() else 0.0,
    )


def _wide(value: Any) -> Any:
    """A number or map in float64."""
    return np.asarray(value, np.float64)


def _spread(moments: Moments, shape: tuple[int, int]) -> Moments:
    return Moments(np.broadcast_to(moments.mean, shape), np.broadcast_to(moments.variance, shape))


def _below(moments: Moments, limit: float) -> Any:
    return limit == inf or moments.mean + MARGIN_SIGMA * np.sqrt(moments.variance) <= limit


def _above(moments: Moments, limit: float) -> Any:
    return moments.mean - MARGIN_SIGMA * np.sqrt(moments.variance) >= limit


def _cropped(stage: Stage, sensor: tuple[int, int], region: tuple[slice, slice]) -> dict[str, Any]:
    """The parameters of a stage, with maps over the sensor cut to the region that is read."""
    parameters = stage.parameters.items()
    return {name: value[region] if np.shape(value) == sensor else value for name, value in parameters}
