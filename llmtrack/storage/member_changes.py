"""Changes of who is in a workspace; the last owner stays."""

import sqlite3
from typing import NamedTuple

from llmtrack.domain.errors import NotFound, Refused
from llmtrack.domain.roles import Role
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.sessions import forget_proof

FIND_MEMBER = """
-- member_changes.set_role, member_changes.remove_member
select u.id, u.email, m.role
from membership m join user u on u.id = m.user_id
where m.workspace_id = :workspace_id and u.public_id = :public_id
"""
COUNT_OWNERS = """
-- member_changes.set_role, member_changes.remove_member
select count(*)
from membership m join user u on u.id = m.user_id
where m.workspace_id = :workspace_id and m.role = 'owner' and u.disabled_ms is null
"""
SET_ROLE = """
-- member_changes.set_role
update membership set role = :role where workspace_id = :workspace_id and user_id = :user_id
"""
REMOVE_MEMBER = """
-- member_changes.remove_member
delete from membership where workspace_id = :workspace_id and user_id = :user_id
"""

END_SESSIONS = """
-- member_changes.sign_out_member
delete from session where user_id = :user_id
"""


class _Member(NamedTuple):
    user_id: int
    email: str
    role: Role


def set_role(
    connection: sqlite3.Connection,
    workspace_id: int,
    public_id: str,
    *,
    role: Role,
    by: Role = Role.OWNER,
    actor: Actor,
    now_ms: int,
) -> None:
    """`by`: the role of who does it; only owners make and unmake owners.

    Raises NotFound, Refused.
    """
    member = _member(connection, workspace_id, public_id)
    if member.role is role:
        return
    _check_rank(by, member.role, role)
    if member.role is Role.OWNER:
        _check_other_owner(connection, workspace_id)
    values = {"workspace_id": workspace_id, "user_id": member.user_id, "role": role.value}
    connection.execute(SET_ROLE, values)
    forget_proof(connection, member.user_id)
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="member.set_role",
        target=public_id,
        details={"email": member.email, "role": role.value, "before": member.role.value},
        now_ms=now_ms,
    )


def remove_member(
    connection: sqlite3.Connection,
    workspace_id: int,
    public_id: str,
    *,
    by: Role = Role.OWNER,
    actor: Actor,
    now_ms: int,
) -> None:
    """Also for leaving. Their next request finds nothing. Raises NotFound, Refused."""
    member = _member(connection, workspace_id, public_id)
    _check_rank(by, member.role, member.role)
    if member.role is Role.OWNER:
        _check_other_owner(connection, workspace_id)
    values = {"workspace_id": workspace_id, "user_id": member.user_id}
    connection.execute(REMOVE_MEMBER, values)
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="member.remove",
        target=public_id,
        details={"email": member.email, "role": member.role.value},
        now_ms=now_ms,
    )


def sign_out_member(
    connection: sqlite3.Connection,
    workspace_id: int,
    public_id: str,
    *,
    by: Role = Role.OWNER,
    actor: Actor,
    now_ms: int,
) -> int:
    """End all of their sessions; how many there were. Raises NotFound, Refused."""
    member = _member(connection, workspace_id, public_id)
    if member.role is Role.OWNER and by is not Role.OWNER:
        raise Refused("only an owner ends the sessions of an owner", fix="ask an owner")
    ended = connection.execute(END_SESSIONS, {"user_id": member.user_id}).rowcount
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="member.sign_out",
        target=public_id,
        details={"email": member.email, "sessions": ended},
        now_ms=now_ms,
    )
    return ended


def _member(connection: sqlite3.Connection, workspace_id: int, public_id: str) -> _Member:
    values = {"workspace_id": workspace_id, "public_id": public_id}
    row = connection.execute(FIND_MEMBER, values).fetchone()
    if row is None:
        raise NotFound("no such member")
    return _Member(row[0], row[1], Role(row[2]))


def _check_rank(by: Role, before: Role, after: Role) -> None:
    if by is not Role.OWNER and Role.OWNER in {before, after}:
        raise Refused("only an owner makes or unmakes owners", fix="ask an owner")


def _check_other_owner(connection: sqlite3.Connection, workspace_id: int) -> None:
    [owners] = connection.execute(COUNT_OWNERS, {"workspace_id": workspace_id}).fetchone()
    if owners < 2:
        raise Refused(
            "the last owner of a workspace stays its owner",
            fix="make another member an owner first",
        )
