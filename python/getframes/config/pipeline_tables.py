"""The tables of a pipeline file, which says how `getframes reduce` reduces the frames of a folder."""

from __future__ import annotations

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
    Rule,
    one_of,
    texts,
)
from getframes.config.tables import Table

_FOLDERS = texts("an array of names of folders")
_PART = Rule("in (0, 1]", lambda value: 0 < value <= 1)
_METHODS = one_of("sigma_clip", "median", "mean")

PIPELINE_TABLES: tuple[Table, ...] = (
    Table(
        "input",
        "Where the raw files are, and what they are where their headers do not say.",
        (
            Field("folder", TEXT, "Folder that is searched, with all that are in it.", WORD, required=True),
            Field("pattern", TEXT, "Names of the files, without regard to capitals.", WORD, default="*.fit*"),
            Field(
                "night_offset_h",
                NUMBER,
                "Hours after 00:00 UTC at which a night begins.",
                Rule("in [-24, 24]", lambda value: -24 <= value <= 24),
                "h",
                default=10.0,
            ),
            Field("detector_keyword", TEXT, "Keyword that tells detectors apart.", WORD, default="DETECTOR"),
            Field(
                "bias_folders", _FOLDERS, "Folders of biases without IMAGETYP and OBSTYPE.", default=("Bias",)
            ),
            Field("dark_folders", _FOLDERS, "Folders of darks without them.", default=("Darks",)),
            Field("flat_folders", _FOLDERS, "Folders of flats without them.", default=("Flats",)),
            Field(
                "science_folders",
                _FOLDERS,
                "Folders of science frames without them.",
                default=("ScienceImages",),
            ),
        ),
        required=True,
    ),
    Table(
        "output",
        "Where the results go: masters in `masters/`, calibrated frames in `science/` under the night.",
        (
            Field("folder", TEXT, "Folder of the results; made if it is not there.", WORD, required=True),
            Field("overwrite", FLAG, "Replace files there that no such run made.", default=False),
        ),
        required=True,
    ),
    Table(
        "group",
        "Which frames belong together.",
        (
            Field(
                "temperature_tolerance_c",
                NUMBER,
                "Largest difference of temperatures.",
                NOT_NEGATIVE,
                "deg C",
                default=2.0,
            ),
            Field(
                "exposure_tolerance",
                NUMBER,
                "Largest difference of exposures, as a part of them.",
                NOT_NEGATIVE,
                default=0.01,
            ),
            Field(
                "max_nights",
                NUMBER,
                "Days between a frame and what it is calibrated with; no limit when left out.",
                NOT_NEGATIVE,
                "d",
                default=None,
            ),
        ),
    ),
    Table(
        "masters",
        "What frames are calibrated with. Of what is true here a frame needs a master, or it is not calibrated.",
        (
            Field("bias", FLAG, "Take off a master bias.", default=True),
            Field("dark", FLAG, "Take off a master dark, a rate times the exposure.", default=True),
            Field("flat", FLAG, "Divide by a master flat.", default=True),
            Field(
                "method",
                TEXT,
                "How frames are combined; when left out a clipped mean, and a mean for cameras with a gain stage.",
                _METHODS,
            ),
            Field(
                "sigma", NUMBER, "Where a value is clipped, in standard deviations.", POSITIVE, default=5.0
            ),
        ),
    ),
    Table(
        "calibrate",
        "How frames are calibrated. What is left out here the headers say.",
        (
            Field("unit", TEXT, "Unit of the results.", one_of("adu", "electron"), default="adu"),
            Field(
                "overscan",
                TEXT,
                "How the overscan is taken off; by row where the header has a BIASSEC, when left out.",
                one_of("row", "column", "strip", "none"),
            ),
            Field("gain_e_per_adu", NUMBER, "Electrons for one count.", POSITIVE, "e-/ADU"),
            Field("read_noise_e", NUMBER, "Read noise.", NOT_NEGATIVE, "e-"),
            Field("saturation_adu", NUMBER, "Counts from which a pixel is saturated.", POSITIVE, "ADU"),
            Field(
                "excess_noise",
                NUMBER,
                "Excess noise factor of a gain stage, a ratio of standard deviations.",
                AT_LEAST_ONE,
            ),
            Field(
                "uncertainty",
                FLAG,
                "Whether the uncertainty is worked out; where gain and read noise are known, when left out.",
            ),
            Field("precision", TEXT, "Precision of the results.", one_of("float32", "float64")),
        ),
    ),
    Table(
        "cosmic_rays",
        "Find cosmic rays in calibrated frames; without this table they are left.",
        (
            Field("sigma_clip", NUMBER, "How far a hit stands above the noise.", POSITIVE, default=4.5),
            Field("sigma_frac", NUMBER, "Part of that for its neighbours.", _PART, default=0.3),
            Field("object_limit", NUMBER, "How far it stands above fine structure.", POSITIVE, default=5.0),
            Field("iterations", INTEGER, "The most rounds.", AT_LEAST_ONE, default=4),
            Field(
                "replacement",
                TEXT,
                "What a hit becomes: of the good pixels around it.",
                one_of("median", "mean"),
                default="median",
            ),
        ),
    ),
    Table(
        "focal_plane",
        "Flats of several detectors on one scale; without this table each has a mean of 1.",
        (
            Field(
                "exposure_keyword",
                TEXT,
                "Keyword that is the same in the files of one exposure; DATE-OBS when left out.",
                WORD,
                default="DATE-OBS",
            ),
            Field(
                "level",
                TEXT,
                "Whether detectors are measured as a whole or by amplifier (DATASECA, DATASECB ...), so that a dead one is left out.",
                one_of("detector", "amp"),
                default="detector",
            ),
        ),
    ),
)
"""Every table of a pipeline file."""
