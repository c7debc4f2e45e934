"""Cameras side by side: their flats, with what went into them, and their parts of a scene."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.camera import Camera
from getframes.errors import DomainError, ShapeError, require
from getframes.focal_plane.detector import FocalPlaneDetector
from getframes.focal_plane.illumination import Illumination
from getframes.focal_plane.part import part_of, wcs_of
from getframes.frame import Frame, as_pixels
from getframes.noise.image import nonnegative, whole_number
from getframes.noise.stream import seed_key
from getframes.quantity import plain
from getframes.sections import Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.config import CameraConfig
    from getframes.scene import Scene

    Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FlatTruth:
    """What went into the flats of a focal plane.

    Attributes
    ----------
    detectors, exposures : tuple
        Names of rows and columns: of detectors, or (detector, amplifier).
    detector_scale : array (n_detectors,)
        G, of mean 1; 0 for what is dead.
    exposure_scale : array (n_exposures,)
        E [ADU].
    """

    detectors: tuple[Any, ...]
    exposures: tuple[int, ...]
    detector_scale: Values
    exposure_scale: Values

    @property
    def levels(self) -> Values:
        """Expected levels above bias and dark, shape (n_detectors, n_exposures) [ADU]."""
        return np.outer(self.detector_scale, self.exposure_scale)


class FocalPlane:
    """Several cameras on one sky.

    Parameters
    ----------
    detectors : iterable of FocalPlaneDetector
        All with names of their own.

    Raises
    ------
    DomainError
        If there is none, or two have one name.
    """

    def __init__(self, detectors: Iterable[FocalPlaneDetector]) -> None:
        self._detectors = tuple(detectors)
        require(len(self._detectors) > 0, self, "detectors", "at least one", 0)
        self._by_name = {detector.name: detector for detector in self._detectors}
        names = [detector.name for detector in self._detectors]
        twice = [name for name in self._by_name if names.count(name) > 1]
        require(not twice, self, "detectors", "of different names", twice)

    @classmethod
    def grid(
        cls,
        config: CameraConfig,
        shape: tuple[int, int],
        *,
        gap_mm: float = 1.0,
        responses: Sequence[float | Sequence[float]] | None = None,
        gains_e_per_adu: Sequence[float] | None = None,
        **options: Any,
    ) -> FocalPlane:
        """Cameras of one kind in rows and columns about the axis, called D00, D01 ...: row, then column.

        Parameters
        ----------
        config : CameraConfig
            Of all of them; the n-th has `fixed_pattern_seed` + n.
        shape : (int, int)
            Rows and columns.
        gap_mm : float
            Between neighbours [mm].
        responses, gains_e_per_adu : sequence, optional
            Response and gain of each camera, row by row.
        **options
            Given to every `Camera`.

        Raises
        ------
        DomainError
            If a number is impossible.
        ShapeError
            If there is not one response or gain for each camera.
        """
        rows, columns = (whole_number(count, "shape") for count in shape)
        gap = nonnegative(plain(gap_mm, "mm", "", "gap_mm"), "gap_mm", "mm")
        gains = _one_each(gains_e_per_adu, "gains_e_per_adu", rows * columns, config.gain_e_per_adu)
        throughputs = _one_each(responses, "responses", rows * columns, 1.0)
        height, width = (side * config.pixel_size_um / 1e3 + gap for side in config.output_resolution)
        digits = len(str(max(rows, columns) - 1))
        made = []
        for number in range(rows * columns):
            row, column = divmod(number, columns)
            own = config.replace(
                fixed_pattern_seed=config.fixed_pattern_seed + number, gain_e_per_adu=gains[number]
            )
            made.append(
                FocalPlaneDetector(
                    f"D{row:0{digits}}{column:0{digits}}",
                    Camera(own, **options),
                    (column - (columns - 1) / 2.0) * width,
                    (row - (rows - 1) / 2.0) * height,
                    throughputs[number],
                )
            )
        return cls(made)

    def __len__(self) -> int:
        return len(self._detectors)

    def __getitem__(self, name: str | int) -> FocalPlaneDetector:
        if name not in self._by_name:
            raise DomainError(f"detector must be one of {', '.join(map(repr, self.names))}, got {name!r}")
        return self._by_name[name]

    def __iter__(self) -> Iterator[FocalPlaneDetector]:
        return iter(self._detectors)

    def __repr__(self) -> str:
        amplifiers = sum(len(detector.sections) for detector in self)
        return f"FocalPlane(detectors={len(self)}, amplifiers={amplifiers})"

    @property
    def names(self) -> tuple[str | int, ...]:
        """Names of the detectors."""
        return tuple(self._by_name)

    @property
    def sections(self) -> dict[str | int, dict[str, Section]]:
        """Pixels of each amplifier of each detector."""
        return {detector.name: detector.sections for detector in self}

    def flat(
        self,
        detector: str | int,
        exposure: int,
        illumination: Illumination,
        exposure_s: float,
        *,
        temperature: float | None = None,
        seed: int,
        include_truth: bool = True,
    ) -> Frame:
        """The flat of one detector in one exposure.

        Parameters
        ----------
        detector : str or int
            Its name.
        exposure : int
            Number of the exposure, >= 0.
        illumination : Illumination
            Lamp and screen.
        exposure_s : float
            Exposure time [s].
        temperature : float, optional
            Temperature of the sensors [deg C].
        seed : int
            Of the night.
        include_truth : bool
            Attach the noise-free truth.

        Returns
        -------
        Frame
            Of type ``flat``, with ``detector``, ``exposure`` and ``lamp_level`` in its metadata. Its ``seed`` is that of the frame alone.

        Raises
        ------
        DomainError, ShapeError, StageNotAvailableError
            As `Camera.flat_frame`; for an unknown detector.
        """
        placed, number = self[detector], _number(exposure)
        level = illumination.level(number, seed)
        frame: Frame = placed.camera.flat_frame(
            illumination.photon_rate * level * placed.light(illumination),
            exposure_s,
            temperature,
            seed=_frame_seed(seed, placed.name, number),
            include_truth=include_truth,
        )
        frame.metadata.update(detector=placed.name, exposure=number, lamp_level=level)
        return frame

    def flats(
        self,
        illumination: Illumination,
        exposure_s: float,
        exposures: int | Iterable[int],
        *,
        missing: Iterable[tuple[str | int, int]] = (),
        temperature: float | None = None,
        seed: int,
        include_truth: bool = True,
    ) -> Iterator[Frame]:
        """Flats of all detectors, exposure by exposure, one at a time.

        Parameters
        ----------
        exposures : int or iterable of int
            How many, or their numbers.
        missing : iterable of (detector, exposure)
            Frames that were lost.
        illumination, exposure_s, temperature, seed, include_truth
            As in `flat`.

        Raises
        ------
        DomainError, ShapeError, StageNotAvailableError
            As in `flat`.
        """
        lost, numbers = set(missing), _numbers(exposures)
        for name, _ in lost:
            self[name]
        return (
            self.flat(
                detector.name,
                exposure,
                illumination,
                exposure_s,
                temperature=temperature,
                seed=seed,
                include_truth=include_truth,
            )
            for exposure in numbers
            for detector in self
            if (detector.name, exposure) not in lost
        )

    def flat_truth(
        self,
        illumination: Illumination,
        exposure_s: float,
        exposures: int | Iterable[int],
        *,
        level: str = "detector",
        seed: int,
    ) -> FlatTruth:
        """G and E that go into `flats` of the same arguments: means over the pixels that are not dead, on the straight part of the response.

        Parameters
        ----------
        level : {"detector", "amp"}
            Whether rows are detectors or amplifiers.
        illumination, exposure_s, exposures, seed
            As in `flats`.
        """
        require(level in ("detector", "amp"), "", "level", "'detector' or 'amp'", level)
        numbers = _numbers(exposures)
        names: list[Any] = []
        counts = []
        for detector in self:
            image = detector.light(illumination) * detector.adu_per_photon()
            whole = {detector.name: Section.whole(detector.camera.resolution)}
            parts = {(detector.name, name): each for name, each in detector.sections.items()}
            for name, section in (whole if level == "detector" else parts).items():
                names.append(name)
                counts.append(np.nanmean(image[section.slices]))
        response = np.array(counts)
        photons = [illumination.photon_rate * illumination.level(number, seed) for number in numbers]
        mean = response.mean()
        return FlatTruth(tuple(names), numbers, response / mean, mean * float(exposure_s) * np.array(photons))

    def observe(
        self,
        scene: Scene,
        exposure: float,
        temperature: float | None = None,
        *,
        number: int = 0,
        seed: int,
        include_truth: bool = True,
    ) -> Iterator[Frame]:
        """Every detector's part of a scene that covers the focal plane, one frame at a time.

        Parameters
        ----------
        scene : Scene
            Of the whole focal plane, in pixels of the first detector. The optical axis is at the reference pixel of its WCS, or in the middle of its shape
            where it has none. Vignetting and distortion of its telescope are about the axis, and those of the corner of its shape.
        exposure, temperature, include_truth
            As in `Camera.observe`.
        number : int
            Of the exposure, >= 0.
        seed : int
            Of the night.

        Yields
        ------
        Frame
            As `Camera.observe`, with ``detector`` and ``exposure`` in its metadata and the WCS of the detector.

        Raises
        ------
        DomainError, ShapeError, StageNotAvailableError
            As `Camera.observe`; if a response differs among the amplifiers of a detector, or makes the throughput greater than 1.
        """
        whole, pitch = _number(number), self._detectors[0].pixel_mm
        parts = [(detector, part_of(scene, detector, pitch)) for detector in self]

        def frames() -> Iterator[Frame]:
            for detector, part in parts:
                own_seed = _frame_seed(seed, detector.name, whole)
                frame = detector.camera.observe(
                    part, exposure, temperature, seed=own_seed, include_truth=include_truth
                )
                frame.metadata.update(detector=detector.name, exposure=whole)
                if scene.wcs is not None:
                    frame.metadata.update(wcs_of(scene.wcs, detector, part.optics).header_cards())
                yield frame

        return frames()

    def mosaic(self, images: Mapping[str | int, Any]) -> Values:
        """Images of detectors side by side where they are on the focal plane, to the nearest pixel of the first detector; NaN elsewhere.

        Parameters
        ----------
        images : mapping from the name of a detector to a Frame or an array (height, width)
            Some or all of them.

        Raises
        ------
        DomainError
            If a detector is unknown, or its pixels are not of the size of those of the first.
        ShapeError
            If an image does not have the shape of its detector.
        """
        pitch = self._detectors[0].pixel_mm
        sizes = {detector.name: detector.pixel_mm for detector in self if detector.pixel_mm != pitch}
        require(not sizes, self, "pixel_size_um", "the same for a mosaic", sizes)
        corners = {}
        for detector in self:
            height, width = detector.camera.resolution
            corners[detector.name] = (
                round(detector.x_mm / pitch - width / 2.0),
                round(detector.y_mm / pitch - height / 2.0),
            )
        left, bottom = (min(corner[axis] for corner in corners.values()) for axis in (0, 1))
        right, top = (
            max(corners[each.name][axis] + each.camera.resolution[1 - axis] for each in self)
            for axis in (0, 1)
        )
        made = np.full((top - bottom, right - left), np.nan)
        for name, image in images.items():
            (height, width), pixels = self[name].camera.resolution, as_pixels(image, f"image of {name!r}")
            if pixels.shape != (height, width):
                raise ShapeError(f"image of {name!r} must have shape {(height, width)}, got {pixels.shape}")
            x, y = corners[name][0] - left, corners[name][1] - bottom
            made[y : y + height, x : x + width] = pixels
        return made


def _one_each(values: Sequence[Any] | None, name: str, count: int, default: float) -> list[Any]:
    given = [default] * count if values is None else list(values)
    if len(given) != count:
        raise ShapeError(f"{name} must be one for each of the {count} cameras, got {len(given)}")
    return given


def _numbers(exposures: int | Iterable[int]) -> tuple[int, ...]:
    given = exposures if isinstance(exposures, Iterable) else range(whole_number(exposures, "exposures"))
    return tuple(map(_number, given))


def _number(exposure: Any) -> int:
    whole = isinstance(exposure, int | np.integer) and not isinstance(exposure, bool)
    require(whole and bool(exposure >= 0), "", "exposure", "a whole number >= 0", exposure)
    return int(exposure)


def _frame_seed(seed: int, name: str | int, exposure: int) -> int | None:
    """Seed of one frame: of 64 bits, from the seed of the night, the name of the detector and the number of the exposure."""
    word = int.from_bytes(name.encode(), "little") if isinstance(name, str) else int(name)
    sign = [int(isinstance(name, str)), int(word < 0)]
    return seed_key(np.random.SeedSequence([seed_key(seed), abs(word), *sign, exposure]))
