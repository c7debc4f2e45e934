"""Light that is known per wavelength, folded once with the QE curve of the camera."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import require
from getframes.frame import Deferred, Frame, FrameTruth
from getframes.noise.charge import block_sum
from getframes.noise.fold import checked_cube, fold_cube

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.camera.detector import Detector
    from getframes.noise.exposure import Exposure


def folded(
    camera: Detector, photon_rate_cube: Any, wavelengths_nm: Any, method: str
) -> tuple[NDArray[np.floating[Any]], NDArray[Any], NDArray[np.float64]]:
    """Photoelectrons of a cube [e- / s / pixel], and the cube and its wavelengths, checked."""
    curve = camera.config.qe_curve
    require(curve is not None, camera.config, "qe_curve", f"given for {method}", None)
    assert curve is not None
    cube, wavelengths = checked_cube(photon_rate_cube, wavelengths_nm, camera.resolution)
    return fold_cube(cube, wavelengths, curve, np.dtype(camera.precision)), cube, wavelengths


def spectral_frame(
    frame: Frame, cube: NDArray[Any], wavelengths: NDArray[np.float64], light: Exposure
) -> Frame:
    """A frame of folded light, with the light as it was in its metadata and truth."""
    frame.metadata.update(spectral=True, spectral_wavelengths_nm=wavelengths.tolist())
    if frame.truth is None:
        return frame
    held, kept = vars(frame.truth), cube.astype(light.dtype)
    if light.readout.binning > 1:
        kept = np.stack([block_sum(plane, light.readout.binning) for plane in kept])
    kept.flags.writeable = wavelengths.flags.writeable = False
    photons, planes = light.in_frame(Deferred(_total_rate, kept)), light.in_frame(kept)
    truth = FrameTruth(held["mean_electrons"], held["mean_photoelectrons"], photons, planes, wavelengths)
    return Frame(frame.data, frame.metadata, truth)


def _total_rate(cube: NDArray[np.floating[Any]]) -> Any:
    """Light of all wavelengths."""
    return cube.sum(axis=0)
