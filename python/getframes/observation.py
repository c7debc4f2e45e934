"""A time series of frames of one scene, with the truth that does not fit into single frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from getframes.errors import DomainError, require
from getframes.quantity import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from getframes.frame import Frame


@dataclass(frozen=True, eq=False)
class ObservationTruth:
    """What the sources did during an observation.

    Attributes
    ----------
    times_s : array (n,)
        Start of each frame [s].
    light_curve : dict of array (n,)
        Photons of each source at the detector in each frame, by its name; source number i without one is ``source_i``.
    """

    times_s: NDArray[np.float64]
    light_curve: dict[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False, repr=False)
class Observation:
    """Frames of one scene in the order they were taken.

    Attributes
    ----------
    frames : list of Frame
        The frames.
    times_s : array (n,)
        Start of each frame [s].
    offsets_pixels : array (n, 2)
        Where the telescope pointed, (x, y) from the nominal position [px].
    truth : ObservationTruth, optional
        Light curves of the sources.
    """

    frames: list[Frame]
    times_s: NDArray[np.float64]
    offsets_pixels: NDArray[np.float64]
    truth: ObservationTruth | None = None

    def __iter__(self) -> Iterator[Frame]:
        return iter(self.frames)

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Frame:
        return self.frames[index]

    def __repr__(self) -> str:
        camera = self.frames[0].metadata.get("camera") if self.frames else None
        return f"Observation(n_frames={len(self)}, camera={camera!r})"


def frame_times(n_frames: int, cadence: float) -> NDArray[np.float64]:
    """Start of each frame [s]: i times the cadence.

    Raises
    ------
    DomainError
        Unless `n_frames` is an integer >= 0, and the cadence finite and >= 0.
    """
    if isinstance(n_frames, bool) or int(n_frames) != n_frames or n_frames < 0:
        raise DomainError(f"n_frames must be an integer >= 0, got {n_frames}")
    step = float(plain(cadence, "s", "", "cadence"))
    require(0.0 <= step < np.inf, "", "cadence", "finite and >= 0 s", step)
    times = np.arange(int(n_frames), dtype=np.float64)
    times *= step
    return times
