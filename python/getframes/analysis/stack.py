"""Mean and variance of every pixel over a stack of frames, in one pass.

Law: m = sum x / n, V = sum (x - m)^2 / (n - 1), the unbiased variance.

Counts are summed as integers after the first frame is taken off, so that nothing is rounded before the end; numbers with a fraction
are updated one frame at a time. Memory is a few images, whatever the number of frames.

Source: Welford 1962, doi:10.1080/00401706.1962.10490022; Chan, Golub and LeVeque 1983, doi:10.1080/00031305.1983.10483115.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import ShapeError, require
from getframes.frame import Frame, lit_pixels, require_finite

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    FrameLike = Frame | NDArray[Any]

_EXACT = 1 << 62
"""Sums below this are exact in 64 bits."""
_NARROW = 46_341
"""Squares of smaller differences are exact in 32 bits."""
_BAND_PIXELS = 1 << 15


@dataclass(frozen=True, eq=False)
class StackStats:
    """Mean and temporal variance of each pixel.

    Attributes
    ----------
    mean_adu : array (height, width)
        Mean over the frames [ADU].
    variance_adu2 : array (height, width)
        Unbiased variance over the frames [ADU^2].
    n_frames : int
        Frames.
    exposure_s : float, optional
        Exposure of each of them [s].
    half_variance_adu2 : tuple of two arrays (height, width), optional
        The variance over the even and over the odd frames alone.
    common_mode_adu : float
        Standard deviation of the means of the frames [ADU], where it was taken off.
    """

    mean_adu: NDArray[np.float64]
    variance_adu2: NDArray[np.float64]
    n_frames: int
    exposure_s: float | None = None
    half_variance_adu2: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    common_mode_adu: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width [px]."""
        height, width = self.mean_adu.shape
        return height, width

    @property
    def temporal_repeatability(self) -> float:
        """`repeatability` with its defaults."""
        return self.repeatability()

    def repeatability(self, *, clip_percentile: float = 99.0) -> float:
        """Correlation over pixels of the variances of the two halves: 1 where pixels differ for good, 0 where by chance.

        Parameters
        ----------
        clip_percentile : float
            Pixels above this percentile of either half are left out, so that a few noisy ones do not decide.

        Raises
        ------
        DomainError
            If the stack was not split, or the percentile is not in (0, 100].
        """
        require(
            self.half_variance_adu2 is not None,
            self,
            "half_variance_adu2",
            "there: stack_statistics(..., split=True)",
            None,
        )
        require(0 < clip_percentile <= 100, self, "clip_percentile", "in (0, 100]", clip_percentile)
        assert self.half_variance_adu2 is not None
        one, two = self.half_variance_adu2
        low = [half <= np.percentile(half, clip_percentile) for half in (one, two)]
        kept = low[0] & low[1]
        return _correlation(one[kept], two[kept])

    @property
    def fixed_variance_fraction(self) -> float:
        """How much of the spread of the variance over pixels is real, and not the scatter of a variance from n frames.

        1 - <2 V^2 / (n + 1)> / Var V: a sample variance of Gaussian noise scatters by 2 sigma^4 / (n - 1), and <V^2> is sigma^4 (n + 1) / (n - 1).
        """
        spread = float(np.var(self.variance_adu2))
        chance = 2.0 / (self.n_frames + 1) * float(np.mean(self.variance_adu2**2))
        return 1.0 - chance / spread if spread > 0 else 0.0


def stack_statistics(
    frames: Iterable[FrameLike],
    *,
    exposure_s: float | None = None,
    split: bool = False,
    common_mode: bool = False,
) -> StackStats:
    """Mean and variance of every pixel over a stack, in one pass over the frames.

    Parameters
    ----------
    frames : iterable of Frame or array (height, width)
        The stack; a generator is read once, one frame at a time. Integers are summed exactly. Of frames with an overscan, the data are taken.
    exposure_s : float, optional
        Exposure of each frame [s]; taken from the frames where all have the same one.
    split : bool
        Keep the variance of the even and of the odd frames too (four frames or more).
    common_mode : bool
        Take off what all pixels of a frame have in common: every frame gets the mean that the frames have together. For cameras whose offset moves from
        frame to frame, under steady light.

    Raises
    ------
    DomainError
        If there are too few frames, or one has a value that is not finite.
    ShapeError
        If frames differ in shape.
    """
    parts: list[_Sums] = []
    exposures: set[float | None] = set()
    levels: list[float] = []
    for index, frame in enumerate(frames):
        pixels = lit_pixels(frame, f"frame {index}")
        require_finite(pixels, f"frame {index}")
        if common_mode:
            levels.append(float(pixels.mean(dtype=np.float64)))
            pixels = pixels - (levels[-1] - levels[0])
        if not parts:
            parts = [_Sums(pixels) for _ in range(2 if split else 1)]
        parts[index % len(parts)].add(pixels, index)
        exposures.add(frame.metadata.get("exposure_s") if isinstance(frame, Frame) else None)
    count, least = sum(part.count for part in parts), 4 if split else 2
    require(count >= least, "", "stack_statistics frames", f"at least {least} frames", count)
    if exposure_s is None and len(exposures) == 1:
        exposure_s = exposures.pop()
    whole = parts[0].with_(parts[1]) if split else parts[0]
    halves = (parts[0].variance(), parts[1].variance()) if split else None
    mean = whole.mean() + (float(np.mean(levels)) - levels[0] if common_mode else 0.0)
    offsets = float(np.std(levels, ddof=1)) if common_mode else 0.0
    return StackStats(mean, whole.variance(), count, exposure_s, halves, offsets)


