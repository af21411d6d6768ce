"""Second factors of users: authenticator apps, and recovery codes for when one is lost."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from llmtrack.domain.errors import NotFound
from llmtrack.domain.identifiers import new_public_id
from llmtrack.domain.names import clean_name
from llmtrack.storage.audit import Actor
from llmtrack.storage.database import Database
from llmtrack.storage.user_audit import record_of_user
from llmtrack.storage.users import User

TOTP = "totp"


@dataclass(frozen=True)
class SecondFactor:
    public_id: str
    kind: str
    name: str
    created_ms: int
    last_used_ms: int | None


@dataclass(frozen=True)
class TotpSecret:
    """`sealed`: by `services.secret_box`. `step`: the last one that was used."""

    public_id: str
    sealed: bytes
    step: int


LIST_FACTORS = """
-- second_factors.list_factors
select public_id, kind, name, created_ms, last_used_ms
from second_factor
where user_id = :user_id
order by created_ms, public_id
"""


async def list_factors(database: Database, user_id: int) -> list[SecondFactor]:
    return [SecondFactor(*row) for row in await database.rows(LIST_FACTORS, user_id=user_id)]


LIST_TOTP = """
-- second_factors.totp_secrets
select public_id, secret, counter from second_factor where user_id = :user_id and kind = 'totp'
"""


async def totp_secrets(database: Database, user_id: int) -> list[TotpSecret]:
    return [TotpSecret(*row) for row in await database.rows(LIST_TOTP, user_id=user_id)]


ADD_FACTOR = """
-- second_factors.add_totp
insert into second_factor (user_id, public_id, kind, name, secret, counter, created_ms)
values (:user_id, :public_id, 'totp', :name, :sealed, :step, :now_ms)
"""


def add_totp(
    connection: sqlite3.Connection,
    user: User,
    *,
    name: str,
    sealed: bytes,
    step: int,
    actor: Actor,
    now_ms: int,
) -> None:
    """`step`: of the code that proved the app. Raises InvalidValue."""
    values = {
        "user_id": user.id,
        "public_id": new_public_id("fac"),
        "name": clean_name("name", name),
        "sealed": sealed,
        "step": step,
        "now_ms": now_ms,
    }
    connection.execute(ADD_FACTOR, values)
    details = {"kind": TOTP, "name": values["name"]}
    record_of_user(connection, "second_factor.add", user, details, (actor, now_ms))


USE_STEP = """
-- second_factors.use_step
update second_factor
set counter = :step, last_used_ms = :now_ms
where user_id = :user_id and public_id = :public_id and counter < :step
"""


def use_step(
    connection: sqlite3.Connection, user_id: int, public_id: str, *, step: int, now_ms: int
) -> bool:
    """False if that step's code was used a moment ago: no code opens twice."""
    values = {"user_id": user_id, "public_id": public_id, "step": step, "now_ms": now_ms}
    return connection.execute(USE_STEP, values).rowcount == 1


DELETE_CODES = """
-- second_factors.set_recovery_codes, second_factors.remove_factor, second_factors.reset_factors
delete from recovery_code where user_id = :user_id
"""
ADD_CODE = """
-- second_factors.set_recovery_codes
insert into recovery_code (user_id, digest) values (?, ?)
"""


def set_recovery_codes(
    connection: sqlite3.Connection,
    user: User,
    digests: Sequence[bytes],
    *,
    actor: Actor,
    now_ms: int,
) -> None:
    """New ones; those before are worth nothing any more."""
    connection.execute(DELETE_CODES, {"user_id": user.id})
    connection.executemany(ADD_CODE, [(user.id, digest) for digest in digests])
    record_of_user(
        connection, "second_factor.recovery_codes", user, {"codes": len(digests)}, (actor, now_ms)
    )


COUNT_CODES = """
-- second_factors.recovery_codes_left
select count(*) from recovery_code where user_id = :user_id and used_ms is null
"""


async def recovery_codes_left(database: Database, user_id: int) -> int:
    [row] = await database.rows(COUNT_CODES, user_id=user_id)
    return int(row[0])


USE_CODE = """
-- second_factors.use_recovery_code
update recovery_code
set used_ms = :now_ms
where user_id = :user_id and digest = :digest and used_ms is null
"""


def use_recovery_code(
    connection: sqlite3.Connection, user: User, digest: bytes, *, actor: Actor, now_ms: int
) -> bool:
    """Whether it is one of theirs and was not used yet."""
    values = {"user_id": user.id, "digest": digest, "now_ms": now_ms}
    if connection.execute(USE_CODE, values).rowcount == 0:
        return False
    record_of_user(connection, "second_factor.use_recovery_code", user, {}, (actor, now_ms))
    return True


REMOVE_FACTOR = """
-- second_factors.remove_factor
delete from second_factor where user_id = :user_id and public_id = :public_id
returning kind, name
"""
COUNT_FACTORS = """
-- second_factors.remove_factor
select count(*) from second_factor where user_id = :user_id
"""


def remove_factor(
    connection: sqlite3.Connection, user: User, public_id: str, *, actor: Actor, now_ms: int
) -> None:
    """With the last one the recovery codes go, too. Raises NotFound."""
    values = {"user_id": user.id, "public_id": public_id}
    row = connection.execute(REMOVE_FACTOR, values).fetchone()
    if row is None:
        raise NotFound("no such second factor")
    [left] = connection.execute(COUNT_FACTORS, {"user_id": user.id}).fetchone()
    if not left:
        connection.execute(DELETE_CODES, {"user_id": user.id})
    record_of_user(
        connection, "second_factor.remove", user, {"kind": row[0], "name": row[1]}, (actor, now_ms)
    )


RESET_FACTORS = """
-- second_factors.reset_factors
delete from second_factor where user_id = :user_id
"""


def reset_factors(connection: sqlite3.Connection, user: User, *, actor: Actor, now_ms: int) -> int:
    """For somebody who lost them all: an admin has to know who asks. How many there were."""
    removed = connection.execute(RESET_FACTORS, {"user_id": user.id}).rowcount
    connection.execute(DELETE_CODES, {"user_id": user.id})
    record_of_user(connection, "second_factor.reset", user, {"removed": removed}, (actor, now_ms))
    return removed
