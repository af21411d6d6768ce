# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack purge`: what is deleted for good, with a receipt."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.confirmation import confirm
from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import json_option, workspace_option, yes_option
from llmtrack.cli.output import moment, print_fields, print_rows, visible
from llmtrack.cli.periods import days
from llmtrack.domain.nouns import counted

if TYPE_CHECKING:
    from llmtrack.storage.database import Database
    from llmtrack.storage.deletions import Deletion

COLUMNS = ("workspace", "before", "events", "cost_usd", "purged")

Fields = dict[str, Any]


@click.group()
def purge() -> None:
    """Delete for good: old events, a customer, a user, a workspace.

    The server may run meanwhile. What was interrupted is completed by `purge run`, and by the
    server itself once a day. A restored backup does not bring it back.
    """


@purge.command()
@click.option("--older-than", required=True, metavar="AGE", help="Days or weeks: 90d, 12w.")
@click.option("--workspace", "-w", metavar="W", help="Only this one (id or exact name).")
@click.option("--drop-totals", is_flag=True, help="Totals of that time go as well.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@yes_option
@json_option
@pass_data
def events(
    data: Data,
    *,
    older_than: str,
    workspace: str | None,
    drop_totals: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Remove single events, and keep every total unless told otherwise.

    Goes by whole days of each workspace's time zone. What stays: the sums per quarter hour
    and per day by provider, model, feature, key, environment, status, source and customer,
    the pairs of those per day, latencies, and the names in them. What goes: the events with
    their metadata, and the response ids that would complete them. Questions that need single
    events (several filters at once, hours of one customer, exports) find none of before.

    The file keeps its size; the room is used again.
    """

    async def run(database: "Database") -> list[Fields]:
        from llmtrack.cli.purging import plan_events, purge_planned

        plans = await plan_events(database, workspace, now_ms(), days(older_than))
        count = sum(plan.found.events for plan in plans)
        if (count or drop_totals) and not dry_run:
            confirm(f"Remove {counted(count, 'event')} for good?", yes=yes)
        if dry_run:
            return [plan.row() for plan in plans]
        return [
            await purge_planned(data, database, plan, keep_totals=not drop_totals) for plan in plans
        ]

    rows = data.run(run, changes=not dry_run)
    if not dry_run:
        _settle(data)
    print_rows(rows, columns=COLUMNS, as_json=as_json, none="there is no workspace")


@purge.command()
@click.argument("customer")
@workspace_option
@yes_option
@json_option
@pass_data
def customer(data: Data, *, customer: str, workspace: str, yes: bool, as_json: bool) -> None:
    """Erase the customer with the id CUSTOMER: events, totals per customer, id and name.

    What its calls have cost stays in the workspace's totals by provider, model, feature, key
    and so on, which say nothing of customers.
    """

    async def run(database: "Database") -> Fields:
        from llmtrack.storage.deletions import customer_digest
        from llmtrack.storage.workspaces import find_workspace

        found = await find_workspace(database, workspace)
        confirm(f"Erase customer {visible(customer)} of {visible(found.name)}?", yes=yes)
        return await _delete(
            data,
            database,
            kind="customer",
            workspace_public_id=found.public_id,
            subject=customer_digest(found.public_id, customer),
        )

    _report(data, data.run(run, changes=True), as_json=as_json)


@purge.command()
@click.argument("user")
@yes_option
@json_option
@pass_data
def user(data: Data, *, user: str, yes: bool, as_json: bool) -> None:
    """Delete the user with the e-mail USER: sessions, links, memberships, password."""

    async def run(database: "Database") -> Fields:
        from llmtrack.storage.users import user_by_email

        found = await database.write(user_by_email, user)
        confirm(f"Delete {visible(found.email)}?", yes=yes)
        return await _delete(data, database, kind="user", subject=found.public_id)

    _report(data, data.run(run, changes=True), as_json=as_json)


@purge.command()
@click.argument("workspace")
@yes_option
@json_option
@pass_data
def workspace(data: Data, *, workspace: str, yes: bool, as_json: bool) -> None:
    """Delete WORKSPACE (id or exact name) with everything in it; users stay.

    Its keys stop working first, so that nothing new comes in meanwhile.
    """

    async def run(database: "Database") -> Fields:
        from llmtrack.storage.workspaces import find_workspace

        found = await find_workspace(database, workspace)
        confirm(f"Delete workspace {visible(found.name)} and all its data?", yes=yes)
        return await _delete(
            data,
            database,
            kind="workspace",
            workspace_public_id=found.public_id,
            subject=found.public_id,
        )

    _report(data, data.run(run, changes=True), as_json=as_json)


@purge.command()
@yes_option
@json_option
@pass_data
def sessions(data: Data, *, yes: bool, as_json: bool) -> None:
    """End everybody's sessions and sign-in links."""

    async def run(database: "Database") -> Fields:
        from llmtrack.storage.maintenance import all_forget_sign_ins

        confirm("Sign everybody out?", yes=yes)
        await database.write(all_forget_sign_ins)
        return {"signed_out": "everybody"}

    print_fields(data.run(run, changes=True), as_json=as_json)


@purge.command()
@json_option
@pass_data
def run(data: Data, as_json: bool) -> None:
    """Complete what was interrupted, then apply every workspace's retention."""

    async def run(database: "Database") -> Fields:
        from llmtrack.services.deletion_runs import apply_retention, resume

        with progress_line() as progress:
            resumed = await resume(database, now_ms=now_ms(), progress=progress)
            removed = await apply_retention(
                database, data.directory, now_ms=now_ms(), progress=progress
            )
        return {"completed": resumed, "events": sum(removed.values()), "by_workspace": removed}

    found = data.run(run, changes=True)
    _settle(data)
    if not as_json:
        found["by_workspace"] = ", ".join(f"{name}: {n}" for name, n in removed_of(found)) or None
    print_fields(found, as_json=as_json)


@purge.command()
@json_option
@pass_data
def ledger(data: Data, as_json: bool) -> None:
    """List what was deleted for good, and until when backups may still have it."""

    async def run(database: "Database") -> "list[Deletion]":
        from llmtrack.services.deletion_runs import ledger

        return await ledger(database)

    rows = [_ledger_row(data, found) for found in data.run(run)]
    columns = ("id", "kind", "workspace", "begun", "finished", "removed", "in_backups_until")
    print_rows(rows, columns=columns, as_json=as_json, none="nothing was deleted")


def removed_of(found: Fields) -> list[tuple[str, int]]:
    return list(found["by_workspace"].items())


async def _delete(data: Data, database: "Database", **what: str) -> Fields:
    """Carry a deletion out; its receipt."""
    from llmtrack.services.deletion import delete
    from llmtrack.services.deletion_runs import begin

    deletion = await begin(
        database,
        data.directory,
        kind=what["kind"],
        workspace_public_id=what.get("workspace_public_id", ""),
        subject=what["subject"],
        actor=operator(),
        now_ms=now_ms(),
    )
    with progress_line() as progress:
        removed = await delete(database, deletion, now_ms=now_ms(), progress=progress)
    return _receipt(data, deletion._replace(removed=removed.rows, finished_ms=now_ms()))


def _report(data: Data, receipt: Fields, *, as_json: bool) -> None:
    _settle(data)
    if not as_json:
        receipt["removed"] = _removed_text(receipt["removed"])
    print_fields(receipt, as_json=as_json)


def _receipt(data: Data, deletion: "Deletion") -> Fields:
    return {
        "deletion": deletion.public_id,
        "kind": deletion.kind,
        "workspace": deletion.workspace_public_id or None,
        "removed": deletion.removed,
        "finished": moment(deletion.finished_ms),
        "in_backups_until": _backups_until(data, deletion),
    }


def _ledger_row(data: Data, deletion: "Deletion") -> Fields:
    row = _receipt(data, deletion)
    row["removed"] = _removed_text(deletion.removed)
    return {"id": row.pop("deletion"), "begun": moment(deletion.begun_ms), **row}


def _backups_until(data: Data, deletion: "Deletion") -> str | None:
    from llmtrack.config.table import BACKUP_MAX_AGE

    age_ms = int(data.config[BACKUP_MAX_AGE].total_seconds() * 1000)
    return moment((deletion.finished_ms or now_ms()) + age_ms)


def _removed_text(removed: dict[str, int]) -> str:
    parts = [f"{number:,} {what.replace('_', ' ')}" for what, number in removed.items()]
    return ", ".join(parts) or "nothing was there"


def _settle(data: Data) -> None:
    """Empty the WAL, which still has the removed rows. A reader may be in the way: no harm."""
    from llmtrack.storage.maintenance import all_checkpointed

    all_checkpointed(data.database)


@contextmanager
def progress_line() -> "Iterator[Callable[[str, int], None] | None]":
    """One line on a terminal; nothing where stderr is a file or a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    yield lambda what, number: click.echo(f"\r\033[K{number:,} {what} removed", nl=False, err=True)
    click.echo("\r\033[K", nl=False, err=True)
