"""The command line as a whole."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from types import ModuleType

import pytest

import getframes
from getframes.cli import COMMANDS, build_parser, main
from getframes.cli.command_parser import add_commands
from getframes.cli.problems import EXIT_CODES
from tests.cli.conftest import Command
from tests.cli.pages import PAGES, REFERENCE, commands


def test_every_command_is_there() -> None:
    names = [command.name for command in COMMANDS]
    assert sorted(names) == [
        "check",
        "dataset",
        "demo",
        "explain",
        "fit",
        "generate",
        "match",
        "presets",
        "reduce",
        "show",
        "verify",
    ]


def test_the_help_tells_every_exit_code() -> None:
    text = build_parser().format_help()
    for code, meaning in EXIT_CODES.items():
        assert f"\n  {code:<4} {meaning}\n" in text


@pytest.mark.parametrize("name", [name for name, _, _ in commands(build_parser())])
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        main([*name.split()[1:], "--help"])
    assert f"usage: {name}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--version"])
    assert capsys.readouterr().out == f"getframes {getframes.__version__}\n"


@pytest.mark.parametrize("words", [[], ["nope"], ["presets", "--nope"], ["generate", "x.toml"]])
def test_a_wrong_command_line_is_refused_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main(words)
    assert "getframes" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["-v", "--profile", "presets"], ["presets", "-v", "--profile"]])
def test_shared_options_stand_before_and_after_the_command(words: list[str]) -> None:
    options = build_parser().parse_args(words)
    assert (options.verbose, options.profile) == (True, True)
    assert not build_parser().parse_args(["presets"]).verbose


def test_a_command_of_several_steps() -> None:
    step = ModuleType("step", "A step.")
    step.name, step.summary, step.arguments, step.run = "step", "do it", lambda parser: None, print  # type: ignore[attr-defined]
    several = ModuleType("several", "Several steps.")
    several.name, several.summary, several.COMMANDS = "several", "do all", (step,)  # type: ignore[attr-defined]
    parser = ArgumentParser("getframes")
    add_commands(parser, (several,))
    assert [(name, summary) for name, summary, _ in commands(parser)] == [("getframes several step", "do it")]
    options = parser.parse_args(["several", "step", "-v"])
    assert options.run is print and options.verbose


@pytest.mark.parametrize("file", PAGES)
def test_reference_pages_follow_the_tables(file: str) -> None:
    """`python -m tests.cli.pages` writes them anew."""
    assert (REFERENCE / file).read_text(encoding="utf-8") == PAGES[file]()


def test_presets_table(command: Command) -> None:
    code, out, err = command("presets")
    heading, *rows = out.splitlines()
    assert (code, err) == (0, "")
    assert heading.split() == ["preset", "sensor", "size/px", "read", "noise/e-", "gain", "source"]
    assert [row.split()[0] for row in rows] == getframes.available_presets()
    ixon = next(row for row in rows if row.startswith("andor_ixon_ultra_888"))
    assert ixon.split()[1:7] == ["EMCCD", "1024", "x", "1024", "45", "300"]
    assert "data sheet" in ixon


def test_presets_plain(command: Command) -> None:
    assert command("presets", "--plain").out.splitlines() == getframes.available_presets()


def test_presets_loads_nothing_slow() -> None:
    script = (
        "import sys; from getframes.cli import main; main(['presets', '--plain']);"
        "slow = ('astropy', 'PIL', 'tqdm', 'scipy', 'pandas', 'numpy.random');"
        "print([name for name in slow if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_as_a_module_and_into_a_closed_pipe(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "getframes", "presets"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), error) == (141, b"")
