"""Pictures of a match: each shows what it says, for one node and for many."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from PIL import Image

from getframes.errors import DomainError
from getframes.picture.plot import PAPER
from getframes.picture.stretch import good_to_bad
from getframes.psfmatch import Exposure, FunctionPSF, MatchConfig, MixturePSF, match_psf
from getframes.psfmatch.drawing import GREEN, KINDS

SHAPE = (60, 90)
TARGET = MixturePSF([1.0], [2.0], side=31)
WIDENING = FunctionPSF(
    lambda x, y, side: MixturePSF([1.0], [1.0 + 0.005 * x], side=side).stamp(0, 0), 31, resizes=True
)


def matched(psf=WIDENING, target=TARGET, **config):
    image = np.random.default_rng(2).normal(100.0, 5.0, SHAPE)
    mask = np.zeros(SHAPE, np.int32)
    mask[20:40, 30:60] = 4
    exposure = Exposure(image, psf, np.full(SHAPE, 25.0), mask, {"SAT": 2})
    return match_psf(exposure, target, config=MatchConfig(kernel_size=15, **config))


@pytest.fixture(scope="module")
def result():
    return matched()


def has(picture, colour):
    return bool((np.abs(np.asarray(picture, int) - colour).max(axis=2) <= 2).any())


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_of_every_kind(kind, result, tmp_path):
    picture = result.plot(kind)
    pixels = np.asarray(picture)
    assert pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8
    assert (pixels != PAPER).any(axis=2).mean() > 0.05
    picture.save(tmp_path / "match.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "match.png")), pixels)


@pytest.mark.parametrize("kind", KINDS)
def test_one_node_and_another_basis_can_be_drawn(kind):
    one = matched(MixturePSF([1.0], [1.2], side=31), basis="alard-lupton")
    assert len(one.nodes) == 1 and one.kernel.rank == 0
    assert np.asarray(one.plot(kind)).std() > 3


def test_masks_are_drawn_as_transparent_as_asked_for(result):
    opaque, half, none = (np.asarray(result.plot("input", share), float) for share in (0.0, 0.5, 1.0))
    assert has(opaque, (222, 66, 60)) and not has(none[:600], (222, 66, 60))
    changed = np.abs(opaque - none).max(axis=2) > 30
    assert changed.sum() > 20 * 30 * 20
    np.testing.assert_allclose(half, 0.5 * (opaque + none), atol=1.0)


def test_good_nodes_are_green_and_bad_ones_red(result):
    good, bad = good_to_bad(0.0), good_to_bad(1.0)
    assert has(result.plot("nodes"), good) and not has(result.plot("nodes"), bad)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        poor = matched(target=MixturePSF([1.0], [0.6], side=31), max_noise_gain=1.1)
    assert poor.residual > 1e-2 and has(poor.plot("nodes"), bad)


def test_what_was_achieved_lies_on_the_reference(result):
    assert has(result.plot("reference"), GREEN)


def test_unknown_kinds_and_impossible_shares_are_named(result):
    with pytest.raises(DomainError, match=r"kind must be one of input, reference, .* got 'kernel'"):
        result.plot("kernel")
    with pytest.raises(DomainError, match=r"mask_transparency must be in \[0, 1\], got 50"):
        result.plot("input", 50)
