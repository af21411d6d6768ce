"""Identities at a provider of single sign-on, and whose they are."""

import sqlite3
from dataclasses import dataclass

from llmtrack.domain.errors import AlreadyExists, InvalidValue, NotFound
from llmtrack.domain.identifiers import new_public_id
from llmtrack.domain.single_sign_on import SUBJECT_LENGTH_MAX, Identity
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.database import Database
from llmtrack.storage.invitations import accept_invitation
from llmtrack.storage.users import USER_COLUMNS, User, create_user, user_of


@dataclass(frozen=True)
class LinkedIdentity:
    public_id: str
    issuer: str
    subject: str
    email: str
    """What the provider said when it was linked; only for people to recognise it."""
    created_ms: int
    last_used_ms: int | None


FIND_USER = f"""
-- identities.user_of_identity
select {USER_COLUMNS}
from identity i join user on user.id = i.user_id
where i.issuer = :issuer and i.subject = :subject
"""  # noqa: S608 - a constant


async def user_of_identity(database: Database, identity: Identity) -> User | None:
    """Disabled ones, too: the caller tells them so."""
    rows = await database.rows(FIND_USER, issuer=identity.issuer, subject=identity.subject)
    return user_of(rows[0]) if rows else None


LIST_IDENTITIES = """
-- identities.list_identities
select public_id, issuer, subject, email, created_ms, last_used_ms
from identity
where user_id = :user_id
order by created_ms, public_id
"""


async def list_identities(database: Database, user_id: int) -> list[LinkedIdentity]:
    return [LinkedIdentity(*row) for row in await database.rows(LIST_IDENTITIES, user_id=user_id)]


ADD_IDENTITY = """
-- identities.link_identity
insert into identity (issuer, subject, user_id, public_id, email, created_ms)
values (:issuer, :subject, :user_id, :public_id, :email, :now_ms)
on conflict (issuer, subject) do nothing
"""


def link_identity(
    connection: sqlite3.Connection, user: User, identity: Identity, *, actor: Actor, now_ms: int
) -> None:
    """From now on it signs this user in. Raises AlreadyExists, InvalidValue."""
    if not 0 < len(identity.subject) <= SUBJECT_LENGTH_MAX:
        raise InvalidValue("subject", f"1 to {SUBJECT_LENGTH_MAX} characters")
    values = {
        "issuer": identity.issuer,
        "subject": identity.subject,
        "user_id": user.id,
        "public_id": new_public_id("idn"),
        "email": identity.email or "",
        "now_ms": now_ms,
    }
    if connection.execute(ADD_IDENTITY, values).rowcount == 0:
        raise AlreadyExists("this identity is linked to an account already")
    told = (identity.issuer, identity.subject)
    _record(connection, "link", user, told, (actor, now_ms))


REMOVE_IDENTITY = """
-- identities.unlink_identity
delete from identity where user_id = :user_id and public_id = :public_id
returning issuer, subject
"""


def unlink_identity(
    connection: sqlite3.Connection, user: User, public_id: str, *, actor: Actor, now_ms: int
) -> None:
    """Raises NotFound."""
    values = {"user_id": user.id, "public_id": public_id}
    row = connection.execute(REMOVE_IDENTITY, values).fetchone()
    if row is None:
        raise NotFound("no such identity")
    _record(connection, "unlink", user, (row[0], row[1]), (actor, now_ms))


USE_IDENTITY = """
-- identities.use_identity
update identity set last_used_ms = :now_ms where issuer = :issuer and subject = :subject
"""


def use_identity(connection: sqlite3.Connection, identity: Identity, *, now_ms: int) -> None:
    values = {"issuer": identity.issuer, "subject": identity.subject, "now_ms": now_ms}
    connection.execute(USE_IDENTITY, values)


def create_from_identity(
    connection: sqlite3.Connection, identity: Identity, *, ip: str | None, now_ms: int
) -> User:
    """An account for a verified address that has none. Raises AlreadyExists, InvalidValue."""
    email = identity.email or ""
    by = Actor(None, f"single sign-on as {email}", ip)
    user = create_user(
        connection, email=email, password_hash=None, name=identity.name, actor=by, now_ms=now_ms
    )
    link_identity(connection, user, identity, actor=by, now_ms=now_ms)
    return user


def join_by_identity(
    connection: sqlite3.Connection,
    workspace_id: int,
    identity: Identity,
    digest: bytes,
    *,
    ip: str | None,
    now_ms: int,
) -> User:
    """Take an invitation (its token's digest) with a new account that the identity opens.

    Raises Refused, AlreadyExists.
    """
    joined = accept_invitation(
        connection, workspace_id, digest, user=None, name=identity.name, ip=ip, now_ms=now_ms
    )
    by = Actor(joined.id, joined.email, ip)
    link_identity(connection, joined, identity, actor=by, now_ms=now_ms)
    return joined


def _record(
    connection: sqlite3.Connection,
    verb: str,
    user: User,
    told: tuple[str, str],
    by: tuple[Actor, int],
) -> None:
    issuer, subject = told
    record(
        connection,
        workspace_id=None,
        actor=by[0],
        action=f"identity.{verb}",
        target=user.public_id,
        details={"email": user.email, "issuer": issuer, "subject": subject},
        now_ms=by[1],
    )
