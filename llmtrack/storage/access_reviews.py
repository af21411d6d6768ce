"""Who has access to a workspace, and when somebody last looked through it."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from llmtrack.domain.periods import DAY_MS
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.database import Database
from llmtrack.storage.keys import Key, list_keys
from llmtrack.storage.scope import Scope
from llmtrack.storage.sessions import IDLE_MS
from llmtrack.storage.workspaces import Member, list_members

REVIEW_DAYS = 90
"""How long a review is good for; a new workspace has as long for its first."""


class Review(NamedTuple):
    reviewed_ms: int
    reviewed_by: str
    members: int
    keys: int


class MemberAccess(NamedTuple):
    """A member, what proves who they are, and what they have open."""

    member: Member
    has_password: bool
    factors: tuple[str, ...]
    """Kinds: totp, passkey; one for each."""
    sessions: int
    last_seen_ms: int | None


@dataclass(frozen=True)
class Access:
    members: Sequence[MemberAccess]
    keys: Sequence[Key]
    reviews: Sequence[Review]
    """The newest first."""
    due_ms: int

    def is_overdue(self, now_ms: int) -> bool:
        return now_ms >= self.due_ms


LIST_PROOFS = """
-- access_reviews.access_of
select u.public_id, u.password_hash is not null,
  coalesce((
    select group_concat(f.kind, ' ') from second_factor f where f.user_id = u.id
  ), ''),
  count(s.token_digest), max(s.last_seen_ms)
from membership m
join user u on u.id = m.user_id
left join session s
  on s.user_id = u.id and s.expires_ms > :now_ms and s.last_seen_ms > :idle_since_ms
where m.workspace_id = :workspace_id
group by u.id
"""


async def access_of(database: Database, scope: Scope, *, now_ms: int) -> Access:
    """Everything that opens the workspace. Factors and sessions are of the whole file."""
    rows = await database.rows(
        LIST_PROOFS,
        workspace_id=scope.workspace_id,
        now_ms=now_ms,
        idle_since_ms=now_ms - IDLE_MS,
    )
    proofs = {row[0]: row for row in rows}
    members = []
    for member in await list_members(scope):
        proof = proofs.get(member.public_id)
        if proof is not None:  # else they left between the two queries
            factors = tuple(proof[2].split())
            members.append(MemberAccess(member, bool(proof[1]), factors, proof[3], proof[4]))
    return Access(
        members,
        await list_keys(scope, now_ms=now_ms),
        await list_reviews(scope),
        await review_due_ms(scope),
    )


LIST_REVIEWS = """
-- access_reviews.list_reviews
select reviewed_ms, reviewed_by, members, keys
from access_review
where workspace_id = :workspace_id
order by id desc
limit 20
"""


async def list_reviews(scope: Scope) -> list[Review]:
    return [Review(*row) for row in await scope.rows(LIST_REVIEWS)]


FIND_DUE = """
-- access_reviews.review_due_ms
select coalesce(max(r.reviewed_ms), w.created_ms)
from workspace w left join access_review r on r.workspace_id = w.id
where w.id = :workspace_id
"""


async def review_due_ms(scope: Scope) -> int:
    """When somebody should have looked through it again."""
    [row] = await scope.rows(FIND_DUE)
    return int(row[0]) + REVIEW_DAYS * DAY_MS


ADD_REVIEW = """
-- access_reviews.record_review
insert into access_review (workspace_id, id, reviewed_ms, reviewed_by, members, keys)
select :workspace_id,
  (select coalesce(max(id), 0) + 1 from access_review where workspace_id = :workspace_id),
  :now_ms, :reviewed_by,
  (select count(*) from membership where workspace_id = :workspace_id),
  (select count(*) from api_key where workspace_id = :workspace_id and deleted_ms is null)
returning members, keys
"""


def record_review(
    connection: sqlite3.Connection, workspace_id: int, *, actor: Actor, now_ms: int
) -> Review:
    """Somebody has looked through all of it and found it right."""
    values = {"workspace_id": workspace_id, "now_ms": now_ms, "reviewed_by": actor.text}
    members, keys = connection.execute(ADD_REVIEW, values).fetchone()
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="access.review",
        target="access",
        details={"members": members, "keys": keys},
        now_ms=now_ms,
    )
    return Review(now_ms, actor.text, members, keys)
