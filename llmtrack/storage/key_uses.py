"""When, from where and how often keys are used: collected in memory, written now and then."""

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from llmtrack.storage.writer import Job, transaction

log = logging.getLogger(__name__)


@dataclass(slots=True)
class KeyUse:
    """What happened with one key since it was last written down."""

    workspace_id: int
    key_id: int
    uses: int = 0
    used_ms: int | None = None
    used_ip: str | None = None
    old_used_ms: int | None = None
    """The last use of the secret from before a rotation."""
    refused_ms: int | None = None
    refused_ip: str | None = None
    refused_why: str | None = None


NOTE_USE = """
-- key_uses.note_uses
update api_key
set uses = uses + :uses,
    last_used_ip = case
      when :used_ms >= coalesce(last_used_ms, 0) then :used_ip else last_used_ip
    end,
    last_used_ms = nullif(max(coalesce(last_used_ms, 0), coalesce(:used_ms, 0)), 0),
    old_last_used_ms = coalesce(:old_used_ms, old_last_used_ms),
    refused_ms = coalesce(:refused_ms, refused_ms),
    refused_ip = coalesce(:refused_ip, refused_ip),
    refused_why = coalesce(:refused_why, refused_why)
where workspace_id = :workspace_id and id = :key_id
"""


def note_uses(connection: sqlite3.Connection, uses: Sequence[KeyUse]) -> None:
    connection.executemany(NOTE_USE, [asdict(use) for use in uses])


def noting(uses: Sequence[KeyUse]) -> Job:
    """A job for the writer: a lost count is not worth a failed request."""

    def job(connection: sqlite3.Connection) -> None:
        try:
            with transaction(connection):
                note_uses(connection, uses)
        except sqlite3.Error:
            log.exception("the use of %d keys was not noted", len(uses))

    return job
