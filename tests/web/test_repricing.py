"""Pages of repricing: what has no price gets one with a form, and costs follow by themselves."""

import asyncio
import re

import pytest

from llmtrack.domain.events import UsageEvent
from llmtrack.domain.usage import ReportedUsage, canonical_usage
from llmtrack.services.inspection import recounted
from llmtrack.services.price_books import bundled_book
from llmtrack.storage.audit import Actor
from llmtrack.storage.own_prices import create_override
from llmtrack.storage.reprice_runs import RunState, runs
from llmtrack.storage.usage import PricedEvent, UsageWriter
from tests.conftest import NOW_MS, World
from tests.web.conftest import Client
from tests.web.people import post, sign_in

DAYS = "from=2026-11-19&to=2026-11-20"
LONG = "our-deployment-<b>" + "x" * 150


@pytest.fixture
async def url(client: Client, world: World) -> str:
    """Acme has 4 priced calls and 3 of a deployment that nobody knows; alice is signed in."""
    book = bundled_book()
    events = []
    for provider, model in [("openai", "gpt-4o-mini")] * 4 + [("azure", LONG)] * 3:
        reported = ReportedUsage(provider=provider, input_tokens=1_000, output_tokens=100)
        event = UsageEvent(
            provider=provider,
            model=model,
            timestamp_ms=NOW_MS,
            received_ms=NOW_MS,
            reported=reported,
        )
        usage = canonical_usage(reported)
        cost = book.price(provider, model, usage, at_ms=NOW_MS)
        key_id = world.acme_key.key.id
        events.append(PricedEvent(world.acme.id, key_id, "api", event, usage, cost))
    await world.database.write(lambda connection: UsageWriter().add(connection, events, 1))
    await sign_in(client, "alice")
    return f"/w/{world.acme.public_id}/pricing"


async def get(client: Client, path: str) -> str:
    async with client.get(path) as response:
        assert response.status == 200
        return await response.text()


async def settled(client: Client, location: str) -> str:
    """The run's page once the run is done."""
    for _ in range(200):
        text = await get(client, location)
        if "waiting" not in text:
            return text
        await asyncio.sleep(0.05)
    raise AssertionError("the run is never done")


async def test_a_model_without_a_price_is_listed_and_linked(client: Client, url: str) -> None:
    overview = await get(client, url.removesuffix("pricing"))
    assert f"{url}/unpriced" in overview

    text = await get(client, f"{url}/unpriced")

    assert "3 requests without a cost" in text
    assert "our-deployment-&lt;b&gt;" in text
    assert "3.30k" in text


async def test_an_alias_prices_its_events_by_itself(client: Client, url: str, world: World) -> None:
    names = {"provider": "azure", "model": LONG, "to_provider": "azure", "to_model": "gpt-4o-mini"}

    response = await post(client, f"{url}/unpriced/alias", **names)

    assert response.status == 303
    text = await settled(client, response.headers["Location"])
    assert "applied" in text
    assert "alice@example.com" in text
    assert "Every model has a price" in await get(client, f"{url}/unpriced")
    scope = await world.scope()
    [run] = await runs(scope)
    assert (run.changed_events, run.priced_events) == (3, 3)
    assert (await recounted(scope)).found == []


async def test_a_price_does_as_well_and_is_undone(client: Client, url: str, world: World) -> None:
    form = {"provider": "azure", "model": LONG, "input": "1", "output": "10", "cache_read": ""}

    response = await post(client, f"{url}/unpriced/price", **form)
    location = response.headers["Location"]

    text = await settled(client, location)
    assert "$0.006" in text
    assert (await post(client, f"{location}/undo")).status == 303
    text = await settled(client, location)
    assert "3 events cost again what they did before" in text
    assert (await recounted(await world.scope())).found == []


