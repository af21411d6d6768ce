"""Comparisons of more requests than a page prices while somebody waits."""

import asyncio
import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest

from llmtrack.domain.money import usd_text
from llmtrack.domain.usage import Usage
from llmtrack.domain.what_if import total_of
from llmtrack.services.price_books import bundled_book
from llmtrack.services.what_if import Comparing, Target, what_if
from llmtrack.services.what_if_runs import KEPT_MS, RUNS_MAX, WhatIfRuns
from llmtrack.storage.scope import Scope
from llmtrack.web.what_if import WHAT_IF_RUNS
from tests.conftest import NOW_MS, World
from tests.web.conftest import Client, Clock, application
from tests.web.people import post, sign_in, text_of
from tests.web.test_views import shared
from tests.web.test_what_if import SPAN, store

EVENTS = 3_210
QUESTION = "period=24h&target=openai%2Fgpt-4o-mini"
PATH = f"what-if?{QUESTION}"
PRICES = bundled_book(), Target("openai", "gpt-4o-mini", NOW_MS)


@pytest.fixture
def few_events_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmtrack.web.what_if.BEGUN_EVENTS_MAX", EVENTS - 1)


def events() -> Iterator[dict[str, Any]]:
    for place in range(EVENTS):
        yield {
            "usage": Usage(input_tokens=place * 7 % 90_000, output_tokens=place % 501),
            "cost_pico": 1_000 + place,
            "feature": ("chat", "search")[place % 2],
            "timestamp_ms": NOW_MS - 70_000_000 + place * 17,
        }


async def begin(client: Client, path: str) -> str:
    """The page that follows."""
    response = await post(client, path)
    assert response.status == 303
    return response.headers["Location"]


@pytest.fixture
async def path(client: Client, world: World) -> str:
    """The page, of more events than it prices at once, to a viewer."""
    await store(world, list(events()))
    await sign_in(client, "bob")
    return f"/w/{world.acme.public_id}/{PATH}"


async def fill_the_queue(client: Client, world: World) -> tuple[WhatIfRuns, Scope]:
    runs, scope = application(client)[WHAT_IF_RUNS], await world.scope()
    for number in range(RUNS_MAX):
        runs.begin(scope, f"another {number}", Comparing(SPAN, {}, PRICES))
    return runs, scope


async def ended(client: Client, path: str) -> str:
    """The page when its run has ended."""
    for _ in range(400):
        text = await text_of(client, path)
        if 'name="cancel"' not in text:
            return text
        assert 'hx-trigger="every 1s"' in text
        await asyncio.sleep(0.02)
    raise AssertionError("the run does not end")


@pytest.mark.usefixtures("few_events_are_many")
async def test_a_run_prices_all_and_says_of_when_it_is(
    client: Client, world: World, clock: Clock, path: str
) -> None:
    await sign_in(client, "alice")  # who may export
    before = await text_of(client, path)
    assert f"up to {EVENTS:,}" in before
    assert "It would be" not in before

    path = await begin(client, path)
    text = await ended(client, path)
    scope = await world.scope()
    async with scope.reading() as reading:
        comparing = Comparing(SPAN, {}, PRICES)
        expected = total_of(list((await what_if(reading, comparing)).values()))
    assert expected.compared_events == EVENTS
    assert f"${usd_text(expected.after_pico)}" in text
    assert f"of {EVENTS:,}" in text
    assert "kept for an hour" in text

    async with client.get(path.replace("what-if?", "what-if/export?")) as response:
        rows = list(csv.DictReader(io.StringIO(await response.text())))
    assert sum(int(row["compared_requests"]) for row in rows) == EVENTS
    assert {row["feature"] for row in rows} == {"chat", "search"}

    # What came in since is not in it, until it is counted again.
    await store(world, [{"usage": Usage(input_tokens=1, output_tokens=1), "cost_pico": 5}])
    assert f"of {EVENTS:,}" in await text_of(client, path)
    await begin(client, path)
    assert f"of {EVENTS + 1:,}" in await ended(client, path)

    clock.now_ms += KEPT_MS
    assert "Price them all" in await text_of(client, path)


