"""Camera: a detector that takes frames."""

from __future__ import annotations

import dataclasses
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.backend import get_backend
from getframes.config import CameraConfig, require_stages
from getframes.errors import DomainError, ShapeError, require
from getframes.frame import Deferred, Frame, FrameTruth
from getframes.noise import ramp
from getframes.noise.charge import block_sum
from getframes.noise.exposure import Exposure
from getframes.noise.fold import checked_cube, fold_cube
from getframes.noise.image import nonnegative, whole_number
from getframes.noise.patterns import FixedPatternMaps, fixed_pattern_maps
from getframes.noise.persistence import release_latent
from getframes.noise.readout import PLAIN, Readout, super_pixel_maps
from getframes.noise.stream import STREAM_VERSION, Kind, pointing_normals, seed_key
from getframes.observation import Observation, ObservationTruth, frame_times
from getframes.precision import resolve_precision
from getframes.quantity import plain
from getframes.reduce.combination import combine
from getframes.reduce.correction import master_pixels
from getframes.threads import check_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from getframes.config import SensorType
    from getframes.layers import Layers
    from getframes.noise.readout import DetectorWorkspace
    from getframes.reduce import Calibration
    from getframes.scene import Pointing, Scene
    from getframes.spectral import QE

    Light = Any


check_environment()


