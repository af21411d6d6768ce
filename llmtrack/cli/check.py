# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack check`: is everything as it should be?"""

import sys
from typing import TYPE_CHECKING

import click

from llmtrack.cli.data import Data, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.options import json_option
from llmtrack.cli.output import counted, print_json, visible

if TYPE_CHECKING:
    from llmtrack.services.inspection import Finding
    from llmtrack.storage.database import Database

CHECKS = ("directory", "permissions", "file", "data")


@click.command()
@click.argument("checks", nargs=-1, type=click.Choice(CHECKS), metavar="[CHECK]...")
@json_option
@pass_data
def check(data: Data, checks: tuple[str, ...], as_json: bool) -> None:
    """Look for anything wrong; exit code 6 if something is.

    \b
    directory    where the data is and whether a server uses it
    permissions  that nobody but the owner has access
    file         SQLite's version, the schema, every page of the file
    data         that every total is the sum of its events, counted anew

    Without CHECK: all of them. Nothing is changed, and the server may run meanwhile. Days
    whose events were purged have only their totals checked against what was purged.
    """  # noqa: D301 - click wants the character
    from llmtrack.services.inspection import (
        directory_findings,
        file_findings,
        permission_findings,
    )

    data.require()
    wanted = checks or CHECKS
    found: list[Finding] = []
    if "directory" in wanted:
        found += directory_findings(data.directory)
    if "permissions" in wanted:
        found += permission_findings(data.directory)
    if "file" in wanted:
        found += file_findings(data.database)
    if "data" in wanted:
        found += data.run(_data_findings)
    _print(found, as_json=as_json)
    wrong = sum(not finding.ok for finding in found)
    if wrong:
        raise CommandFailed(
            f"{wrong} of {counted(len(found), 'finding')} {'is' if wrong == 1 else 'are'} bad",
            ExitCode.VERIFICATION_FAILED,
            fix="",
        )


async def _data_findings(database: "Database") -> "list[Finding]":
    from llmtrack.services.inspection import Finding, recount_findings, recounted
    from llmtrack.storage.workspaces import list_workspaces, scope_for_admin

    found = []
    for workspace in await list_workspaces(database):
        scope = await scope_for_admin(database, workspace.public_id)

        def progress(days: int, name: str = workspace.name) -> None:
            if sys.stderr.isatty():
                click.echo(f"\r{visible(name)}: {days} days", nl=False, err=True)

        found += recount_findings(workspace.name, await recounted(scope, progress=progress))
        if sys.stderr.isatty():
            click.echo("\r\033[K", nl=False, err=True)
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
