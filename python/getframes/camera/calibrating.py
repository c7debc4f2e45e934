"""Masters of a camera, and what is calibrated with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.camera.detector import Detector, Light
from getframes.errors import require
from getframes.frame import Frame
from getframes.noise.readout import require_binning
from getframes.reduce.combination import combine
from getframes.reduce.correction import master_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.noise.exposure import Exposure
    from getframes.reduce import Calibration


class Calibrating(Detector):
    """Masters that the camera takes now, and the noise of its reads."""

    def master_bias(
        self,
        n_frames: int,
        temperature: float | None = None,
        *,
        seed: int | None = None,
        method: str = "median",
    ) -> Frame:
        """`n_frames` biases combined [ADU, float64].

        Parameters
        ----------
        n_frames : int
            How many, at least one.
        method : {"median", "mean", "sigma_clip"}
            As in `getframes.combine`. A median of whole counts is off by up to half a count where the noise is small; a mean is not.

        Raises
        ------
        DomainError, StageNotAvailableError
            As `expose` and `combine`.
        """
        return self._master(self._exposure(0.0, 0.0, temperature), n_frames, seed, method)

    def master_dark(
        self,
        exposure: float,
        n_frames: int,
        temperature: float | None = None,
        *,
        seed: int | None = None,
        method: str = "median",
    ) -> Frame:
        """`n_frames` darks combined [ADU, float64]; parameters and errors as in `master_bias`."""
        return self._master(self._exposure(0.0, exposure, temperature), n_frames, seed, method, "dark")

    def master_flat(
        self,
        photon_rate: Light,
        exposure: float,
        n_frames: int,
        temperature: float | None = None,
        *,
        background: Light = 0.0,
        bias: Frame | NDArray[np.floating[Any]] | None = None,
        seed: int | None = None,
        method: str = "median",
    ) -> Frame:
        """`n_frames` flats combined [ADU, float64]; parameters and errors as in `master_bias` and `flat_frame`.

        `bias` is taken off, and the metadata say so in ``bias_subtracted``. A flat to divide by needs that.
        """
        light = self._exposure(photon_rate, exposure, temperature, background=background)
        flat = self._master(light, n_frames, seed, method, "flat")
        if bias is None:
            return flat
        data = flat.data - master_pixels(bias, "bias", flat.data.shape)
        return Frame(data, {**flat.metadata, "bias_subtracted": True})

    def calibration(
        self,
        exposure: float,
        n_darks: int = 64,
        temperature: float | None = None,
        *,
        seed: int | None = None,
        binning: int = 1,
        binning_mode: str = "digital",
        flat: Frame | NDArray[np.floating[Any]] | None = None,
        linearize: bool = True,
    ) -> Calibration:
        """What turns frames of this exposure into electrons and photons; see `Calibration.from_camera`."""
        from getframes.reduce import Calibration

        return Calibration.from_camera(
            self,
            exposure,
            n_darks,
            temperature,
            seed=seed,
            binning=binning,
            binning_mode=binning_mode,
            flat=flat,
            linearize=linearize,
        )

    def effective_read_noise_e(self, *, binning: int = 1, binning_mode: str = "digital") -> float:
        """RMS noise of a pixel of a frame without charge, as electrons in the pixel, before any gain stage [e-].

        The quadratic mean over the pixels that are read, of read and reset noise, over the gain of the gain stage, with the input noise of an avalanche
        gain. Digital binning reads b^2 pixels, whose noise adds up to b times as much; on-chip binning reads once. Rounding, common mode and
        clock-induced charge are not in it.

        Raises
        ------
        DomainError
            If the binning is not a positive integer, or its mode is unknown.
        """
        side = require_binning(binning, binning_mode)
        config = self.config
        sigma = np.asarray(self.fixed_patterns.read_noise_sigma, np.float64)
        sigma = sigma[config.roi_slices] if sigma.ndim == 2 else sigma
        output = float(np.mean(sigma**2)) + config.reset_noise_e**2
        relative = config.em_gain / config.avalanche_input_noise_reference_gain
        avalanche = config.avalanche_input_noise_e * relative ** (
            config.avalanche_input_noise_gain_exponent - 1.0
        )
        noise = float(np.sqrt(output / config.em_gain**2 + avalanche**2))
        return noise * side if binning_mode == "digital" else noise

    def _master(
        self, light: Exposure, n_frames: int, seed: int | None, method: str, frame_type: str = ""
    ) -> Frame:
        """Frames of the same light, combined."""
        require(n_frames >= 1, "", "n_frames", ">= 1", n_frames)
        frames = self._series(light, n_frames, seed, include_truth=False, frame_type=frame_type)
        return combine(frames, method=method)
