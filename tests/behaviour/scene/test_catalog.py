"""Catalogs from every kind of table, and what a bad one says."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from astropy import units
from astropy.table import MaskedColumn, QTable, Table
from numpy.testing import assert_allclose, assert_array_equal

from getframes.errors import DomainError, ShapeError
from getframes.scene import (
    Bandpass,
    Catalog,
    CatalogEntry,
    GaussianPSF,
    LightCurve,
    PointSource,
    Scene,
    Telescope,
    WCSInfo,
    pleiades,
)

STARS = Path(__file__).parents[2] / "data" / "tycho2_pleiades.csv"
COLUMNS = {
    "mag": np.array([8.0, 9.5, 11.0]),
    "x": np.array([3.0, 10.5, 17.0]),
    "y": np.array([4.0, 9.0, 12.25]),
}
OPTICS = Telescope(0.5, 1.0, band=Bandpass.johnson("V"))
WCS = WCSInfo(56.75, 24.1, 255.5, 255.5, 40.0)
NAMED: dict[str, Any] = {"magnitude": "mag", "x": "x", "y": "y"}


def sky_scene(catalog: Catalog) -> Scene:
    return Scene((512, 512), OPTICS, GaussianPSF(2.5), [catalog], wcs=WCS)


@pytest.mark.parametrize(
    "table",
    [
        COLUMNS,
        {name: column.tolist() for name, column in COLUMNS.items()},
        Table(COLUMNS),
        QTable({"mag": COLUMNS["mag"] * units.mag, "x": COLUMNS["x"] * units.pix, "y": COLUMNS["y"]}),
        Table({"mag": MaskedColumn(COLUMNS["mag"]), "x": COLUMNS["x"].astype(">f4"), "y": COLUMNS["y"]}),
        pandas.DataFrame(COLUMNS),
        np.rec.fromarrays(list(COLUMNS.values()), names=list(COLUMNS)),
    ],
    ids=["dict", "lists", "Table", "QTable", "masked Table", "DataFrame", "recarray"],
)
def test_every_kind_of_table(table: Any) -> None:
    catalog = Catalog.from_table(table, **NAMED)
    assert len(catalog) == 3
    assert catalog == Catalog.from_table(COLUMNS, **NAMED)
    for field, column in (("magnitude", "mag"), ("x", "x"), ("y", "y")):
        assert_array_equal(catalog.column(field), COLUMNS[column])


@pytest.mark.parametrize("suffix", [".fits", ".csv", ".ecsv"])
def test_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"stars{suffix}"
    Table(COLUMNS).write(path)
    assert Catalog.from_table(path, **NAMED) == Catalog.from_table(str(path), **NAMED)
    assert Catalog.from_table(path, **NAMED) == Catalog.from_table(COLUMNS, **NAMED)


def test_angles_in_other_units() -> None:
    table = Table({"ra": [0.99] * units.rad, "dec": [24.0 * 60.0] * units.arcmin, "f": [1.0]})
    catalog = Catalog.from_table(table, photon_rate="f", ra="ra", dec="dec")
    assert_allclose(catalog.column("ra_deg"), np.degrees(0.99))
    assert_allclose(catalog.column("dec_deg"), 24.0)


def test_the_real_stars() -> None:
    catalog = Catalog.from_table(STARS, magnitude="vt_mag", ra="ra_deg", dec="dec_deg", name="Pleiades")
    assert catalog == pleiades()
    assert len(catalog) == 926
    image = sky_scene(catalog).photon_rate_map()
    brightest = np.unravel_index(np.argmax(image), image.shape)
    x, y = WCS.world_to_pixel(57.2906, 24.0534)  # Atlas
    assert_allclose(brightest, (y, x), atol=1.0)
    assert_allclose(image.sum(), catalog.total_photon_rate(OPTICS), rtol=1e-5)


def test_a_catalog_is_its_stars_one_by_one() -> None:
    curve = LightCurve.sinusoidal(0.2, 10.0)
    catalog = Catalog.from_table(COLUMNS, **NAMED, brightness=curve)
    one_by_one = [
        PointSource(entry.x, entry.y, magnitude=entry.magnitude, brightness=curve)  # type: ignore[arg-type]
        for entry in catalog.entries
    ]
    together = Scene((20, 24), OPTICS, GaussianPSF(2.5), [catalog]).photon_rate_map(time_s=2.0)
    assert_allclose(
        together, Scene((20, 24), OPTICS, GaussianPSF(2.5), one_by_one).photon_rate_map(2.0), rtol=1e-14
    )
    rates = [star.total_photon_rate(OPTICS, 2.0) for star in one_by_one]
    assert_allclose(catalog.total_photon_rate(OPTICS, 2.0), sum(rates))


def test_entries_are_made_when_asked_for() -> None:
    catalog = Catalog.from_table(COLUMNS, **NAMED)
    assert "entries" not in vars(catalog)
    assert catalog.entries[1] == CatalogEntry(magnitude=9.5, x=10.5, y=9.0)
    assert Catalog(catalog.entries) == catalog
    assert repr(catalog) == "Catalog(3 stars, magnitude, x, y)"
    assert len(Catalog()) == 0
    with pytest.raises(AttributeError, match="stars"):
        catalog.stars  # noqa: B018


def test_entries_of_different_kinds() -> None:
    entries = (
        CatalogEntry(magnitude=8.0, x=100.0, y=200.0),
        CatalogEntry(photon_rate=5e4, ra_deg=56.75, dec_deg=24.1),
    )
    image = sky_scene(Catalog(entries)).photon_rate_map()
    rates = Catalog(entries).photon_rates(OPTICS)
    assert_allclose(rates, [OPTICS.photon_rate_from_magnitude(8.0), 5e4])
    assert_allclose(image[180:220, 80:120].sum(), rates[0], rtol=1e-5)
    assert_allclose(image[240:270, 240:270].sum(), rates[1], rtol=1e-5)


def test_pickled_catalogs_draw_the_same_bits() -> None:
    scene = sky_scene(pleiades())
    again = pickle.loads(pickle.dumps(scene))
    assert again.sources[0] == scene.sources[0]
    assert_array_equal(again.photon_rate_map(dtype="float32"), scene.photon_rate_map(dtype="float32"))


def test_stars_behind_the_tangent_plane_are_lost() -> None:
    table = {"f": [5.0, 7.0, 9.0], "ra": [236.75, 56.75, 146.75], "dec": [-24.1, 24.1, 0.0]}
    catalog = Catalog.from_table(table, photon_rate="f", ra="ra", dec="dec")
    assert_allclose(sky_scene(catalog).photon_rate_map().sum(), 7.0, rtol=1e-5)


def test_an_empty_catalog_is_fine() -> None:
    empty = {name: [] for name in COLUMNS}
    scene = Scene((4, 5), Telescope.unit(), GaussianPSF(2.0), [Catalog(), Catalog.from_table(empty, **NAMED)])
    assert not scene.photon_rate_map().any()


@pytest.mark.parametrize(
    ("values", "got"),
    [
        (np.ma.array([8.0, 9.0, 10.0], mask=[False, True, False]), "no value in row 1"),
        (np.array([8.0, 9.0, np.nan]), "nan in row 2"),
        (np.array([np.inf, 9.0, 1.0]), "inf in row 0"),
    ],
)
def test_rows_without_a_value_are_named(values: Any, got: str) -> None:
    message = f"Catalog column 'mag' must be finite in every row, got {got}"
    with pytest.raises(DomainError, match=message):
        Catalog.from_table({**COLUMNS, "mag": values}, **NAMED)
    with pytest.raises(DomainError, match=message):
        Catalog.from_table(Table({**COLUMNS, "mag": values}), **NAMED)


def test_frames_with_gaps() -> None:
    frame = pandas.DataFrame({**COLUMNS, "mag": pandas.array([8, None, 9], dtype="Int64")})
    with pytest.raises(DomainError, match="'mag' must be finite in every row, got nan in row 1"):
        Catalog.from_table(frame, **NAMED)


def test_columns_that_are_missing_or_no_numbers() -> None:
    with pytest.raises(DomainError, match=r"must be one of mag, x, y, got 'mags' \(did you mean 'mag'\?\)"):
        Catalog.from_table(COLUMNS, magnitude="mags", x="x", y="y")
    with pytest.raises(DomainError, match="Catalog column 'mag' must be numbers"):
        Catalog.from_table({**COLUMNS, "mag": ["8", "bright", "9"]}, **NAMED)
    with pytest.raises(DomainError, match=r"Catalog.ra must be in deg, got"):
        table = Table({"ra": [1.0] * units.m, "dec": [1.0], "f": [1.0]})
        Catalog.from_table(table, photon_rate="f", ra="ra", dec="dec")
    with pytest.raises(ShapeError, match="one length"):
        Catalog.from_table({"mag": [8.0], "x": [1.0, 2.0], "y": [1.0, 2.0]}, **NAMED)
    with pytest.raises(DomainError, match="a table, a dict of arrays or a path, got int"):
        Catalog.from_table(5, **NAMED)


@pytest.mark.parametrize("named", [{"x": "x", "y": "y"}, {**NAMED, "photon_rate": "mag"}])
def test_one_brightness(named: dict[str, Any]) -> None:
    with pytest.raises(DomainError, match="brightness must be one of the columns magnitude and photon_rate"):
        Catalog.from_table(COLUMNS, **named)


@pytest.mark.parametrize(
    "position", [{}, {"x": "x"}, {"x": "x", "y": "y", "ra": "x", "dec": "y"}, {"x": "x", "dec": "y"}]
)
def test_one_position(position: dict[str, Any]) -> None:
    with pytest.raises(DomainError, match="position must be the columns x and y, or ra and dec"):
        Catalog.from_table(COLUMNS, magnitude="mag", **position)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            CatalogEntry(x=1.0, y=1.0),
            "brightness must be given by one of magnitude and photon_rate, got 0 in row 1",
        ),
        (CatalogEntry(magnitude=1.0), r"position must be given by one of \(x, y\) and .* got 0 in row 1"),
        (CatalogEntry(magnitude=1.0, x=1.0), "x and y must be given together, got False in row 1"),
        (
            CatalogEntry(photon_rate=-1.0, x=1.0, y=1.0),
            "photon_rate must be >= 0 photons/s, got -1.0 in row 1",
        ),
    ],
)
def test_impossible_entries(entry: CatalogEntry, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        Catalog((CatalogEntry(magnitude=1.0, x=1.0, y=1.0), entry))


def test_negative_rates_are_named() -> None:
    with pytest.raises(DomainError, match=r"Catalog.photon_rate must be >= 0 photons/s, got -2.0 in row 2"):
        Catalog.from_table(
            {"f": [1.0, 0.0, -2.0], "x": [1, 2, 3], "y": [1, 2, 3]}, photon_rate="f", x="x", y="y"
        )


def test_what_the_scene_must_have() -> None:
    magnitudes = Catalog.from_table(COLUMNS, **NAMED)
    with pytest.raises(DomainError, match=r"Telescope.band must be given for a magnitude, got None"):
        Scene((9, 9), Telescope.unit(), GaussianPSF(2.0), [magnitudes]).photon_rate_map()
    with pytest.raises(
        DomainError, match=r"Scene.wcs must be given for a source placed by RA and Dec, got None"
    ):
        Scene((9, 9), OPTICS, GaussianPSF(2.0), [pleiades()]).photon_rate_map()


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Catalog.from_table(tmp_path / "none.csv", **NAMED)
    with pytest.raises(DomainError, match=r"table file must be one of .csv, .ecsv"):
        Catalog.from_table(tmp_path / "stars.xlsx", **NAMED)
    broken = tmp_path / "broken.fits"
    broken.write_bytes(b"not a table")
    with pytest.raises(DomainError, match=r"broken.fits must be a table in fits"):
        Catalog.from_table(broken, **NAMED)
