"""The Pricing page: what models in use cost, prices of one's own, the currency of the pages."""

import re
from datetime import UTC, datetime, time, timedelta

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from llmtrack.domain.credentials import Passwords
from llmtrack.services.price_books import bundled_book
from llmtrack.storage.audit import Actor
from llmtrack.storage.own_prices import GLOBAL, create_override
from llmtrack.web.app import build_app
from tests.conftest import NOW_MS, World
from tests.web.conftest import Client
from tests.web.people import post, sign_in
from tests.web.test_ingest import EVENT, send

ROOT = Actor(None, "root")
RATES = {"provider": "openai", "model": "gpt-4o-mini", "kind": "rates", "action": "save"}


async def pricing(client: Client, world: World, path: str = "") -> str:
    response = await client.get(f"/w/{world.acme.public_id}/pricing{path}")
    assert response.status == 200
    return " ".join((await response.text()).split())


async def save(client: Client, world: World, path: str, **form: str) -> tuple[int, str]:
    response = await post(client, f"/w/{world.acme.public_id}/pricing{path}", **form)
    return response.status, " ".join((await response.text()).split())


async def audited(world: World) -> list[tuple[str, int]]:
    """What was done to own prices, and by which user."""
    rows = await world.database.rows(
        "select action, actor_user_id from audit_log where action like 'price_override.%'"
        " order by id"
    )
    return [(row[0], row[1]) for row in rows]


async def cost(client: Client, world: World, **event: object) -> float:
    _, answer = await send(client, world.acme_key.raw, EVENT | event)
    return float(answer["cost"])


async def test_models_in_use_show_their_price_and_where_it_is_from(
    client: Client, world: World
) -> None:
    await cost(client, world)
    await cost(client, world, model="no-such-model")
    await send(client, world.acme_key.raw, {"model": "no-such-model", "provider": "openai"})
    await sign_in(client, "bob")

    text = await pricing(client, world)
    [unpriced] = re.findall(r"<tr>(?:(?!</tr>).)*no-such-model.*?</tr>", text)
    assert "$" not in unpriced  # an unknown cost is not 0
    assert re.search(r">2</td> <td[^>]*>\N{EN DASH}</td>", unpriced)

    assert "$0.15" in text
    assert "lists gpt-4o-mini by name" in text
    assert "no price" in text
    assert "Own price</a>" not in text  # bob only reads


async def test_a_price_is_previewed_saved_used_and_revoked(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    rates = RATES | {"input_mtok": "1", "output_mtok": "2", "reason": "PO <7>"}

    status, text = await save(client, world, "/own/new", **rates | {"action": "preview"})
    assert status == 200
    assert "$0.15" in text
    assert "<strong>$1</strong>" in text
    assert await cost(client, world) == 0.000066

    assert (await save(client, world, "/own/new", **rates))[0] == 303
    assert await cost(client, world) == 0.00028  # 120 x 1 + 80 x 2
    text = await pricing(client, world)
    assert "PO &lt;7&gt;" in text
    assert "alice@example.com" in text

    [revocation] = re.findall(r"/own/ovr_\w+/revocation", text)
    assert (await save(client, world, revocation))[0] == 303
    assert await audited(world) == [
        ("price_override.create", world.alice.id),
        ("price_override.revoke", world.alice.id),
    ]
    assert await cost(client, world) == 0.000066
    assert "1 revoked" in await pricing(client, world)


async def test_an_alias_is_previewed_and_saved(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    alias = {
        "provider": "azure",
        "model": "our-prod",
        "action": "preview",
        "to_provider": "azure",
        "to_model": "gpt-5",
    }

    status, text = await save(client, world, "/alias/new", **alias)
    assert (status, "$1.25" in text) == (200, True)
    assert (await save(client, world, "/alias/new", **alias | {"action": "save"}))[0] == 303

    assert await cost(client, world, provider="azure", model="our-prod") == 0.00095
    status, text = await save(client, world, "/alias/new", **alias | {"action": "save"})
    assert status == 422
    assert "Revoke that one first" in text


@pytest.mark.parametrize(
    ("told", "path", "form"),
    [
        ("Give at least one rate.", "/own/new", {}),
        ("The input rate: &#39;a&#39; is no decimal", "/own/new", {"input_mtok": "a"}),
        ("percentage must be from", "/own/new", {"kind": "percent", "percent": "-101"}),
        ("The model must not be empty", "/own/new", {"model": " ", "kind": "free"}),
        ("This is no date", "/own/new", {"kind": "free", "from": "soon"}),
        ("The end must be after the start", "/own/new",
         {"kind": "free", "from": "2026-11-02", "to": "2026-10-31"}),
    ],
)  # fmt: skip
async def test_a_mistake_is_told_and_what_was_typed_stays(
    client: Client, world: World, told: str, path: str, form: dict[str, str]
) -> None:
    await sign_in(client, "alice")

    status, text = await save(client, world, path, **RATES | {"reason": "my reason"} | form)

    assert status == 422
    assert told in text
    assert "my reason" in text


async def test_an_alias_of_a_model_without_a_price_is_refused(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    form = {"provider": "azure", "model": "x", "to_provider": "azure", "to_model": "gpt-99"}

    status, text = await save(client, world, "/alias/new", **form, action="save")

    assert (status, "No price is known for azure/gpt-99 itself" in text) == (422, True)


async def test_a_link_fills_in_the_model(client: Client, world: World) -> None:
    await sign_in(client, "alice")

    text = await pricing(client, world, "/own/new?provider=azure&model=our-prod")

    assert 'name="model" value="our-prod"' in text


async def test_a_viewer_changes_no_price(client: Client, world: World) -> None:
    await sign_in(client, "bob")

    for path in ("/own/new", "/alias/new", "/currency", "/own/ovr_x/revocation"):
        assert (await save(client, world, path))[0] == 403


async def test_the_instance_s_price_is_shown_and_not_revoked_here(
    client: Client, world: World
) -> None:
    made = await world.database.write(
        create_override,
        GLOBAL,
        provider="*",
        model="*",
        percent="-5",
        by=Actor(None, "root"),
        now_ms=NOW_MS,
    )
    await sign_in(client, "alice")

    assert "every workspace" in await pricing(client, world)
    assert (await save(client, world, f"/own/{made.id}/revocation"))[0] == 404


async def test_a_preview_for_every_model_shows_those_in_use(client: Client, world: World) -> None:
    await cost(client, world)
    await sign_in(client, "alice")
    form = RATES | {"model": "*", "kind": "percent", "percent": "-50", "action": "preview"}

    _, text = await save(client, world, "/own/new", **form)

    assert "openai/gpt-4o-mini" in text
    assert "<strong>$0.075</strong>" in text


@pytest.mark.parametrize(("days", "told"), [(45, False), (46, True)])
async def test_an_old_price_list_is_told_on_both_pages(
    world: World, passwords: Passwords, aiohttp_client: AiohttpClient, days: int, told: bool
) -> None:
    shipped = datetime.combine(bundled_book().list.date, time(12), UTC)
    at_ms = int((shipped + timedelta(days=days)).timestamp()) * 1000
    app = build_app(
        world.database,
        base_url="http://127.0.0.1",
        secure=False,
        clock_ms=lambda: at_ms,
        passwords=passwords,
    )
    client = await aiohttp_client(app)
    await cost(client, world)
    await sign_in(client, "alice")

    for path in ("", "pricing"):
        response = await client.get(f"/w/{world.acme.public_id}/{path}")
        assert ("The price list is" in await response.text()) == told
