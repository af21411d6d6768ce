"""Drives the counting of new tags to its end: a command its own, the server what is left."""

import asyncio

from llmtrack.services.finishing import PAUSE_S, Finisher
from llmtrack.storage.database import Database
from llmtrack.storage.maintenance_tags import all_tag_changes
from llmtrack.storage.scope import Scope
from llmtrack.storage.tag_counting import count_tags, remove_tags


async def drive_tag_changes(scope: Scope) -> None:
    """Count what a workspace's tags lack, and remove what is left of those that are gone.

    Two drivers do no harm: each transaction begins where the last one, whosever, ended.
    """
    for step in (remove_tags, count_tags):
        while await scope.write(step):  # noqa: ASYNC110 - each is a step of the work
            await asyncio.sleep(PAUSE_S)


def tag_counter(database: Database) -> Finisher:
    """The server's part."""
    return Finisher(database, "counting by tracked tags", all_tag_changes, drive_tag_changes)
