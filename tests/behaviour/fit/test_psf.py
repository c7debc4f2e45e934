"""PSFs: what is refused, and files of them."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from getframes.errors import DomainError, IntegrityError, MissingFileError, OutputExistsError, ShapeError
from getframes.fit import (
    PsfField,
    PsfMixture,
    fit_psf,
    fit_psf_field,
    psf_at,
    psf_table,
    read_psfs,
    write_psfs,
)

ONE = np.array([[1.0, 0.0, 0.0, 2.0, 0.5, 3.0]])
MIXTURE = PsfMixture.normalized([[3.0, 0, 0, 1, 0, 1], [1.0, 0.1, -0.1, 4, 1, 5]])
STAMP = MIXTURE.stamp(21)


@pytest.mark.parametrize(
    ("components", "error", "message"),
    [
        ([1.0, 0, 0, 1, 0, 1], ShapeError, r"must have shape \(n, 6\): amplitude, dx, dy, xx, xy, yy, got \(6,\)"),
        (np.empty((0, 6)), ShapeError, "must have shape"),
        ([[np.nan, 0, 0, 1, 0, 1]], DomainError, "components must be finite"),
        ([[0.9, 0, 0, 1, 0, 1]], DomainError, r"amplitudes that sum to 1 \(PsfMixture.normalized .*, got 0.9"),
        ([[1.0, 0, 0, 1, 2, 1]], DomainError, "positive definite covariance"),
        ([[1.0, 0, 0, -1, 0, -1]], DomainError, "positive definite covariance"),
    ],
)  # fmt: skip
def test_an_impossible_mixture_is_refused(components, error, message):
    with pytest.raises(error, match=message):
        PsfMixture(components)


def test_a_mixture_is_normalized_on_request_and_cannot_be_changed():
    assert_allclose(MIXTURE.components[:, 0], [0.75, 0.25])
    with pytest.raises(DomainError, match="sum of amplitudes must be > 0, got -1"):
        PsfMixture.normalized([[-1.0, 0, 0, 1, 0, 1]])
    with pytest.raises(ValueError, match="read-only"):
        MIXTURE.components[0, 0] = 2.0
    given = ONE.copy()
    PsfMixture(given)
    given[0, 0] = 2.0  # what was given stays the caller's


def changed(**at):
    stamp = STAMP.copy()
    stamp[3, 4] = at["value"]
    return stamp


@pytest.mark.parametrize(
    ("stamp", "options", "error", "message"),
    [
        (np.ones((5, 6)), {}, ShapeError, r"stamp must be square, got shape \(5, 6\)"),
        (changed(value=np.nan), {}, DomainError, r"stamp must be finite where its weight is not 0, got \[\[3, 4\]\]"),
        (np.zeros((21, 21)), {}, DomainError, "sum of the stamp must be > 0, got 0.0"),
        (np.ones((3, 3)), {}, DomainError, "at least 24 pixels for 4 Gaussians, got 9"),
        (STAMP, {"n": 0}, DomainError, "n must be a positive integer, got 0"),
        (STAMP, {"oversampling": 1.5}, DomainError, "oversampling must be a positive integer"),
        (STAMP, {"pixel": "sky"}, DomainError, "pixel must be 'stamp' or 'detector', got 'sky'"),
        (STAMP, {"enclosed": 1.2}, DomainError, r"enclosed must be in \(0, 1\], got 1.2"),
        (STAMP, {"weight": np.ones((3, 3))}, ShapeError, r"weight must have shape \(21, 21\)"),
        (STAMP, {"weight": -np.ones((21, 21))}, DomainError, "weight must be finite and >= 0, got -1.0"),
        (STAMP, {"start": MIXTURE}, DomainError, "start must be a mixture of 4 Gaussians, got 2"),
    ],
)  # fmt: skip
def test_an_impossible_stamp_is_refused(stamp, options, error, message):
    with pytest.raises(error, match=message):
        fit_psf(stamp, **options)


def test_fitting_changes_nothing_of_the_callers():
    stamp, weight = STAMP.copy(), np.ones_like(STAMP)
    weight[0, 0] = 0.0
    before = stamp.copy()
    fit_psf(stamp, 1, weight=weight)
    assert_array_equal(stamp, before)


def test_a_field_names_the_stamp_that_is_wrong():
    stamps = np.broadcast_to(STAMP, (1, 2, 21, 21)).copy()
    with pytest.raises(
        ShapeError, match=r"stamps must have shape \(2, 1, 'side', 'side'\), got \(1, 2, 21, 21\)"
    ):
        fit_psf_field(stamps, [0.0], [0.0, 1.0])
    stamps[0, 1] *= -1.0
    with pytest.raises(
        DomainError, match=r"the stamp at row 0, column 1 of the field: .*sum of the stamp must be > 0"
    ):
        fit_psf_field(stamps, [0.0, 1.0], [0.0], 1)


@pytest.mark.parametrize(
    ("x", "components", "error", "message"),
    [
        (
            [1.0, 0.0],
            np.broadcast_to(ONE, (1, 2, 1, 6)),
            DomainError,
            r"x must be finite positions \[px\] that rise",
        ),
        (
            [0.0],
            np.broadcast_to(ONE, (1, 2, 1, 6)),
            ShapeError,
            r"components must have shape \(1, 1, 'n', 6\)",
        ),
        ([0.0], 2 * ONE[None, None], DomainError, "amplitudes that sum to 1"),
    ],
)
def test_an_impossible_field_is_refused(x, components, error, message):
    with pytest.raises(error, match=message):
        PsfField(np.array(x), np.array([0.0]), components)


def test_functions_are_psfs_too():
    made = psf_table(lambda x, y: MIXTURE if x < 5 else PsfMixture(ONE), [(0.0, 0.0), (9.0, 0.0)])
    assert made.shape == (2, 2, 6)
    assert_array_equal(made[0], MIXTURE.components)
    assert made[1, 1].tolist() == [0.0, 0.0, 0.0, 1.0, 0.0, 1.0]
    for wrong in (None, "psf", lambda x, y: ONE):
        with pytest.raises(TypeError, match=r"psf must be a PsfMixture, a PsfField or a function"):
            psf_at(wrong, 0.0, 0.0)


def test_a_file_brings_back_what_was_written(tmp_path):
    field = PsfField(
        np.array([0.0, 9.0]), np.array([1.0]), np.broadcast_to(ONE, (1, 2, 1, 6)), np.ones((1, 2, 3))
    )
    fitted = fit_psf(STAMP, 1)
    path = tmp_path / "psfs.h5"
    write_psfs(path, {"F090W": MIXTURE, "F115W": field, "star.fits": fitted})
    back = read_psfs(path)
    assert sorted(back) == ["F090W", "F115W", "star.fits"]
    assert_array_equal(back["F090W"].components, MIXTURE.components)
    assert back["F090W"].residual is None
    assert back["star.fits"].residual == fitted.residual
    for name in ("x", "y", "components", "residuals"):
        assert_array_equal(getattr(back["F115W"], name), getattr(field, name))
    with pytest.raises(OutputExistsError):
        write_psfs(path, {"F090W": MIXTURE})


def test_wrong_names_and_wrong_psfs_write_nothing(tmp_path):
    for psfs, message in (
        ({"a/b": MIXTURE}, "name must be one without a slash"),
        ({"a": ONE}, "PSF 'a' must be a PsfMixture"),
    ):
        with pytest.raises(DomainError, match=message):
            write_psfs(tmp_path / "psfs.h5", psfs)
    assert list(tmp_path.iterdir()) == []


def test_wrong_files_are_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"nowhere\.h5: there is no such file"):
        read_psfs(tmp_path / "nowhere.h5")
    path = tmp_path / "psfs.h5"
    path.write_bytes(b"not HDF5")
    with pytest.raises(IntegrityError, match=rf"{path} is not a readable HDF5 file"):
        read_psfs(path)
    with h5py.File(path, "w") as file:
        file.create_group("F090W")
    with pytest.raises(
        IntegrityError, match=rf"{path} must be a file of getframes with PSF mixtures 1, got None"
    ):
        read_psfs(path)
    write_psfs(path, {"F090W": MIXTURE}, overwrite=True)
    with h5py.File(path, "r+") as file:
        file["F090W/components"][0, 0] = 7.0
    with pytest.raises(IntegrityError, match=rf"{path}: the PSF 'F090W' is impossible: .* sum to 1"):
        read_psfs(path)
    with h5py.File(path, "r+") as file:
        del file["F090W/components"]
    with pytest.raises(IntegrityError, match=rf"{path} is damaged"):
        read_psfs(path)
