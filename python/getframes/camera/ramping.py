"""Reads of pixels that keep their charge: ramps and correlated double samples."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.camera.detector import Detector, Light
from getframes.camera.folding import folded, spectral_frame
from getframes.errors import require
from getframes.frame import Frame
from getframes.noise import ramp
from getframes.noise.image import nonnegative, whole_number
from getframes.quantity import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from getframes.noise.exposure import Exposure


class Ramping(Detector):
    """Nondestructive reads, and the difference of two."""

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
        rate, cube, wavelengths = folded(
            self, photon_rate_cube, wavelengths_nm, "correlated_double_sample_spectral"
        )
        light = self._ramp_light(rate, exposure, "exposure", temperature, background, 1.0)
        frame = self._double_sample(
            light, pedestal_interval_s, seed, include_truth=include_truth, own_rate=True
        )
        return spectral_frame(frame, cube, wavelengths, light)

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
