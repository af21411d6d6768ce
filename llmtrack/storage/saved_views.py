"""Saved views: of one member, or of all members of the workspace."""

import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from llmtrack.domain.errors import NotFound, Refused
from llmtrack.domain.names import clean_name
from llmtrack.domain.views import View
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.scope import ScopedReading

VIEWS_MAX = 200
"""Of one workspace and one member."""


class SavedView(NamedTuple):
    id: int
    name: str
    view: View
    is_shared: bool
    is_own: bool


LIST_VIEWS = """
-- saved_views.saved_views
select id, name, place, query, is_shared, user_id = :user_id
from saved_view
where workspace_id = :workspace_id
  and (user_id = :user_id or is_shared)
order by name, id
"""


async def saved_views(reading: ScopedReading, user_id: int) -> list[SavedView]:
    """What a member sees: their own, and those of the workspace."""
    return [
        SavedView(row[0], row[1], View(row[2], row[3]), bool(row[4]), bool(row[5]))
        for row in await reading.rows(LIST_VIEWS, user_id=user_id)
    ]


COUNT_VIEWS = """
-- saved_views.save_view
select count(*) from saved_view where workspace_id = :workspace_id and user_id = :user_id
"""
ADD_VIEW = """
-- saved_views.save_view
insert into saved_view (
  workspace_id, id, user_id, name, place, query, is_shared, created_ms
)
values (
  :workspace_id,
  (select coalesce(max(id), 0) + 1 from saved_view where workspace_id = :workspace_id),
  :user_id, :name, :place, :query, :is_shared, :now_ms
)
returning id
"""


def save_view(
    connection: sqlite3.Connection,
    workspace_id: int,
    *,
    user_id: int,
    name: str,
    view: View,
    is_shared: bool,
    actor: Actor,
    now_ms: int,
) -> int:
    """The view's id. Raises InvalidValue, Refused."""
    name = clean_name("name", name)
    whose = {"workspace_id": workspace_id, "user_id": user_id}
    [count] = connection.execute(COUNT_VIEWS, whose).fetchone()
    if count >= VIEWS_MAX:
        raise Refused(f"you have {VIEWS_MAX} views already", fix="delete one first")
    values = {**whose, "name": name, **view._asdict(), "is_shared": is_shared, "now_ms": now_ms}
    [view_id] = connection.execute(ADD_VIEW, values).fetchone()
    if is_shared:
        _record(connection, workspace_id, ("save", actor, now_ms), name, view)
    return int(view_id)


FIND_VIEW = """
-- saved_views.delete_view
select user_id, name, place, query, is_shared
from saved_view
where workspace_id = :workspace_id and id = :id
"""
DELETE_VIEW = """
-- saved_views.delete_view
delete from saved_view where workspace_id = :workspace_id and id = :id
"""


def delete_view(
    connection: sqlite3.Connection,
    workspace_id: int,
    view_id: int,
    *,
    user_id: int,
    may_delete_shared: bool,
    actor: Actor,
    now_ms: int,
) -> None:
    """One's own, or as an admin one of the workspace. Raises NotFound."""
    which = {"workspace_id": workspace_id, "id": view_id}
    row = connection.execute(FIND_VIEW, which).fetchone()
    if row is None or not (row[0] == user_id or (row[4] and may_delete_shared)):
        raise NotFound("there is no such view")
    connection.execute(DELETE_VIEW, which)
    if row[4]:
        _record(connection, workspace_id, ("delete", actor, now_ms), row[1], View(row[2], row[3]))


def _record(
    connection: sqlite3.Connection,
    workspace_id: int,
    change: tuple[str, Actor, int],
    name: str,
    view: View,
) -> None:
    """Only what others see: a member's own views are nobody's business."""
    verb, actor, now_ms = change
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action=f"view.{verb}",
        target=name,
        details=view.audited,
        now_ms=now_ms,
    )


ALL_VIEWS = """
-- saved_views.erase_views_of_customer
select id, query from saved_view where workspace_id = :workspace_id
"""
ALL_LINKS = """
-- saved_views.erase_views_of_customer
select id, query from shared_link where workspace_id = :workspace_id
"""
ERASE_VIEW = """
-- saved_views.erase_views_of_customer
delete from saved_view where workspace_id = :workspace_id and id = :id
"""
ERASE_LINK = """
-- saved_views.erase_views_of_customer
delete from shared_link where workspace_id = :workspace_id and id = :id
"""


def erase_views_of_customer(
    connection: sqlite3.Connection, workspace_id: int, names: Collection[str]
) -> int:
    """Views and links that name a customer, by its id or its name, go with it; how many."""
    erased = 0
    for listing, erasing in ((ALL_VIEWS, ERASE_VIEW), (ALL_LINKS, ERASE_LINK)):
        rows = connection.execute(listing, {"workspace_id": workspace_id}).fetchall()
        for view_id, query in rows:
            if View("", query).names_customer(names):
                values = {"workspace_id": workspace_id, "id": view_id}
                erased += connection.execute(erasing, values).rowcount
    return erased
