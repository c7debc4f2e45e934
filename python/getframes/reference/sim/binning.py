"""Binning: blocks of pixels become super pixels.

Source: Janesick 2001, *Scientific Charge-Coupled Devices*, doi:10.1117/3.374903.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def binning(values: NDArray[Any], factor: int) -> NDArray[Any]:
    """Sums over blocks of `factor` x `factor` pixels, shape (ny / factor, nx / factor) [unit of the values]."""
    rows, columns = (side // factor for side in values.shape)
    sums: NDArray[Any] = values.reshape(rows, factor, columns, factor).sum(axis=(1, 3))
    return sums


class SuperPixels:
    """The figures of a sensor for the reads of its super pixels: the grid, its amplifiers, its lengths, its well."""

    def __init__(self, sensor: Any, factor: int) -> None:
        self._sensor = sensor
        self.resolution = tuple(side // factor for side in sensor.resolution)
        self.amplifier_boundaries_y_px = tuple(at // factor for at in sensor.sensor_amplifier_boundaries_y_px)
        self.amplifier_boundaries_x_px = tuple(at // factor for at in sensor.sensor_amplifier_boundaries_x_px)
        self.read_noise_edge_scale_px = sensor.read_noise_edge_scale_px / factor
        self.bias_edge_scale_px = sensor.bias_edge_scale_px / factor
        self.bias_edge_secondary_scale_px = sensor.bias_edge_secondary_scale_px / factor
        self.full_well_e = sensor.full_well_e * factor**2
        self.dead_pixel_fraction = self.bad_column_fraction = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sensor, name)
