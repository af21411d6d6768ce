"""Passkeys: second factors that can also sign in alone. They share a table with the others."""

import sqlite3
from dataclasses import dataclass

from llmtrack.domain.errors import AlreadyExists, Refused
from llmtrack.domain.identifiers import new_public_id
from llmtrack.domain.names import clean_name
from llmtrack.storage.audit import Actor
from llmtrack.storage.database import Database
from llmtrack.storage.user_audit import record_of_user
from llmtrack.storage.users import USER_COLUMNS, User, user_of

PER_USER_MAX = 20


@dataclass(frozen=True)
class Passkey:
    """`public_key` is COSE; `counter` is the last that its authenticator has told."""

    user: User
    public_id: str
    public_key: bytes
    counter: int


FIND_PASSKEY = f"""
-- passkeys.find_passkey
select {USER_COLUMNS}, f.public_id as factor_id, f.secret, f.counter
from second_factor f join user on user.id = f.user_id
where f.credential_id = :credential_id and f.kind = 'passkey' and user.disabled_ms is null
"""  # noqa: S608 - a constant


async def find_passkey(database: Database, credential_id: bytes) -> Passkey | None:
    """None if it is unknown, or of a disabled user."""
    rows = await database.rows(FIND_PASSKEY, credential_id=credential_id)
    if not rows:
        return None
    [row] = rows
    return Passkey(user_of(row), row["factor_id"], row["secret"], row["counter"])


LIST_CREDENTIALS = """
-- passkeys.credential_ids
select credential_id from second_factor where user_id = :user_id and kind = 'passkey'
"""


async def credential_ids(database: Database, user_id: int) -> list[bytes]:
    return [row[0] for row in await database.rows(LIST_CREDENTIALS, user_id=user_id)]


ANY_PASSKEY = """
-- passkeys.any_passkey
select exists (select 1 from second_factor where kind = 'passkey')
"""


async def any_passkey(database: Database) -> bool:
    [row] = await database.rows(ANY_PASSKEY)
    return bool(row[0])


COUNT_PASSKEYS = """
-- passkeys.add_passkey
select count(*) from second_factor where user_id = :user_id and kind = 'passkey'
"""
ADD_PASSKEY = """
-- passkeys.add_passkey
insert into second_factor (
  user_id, public_id, kind, name, secret, credential_id, counter, created_ms
)
values (
  :user_id, :public_id, 'passkey', :name, :public_key, :credential_id, :counter, :now_ms
)
on conflict (credential_id) do nothing
"""


def add_passkey(
    connection: sqlite3.Connection,
    user: User,
    *,
    name: str,
    credential_id: bytes,
    public_key: bytes,
    counter: int,
    actor: Actor,
    now_ms: int,
) -> None:
    """Raises InvalidValue, AlreadyExists, Refused."""
    values = {
        "user_id": user.id,
        "public_id": new_public_id("fac"),
        "name": clean_name("name", name),
        "public_key": public_key,
        "credential_id": credential_id,
        "counter": counter,
        "now_ms": now_ms,
    }
    [count] = connection.execute(COUNT_PASSKEYS, {"user_id": user.id}).fetchone()
    if count >= PER_USER_MAX:
        raise Refused(f"there are {PER_USER_MAX} passkeys already", fix="remove one first")
    if connection.execute(ADD_PASSKEY, values).rowcount == 0:
        raise AlreadyExists("this passkey is registered already")
    details: dict[str, object] = {"kind": "passkey", "name": values["name"]}
    record_of_user(connection, "second_factor.add", user, details, (actor, now_ms))


USE_PASSKEY = """
-- passkeys.use_passkey
update second_factor
set counter = :counter, last_used_ms = :now_ms
where user_id = :user_id
  and public_id = :public_id
  and (counter < :counter or (counter = 0 and :counter = 0))
"""


def use_passkey(
    connection: sqlite3.Connection, passkey: Passkey, *, counter: int, ip: str | None, now_ms: int
) -> bool:
    """False if the counter did not go up: then there is a copy of it, or the answer is old.

    Many authenticators count nothing and always say 0.
    """
    values = {
        "user_id": passkey.user.id,
        "public_id": passkey.public_id,
        "counter": counter,
        "now_ms": now_ms,
    }
    if connection.execute(USE_PASSKEY, values).rowcount == 1:
        return True
    user = passkey.user
    details: dict[str, object] = {"passkey": passkey.public_id, "counter": counter}
    record_of_user(
        connection,
        "second_factor.refuse_copy",
        user,
        details,
        (Actor(user.id, user.email, ip), now_ms),
    )
    return False
