# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack workspaces tags`: the members of events' metadata that usage is summed by."""

from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import json_option
from llmtrack.cli.output import moment, print_rows

if TYPE_CHECKING:
    from llmtrack.storage.database import Database
    from llmtrack.storage.scope import Scope

COLUMNS = ("tag", "values", "counted", "tracked_at")


@click.group()
def tags() -> None:
    """Tracked tags: list, add, remove.

    A tag is a member of the events' metadata that usage is summed by, as by model or feature.
    """


@tags.command("list")
@click.argument("workspace", metavar="W")
@json_option
@pass_data
def list_(data: Data, workspace: str, as_json: bool) -> None:
    """List what workspace W (its id or exact name) tracks.

    counted says from when on events are in the sums by the tag: all, or a time.
    """

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.storage.workspaces import scope_for_admin

        return await _rows(await scope_for_admin(database, workspace))

    _print(data.run(run), as_json)


@tags.command()
@click.argument("workspace", metavar="W")
@click.argument("key", metavar="KEY")
@json_option
@pass_data
def add(data: Data, workspace: str, key: str, as_json: bool) -> None:
    """Track the member KEY of the metadata of workspace W's events.

    Events that are there are counted now, the newest first, while others come in. When it is
    interrupted, the server goes on by itself. Up to 5 tags, and 500 values of each; the values
    that come after them count together.
    """

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.storage.tracked_tags import track_tag

        return await _change(database, workspace, track_tag, key)

    _print(data.run(run, changes=True), as_json)


@tags.command()
@click.argument("workspace", metavar="W")
@click.argument("key", metavar="KEY")
@json_option
@pass_data
def remove(data: Data, workspace: str, key: str, as_json: bool) -> None:
    """Track KEY no more: its sums are removed, the events keep their metadata."""

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.storage.tracked_tags import untrack_tag

        return await _change(database, workspace, untrack_tag, key)

    _print(data.run(run, changes=True), as_json)


async def _change(
    database: "Database", workspace: str, change: Any, key: str
) -> list[dict[str, Any]]:
    from llmtrack.services.tag_counting import drive_tag_changes
    from llmtrack.storage.workspaces import scope_for_admin

    scope = await scope_for_admin(database, workspace)
    await scope.write(change, key=key, actor=operator(), now_ms=now_ms())
    await drive_tag_changes(scope)
    return await _rows(scope)


async def _rows(scope: "Scope") -> list[dict[str, Any]]:
    from llmtrack.domain.periods import QUARTER_MS
    from llmtrack.storage.tracked_tags import tracked_tags

    async with scope.reading() as reading:
        found = await tracked_tags(reading)
    return [
        {
            "tag": tracked.tag.key,
            "values": tracked.values,
            "counted": moment(tracked.tag.counted_quarter * QUARTER_MS)
            if tracked.tag.counted_quarter
            else "all",
            "unknown_before": moment(tracked.tag.known_ms),
            "tracked_at": moment(tracked.tracked_ms),
        }
        for tracked in found
    ]


def _print(rows: list[dict[str, Any]], as_json: bool) -> None:
    none = "no tags are tracked; track one with: llmtrack workspaces tags add W KEY"
    print_rows(rows, columns=COLUMNS, as_json=as_json, none=none)
