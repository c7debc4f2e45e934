"""The pixel store: what comes out is what went in, and no more is read than is asked for."""

from __future__ import annotations

import pickle
import tracemalloc

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS, DistortionLookupTable
from numpy.testing import assert_array_equal

from getframes.errors import DomainError, IntegrityError, MissingFileError, OutputExistsError
from getframes.fit import (
    Exposure,
    PixelSource,
    PsfField,
    PsfMixture,
    preprocess,
    read_exposure,
    read_store,
    store_content,
    write_store,
)
from tests.behaviour.fit.test_exposure import SKY, science
from tests.law.fit.test_linearized import distorted

SHAPE = (100, 150)
RNG = np.random.default_rng(3)
DATA, SIGMA = RNG.normal(size=SHAPE), RNG.uniform(1.0, 2.0, SHAPE)
MASK = RNG.uniform(size=SHAPE) < 0.1
PSF = PsfMixture.gaussian(1.5)
FIELD = PsfField(np.array([0.0, 149.0]), np.array([50.0]), np.broadcast_to(PSF.components, (1, 2, 1, 6)))


def exposure(name="a", **known) -> Exposure:
    given = {
        "band": "r",
        "mask": MASK,
        "wcs": WCS(fits.Header(SKY)),
        "psf": PSF,
        "flux_scale": 3.0,
        "background": 1,
        "unit": "adu",
    }
    return Exposure.of(DATA, SIGMA, name=name, **{**given, **known})


def stored(tmp_path, *exposures, **options):
    write_store(tmp_path / "store.h5", exposures, **options)
    return read_store(tmp_path / "store.h5")


