"""Ramps: frames read without reset, charge growing from read to read.

`infer_reset_indices` finds the resets: reads after which the level falls. `nondestructive_stack_statistics` gives the noise of the reads, and
`ramp_photon_transfer` the gain, from many ramps of the same light.

| symbol | meaning                                             | unit   |
|--------|-----------------------------------------------------|--------|
| x(r)   | read number r of a ramp                             | ADU    |
| d(r)   | x(r + 1) - x(r), the two in one ramp                | ADU    |
| n      | ramps                                               |        |

Noise of a read: the differences of neighbouring reads have the variance 2 s^2 + increment / K; over all reads, what a ramp has from its reset is added. Common
offsets of a read are taken off first. Photon transfer: over ramps of the same light, read r of a pixel has the variance s^2 + (charge so far) / K,
s with the reset noise in it. The slope over r of the mean variance against the mean signal is 1/K, whatever s is.

Not modelled: ramps of different light, jumps by cosmic rays (pixels beyond the percentiles of variance are left out), nonlinearity.

Sources: Fowler and Gatley 1990, doi:10.1086/185701; Robberto 2010, doi:10.1117/12.852918 (noise of reads up the ramp); Janesick 2007,
doi:10.1117/3.725073.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.analysis.curve import fitted
from getframes.analysis.spread import trimmed_mean_of_variances
from getframes.errors import DomainError, ShapeError, require
from getframes.frame import lit_pixels, require_finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

_FALL = 0.2
"""A reset takes the level down by this fraction of the range of the levels, and by five times the scatter of the steps, at least."""


@dataclass(frozen=True, eq=False)
class NondestructiveStackStats:
    """Noise and levels of a series of nondestructive reads.

    Attributes
    ----------
    mean_adu : array (height, width)
        Mean of each pixel over all reads [ADU].
    temporal_noise_adu : array (height, width)
        Standard deviation of each pixel over all reads, about its own straight ramp, common offsets taken off [ADU]. What the reads of a ramp
        share (reset noise) is in it.
    cds_noise_adu : array (height, width)
        Noise of one read as differences of neighbouring reads show it: their standard deviation over sqrt(2) [ADU]. What they share is not in it.
    frame_level_adu : array (n,)
        Median of each read [ADU].
    common_mode_adu : array (n,)
        What the level of a read has beyond the straight line of its ramp [ADU].
    reset_after_indices : array of int
        Reads after which the detector was reset.
    channel_bias_adu, channel_noise_adu : array (channel_count,)
        Median of the mean, and of the noise, of each readout channel [ADU].
    n_frames, n_differences : int
        Reads, and differences inside ramps.
    ramp_slope_adu_per_read : float
        Mean rise of the level from read to read [ADU].
    common_mode_noise_adu : float
        Standard deviation of `common_mode_adu` [ADU].
    common_mode_lag1_correlation : float
        Its correlation from read to read of a ramp.
    bias_median_adu, bias_spatial_std_adu, temporal_noise_median_adu : float
        Of the mean (median, and standard deviation over pixels) and of the noise (median) [ADU].
    channel_bias_spread_adu : float
        Standard deviation of the biases of the channels [ADU].
    channel_noise_log_spread : float
        Standard deviation of the logarithm of their noise.
    edge_bias_rise_adu, edge_noise_factor : float
        Bias of the edge less that of the rest [ADU], noise of the edge over that of the rest.
    saturated_fraction : float
        Fraction of all values at or above saturation; NaN when that is not known.
    """

    mean_adu: NDArray[np.float64]
    temporal_noise_adu: NDArray[np.float64]
    cds_noise_adu: NDArray[np.float64]
    frame_level_adu: NDArray[np.float64]
    common_mode_adu: NDArray[np.float64]
    reset_after_indices: NDArray[np.int64]
    channel_bias_adu: NDArray[np.float64]
    channel_noise_adu: NDArray[np.float64]
    n_frames: int
    n_differences: int
    ramp_slope_adu_per_read: float
    common_mode_noise_adu: float
    common_mode_lag1_correlation: float
    bias_median_adu: float
    bias_spatial_std_adu: float
    temporal_noise_median_adu: float
    channel_bias_spread_adu: float
    channel_noise_log_spread: float
    edge_bias_rise_adu: float
    edge_noise_factor: float
    saturated_fraction: float

    @property
    def inferred_reads_per_reset(self) -> int | None:
        """Reads of a ramp, where all whole ramps have the same number; None otherwise."""
        steps = np.unique(np.diff(self.reset_after_indices))
        if steps.size == 1:
            return int(steps[0])
        return int(self.reset_after_indices[0]) + 1 if self.reset_after_indices.size == 1 else None


@dataclass(frozen=True, eq=False)
class RampPhotonTransfer:
    """Photon transfer of ramps.

    Attributes
    ----------
    signal_adu : array (reads,)
        Mean signal of each read above that of the first one that has settled [ADU].
    variance_adu2 : array (reads,)
        Mean variance of that read over ramps [ADU^2].
    response_nonuniformity_map : array (height, width)
        Signal of each pixel over the mean, less 1.
    conversion_gain_e_per_adu : float
        One over the slope of variance against signal; behind a gain stage divided by G F^2.
    variance_intercept_adu2 : float
        The variance where the signal begins, at the first read that has settled [ADU^2]: read noise, reset noise, and the charge until then.
    fit_correlation : float
        Correlation of variance and signal.
    response_nonuniformity : float
        Standard deviation of the map, without the scatter of the measurement.
    response_repeatability : float
        Correlation of the maps from even and from odd ramps.
    n_ramps, reads_per_ramp : int
        What was used.
    """

    signal_adu: NDArray[np.float64]
    variance_adu2: NDArray[np.float64]
    response_nonuniformity_map: NDArray[np.float64]
    conversion_gain_e_per_adu: float
    variance_intercept_adu2: float
    fit_correlation: float
    response_nonuniformity: float
    response_repeatability: float
    n_ramps: int
    reads_per_ramp: int


def infer_reset_indices(frame_levels_adu: ArrayLike) -> NDArray[np.int64]:
    """Reads after which the detector was reset: the level falls by much more than steps scatter. Ramps have three reads or more.

    Parameters
    ----------
    frame_levels_adu : array (n,)
        Level of each read [ADU], three or more.

    Raises
    ------
    DomainError
        If there are fewer than three levels, or one is not finite.
    """
    levels = np.asarray(frame_levels_adu, np.float64)
    require(
        levels.ndim == 1 and levels.size >= 3, "", "frame_levels_adu", "three or more numbers", levels.shape
    )
    require(bool(np.isfinite(levels).all()), "", "frame_levels_adu", "finite", levels)
    steps = np.diff(levels)
    scatter = 1.4826 * float(np.median(np.abs(steps - np.median(steps))))
    fall = max(_FALL * float(np.ptp(levels)), 5.0 * scatter)
    return np.flatnonzero(steps < -fall).astype(np.int64)


def nondestructive_stack_statistics(
    frames: Sequence[Any] | NDArray[Any],
    *,
    channel_count: int = 1,
    channel_axis: int = 1,
    edge_width: int = 4,
    reset_after_indices: ArrayLike | None = None,
    level_sample_step: int = 4,
    saturation_adu: float | None = None,
) -> NondestructiveStackStats:
    """Noise of reads, common mode and channels, from a series of nondestructive reads.

    Parameters
    ----------
    frames : sequence of Frame, or array (n, height, width)
        Three reads or more, in the order of time.
    channel_count, channel_axis : int
        Interleaved readout channels, and the axis along which they take turns.
    edge_width : int
        Width of the edge [px].
    reset_after_indices : array of int, optional
        Reads after which the detector was reset; inferred from the levels when left out.
    level_sample_step : int
        The level of a read is the median of every pixel this far apart in both directions.
    saturation_adu : float, optional
        Counts at or above this are saturated.

    Raises
    ------
    DomainError
        If there are fewer than three reads, no two of one ramp, or an argument is impossible.
    ShapeError
        If the reads differ in shape.
    """
    reads = _reads(frames, 3)
    shape = reads[0].shape
    _require_layout(shape, channel_count, channel_axis, edge_width)
    levels = _levels(reads, level_sample_step)
    resets = _resets(levels, reset_after_indices)
    inside = np.setdiff1d(np.arange(len(reads) - 1), resets)
    require(inside.size > 0, "", "reset_after_indices", "such that a ramp has two reads", resets.tolist())
    cds = _difference_noise(reads, inside) / np.sqrt(2.0)
    common, ramps = _common_mode(levels, resets)
    noise = _noise_about_ramps(reads, levels, ramps)
    mean = _mean(reads)
    channel = np.arange(shape[channel_axis]) % channel_count
    bias, spread = (
        np.array(
            [
                float(np.median(np.compress(channel == number, image, channel_axis)))
                for number in range(channel_count)
            ]
        )
        for image in (mean, noise)
    )
    edge = np.ones(shape, np.bool_)
    edge[edge_width : shape[0] - edge_width, edge_width : shape[1] - edge_width] = False
    full = nan
    if saturation_adu is not None:
        full = sum(int((read >= saturation_adu).sum()) for read in reads) / (len(reads) * mean.size)
    return NondestructiveStackStats(
        mean,
        noise,
        cds,
        levels,
        common,
        resets,
        bias,
        spread,
        len(reads),
        int(inside.size),
        float(np.mean(np.diff(levels)[inside])),
        float(common.std(ddof=1)),
        _lag_one(common, ramps),
        float(np.median(mean)),
        float(mean.std()),
        float(np.median(noise)),
        float(bias.std()),
        float(np.log(spread).std()) if (spread > 0).all() else nan,
        float(np.median(mean[edge]) - np.median(mean[~edge])) if edge_width else 0.0,
        _ratio(float(np.median(noise[edge])), float(np.median(noise[~edge]))) if edge_width else 1.0,
        full,
    )


def ramp_photon_transfer(
    frames: Sequence[Any] | NDArray[Any],
    *,
    reset_after_indices: ArrayLike | None = None,
    settle_reads: int = 2,
    level_sample_step: int = 4,
    variance_clip_percentiles: tuple[float, float] = (1.0, 99.0),
) -> RampPhotonTransfer:
    """Gain from how the noise of ramps grows with their signal.

    Parameters
    ----------
    frames : sequence of Frame, or array (n, height, width)
        Reads of three or more whole ramps of the same light.
    reset_after_indices, level_sample_step
        As in `nondestructive_stack_statistics`.
    settle_reads : int
        Reads after a reset that are left out.
    variance_clip_percentiles : (low, high)
        At each read, pixels whose variance is outside these percentiles are left out, and the mean of the others is divided by what it would be
        for unit Gaussian noise: variances of few ramps are skewed, and cutting their tails lowers their mean.

    Raises
    ------
    DomainError
        If there are fewer than three whole ramps, or fewer than three reads of one have settled, or the variance does not grow.
    """
    low, high = variance_clip_percentiles
    ordered = 0 <= low < high <= 100
    require(ordered, "", "variance_clip_percentiles", "0 <= low < high <= 100", variance_clip_percentiles)
    require(settle_reads >= 0, "", "settle_reads", ">= 0", settle_reads)
    reads = _reads(frames, 3)
    ramps = _whole_ramps(len(reads), _resets(_levels(reads, level_sample_step), reset_after_indices))
    require(len(ramps) >= 3, "", "frames", "three or more whole ramps", len(ramps))
    length = ramps[0].size
    require(
        length - settle_reads >= 3, "", "settle_reads", f"<= {length - 3} for {length} reads", settle_reads
    )
    numbers = np.arange(settle_reads, length)
    means, variances = _over_ramps(reads, ramps, numbers)
    signal = np.array([float(mean.mean()) for mean in means])
    share = trimmed_mean_of_variances(len(ramps) - 1, low, high)
    variance = np.array([_trimmed_mean(image, low, high) / share for image in variances])
    line = fitted(signal, variance, variance + 1e-12, (0, 1))
    if not line.of(1) > 0.0:
        raise DomainError(
            f"frames must be of ramps whose variance grows with their signal, got the slope {line.of(1):.3g}"
        )
    response, halves = _response(reads, ramps, settle_reads)
    shared = float(np.mean(halves[0] * halves[1])) - float(halves[0].mean() * halves[1].mean())
    return RampPhotonTransfer(
        signal,
        variance,
        response,
        1.0 / line.of(1),
        line.of(0),
        float(np.corrcoef(signal, variance)[0, 1]),
        float(np.sqrt(max(shared, 0.0))),
        _ratio(shared, float(halves[0].std() * halves[1].std())),
        len(ramps),
        int(length),
    )


def _reads(frames: Any, least: int) -> list[NDArray[Any]]:
    if isinstance(frames, np.ndarray) and frames.ndim != 3:
        raise ShapeError(f"frames must have shape (n, height, width), got {frames.shape}")
    reads = [lit_pixels(frame, f"frame {index}") for index, frame in enumerate(frames)]
    require(len(reads) >= least, "", "frames", f"{least} or more", len(reads))
    for index, read in enumerate(reads):
        require_finite(read, f"frame {index}")
        if read.shape != reads[0].shape:
            raise ShapeError(f"frame {index} must have shape {reads[0].shape}, got {read.shape}")
    return reads


def _mean(reads: list[NDArray[Any]]) -> Array:
    total = np.zeros(reads[0].shape)
    for read in reads:
        total += read
    return total / len(reads)


def _require_layout(shape: tuple[int, ...], channels: int, axis: int, edge: int) -> None:
    require(axis in (0, 1), "", "channel_axis", "0 or 1", axis)
    require(1 <= channels <= shape[axis], "", "channel_count", f"in 1..{shape[axis]}", channels)
    require(0 <= 2 * edge < min(shape), "", "edge_width", f">= 0 and < half of {min(shape)} px", edge)


def _levels(reads: list[NDArray[Any]], step: int) -> Array:
    require(step >= 1, "", "level_sample_step", ">= 1", step)
    return np.array([float(np.median(read[::step, ::step])) for read in reads])


def _resets(levels: Array, given: ArrayLike | None) -> NDArray[np.int64]:
    if given is None:
        return infer_reset_indices(levels)
    resets = np.unique(np.asarray(given, np.int64).ravel())
    inside = resets.size == 0 or (resets[0] >= 0 and resets[-1] < levels.size)
    require(bool(inside), "", "reset_after_indices", f"in 0..{levels.size - 1}", resets.tolist())
    return resets


def _whole_ramps(count: int, resets: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Indices of the reads of each ramp, of those that have the usual length."""
    ends = np.unique(np.concatenate([resets, [count - 1]]))
    ramps = [
        np.arange(first, end + 1)
        for first, end in zip(np.concatenate([[0], ends[:-1] + 1]), ends, strict=True)
    ]
    usual = int(np.median([ramp.size for ramp in ramps]))
    return [ramp for ramp in ramps if ramp.size == usual]


