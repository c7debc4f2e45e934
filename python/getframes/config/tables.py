"""The tables of an experiment file: keys, types, rules and meaning, written once.

Reading, error messages and the reference page all come from here; the fields of a camera from
`camera_fields`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from getframes.config.camera_fields import BY_NAME, FIELDS, SIZE, TEMPERATURE_C
from getframes.config.field import (
    ANY,
    AT_LEAST_ONE,
    BELOW_ONE,
    FLAG,
    FRACTION,
    INTEGER,
    NOT_NEGATIVE,
    NUMBER,
    POSITIVE,
    TEXT,
    WORD,
    Field,
    Kind,
    MisfitError,
    Rule,
    as_integer,
    as_number,
    numbers,
    one_of,
)


@dataclass(frozen=True)
class Table:
    """One table of an experiment file.

    Attributes
    ----------
    name : str
        Its path, as in its header.
    doc : str
        What it describes.
    fields : tuple of Field
        Its keys.
    required : bool
        Whether the table it stands in needs it.
    repeated : bool
        Whether it is an array of tables, ``[[name]]``.
    variants : mapping
        The keys that come with each value of `type`.
    base : str
        The key that, when given, stands for all required ones.
    """

    name: str
    doc: str
    fields: tuple[Field, ...]
    required: bool = False
    repeated: bool = False
    variants: Mapping[str, tuple[Field, ...]] = field(default_factory=dict)
    base: str = ""

    def keys(self, kind: Any = None) -> tuple[Field, ...]:
        """The keys of the table when its `type` is `kind`."""
        return (*self.fields, *self.variants.get(kind, ()))


def _count_or_range(value: Any, strict: bool) -> Any:
    """A count, or the least and the most as a tuple."""
    if not isinstance(value, (list, tuple)):
        return as_integer(value, strict)
    if len(value) != 2:
        raise MisfitError("an integer or [least, most]")
    return tuple(as_integer(item, strict) for item in value)


_COUNT_OR_RANGE = Kind("integer or array of 2 integer", _count_or_range)
_COUNTS = Rule(
    ">= 0 and in order",
    lambda value: 0 <= value[0] <= value[1] if isinstance(value, tuple) else value >= 0,
)
_SEED = Field("seed", INTEGER, "Seed of the noise; another one for every run when left out.", NOT_NEGATIVE)
_EXPOSURE = Field("exposure_s", NUMBER, "Exposure time of a frame.", NOT_NEGATIVE, "s", required=True)


def _number(name: str, unit: str, rule: Rule, doc: str, **more: Any) -> Field:
    return Field(name, NUMBER, doc, rule, unit, **more)


def _text(name: str, doc: str, rule: Rule = WORD, **more: Any) -> Field:
    return Field(name, TEXT, doc, rule, **more)


def _pairs(value: Any, strict: bool) -> Any:
    """Pairs of numbers as tuples, at least one."""
    wanted = "pairs of numbers, at least one"
    if not isinstance(value, (list, tuple)) or not value:
        raise MisfitError(wanted)
    if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in value):
        raise MisfitError(wanted)
    try:
        return tuple((as_number(x, strict), as_number(y, strict)) for x, y in value)
    except MisfitError:
        raise MisfitError(wanted) from None


_PAIRS = Kind("array of arrays of 2 float", _pairs)

CAMERA_OPTIONS = (
    _text(
        "preset", "Name of a shipped camera; every other key of the table then replaces one of its figures."
    ),
    Field(
        "default_temperature_c",
        NUMBER,
        "Temperature of frames that do not give one.",
        TEMPERATURE_C.rule,
        "deg C",
    ),
    _text("precision", "Precision of the arithmetic.", one_of("float64", "float32"), default="float64"),
    _text("device", "Where frames are made.", one_of("cpu", "auto", "gpu"), default="cpu"),
)

_LIT = (
    _EXPOSURE,
    _number("photon_rate", "photons/s", NOT_NEGATIVE, "Photons on every pixel.", required=True),
    _number("background", "photons/s", NOT_NEGATIVE, "Photons on every pixel, added to those.", default=0.0),
)
_FRAMES: dict[str, tuple[Field, ...]] = {
    "dark": (_EXPOSURE,),
    "bias": (),
    "flat": _LIT,
    "light": _LIT,
    "science": (_EXPOSURE,),
}
_RAMPS = {
    "nondestructive": (
        Field(
            "reads_per_reset",
            INTEGER,
            "Reads of a ramp, one every exposure_s / reads_per_reset; n_frames are the reads in all.",
            AT_LEAST_ONE,
            required=True,
        ),
    ),
    "cds": (
        _number(
            "pedestal_interval_s",
            "s",
            NOT_NEGATIVE,
            "Time from the reset to the first read; exposure_s is that from there to the second.",
            default=0.0,
        ),
    ),
}
_SERIES = (
    _number(
        "cadence_s",
        "s",
        NOT_NEGATIVE,
        "Time from the start of a frame to that of the next; exposure_s when left out.",
    ),
    _number(
        "jitter_arcsec",
        "arcsec",
        NOT_NEGATIVE,
        "Standard deviation of each frame's random offset, along each axis.",
        default=0.0,
    ),
    Field(
        "drift_arcsec_per_s",
        numbers("two numbers", 2),
        "Steady motion of the sources along x and y.",
        ANY,
        "arcsec/s",
        default=(0.0, 0.0),
    ),
    Field("dither_arcsec", _PAIRS, "Offsets of the sources along x and y, taken in turn.", ANY, "arcsec"),
)
_TIMES = Rule("in order", lambda value: value[0] <= value[1])
_LIGHT_CURVES = {
    "box": (
        _number(
            "depth", "", Rule("<= 1", lambda value: value <= 1), "Fraction of the light lost.", required=True
        ),
        Field(
            "between_s",
            numbers("two numbers", 2),
            "When it begins and when it ends.",
            _TIMES,
            "s",
            required=True,
        ),
    ),
    "sinusoidal": (
        _number("amplitude", "", ANY, "Half of the peak to peak of the factor.", required=True),
        _number("period_s", "s", POSITIVE, "Period.", required=True),
        _number("phase_rad", "rad", ANY, "Phase of the sine at the start of the series.", default=0.0),
    ),
}

_OPTICS = (
    _number("aperture_diameter_m", "m", POSITIVE, "Diameter of the aperture.", required=True),
    _number(
        "plate_scale_arcsec_per_pixel", "arcsec", POSITIVE, "Width of a pixel on the sky.", required=True
    ),
    _number("throughput", "", FRACTION, "Fraction of the photons that reaches the detector.", default=1.0),
    _number(
        "central_obstruction",
        "",
        BELOW_ONE,
        "Diameter of the obstruction over that of the aperture.",
        default=0.0,
    ),
    _text("band", "Photometric band, by its letter or name; needed where magnitudes are given."),
    _text(
        "system",
        "Zero points of the band: Vega (U B V R I J H Ks) or AB (u g r i z gaia_g gaia_bp gaia_rp j h ks).",
        one_of("johnson", "ab"),
        default="johnson",
    ),
)
_VIGNETTING = (
    _number("strength", "", FRACTION, "Fraction of the light lost in the corners.", required=True),
    _number("power", "", POSITIVE, "Steepness of the loss.", default=2.0),
)
_DISTORTION = (
    _number("k1", "", ANY, "Radial distortion, per pixel squared.", required=True),
    _number("k2", "", ANY, "Radial distortion, per pixel to the fourth.", default=0.0),
)
_PSFS = {
    "gaussian": (_number("fwhm_arcsec", "arcsec", POSITIVE, "Full width at half maximum.", required=True),),
    "moffat": (
        _number("fwhm_arcsec", "arcsec", POSITIVE, "Full width at half maximum.", required=True),
        _number("beta", "", Rule("> 1", lambda value: value > 1), "Steepness of the wings.", default=3.0),
    ),
    "elliptical": (
        _number("fwhm_major_arcsec", "arcsec", POSITIVE, "Full width along the long axis.", required=True),
        _number("fwhm_minor_arcsec", "arcsec", POSITIVE, "Full width along the short axis.", required=True),
        _number("position_angle_deg", "deg", ANY, "Angle of the long axis, from x towards y.", default=0.0),
    ),
    "airy": (
        _number("wavelength_m", "m", POSITIVE, "Wavelength of the light.", required=True),
        _number("aperture_diameter_m", "m", POSITIVE, "Diameter; that of the optics when left out."),
        _number("obstruction", "", BELOW_ONE, "Obstruction; that of the optics when left out."),
    ),
    "array": (_text("file", "The image of a star at the plate scale: .fits or .npy.", required=True),),
}
_PSF_TYPE = (_text("type", "Kind of point spread function.", one_of(*_PSFS), required=True),)
_ANYWHERE = (
    _number("x", "px", ANY, "Column; with y, in place of ra and dec."),
    _number("y", "px", ANY, "Row."),
    _number("ra", "deg", ANY, "Right ascension; with dec, in place of x and y."),
    _number("dec", "deg", ANY, "Declination."),
    _number("magnitude", "mag", ANY, "Magnitude in the band of the optics; or give photon_rate."),
    _number("photon_rate", "photons/s", NOT_NEGATIVE, "Photons at the detector; or give magnitude."),
)
_INDEX = Rule("in [0.5, 8]", lambda value: 0.5 <= value <= 8.0)
_SOURCES = {
    "sersic": (
        *_ANYWHERE,
        _number("r_eff_arcsec", "arcsec", POSITIVE, "Half-light radius along the major axis.", required=True),
        _number("n", "", _INDEX, "Sersic index: 1 is a disk, 4 a bulge.", default=1.0),
        _number("ellipticity", "", BELOW_ONE, "1 - minor / major axis.", default=0.0),
        _number("position_angle_deg", "deg", ANY, "Angle of the major axis, from x towards y.", default=0.0),
    ),
    "array": (
        *_ANYWHERE,
        _text("file", "Its light, one value per detector pixel: .fits or .npy.", required=True),
        Field("convolved", FLAG, "Whether the light holds the point spread function already.", default=False),
    ),
    "point": (
        _number("x", "px", ANY, "Column; pixel centres are at integers.", required=True),
        _number("y", "px", ANY, "Row.", required=True),
        _number("magnitude", "mag", ANY, "Magnitude in the band of the optics; or give photon_rate."),
        _number("photon_rate", "photons/s", NOT_NEGATIVE, "Photons at the detector; or give magnitude."),
    ),
    "uniform": (_number("photon_rate", "photons/s", NOT_NEGATIVE, "Photons on every pixel.", required=True),),
}

TABLES: tuple[Table, ...] = (
    Table(
        "camera",
        "The camera: a preset and what differs from it, or every figure that has no default.",
        (*CAMERA_OPTIONS, *FIELDS),
        required=True,
        base="preset",
    ),
    Table(
        "frame",
        "The frames that `getframes generate` makes.",
        (
            _text("type", "Kind of frame.", one_of(*_FRAMES), required=True),
            TEMPERATURE_C,
            _SEED,
            Field("n_frames", INTEGER, "How many.", AT_LEAST_ONE, default=1),
        ),
        variants=_FRAMES,
    ),
    Table(
        "ramp",
        "Reads without a reset between them, in place of dark, flat and light frames.",
        (_text("type", "Kind of readout.", one_of(*_RAMPS), required=True),),
        variants=_RAMPS,
    ),
    Table(
        "series",
        "Science frames that follow each other in time, of a telescope that moves; with the light curves of sources, "
        "and charge that earlier frames left behind.",
        _SERIES,
    ),
    Table("scene", "What the telescope sees, in science frames. Its shape is that of the camera.", ()),
    Table("scene.optics", "The telescope.", _OPTICS, required=True),
    Table("scene.optics.vignetting", "Light lost towards the corners.", _VIGNETTING),
    Table("scene.optics.distortion", "Positions moved along the radius.", _DISTORTION),
    Table("scene.psf", "The point spread function.", _PSF_TYPE, required=True, variants=_PSFS),
    Table(
        "scene.sky",
        "The night sky.",
        (
            _number(
                "surface_brightness_mag_arcsec2", "mag/arcsec2", ANY, "Brightness of the sky.", required=True
            ),
        ),
    ),
    Table(
        "scene.thermal",
        "Warm surroundings.",
        (
            _number("temperature_k", "K", POSITIVE, "Their temperature.", required=True),
            _number("emissivity", "", FRACTION, "Their emissivity.", default=1.0),
        ),
    ),
    Table(
        "scene.wcs",
        "Where the telescope points; needed for stars given by RA and Dec.",
        (
            _number("crval_ra_deg", "deg", ANY, "Right ascension of the reference pixel.", required=True),
            _number(
                "crval_dec_deg",
                "deg",
                Rule("in [-90, 90]", lambda value: -90 <= value <= 90),
                "Declination of the reference pixel.",
                required=True,
            ),
            _number("crpix_x", "px", ANY, "Column of the reference pixel, from 0; the centre when left out."),
            _number("crpix_y", "px", ANY, "Row of the reference pixel, from 0; the centre when left out."),
            _number("plate_scale_arcsec_per_pixel", "arcsec", POSITIVE, "That of the optics when left out."),
            _number("rotation_deg", "deg", ANY, "Rotation of the field.", default=0.0),
        ),
    ),
    Table(
        "scene.sources",
        "A source; as many of these tables as there are sources.",
        (
            _text("type", "Kind of source.", one_of(*_SOURCES), required=True),
            _text("name", "Its name."),
        ),
        repeated=True,
        variants=_SOURCES,
    ),
    Table(
        "scene.sources.light_curve",
        "A factor on the light of the source above it, in a `[series]`.",
        (
            _text("type", "Kind of light curve.", one_of(*_LIGHT_CURVES), required=True),
            _number("baseline", "", NOT_NEGATIVE, "The factor without the change.", default=1.0),
        ),
        variants=_LIGHT_CURVES,
    ),
    Table(
        "scene.catalog",
        "A file of stars and galaxies.",
        (
            _text(
                "file", "A FITS, CSV or ECSV table; or `pleiades`, the list that is shipped.", required=True
            ),
            _text("magnitude", "Column of the magnitude; or give photon_rate."),
            _text("photon_rate", "Column of the photons per second at the detector; or give magnitude."),
            _text("x", "Column of x; with y, in place of ra and dec."),
            _text("y", "Column of y."),
            _text("ra", "Column of the right ascension in degrees; with dec, in place of x and y."),
            _text("dec", "Column of the declination in degrees."),
            _text("r_eff", "Column of the half-light radius of galaxies in arcsec; 0 for a star."),
            _text("n", "Column of their Sersic index; 1 when left out."),
            _text("ellipticity", "Column of their 1 - minor / major axis; 0 when left out."),
            _text("position_angle", "Column of the angle of their major axis in degrees; 0 when left out."),
            _text("name", "Name of the catalog."),
        ),
    ),
    Table(
        "dataset",
        "The pairs of raw frame and truth that `getframes dataset` makes, of random star fields.",
        (
            Field("n", INTEGER, "How many pairs.", NOT_NEGATIVE, required=True),
            Field(
                "shape",
                BY_NAME["resolution"].kind,
                "Height and width; those of the camera when left out.",
                SIZE,
            ),
            _EXPOSURE,
            TEMPERATURE_C,
            Field(
                "n_stars",
                _COUNT_OR_RANGE,
                "Stars in a field, or the least and the most.",
                _COUNTS,
                default=(20, 200),
            ),
            Field(
                "mag_range",
                numbers("two numbers", 2),
                "Brightest and faintest magnitude.",
                Rule("in order", lambda value: value[0] <= value[1]),
                default=(16.0, 22.0),
            ),
            Field("sky", FLAG, "Whether there is a sky.", default=True),
            _number("sky_mag_arcsec2", "mag/arcsec2", ANY, "Brightness of the sky.", default=21.0),
            _SEED,
            _text("dtype", "Type of the arrays.", one_of("float32", "float64"), default="float32"),
            Field("compress", FLAG, "Whether the files are compressed.", default=False),
            _text("format", "Format of the files.", one_of("npz"), default="npz"),
        ),
    ),
    Table("dataset.optics", "The telescope; 0.5 m at 1 arcsec per pixel in V when left out.", _OPTICS),
    Table("dataset.optics.vignetting", "Light lost towards the corners.", _VIGNETTING),
    Table("dataset.optics.distortion", "Positions moved along the radius.", _DISTORTION),
    Table(
        "dataset.psf",
        "The point spread function; a Gaussian of 2.5 arcsec when left out.",
        _PSF_TYPE,
        variants=_PSFS,
    ),
)


def children_of(name: str, tables: tuple[Table, ...] = TABLES) -> dict[str, Table]:
    """The tables that stand directly in table `name`, by their last name; those of the file for ``""``."""
    return {table.name.rpartition(".")[2]: table for table in tables if table.name.rpartition(".")[0] == name}
