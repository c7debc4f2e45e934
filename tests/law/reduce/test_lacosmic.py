"""Cosmic rays against astroscrappy, and against what really went in."""

from __future__ import annotations

from typing import Any

import astroscrappy
import numpy as np
import pytest
from scipy import ndimage

from getframes.reduce import Flag, ReducedFrame, cosmic_rays
from tests.law.reduce.hit_fields import SATURATION_ADU, Field, field

REACH = 8
"""Pixels from the edge that a decision reads, and what it changes: astroscrappy does not filter the edge."""
FIELDS: dict[str, dict[str, Any]] = {
    "gaussian": {},
    "moffat": {"fwhm_px": 3.5, "moffat": True, "hits": 400.0},
    "sharp": {"fwhm_px": 1.8, "sky_e": 30.0, "read_noise_e": 8.0},
    "crowded with hits": {"hits": 1500.0, "track_px": 20.0},
    "points": {"track_px": 0.0, "hits": 800.0, "sky_e": 1000.0},
    "dark": {"sky_e": 0.0, "brightest": 2.0, "read_noise_e": 3.0},
    "saturated stars": {"brightest": 3e5, "fwhm_px": 4.0},
}


def cleaned(field: Field, **options: Any) -> ReducedFrame:
    known = {
        "gain": field.gain_e_per_adu,
        "read_noise": field.read_noise_e,
        "saturation": SATURATION_ADU,
    }
    return cosmic_rays(field.counts, **known, **options)


def hits_of(frame: ReducedFrame) -> np.ndarray:
    return (frame.flags & Flag.COSMIC_RAY) != 0


