"""Invitations: one address, one role, once, within three days."""

import sqlite3
from dataclasses import dataclass

from llmtrack.domain.errors import AlreadyExists, NotFound, Refused
from llmtrack.domain.identifiers import new_public_id
from llmtrack.domain.names import clean_email
from llmtrack.domain.roles import Role
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.database import Database
from llmtrack.storage.memberships import add_member
from llmtrack.storage.scope import Scope
from llmtrack.storage.users import User, create_user

LIFE_MS = 72 * 3_600_000


@dataclass(frozen=True)
class Invitation:
    public_id: str
    email: str
    role: Role
    created_ms: int
    created_by: str
    expires_ms: int


FIND_MEMBER = """
-- invitations.create_invitation
select 1
from membership m join user u on u.id = m.user_id
where m.workspace_id = :workspace_id and u.email = :email
"""
END_EARLIER = """
-- invitations.create_invitation
update invitation
set revoked_ms = :now_ms
where workspace_id = :workspace_id and email = :email and used_ms is null and revoked_ms is null
"""
ADD_INVITATION = """
-- invitations.create_invitation
insert into invitation (
  workspace_id, public_id, token_digest, email, role, created_ms, created_by, expires_ms
)
values (
  :workspace_id, :public_id, :digest, :email, :role, :now_ms, :created_by, :expires_ms
)
"""


def create_invitation(
    connection: sqlite3.Connection,
    workspace_id: int,
    digest: bytes,
    *,
    email: str,
    role: Role,
    actor: Actor,
    now_ms: int,
) -> Invitation:
    """An earlier one to the same address ends. Raises InvalidValue, AlreadyExists."""
    email = clean_email(email)
    place = {"workspace_id": workspace_id, "email": email, "now_ms": now_ms}
    if connection.execute(FIND_MEMBER, place).fetchone():
        raise AlreadyExists(f"{email} is a member already")
    connection.execute(END_EARLIER, place)
    made = Invitation(new_public_id("inv"), email, role, now_ms, actor.text, now_ms + LIFE_MS)
    values = {
        **place,
        "public_id": made.public_id,
        "digest": digest,
        "role": role.value,
        "created_by": actor.text,
        "expires_ms": made.expires_ms,
    }
    connection.execute(ADD_INVITATION, values)
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="invitation.create",
        target=made.public_id,
        details={"email": email, "role": role.value},
        now_ms=now_ms,
    )
    return made


LIST_INVITATIONS = """
-- invitations.list_invitations
select public_id, email, role, created_ms, created_by, expires_ms
from invitation
where workspace_id = :workspace_id
  and used_ms is null
  and revoked_ms is null
  and expires_ms > :now_ms
order by created_ms desc, public_id
"""


async def list_invitations(scope: Scope, *, now_ms: int) -> list[Invitation]:
    """Those that can still be taken."""
    return [_invitation(row) for row in await scope.rows(LIST_INVITATIONS, now_ms=now_ms)]


REVOKE_INVITATION = """
-- invitations.revoke_invitation
update invitation
set revoked_ms = :now_ms
where workspace_id = :workspace_id
  and public_id = :public_id
  and used_ms is null
  and revoked_ms is null
returning email, role
"""


def revoke_invitation(
    connection: sqlite3.Connection, workspace_id: int, public_id: str, *, actor: Actor, now_ms: int
) -> None:
    """Raises NotFound."""
    values = {"workspace_id": workspace_id, "public_id": public_id, "now_ms": now_ms}
    row = connection.execute(REVOKE_INVITATION, values).fetchone()
    if row is None:
        raise NotFound("no such invitation")
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="invitation.revoke",
        target=public_id,
        details={"email": row[0], "role": row[1]},
        now_ms=now_ms,
    )


@dataclass(frozen=True)
class OpenInvitation:
    """What the holder of a link is told."""

    workspace_id: int
    workspace_public_id: str
    workspace: str
    email: str
    role: Role
    has_account: bool


_OPEN = """
select w.id, w.public_id, w.name, i.email, i.role,
  exists (select 1 from user where email = i.email), i.public_id
from workspace w
join invitation i on i.workspace_id = w.id
where i.token_digest = :digest
  and i.used_ms is null
  and i.revoked_ms is null
  and i.expires_ms > :now_ms
"""
FIND_INVITATION = f"-- invitations.find_invitation{_OPEN}  and w.public_id = :workspace"
FIND_TO_TAKE = f"-- invitations.accept_invitation{_OPEN}  and w.id = :workspace_id"


async def find_invitation(
    database: Database, workspace: str, digest: bytes, *, now_ms: int
) -> OpenInvitation | None:
    """None if it was used, revoked, is too old or never was."""
    rows = await database.rows(FIND_INVITATION, workspace=workspace, digest=digest, now_ms=now_ms)
    return _open(rows[0]) if rows else None


TAKE_INVITATION = """
-- invitations.accept_invitation
update invitation
set used_ms = :now_ms
where workspace_id = :workspace_id and public_id = :public_id
"""


def accept_invitation(
    connection: sqlite3.Connection,
    workspace_id: int,
    digest: bytes,
    *,
    user: User | None,
    password_hash: str | None = None,
    name: str = "",
    ip: str | None = None,
    now_ms: int,
) -> User:
    """Use it up: `user` joins, or an account is made for the address. Raises Refused."""
    place = {"workspace_id": workspace_id, "now_ms": now_ms}
    row = connection.execute(FIND_TO_TAKE, {**place, "digest": digest}).fetchone()
    if row is None:
        raise Refused("this invitation is not valid any more", fix="ask for another one")
    found = _open(row)
    if user is not None and user.email != found.email:
        raise Refused(f"this invitation is for {found.email}", fix="sign in as that one")
    actor = Actor(user.id if user else None, found.email, ip)
    if user is None:
        user = create_user(
            connection,
            email=found.email,
            password_hash=password_hash,
            name=name,
            actor=actor,
            now_ms=now_ms,
        )
        actor = Actor(user.id, user.email, ip)
    connection.execute(TAKE_INVITATION, {**place, "public_id": row[6]})
    add_member(connection, workspace_id, user.id, role=found.role, actor=actor, now_ms=now_ms)
    return user


def _invitation(row: sqlite3.Row) -> Invitation:
    return Invitation(row[0], row[1], Role(row[2]), row[3], row[4], row[5])


def _open(row: sqlite3.Row) -> OpenInvitation:
    return OpenInvitation(row[0], row[1], row[2], row[3], Role(row[4]), bool(row[5]))
