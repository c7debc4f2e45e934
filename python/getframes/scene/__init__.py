"""Scenes: what is in front of the detector, as a map of photon rates."""

from getframes.scene.catalog import Catalog, CatalogEntry, pleiades
from getframes.scene.extended import ExtendedSource
from getframes.scene.extinction import Extinction
from getframes.scene.field import FieldPolynomial
from getframes.scene.light_curve import LightCurve
from getframes.scene.optics import RadialDistortion, Telescope, Vignetting
from getframes.scene.photometry import Bandpass
from getframes.scene.pointing import Pointing
from getframes.scene.psf import PSF, AiryPSF, ArrayPSF, EllipticalGaussianPSF, GaussianPSF, MoffatPSF
from getframes.scene.scene import Scene
from getframes.scene.sky import Sky
from getframes.scene.sources import PointSource, RenderContext, Source, UniformIllumination
from getframes.scene.thermal import Thermal
from getframes.scene.wcs import WCSInfo

__all__ = [
    "PSF",
    "AiryPSF",
    "ArrayPSF",
    "Bandpass",
    "Catalog",
    "CatalogEntry",
    "EllipticalGaussianPSF",
    "ExtendedSource",
    "Extinction",
    "FieldPolynomial",
    "GaussianPSF",
    "LightCurve",
    "MoffatPSF",
    "PointSource",
    "Pointing",
    "RadialDistortion",
    "RenderContext",
    "Scene",
    "Sky",
    "Source",
    "Telescope",
    "Thermal",
    "UniformIllumination",
    "Vignetting",
    "WCSInfo",
    "pleiades",
]