class _Sums:
    """Sums over frames after the first frame is taken off: integers as long as 64 bits hold them, then in floating point.

    For integers `total` and `squares` are sum d and sum d^2; in floating point the mean of d, and the sum of squares about it.
    """

    def __init__(self, first: NDArray[Any]) -> None:
        self.whole = _is_whole(first)
        self.ends = (int(first.min()), int(first.max())) if self.whole else (0, 0)
        self.first: NDArray[Any] = first.astype(np.int64 if self.whole else np.float64)
        self.total: NDArray[Any] = np.zeros(first.shape, self.first.dtype)
        self.squares: NDArray[Any] = np.zeros(first.shape, self.first.dtype)
        self.count = self.reach = 0

    def add(self, pixels: NDArray[Any], index: int) -> None:
        if pixels.shape != self.first.shape:
            raise ShapeError(f"frame {index} must have shape {self.first.shape}, got {pixels.shape}")
        if self.whole and not self._holds(pixels):
            self._leave_integers()
        self.count += 1
        rows = max(1, _BAND_PIXELS // pixels.shape[1])
        for top in range(0, pixels.shape[0], rows):
            self._add_rows(pixels[top : top + rows], slice(top, top + rows))

    def _add_rows(self, pixels: NDArray[Any], band: slice) -> None:
        """So few rows that what is in between stays in the cache."""
        if self.whole:
            narrow = self.reach < _NARROW  # half the bytes, where the squares fit
            whole = pixels.astype(np.int32 if narrow else np.int64)
            whole -= self.first[band].astype(whole.dtype, copy=False)
            self.total[band] += whole
            whole *= whole
            self.squares[band] += whole
        else:
            difference: NDArray[Any] = pixels - self.first[band]
            step = difference - self.total[band]
            self.total[band] += step / self.count
            self.squares[band] += step * (difference - self.total[band])

    def _holds(self, pixels: NDArray[Any]) -> bool:
        """Whether these are integers, and can be added without overflow."""
        if not _is_whole(pixels):
            return False
        low, high = self.ends
        self.reach = max(self.reach, int(pixels.max()) - low, high - int(pixels.min()))
        return (self.count + 1) * self.reach**2 < _EXACT

    def _leave_integers(self) -> None:
        squares, mean = self._about_mean()
        self.total, self.squares, self.first = mean, squares, self.first.astype(np.float64)
        self.whole = False

    def _about_mean(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Sum of squares about the mean, and the mean, both of d."""
        if not self.whole:
            return self.squares, self.total
        count = max(self.count, 1)
        if (count * self.reach) ** 2 < _EXACT:
            return (count * self.squares - self.total**2) / count, self.total / count
        return self.squares - self.total / count * self.total, self.total / count

    def with_(self, other: _Sums) -> _Sums:
        """The sums of both; they took off the same frame."""
        made = _Sums(self.first)
        made.whole, made.count = self.whole and other.whole, self.count + other.count
        made.reach = max(self.reach, other.reach)
        if made.whole:
            made.total, made.squares = self.total + other.total, self.squares + other.squares
            return made
        (one, low), (two, high) = self._about_mean(), other._about_mean()
        made.first = self.first.astype(np.float64)
        made.total = low + (high - low) * (other.count / made.count)
        made.squares = one + two + (high - low) ** 2 * (self.count * other.count / made.count)
        return made

    def mean(self) -> NDArray[np.float64]:
        _, mean = self._about_mean()
        return np.asarray(self.first + mean)

    def variance(self) -> NDArray[np.float64]:
        squares, _ = self._about_mean()
        return np.asarray(squares / (self.count - 1))


def _is_whole(pixels: NDArray[Any]) -> bool:
    return pixels.dtype.kind in "biu" and pixels.dtype != np.uint64


def _correlation(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    spread = float(one.std() * two.std())
    return float(np.mean((one - one.mean()) * (two - two.mean()))) / spread if spread > 0 else 0.0
