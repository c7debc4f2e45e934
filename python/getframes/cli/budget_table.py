"""A noise budget as text and as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from getframes.analysis.noise_budget import NoiseBudget, Row

COLUMNS = (
    "camera",
    "stage",
    "unit",
    "pixels",
    "predicted_mean",
    "drawn_mean",
    "mean_error",
    "predicted_variance",
    "drawn_variance",
    "variance_error",
)


def as_text(camera: str, budget: NoiseBudget, compared: str) -> str:
    """The budget of one camera as a table; `compared` says which pixels."""
    heading = (
        f"{'after the stage':<21} {'unit':<4} {'mean: predicted':>15} {'drawn':>11} {'dev.':>6}"
        f"   {'variance: predicted':>19} {'drawn':>13} {'dev.':>6}"
    )
    return "\n".join(
        [
            f"Noise budget, {camera}: {budget.pixels} {compared}, one frame.",
            "Variances are about the predicted mean of each pixel; dev. is (drawn - predicted) / its error.",
            heading,
            *(_line(row) for row in budget.rows),
        ]
    )


def as_csv(budgets: Mapping[str, NoiseBudget]) -> str:
    """The budgets of several cameras as one CSV table, every digit kept."""
    lines = [",".join(COLUMNS)]
    for camera, budget in budgets.items():
        for row in budget.rows:
            figures = (repr(value) for value in row[2:])
            lines.append(",".join((f'"{camera}"', row.stage, row.unit, str(budget.pixels), *figures)))
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    return (
        f"{row.stage:<21} {row.unit:<4} {row.predicted_mean:15.4f} {row.drawn_mean:11.4f}"
        f" {_deviation(row.drawn_mean - row.predicted_mean, row.mean_error):>6}"
        f"   {row.predicted_variance:19.4f} {row.drawn_variance:13.4f}"
        f" {_deviation(row.drawn_variance - row.predicted_variance, row.variance_error):>6}"
    )


def _deviation(difference: float, error: float) -> str:
    return f"{difference / error:+.1f}" if error > 0 else "-"
