"""Notices: what every page of a workspace tells its members, and mail says, too."""

import pytest

from llmtrack.domain.periods import DAY_MS
from llmtrack.domain.roles import Role
from llmtrack.storage.audit import list_entries
from llmtrack.storage.member_changes import set_role
from llmtrack.storage.notices import list_notices
from tests.conftest import WHO, World
from tests.web.conftest import Client, Clock
from tests.web.mail_sink import Sink
from tests.web.people import post, sign_in, text_of

TEXT = "The key <web> leaked on Tuesday.\nRotate yours, please."


def home_of(world: World) -> str:
    return f"/w/{world.acme.public_id}/"


async def publish(client: Client, world: World, **form: str) -> str:
    values = {"text": TEXT, "days": "7", **form}
    return await (await post(client, f"{home_of(world)}notices", **values)).text()


async def test_every_page_shows_it_to_members_only_until_it_ends(
    client: Client, world: World, clock: Clock
) -> None:
    await sign_in(client, "alice")
    assert "None yet" in await text_of(client, f"{home_of(world)}notices")
    assert (await post(client, f"{home_of(world)}notices", text=TEXT, days="2")).status == 303

    for page in ("", "explore", "events", "keys", "members", "settings", "notices"):
        text = await text_of(client, home_of(world) + page)
        assert '<p class="lines" dir="auto">The key &lt;web&gt; leaked on Tuesday.\n' in text
    assert "leaked on" not in await text_of(client, "/account")
    clock.now_ms += 2 * DAY_MS
    await sign_in(client, "alice")
    assert "leaked on" not in await text_of(client, home_of(world))
    assert "ended" in await text_of(client, f"{home_of(world)}notices")

    await sign_in(client, "charlie")
    assert "leaked on" not in await text_of(client, f"/w/{world.globex.public_id}/notices")


async def test_it_can_be_withdrawn_once_and_both_are_audited(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    await publish(client, world)
    scope = await world.scope()
    [notice] = await list_notices(scope)
    withdrawal = f"{home_of(world)}notices/{notice.public_id}/withdrawal"

    assert (await post(client, withdrawal)).status == 303
    assert (await post(client, withdrawal)).status == 404
    assert "leaked on" not in await text_of(client, home_of(world))
    actions = [(entry.action, entry.target) for entry in (await list_entries(scope))[:2]]
    assert actions == [
        ("notice.withdraw", notice.public_id),
        ("notice.publish", notice.public_id),
    ]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"text": " \n "}, "A text is needed"),
        ({"text": "x" * 1001}, "longer than 1000 characters"),
        ({"text": "a\u202eb"}, "has a control character"),
        ({"days": "0"}, "Days must be 1 to 90"),
        ({"days": "91"}, "Days must be 1 to 90"),
        ({"days": "soon"}, "is no number of days"),
    ],
)
async def test_what_cannot_be_is_refused_beside_its_field(
    client: Client, world: World, form: dict[str, str], words: str
) -> None:
    await sign_in(client, "alice")
    text = await publish(client, world, **form)
    assert words in text
    assert 'aria-invalid="true"' in text
    assert await list_notices(await world.scope()) == []


async def test_only_owners_publish(client: Client, world: World) -> None:
    await world.database.write(set_role, world.acme.id, world.bob.public_id, role=Role.ADMIN, **WHO)
    await sign_in(client, "bob")
    assert "Owners of the workspace publish" in await text_of(client, f"{home_of(world)}notices")
    refused = await post(client, f"{home_of(world)}notices", text=TEXT, days="7")
    assert refused.status == 403


async def test_mail_goes_to_each_member_alone(mailing: Client, world: World, sink: Sink) -> None:
    await sign_in(mailing, "alice")
    assert "all 2 members" in await text_of(mailing, f"{home_of(world)}notices")
    await publish(mailing, world, by_mail="1")

    messages = [await sink.arrived(), await sink.arrived()]
    assert {message["To"] for message in messages} == {"alice@example.com", "bob@example.com"}
    for message in messages:
        assert message["Subject"] == "LLMtrack: a notice to Acme"
        text = message.get_content().replace("\r\n", "\n")
        assert text.startswith(TEXT)
        assert f"https://costs.example.com{home_of(world)}" in text
