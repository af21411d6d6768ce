"""Shared links: one view for whoever has the link, until it expires or is revoked.

Only a digest of the token is kept. `link_of` makes the `Scope` that the page behind a link
holds: of the link's workspace, and good for reading alone.
"""

import sqlite3
from typing import NamedTuple

from llmtrack.domain.credentials import token_digest
from llmtrack.domain.errors import InvalidValue, NotFound
from llmtrack.domain.names import clean_name
from llmtrack.domain.periods import DAY_MS
from llmtrack.domain.roles import Role
from llmtrack.domain.views import View
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.database import Database
from llmtrack.storage.scope import Scope

DAYS_MAX = 365


class SharedLink(NamedTuple):
    id: int
    name: str
    view: View
    created_ms: int
    created_by: str
    expires_ms: int
    revoked_ms: int | None
    used_ms: int | None

    def is_open(self, now_ms: int) -> bool:
        return self.revoked_ms is None and now_ms < self.expires_ms


_COLUMNS = "id, name, place, query, created_ms, created_by, expires_ms, revoked_ms, used_ms"
LIST_LINKS = f"""
-- shared_links.shared_links
select {_COLUMNS}
from shared_link
where workspace_id = :workspace_id
order by created_ms desc, id desc
"""  # noqa: S608 - names of columns


async def shared_links(scope: Scope) -> list[SharedLink]:
    """All that were ever made, the newest first."""
    return [_link(row) for row in await scope.rows(LIST_LINKS)]


FIND_LINK = f"""
-- shared_links.link_of
select w.id as workspace_id, w.public_id, w.name as workspace, w.time_zone, l.*
from workspace w
join (select workspace_id, token_digest, {_COLUMNS} from shared_link) l
  on l.workspace_id = w.id and l.token_digest = :digest
where w.public_id = :public_id
"""  # noqa: S608 - names of columns


async def link_of(
    database: Database, public_id: str, raw_token: str, *, now_ms: int
) -> tuple[Scope, SharedLink]:
    """Raises NotFound, whether there is none, it expired or it was revoked."""
    rows = await database.rows(FIND_LINK, public_id=public_id, digest=token_digest(raw_token))
    link = _link(rows[0][6:]) if rows else None
    if link is None or not link.is_open(now_ms):
        raise NotFound("this link shows nothing, or nothing any more")
    workspace_id, public_id, name, time_zone = rows[0][:4]
    scope = Scope(
        database,
        workspace_id=workspace_id,
        public_id=public_id,
        name=name,
        time_zone=time_zone,
        role=Role.VIEWER,
    )
    return scope, link


ADD_LINK = """
-- shared_links.share_view
insert into shared_link (
  workspace_id, id, token_digest, name, place, query, created_ms, created_by, expires_ms
)
values (
  :workspace_id,
  (select coalesce(max(id), 0) + 1 from shared_link where workspace_id = :workspace_id),
  :digest, :name, :place, :query, :now_ms, :created_by, :expires_ms
)
returning id
"""


def share_view(
    connection: sqlite3.Connection,
    workspace_id: int,
    *,
    digest: bytes,
    name: str,
    view: View,
    days: int,
    actor: Actor,
    now_ms: int,
) -> int:
    """The link's id. Raises InvalidValue."""
    name = clean_name("name", name)
    if not 1 <= days <= DAYS_MAX:
        raise InvalidValue("days", f"a link lasts 1 to {DAYS_MAX} days")
    expires_ms = now_ms + days * DAY_MS
    values = {
        "workspace_id": workspace_id,
        "digest": digest,
        "name": name,
        **view._asdict(),
        "created_by": actor.text,
        "expires_ms": expires_ms,
        "now_ms": now_ms,
    }
    [link_id] = connection.execute(ADD_LINK, values).fetchone()
    details: dict[str, object] = {**view.audited, "days": days}
    _record(connection, workspace_id, ("share", actor, now_ms), name, details)
    return int(link_id)


REVOKE_LINK = """
-- shared_links.revoke_link
update shared_link
set revoked_ms = :now_ms
where workspace_id = :workspace_id and id = :id and revoked_ms is null
returning name
"""


def revoke_link(
    connection: sqlite3.Connection, workspace_id: int, link_id: int, *, actor: Actor, now_ms: int
) -> None:
    """At once and for good. Raises NotFound."""
    values = {"workspace_id": workspace_id, "id": link_id, "now_ms": now_ms}
    row = connection.execute(REVOKE_LINK, values).fetchone()
    if row is None:
        raise NotFound("there is no such link, or it was revoked already")
    _record(connection, workspace_id, ("revoke", actor, now_ms), row[0], {"id": link_id})


NOTE_USE = """
-- shared_links.note_use
update shared_link set used_ms = :now_ms where workspace_id = :workspace_id and id = :id
"""


def note_use(
    connection: sqlite3.Connection, workspace_id: int, link_id: int, *, now_ms: int
) -> None:
    connection.execute(NOTE_USE, {"workspace_id": workspace_id, "id": link_id, "now_ms": now_ms})


def _record(
    connection: sqlite3.Connection,
    workspace_id: int,
    change: tuple[str, Actor, int],
    name: str,
    details: dict[str, object],
) -> None:
    verb, actor, now_ms = change
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action=f"shared_link.{verb}",
        target=name,
        details=details,
        now_ms=now_ms,
    )


def _link(row: sqlite3.Row | tuple[object, ...]) -> SharedLink:
    link_id, name, place, query, *rest = tuple(row)
    return SharedLink(link_id, name, View(place, query), *rest)
