"""API keys: shown once, found by digest, gone when deleted, remembered by name."""

import sqlite3

import pytest

from llmtrack.domain.credentials import key_digest, looks_like_key
from llmtrack.domain.errors import InvalidValue, NotFound
from llmtrack.storage.key_changes import deactivate_key, delete_key, reactivate_key
from llmtrack.storage.key_lookup import find_key
from llmtrack.storage.key_uses import KeyUse, note_uses
from llmtrack.storage.keys import create_key, key_of, list_keys
from llmtrack.storage.workspaces import suspend_workspace
from tests.conftest import ACTOR, NOW_MS, WHO, World


async def test_a_new_key_is_found_by_its_digest(world: World) -> None:
    row = await find_key(world.database, key_digest(world.acme_key.raw))
    assert row is not None
    assert row.workspace_id == world.acme.id
    assert row.key_public_id == world.acme_key.key.public_id
    assert not row.is_deactivated
    assert not row.workspace_suspended
    assert looks_like_key(world.acme_key.raw)


async def test_the_raw_key_is_nowhere_in_the_files(world: World) -> None:
    raw = world.acme_key.raw.encode()
    for path in world.database.path.parent.iterdir():
        assert raw not in path.read_bytes()


async def test_keys_of_two_workspaces_have_their_own_numbers(world: World) -> None:
    assert world.acme_key.key.id == world.globex_key.key.id == 1


async def test_a_deactivated_key_says_so_and_comes_back(world: World) -> None:
    scope, public_id = await world.scope(), world.acme_key.key.public_id
    digest = key_digest(world.acme_key.raw)
    await scope.write(deactivate_key, public_id, **WHO)
    row = await find_key(world.database, digest)
    assert row is not None
    assert row.is_deactivated
    await scope.write(reactivate_key, public_id, **WHO)
    row = await find_key(world.database, digest)
    assert row is not None
    assert not row.is_deactivated


async def test_a_deleted_key_is_gone_but_its_name_stays(world: World) -> None:
    scope, public_id = await world.scope(), world.acme_key.key.public_id
    await scope.write(delete_key, public_id, **WHO)
    assert await find_key(world.database, key_digest(world.acme_key.raw)) is None
    assert await list_keys(scope, now_ms=NOW_MS) == []
    with sqlite3.connect(world.database.path) as connection:
        names = connection.execute("select name from api_key where workspace_id = 1").fetchall()
        digests = connection.execute("select workspace_id from key_digest").fetchall()
    connection.close()
    assert names == [("Acme app",)]
    assert digests == [(world.globex.id,)]
    with pytest.raises(NotFound):
        await scope.write(reactivate_key, public_id, **WHO)


async def test_numbers_of_deleted_keys_are_not_given_out_again(world: World) -> None:
    scope = await world.scope()
    await scope.write(delete_key, world.acme_key.key.public_id, **WHO)
    created = await scope.write(create_key, name="Next", **WHO)
    assert created.key.id == world.acme_key.key.id + 1


async def test_another_workspaces_key_cannot_be_touched(world: World) -> None:
    scope, foreign = await world.scope(world.charlie), world.acme_key.key.public_id
    with pytest.raises(NotFound):
        await key_of(scope, foreign, now_ms=NOW_MS)
    with pytest.raises(NotFound):
        await scope.write(deactivate_key, foreign, **WHO)
    with pytest.raises(NotFound):
        await scope.write(delete_key, foreign, **WHO)
    assert await find_key(world.database, key_digest(world.acme_key.raw)) is not None


async def test_a_suspended_workspace_shows_on_its_keys(world: World) -> None:
    await world.database.write(suspend_workspace, world.acme.id, **WHO)
    row = await find_key(world.database, key_digest(world.acme_key.raw))
    assert row is not None
    assert row.workspace_suspended


async def test_the_last_use_never_moves_backwards(world: World) -> None:
    scope, place = await world.scope(), (world.acme.id, world.acme_key.key.id)
    uses = [
        KeyUse(*place, uses=3, used_ms=NOW_MS + 5, used_ip="192.0.2.1"),
        KeyUse(*place, uses=2, used_ms=NOW_MS, used_ip="192.0.2.2"),
        KeyUse(*place, refused_ms=NOW_MS, refused_ip="192.0.2.3", refused_why="expired"),
    ]
    for use in uses:
        await world.database.write(note_uses, [use])
    [found] = await list_keys(scope, now_ms=NOW_MS)
    assert (found.last_used_ms, found.last_used_ip, found.uses) == (NOW_MS + 5, "192.0.2.1", 5)
    assert found.refusal == (NOW_MS, "192.0.2.3", "expired")


async def test_the_newest_key_is_listed_first_with_its_source(world: World) -> None:
    scope = await world.scope()
    await scope.write(
        create_key, name=" Gateway ", source=" litellm ", actor=ACTOR, now_ms=NOW_MS + 1
    )
    newest, first = await list_keys(scope, now_ms=NOW_MS)
    assert (newest.name, newest.source) == ("Gateway", "litellm")
    assert (first.name, first.source) == ("Acme app", None)


@pytest.mark.parametrize("name", ["", "   ", "a" * 101, "a\nb", "a\x00", "evil\u202eman"])
async def test_a_bad_name_is_refused_with_its_field(world: World, name: str) -> None:
    scope = await world.scope()
    with pytest.raises(InvalidValue) as refused:
        await scope.write(create_key, name=name, **WHO)
    assert refused.value.field == "name"
