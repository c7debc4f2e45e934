"""The scene of an experiment file, as plain values that become a `Scene`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from getframes.errors import DomainError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.scene import PSF, Catalog, LightCurve, Scene, Sky, Source, Telescope, Thermal, WCSInfo

SHIPPED_CATALOG = "pleiades"

Values = dict[str, Any]


@dataclass(frozen=True)
class SceneSettings:
    """What stands in `[scene]`, checked, with defaults filled in and paths made absolute.

    Attributes
    ----------
    optics, psf : dict
        Keys as in the file.
    sky, thermal, wcs, catalog : dict or None
        None when the file has no such table.
    sources : tuple of dict
        In the order of the file.
    """

    optics: Values
    psf: Values
    sky: Values | None = None
    thermal: Values | None = None
    wcs: Values | None = None
    sources: tuple[Values, ...] = ()
    catalog: Values | None = None

    def build(self, shape: tuple[int, int]) -> Scene:
        """The scene on a detector of `shape` (height, width) [px].

        Raises
        ------
        DomainError
            When the catalog does not hold the columns that are asked for.
        OSError
            When a file cannot be read.
        """
        from getframes.scene import Scene

        sources: list[Source] = [build_source(values) for values in self.sources]
        if self.catalog is not None:
            sources.append(build_catalog(self.catalog))
        return Scene(
            shape,
            build_optics(self.optics),
            build_psf(self.psf, self.optics),
            sources,
            sky=None if self.sky is None else build_sky(self.sky),
            thermal=None if self.thermal is None else build_thermal(self.thermal),
            wcs=None if self.wcs is None else build_wcs(self.wcs, self.optics, shape),
        )


def build_optics(values: Values) -> Telescope:
    """The telescope of an optics table."""
    from getframes.scene import Bandpass, RadialDistortion, Telescope, Vignetting

    rest = {key: value for key, value in values.items() if key not in ("band", "system")}
    if values["band"] is not None:
        rest["band"] = (Bandpass.ab if values["system"] == "ab" else Bandpass.johnson)(values["band"])
    if rest["vignetting"] is not None:
        rest["vignetting"] = Vignetting(**rest["vignetting"])
    if rest["distortion"] is not None:
        rest["distortion"] = RadialDistortion(**rest["distortion"])
    return Telescope(**rest)


def build_psf(values: Values, optics: Values | None = None) -> PSF:
    """The point spread function of a psf table; `optics` lends an Airy pattern its aperture."""
    from getframes import scene

    kind = values["type"]
    rest = {key: value for key, value in values.items() if key != "type"}
    if kind == "gaussian":
        return scene.GaussianPSF(**rest)
    if kind == "moffat":
        return scene.MoffatPSF(**rest)
    if kind == "elliptical":
        return scene.EllipticalGaussianPSF(**rest)
    if kind == "array":
        return scene.ArrayPSF(_read_image(rest["file"], "psf"))
    lent = optics or {}
    if rest["aperture_diameter_m"] is None:
        rest["aperture_diameter_m"] = lent.get("aperture_diameter_m")
    if rest["obstruction"] is None:
        rest["obstruction"] = lent.get("central_obstruction", 0.0)
    return scene.AiryPSF(**rest)


def build_sky(values: Values) -> Sky:
    """The sky of a sky table."""
    from getframes.scene import Sky

    return Sky(**values)


def build_thermal(values: Values) -> Thermal:
    """The warm surroundings of a thermal table."""
    from getframes.scene import Thermal

    return Thermal(**values)


def build_wcs(values: Values, optics: Values, shape: tuple[int, int]) -> WCSInfo:
    """The sky coordinates of a wcs table, about the centre of `shape` unless it says otherwise."""
    from getframes.scene import WCSInfo

    height, width = shape
    fallback = {
        "crpix_x": (width - 1) / 2,
        "crpix_y": (height - 1) / 2,
        "plate_scale_arcsec_per_pixel": optics["plate_scale_arcsec_per_pixel"],
    }
    return WCSInfo(**{key: fallback[key] if value is None else value for key, value in values.items()})


def build_source(values: Values) -> Source:
    """The source of a sources table."""
    from getframes.scene import ExtendedSource, PointSource, UniformIllumination

    rest = {key: value for key, value in values.items() if key not in ("type", "file", "light_curve")}
    kind = values["type"]
    if values.get("light_curve") is not None:
        rest["brightness"] = build_light_curve(values["light_curve"])
    if kind == "sersic":
        return ExtendedSource.sersic(**rest)
    if kind == "array":
        return ExtendedSource.from_array(_read_image(values["file"], "source"), **rest)
    return PointSource(**rest) if kind == "point" else UniformIllumination(**rest)


def build_light_curve(values: Values) -> LightCurve:
    """The light curve of a light_curve table."""
    from getframes.scene import LightCurve

    baseline = values["baseline"]
    if values["type"] == "box":
        begin_s, end_s = values["between_s"]
        return LightCurve.box(values["depth"], begin_s, end_s, baseline)
    phase = values["phase_rad"]
    return LightCurve.sinusoidal(values["amplitude"], values["period_s"], phase=phase, baseline=baseline)


def build_catalog(values: Values) -> Catalog:
    """The stars and galaxies of a catalog table."""
    from getframes.scene import Catalog, pleiades

    if values["file"] == SHIPPED_CATALOG:
        return pleiades(name=values["name"] or "Pleiades")
    columns = {key: value for key, value in values.items() if key != "file"}
    return Catalog.from_table(values["file"], **columns)


def _read_image(file: str, thing: str) -> NDArray[Any]:
    """The image in a .npy or FITS file."""
    import numpy as np

    if file.lower().endswith(".npy"):
        try:
            return np.asarray(np.load(file, allow_pickle=False))
        except ValueError as error:
            raise DomainError(f"{file} must be an array as numpy.save writes it: {error}") from None
    if file.lower().endswith((".fits", ".fit", ".fts")):
        from astropy.io import fits

        try:
            return np.asarray(fits.getdata(file))
        except OSError as error:
            raise DomainError(f"{file} must be a FITS image: {error}") from None
    raise DomainError(f"{thing} file must be .npy or .fits, got {file!r}")
