"""What the tables of an experiment file say, as plain checked values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from getframes.config.scene_settings import Values, build_optics, build_psf

if TYPE_CHECKING:
    from getframes.scene import PSF, Pointing, Telescope


@dataclass(frozen=True)
class FrameSettings:
    """What stands in `[frame]`: the frames that `generate` makes.

    Attributes
    ----------
    type : str
        dark, bias, flat, light or science.
    exposure_s : float
        0 for a bias [s].
    photon_rate, background : float
        Of flat and light frames [photons / s / pixel].
    temperature_c : float or None
        None for that of the camera [deg C].
    seed : int or None
        None for another one in every run.
    n_frames : int
        How many.
    """

    type: str
    exposure_s: float = 0.0
    photon_rate: float = 0.0
    background: float = 0.0
    temperature_c: float | None = None
    seed: int | None = None
    n_frames: int = 1


@dataclass(frozen=True)
class RampSettings:
    """What stands in `[ramp]`: reads without a reset between them.

    Attributes
    ----------
    type : str
        nondestructive or cds.
    reads_per_reset : int
        Reads of a ramp, of the type nondestructive.
    pedestal_interval_s : float
        Time from the reset to the first read, of the type cds [s].
    """

    type: str
    reads_per_reset: int = 1
    pedestal_interval_s: float = 0.0


@dataclass(frozen=True)
class SeriesSettings:
    """What stands in `[series]`: when frames begin, and where the telescope points.

    Attributes
    ----------
    cadence_s : float or None
        Time from the start of a frame to that of the next; None for the exposure time [s].
    jitter_arcsec, drift_arcsec_per_s, dither_arcsec
        As in `Pointing`.
    """

    cadence_s: float | None = None
    jitter_arcsec: float = 0.0
    drift_arcsec_per_s: tuple[float, float] = (0.0, 0.0)
    dither_arcsec: tuple[tuple[float, float], ...] | None = None

    def build_pointing(self) -> Pointing:
        """Where the telescope points."""
        from getframes.scene import Pointing

        return Pointing(self.jitter_arcsec, self.drift_arcsec_per_s, self.dither_arcsec)


@dataclass(frozen=True)
class DatasetSettings:
    """What stands in `[dataset]`: pairs of raw frame and truth, of random star fields.

    Attributes
    ----------
    n : int
        How many pairs.
    shape : (int, int)
        Height and width, which are those of the camera [px].
    exposure_s, temperature_c : float, float or None
        As in `FrameSettings`.
    n_stars : int or (int, int)
        Stars in a field, or the least and the most.
    mag_range : (float, float)
        Brightest and faintest magnitude.
    sky_mag_arcsec2 : float or None
        None for no sky [mag / arcsec2].
    seed : int or None
        None for another one in every run.
    dtype, compress, format : str, bool, str
        Of the files.
    optics, psf : dict or None
        Keys as in the file; None for the default.
    """

    n: int
    shape: tuple[int, int]
    exposure_s: float
    temperature_c: float | None = None
    n_stars: int | tuple[int, int] = (20, 200)
    mag_range: tuple[float, float] = (16.0, 22.0)
    sky_mag_arcsec2: float | None = 21.0
    seed: int | None = None
    dtype: str = "float32"
    compress: bool = False
    format: str = "npz"
    optics: Values | None = None
    psf: Values | None = None

    def build_optics(self) -> Telescope | None:
        """The telescope, or None for the default."""
        return None if self.optics is None else build_optics(self.optics)

    def build_psf(self) -> PSF | None:
        """The point spread function, or None for the default."""
        return None if self.psf is None else build_psf(self.psf, self.optics)
