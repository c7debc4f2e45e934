"""Noise budget: mean and variance of every pixel after each stage of the signal chain, predicted and drawn.

| symbol | meaning                                        | unit      |
|--------|------------------------------------------------|-----------|
| m, V   | mean and variance over many frames, one pixel  | e- or ADU |
| G, F   | mean gain and excess noise factor              | 1         |
| s      | RMS of an additive noise                       | e-        |

A prediction is a chain of small laws, one a stage, each from (m, V) before the stage to (m, V) after it. Away
from the limits they are exact, but for the nonlinearity (second order). Near a limit, a well or an end of the
converter, they do not hold: `Prediction.inside` says where they do.

Pixels that share charge (charge transfer, interpixel capacitance) have a covariance C with their neighbours, and
pixels that share an offset (common mode) one with all others: it enters the error of a mean over pixels. Cosmic
rays have a row of their own, over all compared pixels; the ones they hit then leave the comparison.

Not modelled: the covariance that charge transfer leaves where coupling follows (second order in both), correlation
of a pixel from frame to frame.

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

COSMIC_SCALE_E = 5000.0
"""Mean charge of a cosmic ray is twice this [e-]."""

MARGIN_SIGMA = 6.0
"""A pixel is inside the limits where its mean stays this many standard deviations away from them."""


class Moments(NamedTuple):
    """Mean and variance of each pixel over many frames, numbers or arrays (height, width).

    `covariance` is the sum of the covariances of a pixel with its neighbours, `shared` the variance that all pixels of a frame share, and
    `fourth` the fourth moment of rare events, which is the variance of their squares.
    """

    mean: Any
    variance: Any
    covariance: Any = 0.0
    shared: float = 0.0
    fourth: float = 0.0


def photo(before: Moments, at: Parameters) -> Moments:
    """m + (rate + background) t QE prnu; the mean of the light has no noise yet."""
    light = (_wide(at["photon_rate"]) + _wide(at["background"])) * at["factor"] * _wide(at["prnu"])
    return before._replace(mean=before.mean + light)


def dark(before: Moments, at: Parameters) -> Moments:
    """m + D t dsnu + glow."""
    thermal, glow = at["dark_e"] * _wide(at["multiplier"]), at["glow_e"] * _wide(at["glow_shape"])
    return before._replace(mean=before.mean + thermal + glow)


def extra(before: Moments, at: Parameters) -> Moments:
    """m + extra charge."""
    return before._replace(mean=before.mean + at["extra_electrons"])


def shot(before: Moments, at: Parameters) -> Moments:
    """Poisson: V + m."""
    return before._replace(variance=before.variance + before.mean)


def clock_induced_charge(before: Moments, at: Parameters) -> Moments:
    """m + c, V + c: one more Poisson."""
    return before._replace(mean=before.mean + at["mean_e"], variance=before.variance + at["mean_e"])


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
    bent = slope**2 * spread + bend**2 * spread**2 / 2
    return before._replace(
        mean=curve(u) + bend * spread / 2,
        variance=bent,
        covariance=before.covariance * (slope / well) ** 2,
    )


def gain(before: Moments, at: Parameters) -> Moments:
    """m G, G^2 (V + (F^2 - 1) m): the variance of the gain adds to that of the charge."""
    total = at["gain"] * _wide(at["gain_map"])
    return before._replace(
        mean=before.mean * total,
        variance=total**2 * (before.variance + at["excess"] * before.mean),
        covariance=total**2 * before.covariance,
    )


def added_noise(before: Moments, at: Parameters) -> Moments:
    """V + s^2."""
    return before._replace(variance=before.variance + _wide(at["rms_e"]) ** 2)


def amplifier(before: Moments, at: Parameters) -> Moments:
    """m / K + bias, V / K^2, with K in e-/ADU."""
    scale = _wide(at["gain_e_per_adu"])
    return before._replace(
        mean=before.mean / scale + at["bias_adu"] + at["offset_adu"],
        variance=before.variance / scale**2,
        covariance=before.covariance / scale**2,
    )


def bias_structure(before: Moments, at: Parameters) -> Moments:
    """m + s: the same in every frame."""
    return before._replace(mean=before.mean + _wide(at["bias_structure_adu"]))


def common_mode(before: Moments, at: Parameters) -> Moments:
    """V + s^2, of which s^2 is shared by all pixels of a frame."""
    shared = float(at["rms_adu"]) ** 2
    return before._replace(variance=before.variance + shared, shared=before.shared + shared)


def cosmic_rays(before: Moments, at: Parameters) -> Moments:
    """m + n 2 s k, V + n 6 s^2 f (Campbell), with n hits a pixel and s = 5000 e-: the charge of a hit is Gamma(2, s).

    f is the `concentration` of tracks, k what is `kept_inside`, as a mean over the sensor.
    """
    height, width = at["sensor"]
    hits = at["mean_hits"] / (height * width)
    alone, kept = concentration(at["track_length_px"]), kept_inside(at["track_length_px"], height, width)
    total = hits * 6.0 * COSMIC_SCALE_E**2
    return Moments(
        before.mean + hits * 2.0 * COSMIC_SCALE_E * kept,
        before.variance + total * alone,
        before.covariance + total * (1.0 - alone),
        before.shared,
        hits * 120.0 * COSMIC_SCALE_E**4,
    )


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


def kept_inside(length_px: float, height: int, width: int) -> float:
    """Mean fraction of the charge of a track that stays on the sensor: tracks begin on it anywhere, and are exponential in length [px]."""
    nodes, weights = np.polynomial.laguerre.laggauss(24)
    place, part = np.polynomial.legendre.leggauss(24)
    angle = (np.arange(64) + 0.5) * np.pi / 128.0  # a quarter turn: the others are its mirror images
    reach = length_px * nodes[:, None, None] * (place[:, None] + 1.0) / 2.0
    across = np.maximum(1.0 - reach * np.cos(angle) / width, 0.0)
    along = np.maximum(1.0 - reach * np.sin(angle) / height, 0.0)
    return float(np.einsum("ijk,i,j->", across * along, weights, part / 2.0) / angle.size)


def defects(before: Moments, at: Parameters) -> Moments:
    """0 where the pixel is dead."""
    alive = np.where(at["dead"], 0.0, 1.0)
    return before._replace(
        mean=before.mean * alive, variance=before.variance * alive, covariance=before.covariance * alive
    )


def cti(before: Moments, at: Parameters) -> Moments:
    """(1 - d) m + d' m', (1 - d)^2 V + d'^2 V': d is what the row defers, d', m', V' belong to the row before it."""
    rows = at["top"] + np.arange(-1, np.shape(before.mean)[0])[:, None]
    deferred = np.minimum(at["cti"] * np.maximum(rows, 0), 1.0)
    stays, comes = 1.0 - deferred[1:], deferred[:-1]

    def earlier(values: Any) -> Any:
        return np.concatenate([np.zeros_like(values[:1]), values[:-1]])

    variance = stays**2 * before.variance + comes**2 * earlier(before.variance)
    return _moved(before, stays * before.mean + comes * earlier(before.mean), variance)


