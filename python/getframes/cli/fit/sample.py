"""`getframes fit sample`: draws from the joint posterior of every source of a fit file, as its [sample] says.

It begins where `getframes fit optimize` ended, or at the catalog. Started again, the same command goes on. Chains are in a file of each patch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from getframes.cli.fit.steps import add_arguments, run_steps

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

name = "sample"
summary = "draws from the posterior of every source"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    add_arguments(parser)


def run(options: Namespace) -> int:
    """Fit; exit code 1 where a patch failed."""
    return run_steps(options, ("sample",))
