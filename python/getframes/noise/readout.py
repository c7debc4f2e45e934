"""How a frame is read: pixel by pixel or in blocks, and the room that is used for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import sim
from getframes.config.saturation import saturation_adu
from getframes.errors import ShapeError, require, require_count
from getframes.noise.patterns import fixed_pattern_maps

if TYPE_CHECKING:
    from getframes.config import CameraConfig
    from getframes.config.geometry import Strips
    from getframes.noise.patterns import FixedPatternMaps

MODES = ("digital", "on_chip")


class DetectorWorkspace:
    """Room for the images that a frame needs on its way, kept from frame to frame.

    A camera whose chain has stages that look at other pixels (blooming, charge transfer, interpixel capacitance), or that bins on the chip,
    needs images of the whole sensor between two runs of the chain. With a workspace they are allocated once, at the first frame; with
    `out=` and `include_truth=False` as well, later frames of the same size allocate nothing as large as a frame. The frames are the same.

    One frame at a time works in a workspace; another that begins meanwhile is a RuntimeError. Pickling and copying make an empty one.
    """

    __slots__ = ("images",)

    def __init__(self) -> None:
        self.images = sim.Images()

    @property
    def nbytes(self) -> int:
        """Memory that it holds now [bytes]."""
        return self.images.nbytes

    def __repr__(self) -> str:
        return f"DetectorWorkspace({self.nbytes} bytes)"

    def __reduce__(self) -> tuple[type[DetectorWorkspace], tuple[()]]:
        return DetectorWorkspace, ()


@dataclass(frozen=True, eq=False)
class Readout:
    """What happens between the pixels and the frame.

    Attributes
    ----------
    binning : int
        Pixels on the side of a super pixel.
    mode : str
        "digital": every pixel is read, and ADU are summed. "on_chip": charge is summed, and read once a super pixel.
    maps : FixedPatternMaps, optional
        Fixed patterns of the reads of super pixels, where binning is on the chip.
    workspace : DetectorWorkspace, optional
        Room for the images in between.
    """

    binning: int = 1
    mode: str = "digital"
    maps: FixedPatternMaps | None = None
    workspace: DetectorWorkspace | None = None

    @classmethod
    def checked(cls, config: CameraConfig, binning: Any, mode: Any, workspace: Any = None) -> Readout:
        """A readout from what a user gives, without its maps.

        Raises
        ------
        DomainError
            If `binning` is no positive integer, `mode` is unknown, sums do not fit into 32 bits, or the region or an amplifier does not
            begin at a super pixel.
        ShapeError
            If the frame cannot be divided into super pixels.
        """
        binning = require_binning(binning, mode)
        if workspace is not None and not isinstance(workspace, DetectorWorkspace):
            raise TypeError(f"workspace must be a DetectorWorkspace, got {type(workspace).__name__}")
        if binning > 1:
            _require_blocks(config, binning, mode)
        return cls(binning, mode, None, workspace)

    @property
    def on_chip(self) -> bool:
        """Whether charge is summed before it is read."""
        return self.binning > 1 and self.mode == "on_chip"

    @property
    def digital(self) -> int:
        """Pixels on the side of a block whose ADU are summed."""
        return 1 if self.on_chip else self.binning

    def shape(self, config: CameraConfig) -> tuple[int, int]:
        """Height and width of the frame."""
        height, width = config.frame_resolution
        return height // self.binning, width // self.binning

    def data_shape(self, config: CameraConfig) -> tuple[int, int]:
        """Height and width of that part of it that collects light."""
        height, width = config.output_resolution
        return height // self.binning, width // self.binning

    def saturation_adu(self, config: CameraConfig) -> int:
        """The count from which a pixel of the frame is saturated [ADU]."""
        return int(saturation_adu(config, self.binning, on_chip=self.on_chip))

    def metadata(self) -> dict[str, Any]:
        """What a frame says about its readout."""
        return {"binning": self.binning, "binning_mode": self.mode} if self.binning > 1 else {}


def require_binning(binning: Any, mode: Any, owner: Any = "") -> int:
    """Pixels on the side of a super pixel, checked with the way they are summed.

    Raises
    ------
    DomainError
        If `binning` is no positive integer, or `mode` unknown.
    """
    require(mode in MODES, owner, "binning_mode", "'digital' or 'on_chip'", mode)
    return require_count(binning, owner, "binning")


PLAIN = Readout()
"""Every pixel is read and stays what it is."""


def super_pixel_maps(config: CameraConfig, factor: int, dtype: np.dtype[Any]) -> FixedPatternMaps:
    """Fixed patterns of the reads of super pixels: read noise, amplifiers, bias structure.

    What a read adds belongs to the read: its maps are drawn for the grid of super pixels, with the figures of the camera, and lengths at the
    edges in pixels of the sensor.
    """
    rows, columns = (side // factor for side in config.resolution)
    grid = config.replace(
        resolution=(rows, columns),
        roi=None,
        amplifier_boundaries_y_px=tuple(row // factor for row in config.sensor_amplifier_boundaries_y_px),
        amplifier_boundaries_x_px=tuple(at // factor for at in config.sensor_amplifier_boundaries_x_px),
        read_noise_edge_scale_px=config.read_noise_edge_scale_px / factor,
        bias_edge_scale_px=config.bias_edge_scale_px / factor,
        bias_edge_secondary_scale_px=config.bias_edge_secondary_scale_px / factor,
        overscan=_divided(config.overscan, factor),
        prescan=_divided(config.prescan, factor),
        # What the pixels have has happened already.
        prnu=0.0,
        dark_current_nonuniformity=0.0,
        hot_pixel_fraction=0.0,
        detector_glow_edge_scale_px=0.0,
        avalanche_gain_nonuniformity=0.0,
        dead_pixel_fraction=0.0,
        bad_column_fraction=0.0,
    )
    return fixed_pattern_maps(grid, float_dtype=dtype)


def _divided(strips: Strips | None, factor: int) -> Strips | None:
    if strips is None:
        return None
    return strips._replace(columns=strips.columns // factor, rows=strips.rows // factor)


def _require_blocks(config: CameraConfig, factor: int, mode: str) -> None:
    left, top, *_ = config.roi or (0, 0)
    if any(side % factor for side in config.output_resolution):
        thing = "roi" if config.roi is not None else "resolution"
        raise ShapeError(
            f"binning must divide the height and width of {thing}, {config.output_resolution}, got {factor}"
        )
    if left % factor or top % factor:
        raise ShapeError(f"binning must divide left and top of roi, {(left, top)}, got {factor}")
    for name in ("overscan", "prescan"):
        strips = getattr(config, name)
        if strips is not None and (strips.columns % factor or strips.rows % factor):
            raise ShapeError(f"binning must divide columns and rows of {name}, {strips[:2]}, got {factor}")
    boundaries = (*config.sensor_amplifier_boundaries_y_px, *config.sensor_amplifier_boundaries_x_px)
    # Sections of amplifiers in a header are whole pixels of the frame.
    if (mode == "on_chip" or config.has_strips) and any(at % factor for at in boundaries):
        raise ShapeError(f"binning must divide the boundaries of the amplifiers, {boundaries}, got {factor}")
    if mode == "digital":
        most = (2**32 - 1) // config.max_adu
        rule = f"at most {int(most**0.5)} for sums of {config.bit_depth}-bit ADU in 32 bits"
        require(factor**2 <= most, "", "binning", rule, factor)
