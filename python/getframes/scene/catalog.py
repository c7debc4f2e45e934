"""Many stars and galaxies at once, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, ShapeError, require
from getframes.io.table import open_table, read_column
from getframes.scene.galaxies import LARGEST_INDEX, SMALLEST_INDEX, Galaxies, deposit_galaxies
from getframes.scene.light_curve import LightCurve, factor_at
from getframes.scene.optics import Telescope
from getframes.scene.psf import add_stars
from getframes.scene.sources import RenderContext, Source
from getframes.spectral import SED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

UNITS = {
    "magnitude": "mag",
    "photon_rate": "photons/s",
    "x": "px",
    "y": "px",
    "ra_deg": "deg",
    "dec_deg": "deg",
    "r_eff_arcsec": "arcsec",
    "sersic_n": "",
    "ellipticity": "",
    "position_angle_deg": "deg",
}
SHAPE_DEFAULTS = {"r_eff_arcsec": 0.0, "sersic_n": 1.0, "ellipticity": 0.0, "position_angle_deg": 0.0}


@dataclass(frozen=True)
class CatalogEntry:
    """One row of a catalog: a magnitude or a photon rate [photons / s], at x, y [pixel] or RA, Dec [deg].

    With an `r_eff_arcsec` it is a galaxy, of the shape that `ExtendedSource.sersic` describes; else a star.
    """

    magnitude: float | None = None
    photon_rate: float | None = None
    x: float | None = None
    y: float | None = None
    ra_deg: float | None = None
    dec_deg: float | None = None
    r_eff_arcsec: float | None = None
    sersic_n: float | None = None
    ellipticity: float | None = None
    position_angle_deg: float | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Catalog(Source):
    """Many stars and galaxies with one spectrum and one light curve; arrays inside, whatever it was made from.

    Attributes
    ----------
    entries : tuple of CatalogEntry
        One object per row, made when asked for; for large catalogs use `from_table`, which makes none.
    sed, brightness, name : SED, LightCurve, str, optional
        As in `PointSource`.

    Raises
    ------
    DomainError
        When a row has no brightness or two, no position or two, an impossible shape, or a value that is not
        finite; names the row.
    """

    entries: tuple[CatalogEntry, ...] = field(default_factory=tuple)
    sed: SED | None = None
    brightness: LightCurve | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        entries = self.__dict__.pop("entries")
        columns = {}
        for column in UNITS:
            values = [getattr(entry, column) for entry in entries]
            if any(value is not None for value in values):
                numbers = [np.nan if value is None else value for value in values]
                columns[column] = np.array(numbers, np.float64)
        self._keep(columns, len(entries))

    @classmethod
    def from_table(
        cls,
        table: Mapping[str, Sequence[Any]] | Any,
        *,
        magnitude: str | None = None,
        photon_rate: str | None = None,
        x: str | None = None,
        y: str | None = None,
        ra: str | None = None,
        dec: str | None = None,
        sed: SED | None = None,
        brightness: LightCurve | None = None,
        name: str | None = None,
        r_eff: str | None = None,
        n: str | None = None,
        ellipticity: str | None = None,
        position_angle: str | None = None,
    ) -> Catalog:
        """A catalog from columns of a table.

        Parameters
        ----------
        table : Table, DataFrame, dict of arrays, structured array, str or Path
            An astropy Table, a pandas frame, or the path of a FITS, CSV or ECSV file.
        magnitude, photon_rate : str
            Column of the brightness [mag] or [photons / s]: exactly one of them.
        x, y, ra, dec : str
            Columns of the position: x and y [pixel], or RA and Dec [deg].
        sed, brightness, name : SED, LightCurve, str, optional
            Shared by all rows.
        r_eff, n, ellipticity, position_angle : str, optional
            Columns of the shape of galaxies: half-light radius along the major axis [arcsec], 0 for a star; Sersic index
            (1 without a column), 1 - minor / major axis (0), angle of the major axis from +x towards +y [deg] (0).

        Raises
        ------
        DomainError
            When a column is missing, is not numbers, or has a row that is masked, NaN or infinite.
        """
        require(
            (magnitude is None) != (photon_rate is None),
            "Catalog.from_table",
            "brightness",
            "one of the columns magnitude and photon_rate",
            (magnitude, photon_rate),
        )
        pixels, sky = (x is not None, y is not None), (ra is not None, dec is not None)
        require(
            {pixels, sky} == {(True, True), (False, False)},
            "Catalog.from_table",
            "position",
            "the columns x and y, or ra and dec",
            (x, y, ra, dec),
        )
        shape = (r_eff, n, ellipticity, position_angle)
        require(
            r_eff is not None or shape == (None,) * 4,
            "Catalog.from_table",
            "r_eff",
            "given with n, ellipticity and position_angle",
            None,
        )
        named = dict(zip(UNITS, (magnitude, photon_rate, x, y, ra, dec, *shape), strict=True))
        table = open_table(table)
        columns = {
            field_name: read_column(table, column, UNITS[field_name])
            for field_name, column in named.items()
            if column is not None
        }
        return cls.from_columns(columns, sed=sed, brightness=brightness, name=name)

    @classmethod
    def from_columns(
        cls,
        columns: Mapping[str, Column],
        *,
        sed: SED | None = None,
        brightness: LightCurve | None = None,
        name: str | None = None,
    ) -> Catalog:
        """A catalog from arrays of shape `(n,)`, named as the fields of `CatalogEntry`."""
        catalog = cls(sed=sed, brightness=brightness, name=name)
        copies = {column: np.array(values, np.float64) for column, values in columns.items()}
        sizes = {column.size for column in copies.values()}
        if len(sizes) > 1:
            raise ShapeError(f"Catalog columns must have one length, got {sorted(sizes)}")
        catalog._keep(copies, sizes.pop() if sizes else 0)
        return catalog

    def _keep(self, columns: dict[str, Column], size: int) -> None:
        unknown = set(columns) - set(UNITS)
        require(not unknown, self, "columns", f"among {', '.join(UNITS)}", unknown)
        _require_rows(columns, size)
        for column in columns.values():
            column.flags.writeable = False
        self.__dict__.update(_columns=columns, _size=size)

    def __getattr__(self, name: str) -> Any:
        if name != "entries" or "_columns" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return tuple(self._entry(row) for row in range(len(self)))

    def _entry(self, row: int) -> CatalogEntry:
        values = {name: float(column[row]) for name, column in self._columns.items()}
        return CatalogEntry(**{name: value for name, value in values.items() if not np.isnan(value)})

    def __len__(self) -> int:
        return int(self._size)

    def __repr__(self) -> str:
        galaxies = int(np.count_nonzero(self._shape("r_eff_arcsec")))
        parts = [f"{len(self) - galaxies} stars", *([f"{galaxies} galaxies"] if galaxies else [])]
        parts += sorted(self._columns)
        shared = {"sed": self.sed, "brightness": self.brightness, "name": self.name}
        parts += [f"{name}={value!r}" for name, value in shared.items() if value is not None]
        return f"Catalog({', '.join(parts)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Catalog):
            return NotImplemented
        return (
            len(self) == len(other)
            and (self.sed, self.brightness, self.name) == (other.sed, other.brightness, other.name)
            and self._columns.keys() == other._columns.keys()
            and all(
                np.array_equal(values, other._columns[name], equal_nan=True)
                for name, values in self._columns.items()
            )
        )

    __hash__ = None  # type: ignore[assignment]

    def column(self, name: str) -> Column:
        """One column, named as in `CatalogEntry`, shape `(n,)`, read-only; NaN where there is none."""
        require(name in UNITS, self, "column", f"one of {', '.join(UNITS)}", name)
        values: Column = self._columns.get(name, np.broadcast_to(np.nan, len(self)))
        return values

    def photon_rates(self, optics: Telescope, time_s: float | None = None) -> Column:
        """Light of each row at the detector [photons / s], shape `(n,)`."""
        rates = np.array(self.column("photon_rate"))
        missing = np.isnan(rates)
        if missing.any():
            band = optics.required_band("a magnitude")
            magnitude = self.column("magnitude")[missing]
            rates[missing] = band.photon_zeropoint * optics.photon_gain_m2 * 10.0 ** (-0.4 * magnitude)
        rates *= factor_at(self.brightness, time_s)
        return rates

    def total_photon_rate(self, optics: Telescope, time_s: float | None = None) -> float:
        """The light of all rows at the detector [photons / s]."""
        return float(self.photon_rates(optics, time_s).sum())

    def deposit(self, image: NDArray[np.float64], ctx: RenderContext) -> None:
        """Add the light to `image` [photons / s / pixel] in place, stars first; what is off the image is lost."""
        if len(self) == 0:
            return
        rates = self.photon_rates(ctx.optics, ctx.time_s)
        rates *= ctx.qe_scale(self.sed)
        x, y = self._positions(ctx)
        scale = ctx.optics.plate_scale_arcsec_per_pixel
        radius = self._shape("r_eff_arcsec")
        seen = np.isfinite(x) & np.isfinite(y)  # the far half of the sky has no pixel
        stars, galaxies = seen & (radius == 0.0), seen & (radius > 0.0)
        if stars.any():
            some_x, some_y, some_rates = _rows((x, y, rates), stars)
            add_stars(ctx.psf, image, some_x, some_y, some_rates, scale)
        if galaxies.any():
            index, ellipticity, angle = (
                self._shape(name) for name in ("sersic_n", "ellipticity", "position_angle_deg")
            )
            columns = (x, y, rates, radius / scale, index, 1.0 - ellipticity, angle)
            deposit_galaxies(image, ctx.psf, Galaxies(*_rows(columns, galaxies)), scale)

    def _shape(self, name: str) -> Column:
        """A column of the shape, with its default where there is no value."""
        values = self._columns.get(name)
        default = SHAPE_DEFAULTS[name]
        return np.full(len(self), default) if values is None else np.where(np.isnan(values), default, values)

    def _positions(self, ctx: RenderContext) -> tuple[Column, Column]:
        x, ra = self._columns.get("x"), self._columns.get("ra_deg")
        if ra is None or x is None:
            return ctx.place(x, self._columns.get("y"), ra, self._columns.get("dec_deg"))
        on_sky = np.isnan(x)
        placed = np.empty((2, len(self)))
        placed[:, ~on_sky] = ctx.place(x[~on_sky], self._columns["y"][~on_sky], None, None)
        placed[:, on_sky] = ctx.place(None, None, ra[on_sky], self._columns["dec_deg"][on_sky])
        return placed[0], placed[1]


def _require_rows(columns: Mapping[str, Column], size: int) -> None:
    """Every star has one brightness and one position, all finite."""
    given = {name: np.zeros(size, bool) for name in UNITS}
    for name, column in columns.items():
        _require_each(~np.isinf(column), name, "finite", column)
        given[name] = ~np.isnan(column)
    rate = columns.get("photon_rate")
    if rate is not None:
        _require_each(~(rate < 0.0), "photon_rate", ">= 0 photons/s", rate)
    brightness = given["magnitude"].astype(int) + given["photon_rate"]
    _require_each(brightness == 1, "brightness", "given by one of magnitude and photon_rate", brightness)
    for pair in (("x", "y"), ("ra_deg", "dec_deg")):
        whole = given[pair[0]] == given[pair[1]]
        _require_each(whole, f"{pair[0]} and {pair[1]}", "given together", whole)
    _require_shapes(columns, given)
    places = given["x"].astype(int) + given["ra_deg"]
    _require_each(places == 1, "position", "given by one of (x, y) and (ra_deg, dec_deg)", places)


def _require_shapes(columns: Mapping[str, Column], given: Mapping[str, NDArray[np.bool_]]) -> None:
    """Shapes that `ExtendedSource` would take, in rows that have a radius."""
    indices = f"in [{SMALLEST_INDEX:g}, {LARGEST_INDEX:g}]"
    rules: dict[str, tuple[str, Callable[[Column], NDArray[np.bool_]]]] = {
        "r_eff_arcsec": (">= 0 arcsec", lambda value: value >= 0.0),
        "sersic_n": (indices, lambda value: (value >= SMALLEST_INDEX) & (value <= LARGEST_INDEX)),
        "ellipticity": ("in [0, 1)", lambda value: (value >= 0.0) & (value < 1.0)),
    }
    radius = columns.get("r_eff_arcsec")
    star = ~given["r_eff_arcsec"] if radius is None else ~(radius > 0.0)
    for name, (rule, holds) in rules.items():
        if name in columns:
            ignored = star if name != "r_eff_arcsec" else np.isnan(columns[name])
            _require_each(holds(columns[name]) | ~given[name] | ignored, name, rule, columns[name])


def _rows(columns: tuple[Column, ...], wanted: NDArray[np.bool_]) -> tuple[Column, ...]:
    """Those rows; the columns themselves where all are wanted."""
    return columns if wanted.all() else tuple(column[wanted] for column in columns)


def _require_each(holds: NDArray[np.bool_], name: str, rule: str, values: NDArray[Any]) -> None:
    if not holds.all():
        row = int(np.argmin(holds))
        raise DomainError(f"Catalog.{name} must be {rule}, got {values[row]} in row {row}")


def pleiades(*, sed: SED | None = None, name: str | None = "Pleiades") -> Catalog:
    """The 926 stars of Tycho-2 within 2.5 degrees of the Pleiades, V_T from 3.6 to 13.6.

    V_T magnitudes are used as Johnson V; the two differ by up to about 0.1 mag.

    Source: Hog et al. 2000, doi:10.1051/0004-6361:20000862.
    """
    with as_file(files("getframes.scene") / "data" / "tycho2_pleiades.csv") as path:
        return Catalog.from_table(
            Path(path), magnitude="vt_mag", ra="ra_deg", dec="dec_deg", sed=sed, name=name
        )