def ipc(before: Moments, at: Parameters) -> Moments:
    """(1 - 4c) m + c sum m', (1 - 4c)^2 V + c^2 sum V', sums over the four neighbours."""
    coupling = at["coupling"]
    centre = 1.0 - 4.0 * coupling
    mean = centre * before.mean + coupling * _around(before.mean)
    return _moved(before, mean, centre**2 * before.variance + coupling**2 * _around(before.variance))


def _moved(before: Moments, mean: Any, variance: Any) -> Moments:
    """Charge moved between pixels: what the variance of one loses is in the covariances."""
    return before._replace(
        mean=mean, variance=variance, covariance=before.variance + before.covariance - variance
    )


def _around(values: Any) -> Any:
    """Sum over the four neighbours, nothing beyond the edge."""
    padded = np.pad(values, 1)
    return padded[2:, 1:-1] + padded[:-2, 1:-1] + padded[1:-1, 2:] + padded[1:-1, :-2]


def digitized(before: Moments) -> Moments:
    """V + 1/12 ADU^2, where the noise before is more than about half an ADU."""
    return before._replace(variance=before.variance + 1.0 / 12.0)


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
    exposure = exposure.alone()
    config = exposure.config
    require(exposure.readout.binning == 1, "noise budget", "binning", "1", exposure.readout.binning)
    zero = np.zeros(config.output_resolution)
    moments = empty = Moments(zero, zero)
    inside = np.ones(zero.shape, np.bool_)
    for stage in exposure.stages():
        if stage.name not in LAWS:
            raise DomainError(f"noise budget: stage must be one of {', '.join(LAWS)}, got {stage.name!r}")
        parameters = _local(stage, exposure)
        after = _spread(LAWS[stage.name](moments, parameters), zero.shape)
        if stage.name == "cosmic_rays":
            yield Prediction(stage.name, after, inside)
            continue  # what they hit is compared no longer
        moments = after
        if stage.name in NOT_CHARGE:
            empty = LAWS[stage.name](empty, parameters)
        inside = _reached(stage, inside & _below(moments, stage.parameters.get("limit_e", inf)), exposure)
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
    exposure = exposure.alone()
    foreseen = list(predictions(exposure))
    chosen = foreseen[-1].inside if where is None else foreseen[-1].inside & where
    require(bool(chosen.any()), "", "where", "a mask with pixels inside the limits", "none")
    rows: list[Row] = []
    before: NDArray[Any] | None = None
    stages = (*exposure.stages(), None)
    for stage, expected, values in zip(stages, foreseen, _draws(exposure, key, frame), strict=True):
        rows.append(_row(expected, values, chosen))
        if stage is not None and stage.name == "cosmic_rays" and before is not None:
            chosen = chosen & _far_from(values != before, exposure)
            require(bool(chosen.any()), "", "where", "a mask with pixels that no cosmic ray hits", "none")
        before = values
    return NoiseBudget(tuple(rows), int(chosen.sum()), foreseen[-1])


