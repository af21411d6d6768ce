"""Where commands get passwords and keys from: never from their arguments, which `ps` shows."""

import sys

import click


def read_password(password_file: str | None) -> str:
    """From the file, the terminal (asked twice) or stdin. Raises UsageError when empty."""
    if password_file is None and sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    with click.open_file(password_file or "-", encoding="utf-8") as file:
        # Editors and `echo` end the line; a password with a line break cannot be typed again.
        password: str = file.readline().rstrip("\r\n")
    if not password:
        source = password_file if password_file not in {None, "-"} else "stdin"
        raise click.UsageError(f"no password on the first line of {source}")
    return password


def read_key() -> str:
    """An API key from stdin, or typed unseen on a terminal."""
    if sys.stdin.isatty():
        return str(click.prompt("API key", hide_input=True, err=True)).strip()
    key = sys.stdin.readline().strip()
    if not key:
        raise click.UsageError("no API key on stdin")
    return key
