"""RandomStarFields: addressed scenes, their statistics, and bad input."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from getframes.dataset import RandomStarFields, random_star_fields
from getframes.errors import DomainError
from getframes.scene import GaussianPSF, MoffatPSF, Telescope


def stars(scene) -> dict[str, np.ndarray]:
    (catalog,) = scene.sources
    return {name: catalog.column(name) for name in ("x", "y", "magnitude")}


def same(left, right) -> bool:
    return all(np.array_equal(stars(left)[name], stars(right)[name]) for name in stars(left))


@given(st.integers(0, 2**128), st.integers(1, 2**40))
def test_a_scene_alone_is_that_of_a_pass(seed, n):
    fields = random_star_fields(n, (20, 30), n_stars=(0, 5), seed=seed)
    again = random_star_fields(n, (20, 30), n_stars=(0, 5), seed=seed)
    assert same(fields[n - 1], again[n - 1])
    assert same(fields[-1], fields[n - 1])
    assert same(fields[n - 1], pickle.loads(pickle.dumps(fields))[n - 1])


def test_every_pass_gives_the_same_scenes():
    fields = random_star_fields(4, (20, 30), seed=1)
    passes = [list(fields), list(fields), [fields[i] for i in range(4)]]
    assert len(fields) == 4
    assert all(same(a, b) for other in passes[1:] for a, b in zip(passes[0], other, strict=True))
    assert not same(fields[0], fields[1])
    assert not same(fields[0], random_star_fields(4, (20, 30), seed=2)[0])


def test_scenes_do_not_depend_on_how_many_there_are():
    assert same(random_star_fields(3, (20, 30), seed=1)[2], random_star_fields(10**6, (20, 30), seed=1)[2])


def test_stars_are_uniform_over_the_frame_and_in_magnitude():
    fields = random_star_fields(40, (50, 80), n_stars=500, mag_range=(15.0, 20.0), seed=3)
    found = {
        name: np.concatenate([stars(scene)[name] for scene in fields]) for name in ("x", "y", "magnitude")
    }
    for name, low, high in (("x", -0.5, 79.5), ("y", -0.5, 49.5), ("magnitude", 15.0, 20.0)):
        scaled = (found[name] - low) / (high - low)
        assert 0.0 < scaled.min() < scaled.max() < 1.0
        assert abs(scaled.mean() - 0.5) < 4 / np.sqrt(12 * scaled.size)
        assert abs(scaled.var() - 1 / 12) < 4 / np.sqrt(180 * scaled.size)
    for one, other in (("x", "y"), ("x", "magnitude"), ("y", "magnitude")):
        assert abs(np.corrcoef(found[one], found[other])[0, 1]) < 4 / np.sqrt(found[one].size)


def test_every_number_of_stars_is_as_likely():
    fields = random_star_fields(3000, (5, 5), n_stars=(2, 4), seed=5)
    counts = np.bincount([len(scene.sources[0]) for scene in fields])
    assert counts[:2].tolist() == [0, 0]
    assert np.all(abs(counts[2:] - 1000) < 4 * np.sqrt(3000 * (1 / 3) * (2 / 3)))


def test_a_fixed_number_of_stars():
    assert [len(scene.sources[0]) for scene in random_star_fields(3, (5, 5), n_stars=7, seed=1)] == [7, 7, 7]
    assert len(random_star_fields(1, (5, 5), n_stars=0, seed=1)[0].sources[0]) == 0


def test_what_a_scene_is_made_of():
    scene = random_star_fields(1, (20, 30), seed=1)[0]
    assert scene.shape == (20, 30)
    assert scene.psf == GaussianPSF(2.5)
    assert scene.optics.aperture_diameter_m == 0.5
    assert scene.sky.surface_brightness_mag_arcsec2 == 21.0
    assert random_star_fields(1, (20, 30), sky_mag_arcsec2=None, seed=1)[0].sky is None
    optics = Telescope(aperture_diameter_m=2.0, plate_scale_arcsec_per_pixel=0.5)
    other = random_star_fields(1, (20, 30), optics=optics, psf=MoffatPSF(2.0), seed=1)[0]
    assert other.optics == optics
    assert other.psf == MoffatPSF(2.0)


def test_without_a_seed_there_is_one_all_the_same():
    fields = random_star_fields(2, (20, 30))
    assert same(fields[1], fields[1])
    assert same(fields[1], random_star_fields(2, (20, 30), seed=fields.seed)[1])
    assert random_star_fields(2, (20, 30)).seed != fields.seed


def test_recipes_tell_fields_apart():
    def recipe(**changes):
        given = {"shape": (20, 30), "n_stars": (2, 3), "seed": 1}
        return RandomStarFields(3, **given | changes).recipe()

    assert recipe() == recipe()
    assert RandomStarFields(9, (20, 30), n_stars=(2, 3), seed=1).recipe() == recipe()
    changes = [
        {"shape": (30, 20)},
        {"n_stars": 3},
        {"seed": 2},
        {"mag_range": (1, 2)},
        {"sky_mag_arcsec2": None},
    ]
    changes += [{"psf": GaussianPSF(2.6)}, {"optics": Telescope.unit()}]
    assert all(recipe(**change) != recipe() for change in changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n": -1}, "n must be an integer >= 0, got -1"),
        ({"n": 2.5}, "n must be an integer >= 0, got 2.5"),
        ({"shape": (0, 5)}, "shape must be an integer >= 1, got 0"),
        ({"shape": (5,)}, r"shape must be \(height, width\)"),
        ({"n_stars": (5, 2)}, r"n_stars must be \(least, most\), got \(5, 2\)"),
        ({"n_stars": -3}, "n_stars must be an integer >= 0"),
        ({"n_stars": (1.5, 2)}, "n_stars must be an integer >= 0"),
        ({"n_stars": (1, 2, 3)}, r"n_stars must be \(least, most\)"),
        ({"mag_range": (22.0, 16.0)}, r"mag_range must be \(brightest, faintest\)"),
        ({"mag_range": (16.0, float("nan"))}, "mag_range"),
        ({"mag_range": (16.0,)}, "mag_range"),
        ({"seed": -1}, "seed must be an integer >= 0, got -1"),
    ],
)
def test_bad_input_is_named(changes, message):
    with pytest.raises(DomainError, match=message):
        random_star_fields(**{"n": 3, "shape": (5, 5)} | changes)


def test_indices_outside():
    with pytest.raises(IndexError, match="below its length 2"):
        random_star_fields(2, (5, 5))[2]
    with pytest.raises(IndexError):
        random_star_fields(0, (5, 5))[-1]
