"""`getframes fit run`: all steps of a fit file, optimize and then sample where it has that table; `getframes fit FILE.toml` for short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from getframes.cli.fit.steps import add_arguments, run_steps

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

name = "run"
summary = "all steps of a fit file"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    add_arguments(parser)


def run(options: Namespace) -> int:
    """Fit; exit code 1 where a patch failed."""
    return run_steps(options, None)
