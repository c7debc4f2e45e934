"""How commands are declared: one module a command, or a package of them for a command of several steps."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser
from collections.abc import Iterable
from types import ModuleType


def add_commands(parser: ArgumentParser, commands: Iterable[ModuleType], title: str = "commands") -> None:
    """Declare commands; the options of one name the function that runs it as `run`.

    A module has `name`, `summary`, and `arguments` and `run`, or in their place `COMMANDS`, which are the commands below it.
    """
    parsers = parser.add_subparsers(title=title, metavar=title[:-1].upper(), required=True)
    for command in commands:
        description = (command.__doc__ or "").replace("`", "").strip()
        parsed = parsers.add_parser(command.name, help=command.summary, description=description)
        if hasattr(command, "COMMANDS"):
            add_commands(parsed, command.COMMANDS, "steps")
            continue
        command.arguments(parsed)
        add_shared_options(parsed, SUPPRESS)
        parsed.set_defaults(run=command.run)


def add_shared_options(parser: ArgumentParser, default: bool | str) -> None:
    """Options that may stand before a command or after it."""
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=default,
        help="show what is done, and where errors come from",
    )
    parser.add_argument(
        "--profile", action="store_true", default=default, help="show the time and the counts of every step"
    )
