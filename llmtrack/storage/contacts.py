"""The contact for security: an address is published once somebody there has sent back a code."""

import sqlite3
from dataclasses import dataclass

from llmtrack.domain.errors import NotFound, Refused
from llmtrack.domain.names import clean_email
from llmtrack.domain.periods import DAY_MS
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.database import Database

CODE_LIFE_MS = DAY_MS
CODE_ATTEMPTS = 5
CONTACT_LIFE_MS = 180 * DAY_MS
"""After that somebody has to show again that the address is read."""


@dataclass(frozen=True)
class Contact:
    """`verified_ms` None: a code is out, and nothing is published of it."""

    address: str
    code_expires_ms: int | None
    verified_ms: int | None
    expires_ms: int | None


DELETE_WAITING = """
-- contacts.propose_contact
delete from contact where verified_ms is null
"""
ADD_CONTACT = """
-- contacts.propose_contact
insert into contact (address, code_digest, code_expires_ms) values (:address, :digest, :expires_ms)
"""


def propose_contact(
    connection: sqlite3.Connection, address: str, digest: bytes, *, actor: Actor, now_ms: int
) -> None:
    """A code was sent there. What is published stays meanwhile. Raises InvalidValue."""
    address = clean_email(address)
    connection.execute(DELETE_WAITING)
    values = {"address": address, "digest": digest, "expires_ms": now_ms + CODE_LIFE_MS}
    connection.execute(ADD_CONTACT, values)
    _record(connection, ("propose", address, actor, now_ms))


COUNT_ATTEMPT = """
-- contacts.count_attempt
update contact set code_attempts = code_attempts + 1 where verified_ms is null
"""


def count_attempt(connection: sqlite3.Connection) -> None:
    """Before the code is looked at, and in a transaction of its own: it stays counted."""
    connection.execute(COUNT_ATTEMPT)


FIND_WAITING = """
-- contacts.verify_contact
select id, address, code_digest, code_expires_ms, code_attempts
from contact
where verified_ms is null
"""
DELETE_OTHERS = """
-- contacts.verify_contact
delete from contact where id <> ?
"""
SET_VERIFIED = """
-- contacts.verify_contact
update contact
set verified_ms = :now_ms, expires_ms = :expires_ms, code_digest = null, code_expires_ms = null
where id = :id
"""


def verify_contact(
    connection: sqlite3.Connection, digest: bytes, *, actor: Actor, now_ms: int
) -> str:
    """Publish the address that the code was sent to; it. Raises NotFound, Refused."""
    row = connection.execute(FIND_WAITING).fetchone()
    if row is None:
        raise NotFound("no code is out", fix="llmtrack contact set ADDRESS")
    if row[3] <= now_ms or row[4] > CODE_ATTEMPTS:
        raise Refused(
            "this code is not good any more", fix="send another one: llmtrack contact set"
        )
    if bytes(row[2]) != digest:
        raise Refused("that is not the code that was sent", fix="copy it from the mail")
    connection.execute(DELETE_OTHERS, (row[0],))
    values = {"id": row[0], "now_ms": now_ms, "expires_ms": now_ms + CONTACT_LIFE_MS}
    connection.execute(SET_VERIFIED, values)
    _record(connection, ("verify", row[1], actor, now_ms))
    return str(row[1])


DELETE_CONTACTS = """
-- contacts.remove_contact
delete from contact
"""


def remove_contact(connection: sqlite3.Connection, *, actor: Actor, now_ms: int) -> None:
    """Nothing is published any more. Raises NotFound."""
    if connection.execute(DELETE_CONTACTS).rowcount == 0:
        raise NotFound("there is no contact")
    _record(connection, ("remove", "contact", actor, now_ms))


LIST_CONTACTS = """
-- contacts.list_contacts
select address, code_expires_ms, verified_ms, expires_ms
from contact
order by verified_ms is null, id
"""


async def list_contacts(database: Database) -> list[Contact]:
    """The published one, then the one that a code is out for."""
    return [Contact(*row) for row in await database.rows(LIST_CONTACTS)]


async def published_contact(database: Database, *, now_ms: int) -> Contact | None:
    """None unless it was verified, and not too long ago."""
    for contact in await list_contacts(database):
        if contact.expires_ms is not None and contact.expires_ms > now_ms:
            return contact
    return None


def _record(connection: sqlite3.Connection, change: tuple[str, str, Actor, int]) -> None:
    """`change`: verb, address, actor, time."""
    verb, address, actor, now_ms = change
    record(
        connection,
        workspace_id=None,
        actor=actor,
        action=f"contact.{verb}",
        target=address,
        details={},
        now_ms=now_ms,
    )
