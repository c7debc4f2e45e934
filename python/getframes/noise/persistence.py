"""Persistence: charge that traps hold back from one frame and give to the next ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import sim
from getframes.errors import ShapeError
from getframes.noise.image import readable, require_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.config import CameraConfig

    Charge = NDArray[np.floating[Any]]


def release_latent(latent_e: Any, signal_e: Any, config: CameraConfig) -> tuple[Charge, Charge]:
    """One frame of persistence: the charge that is released into it, and what is latent after it [e-].

    With d = `persistence_decay` and f = `persistence_fraction`: released = d latent; latent' = latent - released + f signal.

    Parameters
    ----------
    latent_e : array (height, width)
        Charge that earlier frames left in the traps [e-]; zeros before the first.
    signal_e : array (height, width)
        Mean photoelectrons of this frame [e-].
    config : CameraConfig
        The two figures.

    Raises
    ------
    DomainError, ShapeError
        If a value is not finite, or the two do not have one shape.

    Notes
    -----
    Smith et al. 2008, doi:10.1117/12.789372. Not modelled: several time constants, traps that saturate, the time between frames.
    """
    signal = readable(signal_e, "signal_e", np.dtype(np.float64))
    latent = np.array(readable(latent_e, "latent_e", signal.dtype), dtype=signal.dtype, order="C", ndmin=1)
    if signal.ndim != 2 or latent.shape != signal.shape:
        raise ShapeError(
            f"latent_e and signal_e must have one shape (height, width), got {latent.shape} and {signal.shape}"
        )
    require_finite(signal, "signal_e")
    require_finite(latent, "latent_e")
    released = sim.release_latent(signal, latent, config.persistence_fraction, config.persistence_decay)
    return released, latent
