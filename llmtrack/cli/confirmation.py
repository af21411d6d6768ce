"""Asking before something cannot be undone."""

import sys

import click

from llmtrack.domain.errors import Refused


def confirm(question: str, *, yes: bool) -> None:
    """Go on only with --yes or a yes on the terminal. Raises Refused."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused(
            f"nothing was changed, for nobody is here to be asked: {question}",
            fix="say --yes to do it without asking",
        )
    if not click.confirm(question, err=True):
        raise Refused("nothing was changed", fix="")
