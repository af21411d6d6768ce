"""The fixed cast: Acme (alice owns, bob views) and Globex (charlie, the outsider)."""

import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import pytest

from llmtrack.domain.credentials import Passwords
from llmtrack.domain.roles import Role
from llmtrack.storage.audit import Actor
from llmtrack.storage.database import Database
from llmtrack.storage.keys import CreatedKey, create_key
from llmtrack.storage.memberships import add_member, scope_for_member
from llmtrack.storage.scope import Scope
from llmtrack.storage.users import User, create_user
from llmtrack.storage.workspaces import Workspace, create_workspace
from tests.log_scan import LogScan

NOW_MS = 1_795_176_000_000  # 2026-11-20T12:00:00Z
PASSWORD = "correct horse battery staple"
ACTOR = Actor(None, "a test")


class Who(TypedDict):
    """What every change of settings wants to know besides."""

    actor: Actor
    now_ms: int


WHO: Who = {"actor": ACTOR, "now_ms": NOW_MS}


@dataclass(frozen=True)
class World:
    """What is in the database at the start of a test."""

    database: Database
    acme: Workspace
    globex: Workspace
    alice: User
    bob: User
    charlie: User
    acme_key: CreatedKey
    globex_key: CreatedKey

    async def scope(self, user: User | None = None) -> Scope:
        """Acme as alice sees it, or the workspace of another."""
        user = user or self.alice
        workspace = self.globex if user is self.charlie else self.acme
        return await scope_for_member(self.database, user.id, workspace.public_id)


@pytest.fixture(scope="session")
def log_scan() -> Iterator[LogScan]:
    """Reads whatever this process logs from here on, as much of it as a server does."""
    scan = LogScan()
    yield scan
    logging.getLogger().removeHandler(scan)


@pytest.fixture(autouse=True)
def _no_secret_in_the_log(log_scan: LogScan) -> Iterator[None]:
    root = logging.getLogger()
    root.addHandler(log_scan)  # a test may have set up logging anew
    root.setLevel(logging.INFO)
    yield
    found, log_scan.found = log_scan.found, []
    assert not found


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "llmtrack.db", create=True)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def passwords() -> Passwords:
    return Passwords(cheap=True)


@pytest.fixture
async def world(database: Database, passwords: Passwords) -> World:
    password_hash = passwords.hash(PASSWORD)
    write = database.write
    people = [
        await write(create_user, email=f"{name}@example.com", password_hash=password_hash, **WHO)
        for name in ("alice", "bob", "charlie")
    ]
    acme = await write(create_workspace, name="Acme", **WHO)
    globex = await write(create_workspace, name="Globex", **WHO)
    alice, bob, charlie = people
    await write(add_member, acme.id, alice.id, role=Role.OWNER, **WHO)
    await write(add_member, acme.id, bob.id, role=Role.VIEWER, **WHO)
    await write(add_member, globex.id, charlie.id, role=Role.OWNER, **WHO)
    acme_key = await write(create_key, acme.id, name="Acme app", **WHO)
    globex_key = await write(create_key, globex.id, name="Globex app", **WHO)
    return World(database, acme, globex, alice, bob, charlie, acme_key, globex_key)
