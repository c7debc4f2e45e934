"""`getframes demo`: something to look at, with the truth beside it.

Without an option the Pleiades, from a real catalog, through two cameras: a contact sheet shows counts, truth and pulls, and a table compares the noise of
every stage with what is predicted.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from getframes.cli.demo import fit, match, pleiades, reduction

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from getframes.run_record import RunRecord

name = "demo"
summary = "the Pleiades through two cameras, with truth, pictures and a noise budget"


class Demonstration(Protocol):
    """A file of this folder.

    Attributes
    ----------
    name : str
        Of its option, ``--name``, and of its folder.
    summary : str
        What it shows.
    MADE : tuple of str
        Its files; those of an earlier run are replaced.
    PRESET : str or None
        Its camera where no other is asked for; None where it has its own.
    SEED : int
        Of everything random where no other is asked for.
    """

    name: str
    summary: str
    MADE: tuple[str, ...]
    PRESET: str | None
    SEED: int

    def demonstrate(self, folder: Path, options: Namespace, record: RunRecord) -> str:
        """Make the files with the preset and the seed of the options, and return what is to be said."""


DEMONSTRATIONS: tuple[Demonstration, ...] = (pleiades, reduction, match, fit)
"""The first is that without an option."""

RECORD = "demo.run.json"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    which = parser.add_mutually_exclusive_group()
    for each in DEMONSTRATIONS:
        which.add_argument(
            f"--{each.name}", dest="which", action="store_const", const=each, help=each.summary
        )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="folder to fill; default: the name of the demonstration",
    )
    parser.add_argument("--preset", metavar="NAME", help="camera, where a demonstration has one")
    parser.add_argument("--seed", type=int, help="another draw of everything random")
    parser.set_defaults(which=DEMONSTRATIONS[0])


def run(options: Namespace) -> int:
    """Demonstrate, and say where the files are.

    Raises
    ------
    DomainError
        If a camera is asked for of a demonstration that has its own.
    """
    from getframes.errors import require
    from getframes.io.atomic import make_folder
    from getframes.run_record import RunRecord

    which: Demonstration = options.which
    rule = f"left out: --{which.name} has its own camera"
    require(options.preset is None or which.PRESET is not None, name, "--preset", rule, options.preset)
    options.preset = options.preset or which.PRESET
    options.seed = which.SEED if options.seed is None else options.seed
    record = RunRecord(name, {"demonstration": which.name})
    folder = make_folder(options.output or Path(which.name))
    print(which.demonstrate(folder, options, record), end="\n\n")
    record.save(folder / RECORD)
    print(*(folder / file for file in sorted([*which.MADE, RECORD])), sep="\n")
    if options.profile:
        print(record)
    return 0
