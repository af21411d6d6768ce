"""Every command says what it does, in text that a person can read."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from llmtrack.cli.commands import COMMANDS
from llmtrack.cli.main import llmtrack

LISTINGS = {"list", "own", "runs", "unpriced", "ledger", "status", "show"}


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from commands(child, (*path, name))


ALL = list(commands(llmtrack))


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "llmtrack")
def test_every_help_is_there_and_readable(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(llmtrack, [*path, "--help"], prog_name="llmtrack")

    assert done.exit_code == 0
    assert done.output.startswith(f"Usage: {' '.join(('llmtrack', *path))} ")
    assert "\\b" not in done.output, "click's mark for kept lines is a character, not two"
    description = done.output.split("\n\n")[1].strip()
    assert description[0].isupper()
    if path and path[-1] in LISTINGS:
        assert "--json" in done.output


def test_there_are_commands_to_look_at() -> None:
    assert {("keys", "list"), ("serve",), ("backup", "restore")} <= set(ALL)


def test_the_table_of_commands_says_what_they_say() -> None:
    context = click.Context(llmtrack)
    for name, entry in COMMANDS.items():
        command = llmtrack.get_command(context, name)
        assert command is not None
        assert command.help is not None
        assert " ".join(command.help.split("\n\n")[0].split()) == entry.text


def test_the_help_imports_no_command() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from llmtrack.cli.main import llmtrack;"
        " CliRunner().invoke(llmtrack, ['--help']);"
        " print([name for name in sys.modules if name == 'llmtrack.cli.serve'"
        " or name.split('.')[0] in ('aiohttp', 'sqlite3', 'asyncio', 'ssl')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
