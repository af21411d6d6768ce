"""One-time links: the setup link of a new instance, and sign-in links that an admin hands out."""

import sqlite3
from typing import NamedTuple

from llmtrack.domain.errors import Refused
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.database import Database
from llmtrack.storage.users import User, has_users

SETUP_LIFE_MS = 30 * 60_000
SIGN_IN_LIFE_MS = 60 * 60_000

DELETE_SETUP_LINKS = """
-- login_links.create_setup_link, login_links.redeem_setup_link
delete from login_link where purpose = 'setup'
"""
ADD_LINK = """
-- login_links.create_setup_link, login_links.create_sign_in_link
insert into login_link (token_digest, purpose, user_id, is_mailed, created_ms, expires_ms)
values (:digest, :purpose, :user_id, :is_mailed, :now_ms, :expires_ms)
"""


def create_setup_link(connection: sqlite3.Connection, digest: bytes, *, now_ms: int) -> None:
    """Only the newest one is good. Raises Refused once there is a user."""
    if has_users(connection):
        raise Refused("this instance is set up already", fix="sign in, or: llmtrack users create")
    connection.execute(DELETE_SETUP_LINKS)
    values = {
        "digest": digest,
        "purpose": "setup",
        "user_id": None,
        "is_mailed": 0,
        "now_ms": now_ms,
        "expires_ms": now_ms + SETUP_LIFE_MS,
    }
    connection.execute(ADD_LINK, values)


FIND_SETUP_LINK = """
-- login_links.is_setup_link
select 1
from login_link
where token_digest = :digest
  and purpose = 'setup'
  and expires_ms > :now_ms
  and not exists (select 1 from user)
"""


async def is_setup_link(database: Database, digest: bytes, *, now_ms: int) -> bool:
    return bool(await database.rows(FIND_SETUP_LINK, digest=digest, now_ms=now_ms))


def redeem_setup_link(connection: sqlite3.Connection, digest: bytes, *, now_ms: int) -> None:
    """Use it up. Raises Refused if it is not good, or no more."""
    values = {"digest": digest, "now_ms": now_ms}
    if connection.execute(FIND_SETUP_LINK, values).fetchone() is None:
        raise Refused("this setup link is not valid any more", fix="restart the server for another")
    connection.execute(DELETE_SETUP_LINKS)


DELETE_EXPIRED = """
-- login_links.create_sign_in_link
delete from login_link where expires_ms <= :now_ms
"""


def create_sign_in_link(
    connection: sqlite3.Connection,
    digest: bytes,
    user: User,
    *,
    is_mailed: bool = False,
    actor: Actor,
    now_ms: int,
) -> None:
    """`is_mailed`: to whoever reads the mailbox, and not from hand to hand."""
    connection.execute(DELETE_EXPIRED, {"now_ms": now_ms})
    values = {
        "digest": digest,
        "purpose": "sign_in",
        "user_id": user.id,
        "is_mailed": int(is_mailed),
        "now_ms": now_ms,
        "expires_ms": now_ms + SIGN_IN_LIFE_MS,
    }
    connection.execute(ADD_LINK, values)
    record(
        connection,
        workspace_id=None,
        actor=actor,
        action="sign_in_link.create",
        target=user.public_id,
        details={"email": user.email, "mailed": is_mailed},
        now_ms=now_ms,
    )


FIND_SIGN_IN_LINK = """
-- login_links.is_sign_in_link
select 1
from login_link l join user u on u.id = l.user_id
where l.token_digest = :digest
  and l.purpose = 'sign_in'
  and l.expires_ms > :now_ms
  and u.disabled_ms is null
"""


async def is_sign_in_link(database: Database, digest: bytes, *, now_ms: int) -> bool:
    return bool(await database.rows(FIND_SIGN_IN_LINK, digest=digest, now_ms=now_ms))


TAKE_SIGN_IN_LINK = """
-- login_links.redeem_sign_in_link
delete from login_link
where token_digest = :digest
  and purpose = 'sign_in'
  and expires_ms > :now_ms
  and user_id in (select id from user where disabled_ms is null)
returning user_id, is_mailed
"""


class RedeemedLink(NamedTuple):
    user_id: int
    is_mailed: bool


def redeem_sign_in_link(
    connection: sqlite3.Connection, digest: bytes, *, now_ms: int
) -> RedeemedLink:
    """Use it up and say whose it is. Raises Refused if it is not good, or no more."""
    values = {"digest": digest, "now_ms": now_ms}
    row = connection.execute(TAKE_SIGN_IN_LINK, values).fetchone()
    if row is None:
        raise Refused("this sign-in link is not valid any more", fix="ask for another one")
    return RedeemedLink(row[0], bool(row[1]))