def _ages(count: int, resets: NDArray[np.int64]) -> tuple[Array, NDArray[np.int64]]:
    """Reads since the last reset, and the number of the ramp, of each read."""
    starts = np.concatenate([[0], resets + 1])
    ramp = np.searchsorted(starts, np.arange(count), "right") - 1
    return (np.arange(count) - starts[ramp]).astype(np.float64), ramp


def _noise_about_ramps(reads: list[NDArray[Any]], levels: Array, ramps: list[NDArray[np.int64]]) -> Array:
    """Standard deviation over time of each pixel less the level of its read, about a straight line in the reads since reset.

    The variance inside ramps and that of their means are added, each without bias: what a ramp shares is drawn once a ramp.
    """
    first = reads[0].astype(np.float64) - levels[0]
    inside, slope, mean, between = (np.zeros(first.shape) for _ in range(4))
    lever = 0.0
    for number, ramp in enumerate(ramps):
        total = np.zeros(first.shape)
        ages = np.arange(ramp.size) - (ramp.size - 1) / 2.0
        for age, index in zip(ages, ramp, strict=True):
            rest = reads[index] - levels[index] - first
            total += rest
            inside += rest * rest
            slope += age * rest
        lever += float((ages**2).sum())
        own = total / ramp.size
        inside -= ramp.size * own * own
        step = own - mean
        mean += step / (number + 1)
        between += step * (own - mean)
    if lever > 0.0:
        inside -= slope * slope / lever
    free = levels.size - len(ramps) - (1 if lever > 0.0 else 0)
    variance = np.maximum(inside, 0.0) / max(free, 1)
    if len(ramps) > 1:
        variance = variance * (1.0 - len(ramps) / levels.size) + between / (len(ramps) - 1)
    return np.sqrt(variance)


