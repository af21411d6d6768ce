"""People: accounts of the instance, and the memberships that open workspaces to them."""

import sqlite3
from dataclasses import dataclass

from llmtrack.domain.errors import AlreadyExists, NotFound
from llmtrack.domain.identifiers import new_public_id
from llmtrack.domain.names import clean_email, clean_optional_name
from llmtrack.domain.roles import Role
from llmtrack.storage.database import Database
from llmtrack.storage.scope import Scope

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
    return user_of(connection.execute(ADD_USER, values).fetchone())


LIST_USERS = f"""
-- users.list_users
select {USER_COLUMNS} from user order by email
"""  # noqa: S608 - a constant


async def list_users(database: Database) -> list[User]:
    return [user_of(row) for row in await database.rows(LIST_USERS)]


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
update user set password_hash = :password_hash where id = :user_id
"""  # noqa: S105 - a statement
END_SESSIONS = """
-- users.set_password, users.disable_user
delete from session where user_id = :user_id
"""
END_LINKS = """
-- users.set_password, users.disable_user
delete from login_link where user_id = :user_id
"""


def set_password(connection: sqlite3.Connection, user_id: int, *, password_hash: str) -> None:
    """Set a new one and end what the old one opened. Raises NotFound."""
    values = {"user_id": user_id, "password_hash": password_hash}
    if connection.execute(SET_PASSWORD, values).rowcount == 0:
        raise NotFound("no such user")
    connection.execute(END_SESSIONS, {"user_id": user_id})
    connection.execute(END_LINKS, {"user_id": user_id})


def rehash_password(connection: sqlite3.Connection, user_id: int, *, password_hash: str) -> None:
    """The same password under stronger parameters: sessions stay."""
    connection.execute(SET_PASSWORD, {"user_id": user_id, "password_hash": password_hash})


SET_DISABLED = """
-- users.disable_user, users.enable_user
update user set disabled_ms = :disabled_ms where id = :user_id
"""


def disable_user(connection: sqlite3.Connection, user_id: int, *, now_ms: int) -> None:
    """Sign them out everywhere and let them in no more. Raises NotFound."""
    values = {"user_id": user_id, "disabled_ms": now_ms}
    if connection.execute(SET_DISABLED, values).rowcount == 0:
        raise NotFound("no such user")
    connection.execute(END_SESSIONS, {"user_id": user_id})
    connection.execute(END_LINKS, {"user_id": user_id})


def enable_user(connection: sqlite3.Connection, user_id: int) -> None:
    """Raises NotFound."""
    values = {"user_id": user_id, "disabled_ms": None}
    if connection.execute(SET_DISABLED, values).rowcount == 0:
        raise NotFound("no such user")


NOTE_SIGN_IN = """
-- users.note_sign_in
update user set last_sign_in_ms = :now_ms where id = :user_id
"""


def note_sign_in(connection: sqlite3.Connection, user_id: int, *, now_ms: int) -> None:
    connection.execute(NOTE_SIGN_IN, {"user_id": user_id, "now_ms": now_ms})


ADD_MEMBERSHIP = """
-- users.add_member
insert into membership (workspace_id, user_id, role, created_ms)
values (:workspace_id, :user_id, :role, :now_ms)
on conflict do update set role = excluded.role
"""


def add_member(
    connection: sqlite3.Connection, workspace_id: int, user_id: int, *, role: Role, now_ms: int
) -> None:
    """Open the workspace to the user, or change their role in it."""
    values = {
        "workspace_id": workspace_id,
        "user_id": user_id,
        "role": role.value,
        "now_ms": now_ms,
    }
    connection.execute(ADD_MEMBERSHIP, values)


@dataclass(frozen=True)
class Membership:
    """A workspace that a user may open."""

    public_id: str
    name: str
    role: Role


# Each workspace asks for its own row: memberships have no index across workspaces.
LIST_MEMBERSHIPS = """
-- users.memberships
select w.public_id, w.name, m.role
from workspace w cross join membership m on m.workspace_id = w.id and m.user_id = :user_id
order by w.name, w.id
"""


async def memberships(database: Database, user_id: int) -> list[Membership]:
    rows = await database.rows(LIST_MEMBERSHIPS, user_id=user_id)
    return [Membership(row[0], row[1], Role(row[2])) for row in rows]


FIND_MEMBERSHIP = """
-- users.scope_for_member
select w.id, w.public_id, w.name, w.time_zone, m.role
from workspace w
join membership m on m.workspace_id = w.id
join user u on u.id = m.user_id
where w.public_id = :public_id
  and m.user_id = :user_id
  and u.disabled_ms is null
"""


async def scope_for_member(database: Database, user_id: int, workspace_public_id: str) -> Scope:
    """The workspace as this user sees it. Raises NotFound, whether foreign or missing."""
    rows = await database.rows(FIND_MEMBERSHIP, user_id=user_id, public_id=workspace_public_id)
    if not rows:
        raise NotFound("no such workspace")
    [row] = rows
    return Scope(
        database,
        workspace_id=row["id"],
        public_id=row["public_id"],
        name=row["name"],
        time_zone=row["time_zone"],
        role=Role(row["role"]),
    )