def _draws(exposure: Exposure, key: int, frame: int) -> Iterator[NDArray[Any]]:
    """The values after each stage, from runs of the chain up to it; the last are the counts of the frame."""
    from getframes.noise import chain

    stages = exposure.stages()
    address = chain.Address(key, frame, exposure.kind)
    for count in range(1, len(stages) + 1):
        yield chain.values(stages[:count], exposure.config, address, np.dtype(np.float64))
    yield exposure.adu(key, frame)


def _row(expected: Prediction, drawn: NDArray[Any], chosen: NDArray[np.bool_]) -> Row:
    moments = expected.moments
    mean, variance = moments.mean[chosen], moments.variance[chosen]
    values = drawn[chosen].astype(np.float64)
    squares = (values - mean) ** 2
    together, own = float((variance + moments.covariance[chosen]).mean()), float(variance.mean())
    random = bool(variance.any())
    # Neighbours that share charge count less; an offset of the frame is one draw, and cosmic rays are few.
    spread = max(float(squares.var()), moments.fourth) * max(together / own, 1.0) if random else 0.0
    offset = 2.0 * moments.shared**2 + 4.0 * moments.shared * own / values.size
    return Row(
        expected.stage,
        "ADU" if expected.stage in ADU_STAGES else "e-",
        float(mean.mean()),
        float(values.mean()),
        float(np.sqrt(max(together, 0.0) / values.size + moments.shared)),
        own,
        float(squares.mean()) if random else 0.0,
        float(np.sqrt(spread / values.size + offset)) if random else 0.0,
    )


def _wide(value: Any) -> Any:
    """A number or map in float64."""
    return np.asarray(value, np.float64)


def _spread(moments: Moments, shape: tuple[int, int]) -> Moments:
    mean, variance, covariance = (np.broadcast_to(moment, shape) for moment in moments[:3])
    return moments._replace(mean=mean, variance=variance, covariance=covariance)


def _below(moments: Moments, limit: float) -> Any:
    return limit == inf or moments.mean + MARGIN_SIGMA * np.sqrt(moments.variance) <= limit


def _above(moments: Moments, limit: float) -> Any:
    return moments.mean - MARGIN_SIGMA * np.sqrt(moments.variance) >= limit


def _local(stage: Stage, exposure: Exposure) -> dict[str, Any]:
    """The parameters of a stage, with maps over the sensor cut to the region that is read, and where that is."""
    sensor, region = exposure.config.resolution, exposure.config.roi_slices
    parameters = {
        name: value[region] if np.shape(value) == sensor else value
        for name, value in stage.parameters.items()
    }
    return {**parameters, "top": region[0].start, "sensor": sensor}


def _reached(stage: Stage, inside: NDArray[np.bool_], exposure: Exposure) -> NDArray[np.bool_]:
    """Where charge that a stage moves comes from pixels inside the limits only."""
    if stage.name == "blooming":
        return inside & inside.all(axis=0)
    if stage.name not in ("cti", "ipc"):
        return inside
    (rows, columns), (height, width) = exposure.config.roi_slices, exposure.config.resolution
    # Beyond the edge of the sensor there is nothing; beyond that of the region, nothing is known.
    padded = np.ones((inside.shape[0] + 2, inside.shape[1] + 2), np.bool_)
    padded[1:-1, 1:-1] = inside
    padded[0], padded[-1] = rows.start == 0, rows.stop == height
    padded[1:-1, 0], padded[1:-1, -1] = columns.start == 0, columns.stop == width
    earlier = padded[:-2, 1:-1]
    if stage.name == "cti":
        return inside & earlier
    return inside & earlier & padded[2:, 1:-1] & padded[1:-1, 2:] & padded[1:-1, :-2]


def _far_from(hit: NDArray[np.bool_], exposure: Exposure) -> NDArray[np.bool_]:
    """Pixels that charge of the hit ones cannot reach."""
    far = ~hit
    for stage in exposure.stages():
        far = _reached(stage, far, exposure)
    return far
