#!/usr/bin/env python3
"""Writes the pages of docs/ that come from the code: the settings and the commands.

.venv/bin/python packaging/write_docs.py docs
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from llmtrack.cli.main import llmtrack
from llmtrack.config.reference import markdown

_HEAD = """\
# Command line

<!-- Written by `make docs` from the commands themselves. -->

"""


def command_pages() -> str:
    """The help of every command, in the order in which `llmtrack --help` names them."""
    root = click.Context(llmtrack, info_name="llmtrack", max_content_width=94)
    return _HEAD + "\n".join(_sections(llmtrack, root))


def _sections(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## `{context.command_path}`\n\n```\n{command.get_help(context).rstrip()}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                made = click.Context(child, info_name=name, parent=context, max_content_width=94)
                yield from _sections(child, made)


def main(directory: Path) -> None:
    (directory / "configuration.md").write_text(markdown(), encoding="utf-8")
    (directory / "cli.md").write_text(command_pages(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
