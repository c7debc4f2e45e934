"""A night of one field: raw frames as a telescope leaves them, and the truth that only a simulator has.

Twenty-four stars, of which two change: one pulsates, one is eclipsed. The telescope drifts by two pixels in two hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from getframes import Camera, Frame, LightCurve, PointSource, Scene

    Image = NDArray[np.float64]

BIASES, DARKS, FLATS, FRAMES = 16, 12, 16, 24
SIDE = 256
CADENCE_S = 300.0
FWHM_PX = 2.5
SCALE_ARCSEC = 0.8
DRIFT_PX = 2.0, -1.2
SKY_MAG = 18.0
BRIGHTEST_MAG, FAINTEST_MAG = 12.0, 16.0
FIELD_STARS = 21
FULL = 0.4
"""Part of the range that the brightest star fills, and the flats."""
HITS = 6.0
"""Cosmic rays in a frame of 256 x 256 pixels; far more than there are, so that there is something to find."""
OVERSCAN_PX = 32
VISIBLE_NM = 600.0
"""A camera that sees no shorter waves looks through H, all others through V."""
START = datetime(2026, 3, 1, 20, 0, tzinfo=timezone.utc)


@dataclass(frozen=True, eq=False)
class Taken:
    """A frame of the sky.

    Attributes
    ----------
    name : str
        Of its file.
    frame : Frame
        Raw, with its truth.
    hits_adu : array (height, width)
        Counts that cosmic rays added.
    """

    name: str
    frame: Frame
    hits_adu: NDArray[np.int64]

    @property
    def time_s(self) -> float:
        """After the first [s]."""
        return float(self.frame.metadata["time_s"])

    @property
    def offset_px(self) -> tuple[float, float]:
        """How far the stars have moved."""
        x, y = self.frame.metadata["pointing_offset_px"]
        return float(x), float(y)


@dataclass(frozen=True)
class Night:
    """A camera in front of a field, and the draw.

    Attributes
    ----------
    camera : Camera
        Its response is straight.
    seed : int
        Of everything random.
    """

    camera: Camera
    seed: int

    @classmethod
    def of(cls, preset: str, seed: int, side: int = SIDE) -> Night:
        """With a camera that ships, of so many pixels at most along a side; an overscan shows the common mode of those that have one."""
        from getframes import Camera

        whole = Camera.from_preset(preset, seed=seed)
        edge = min(side, *whole.resolution) // 16 * 16
        changed = {"resolution": (edge, edge), "nonlinearity": 0.0}
        if whole.config.readout_common_mode_noise_adu > 0.0:
            changed["overscan"] = {"columns": OVERSCAN_PX}
        return cls(whole.with_config(**changed), seed)

    @property
    def side(self) -> int:
        """Of the frames [px]."""
        return self.camera.resolution[0]

    @property
    def dark_noise_e(self) -> float:
        """RMS of a bias at the output [e-], as it would be measured: its clock-induced charge fluctuates too."""
        config = self.camera.config
        spurious = config.gain_excess_noise_factor**2 * config.clock_induced_charge_e
        noise = np.hypot(self.camera.effective_read_noise_e(), np.sqrt(spurious))
        return float(noise * config.em_gain)

    @property
    def has_cosmic_rays(self) -> bool:
        """Whether any arrive: cameras with a gain stage look too short, and too closely."""
        return not self.camera.config.has_gain_stage

    @cached_property
    def scene(self) -> Scene:
        """The field."""
        from getframes import Bandpass, MoffatPSF, Scene, Sky, Telescope

        curve = self.camera.config.qe_curve
        sees_light = curve is None or curve.wavelength_nm[0] < VISIBLE_NM
        band = Bandpass.johnson("V" if sees_light else "H")
        optics = Telescope(0.5, SCALE_ARCSEC, throughput=0.5, band=band)
        psf = MoffatPSF(FWHM_PX * SCALE_ARCSEC, 3.5)
        return Scene(self.camera.resolution, optics, psf, self.stars, sky=Sky(SKY_MAG))

    @cached_property
    def stars(self) -> list[PointSource]:
        """The three that are watched first: one pulsates, one is eclipsed, one does nothing."""
        from getframes import LightCurve, PointSource

        duration = (FRAMES - 1) * CADENCE_S
        curves: dict[str, LightCurve | None] = {
            "pulsating": LightCurve.sinusoidal(0.25, 0.6 * duration),
            "eclipsed": LightCurve.box(0.1, 0.35 * duration, 0.7 * duration),
            "steady": None,
        }
        places = ((0.3, 0.35), (0.68, 0.62), (0.35, 0.75))
        watched = [
            PointSource(x * self.side, y * self.side, BRIGHTEST_MAG + 0.4 * n, brightness=curve, name=name)
            for n, ((name, curve), (x, y)) in enumerate(zip(curves.items(), places, strict=True))
        ]
        return [*watched, *self._field()]

    def _field(self) -> Iterator[PointSource]:
        """Stars that do nothing."""
        from getframes import PointSource

        rng = np.random.default_rng([self.seed, 1])
        for x, y in rng.uniform(0.06, 0.94, (FIELD_STARS, 2)) * self.side:
            yield PointSource(x, y, float(rng.uniform(BRIGHTEST_MAG + 1.0, FAINTEST_MAG)))

    @property
    def full_e(self) -> float:
        """Charge of a pixel [e-] where the first of well, output and converter is at its end."""
        config = self.camera.config
        converter = (config.max_adu - config.bias_offset_adu) * config.gain_e_per_adu / config.em_gain
        output = (config.output_full_well_e or config.full_well_e) / config.em_gain
        return float(min(config.full_well_e, output, converter))

    @cached_property
    def exposure_s(self) -> float:
        """Time in which the brightest star fills its part of the range [s], of two digits."""
        truth = self.camera.observe(self.scene, 1.0, seed=self.seed).truth
        assert truth is not None
        return float(f"{FULL * self.full_e / float(np.max(truth.mean_photoelectrons)):.2g}")

    @cached_property
    def under_cosmic_rays(self) -> Camera:
        """The camera, hit."""
        config = self.camera.config
        area_cm2 = (self.side * config.pixel_size_um * 1e-4) ** 2
        hits = HITS * (self.side / SIDE) ** 2
        rate = hits / (area_cm2 * self.exposure_s) if self.has_cosmic_rays else 0.0
        return self.camera.with_config(cosmic_ray_rate_per_cm2_s=rate, cosmic_ray_track_length_px=6.0)

    def calibrations(self) -> Iterator[tuple[str, Frame]]:
        """Biases, darks and flats with the names of their files."""
        camera, exposure = self.under_cosmic_rays, self.exposure_s
        lamp = FULL * self.full_e / exposure / camera.config.quantum_efficiency
        for n in range(BIASES):
            yield f"bias_{n:02d}", camera.bias_frame()
        for n in range(DARKS):
            yield f"dark_{n:02d}", camera.dark_frame(exposure)
        for n in range(FLATS):
            yield f"flat_{n:02d}", camera.flat_frame(lamp, exposure)

    def frames(self) -> Iterator[Taken]:
        """Frames of the sky, in order of time."""
        pairs = zip(self._series(self.under_cosmic_rays), self._series(self.camera), strict=True)
        for n, (frame, without) in enumerate(pairs):
            yield Taken(
                f"science_{n:02d}", frame, self._lit(frame.data).astype(np.int64) - self._lit(without.data)
            )

    def _lit(self, image: NDArray[Any]) -> NDArray[Any]:
        """The pixels that collect light; an overscan is to the right of them."""
        return image[: self.side, : self.side]

    def _series(self, camera: Camera) -> Iterator[Frame]:
        from getframes import Pointing

        duration = (FRAMES - 1) * CADENCE_S
        drift = DRIFT_PX[0] * SCALE_ARCSEC / duration, DRIFT_PX[1] * SCALE_ARCSEC / duration
        return camera.observe_each(
            self.scene,
            self.exposure_s,
            FRAMES,
            cadence=max(CADENCE_S, self.exposure_s),
            pointing=Pointing(drift_arcsec_per_s=drift),
            seed=self.seed,
        )

    def write(self, folder: Path) -> list[Taken]:
        """Leave the raw files of the night in a folder; what is known of the frames of the sky stays here."""
        taken = list(self.frames())
        hours = -6.0
        for name, frame in self.calibrations():
            hours += 0.05
            self._save(frame, folder / f"{name}.fits", hours * 3600.0)
        for each in taken:
            self._save(each.frame, folder / f"{each.name}.fits", each.time_s)
        return taken

    def _save(self, frame: Frame, path: Path, time_s: float) -> None:
        assert self.scene.optics.band is not None
        frame.metadata["date_obs"] = (START + timedelta(seconds=time_s)).strftime("%Y-%m-%dT%H:%M:%S.%f")
        frame.metadata["filter"] = self.scene.optics.band.name
        frame.to_fits(path, overwrite=True)

    def expected(self, taken: Taken) -> Image:
        """Light [e-] that a perfect reduction gives: on a detector whose response is everywhere its mean."""
        from getframes.noise import apply_ipc

        maps, config = self.camera.fixed_patterns, self.camera.config
        assert taken.frame.truth is not None

        def seen(light: Image) -> Image:
            charge = apply_ipc(light * maps.avalanche_gain_multiplier, config.ipc_coupling)
            return np.asarray(charge / maps.amplifier_gain * config.gain_e_per_adu)

        response = seen(np.broadcast_to(maps.prnu_multiplier, self.camera.resolution).astype(np.float64))
        light = seen(self._lit(taken.frame.truth.mean_photoelectrons).astype(np.float64))
        return np.asarray(light / response * response.mean())
