"""Frames of scenes, one at a time or one after another."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.camera.detector import Detector
from getframes.errors import ShapeError, require
from getframes.frame import Deferred, Frame, FrameTruth
from getframes.noise.overscan import moved_wcs
from getframes.noise.persistence import release_latent
from getframes.noise.stream import pointing_normals, seed_key
from getframes.observation import Observation, ObservationTruth, frame_times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from getframes.noise.exposure import Exposure
    from getframes.scene import Pointing, Scene
    from getframes.spectral import QE


class Observing(Detector):
    """What the camera sees of a scene."""

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
        frames = list(
            self.observe_each(
                scene,
                exposure,
                n_frames,
                temperature,
                cadence=cadence,
                pointing=_pointing(pointing, jitter_arcsec),
                seed=seed,
                include_truth=include_truth,
            )
        )
        times = frame_times(n_frames, exposure if cadence is None else cadence)
        offsets = np.array([frame.metadata["pointing_offset_px"] for frame in frames]).reshape(-1, 2)
        truth = ObservationTruth(times, scene.light_curves(times, exposure)) if include_truth else None
        return Observation(frames, times, offsets, truth)

    def observe_each(
        self,
        scene: Scene,
        exposure: float,
        n_frames: int,
        temperature: float | None = None,
        *,
        cadence: float | None = None,
        pointing: Pointing | None = None,
        seed: int | None = None,
        include_truth: bool = True,
    ) -> Iterator[Frame]:
        """The frames of `observe_series`, one at a time: memory does not grow with their number.

        Parameters and errors as there; bad times are an error at the call. The metadata have ``time_s`` and ``pointing_offset_px``.
        """
        times = frame_times(n_frames, exposure if cadence is None else cadence)
        steering = _pointing(pointing, 0.0)
        return self._each(scene, exposure, times, temperature, steering, seed, include_truth=include_truth)

    def _each(
        self,
        scene: Scene,
        exposure: float,
        times: NDArray[np.float64],
        temperature: float | None,
        steering: Pointing,
        seed: int | None,
        *,
        include_truth: bool,
    ) -> Iterator[Frame]:
        scale = scene.optics.plate_scale_arcsec_per_pixel
        steady = steering.is_static and not scene.varies
        latent: Any = np.zeros(self.resolution)
        light: Exposure | None = None
        for index, time_s in enumerate(times.tolist()):
            number = self._number(None) if seed is None else (seed_key(seed), index)
            jitter = pointing_normals(*number) if steering.jitter_arcsec > 0.0 else (0.0, 0.0)
            offset = steering.offset_of(index, time_s, scale, jitter)
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
            yield frame

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
                f"Scene.shape must be the shape of the frame (without overscan), {self.resolution}, got {scene.shape}"
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
            photons = light.in_frame(Deferred(_photon_rate_map, diffused, self.precision, *moment))
            truth = FrameTruth(held["mean_electrons"], held["mean_photoelectrons"], photons)
            frame = Frame(frame.data, frame.metadata, truth)
        if self.config.charge_diffusion_fwhm_px:
            frame.metadata["charge_diffusion_applied"] = True
        if scene.wcs is not None:
            frame.metadata.update(moved_wcs(scene.wcs.header_cards(), self.config))
        if scene.optics.band is not None:
            frame.metadata["filter"] = scene.optics.band.name
        return frame


def _pointing(pointing: Pointing | None, jitter_arcsec: float) -> Pointing:
    """What is given, or a pointing with jitter only."""
    from getframes.scene import Pointing

    if pointing is None:
        return Pointing(jitter_arcsec=jitter_arcsec)
    require(jitter_arcsec == 0.0, "", "jitter_arcsec", "0 with a pointing", jitter_arcsec)
    return pointing


def _photon_rate_map(
    scene: Scene, precision: str, time_s: float | None, offset_xy: tuple[float, float]
) -> Any:
    return scene.photon_rate_map(time_s, offset_xy, precision=precision)
