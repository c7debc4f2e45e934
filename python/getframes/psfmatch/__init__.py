"""PSF matching: give an image the PSF of another."""

from __future__ import annotations

from getframes.psfmatch.config import MatchConfig
from getframes.psfmatch.exposure import Exposure
from getframes.psfmatch.files import read_exposure, read_psf, write_exposure, write_psf
from getframes.psfmatch.kernel import VaryingKernel
from getframes.psfmatch.matching import match_psf
from getframes.psfmatch.models import FunctionPSF, MixturePSF, PixelPSF, PSFModel, ScenePSF, psf_model
from getframes.psfmatch.result import AchievedPSF, PsfMatchResult

__all__ = [
    "AchievedPSF",
    "Exposure",
    "FunctionPSF",
    "MatchConfig",
    "MixturePSF",
    "PSFModel",
    "PixelPSF",
    "PsfMatchResult",
    "ScenePSF",
    "VaryingKernel",
    "match_psf",
    "psf_model",
    "read_exposure",
    "read_psf",
    "write_exposure",
    "write_psf",
]
