"""From counts back to electrons and photons, with what is known about the camera.

| symbol | meaning                                                     | unit   |
|--------|-------------------------------------------------------------|--------|
| n      | counts                                                      | ADU    |
| b      | bias of a pixel of the frame                                | ADU    |
| K, G   | conversion gain, and mean gain of the gain stage            | e-/ADU |
| g      | inverse of the response curve (`getframes.noise.apply_nonlinearity`) | |

Law: electrons = g(K/G (n - b)) - g(K/G (dark - b)), over the flat; photons = electrons / QE.

The response bends with all the charge of a pixel, so that light and dark are straightened before one is taken from the other. Beyond the full well the
curve goes on as far as it rises, for the noise about it.

A pixel counts as saturated from five standard deviations (of the noisiest pixels) below the lower end of full well and output well, or at the end of the
converter: noise takes a full pixel below the end as often as above it.

Binning: `digital` adds the counts of b x b pixels, each with its bias; `on_chip` adds charge, read once. g is taken at the mean of the block.

Not modelled: the noise of the gain stage (a pixel of few electrons is right in the mean only), saturation of a single pixel of a block, amplifiers of
different gain (the flat has them), the mixing of coupled pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import reduce as native
from getframes.config import CameraConfig
from getframes.config.saturation import response_coefficients, saturation_adu
from getframes.errors import DomainError, require, require_count
from getframes.frame import Frame, as_pixels, require_finite
from getframes.reduce.correction import relative_response
from getframes.reduce.kernel import Steps
from getframes.spectral import effective_qe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.spectral import SED, SpectralBandpass

    FrameLike = Frame | NDArray[Any]

_MODES = ("digital", "on_chip")


class Calibration:
    """Counts of one camera at one exposure, turned into electrons and photons.

    Parameters
    ----------
    config : CameraConfig
        The camera.
    dark : Frame or array (height, width)
        Mean dark of the exposure of the frames, bias included [ADU]. Where it is float32, results are.
    flat : Frame or array (height, width), optional
        Flat without its bias; it is divided by its mean. Pixels where it is not positive become NaN.
    linearize : bool
        Undo the nonlinearity of the camera.
    binning : int
        Pixels on a side of a pixel of the frames.
    exposure_s : float, optional
        Exposure of the dark [s]; from its metadata when left out.
    n_darks : int, optional
        How many darks are in it; from its metadata when left out.
    binning_mode : {"digital", "on_chip"}
        How the frames were binned.

    Attributes
    ----------
    config, dark_adu, flat, linearize, binning, binning_mode, exposure_s, n_darks
        As given; the flat divided by its mean.

    Raises
    ------
    DomainError
        If a pixel of the dark is not finite, no pixel of the flat is positive, or the binning is impossible.
    ShapeError
        If the flat does not have the shape of the dark.
    """

    def __init__(
        self,
        config: CameraConfig,
        dark: FrameLike,
        *,
        flat: FrameLike | None = None,
        linearize: bool = True,
        binning: int = 1,
        exposure_s: float | None = None,
        n_darks: int | None = None,
        binning_mode: str = "digital",
    ) -> None:
        require(isinstance(config, CameraConfig), self, "config", "a CameraConfig", type(config).__name__)
        require(binning_mode in _MODES, self, "binning_mode", "'digital' or 'on_chip'", binning_mode)
        metadata = dark.metadata if isinstance(dark, Frame) else {}
        self.config = config
        self.linearize = bool(linearize)
        self.binning = require_count(binning, self, "binning")
        self.binning_mode = binning_mode
        self.exposure_s = metadata.get("exposure_s") if exposure_s is None else float(exposure_s)
        self.n_darks = metadata.get("n_combined") if n_darks is None else int(n_darks)
        pixels = as_pixels(dark, "dark")
        require_finite(pixels, "dark")
        precision = np.dtype(np.float32 if pixels.dtype == np.float32 else np.float64)
        self.dark_adu = np.array(pixels, precision)
        self.flat = None if flat is None else relative_response(flat, self.dark_adu.shape).astype(precision)
        self._steps = self._prepared()

    @classmethod
    def from_camera(
        cls,
        camera: Any,
        exposure: float,
        n_darks: int = 64,
        temperature: float | None = None,
        *,
        seed: int | None = None,
        binning: int = 1,
        binning_mode: str = "digital",
        flat: FrameLike | None = None,
        linearize: bool = True,
    ) -> Calibration:
        """The calibration of a camera, with the mean of `n_darks` darks that it takes now.

        Parameters
        ----------
        camera : Camera
            What takes the darks.
        exposure : float
            Exposure of the frames to come [s].
        n_darks : int
            Darks; their mean has their noise over sqrt(n).
        temperature : float, optional
            Temperature of the sensor [deg C].
        seed : int, optional
            Seed of the darks.
        binning, binning_mode, flat, linearize
            As in the constructor.

        Raises
        ------
        DomainError, StageNotAvailableError
            As the constructor and `Camera.expose`.
        """
        require_count(n_darks, "", "n_darks")
        require(binning_mode in _MODES, cls.__name__, "binning_mode", "'digital' or 'on_chip'", binning_mode)
        darks = camera.expose_series(
            0.0,
            exposure,
            n_darks,
            temperature,
            binning=binning,
            binning_mode=binning_mode,
            seed=seed,
            include_truth=False,
        )
        from getframes.reduce.combination import combine

        dark = combine(darks, method="mean")
        data = dark.data.astype(np.dtype(camera.precision))
        return cls(
            camera.config,
            Frame(data, dark.metadata),
            flat=flat,
            linearize=linearize,
            binning=binning,
            binning_mode=binning_mode,
        )

    def __repr__(self) -> str:
        height, width = self.dark_adu.shape
        return (
            f"Calibration(camera={self.config.name!r}, shape={height}x{width}, e_per_adu={self.e_per_adu:g}, "
            f"flat={self.flat is not None}, linearize={self.linearize})"
        )

    @property
    def e_per_adu(self) -> float:
        """Electrons in the pixel, before any gain stage, for one count [e-/ADU]."""
        return self.config.gain_e_per_adu / self.config.em_gain

    def to_electrons(self, frame: FrameLike) -> Any:
        """Electrons of light in each pixel, before any gain stage [e-].

        Parameters
        ----------
        frame : Frame or array (height, width)
            Counts, of the exposure of the dark.

        Returns
        -------
        array (height, width)
            In the precision of the dark. Noise goes both ways: without light the mean is 0, and half of the pixels are negative.

        Raises
        ------
        ShapeError
            If the frame does not have the shape of the dark.
        DomainError
            If a pixel is not finite.
        """
        return self._steps.applied(frame)

    def to_photons(
        self,
        frame: FrameLike,
        *,
        quantum_efficiency: float | None = None,
        wavelength_nm: float | None = None,
        bandpass: SpectralBandpass | None = None,
        sed: SED | None = None,
    ) -> Any:
        """Photons on each pixel: `to_electrons` over `quantum_efficiency`.

        Parameters, result and errors as there.
        """
        efficiency = self.quantum_efficiency(
            quantum_efficiency=quantum_efficiency, wavelength_nm=wavelength_nm, bandpass=bandpass, sed=sed
        )
        require(efficiency > 0, "", "quantum_efficiency", "> 0 to count photons", efficiency)
        return self._steps.applied(frame, 1.0 / efficiency)

    def quantum_efficiency(
        self,
        *,
        quantum_efficiency: float | None = None,
        wavelength_nm: float | None = None,
        bandpass: SpectralBandpass | None = None,
        sed: SED | None = None,
    ) -> float:
        """Electrons per photon.

        Parameters
        ----------
        quantum_efficiency : float, optional
            The number itself, in [0, 1].
        wavelength_nm : float, optional
            Where the QE curve of the camera is read [nm].
        bandpass : SpectralBandpass, optional
            Over which the curve is averaged, with the photons of `sed`.
        sed : SED, optional
            Spectrum of the light; as many photons at every wavelength when left out.

        Returns
        -------
        float
            Without any of them, that of the configuration.

        Raises
        ------
        DomainError
            If more than one of the first three is given, a spectrum comes without a bandpass, or the camera has no curve.
        """
        given = [value for value in (quantum_efficiency, wavelength_nm, bandpass) if value is not None]
        if len(given) > 1:
            raise DomainError(
                f"one of quantum_efficiency, wavelength_nm and bandpass must be given, got {len(given)}"
            )
        require(sed is None or bandpass is not None, "", "sed", "given together with bandpass", sed)
        if quantum_efficiency is not None:
            require(0 <= quantum_efficiency <= 1, "", "quantum_efficiency", "in [0, 1]", quantum_efficiency)
            return float(quantum_efficiency)
        if not given:
            return self.config.quantum_efficiency
        curve = self.config.qe_curve
        if curve is None:
            raise DomainError(f"camera {self.config.name!r} must have a qe_curve for that, got None")
        if bandpass is not None:
            return effective_qe(curve, bandpass, sed)
        return float(curve(np.float64(wavelength_nm or 0.0)))

    def saturated(self, frame: FrameLike) -> Any:
        """Whether a pixel is at the end of the full well, of the output or of the converter.

        Parameters
        ----------
        frame : Frame or array (height, width)
            Counts.

        Returns
        -------
        array of bool (height, width)
        """
        return as_pixels(frame) >= self._saturation_adu()

    def _prepared(self) -> Steps:
        config, block = self.config, self.binning**2
        zero = config.bias_offset_adu * (block if self.binning_mode == "digital" else 1)
        inverse = None
        if self.linearize:
            inverse = native.inverse_response(response_coefficients(config), config.full_well_e * block)
        height, width = self.dark_adu.shape
        plain = Steps((height, width), self.dark_adu.dtype, zero, self.e_per_adu, inverse)
        return plain._replace(dark=plain.applied(self.dark_adu), flat=1.0 if self.flat is None else self.flat)

    def _saturation_adu(self) -> float:
        """The count from which a pixel is saturated."""
        return saturation_adu(self.config, self.binning, on_chip=self.binning_mode == "on_chip")
