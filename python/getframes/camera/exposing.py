"""Frames of light that is given pixel by pixel, and frames without light."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from getframes.camera.detector import Detector, Light
from getframes.camera.folding import folded, spectral_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from getframes.frame import Frame
    from getframes.layers import Layers
    from getframes.noise.readout import DetectorWorkspace


class Exposing(Detector):
    """Single frames and series: light, flat, dark and bias."""

    def expose(
        self,
        photon_rate: Light,
        exposure: float,
        temperature: float | None = None,
        *,
        background: Light = 0.0,
        quantum_efficiency: float | None = None,
        extra_electrons: Light = 0.0,
        binning: int = 1,
        binning_mode: str = "digital",
        seed: int | None = None,
        include_truth: bool = True,
        workspace: DetectorWorkspace | None = None,
        out: Any | None = None,
    ) -> Frame:
        """One frame of a photon-rate map.

        Parameters
        ----------
        photon_rate, background : float or array (height, width)
            Light on each pixel [photons / s], any real dtype.
        exposure : float
            Exposure time [s]; 0 makes a bias.
        temperature : float, optional
            Temperature of the sensor [deg C].
        quantum_efficiency : float, optional
            Instead of the camera's, in [0, 1].
        extra_electrons : float or array (height, width)
            Mean charge that is in the pixels already [e-].
        binning : int
            Super pixels of `binning` x `binning` pixels. The light is given pixel by pixel; the frame and its truth are over super pixels,
            whose truth is the sum over their pixels.
        binning_mode : {"digital", "on_chip"}
            digital: every pixel is read and ADU are summed. on_chip: charge is summed and read once; the full well of a super pixel is
            `full_well_e` times `binning` squared.
        seed : int, optional
            The frame is frame 0 of this seed. Without it: the next frame of the camera's own stream.
        include_truth : bool
            Attach the noise-free truth (what is not uniform is worked out at first access).
        workspace : DetectorWorkspace, optional
            Room for images in between, which is used again frame by frame.
        out : array of uint32 (height, width), optional
            Where the counts go; no frame is allocated then. Its content is undefined after an error.

        Raises
        ------
        DomainError, ShapeError
            If a value is impossible (the message names the first pixel), an array does not fit the frame, or the binning does not divide
            it, its region, or (on the chip) its amplifiers.
        StageNotAvailableError
            If the camera needs a stage that this version does not have.
        """
        light = self._exposure(
            photon_rate,
            exposure,
            temperature,
            background=background,
            quantum_efficiency=quantum_efficiency,
            extra_electrons=extra_electrons,
            readout=self._readout(binning, binning_mode, workspace),
        )
        return self._frame(light, self._number(seed), seed, include_truth=include_truth, out=out)

    def expose_spectral(
        self,
        photon_rate_cube: NDArray[np.floating[Any]],
        wavelengths_nm: NDArray[np.floating[Any]],
        exposure: float,
        temperature: float | None = None,
        *,
        background: Light = 0.0,
        seed: int | None = None,
        binning: int = 1,
        binning_mode: str = "digital",
        include_truth: bool = True,
        workspace: DetectorWorkspace | None = None,
        out: Any | None = None,
    ) -> Frame:
        """One frame of light that is known per wavelength, folded once with the camera's QE curve.

        Parameters
        ----------
        photon_rate_cube : array (n, height, width)
            Light of each wavelength sample on each pixel [photons / s], any real dtype: not per nm.
        wavelengths_nm : array (n,)
            Wavelengths of the samples [nm], in any order. Outside the curve the efficiency is 0.
        background : float or array (height, width)
            Further photoelectrons [e- / s / pixel]: its efficiency is 1.
        exposure, temperature, seed, binning, binning_mode, include_truth, workspace, out
            As in `expose`. The truth holds a copy of the cube, over super pixels where the frame is binned.

        Raises
        ------
        DomainError
            If the camera has no QE curve, light is negative or not finite, or a wavelength is not positive.
        ShapeError, StageNotAvailableError
            As in `expose`.
        """
        rate, cube, wavelengths = folded(self, photon_rate_cube, wavelengths_nm, "expose_spectral")
        light = self._exposure(
            rate,
            exposure,
            temperature,
            background=background,
            quantum_efficiency=1.0,
            readout=self._readout(binning, binning_mode, workspace),
        )
        frame = self._frame(
            light, self._number(seed), seed, include_truth=include_truth, own_rate=True, out=out
        )
        return spectral_frame(frame, cube, wavelengths, light)

    def expose_series(
        self,
        photon_rate: Light,
        exposure: float,
        n_frames: int,
        temperature: float | None = None,
        *,
        background: Light = 0.0,
        quantum_efficiency: float | None = None,
        binning: int = 1,
        binning_mode: str = "digital",
        seed: int | None = None,
        include_truth: bool = True,
    ) -> Iterator[Frame]:
        """`n_frames` independent frames of the same light, one at a time; frame 0 is `expose` with the same seed.

        Parameters and errors as in `expose`; bad arguments are an error at the call, not at the first frame.
        """
        light = self._exposure(
            photon_rate,
            exposure,
            temperature,
            background=background,
            quantum_efficiency=quantum_efficiency,
            readout=self._readout(binning, binning_mode),
        )
        return self._series(light, n_frames, seed, include_truth=include_truth)

    def layers(
        self,
        photon_rate: Light,
        exposure: float,
        temperature: float | None = None,
        *,
        background: Light = 0.0,
        quantum_efficiency: float | None = None,
        extra_electrons: Light = 0.0,
        binning: int = 1,
        binning_mode: str = "digital",
        seed: int | None = None,
    ) -> Layers:
        """The frame that `expose` makes of the same arguments, and what each stage of the chain added to it.

        The chain is run once up to each of its stages: about half as many frames as it has stages, in time, and one float64 image a stage, in
        memory. A scene is given as its `photon_rate_map()`.

        Parameters
        ----------
        photon_rate, exposure, temperature, background, quantum_efficiency, extra_electrons, binning, binning_mode, seed
            As in `expose`.

        Returns
        -------
        Layers
            Arrays (height, width) by the name of their stage [ADU], in order, with the frame.

        Raises
        ------
        SizeError
            If the layers do not fit in memory; nothing is allocated then.
        DomainError, ShapeError, StageNotAvailableError
            As in `expose`.
        """
        from getframes.layers import Layers
        from getframes.noise.layers import layers_of

        light = self._exposure(
            photon_rate,
            exposure,
            temperature,
            background=background,
            quantum_efficiency=quantum_efficiency,
            extra_electrons=extra_electrons,
            readout=self._readout(binning, binning_mode),
        )
        number = self._number(seed)
        frame = self._frame(light, number, seed)
        return Layers(frame, layers_of(light, *number, frame.data))

    def flat_frame(
        self,
        photon_rate: Light,
        exposure: float,
        temperature: float | None = None,
        *,
        background: Light = 0.0,
        seed: int | None = None,
        include_truth: bool = True,
    ) -> Frame:
        """A flat: `expose`, with its own frame type. Parameters and errors as there."""
        light = self._exposure(photon_rate, exposure, temperature, background=background)
        return self._frame(light, self._number(seed), seed, include_truth=include_truth, frame_type="flat")

    def dark_frame(
        self, exposure: float, temperature: float | None = None, *, seed: int | None = None
    ) -> Frame:
        """A dark: `expose` without light. Parameters and errors as there."""
        light = self._exposure(0.0, exposure, temperature)
        return self._frame(light, self._number(seed), seed, frame_type="dark")

    def dark_series(
        self, exposure: float, n_frames: int, temperature: float | None = None, *, seed: int | None = None
    ) -> Iterator[Frame]:
        """`n_frames` independent darks, one at a time; frame 0 is `dark_frame` with the same seed."""
        light = self._exposure(0.0, exposure, temperature)
        return self._series(light, n_frames, seed, frame_type="dark")

    def bias_frame(self, temperature: float | None = None, *, seed: int | None = None) -> Frame:
        """A bias: no light and no time."""
        light = self._exposure(0.0, 0.0, temperature)
        return self._frame(light, self._number(seed), seed)