@pytest.mark.usefixtures("few_events_are_many")
async def test_a_run_is_seen_in_its_workspace_and_for_its_address_alone(
    client: Client, world: World, path: str
) -> None:
    path = await begin(client, path)
    assert "It would be" in await ended(client, path)
    assert "Price them all" in await text_of(client, path.replace("4o-mini", "4o"))
    runs = application(client)[WHAT_IF_RUNS]
    assert runs.find(await world.scope(), QUESTION) is not None
    assert runs.find(await world.scope(world.charlie), QUESTION) is None


@pytest.mark.usefixtures("few_events_are_many")
async def test_a_run_can_be_cancelled_and_too_many_are_refused(
    client: Client, world: World, path: str
) -> None:
    runs, scope = await fill_the_queue(client, world)
    refused = await post(client, path)
    assert refused.status == 409
    assert "under way" in await refused.text()
    runs.cancel(scope, f"another {RUNS_MAX - 1}")  # which waits for its turn
    await asyncio.sleep(0.05)
    path = await begin(client, path)
    assert "Another comparison comes first" in await text_of(client, path)
    cancelled = await post(client, path, cancel="1")
    # The address itself may begin it again.
    assert cancelled.headers["Location"] == path.partition("&target")[0]
    assert runs.find(scope, QUESTION) is None
    # Begun again at once, while the cancelled one is on its way out.
    runs.begin(scope, QUESTION, Comparing(SPAN, {}, PRICES))
    runs.cancel(scope, QUESTION)
    runs.begin(scope, QUESTION, Comparing(SPAN, {}, PRICES))
    assert f"of {EVENTS:,}" in await ended(client, path)


async def test_where_too_many_are_under_way_the_page_offers_one(
    client: Client, world: World, path: str
) -> None:
    await fill_the_queue(client, world)
    assert "Price them all" in await text_of(client, path)


async def test_a_model_without_a_price_begins_nothing(
    client: Client, world: World, path: str
) -> None:
    path = await begin(client, path.replace("openai%2Fgpt-4o-mini", "nobody%2Fnothing"))
    assert "There is no price for" in await text_of(client, path)
    assert (
        application(client)[WHAT_IF_RUNS].find(
            await world.scope(), QUESTION.replace("openai%2Fgpt-4o-mini", "nobody%2Fnothing")
        )
        is None
    )


async def test_some_seconds_of_work_begin_by_themselves(client: Client, path: str) -> None:
    assert "under way" in await text_of(client, path)
    assert f"of {EVENTS:,}" in await ended(client, path)


@pytest.mark.usefixtures("few_events_are_many")
async def test_a_shared_comparison_begins_by_itself_and_is_one_with_the_members(
    client: Client, world: World, path: str
) -> None:
    scope = await world.scope()
    link = await shared(client, world, place="what-if", query=QUESTION)
    application(client)[WHAT_IF_RUNS].cancel(scope, QUESTION)  # the form looks whether it can be
    client.session.cookie_jar.clear()
    text = await text_of(client, link)
    assert "under way" in text
    assert 'hx-get="?"' in text
    assert path not in text
    for _ in range(400):
        text = await text_of(client, link)
        if "hx-trigger" not in text:
            break
        await asyncio.sleep(0.02)
    assert f"of {EVENTS:,}" in text
    for private in ("<form", "Count again", "Export"):
        assert private not in text[text.index("<main") : text.index("</main>")], private
    await sign_in(client, "bob")
    assert f"of {EVENTS:,}" in await text_of(client, path)


async def test_a_run_that_fails_says_so(client: Client, world: World, path: str) -> None:
    runs, scope = application(client)[WHAT_IF_RUNS], await world.scope()
    await rename_table(world, "event", "event_gone")
    run = runs.begin(scope, QUESTION, Comparing(SPAN, {}, PRICES))
    for _ in range(400):
        if run.ended_ms is not None:
            break
        await asyncio.sleep(0.02)
    await rename_table(world, "event_gone", "event")
    text = await text_of(client, path)
    assert "The comparison failed" in text
    assert "Try again" in text
    await begin(client, path)
    assert f"of {EVENTS:,}" in await ended(client, path)


async def rename_table(world: World, name: str, other: str) -> None:
    statement = f"alter table {name} rename to {other}"
    await world.database.write(lambda connection: connection.execute(statement))
