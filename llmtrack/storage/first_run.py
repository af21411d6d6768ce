"""The first admin, workspace and key of an instance, all in one transaction."""

import sqlite3
from typing import NamedTuple

from llmtrack.domain.errors import Refused
from llmtrack.domain.roles import Role
from llmtrack.storage.audit import Actor
from llmtrack.storage.keys import CreatedKey, create_key
from llmtrack.storage.login_links import redeem_setup_link
from llmtrack.storage.memberships import add_member
from llmtrack.storage.users import User, create_user, has_users
from llmtrack.storage.workspaces import Workspace, create_workspace

FIRST_KEY_NAME = "First key"


class FirstRun(NamedTuple):
    user: User
    workspace: Workspace
    created_key: CreatedKey


def set_up(
    connection: sqlite3.Connection,
    *,
    email: str,
    password_hash: str,
    workspace: str,
    time_zone: str = "UTC",
    link_digest: bytes | None = None,
    ip: str | None = None,
    now_ms: int,
) -> FirstRun:
    """Uses up the setup link, if one opened the way here.

    Raises Refused once there is a user or the link is not good, InvalidValue.
    """
    if has_users(connection):
        raise Refused("this instance is set up already", fix="sign in, or: llmtrack users create")
    if link_digest is not None:
        redeem_setup_link(connection, link_digest, now_ms=now_ms)
    user = create_user(
        connection,
        email=email,
        password_hash=password_hash,
        is_admin=True,
        actor=Actor(None, "setup link", ip),
        now_ms=now_ms,
    )
    actor = Actor(user.id, user.email, ip)
    made = create_workspace(
        connection, name=workspace, time_zone=time_zone, actor=actor, now_ms=now_ms
    )
    add_member(connection, made.id, user.id, role=Role.OWNER, actor=actor, now_ms=now_ms)
    key = create_key(connection, made.id, name=FIRST_KEY_NAME, actor=actor, now_ms=now_ms)
    return FirstRun(user, made, key)
