"""Point spread functions: how the light of a star falls on pixels.

Every PSF deposits `flux` times the fraction of itself that falls in each pixel: integrated over the pixel,
never negative, with unit total over the plane. Light beyond the edge of the image, and beyond the reach of
the PSF (`truncation_radius_arcsec`, `lost_flux`), is lost and never put back.

A parameter may be a `FieldPolynomial` of position: it is then evaluated for every source. Not modelled: a PSF that
depends on brightness or colour.
"""

from getframes.scene.psf.airy import AiryPSF
from getframes.scene.psf.analytic import EllipticalGaussianPSF, GaussianPSF, MoffatPSF
from getframes.scene.psf.array import ArrayPSF
from getframes.scene.psf.stars import PSF, NativePSF, add_stars

__all__ = [
    "PSF",
    "AiryPSF",
    "ArrayPSF",
    "EllipticalGaussianPSF",
    "GaussianPSF",
    "MoffatPSF",
    "NativePSF",
    "add_stars",
]
