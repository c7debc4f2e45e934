"""Corner plots show where draws are."""

from __future__ import annotations

import numpy as np

from getframes.picture.corner import GAP, MARGIN, PANEL, TOP, corner_plot
from getframes.picture.plot import ORANGE


def panel(pixels: np.ndarray, row: int, column: int) -> np.ndarray:
    top, left = TOP + row * (PANEL + GAP), MARGIN + column * (PANEL + GAP)
    return pixels[top + 1 : top + PANEL, left + 1 : left + PANEL].astype(int)


def drawn(count: int = 4000) -> np.ndarray:
    first, second = np.random.default_rng(1).normal(size=(2, count))
    return np.stack([first, first + 0.1 * second], axis=-1)


def test_parameters_that_go_together_lie_on_the_diagonal() -> None:
    pixels = np.asarray(corner_plot(drawn(), ["a", "b"]))
    below = panel(pixels, 1, 0)[::-1, :, 2]
    rows, columns = np.nonzero(below > below.min() + 60)
    assert np.corrcoef(rows, columns)[0, 1] > 0.95
    assert len(rows) < 0.35 * below.size


def test_the_truth_is_marked_where_it_is() -> None:
    pixels = np.asarray(corner_plot(drawn(), ["a", "b"], truth=[0.0, np.nan]))
    marked = (panel(pixels, 0, 0) == ORANGE).all(axis=-1)
    assert abs(np.nonzero(marked)[1].mean() / PANEL - 0.5) < 0.1
    assert not (panel(pixels, 1, 1) == ORANGE).all(axis=-1).any()


def test_a_parameter_that_does_not_vary_is_drawn() -> None:
    draws = drawn()
    draws[:, 1] = 3.0
    assert corner_plot(draws, ["a", "b"], title="one is fixed").width >= 2 * PANEL
