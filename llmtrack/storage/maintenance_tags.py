"""Which workspaces have tags that are not counted to the end, or not removed to the end."""

from llmtrack.storage.database import Database

ALL_TAG_CHANGES = """
-- maintenance_tags.all_tag_changes
select distinct w.public_id
from tracked_tag t
join workspace w on w.id = t.workspace_id
where t.counted_quarter <> 0 or t.removed_ms is not null
order by w.id
"""


async def all_tag_changes(database: Database) -> list[str]:
    """Their public ids."""
    return [row[0] for row in await database.rows(ALL_TAG_CHANGES)]
