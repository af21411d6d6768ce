"""Digests got shorter: what was sent before that is still known, and new workspaces save bytes."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llmtrack.storage import migrating
from llmtrack.storage.digest_levels import Tree
from llmtrack.storage.erasure import START, erase_customer_events
from llmtrack.storage.event_digests import KEYS, RESPONSES
from llmtrack.storage.migrating import migrate
from llmtrack.storage.schema import MIGRATIONS
from llmtrack.storage.schema_digests import DIGESTS
from llmtrack.storage.usage import Outcome, UsageWriter
from llmtrack.storage.writer import transaction
from tests.events import NOW_MS, make_event

BEFORE = MIGRATIONS[: MIGRATIONS.index(DIGESTS)]
SENT: dict[str, Any] = {"idempotency_key": "sent", "response_id": "answered"}


@pytest.fixture
def upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """Workspace 1 has had an event with 16 bytes of each digest, workspace 2 none."""
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as connection:
        with monkeypatch.context() as before:
            before.setattr(migrating, "MIGRATIONS", BEFORE)
            migrate(connection)
        for workspace_id in (1, 2):
            values = (workspace_id, f"wsp_{workspace_id}")
            connection.execute(
                "insert into workspace (id, public_id, name, created_ms) values (?, ?, 'w', 0)",
                values,
            )
        key, response = (hashlib.sha256(text).digest()[:16] for text in (b"sent", b"answered"))
        connection.execute("insert into idempotency values (1, ?)", (key,))
        connection.execute("insert into response values (1, ?, ?, 7)", (response, NOW_MS))
        migrate(connection)
        yield connection


def send(connection: sqlite3.Connection, workspace_id: int, **changes: str | None) -> Outcome:
    event = make_event(workspace_id, customer_id="c", **{**SENT, **changes})
    with transaction(connection):
        [outcome] = UsageWriter().add(connection, [event], 0)
    return outcome


def lengths(connection: sqlite3.Connection, workspace_id: int) -> set[int]:
    return {
        row[0]
        for table in (*KEYS.tables, *RESPONSES.tables)
        for row in connection.execute(
            f"select length(digest) from {table} where workspace_id = ?",  # noqa: S608
            (workspace_id,),
        )
    }


def count_all(connection: sqlite3.Connection, tree: Tree) -> int:
    tables = " union all ".join(f"select 1 from {table}" for table in tree.tables)  # noqa: S608
    return int(connection.execute(f"select count(*) from ({tables})").fetchone()[0])  # noqa: S608


def test_a_repeat_across_the_upgrade_is_still_one_event(upgraded: sqlite3.Connection) -> None:
    assert send(upgraded, 1).duplicate
    assert not send(upgraded, 1, idempotency_key="other", response_id=None).duplicate
    assert send(upgraded, 1, idempotency_key="other", response_id=None).duplicate
    assert count_all(upgraded, KEYS) == 2
    assert lengths(upgraded, 1) == {16}


def test_a_response_that_was_told_before_the_upgrade_is_found_again(
    upgraded: sqlite3.Connection,
) -> None:
    send(upgraded, 1, idempotency_key=None)

    [key] = {(1, digest) for (digest,) in upgraded.execute("select digest from response")}
    found = RESPONSES.find(upgraded, key)
    assert found is not None
    assert found[3] != 7, "the event that it names, which was purged, was looked for, and replaced"


def test_a_workspace_without_events_has_the_shorter_ones(upgraded: sqlite3.Connection) -> None:
    assert not send(upgraded, 2).duplicate
    assert send(upgraded, 2).duplicate
    assert send(upgraded, 2, idempotency_key=None).merged
    assert lengths(upgraded, 2) == {12}


@pytest.mark.parametrize("workspace_id", [1, 2])
def test_an_erased_customer_leaves_no_digest_of_either_length(
    upgraded: sqlite3.Connection, workspace_id: int
) -> None:
    upgraded.execute("delete from response")
    send(upgraded, workspace_id, idempotency_key=None)
    [customer] = upgraded.execute("select id from name where text = 'c'").fetchone()

    with transaction(upgraded):
        erased, _ = erase_customer_events(upgraded, workspace_id, customer, after=START)

    assert erased == 1
    assert count_all(upgraded, RESPONSES) == 0