def _difference_noise(reads: list[NDArray[Any]], inside: NDArray[np.int64]) -> Array:
    """Standard deviation over time of the differences of neighbouring reads, the mean of each read taken off."""
    count, mean, squares = 0, np.zeros(reads[0].shape), np.zeros(reads[0].shape)
    for index in inside:
        difference = reads[index + 1].astype(np.float64) - reads[index]
        difference -= difference.mean()
        count += 1
        step = difference - mean
        mean += step / count
        squares += step * (difference - mean)
    return np.sqrt(squares / (count - 1)) if count > 1 else np.zeros(reads[0].shape)


def _common_mode(levels: Array, resets: NDArray[np.int64]) -> tuple[Array, list[NDArray[np.int64]]]:
    """What levels have beyond the straight line that all ramps share."""
    age, ramp = _ages(levels.size, resets)
    design = np.stack([np.ones(levels.size), age], axis=1)
    solution, _, _, _ = np.linalg.lstsq(design, levels, rcond=None)
    common = levels - design @ solution
    return common, [np.flatnonzero(ramp == number) for number in range(int(ramp.max()) + 1)]


def _lag_one(common: Array, ramps: list[NDArray[np.int64]]) -> float:
    one = np.concatenate([common[ramp[:-1]] for ramp in ramps])
    two = np.concatenate([common[ramp[1:]] for ramp in ramps])
    return _ratio(float(np.mean(one * two)), float(np.mean(common**2)))


