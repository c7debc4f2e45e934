"""How a command ends: exit codes, and errors as one clear line."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

DONE, FAILED, MISUSED, INTERRUPTED, UNHEARD = 0, 1, 2, 130, 141

EXIT_CODES = {
    DONE: "all is well",
    FAILED: "an output could not be written, data differ from their checksums, or something unexpected",
    MISUSED: "the command line, an experiment file or another input is not right; nothing was made",
    INTERRUPTED: "interrupted by Ctrl-C; no partial file is left",
    UNHEARD: "the program that read the output went away",
}
"""Every exit code, and what it says."""


def exit_code(command: Callable[[Namespace], int], options: Namespace) -> int:
    """Run a command; the exit code, with errors told on standard error."""
    show_log(options.verbose)
    try:
        code = command(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return UNHEARD
    except Exception as error:
        if options.verbose:
            logging.getLogger("getframes.cli").exception("traceback of the error")
        for line in lines_of(error):
            print(f"getframes: error: {line}", file=sys.stderr)
        return code_of(error)
    return code


def warn(text: str) -> None:
    """A line of warning on standard error."""
    print(f"getframes: warning: {text}", file=sys.stderr)


def code_of(error: Exception) -> int:
    """The exit code of an error."""
    from getframes.errors import GetframesError, IntegrityError, OutputError

    if isinstance(error, OutputError | IntegrityError) or not isinstance(error, GetframesError):
        return FAILED
    return MISUSED


def lines_of(error: Exception) -> list[str]:
    """What to say about an error; an experiment file can have several problems, a line each."""
    from getframes.errors import GetframesError, OutputExistsError

    if isinstance(error, OutputExistsError):
        return [str(error).replace("overwrite=True", "--overwrite")]
    if isinstance(error, GetframesError):
        return str(error).splitlines() or [type(error).__name__]
    if isinstance(error, OSError) and error.strerror:
        return [f"{error.filename}: {error.strerror}" if error.filename else error.strerror]
    if isinstance(error, MemoryError):
        return [f"not enough memory: {error}" if str(error) else "not enough memory"]
    return [f"unexpected {type(error).__name__}: {error} (-v shows where)"]


def show_log(verbose: bool) -> None:
    """Show what the rooms log, on standard error, or warnings only."""
    log = logging.getLogger("getframes")
    log.setLevel(logging.DEBUG if verbose else logging.WARNING)
    if verbose and not any(handler.get_name() == "getframes" for handler in log.handlers):
        handler = logging.StreamHandler()
        handler.set_name("getframes")
        handler.setFormatter(logging.Formatter("%(relativeCreated)8.0f ms %(name)s: %(message)s"))
        log.addHandler(handler)


def _discard_output() -> None:
    """Let the interpreter flush into nothing when it ends."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)