def peer(field: Field, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    known = {
        "gain": field.gain_e_per_adu,
        "readnoise": field.read_noise_e,
        "satlevel": SATURATION_ADU * field.gain_e_per_adu,
        "sepmed": False,
    }
    return astroscrappy.detect_cosmics(field.counts, **known, **options)


def inside(image: np.ndarray) -> np.ndarray:
    return image[REACH:-REACH, REACH:-REACH]


def differing(one: np.ndarray, other: np.ndarray) -> float:
    return float((one != other).mean())


@pytest.mark.parametrize("name", FIELDS)
def test_astroscrappy_finds_the_same(name: str) -> None:
    made = field(**FIELDS[name])
    frame = cleaned(made, replacement="mean")
    found, image = peer(made, cleantype="meanmask")
    assert inside(found).sum() > 300
    # In the dark, the median of a few counts is negative in places: astroscrappy lets it lower the noise below the read noise.
    assert differing(inside(hits_of(frame)), inside(found)) <= (1e-4 if name == "dark" else 1e-5)
    same = inside(hits_of(frame) & found)
    np.testing.assert_allclose(inside(frame.data)[same], inside(image)[same], rtol=1e-3, atol=0.5)


def test_the_edge_is_searched_too() -> None:
    """Astroscrappy does not filter the edge: it finds nothing in the last two pixels, and stars next to them."""
    made = field(256, hits=1500.0)
    edge = np.ones(made.counts.shape, bool)
    edge[REACH:-REACH, REACH:-REACH] = False
    hit = made.charge_e > 10.0 * made.noise_e
    ours, theirs = (hits_of(cleaned(made)), peer(made)[0])
    assert ours[edge & hit].mean() > 0.98 > 0.9 > theirs[edge & hit].mean()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"sigma_clip": 7.0}, {"sigclip": 7.0}),
        ({"sigma_frac": 0.8}, {"sigfrac": 0.8}),
        ({"object_limit": 2.0}, {"objlim": 2.0}),
        ({"iterations": 1}, {"niter": 1}),
    ],
    ids=lambda options: next(iter(options)),
)
def test_astroscrappy_means_the_same_by_its_settings(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    made = field()
    found = peer(made, cleantype="medmask", **theirs)[0]
    assert differing(inside(hits_of(cleaned(made, **ours))), inside(found)) <= 1e-5


def test_astroscrappy_finds_the_same_with_masks_variances_and_a_sky_taken_off() -> None:
    made = field()
    rng = np.random.default_rng(4)
    mask = rng.random(made.counts.shape) < 1e-3
    bad = made._replace(counts=np.where(mask, np.float32(0.0), made.counts))
    known = {"gain": made.gain_e_per_adu, "read_noise": made.read_noise_e}
    per_adu = made.gain_e_per_adu
    sky = np.full(made.counts.shape, 40.0 / per_adu, np.float32)
    variance = np.maximum(made.counts, 0.0) / per_adu + (made.read_noise_e / per_adu) ** 2
    pairs = [
        (cleaned(bad, mask=mask), peer(bad, inmask=mask, cleantype="medmask")),
        (
            cosmic_rays(made.counts - sky, background=sky, **known),
            peer(made, inbkg=sky, cleantype="medmask"),
        ),
        (
            cosmic_rays(made.counts, variance=variance),
            peer(made, invar=variance.astype(np.float32), cleantype="medmask"),
        ),
    ]
    for frame, (found, _) in pairs:
        assert differing(inside(hits_of(frame)), inside(found)) <= 1e-4


def scores(field: Field, found: np.ndarray) -> tuple[float, float]:
    """Part of the pixels with hits of ten standard deviations that is found; part of what is found that has a hit, or touches one."""
    strong = field.charge_e > 10.0 * field.noise_e
    touched = ndimage.binary_dilation(field.charge_e > 0.0, np.ones((3, 3)))
    return float(found[strong].mean()), float(touched[found].mean())


@pytest.mark.parametrize("fwhm_px", [2.0, 2.5, 4.0])
@pytest.mark.parametrize(("sigma_clip", "purity"), [(4.5, 0.9), (6.0, 0.94), (9.0, 0.95)])
def test_what_went_in_is_found(fwhm_px: float, sigma_clip: float, purity: float) -> None:
    made = field(fwhm_px=fwhm_px)
    complete, pure = scores(made, hits_of(cleaned(made, sigma_clip=sigma_clip)))
    assert complete > 0.98
    assert pure > purity


def test_every_hit_is_found_in_a_dark_frame() -> None:
    made = field(sky_e=0.0, brightest=1.0001, read_noise_e=3.0, seed=3)
    frame = cleaned(made)
    labels, count = ndimage.label(made.charge_e > 0.0, np.ones((3, 3)))
    strong = ndimage.maximum(made.charge_e / made.noise_e, labels, np.arange(1, count + 1)) > 10.0
    seen = ndimage.maximum(hits_of(frame), labels, np.arange(1, count + 1)) > 0
    assert count > 50
    assert seen[strong].all()


def test_cleaning_leaves_the_noise_it_found() -> None:
    """What stands in for hits differs from the image without them by the noise, and no more."""
    made = field(brightest=1.0001, hits=600.0)
    frame = cleaned(made)
    hits, electrons = hits_of(frame), frame.data * made.gain_e_per_adu
    level = np.median(electrons[~hits])
    pull = (electrons[hits] - level) / made.noise_e[hits]
    assert hits.sum() > 2000
    # The median of two dozen pixels has a quarter of the noise of one; some charge below the limit stays.
    assert abs(pull.mean()) < 0.1
    assert pull.std() < 0.4


def test_flux_of_stars_survives() -> None:
    """Without cosmic rays nothing is taken for one where stars are sampled by two pixels and a half; where they are not, their cores are."""
    false = {
        fwhm: hits_of(cleaned(field(fwhm_px=fwhm, hits=1e-6, seed=7))).mean() for fwhm in (1.2, 2.5, 4.0)
    }
    assert false[2.5] < 2e-4 and false[4.0] < 2e-4
    assert false[1.2] > 2e-3
    sharp = field(fwhm_px=1.2, hits=1e-6, seed=7)
    assert hits_of(cleaned(sharp, object_limit=12.0)).mean() < false[1.2] / 4