async def test_mistakes_stay_in_the_form(client: Client, url: str) -> None:
    names = {"provider": "azure", "model": LONG, "to_provider": "azure", "to_model": "gpt-99"}
    response = await post(client, f"{url}/unpriced/alias", **names)
    text = await response.text()
    assert response.status == 422
    assert "o price is known for azure/gpt-99" in text
    assert 'value="gpt-99"' in text

    response = await post(
        client, f"{url}/unpriced/price", provider="azure", model=LONG, input="cheap", output="1"
    )
    text = await response.text()
    assert response.status == 422
    assert "is no decimal number" in text
    assert 'value="cheap"' in text


async def test_a_preview_is_shown_and_applied(client: Client, url: str, world: World) -> None:
    scope = await world.scope()
    await scope.write(
        create_override,
        provider="openai",
        model="gpt-4o-mini",
        rates={"input_mtok": "1", "output_mtok": "1"},
        by=Actor(None, "alice"),
        now_ms=NOW_MS,
    )

    text = await get(client, f"{url}/repricing?{DAYS}&model=gpt-4o-mini")
    assert "<strong>4</strong> of 4 events" in text
    assert await runs(scope) == []
    digest = re.search(r'name="digest" value="(\w+)"', text)
    assert digest is not None
    form = {"from": "2026-11-19", "to": "2026-11-20", "model": "gpt-4o-mini", "reason": "contract"}
    response = await post(client, f"{url}/repricing", **form, digest=digest[1])

    text = await settled(client, response.headers["Location"])
    assert "contract" in text
    [run] = await runs(scope)
    assert (run.state, run.changed_events, run.reason) == (RunState.APPLIED, 4, "contract")
    assert "contract" in await get(client, f"{url}/repricing")


async def test_prices_that_changed_since_the_preview_are_shown_first(
    client: Client, url: str, world: World
) -> None:
    form = {"from": "2026-11-19", "to": "2026-11-20", "digest": "0" * 32}

    response = await post(client, f"{url}/repricing", **form)

    assert response.status == 422
    assert "rices changed since this preview" in await response.text()
    assert await runs(await world.scope()) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=yesterday&to=2026-11-20", "is no date"),
        ("from=2026-11-20&to=2026-11-01", "he last day is before the first"),
        ("from=2026-11-20", "is no date"),
    ],
)
async def test_a_wrong_period_is_answered(client: Client, url: str, query: str, said: str) -> None:
    assert said in await get(client, f"{url}/repricing?{query}")


async def test_a_viewer_sees_and_changes_nothing(client: Client, url: str) -> None:
    await sign_in(client, "bob")

    assert "Name or price it" not in await get(client, f"{url}/unpriced")
    for path in ("unpriced/alias", "unpriced/price", "repricing", "runs/run_a/undo"):
        assert (await post(client, f"{url}/{path}")).status == 403


async def test_an_unknown_run_is_not_found(client: Client, url: str) -> None:
    async with client.get(f"{url}/runs/run_aaaaaaaaaaaaaaaa") as response:
        assert response.status == 404


async def test_the_pricing_page_prices_events_as_well(
    client: Client, url: str, world: World
) -> None:
    names = {"provider": "azure", "model": LONG, "to_provider": "azure", "to_model": "gpt-4o-mini"}

    response = await post(client, f"{url}/alias/new", **names, action="save", reason="ours")

    assert response.status == 303
    scope = await world.scope()
    [run] = await runs(scope)
    await settled(client, f"{url}/runs/{run.public_id}")
    assert (await runs(scope))[0].priced_events == 3


async def test_every_change_is_in_the_audit_log(client: Client, url: str, world: World) -> None:
    form = {"provider": "azure", "model": LONG, "input": "1", "output": "10"}
    location = (await post(client, f"{url}/unpriced/price", **form)).headers["Location"]
    await settled(client, location)
    await post(client, f"{location}/undo")
    await post(client, f"{url}/at-risk", shown="0")

    scope = await world.scope()
    rows = await scope.rows(
        "select action, actor from audit_log where workspace_id = :workspace_id order by id"
    )
    assert [(row["action"], row["actor"]) for row in rows][-4:] == [
        (action, "alice@example.com")
        for action in (
            "price_override.create",
            "reprice_run.create",
            "reprice_run.undo",
            "at_risk.switch",
        )
    ]
