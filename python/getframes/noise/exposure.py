"""One exposure: light and time in, counts and truth out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, ShapeError, require
from getframes.frame import Deferred, FrameTruth
from getframes.memory import require_memory
from getframes.noise import chain, overscan
from getframes.noise.image import nonnegative, number_or_image
from getframes.noise.readout import PLAIN, Readout
from getframes.noise.stream import Kind
from getframes.quantity import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.config import CameraConfig
    from getframes.noise.patterns import FixedPatternMaps

    Map = float | NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Exposure:
    """The checked inputs of one frame.

    Attributes
    ----------
    config, maps, dtype
        The camera, its fixed patterns and the working precision.
    photon_rate, background : float or array (height, width)
        Light [photons / s / pixel] over the frame.
    extra_electrons : float or array (height, width)
        Mean charge that is there already [e-].
    exposure_s, temperature_c, quantum_efficiency : float
        Time [s], temperature of the sensor [deg C], electrons per photon.
    readout : Readout
        Binning, and the room to work in.
    """

    config: CameraConfig
    maps: FixedPatternMaps
    dtype: np.dtype[Any]
    photon_rate: Map
    background: Map
    extra_electrons: Map
    exposure_s: float
    temperature_c: float
    quantum_efficiency: float
    readout: Readout = PLAIN

    @classmethod
    def checked(
        cls,
        config: CameraConfig,
        maps: FixedPatternMaps,
        dtype: np.dtype[Any],
        *,
        photon_rate: Any,
        exposure: Any,
        temperature: float,
        background: Any = 0.0,
        extra_electrons: Any = 0.0,
        quantum_efficiency: float | None = None,
        readout: Readout = PLAIN,
    ) -> Exposure:
        """An exposure from what a user gives: numbers, arrays of any real type, quantities.

        Raises
        ------
        DomainError
            If a number is impossible.
        ShapeError
            If an array does not have the shape of the frame.
        """
        shape = config.output_resolution
        efficiency = config.quantum_efficiency if quantum_efficiency is None else quantum_efficiency
        efficiency = nonnegative(plain(efficiency, "", "", "quantum_efficiency"), "quantum_efficiency", "")
        require(efficiency <= 1.0, "", "quantum_efficiency", "in [0, 1]", efficiency)
        return cls(
            config,
            maps,
            dtype,
            number_or_image(photon_rate, "photon_rate", "photons/s", shape, dtype),
            number_or_image(background, "background", "photons/s", shape, dtype),
            number_or_image(extra_electrons, "extra_electrons", "e-", shape, dtype),
            nonnegative(plain(exposure, "s", "", "exposure"), "exposure", "s"),
            temperature,
            efficiency,
            readout,
        )

    @property
    def is_dark(self) -> bool:
        """Whether there is neither light nor extra charge: scalar zeros."""
        return all(_is_zero(value) for value in (self.photon_rate, self.background, self.extra_electrons))

    @property
    def kind(self) -> Kind:
        """Bias for no time, dark for scalar zero light and no extra charge, light otherwise."""
        if self.exposure_s == 0.0:
            return Kind.BIAS
        return Kind.DARK if self.is_dark else Kind.LIGHT

    def light_stages(self) -> tuple[chain.Stage, ...]:
        """Mean photoelectrons; nothing where there is no light."""
        if self.exposure_s == 0.0 or (_is_zero(self.photon_rate) and _is_zero(self.background)):
            return ()
        photo = chain.photo(
            self.photon_rate,
            self.background,
            self.exposure_s,
            self.quantum_efficiency,
            self.maps.prnu_multiplier,
        )
        return (photo,)

    def lasting(self, exposure_s: float) -> Exposure:
        """The same light for another time [s]."""
        return replace(self, exposure_s=exposure_s)

    def mean_stages(self) -> tuple[chain.Stage, ...]:
        """Mean charge: light, dark and extra."""
        stages = self.light_stages()
        if self.exposure_s > 0.0:
            stages += (chain.dark(self.config, self.maps, self.exposure_s, self.temperature_c),)
        if not _is_zero(self.extra_electrons):
            stages += (chain.extra(self.extra_electrons),)
        return stages

    def stages(self) -> tuple[chain.Stage, ...]:
        """The whole chain of this frame, ready to be printed, shortened, reordered or run."""
        charge = (*self.mean_stages(), *chain.charge(self.config, self.maps, self.exposure_s))
        readout = self.readout
        if not readout.on_chip:
            return (*charge, *chain.readout(self.config, self.maps))
        assert readout.maps is not None
        return (
            *charge,
            *chain.binned(self.maps, readout.binning),
            *chain.readout(self.config, readout.maps, readout.binning),
        )

    def adu(self, key: int, frame: int, out: Any | None = None) -> NDArray[np.uint32]:
        """Counts of frame number `frame` of a key [ADU], written into `out` where it is given.

        Raises
        ------
        DomainError
            If a pixel of an input is negative, infinite or not a number. The content of `out` is then undefined.
        """
        readout = self.readout
        target = counts_like(readout.shape(self.config), out)
        address = chain.Address(key, frame, self.kind)
        images = readout.workspace.images if readout.workspace is not None else None
        chain.count(self.stages(), self.config, address, self.dtype, target, readout.digital, images)
        overscan.read_strips(self, overscan.strip_chains(self, address), address, target)
        return target

    def truth(self, *, own_rate: bool = False) -> FrameTruth:
        """The noise-free quantities of the frame; what is not uniform is worked out when it is first asked for.

        `own_rate` as in `kept`.
        """
        return self.kept(own_rate=own_rate).promised_truth()

    def promised_truth(self) -> FrameTruth:
        """The truth of an exposure whose maps stay as they are."""
        is_map = np.ndim(self.photon_rate) > 0 and self.readout.binning > 1
        rate = Deferred(_light, self) if is_map else self._filled(self.photon_rate)
        return FrameTruth(
            *map(self.in_frame, (Deferred(_mean_electrons, self), Deferred(_mean_photoelectrons, self), rate))
        )

    def in_frame(self, image: Any) -> Any:
        """A truth over the pixels that collect light (an array, or a promise of one) in its frame, of which the others collect nothing."""
        if not self.config.has_strips:
            return image
        return Deferred(overscan.padded, image, self.config, self.readout.binning)

    def alone(self) -> Exposure:
        """The same exposure of the sensor alone, whose frame has no overscan and no prescan."""
        config = self.config
        return (
            replace(self, config=config.replace(overscan=None, prescan=None)) if config.has_strips else self
        )

    def rows_to_the_end(self, top: int) -> Exposure:
        """The same exposure over the rows of the sensor from `top` on; beyond those of the region, maps of light are 0."""
        height, width = self.config.resolution
        left, first, across, _ = self.config.roi or (0, 0, width, height)

        def moved(value: Map) -> Map:
            if isinstance(value, float):
                return value
            image = np.zeros((height - top, across), value.dtype)
            known = value[max(top - first, 0) :]
            image[max(first - top, 0) :][: known.shape[0]] = known
            return image

        alone = self.alone()
        return replace(
            alone,
            config=alone.config.replace(roi=(left, top, across, height - top)),
            photon_rate=moved(self.photon_rate),
            background=moved(self.background),
            extra_electrons=moved(self.extra_electrons),
        )

    def kept(self, *, own_rate: bool = False) -> Exposure:
        """The same exposure, with copies of the maps that a user may write into later.

        `own_rate` says that nobody else can write into the rate map, so that it need not be copied.
        """
        rate = self.photon_rate
        if not isinstance(rate, float) and not (own_rate and rate.dtype == self.dtype):
            rate = rate.astype(self.dtype)
            rate.flags.writeable = False
        return Exposure(
            self.config,
            self.maps,
            self.dtype,
            rate,
            _kept(self.background),
            _kept(self.extra_electrons),
            self.exposure_s,
            self.temperature_c,
            self.quantum_efficiency,
            Readout(self.readout.binning),
        )

    def evaluated(self, stages: tuple[chain.Stage, ...]) -> NDArray[np.floating[Any]]:
        """Run deterministic stages over the pixels that collect light, summed over super pixels; a read-only broadcast view where the result is one number."""
        uniform = all(np.ndim(value) == 0 for stage in stages for value in stage.parameters.values())
        if not stages or not uniform:
            if not stages:
                return self._filled(0.0)
            return chain.values(stages, self.config, None, self.dtype, self.readout.binning)
        pixel = np.zeros((1, 1), self.dtype)
        chain.evaluate(stages, None, pixel)
        return self._filled(pixel[0, 0])

    def _filled(self, value: Any) -> NDArray[np.floating[Any]]:
        if np.ndim(value) == 2:
            array: NDArray[np.floating[Any]] = value
            return array
        total = self.dtype.type(value * self.readout.binning**2)
        return np.broadcast_to(total, self.readout.data_shape(self.config))


def _mean_electrons(exposure: Exposure) -> NDArray[np.floating[Any]]:
    return exposure.evaluated(exposure.mean_stages())


def _mean_photoelectrons(exposure: Exposure) -> NDArray[np.floating[Any]]:
    return exposure.evaluated(exposure.light_stages())


def _light(exposure: Exposure) -> NDArray[np.floating[Any]]:
    return exposure.evaluated((chain.Stage("input", {"electrons": exposure.photon_rate}),))


def _is_zero(value: Any) -> bool:
    return np.ndim(value) == 0 and value == 0.0


def _kept(value: Map) -> Map:
    return value if isinstance(value, float) else value.copy()


def counts_like(shape: tuple[int, int], out: Any | None) -> NDArray[np.uint32]:
    """`out`, checked, or a new array for counts."""
    if out is None:
        require_memory(shape, 4, "a frame")
        return np.empty(shape, np.uint32)
    if not isinstance(out, np.ndarray) or out.dtype != np.uint32:
        raise TypeError(f"out must be an array of uint32, got {getattr(out, 'dtype', type(out).__name__)}")
    if out.shape != shape:
        raise ShapeError(f"out must have shape {shape}, got {out.shape}")
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise DomainError("out must be C-contiguous and writable")
    return out
