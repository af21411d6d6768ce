# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack workspaces keep-content`: whether content and secrets in metadata are stored."""

from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.confirmation import confirm
from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import json_option, yes_option
from llmtrack.cli.output import print_fields, visible

if TYPE_CHECKING:
    from llmtrack.storage.database import Database


@click.command("keep-content")
@click.argument("workspace", metavar="W")
@click.option("--off", is_flag=True, help="Remove them again, which is how it starts.")
@yes_option
@json_option
@pass_data
def keep_content(data: Data, *, workspace: str, off: bool, yes: bool, as_json: bool) -> None:
    """Store prompts, completions and secrets that events of W carry in their metadata.

    Without this they are taken out before anything is stored. It holds for events from now
    on, is in the audit log, and every member sees it on the page Data quality.
    """

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.content_rules import set_keeps_content
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        if not off:
            confirm(f"Store content and secrets of events in {visible(scope.name)}?", yes=yes)
        await scope.write(set_keeps_content, keeps=not off, actor=operator(), now_ms=now_ms())
        return {"workspace": scope.name, "id": scope.public_id, "keeps_content": not off}

    print_fields(data.run(run, changes=True), as_json=as_json)
