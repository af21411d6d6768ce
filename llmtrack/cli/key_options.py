# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""The options that say what a key is good for."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from llmtrack.cli.periods import instant

if TYPE_CHECKING:
    from llmtrack.domain.key_terms import KeyTerms

Command = TypeVar("Command", bound=Callable[..., Any])
_Times = tuple[str | None, str | None]
"""--not-before and --expires as they were typed."""

key_argument = click.argument("key", metavar="K")
any_workspace_option = click.option(
    "--workspace", "-w", metavar="W", help="Look in this workspace only (id or exact name)."
)


def lasting_options(command: Command) -> Command:
    """--network, --not-before, --expires."""
    for option in (
        click.option(
            "--expires",
            metavar="T",
            help="Refuse it from this time on: RFC 3339, or a date (its first moment).",
        ),
        click.option("--not-before", metavar="T", help="Refuse it until this time."),
        click.option(
            "--network",
            "networks",
            multiple=True,
            metavar="CIDR",
            help="Take it from this network only, e.g. 192.0.2.0/24; may be given again.",
        ),
    ):
        command = option(command)
    return command


def terms_of(access: str, networks: tuple[str, ...], times: _Times, time_zone: str) -> "KeyTerms":
    from llmtrack.domain.key_terms import KeyAccess, KeyTerms

    return changed_terms(KeyTerms(KeyAccess(access)), networks, times, time_zone)


def changed_terms(
    terms: "KeyTerms", networks: tuple[str, ...], times: _Times, time_zone: str
) -> "KeyTerms":
    """The terms with what was given; an empty text takes a limit away."""
    not_before, expires = times
    if networks:
        terms = terms._replace(networks=networks)
    if not_before is not None:
        terms = terms._replace(not_before_ms=_instant("not-before", not_before, time_zone))
    if expires is not None:
        terms = terms._replace(expires_ms=_instant("expires", expires, time_zone))
    return terms


def _instant(option: str, text: str, time_zone: str) -> int | None:
    return instant(option, text, time_zone) if text else None
