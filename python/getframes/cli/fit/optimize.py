"""`getframes fit optimize`: the most probable parameters of every source of a fit file.

Patches of overlapping sources are fitted one by one; started again, the same command goes on where it ended. The catalog of the results is a valid input catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from getframes.cli.fit.steps import add_arguments, run_steps

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

name = "optimize"
summary = "most probable parameters of every source"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    add_arguments(parser)


def run(options: Namespace) -> int:
    """Fit; exit code 1 where a patch failed."""
    return run_steps(options, ("optimize",))