@pytest.mark.parametrize(
    "wcs", [None, WCS(fits.Header(SKY)), distorted()], ids=["none", "plain", "distorted"]
)
@pytest.mark.parametrize("psf", [None, PSF, FIELD], ids=["none", "mixture", "field"])
def test_a_stored_exposure_is_as_good_as_one_in_memory(tmp_path, wcs, psf):
    ours = exposure(wcs=wcs, psf=psf, max_snr=1.5, level=0.25)
    (back,) = stored(tmp_path, ours)
    assert isinstance(back, PixelSource)
    for name in ("name", "band", "unit", "flux_scale", "background", "level", "max_snr", "shape"):
        assert getattr(back, name) == getattr(ours, name)
    for x, y in (((0.0, 149.0), (0.0, 99.0)), ((60.0, 70.0), (62.0, 66.0)), ((-5.0, 3.0), (95.0, 200.0))):
        for one, other in zip(back.tiles(x, y), ours.tiles(x, y), strict=True):
            assert_array_equal(one, other)
            assert one.dtype == other.dtype
    at = (10.002, 20.003) if wcs is not None and not wcs.has_distortion else (0.001, 30.002)
    for one, other in zip(back.linearized(*at), ours.linearized(*at), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
    if psf is not None:
        assert_array_equal(back.psf.at(9.0, 9.0).components, psf.at(9.0, 9.0).components)


def test_stores_know_what_they_hold_and_keep_the_order(tmp_path):
    found = stored(tmp_path, *(exposure(str(number)) for number in range(12)), content="mosaics")
    assert [each.name for each in found] == [str(number) for number in range(12)]
    assert store_content(tmp_path / "store.h5") == "mosaics"


def test_half_the_precision_is_half_the_size(tmp_path):
    (back,) = stored(tmp_path, exposure(), dtype="float32")
    data, _ = back.block(slice(0, 100), slice(0, 150))
    assert_array_equal(data, np.where(MASK, 0.0, DATA).astype(np.float32))
    assert back.tiles((0, 9), (0, 9)).data.dtype == np.float64


def test_stored_exposures_go_to_other_processes_without_their_pixels(tmp_path):
    (found,) = stored(tmp_path, exposure(wcs=None))
    sent = pickle.dumps(found)
    assert len(sent) < 2000
    assert_array_equal(
        pickle.loads(sent).tiles((3.0, 9.0), (3.0, 9.0)).data, found.tiles((3.0, 9.0), (3.0, 9.0)).data
    )


class Wide(PixelSource):
    """A mosaic of 256 MB whose pixels are made when they are asked for; light in its middle only."""

    asked = 0

    @property
    def shape(self):
        return 4000, 4000

    def block(self, rows, columns):
        Wide.asked = max(Wide.asked, rows.stop - rows.start)
        size = (rows.stop - rows.start, columns.stop - columns.start)
        full = np.full(size, float(rows.start <= 2000 < rows.stop))
        return full, full


def test_a_small_read_of_a_large_store_takes_little_memory(tmp_path):
    (found,) = stored(tmp_path, Wide(name="wide", band="r"))
    assert Wide.asked == 64  # written by rows of chunks
    assert (tmp_path / "store.h5").stat().st_size < 6e6  # where nothing counts nothing is kept
    tracemalloc.start()
    tiles = found.tiles((2000.0, 2060.0), (1990.0, 2010.0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(tiles.x) == 8 * 4
    assert peak < 1e6


def test_only_the_chunks_of_a_region_are_touched(tmp_path):
    """The others may be destroyed."""
    (found,) = stored(tmp_path, exposure())
    with h5py.File(tmp_path / "store.h5", "r") as file:
        data = file["exposures/0/data"]
        assert data.chunks == (64, 64)
        there = [data.id.get_chunk_info(number) for number in range(data.id.get_num_chunks())]
        far = next(chunk for chunk in there if chunk.chunk_offset == (64, 128))
    before = found.tiles((0.0, 60.0), (0.0, 60.0))
    with (tmp_path / "store.h5").open("r+b") as file:
        file.seek(far.byte_offset)
        file.write(b"\xff" * far.size)
    assert_array_equal(found.tiles((0.0, 60.0), (0.0, 60.0)).data, before.data)
    assert not np.isfinite(found.block(slice(64, 100), slice(128, 150))[0]).all()


def table_of_distortions() -> WCS:
    wcs = WCS(fits.Header(SKY))
    wcs.cpdis1 = DistortionLookupTable(np.ones((3, 3), np.float32), (1, 1), (1, 1), (70, 40))
    return wcs


@pytest.mark.parametrize(
    ("exposures", "options", "message"),
    [
        ([], {}, "exposures must be one at least, got 0"),
        ([exposure(), exposure()], {}, "name must be that of one exposure, got 'a'"),
        ([exposure(psf=lambda x, y: PSF)], {}, "a.psf must be a PsfMixture or a PsfField to be stored"),
        ([exposure(wcs=table_of_distortions())], {}, "a: the WCS must be one that a header can hold"),
        ([exposure()], {"content": "stars"}, "content must be one of mosaics, exposures, got 'stars'"),
        ([exposure()], {"dtype": "int16"}, "dtype must be float32 or float64, got 'int16'"),
    ],
)
def test_what_cannot_be_stored_leaves_nothing(tmp_path, exposures, options, message):
    with pytest.raises(DomainError, match=message):
        write_store(tmp_path / "store.h5", exposures, **options)
    assert list(tmp_path.iterdir()) == []


def test_wrong_files_are_named(tmp_path):
    path = tmp_path / "store.h5"
    with pytest.raises(MissingFileError, match=r"store\.h5: there is no such file"):
        read_store(path)
    (found,) = stored(tmp_path, exposure())
    with pytest.raises(OutputExistsError):
        write_store(path, [exposure()])
    with h5py.File(path, "r+") as file:
        del file["exposures/0/weight"]
    with pytest.raises(IntegrityError, match=rf"{path} is damaged"):
        found.tiles((0.0, 9.0), (0.0, 9.0))
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(IntegrityError, match=r"store\.h5"):
        read_store(path)
    path.unlink()
    with pytest.raises(MissingFileError):
        found.tiles((0.0, 9.0), (0.0, 9.0))


def test_fits_images_become_a_store(tmp_path):
    paths = [science(tmp_path / f"{name}.fits", sci={"FILTER": name}) for name in ("F1", "F2", "F3")]
    told = preprocess(
        paths, tmp_path / "store.h5", psfs={"F1": PSF, "F2.fits": FIELD}, background=3, max_snr=50.0
    )
    found = read_store(tmp_path / "store.h5")
    assert list(told) == [each.name for each in found] == ["F1.fits", "F2.fits", "F3.fits"]
    assert told["F1.fits"]["mask"] == 0
    assert [type(each.psf) for each in found] == [PsfMixture, PsfField, type(None)]
    assert [each.band for each in found] == ["F1", "F2", "F3"]
    direct = read_exposure(paths[1], background=3, max_snr=50.0)
    for one, other in zip(found[1].tiles((0, 26), (0, 19)), direct.tiles((0, 26), (0, 19)), strict=True):
        assert_array_equal(one, other)


def test_one_bad_image_leaves_no_store(tmp_path):
    paths = [science(tmp_path / "a.fits"), science(tmp_path / "b.fits", name="OTHER")]
    with pytest.raises(DomainError, match=r"b\.fits must have an uncertainty"):
        preprocess(paths, tmp_path / "store.h5")
    with pytest.raises(DomainError, match="name of an image must be its own"):
        preprocess([paths[0], paths[0]], tmp_path / "store.h5")
    assert not (tmp_path / "store.h5").exists()