def _over_ramps(
    reads: list[NDArray[Any]], ramps: list[NDArray[np.int64]], numbers: NDArray[np.int64]
) -> tuple[list[Array], list[Array]]:
    """Mean over ramps of each read less that of the first, and its unbiased variance, common offsets of a read taken off."""
    means, variances = [], []
    for number in numbers:
        values = np.stack([reads[ramp[number]].astype(np.float64) for ramp in ramps])
        values -= values.mean(axis=(1, 2), keepdims=True) - values.mean()
        means.append(values.mean(axis=0))
        variances.append(values.var(axis=0, ddof=1))
    return [mean - means[0] for mean in means], variances


def _trimmed_mean(values: Array, low: float, high: float) -> float:
    ends = np.percentile(values, (low, high))
    return float(values[(values >= ends[0]) & (values <= ends[1])].mean())


def _response(
    reads: list[NDArray[Any]], ramps: list[NDArray[np.int64]], settle: int
) -> tuple[Array, tuple[Array, Array]]:
    """Signal of each pixel over the mean, less 1: of all ramps, and of the even and the odd ones."""
    signals = [reads[ramp[-1]].astype(np.float64) - reads[ramp[settle]] for ramp in ramps]

    def relative(some: list[Array]) -> Array:
        total = np.mean(some, axis=0)
        level = float(total.mean())
        require(level > 0, "", "frames", "ramps that rise", level)
        return np.asarray(total / level - 1.0)

    return relative(signals), (relative(signals[::2]), relative(signals[1::2]))


def _ratio(one: float, two: float) -> float:
    return one / two if two > 0 else nan
