"""What every kind of frame needs: the configuration and its maps, the stream of frame numbers, and frames with their metadata."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.backend import get_backend
from getframes.config import CameraConfig, require_stages
from getframes.errors import DomainError
from getframes.frame import Frame
from getframes.noise.exposure import Exposure
from getframes.noise.overscan import sections
from getframes.noise.patterns import FixedPatternMaps, fixed_pattern_maps
from getframes.noise.readout import PLAIN, Readout, super_pixel_maps
from getframes.noise.stream import STREAM_VERSION, Kind, seed_key
from getframes.precision import resolve_precision
from getframes.quantity import plain
from getframes.threads import check_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from getframes.config import SensorType
    from getframes.noise.readout import DetectorWorkspace

Light = Any

check_environment()


class Detector:
    """A configuration, its fixed maps, and the frames that the kinds of exposure make with them."""

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
    def from_preset(cls, name: str, **kwargs: Any) -> Self:
        """A shipped camera; `kwargs` go to the constructor. `getframes.available_presets()` lists the names."""
        from getframes.presets import load_preset

        return cls(load_preset(name), **kwargs)

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> Self:
        """A camera of a mapping of CameraConfig fields; `kwargs` go to the constructor."""
        return cls(CameraConfig.from_dict(data), **kwargs)

    def with_config(self, **changes: Any) -> Self:
        """A camera with some fields of its configuration changed; precision, temperature and seed are kept."""
        config = self.config.replace(**changes)
        kept = self.default_temperature_c != self.config.dark_current_ref_temp_c
        return type(self)(
            config,
            default_temperature_c=self.default_temperature_c if kept else None,
            seed=self._own_seed,
            precision=self.precision,
            device=self._device,
        )

    def __repr__(self) -> str:
        height, width = self.resolution
        return f"{type(self).__name__}({self.name!r}, {self.sensor_type.value}, {height} x {width}, {self.precision})"

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
        """Height and width of the light that a frame is given [px], and of the frame, but for overscan and prescan."""
        return self.config.output_resolution

    @property
    def frame_resolution(self) -> tuple[int, int]:
        """Height and width of a frame with its overscan and prescan [px]."""
        return self.config.frame_resolution

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
            "saturate_adu": light.readout.saturation_adu(config),
            **light.readout.metadata(),
            **sections(config, light.readout.binning),
        }
        if config.has_gain_stage:
            metadata["excess_noise_factor"] = config.gain_excess_noise_factor
        if config.ipc_coupling:
            metadata["ipc_coupling"] = config.ipc_coupling
        if config.roi is not None:
            metadata["detector_roi"] = config.roi
            metadata["sensor_resolution"] = config.resolution
        if config.charge_diffusion_fwhm_px:
            metadata["charge_diffusion_fwhm_px"] = config.charge_diffusion_fwhm_px
            metadata["charge_diffusion_applied"] = False
        return metadata


def _frame_type(kind: Kind, wanted: str) -> str:
    """What the physics says, unless the method has a name for it."""
    if kind is Kind.BIAS:
        return "bias"
    return wanted or ("dark" if kind is Kind.DARK else "light")
