"""Options that several commands share, so that they read the same everywhere."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(command)


def workspace_option(command: Command) -> Command:
    return click.option(
        "--workspace",
        "-w",
        required=True,
        metavar="W",
        help="The workspace: its id (wsp_...) or its exact name.",
    )(command)


def yes_option(command: Command) -> Command:
    return click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")(command)


def password_file_option(command: Command) -> Command:
    return click.option(
        "--password-file",
        type=click.Path(dir_okay=False, allow_dash=True),
        metavar="F",
        help="Read the password from the first line of this file; - is stdin. "
        "Without it, it is asked for on a terminal, else read from stdin.",
    )(command)
