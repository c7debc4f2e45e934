"""The command line: ``getframes COMMAND``, one file a command; a command of several steps, ``getframes COMMAND STEP``, is a package of them.

Rooms are imported where a command uses them, so that ``getframes presets`` starts at once.
"""

from __future__ import annotations

import sys
from argparse import Action, ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from getframes.cli import check, dataset, demo, explain, fit, generate, match, presets, reduce, show, verify
from getframes.cli.command_parser import add_commands, add_shared_options
from getframes.cli.problems import EXIT_CODES, exit_code

__all__ = ["build_parser", "main"]

COMMANDS = (presets, check, generate, explain, dataset, verify, reduce, match, fit, show, demo)


class _Version(Action):
    """Look the version up when it is asked for."""

    def __call__(self, parser: ArgumentParser, *_: Any) -> None:
        from getframes import __version__

        print(f"getframes {__version__}")
        parser.exit()


def build_parser() -> ArgumentParser:
    """The parser of the command line; the options of a command name the function that runs it as `run`."""
    codes = "\n".join(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items())
    parser = ArgumentParser(
        "getframes",
        description="Simulated detector frames of astronomical scenes, with the truth they came from.",
        epilog=f"exit codes:\n{codes}",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    add_shared_options(parser, False)
    add_commands(parser, COMMANDS)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code; a command line that makes no sense raises `SystemExit` (2)."""
    options = build_parser().parse_args(fit.with_step(sys.argv[1:] if argv is None else argv))
    return exit_code(options.run, options)
