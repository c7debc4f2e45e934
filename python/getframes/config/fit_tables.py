"""The tables of a fit file, which says what `getframes fit` fits to which images, and how. Each step reads those it needs."""

from __future__ import annotations

from typing import Any

from getframes.config.field import (
    AT_LEAST_ONE,
    FLAG,
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
    as_text,
    numbers,
    one_of,
    texts,
)
from getframes.config.tables import Table

_PAIR = numbers("two numbers", 2)
_ORDER = Rule("in order", lambda value: bool(value[0] < value[1]))
_SHARE = Rule("in (0, 1)", lambda value: bool(0 < value < 1))
_FIELDS = ("dra", "ddec", "rhalf", "sersic", "g1", "g2")


def _number_or_name(value: Any, strict: bool) -> int | str:
    try:
        return as_text(value, strict) if isinstance(value, str) else as_integer(value, strict)
    except MisfitError:
        raise MisfitError("the number or the name of an extension") from None


_EXTENSION = Kind("integer or string", _number_or_name)
_LIMITS = (
    Field("lower", NUMBER, "Least value.", required=True),
    Field("upper", NUMBER, "Greatest value.", required=True),
)
_PRIORS = {
    "uniform": _LIMITS,
    "log_uniform": _LIMITS,
    "normal": (
        Field("mean", NUMBER, "Mean.", required=True),
        Field("sigma", NUMBER, "Standard deviation.", POSITIVE, required=True),
    ),
}
_MAX_SNR = Field(
    "max_snr",
    NUMBER,
    "Cap of the signal-to-noise ratio of a pixel: errors are inflated above it; none when left out.",
    POSITIVE,
)


def _bound(name: str, what: str, default: tuple[float, float] | None) -> Field:
    return Field(name, _PAIR, what, _ORDER, default=default)


FIT_TABLES: tuple[Table, ...] = (
    Table(
        "catalog",
        "The sources: a table with the columns id, ra, dec (or x, y), rhalf, sersic, q, pa, roi, and one for each band.",
        (
            Field("file", TEXT, "The table, FITS, ECSV or CSV.", WORD, required=True),
            Field(
                "bands",
                texts("an array of names of bands"),
                "Bands to fit; those that its header names when left out.",
            ),
        ),
        required=True,
    ),
    Table(
        "images",
        "Images of one kind; as many of these tables as there are kinds.",
        (
            Field(
                "file",
                TEXT,
                "A FITS file, a pixel store (`.h5`, which takes no other key), or a pattern (`night1/*.fits`).",
                WORD,
                required=True,
            ),
            Field("band", TEXT, "Their band; that of FILTER when left out.", WORD),
            Field("sci_ext", _EXTENSION, "Extension of the image; the first image when left out."),
            Field("unc_ext", _EXTENSION, "Extension of the uncertainty; UNCERT, ERR, ... when left out."),
            Field("mask_ext", _EXTENSION, "Extension of the mask, not 0 is bad; MASK when left out."),
            Field(
                "error",
                TEXT,
                "What the uncertainty is; as the name of its extension says when left out.",
                one_of("sigma", "variance", "inverse"),
            ),
            Field(
                "flux_scale",
                NUMBER,
                "Data of a source of flux 1; by the units of image and catalog when left out.",
                POSITIVE,
            ),
            Field(
                "background",
                INTEGER,
                "Coefficients of the background that is fitted: a constant, a plane; none when left out.",
                Rule("0, 1 or 3", lambda value: value in (0, 1, 3)),
            ),
        ),
        repeated=True,
    ),
    Table(
        "background",
        "A background that is known, which is taken off an image; `getframes fit background --write` makes these tables.",
        (
            Field("image", TEXT, "Name of the image.", WORD, required=True),
            Field("level", NUMBER, "Its background [data unit].", required=True),
        ),
        repeated=True,
    ),
    Table(
        "psf",
        "The PSFs of the images.",
        (
            Field(
                "file",
                TEXT,
                "Mixtures by the name of an image or a band, as `getframes fit psf` writes them.",
                WORD,
                required=True,
            ),
        ),
    ),
    Table(
        "scene",
        "How sources are shared out among patches.",
        (
            Field("max_active", INTEGER, "Sources that a patch may have.", AT_LEAST_ONE, default=20),
            Field("seed", INTEGER, "Of all that is random.", NOT_NEGATIVE, default=0),
        ),
    ),
    Table(
        "bounds",
        "Least and greatest values of parameters. A catalog row outside them is not fitted.",
        (
            _bound("dra", "Offset towards east [arcsec, or px without WCS].", (-1.0, 1.0)),
            _bound("ddec", "Offset towards north [arcsec, or px].", (-1.0, 1.0)),
            _bound("rhalf", "Circularized half-light radius [arcsec, or px].", (0.01, 20.0)),
            _bound("sersic", "Sersic index.", (0.5, 6.0)),
            _bound("g1", "Reduced shear along east.", (-0.7, 0.7)),
            _bound("g2", "Reduced shear along north-east.", (-0.7, 0.7)),
            _bound("flux", "Flux in every band; none when left out.", None),
        ),
    ),
    Table(
        "prior",
        "What is known of a parameter before; uniform within its bounds without such a table.",
        (
            Field(
                "parameter",
                TEXT,
                "Which one; flux is that of every band.",
                one_of(*_FIELDS, "flux"),
                required=True,
            ),
            Field("type", TEXT, "Law.", one_of(*_PRIORS), required=True),
        ),
        repeated=True,
        variants=_PRIORS,
    ),
    Table(
        "optimize",
        "The step `getframes fit optimize`.",
        (
            Field("visits", INTEGER, "How often each source is fitted.", AT_LEAST_ONE, default=1),
            Field("max_iterations", INTEGER, "Of each attempt.", AT_LEAST_ONE, default=500),
            _MAX_SNR,
        ),
    ),
    Table(
        "sample",
        "The step `getframes fit sample`.",
        (
            Field(
                "target_niter",
                INTEGER,
                "Draws that each source gets, of all visits; those of one when left out.",
                AT_LEAST_ONE,
            ),
            Field("draws", INTEGER, "Draws of each chain, of one visit.", AT_LEAST_ONE, default=500),
            Field(
                "warmup",
                INTEGER,
                "Draws before them, to learn step size and covariance.",
                NOT_NEGATIVE,
                default=300,
            ),
            Field("chains", INTEGER, "Chains.", AT_LEAST_ONE, default=4),
            Field(
                "weight",
                NUMBER,
                "Draws that a covariance of earlier visits counts for.",
                POSITIVE,
                default=10.0,
            ),
            Field(
                "max_treedepth",
                INTEGER,
                "A trajectory has at most 2 to this power steps.",
                AT_LEAST_ONE,
                default=8,
            ),
            Field(
                "target_accept", NUMBER, "Mean acceptance that the step size is set for.", _SHARE, default=0.8
            ),
            Field("keep_warmup", FLAG, "Keep the draws of the warm-up.", default=False),
            _MAX_SNR,
        ),
    ),
    Table(
        "output",
        "Where the results go: `state.fits`, `catalog.fits`, `patches/`, `fit.run.json`.",
        (
            Field("folder", TEXT, "Folder of the results; made if it is not there.", WORD, required=True),
            Field(
                "patches", FLAG, "Write a file of each patch: chains, residuals, covariance.", default=True
            ),
        ),
        required=True,
    ),
)
