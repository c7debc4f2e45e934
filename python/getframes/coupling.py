"""What interpixel coupling leaves of the noise of a pixel."""

from __future__ import annotations


def noise_kept(coupling: float) -> float:
    """Variance after the coupling over that before it: (1 - 4c)^2 + 4 c^2, where each neighbour sees the fraction c."""
    return (1.0 - 4.0 * coupling) ** 2 + 4.0 * coupling**2