class Camera:
    """A detector that takes frames: light to charge to counts, with the noise-free truth.

    Every random number is addressed by the seed, the kind of frame (bias, dark, light), the frame number, the stage and the pixel: a
    frame is the same on any number of threads, alone or in a series. A call without a seed takes the next frame number of the
    camera's own stream.

    Parameters
    ----------
    config : CameraConfig
        The detector.
    default_temperature_c : float, optional
        Temperature of frames that are not given one [deg C]; the reference temperature of the dark current when left out.
    seed : int, optional
        Seed of the camera's own stream; without it the operating system gives one.
    precision : {"float64", "float32"}
        Working precision. float32 halves the memory; counts stay exact integers.
    device : {"cpu", "auto"}
        Where to compute.

    Raises
    ------
    DomainError
        If an argument is impossible.
    """

    def __init__(
        self,
        config: CameraConfig,
        *,
        default_temperature_c: float | None = None,
        seed: int | None = None,
        precision: str = "float64",
        device: str = "cpu",
    ) -> None:
        if not isinstance(config, CameraConfig):
            raise TypeError(f"config must be a CameraConfig, got {type(config).__name__}")
        self.config = config
        self.precision = resolve_precision(precision).name
        self._device = get_backend(device).device
        if default_temperature_c is None:
            default_temperature_c = config.dark_current_ref_temp_c
        self.default_temperature_c = self._temperature(default_temperature_c)
        self._own_seed = seed
        self._own_key = seed_key(seed)
        self._next_frame = 0
        self._maps: FixedPatternMaps | None = None
        self._ready = False
        self._super_pixel_maps: dict[int, FixedPatternMaps] = {}

    @classmethod
    def from_preset(cls, name: str, **kwargs: Any) -> Camera:
        """A shipped camera; `kwargs` go to the constructor. `getframes.available_presets()` lists the names."""
        from getframes.presets import load_preset

        return cls(load_preset(name), **kwargs)

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> Camera:
        """A camera of a mapping of CameraConfig fields; `kwargs` go to the constructor."""
        return cls(CameraConfig.from_dict(data), **kwargs)

    def with_config(self, **changes: Any) -> Camera:
        """A camera with some fields of its configuration changed; precision, temperature and seed are kept."""
        config = self.config.replace(**changes)
        kept = self.default_temperature_c != self.config.dark_current_ref_temp_c
        return Camera(
            config,
            default_temperature_c=self.default_temperature_c if kept else None,
            seed=self._own_seed,
            precision=self.precision,
            device=self._device,
        )

    def __repr__(self) -> str:
        height, width = self.resolution
        return f"Camera({self.name!r}, {self.sensor_type.value}, {height} x {width}, {self.precision})"

    def __getstate__(self) -> dict[str, Any]:
        return {
            **self.__dict__,
            "_maps": None,
            "_super_pixel_maps": {},
        }  # built again where it is needed: the same bits

    @property
    def name(self) -> str:
        """Name of the camera."""
        return self.config.name

    @property
    def resolution(self) -> tuple[int, int]:
        """Height and width of a frame [px]."""
        return self.config.output_resolution

    @property
    def sensor_resolution(self) -> tuple[int, int]:
        """Height and width of the sensor [px]."""
        return self.config.resolution

    @property
    def roi(self) -> tuple[int, int, int, int] | None:
        """Region that is read: left, top, width, height [px]; None for the whole sensor."""
        return self.config.roi

    @property
    def sensor_type(self) -> SensorType:
        """CCD, CMOS, SCMOS, EMCCD or EAPD."""
        return self.config.sensor_type

    @property
    def device(self) -> str:
        """Where it computes: "cpu"."""
        return self._device

    @property
    def device_id(self) -> int | None:
        """None: there is one CPU."""
        return None

    @property
    def fixed_patterns(self) -> FixedPatternMaps:
        """The fixed maps of the sensor, built at first use and kept."""
        if self._maps is None:
            self._maps = fixed_pattern_maps(self.config, precision=self.precision)
        return self._maps

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
        rate, cube, wavelengths = self._folded(photon_rate_cube, wavelengths_nm, "expose_spectral")
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
        return _spectral(frame, cube, wavelengths, self.precision, light.readout.binning)

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

    def nondestructive_series(
        self,
        photon_rate: Light,
        read_interval: float,
        n_frames: int,
        reads_per_reset: int,
        temperature: float | None = None,
        *,
        background: Light = 0.0,
        quantum_efficiency: float | None = None,
        seed: int | None = None,
        include_truth: bool = True,
    ) -> Iterator[Frame]:
        """`n_frames` reads of pixels that keep their charge, one at a time, with a reset before every `reads_per_reset` of them.

        The first read comes one interval after the reset. All reads of a ramp share their reset noise and the correlated part of their read
        noise; the common mode is correlated from read to read. The noise of a read with a seed depends on its number and the length of a ramp
        only. Memory is that of one ramp. Clocks that move charge do not run: there is no clock-induced charge.

        Parameters
        ----------
        photon_rate, background, quantum_efficiency, temperature
            As in `expose`; arrays are copied once.
        read_interval : float
            Time between reads, > 0 [s].
        n_frames, reads_per_reset : int
            Reads in all, and reads of a ramp, at least 1. The last ramp may be shorter.
        seed : int, optional
            The reads are frames 0, 1 ... of this seed. Without it: the next `n_frames` of the camera's own stream.
        include_truth : bool
            Attach the noise-free charge since the reset.

        Yields
        ------
        Frame
            Of type ``nondestructive``, with frame_index, ramp_index, read_index, reads_per_reset, read_interval_s, time_since_reset_s
            and readout_mode; ``exposure_s`` is the time since the reset.

        Raises
        ------
        DomainError
            If a value is impossible, or the camera has blooming, charge transfer or nonlinearity: at the call, not at the first read.
        ShapeError, StageNotAvailableError
            As in `expose`.
        """
        light = self._ramp_light(
            photon_rate, read_interval, "read_interval", temperature, background, quantum_efficiency
        )
        count, length = whole_number(n_frames, "n_frames"), whole_number(reads_per_reset, "reads_per_reset")
        return self._reads(light, count, length, seed, include_truth=include_truth)

    def dark_nondestructive_series(
        self,
        read_interval: float,
        n_frames: int,
        reads_per_reset: int,
        temperature: float | None = None,
        *,
        seed: int | None = None,
        include_truth: bool = True,
    ) -> Iterator[Frame]:
        """`nondestructive_series` without light. Parameters and errors as there."""
        return self.nondestructive_series(
            0.0, read_interval, n_frames, reads_per_reset, temperature, seed=seed, include_truth=include_truth
        )

    def correlated_double_sample(
        self,
        photon_rate: Light,
        exposure: float,
        temperature: float | None = None,
        *,
        background: Light = 0.0,
        quantum_efficiency: float | None = None,
        pedestal_interval_s: float = 0.0,
        seed: int | None = None,
        include_truth: bool = True,
    ) -> Frame:
        """The second read of a ramp minus the first: signed counts, without reset noise and fixed bias.

        Parameters
        ----------
        photon_rate, background, quantum_efficiency, temperature, seed
            As in `nondestructive_series`; the two reads are frames 0 and 1 of the seed.
        exposure : float
            Time between the two reads, > 0 [s].
        pedestal_interval_s : float
            Time between the reset and the first read [s].
        include_truth : bool
            Attach the noise-free charge between the reads.

        Returns
        -------
        Frame
            Of type ``correlated_double_sample``, int32 [ADU].

        Raises
        ------
        DomainError, ShapeError, StageNotAvailableError
            As in `nondestructive_series`; also for converters of 32 bits, whose differences do not fit.
        """
        light = self._ramp_light(
            photon_rate, exposure, "exposure", temperature, background, quantum_efficiency
        )
        return self._double_sample(light, pedestal_interval_s, seed, include_truth=include_truth)

    def correlated_double_sample_spectral(
        self,
        photon_rate_cube: NDArray[np.floating[Any]],
        wavelengths_nm: NDArray[np.floating[Any]],
        exposure: float,
        temperature: float | None = None,
        *,
        background: Light = 0.0,
        pedestal_interval_s: float = 0.0,
        seed: int | None = None,
        include_truth: bool = True,
    ) -> Frame:
        """A correlated double sample of light that is known per wavelength, folded once with the camera's QE curve.

        Parameters and errors of the light as in `expose_spectral`, of the reads as in `correlated_double_sample`.
        """
        rate, cube, wavelengths = self._folded(
            photon_rate_cube, wavelengths_nm, "correlated_double_sample_spectral"
        )
        light = self._ramp_light(rate, exposure, "exposure", temperature, background, 1.0)
        frame = self._double_sample(
            light, pedestal_interval_s, seed, include_truth=include_truth, own_rate=True
        )
        return _spectral(frame, cube, wavelengths, self.precision)

    def _double_sample(
        self,
        light: Exposure,
        pedestal_interval_s: float,
        seed: int | None,
        *,
        include_truth: bool,
        own_rate: bool = False,
    ) -> Frame:
        pedestal_s = nonnegative(
            plain(pedestal_interval_s, "s", "", "pedestal_interval_s"), "pedestal_interval_s", "s"
        )
        bits = self.config.bit_depth
        require(bits < 32, self.config, "bit_depth", "< 32 for differences of reads", bits)
        key, number = self._number(seed, 2)
        first, second = ramp.reads(light, (pedestal_s, light.exposure_s), 2, key, number)
        metadata = self._metadata(light, number, seed, "correlated_double_sample") | {
            "readout_mode": "global_reset_cds",
            "pedestal_interval_s": pedestal_s,
            "reads_per_reset": 2,
        }
        truth = light.truth(own_rate=own_rate) if include_truth else None
        return Frame(np.subtract(second, first, out=second).view(np.int32), metadata, truth)

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
        whole = isinstance(binning, int | np.integer) and not isinstance(binning, bool)
        require(whole and binning >= 1, "", "binning", "a positive integer", binning)
        require(
            binning_mode in ("digital", "on_chip"), "", "binning_mode", "'digital' or 'on_chip'", binning_mode
        )
        config = self.config
        sigma = np.asarray(self.fixed_patterns.read_noise_sigma, np.float64)
        sigma = sigma[config.roi_slices] if sigma.ndim == 2 else sigma
        output = float(np.mean(sigma**2)) + config.reset_noise_e**2
        relative = config.em_gain / config.avalanche_input_noise_reference_gain
        avalanche = config.avalanche_input_noise_e * relative ** (
            config.avalanche_input_noise_gain_exponent - 1.0
        )
        noise = float(np.sqrt(output / config.em_gain**2 + avalanche**2))
        return noise * int(binning) if binning_mode == "digital" else noise

    def observe(
        self,
        scene: Scene,
        exposure: float,
        temperature: float | None = None,
        *,
        seed: int | None = None,
        include_truth: bool = True,
    ) -> Frame:
        """One frame of a scene.

        Where the band of the scene has a response and the camera a QE curve, every source is folded with the QE of its own spectrum.

        Parameters
        ----------
        scene : Scene
            What is in front of the detector; of the shape of the camera's frames.
        exposure, temperature, seed, include_truth
            As in `expose`.

        Raises
        ------
        ShapeError
            If the scene does not have the shape of the frame.
        DomainError, StageNotAvailableError
            As in `expose`.

        Notes
        -----
        Charge diffusion widens the PSF; the truth is that of the light as pixels collect it.
        """
        return self._observe(
            scene, exposure, temperature, self._number(seed), seed, include_truth=include_truth
        )

    def observe_item(
        self,
        scene: Scene,
        exposure: float,
        temperature: float | None,
        seed: int | None,
        index: int,
        *,
        include_truth: bool = True,
    ) -> Frame:
        """Frame number `index` of a seed: what the `index`-th item of a data set is made of; 0 is `observe` with that seed."""
        require(0 <= index < 1 << 64, "", "index", "in [0, 2^64)", index)
        key = seed_key(seed)
        frame = self._observe(scene, exposure, temperature, (key, index), seed, include_truth=include_truth)
        frame.metadata["frame_index"] = index
        return frame

    def observe_series(
        self,
        scene: Scene,
        exposure: float,
        n_frames: int,
        temperature: float | None = None,
        *,
        cadence: float | None = None,
        pointing: Pointing | None = None,
        jitter_arcsec: float = 0.0,
        seed: int | None = None,
        include_truth: bool = True,
    ) -> Observation:
        """Frames of a scene that changes: light curves, pointing, and charge that earlier frames left behind.

        Frame i begins at i times `cadence`; light curves and pointing are those of that time.

        Parameters
        ----------
        n_frames : int
            How many.
        cadence : float, optional
            Time from the start of a frame to that of the next [s], >= 0; the exposure time when left out.
        pointing : Pointing, optional
            Jitter, drift and dither.
        jitter_arcsec : float
            Shorthand for a pointing that has jitter only; not together with `pointing`.
        scene, exposure, temperature, seed, include_truth
            As in `observe`. Frame 0 has the noise of `observe` with the same seed, and its light where nothing moves or varies.

        Raises
        ------
        DomainError, ShapeError, StageNotAvailableError
            As in `observe`, before the first frame where that can be known.
        """
        steering = _pointing(pointing, jitter_arcsec)
        times = frame_times(n_frames, exposure if cadence is None else cadence)
        scale = scene.optics.plate_scale_arcsec_per_pixel
        steady = steering.is_static and not scene.varies
        latent: Any = np.zeros(self.resolution)
        light: Exposure | None = None
        frames, offsets = [], np.zeros((times.size, 2))
        for index, time_s in enumerate(times.tolist()):
            number = self._number(None) if seed is None else (seed_key(seed), index)
            jitter = pointing_normals(*number) if steering.jitter_arcsec > 0.0 else (0.0, 0.0)
            offset = steering.offset_of(index, time_s, scale, jitter)
            offsets[index] = offset
            if light is None or not steady:
                light = self._scene_exposure(scene, exposure, temperature, time_s, offset)
            drawn = light
            if self.config.persistence_fraction > 0.0:
                signal = light.evaluated(light.light_stages())
                released, latent = release_latent(latent, signal, self.config)
                drawn = dataclasses.replace(light, extra_electrons=released)
            frame = self._scene_frame(
                scene, drawn, number, seed, (time_s, offset), include_truth=include_truth
            )
            frame.metadata.update(frame_index=index, time_s=time_s, pointing_offset_px=offset)
            frames.append(frame)
        truth = ObservationTruth(times, scene.light_curves(times, exposure)) if include_truth else None
        return Observation(frames, times, offsets, truth)

    def _observe(
        self,
        scene: Scene,
        exposure: float,
        temperature: float | None,
        number: tuple[int, int],
        seed: int | None,
        *,
        include_truth: bool,
    ) -> Frame:
        light = self._scene_exposure(scene, exposure, temperature)
        return self._scene_frame(scene, light, number, seed, include_truth=include_truth)

    def _scene_exposure(
        self,
        scene: Scene,
        exposure: float,
        temperature: float | None,
        time_s: float | None = None,
        offset_xy: tuple[float, float] = (0.0, 0.0),
    ) -> Exposure:
        """The light of a scene, as the pixels collect it: photons, or electrons where spectra are folded."""
        if tuple(scene.shape) != self.resolution:
            raise ShapeError(
                f"Scene.shape must be the shape of the frame, {self.resolution}, got {scene.shape}"
            )
        scene = scene.diffused(self.config.charge_diffusion_fwhm_px)
        curve = self._scene_curve(scene)
        if curve is not None:
            rate = scene.photoelectron_rate_map(curve, time_s, offset_xy, precision=self.precision)
            background, efficiency = scene.background_electron_rate(curve), 1.0
        else:
            rate = scene.photon_rate_map(time_s, offset_xy, precision=self.precision)
            background, efficiency = scene.background_photon_rate(), None
        return self._exposure(
            rate, exposure, temperature, background=background, quantum_efficiency=efficiency
        )

    def _scene_curve(self, scene: Scene) -> QE | None:
        """The QE curve, where the scene can be folded with it."""
        return self.config.qe_curve if scene.is_spectral_capable else None

    def _scene_frame(
        self,
        scene: Scene,
        light: Exposure,
        number: tuple[int, int],
        seed: int | None,
        moment: tuple[float | None, tuple[float, float]] = (None, (0.0, 0.0)),
        *,
        include_truth: bool,
    ) -> Frame:
        frame = self._frame(
            light, number, seed, include_truth=include_truth, frame_type="science", own_rate=True
        )
        frame.metadata["spectral"] = spectral = self._scene_curve(scene) is not None
        if spectral and frame.truth is not None:
            held = vars(frame.truth)
            diffused = scene.diffused(self.config.charge_diffusion_fwhm_px)
            photons = Deferred(_photon_rate_map, diffused, self.precision, *moment)
            truth = FrameTruth(held["mean_electrons"], held["mean_photoelectrons"], photons)
            frame = Frame(frame.data, frame.metadata, truth)
        if self.config.charge_diffusion_fwhm_px:
            frame.metadata["charge_diffusion_applied"] = True
        if scene.wcs is not None:
            frame.metadata.update(scene.wcs.header_cards())
        if scene.optics.band is not None:
            frame.metadata["filter"] = scene.optics.band.name
        return frame

    def _exposure(
        self,
        photon_rate: Light,
        exposure: float,
        temperature: float | None,
        *,
        background: Light = 0.0,
        quantum_efficiency: float | None = None,
        extra_electrons: Light = 0.0,
        readout: Readout = PLAIN,
    ) -> Exposure:
        self._require_stages()
        return Exposure.checked(
            self.config,
            self.fixed_patterns,
            np.dtype(self.precision),
            photon_rate=photon_rate,
            exposure=exposure,
            temperature=self.default_temperature_c if temperature is None else self._temperature(temperature),
            background=background,
            quantum_efficiency=quantum_efficiency,
            extra_electrons=extra_electrons,
            readout=readout,
        )

    def _folded(
        self, photon_rate_cube: Any, wavelengths_nm: Any, method: str
    ) -> tuple[NDArray[np.floating[Any]], NDArray[Any], NDArray[np.float64]]:
        """Photoelectrons of a cube [e- / s / pixel], and the cube and its wavelengths, checked."""
        curve = self.config.qe_curve
        require(curve is not None, self.config, "qe_curve", f"given for {method}", None)
        assert curve is not None
        cube, wavelengths = checked_cube(photon_rate_cube, wavelengths_nm, self.resolution)
        return fold_cube(cube, wavelengths, curve, np.dtype(self.precision)), cube, wavelengths

    def _ramp_light(
        self,
        photon_rate: Light,
        interval: float,
        name: str,
        temperature: float | None,
        background: Light,
        quantum_efficiency: float | None,
    ) -> Exposure:
        """The light between two reads."""
        ramp.require_ramps(self.config)
        interval_s = nonnegative(plain(interval, "s", "", name), name, "s")
        require(interval_s > 0.0, "", name, "> 0 s", interval_s)
        return self._exposure(
            photon_rate,
            interval_s,
            temperature,
            background=background,
            quantum_efficiency=quantum_efficiency,
        )

    def _reads(
        self, light: Exposure, n_frames: int, reads_per_reset: int, seed: int | None, *, include_truth: bool
    ) -> Iterator[Frame]:
        light, interval_s = light.kept(), light.exposure_s
        key, first = self._number(seed, n_frames)

        def frames() -> Iterator[Frame]:
            counts = ramp.reads(light, repeat(interval_s, n_frames), reads_per_reset, key, first)
            for index, data in enumerate(counts):
                ramp_index, read_index = divmod(index, reads_per_reset)
                so_far = light.lasting((read_index + 1) * interval_s)
                metadata = self._metadata(so_far, first + index, seed, "nondestructive") | {
                    "frame_index": index,
                    "ramp_index": ramp_index,
                    "read_index": read_index,
                    "reads_per_reset": reads_per_reset,
                    "read_interval_s": interval_s,
                    "time_since_reset_s": so_far.exposure_s,
                    "readout_mode": "global_reset_nondestructive",
                }
                yield Frame(data, metadata, so_far.promised_truth() if include_truth else None)

        return frames()

    def _readout(self, binning: int, mode: str, workspace: DetectorWorkspace | None = None) -> Readout:
        """A readout with its maps, which are built at first use and kept."""
        readout = Readout.checked(self.config, binning, mode, workspace)
        if not readout.on_chip:
            return readout
        maps = self._super_pixel_maps.get(readout.binning)
        if maps is None:
            maps = super_pixel_maps(self.config, readout.binning, np.dtype(self.precision))
            self._super_pixel_maps[readout.binning] = maps
        return dataclasses.replace(readout, maps=maps)

    def _require_stages(self) -> None:
        """Once: a configuration does not change."""
        if not self._ready:
            require_stages(self.config)
            self._ready = True

    def _temperature(self, temperature: Any) -> float:
        """A temperature in deg C; the dark-current law checks it."""
        value = plain(temperature, "deg C", "", "temperature")
        self.config.dark_current_at(value)
        return float(value)

    def _number(self, seed: int | None, count: int = 1) -> tuple[int, int]:
        """Key and number of the first of `count` frames: 0 of a given seed, or the next of the camera's own stream."""
        if seed is not None:
            return seed_key(seed), 0
        number = self._next_frame
        self._next_frame = number + count
        return self._own_key, number

    def _series(
        self,
        light: Exposure,
        n_frames: int,
        seed: int | None,
        *,
        include_truth: bool = True,
        frame_type: str = "",
    ) -> Iterator[Frame]:
        if int(n_frames) != n_frames or n_frames < 0:
            raise DomainError(f"n_frames must be an integer >= 0, got {n_frames}")
        given = None if seed is None else seed_key(seed)

        def frames() -> Iterator[Frame]:
            for index in range(int(n_frames)):
                number = self._number(None) if given is None else (given, index)
                frame = self._frame(light, number, seed, include_truth=include_truth, frame_type=frame_type)
                frame.metadata["frame_index"] = index
                yield frame

        return frames()

    def _master(
        self, light: Exposure, n_frames: int, seed: int | None, method: str, frame_type: str = ""
    ) -> Frame:
        """Frames of the same light, combined."""
        require(n_frames >= 1, "", "n_frames", ">= 1", n_frames)
        frames = self._series(light, n_frames, seed, include_truth=False, frame_type=frame_type)
        return combine(frames, method=method)

    def _frame(
        self,
        light: Exposure,
        number: tuple[int, int],
        seed: int | None,
        *,
        include_truth: bool = True,
        frame_type: str = "",
        own_rate: bool = False,
        out: Any | None = None,
    ) -> Frame:
        key, index = number
        data = light.adu(key, index, out)
        truth = light.truth(own_rate=own_rate) if include_truth else None
        return Frame(data, self._metadata(light, index, seed, _frame_type(light.kind, frame_type)), truth)

    def _metadata(self, light: Exposure, index: int, seed: int | None, frame_type: str) -> dict[str, Any]:
        config = self.config
        metadata: dict[str, Any] = {
            "camera": config.name,
            "sensor": config.sensor_type.value,
            "frame_type": frame_type,
            "exposure_s": light.exposure_s,
            "temperature_c": light.temperature_c,
            "dark_e_per_s": config.dark_current_at(light.temperature_c),
            "read_noise_e": config.read_noise_e,
            "gain_e_per_adu": config.gain_e_per_adu,
            "em_gain": config.em_gain,
            "device": self._device,
            "seed": seed,
            "frame_number": index,
            "stream_version": STREAM_VERSION,
            "config_hash": config.digest,
            "bit_depth": config.bit_depth,
            "saturate_adu": light.readout.highest_adu(config),
            **light.readout.metadata(),
        }
        if config.roi is not None:
            metadata["detector_roi"] = config.roi
            metadata["sensor_resolution"] = config.resolution
        if config.charge_diffusion_fwhm_px:
            metadata["charge_diffusion_fwhm_px"] = config.charge_diffusion_fwhm_px
            metadata["charge_diffusion_applied"] = False
        return metadata


