"""The pages of keys: what they change, show once, mark and note in the audit log."""

import re

from llmtrack.domain.key_terms import KeyTerms
from llmtrack.storage.keys import create_key
from tests.conftest import ACTOR, NOW_MS, World
from tests.web.conftest import Client, Clock
from tests.web.people import post, sign_in
from tests.web.test_key_lifecycle import said, seen

DAY_MS = 86_400_000


async def test_the_page_rotates_and_shows_the_new_secret_once(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    url = f"/w/{world.acme.public_id}/keys/{world.acme_key.key.public_id}"

    assert (await post(client, f"{url}/rotation", grace_days="1")).status == 303
    async with client.get(url) as response:
        assert response.headers["Cache-Control"] == "no-store"
        [raw] = set(re.findall(r"llmt_[0-9A-Za-z]{36}", await response.text()))
    async with client.get(url) as response:
        assert raw not in await response.text()

    assert raw != world.acme_key.raw
    assert await said(client, raw) is None
    for days in ("8", "-1", "x", ""):
        assert (await post(client, f"{url}/rotation", grace_days=days)).status == 422


async def test_the_page_edits_name_label_networks_and_times(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    key = world.acme_key.key
    url = f"/w/{world.acme.public_id}/keys/{key.public_id}"
    form = {
        "name": "Renamed",
        "source": "web",
        "networks": "127.0.0.1, 192.0.2.0/24",
        "not_before": "",
        "expires": "2026-12-31",
    }

    assert (await post(client, f"{url}/edit", **form)).status == 303
    found = await seen(world, key)
    assert (found.name, found.source) == ("Renamed", "web")
    assert found.terms.networks == ("127.0.0.1/32", "192.0.2.0/24")
    assert found.terms.expires_ms == 1_798_675_200_000
    assert await said(client, world.acme_key.raw) is None
    async with client.get(url) as response:
        assert 'value="2026-12-31"' in await response.text()

    for field in ("name", "networks", "not_before", "expires"):
        bad = form | {field: "x" * 101 if field == "name" else "nonsense"}
        response = await post(client, f"{url}/edit", **bad)
        assert response.status == 422
        assert 'aria-invalid="true"' in await response.text()
    assert (await seen(world, key)).name == "Renamed"


async def test_a_viewer_cannot_rotate_or_edit(client: Client, world: World) -> None:
    await sign_in(client, "bob")
    url = f"/w/{world.acme.public_id}/keys/{world.acme_key.key.public_id}"

    for verb in ("edit", "rotation", "old-secret"):
        assert (await post(client, f"{url}/{verb}")).status == 403
    async with client.get(url) as response:
        text = await response.text()
    assert "Rotate" not in text
    assert "Deactivate" not in text


async def test_every_change_of_a_key_is_in_the_audit_log(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    keys = f"/w/{world.acme.public_id}/keys"
    made = await post(client, keys, name="new", source="")
    url = made.headers["Location"]
    await post(
        client, f"{url}/edit", name="newer", source="", networks="", not_before="", expires=""
    )
    for verb in ("rotation", "old-secret", "deactivation", "reactivation", "deletion"):
        form = {"grace_days": "3"} if verb == "rotation" else {}
        assert (await post(client, f"{url}/{verb}", **form)).status == 303

    rows = await world.database.rows(
        "select action, actor, ip, details from audit_log where target = :target order by id",
        target=url.rpartition("/")[2],
    )
    assert [row["action"] for row in rows] == [
        f"api_key.{verb}"
        for verb in (
            *("create", "edit", "rotate", "end_old_secret"),
            *("deactivate", "reactivate", "delete"),
        )
    ]
    assert {(row["actor"], row["ip"]) for row in rows} == {("alice@example.com", "127.0.0.1")}
    assert all("llmt_" in row["details"] for row in rows)
    assert not any(re.search(r"llmt_\w{20}", row["details"]) for row in rows)


async def test_an_unused_key_and_one_that_ends_soon_are_marked(
    client: Client, world: World, clock: Clock
) -> None:
    scope = await world.scope()
    terms = KeyTerms(expires_ms=NOW_MS + 100 * DAY_MS)
    await scope.write(create_key, name="ending", terms=terms, actor=ACTOR, now_ms=NOW_MS)
    await sign_in(client, "alice")
    page = f"/w/{world.acme.public_id}/keys"
    async with client.get(page) as response:
        text = await response.text()
    assert "unused for 90 days" not in text
    assert "expires soon" not in text

    clock.now_ms += 91 * DAY_MS
    await sign_in(client, "alice")
    async with client.get(page) as response:
        text = await response.text()

    assert text.count("unused for 90 days") == 2
    assert text.count("expires soon") == 1
