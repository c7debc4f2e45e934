"""A scene: everything in front of the detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import require
from getframes.memory import require_memory
from getframes.precision import working_dtype
from getframes.quantity import plain
from getframes.scene.diffusion import DiffusedPSF
from getframes.scene.extended import deposit_in_order
from getframes.scene.optics import Telescope, image_shape
from getframes.scene.psf import PSF
from getframes.scene.sky import Sky
from getframes.scene.sources import RenderContext, Source
from getframes.scene.thermal import Thermal
from getframes.scene.wcs import WCSInfo
from getframes.spectral import QE, SED, Spectrum

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    RateMap = NDArray[np.float64]


@dataclass
class Scene:
    """A telescope that looks at sources.

    Attributes
    ----------
    shape : tuple of int
        (height, width) of the detector [pixel].
    optics : Telescope
        The telescope.
    psf : PSF
        The point spread function of the whole field.
    sources : sequence of Source
        Drawn in this order.
    sky, thermal : Sky, Thermal, optional
        Backgrounds, the same on every pixel.
    wcs : WCSInfo, optional
        Needed for sources placed by RA and Dec.
    """

    shape: tuple[int, int]
    optics: Telescope
    psf: PSF
    sources: Sequence[Source] = field(default_factory=list)
    sky: Sky | None = None
    thermal: Thermal | None = None
    wcs: WCSInfo | None = None

    def __post_init__(self) -> None:
        self.shape = image_shape(self, self.shape)
        self.sources = list(self.sources)

    def add(self, *sources: Source) -> None:
        """Add sources behind those the scene has."""
        self.sources = [*self.sources, *sources]

    def diffused(self, fwhm_px: float) -> Scene:
        """The same scene behind charge diffusion of that width [pixel]; itself where it is 0."""
        return replace(self, psf=DiffusedPSF(self.psf, fwhm_px)) if fwhm_px > 0.0 else self

    @property
    def varies(self) -> bool:
        """Whether a source may change with time: it has a light curve, or is of a kind that does not say."""
        return any(getattr(source, "brightness", source) is not None for source in self.sources)

    def photon_rate_map(
        self,
        time_s: float | None = None,
        offset_xy: tuple[float, float] = (0.0, 0.0),
        dtype: DTypeLike | None = None,
        *,
        precision: str | None = None,
    ) -> RateMap:
        """Photons of the sources at the detector, without the background [photons / s / pixel].

        Parameters
        ----------
        time_s : float, optional
            Time for light curves [s]; without one every source has its steady brightness.
        offset_xy : tuple of float
            Shift of every source [pixel], as by pointing errors.
        dtype, precision : dtype, str, optional
            float32 ("single") or float64 ("double", the default).

        Returns
        -------
        ndarray, shape (height, width)

        Raises
        ------
        DomainError
            When a source cannot be placed, or has no photon rate in this telescope.
        SizeError
            When the map would not fit in memory; nothing has been allocated.
        """
        return self._rate_map(_photons, time_s, offset_xy, working_dtype(dtype, precision))

    def photoelectron_rate_map(
        self,
        qe_curve: QE,
        time_s: float | None = None,
        offset_xy: tuple[float, float] = (0.0, 0.0),
        dtype: DTypeLike | None = None,
        *,
        precision: str | None = None,
    ) -> RateMap:
        """Photoelectrons of the sources, each with the QE of its own spectrum [e- / s / pixel].

        Parameters as in `photon_rate_map`, and `qe_curve`, the sensor.

        Raises
        ------
        DomainError
            When the band of the telescope has no `response`.
        """
        scale = partial(self._effective_qe, qe_curve)
        return self._rate_map(scale, time_s, offset_xy, working_dtype(dtype, precision))

    def light_curves(self, times_s: NDArray[np.float64], exposure: float) -> dict[str, NDArray[np.float64]]:
        """Photons of each source at the detector in frames that begin at these times [s], without the background.

        By name; source number i without one is ``source_i``. Sources of one name are summed.
        """
        exposure_s = float(plain(exposure, "s", "", "exposure"))
        curves: dict[str, NDArray[np.float64]] = {}
        for number, source in enumerate(self.sources):
            name = getattr(source, "name", None) or f"source_{number}"
            rates = [source.total_photon_rate(self.optics, time_s) for time_s in times_s.tolist()]
            photons: NDArray[np.float64] = np.multiply(rates, exposure_s, dtype=np.float64)
            curves[name] = photons + curves.get(name, 0.0)
        return curves

    def sky_photon_rate(self) -> float:
        """Photons of the sky [photons / s / pixel]."""
        if self.sky is None:
            return 0.0
        return self.optics.surface_brightness_photon_rate(self.sky.surface_brightness_mag_arcsec2)

    def thermal_photon_rate(self) -> float:
        """Photons of the thermal background [photons / s / pixel]."""
        return 0.0 if self.thermal is None else self.thermal.photon_rate(self.optics)

    def background_photon_rate(self) -> float:
        """Photons of sky and thermal background [photons / s / pixel]."""
        return self.sky_photon_rate() + self.thermal_photon_rate()

    @property
    def is_spectral_capable(self) -> bool:
        """Whether the band has a `response`, so that spectra can be folded with a QE curve."""
        return self.optics.band is not None and self.optics.band.response is not None

    def sky_electron_rate(self, qe_curve: QE) -> float:
        """Photoelectrons of the sky [e- / s / pixel]."""
        return (
            0.0 if self.sky is None else self.sky_photon_rate() * self._effective_qe(qe_curve, self.sky.sed)
        )

    def thermal_electron_rate(self, qe_curve: QE) -> float:
        """Photoelectrons of the thermal background [e- / s / pixel]."""
        rate = self.thermal_photon_rate()
        if self.thermal is None or rate == 0.0:
            return 0.0
        response: Spectrum = self.optics.required_band("Thermal").spectral_response().response
        sed = self.thermal.photon_sed(response.wavelength_min_nm, response.wavelength_max_nm)
        return rate * self._effective_qe(qe_curve, sed)

    def background_electron_rate(self, qe_curve: QE) -> float:
        """Photoelectrons of sky and thermal background [e- / s / pixel]."""
        return self.sky_electron_rate(qe_curve) + self.thermal_electron_rate(qe_curve)

    def _effective_qe(self, qe_curve: QE, sed: SED | None) -> float:
        return self.optics.required_band("a QE curve").effective_qe(qe_curve, sed)

    def _rate_map(
        self,
        qe_scale: Callable[[SED | None], float],
        time_s: float | None,
        offset_xy: tuple[float, float],
        dtype: np.dtype[Any],
    ) -> RateMap:
        dx, dy = (float(offset) for offset in offset_xy)
        require(bool(np.isfinite([dx, dy]).all()), "", "offset_xy", "finite", offset_xy)
        context = RenderContext(
            self.optics, self.psf, self.wcs, time_s, (dx, dy), qe_scale, self._pixel_transform()
        )
        vignetted = self.optics.vignetting is not None
        require_memory(self.shape, dtype.itemsize + 16 * vignetted, "the rate map of a scene")
        image = np.zeros(self.shape, dtype)
        deposit_in_order(self.sources, image, context)
        illumination = self.optics.illumination_map(self.shape)
        if illumination is not None:
            np.multiply(image, illumination, out=image, casting="same_kind")
        return image

    def _pixel_transform(self) -> Callable[[Any, Any], tuple[Any, Any]] | None:
        if self.optics.distortion is None:
            return None
        height, width = self.shape
        return partial(self.optics.distortion.apply, cx=(width - 1) / 2.0, cy=(height - 1) / 2.0)


def _photons(sed: SED | None) -> float:
    return 1.0