def _pointing(pointing: Pointing | None, jitter_arcsec: float) -> Pointing:
    """What is given, or a pointing with jitter only."""
    from getframes.scene import Pointing

    if pointing is None:
        return Pointing(jitter_arcsec=jitter_arcsec)
    require(jitter_arcsec == 0.0, "", "jitter_arcsec", "0 with a pointing", jitter_arcsec)
    return pointing


def _frame_type(kind: Kind, wanted: str) -> str:
    """What the physics says, unless the method has a name for it."""
    if kind is Kind.BIAS:
        return "bias"
    return wanted or ("dark" if kind is Kind.DARK else "light")


def _photon_rate_map(
    scene: Scene, precision: str, time_s: float | None, offset_xy: tuple[float, float]
) -> Any:
    return scene.photon_rate_map(time_s, offset_xy, precision=precision)


def _spectral(
    frame: Frame, cube: NDArray[Any], wavelengths: NDArray[np.float64], precision: str, binning: int = 1
) -> Frame:
    """A frame of folded light, with the light as it was in its metadata and truth."""
    frame.metadata.update(spectral=True, spectral_wavelengths_nm=wavelengths.tolist())
    if frame.truth is None:
        return frame
    held, kept = vars(frame.truth), cube.astype(precision)
    if binning > 1:
        kept = np.stack([block_sum(plane, binning) for plane in kept])
    kept.flags.writeable = wavelengths.flags.writeable = False
    photons = Deferred(_total_rate, kept)
    truth = FrameTruth(held["mean_electrons"], held["mean_photoelectrons"], photons, kept, wavelengths)
    return Frame(frame.data, frame.metadata, truth)


def _total_rate(cube: NDArray[np.floating[Any]]) -> Any:
    """Light of all wavelengths."""
    return cube.sum(axis=0)
