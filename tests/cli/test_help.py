"""Every command says what it does, in text that a person can read."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from llmtrack.cli.main import llmtrack

LISTINGS = {"list", "own", "runs", "unpriced", "ledger", "status", "show"}


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from commands(command.commands[name], (*path, name))


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
