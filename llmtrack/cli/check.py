# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack check`: is everything as it should be?"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from llmtrack.cli.data import Data, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.options import json_option
from llmtrack.cli.output import print_json, visible
from llmtrack.domain.nouns import counted

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

    from llmtrack.services.inspection import Finding
    from llmtrack.storage.database import Database

CHECKS = (
    *("config", "directory", "permissions", "db", "data"),
    *("tls", "oidc", "backup", "ports", "clock", "disk", "mail"),
)


@click.command()
@click.argument("checks", nargs=-1, type=click.Choice((*CHECKS, "all")), metavar="[CHECK]...")
@click.option("--fix", is_flag=True, help="Repair what can be: permissions.")
@json_option
@pass_data
def check(data: Data, checks: tuple[str, ...], fix: bool, as_json: bool) -> None:
    """Look for anything wrong; exit code 6 if something is.

    \b
    config       that every setting is known and usable
    directory    where the data is and whether a server uses it
    permissions  that nobody but the owner has access
    db           SQLite's version, the schema, every page of the file
    data         that every total is the sum of its events, counted anew, and that the
                 audit log's chains are unbroken
    tls          that the certificate can be served and does not end soon
    oidc         that the provider of single sign-on answers as it should
    backup       that there is a new one
    ports        that the server could listen
    clock        that the time is possible
    disk         that there is room, on a local file system
    mail         that the mail server takes mail from here, if one is set

    Without CHECK: all of them. Nothing is changed without --fix, and the server may run
    meanwhile. Days whose events were purged have only their totals checked against what was
    purged.
    """  # noqa: D301 - click wants the character
    data.require()
    wanted = CHECKS if not checks or "all" in checks else checks
    if fix:
        _repair(data, wanted)
    found = [finding for name in CHECKS if name in wanted for finding in findings(data, name)]
    _print(found, as_json=as_json)
    wrong = sum(not finding.ok for finding in found)
    if wrong:
        raise CommandFailed(
            f"{wrong} of {counted(len(found), 'finding')} {'is' if wrong == 1 else 'are'} bad",
            ExitCode.VERIFICATION_FAILED,
            fix="",
        )


def _repair(data: Data, wanted: Sequence[str]) -> None:
    from llmtrack.services.surroundings import tighten

    if "permissions" in wanted:
        for path in tighten(data.directory):
            click.echo(f"Fixed: nobody but the owner can use {path} now", err=True)


def findings(data: Data, name: str) -> "list[Finding]":
    from llmtrack.cli.checks import settings_findings, surrounding_findings
    from llmtrack.services import inspection

    if name == "config":
        return settings_findings(data)
    if name == "directory":
        return inspection.directory_findings(data.directory)
    if name == "permissions":
        return inspection.permission_findings(data.directory)
    if name == "db":
        return inspection.file_findings(data.database)
    if name == "data":
        return _counted_findings(data)
    return surrounding_findings(data, name)


def _counted_findings(data: Data) -> "list[Finding]":
    from llmtrack.services.inspection import Finding, chain_findings

    if data.pending_steps:
        return [Finding("data", False, "of an older version", "llmtrack db migrate")]
    return [*data.run(_data_findings), *chain_findings(data.database)]


async def _data_findings(database: "Database") -> "list[Finding]":
    from llmtrack.services.inspection import Finding, recount_findings, recounted
    from llmtrack.storage.workspaces import list_workspaces, scope_for_admin

    found = []
    for workspace in await list_workspaces(database):
        scope = await scope_for_admin(database, workspace.public_id)
        with click.progressbar(
            length=1, label=visible(workspace.name), file=sys.stderr, hidden=not sys.stderr.isatty()
        ) as bar:

            def progress(done: int, days: int, bar: "ProgressBar[int]" = bar) -> None:
                bar.length = days
                bar.update(done - bar.pos)

            counted_days = await recounted(scope, progress=progress)
        found += recount_findings(workspace.name, counted_days)
    return found or [Finding("data", True, "there is no workspace yet")]


def _print(found: "list[Finding]", *, as_json: bool) -> None:
    if as_json:
        print_json([finding._asdict() for finding in found])
        return
    for finding in found:
        mark = "ok " if finding.ok else "BAD"
        click.echo(f"{mark}  {finding.check:<12} {visible(finding.text)}")
        if finding.fix:
            click.echo(f"{'':18}Try: {visible(finding.fix)}")
