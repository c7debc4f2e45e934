"""The reference pages that follow from tables of the package; `python -m tests.cli.pages` writes them."""

from __future__ import annotations

from argparse import Action, ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path

from getframes.cli import build_parser
from getframes.cli.problems import EXIT_CODES
from getframes.config.fit_tables import FIT_TABLES
from getframes.config.pipeline_tables import PIPELINE_TABLES
from getframes.config.reference import documented_keys
from getframes.config.tables import TABLES, Table

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"

CONFIGURATION = """# Experiment files

An experiment file says in TOML which camera takes which frames. `getframes generate` makes the frames of
`[frame]`, `getframes dataset` the pairs of `[dataset]`, and `getframes check` says beforehand what either
needs. Runnable examples of every key are in `configs/`.

```toml
[camera]
preset = "andor_ikon_m934"
resolution = [512, 512]

[frame]
type = "dark"
exposure_s = 60.0
seed = 1
```

Files are strict: an unknown or misspelt key, a wrong type or an impossible value is an error with file, line,
column and the nearest valid key, all problems at once, and nothing is generated. Free notes have their place
in `[camera.extra]`. Paths are relative to the file.
"""

COMMANDS = """# The command line

`getframes COMMAND --help` lists the options of a command; `python -m getframes` is the same program.

* Progress bars appear on runs that last longer than a second, on standard error, and only in a terminal.
* Files appear complete or not at all. `generate` and `show` do not replace a file without `--overwrite`.
* `generate`, `dataset` and `demo` save a record of the run beside their output (`*.run.json`): seed, digest
  of the experiment, wall and CPU time and counts of each step, peak memory. `--profile` prints it as well.
* Without a seed, in the file or as `--seed`, one is drawn and recorded, by `generate` in every header;
  `dataset` goes on with the one its folder was begun with.
* A data set that was interrupted is finished by the same command, and so is a reduction. `verify` finds any
  flipped byte of a data set.
* `generate` of a `[series]` writes a table beside the frames, `STEM.series.ecsv`: file, time, offset of the
  telescope, and with `--truth` the photons of every source in every frame.
* An npz of `generate` has the counts as `raw`, the metadata as JSON in `metadata`, and with `--truth` the
  truth arrays; a FITS file has them as extensions.
"""


PIPELINE = """# Pipeline files

A pipeline file says in TOML which raw frames `getframes reduce` calibrates, and how ([Ten thousand frames](../how-to/ten-thousand-frames.md)). Runnable examples of
every key are in `configs/reduce/`.

```toml
[input]
folder = "raw"

[output]
folder = "reduced"
```

Files are strict, as [experiment files](configuration.md) are. Paths are relative to the file.
"""


FIT = """# Fit files

A fit file says in TOML which sources `getframes fit` fits to which images, and how. Each step reads the tables that it needs. Runnable examples of every key are in
`configs/fit/`.

```toml
[catalog]
file = "catalog.fits"

[[images]]
file = "images/*.fits"

[psf]
file = "psfs.h5"

[output]
folder = "fit"
```

Files are strict, as [experiment files](configuration.md) are. Paths are relative to the file. What was begun with some settings goes on with these and no others:
another catalog, other bounds, bands, `seed` or `max_active` need another folder.
"""


def configuration_page() -> str:
    """Every key of every table of an experiment file."""
    return _page(CONFIGURATION, TABLES)


def pipeline_page() -> str:
    """Every key of every table of a pipeline file."""
    return _page(PIPELINE, PIPELINE_TABLES)


def fit_page() -> str:
    """Every key of every table of a fit file."""
    return _page(FIT, FIT_TABLES)


def _page(beginning: str, tables: tuple[Table, ...]) -> str:
    sections = (_table_section(table, tables) for table in tables if table.fields or table.variants)
    return "\n".join([beginning, *sections])


def command_line_page() -> str:
    """Every command, option and exit code."""
    parser = build_parser()
    parts = [COMMANDS, _section("getframes", "Options of every command:", parser)]
    parts += [_section(title, _sentence(summary), chosen) for title, summary, chosen in commands(parser)]
    rows = [f"| {code} | {_cell(meaning)} |" for code, meaning in EXIT_CODES.items()]
    codes = ["## Exit codes", "", "| code | meaning |", "|---|---|", *rows, ""]
    text = "Errors are one line each on standard error, `getframes: error: ...`; `-v` adds the traceback."
    return "\n".join([*parts, *codes, text, ""])


def commands(parser: ArgumentParser) -> Iterator[tuple[str, str | None, ArgumentParser]]:
    """Full name, summary and parser of every command below a parser, steps of commands too."""
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            summaries = {choice.dest: choice.help for choice in action._choices_actions}
            for name, chosen in action.choices.items():
                below = list(commands(chosen))
                yield from below or [(chosen.prog, summaries[name], chosen)]


def _table_section(table: Table, tables: tuple[Table, ...]) -> str:
    title = f"[[{table.name}]]" if table.repeated else f"[{table.name}]"
    lines = [
        f"## `{title}`",
        "",
        table.doc,
        "",
        "| key | type | default | rule | meaning |",
        "|---|---|---|---|---|",
    ]
    for row in documented_keys(tables):
        if row.table == title:
            default = (
                row.default if row.default.startswith("required") or not row.default else f"`{row.default}`"
            )
            lines.append(
                f"| `{row.key}` | {row.type} | {default} | {_cell(row.rule)} | {_cell(row.meaning)} |"
            )
    return "\n".join([*lines, ""])


def _section(title: str, text: str, parser: ArgumentParser) -> str:
    own = [action for action in parser._actions if not isinstance(action, _SubParsersAction)]
    if title != "getframes":
        own = [action for action in own if action.dest not in ("help", "verbose", "profile")]
    rows = [f"| {_spelling(action)} | {_cell(action.help or '')} |" for action in own]
    return "\n".join([f"## `{title}`", "", text, "", "| argument | meaning |", "|---|---|", *rows, ""])


def _spelling(action: Action) -> str:
    shown = action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar or ())
    if action.choices:
        shown = "|".join(map(str, action.choices))
    if not action.option_strings:
        return f"`{shown}`"
    value = shown or ("" if action.nargs == 0 else action.dest.upper())
    spelled = ", ".join(f"`{option}{f' {value}' if value else ''}`" for option in action.option_strings)
    return _cell(spelled + (" (required)" if action.required else ""))


def _sentence(text: str | None) -> str:
    return f"{(text or '')[:1].upper()}{(text or '')[1:]}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES = {
    "configuration.md": configuration_page,
    "pipeline.md": pipeline_page,
    "fit-files.md": fit_page,
    "command-line.md": command_line_page,
}

if __name__ == "__main__":
    for file, page in PAGES.items():
        (REFERENCE / file).write_text(page(), encoding="utf-8")
