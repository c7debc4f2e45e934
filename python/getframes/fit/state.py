"""The state of a super-scene as a FITS file that a person can open.

| extension | rows | columns |
|---|---|---|
| PARAMETERS | one a source | as `getframes.fit.source`, and ROI, VISITS, DRAWS, PATCH and DONE of the sweep, FLAGS |
| BOUNDS | one a source | LOWER, UPPER: least and greatest dra, ddec, rhalf, sersic, g1, g2, then fluxes |
| COVARIANCE | one a source | VISITED: whether there is one; COVARIANCE: of the same parameters, 0 where a star has none |

The primary header has the counters, the settings, the bands, and a digest of the catalog. Every unit has its checksums.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import IntegrityError
from getframes.fit.source import Rows
from getframes.io.fits import read_tables, write_tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

FORMAT = 1
"""Version of the layout."""

PROGRESS = np.dtype(
    [("visits", np.int64), ("draws", np.int64), ("patch", np.int32), ("done", np.bool_), ("flags", np.int32)]
)

_UNITS = {"ra": "deg", "dec": "deg", "dra": "arcsec", "ddec": "arcsec", "rhalf": "arcsec", "roi": "arcsec"}
_COMMENTS = {
    "FORMAT": "version of this layout",
    "CATHASH": "digest of the catalog",
    "BANDS": "names of the bands",
    "SKY": "positions are on the sky, else pixels",
    "SEED": "of all that is random",
    "MAXACT": "sources that a patch may have",
    "SWEEP": "sweeps over the catalog begun so far",
    "CHECKINS": "patches checked in so far",
}


@dataclass(kw_only=True)
class State:
    """What a super-scene knows of n sources in B bands, K = 6 + B parameters each.

    Attributes
    ----------
    sources : structured array (n,)
        As they are now.
    roi : array (n,)
        Radii of influence [arcsec, or px].
    progress : structured array (n,)
        Of `PROGRESS`: visits, draws, patch and whether it is done in this sweep, flags.
    lower, upper : array (n, K)
        Bounds.
    visited : array (n,) of bool
        Whether there is a covariance.
    covariance : array (n, K, K)
        Of the parameters.
    bands : tuple of str
        Their names.
    sky : bool
        Whether positions are on the sky.
    seed, max_active, sweep, checkins : int
        Settings and counters.
    """

    sources: Rows
    roi: Numbers
    progress: Any
    lower: Numbers
    upper: Numbers
    visited: NDArray[np.bool_]
    covariance: Numbers
    bands: tuple[str, ...]
    sky: bool
    seed: int
    max_active: int
    sweep: int = 0
    checkins: int = 0

    def header(self, catalog: str) -> dict[str, Any]:
        """The cards of the primary header."""
        return {
            "FORMAT": FORMAT,
            "CATHASH": catalog,
            "BANDS": ",".join(self.bands),
            "SKY": self.sky,
            "SEED": self.seed,
            "MAXACT": self.max_active,
            "SWEEP": self.sweep,
            "CHECKINS": self.checkins,
        }

    def save(self, path: Path, catalog: str) -> None:
        """Write the state; `catalog` is its digest.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        ids = self.sources["id"]
        parameters = {name: self.sources[name] for name in self.sources.dtype.names}
        parameters |= {"roi": self.roi} | {name: self.progress[name] for name in PROGRESS.names or ()}
        tables = {
            "PARAMETERS": parameters,
            "BOUNDS": {"id": ids, "lower": self.lower, "upper": self.upper},
            "COVARIANCE": {"id": ids, "visited": self.visited, "covariance": self.covariance},
        }
        header = {key: (value, _COMMENTS[key]) for key, value in self.header(catalog).items()}
        write_tables(path, tables, header, units=_UNITS if self.sky else {})

    def restore(self, path: Path, catalog: str) -> None:
        """Take over what a file says.

        Raises
        ------
        IntegrityError
            If it is damaged, or the state of another catalog, of other settings or of another version: names file, card or table.
        """
        header, tables = read_tables(path, ("PARAMETERS", "BOUNDS", "COVARIANCE"))
        for key, wanted in self.header(catalog).items():
            if key in ("SWEEP", "CHECKINS"):
                continue
            if header.get(key) != wanted:
                raise IntegrityError(
                    f"{path} is the state of {_OTHER.get(key, 'another run')}, which needs a folder of its own: {key} must be {wanted!r}, got {header.get(key)!r}"
                )
        parameters, bounds, covariance = tables.values()
        for name in ("lower", "upper"):
            if not np.array_equal(bounds[name.upper()], getattr(self, name)):
                raise IntegrityError(
                    f"{path} is the state of a run with other bounds, which needs a folder of its own: {name.upper()} differs"
                )
        for rows in (self.sources, self.progress):
            for name in rows.dtype.names:
                rows[name] = parameters[name.upper()].reshape(rows[name].shape)
        self.visited = covariance["VISITED"].astype(bool)
        self.covariance = covariance["COVARIANCE"].astype(np.float64).reshape(self.covariance.shape)
        self.sweep, self.checkins = int(header["SWEEP"]), int(header["CHECKINS"])


_OTHER: Mapping[str, str] = {"CATHASH": "another catalog", "FORMAT": "another version of getframes"}


def catalog_digest(sources: Rows, roi: Numbers) -> str:
    """Digest of what a catalog says of its usable sources."""
    running = hashlib.blake2b(digest_size=16)
    for values in (*(sources[name] for name in sources.dtype.names), roi):
        running.update(np.ascontiguousarray(values).tobytes())
    return running.hexdigest()
