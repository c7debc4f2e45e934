"""`getframes verify`: compare a folder of data sets with its manifests; any flipped byte is found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

name = "verify"
summary = "compare the files of a data set with their checksums"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="folder of `getframes dataset`")


def run(options: Namespace) -> int:
    """Print what is wrong, a line each."""
    from getframes.cli.problems import DONE, FAILED
    from getframes.dataset import verify

    problems = verify(options.directory)
    print(*problems or [f"{options.directory}: every file is as it was written"], sep="\n")
    return FAILED if problems else DONE
