"""People: accounts of the instance."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from llmtrack.domain.errors import AlreadyExists, NotFound
from llmtrack.domain.identifiers import new_public_id
from llmtrack.domain.names import clean_email, clean_optional_name
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.database import Database

USER_COLUMNS = """
user.id, user.public_id, user.email, user.name, user.is_admin, user.created_ms,
user.last_sign_in_ms, user.disabled_ms, user.password_hash is not null
"""


@dataclass(frozen=True)
class User:
    id: int
    public_id: str
    email: str
    name: str
    is_admin: bool
    created_ms: int
    last_sign_in_ms: int | None
    disabled_ms: int | None
    has_password: bool


def user_of(row: sqlite3.Row) -> User:
    """From a row that starts with USER_COLUMNS."""
    return User(
        id=row[0],
        public_id=row[1],
        email=row[2],
        name=row[3],
        is_admin=bool(row[4]),
        created_ms=row[5],
        last_sign_in_ms=row[6],
        disabled_ms=row[7],
        has_password=bool(row[8]),
    )


COUNT_USERS = """
-- users.has_users
select exists (select 1 from user)
"""


def has_users(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute(COUNT_USERS).fetchone()[0])


async def any_user(database: Database) -> bool:
    """Whether the instance has been set up."""
    [row] = await database.rows(COUNT_USERS)
    return bool(row[0])


FIND_USER = f"""
-- users.user_by_email
select {USER_COLUMNS} from user where email = :email
"""  # noqa: S608 - a constant


def user_by_email(connection: sqlite3.Connection, email: str) -> User:
    """Raises NotFound, InvalidValue."""
    row = connection.execute(FIND_USER, {"email": clean_email(email)}).fetchone()
    if row is None:
        raise NotFound(f"there is no user {email!r}", fix="see: llmtrack users list")
    return user_of(row)


ADD_USER = f"""
-- users.create_user
insert into user (public_id, email, name, password_hash, is_admin, created_ms)
values (:public_id, :email, :name, :password_hash, :is_admin, :now_ms)
returning {USER_COLUMNS}
"""  # noqa: S608 - a constant


def create_user(
    connection: sqlite3.Connection,
    *,
    email: str,
    password_hash: str | None,
    name: str = "",
    is_admin: bool = False,
    actor: Actor,
    now_ms: int,
) -> User:
    """Without a password hash only a link signs them in. Raises InvalidValue, AlreadyExists."""
    email = clean_email(email)
    if connection.execute(FIND_USER, {"email": email}).fetchone():
        raise AlreadyExists(f"there is already a user {email!r}")
    values = {
        "public_id": new_public_id("usr"),
        "email": email,
        "name": clean_optional_name("name", name) or "",
        "password_hash": password_hash,
        "is_admin": int(is_admin),
        "now_ms": now_ms,
    }
    user = user_of(connection.execute(ADD_USER, values).fetchone())
    details = {"email": user.email, "admin": user.is_admin}
    _record(connection, ("create", user.public_id, actor, now_ms), details)
    return user


LIST_USERS = f"""
-- users.list_users
select {USER_COLUMNS} from user order by email
"""  # noqa: S608 - a constant


async def list_users(database: Database) -> list[User]:
    return [user_of(row) for row in await database.rows(LIST_USERS)]


FIND_BY_ID = f"""
-- users.user_of_id
select {USER_COLUMNS} from user where id = :user_id
"""  # noqa: S608 - a constant


async def user_of_id(database: Database, user_id: int) -> User:
    """Raises NotFound."""
    rows = await database.rows(FIND_BY_ID, user_id=user_id)
    if not rows:
        raise NotFound("no such user")
    return user_of(rows[0])


@dataclass(frozen=True)
class SignInRow:
    user: User
    password_hash: str | None


FIND_SIGN_IN = f"""
-- users.find_sign_in
select {USER_COLUMNS}, user.password_hash
from user
where email = :email and disabled_ms is null
"""  # noqa: S608 - a constant


async def find_sign_in(database: Database, email: str) -> SignInRow | None:
    """Who may sign in under this address, in lower case; None for disabled accounts too."""
    rows = await database.rows(FIND_SIGN_IN, email=email)
    return SignInRow(user_of(rows[0]), rows[0]["password_hash"]) if rows else None


SET_PASSWORD = """
-- users.set_password, users.rehash_password
update user set password_hash = :password_hash where id = :user_id returning public_id, email
"""  # noqa: S105 - a statement
END_SESSIONS = """
-- users.set_password, users.disable_user
delete from session where user_id = :user_id
"""
END_LINKS = """
-- users.set_password, users.disable_user
delete from login_link where user_id = :user_id
"""


def set_password(
    connection: sqlite3.Connection, user_id: int, *, password_hash: str, actor: Actor, now_ms: int
) -> None:
    """Set a new one and end what the old one opened. Raises NotFound."""
    values = {"user_id": user_id, "password_hash": password_hash}
    public_id, email = _changed(connection, SET_PASSWORD, values)
    _record(connection, ("set_password", public_id, actor, now_ms), {"email": email})
    connection.execute(END_SESSIONS, {"user_id": user_id})
    connection.execute(END_LINKS, {"user_id": user_id})


def rehash_password(connection: sqlite3.Connection, user_id: int, *, password_hash: str) -> None:
    """The same password under stronger parameters: sessions stay."""
    _changed(connection, SET_PASSWORD, {"user_id": user_id, "password_hash": password_hash})


SET_DISABLED = """
-- users.disable_user, users.enable_user
update user set disabled_ms = :disabled_ms where id = :user_id returning public_id, email
"""


def disable_user(
    connection: sqlite3.Connection, user_id: int, *, actor: Actor, now_ms: int
) -> None:
    """Sign them out everywhere and let them in no more. Raises NotFound."""
    values = {"user_id": user_id, "disabled_ms": now_ms}
    public_id, email = _changed(connection, SET_DISABLED, values)
    _record(connection, ("disable", public_id, actor, now_ms), {"email": email})
    connection.execute(END_SESSIONS, {"user_id": user_id})
    connection.execute(END_LINKS, {"user_id": user_id})


def enable_user(connection: sqlite3.Connection, user_id: int, *, actor: Actor, now_ms: int) -> None:
    """Raises NotFound."""
    values = {"user_id": user_id, "disabled_ms": None}
    public_id, email = _changed(connection, SET_DISABLED, values)
    _record(connection, ("enable", public_id, actor, now_ms), {"email": email})


def _changed(
    connection: sqlite3.Connection, sql: str, values: Mapping[str, object]
) -> tuple[str, str]:
    """Public id and e-mail of the one user that a statement changed. Raises NotFound."""
    row = connection.execute(sql, values).fetchone()
    if row is None:
        raise NotFound("no such user")
    return row[0], row[1]


def _record(
    connection: sqlite3.Connection,
    change: tuple[str, str, Actor, int],
    details: Mapping[str, object],
) -> None:
    """`change`: verb, public id, actor, time. Accounts belong to the instance."""
    verb, target, actor, now_ms = change
    record(
        connection,
        workspace_id=None,
        actor=actor,
        action=f"user.{verb}",
        target=target,
        details=details,
        now_ms=now_ms,
    )


NOTE_SIGN_IN = """
-- users.note_sign_in
update user set last_sign_in_ms = :now_ms where id = :user_id returning public_id, email
"""


def note_sign_in(
    connection: sqlite3.Connection,
    user_id: int,
    *,
    how: str = "password",
    ip: str | None = None,
    now_ms: int,
) -> None:
    """Raises NotFound."""
    values = {"user_id": user_id, "now_ms": now_ms}
    public_id, email = _changed(connection, NOTE_SIGN_IN, values)
    record(
        connection,
        workspace_id=None,
        actor=Actor(user_id, email, ip),
        action="sign_in.succeed",
        target=public_id,
        details={"how": how},
        now_ms=now_ms,
    )
