"""The input catalog: what it has to have, what is wrong with its rows, and that it comes back as it was."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units
from astropy.table import MaskedColumn, Table
from numpy.testing import assert_allclose, assert_array_equal

from getframes.errors import DomainError, MissingFileError, OutputExistsError, ShapeError
from getframes.fit import RowFlag, SourceCatalog, read_catalog, write_catalog
from getframes.fit.source import GALAXY, STAR


def table(**changes) -> Table:
    columns = {
        "id": [3, 1, 4],
        "ra": [359.9999, 0.0, 0.0001],
        "dec": [-1.0, 0.0, 1.0],
        "rhalf": [0.0, 0.4, 0.9],
        "sersic": [np.nan, 1.0, 4.0],
        "q": [np.nan, 0.5, 1.0],
        "pa": [np.nan, 30.0, 0.0],
        "roi": [1.0, 2.0, 3.0],
        "F090W": [10.0, 0.0, 30.0],
        "F115W": [1.0, -2.0, 3.0],
    }
    kept = {name: values for name, values in {**columns, **changes}.items() if values is not None}
    return Table(kept, meta={"BANDS": "F090W,F115W"})


def same(one: SourceCatalog, other: SourceCatalog) -> None:
    for name in ("id", "position", "rhalf", "sersic", "q", "pa", "roi", "kind", "flux"):
        assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert (one.bands, one.sky, one.flux_unit) == (other.bands, other.sky, other.flux_unit)


def test_columns_arrive():
    catalog = read_catalog(table())
    assert catalog.bands == ("F090W", "F115W")
    assert_array_equal(catalog.kind, [STAR, GALAXY, GALAXY])
    assert catalog.good.all() and catalog.problems == ()
    assert repr(catalog) == "SourceCatalog(1 stars, 2 galaxies, bands F090W, F115W, 0 unusable rows)"


@pytest.mark.parametrize("suffix", [".fits", ".ecsv"])
@pytest.mark.parametrize("unit", ["nJy", "adu", "electron s-1", ""])
def test_a_file_brings_back_what_was_written(tmp_path, suffix, unit):
    given = table(note=["a", "b", "c"], F090W_err=[1.0, 2.0, 3.0])
    for band in ("F090W", "F115W"):
        given[band].unit = unit or None
    catalog, path = read_catalog(given), tmp_path / f"catalog{suffix}"
    write_catalog(catalog, path)
    back = read_catalog(path)
    same(back, catalog)
    assert_array_equal(np.asarray(back.others["note"]).astype(str), ["a", "b", "c"])
    assert_array_equal(back.column("F090W_err"), [1.0, 2.0, 3.0])
    with pytest.raises(OutputExistsError):
        write_catalog(catalog, path)


def test_the_same_catalog_gives_the_same_bytes(tmp_path):
    for name in ("a.fits", "b.fits"):
        write_catalog(read_catalog(table()), tmp_path / name)
    assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()


def test_a_long_list_of_bands_survives(tmp_path):
    bands = [f"BAND{number:03d}" for number in range(40)]
    given = table(**{band: [1.0, 2.0, 3.0] for band in bands})
    write_catalog(read_catalog(given, bands=bands), tmp_path / "catalog.fits")
    assert read_catalog(tmp_path / "catalog.fits").bands == tuple(bands)


def test_units_are_understood():
    given = table(
        ra=[1.0, 2.0, 3.0] * units.arcmin,
        rhalf=[0.0, 400.0, 900.0] * units.mas,
        pa=[0.0, np.pi / 6, 0.0] * units.rad,
        F090W=[1.0, 2.0, 3.0] * units.uJy,
        F115W=[1.0, 2.0, 3.0] * units.nJy,
    )
    catalog = read_catalog(given)
    assert_allclose(catalog.position[:, 0], np.array([1.0, 2.0, 3.0]) / 60.0)
    assert_allclose(catalog.rhalf, [0.0, 0.4, 0.9])
    assert_allclose(catalog.pa[1], 30.0)
    assert catalog.flux_unit == "uJy"
    assert_allclose(catalog.flux[:, 1], [0.001, 0.002, 0.003])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rhalf": None}, r"catalog must have a column 'rhalf', got id, ra"),
        ({"dec": None}, r"catalog must have columns ra and dec \[deg\], or x and y \[px\]"),
        ({"F115W": None}, r"catalog must have a column 'F115W' \(BANDS names it\)"),
        ({"ra": [1.0, 2.0, 3.0] * units.m}, r"catalog: ra must be in deg, got m"),
        ({"rhalf": [1.0, 2.0, 3.0] * units.pix}, r"catalog: rhalf must be in arcsec, got pix"),
        ({"F115W": [1.0, 2.0, 3.0] * units.Jy}, r"column 'F115W' must be in '', as 'F090W' is, got 'Jy'"),
        ({"sersic": ["a", "b", "c"]}, r"catalog: column 'sersic' must be numbers"),
    ],
)
def test_a_wrong_table_is_an_error_that_names_the_column(changes, message):
    with pytest.raises(DomainError, match=message):
        read_catalog(table(**changes))


def test_errors_name_the_file(tmp_path):
    path = tmp_path / "wrong.fits"
    table(rhalf=None).write(path)
    with pytest.raises(DomainError, match=rf"{path} must have a column 'rhalf'"):
        read_catalog(path)
    with pytest.raises(MissingFileError, match=r"nowhere\.fits: there is no such file"):
        read_catalog(tmp_path / "nowhere.fits")
    path.write_bytes(b"not a table")
    with pytest.raises(DomainError, match=rf"{path} must be a table in fits"):
        read_catalog(path)


@pytest.mark.parametrize("bands", [None, "", "F090W,,F115W", "F090W,F090W", 7])
def test_bands_have_to_be_said(bands):
    given = table()
    given.meta = {} if bands is None else {"BANDS": bands}
    with pytest.raises(DomainError, match=r"catalog: BANDS must be the bands"):
        read_catalog(given)
    assert read_catalog(given, bands=["F115W"]).flux.shape == (3, 1)


def test_fluxes_of_two_kinds_or_of_no_known_unit():
    with pytest.raises(DomainError, match=r"F115W must be in Jy, got ph"):
        read_catalog(table(F090W=[1.0, 2.0, 3.0] * units.Jy, F115W=[1.0, 2.0, 3.0] * units.ph))
    given = table()
    given["F090W"].unit = units.Unit("furlongs", parse_strict="silent")
    with pytest.raises(
        DomainError, match=r"column 'F090W' must be in a unit that astropy knows, got 'furlongs'"
    ):
        read_catalog(given)


@pytest.mark.parametrize(
    ("changes", "row", "flag", "reason"),
    [
        ({"ra": [1.0, np.nan, 3.0]}, 1, RowFlag.POSITION, "ra must be finite, got nan"),
        ({"dec": [0.0, 0.0, 91.0]}, 2, RowFlag.POSITION, r"dec must be in \[-90, 90\] deg, got 91"),
        ({"dec": MaskedColumn([0.0, 0, 0], mask=[0, 1, 0])}, 1, RowFlag.POSITION, "dec must be"),
        ({"id": [1, 2, 1]}, 2, RowFlag.ID, "id must be that of no earlier row, got 1"),
        ({"id": [1.0, 2.5, 3.0]}, 1, RowFlag.ID, "id must be a whole number"),
        ({"id": MaskedColumn([1, 2, 3], mask=[0, 0, 1])}, 2, RowFlag.ID, "id must be a whole number"),
        ({"rhalf": [0.0, -0.1, 1.0]}, 1, RowFlag.SIZE, "rhalf must be > 0 for a galaxy, got -0.1"),
        ({"rhalf": [0.0, 0.4, np.inf]}, 2, RowFlag.SIZE, "rhalf"),
        ({"kind": ["star", "galaxy", "quasar"]}, 2, RowFlag.KIND, "kind must be 'star' or 'galaxy'"),
        ({"kind": ["galaxy", "galaxy", "galaxy"]}, 0, RowFlag.SIZE, "rhalf must be > 0 for a galaxy"),
        ({"sersic": [1.0, 9.0, 1.0]}, 1, RowFlag.SERSIC, r"sersic must be in \[0.5, 6.0\], got 9.0"),
        ({"q": [1.0, 1.1, 1.0]}, 1, RowFlag.SHAPE, r"q must be in \(0, 1\], got 1.1"),
        ({"q": [1.0, 0.0, 1.0]}, 1, RowFlag.SHAPE, "q must be"),
        ({"pa": [0.0, 0.0, np.nan]}, 2, RowFlag.SHAPE, "pa must be finite"),
        ({"roi": [0.0, 1.0, 1.0]}, 0, RowFlag.ROI, "roi must be > 0, got 0.0"),
        ({"F115W": [1.0, np.nan, 1.0]}, 1, RowFlag.FLUX, "F115W must be finite, got nan"),
    ],
)  # fmt: skip
def test_a_bad_row_is_flagged_and_the_others_are_used(changes, row, flag, reason):
    given = table(**{"sersic": [1.0, 1.0, 1.0], "q": [1.0, 1.0, 1.0], "pa": [0.0, 0.0, 0.0], **changes})
    catalog = read_catalog(given)
    assert catalog.flags[row] & flag
    assert any(np.char.find([text], reason.replace("\\", ""))[0] >= 0 for text in catalog.reasons(row))
    usable = catalog.usable()
    assert len(usable) == np.count_nonzero(catalog.good) <= 2
    assert usable.problems == ()
    assert len(usable.sources()) == len(usable)
    with pytest.raises(DomainError, match=r"usable\(\) leaves such rows out"):
        catalog.sources()


def test_one_position_twice_is_flagged_across_ra_0():
    catalog = read_catalog(table(ra=[359.9999999, 0.0000001, 0.0], dec=[0.0, 0.0, 1.0]))
    assert catalog.flags.tolist() == [0, RowFlag.DUPLICATE, 0]
    far = read_catalog(table(ra=[359.9999999, 0.0000005, 0.0], dec=[0.0, 0.0, 1.0]))
    assert far.good.all()


def test_positive_fluxes_and_bounds_on_request():
    catalog = read_catalog(table(), positive_flux=True, bounds={"rhalf": (0.5, 1.0), "F115W": (-10.0, 2.0)})
    assert catalog.flags.tolist() == [
        0,
        RowFlag.FLUX | RowFlag.BOUNDS,
        RowFlag.BOUNDS,
    ]
    assert catalog.reasons(1) == [
        "row 1 (id 1): F090W must be > 0, got 0.0",
        "row 1 (id 1): F115W must be > 0, got -2.0",
        "row 1 (id 1): rhalf must be in [0.5, 1], got 0.4",
    ]
    assert [each.row for each in catalog.select([2, 1]).problems] == [1, 1, 1, 0]
    with pytest.raises(DomainError, match=r"column must be one of id, kind, ra"):
        read_catalog(table(), bounds={"nope": (0.0, 1.0)})


def test_a_catalog_of_pixels():
    given = table(x=[1.0, 2.0, 3.0], y=[4.0, 5.0, 6.0], rhalf=[0.0, 2.0, 3.0] * units.pix)
    given.remove_columns(["ra", "dec"])
    catalog = read_catalog(given)
    assert not catalog.sky and catalog.size_unit == "px"
    rows = catalog.sources()
    assert_array_equal(rows["ra"], [1.0, 2.0, 3.0])
    phi = 0.5 * np.rad2deg(np.arctan2(rows["g2"][1], rows["g1"][1]))
    assert_allclose(phi, 30.0)  # from +x towards +y


def test_rows_of_the_fit_and_back():
    catalog = read_catalog(table())
    rows = catalog.sources()
    assert_allclose(rows["rhalf"], [0.0, 0.4 * np.sqrt(0.5), 0.9])
    assert_allclose(np.hypot(rows["g1"], rows["g2"]), [0.0, 1.0 / 3.0, 0.0])
    same(catalog.with_sources(catalog.sources()), catalog.with_sources(rows[::-1]))
    rows["dra"], rows["ddec"] = 3.6 * np.cos(np.deg2rad(rows["dec"])), -3.6
    there = catalog.with_sources(rows)
    assert_allclose(there.position, [[0.0009, -1.001], [0.001, -0.001], [0.0011, 0.999]], atol=1e-12)
    assert_allclose(there.rhalf, catalog.rhalf)
    assert_allclose(there.pa[1], 30.0)
    assert_array_equal(catalog.sources()["dra"], 0.0)
    with pytest.raises(DomainError, match=r"id must be in the catalog, got \[99\]"):
        catalog.with_sources(np.array([(99,)], dtype=[("id", np.int64)]))


def test_columns_have_one_length():
    catalog = read_catalog(table())
    with pytest.raises(ShapeError, match=r"catalog: flux must have shape \(3, 1\), got \(3, 2\)"):
        SourceCatalog(**{**vars(catalog), "bands": ("F090W",)})


def test_an_empty_catalog_is_one():
    catalog = read_catalog(table()[:0])
    assert len(catalog) == 0 and len(catalog.sources()) == 0
