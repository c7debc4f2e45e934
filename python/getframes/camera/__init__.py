"""Camera: a detector that takes frames."""

from __future__ import annotations

from getframes.camera.calibrating import Calibrating
from getframes.camera.exposing import Exposing
from getframes.camera.observing import Observing
from getframes.camera.ramping import Ramping

__all__ = ["Camera"]


class Camera(Exposing, Ramping, Observing, Calibrating):
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
