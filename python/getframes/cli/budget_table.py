"""A noise budget as text, as CSV and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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


SURPRISING = 5.0
"""Deviations of more errors than this are marked."""

ROUNDING = 1e-6
"""Relative difference of figures without an error that is left to rounding."""


def as_text(camera: str, budget: NoiseBudget, compared: str) -> str:
    """The budget of one camera as a table; `compared` says which pixels."""
    heading = (
        f"{'after the stage':<21} {'unit':<4} {'mean: predicted':>15} {'drawn':>11} {'dev.':>6}"
        f"   {'variance: predicted':>19} {'drawn':>13} {'dev.':>6}"
    )
    return "\n".join(
        [
            f"Noise budget, {camera}: {budget.pixels} {compared}, one frame.",
            "Variances are about the predicted mean of each pixel; dev. is (drawn - predicted) / its error,",
            f"marked with ! where it is more than {SURPRISING:g}.",
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


def as_json(camera: str, budget: NoiseBudget, seed: int) -> str:
    """The budget of one camera as a JSON object: its rows, the deviations in units of the errors, and whether they are small."""
    import json

    rows = [
        {
            **row._asdict(),
            **{f"{what}_deviation": deviation for what, deviation, _ in _figures(row)},
            "agrees": not any(surprising for *_, surprising in _figures(row)),
        }
        for row in budget.rows
    ]
    about = {"camera": camera, "seed": seed, "pixels": budget.pixels}
    return json.dumps({**about, "agrees": all(row["agrees"] for row in rows), "stages": rows}, indent=2)


def disagreements(budget: NoiseBudget) -> Iterator[str]:
    """A line for every drawn figure that is further from its prediction than chance allows."""
    for row in budget.rows:
        for what, deviation, surprising in _figures(row):
            if surprising:
                drawn, predicted = getattr(row, f"drawn_{what}"), getattr(row, f"predicted_{what}")
                by = "" if deviation is None else f", {abs(deviation):.1f} of its errors away"
                yield f"after {row.stage} the {what} is {drawn:.6g}, predicted {predicted:.6g}{by}"


def _figures(row: Row) -> Iterator[tuple[str, float | None, bool]]:
    """Mean and variance: the deviation in units of the error, and whether it is surprising."""
    for what in ("mean", "variance"):
        predicted, drawn = getattr(row, f"predicted_{what}"), getattr(row, f"drawn_{what}")
        error = getattr(row, f"{what}_error")
        if error > 0:
            yield what, (drawn - predicted) / error, abs(drawn - predicted) > SURPRISING * error
        else:
            yield what, None, abs(drawn - predicted) > ROUNDING * max(abs(predicted), 1.0)


def _line(row: Row) -> str:
    marked = any(surprising for *_, surprising in _figures(row))
    return (
        f"{row.stage:<21} {row.unit:<4} {row.predicted_mean:15.4f} {row.drawn_mean:11.4f}"
        f" {_deviation(row.drawn_mean - row.predicted_mean, row.mean_error):>6}"
        f"   {row.predicted_variance:19.4f} {row.drawn_variance:13.4f}"
        f" {_deviation(row.drawn_variance - row.predicted_variance, row.variance_error):>6}{' !' * marked}"
    )


def _deviation(difference: float, error: float) -> str:
    return f"{difference / error:+.1f}" if error > 0 else "-"
