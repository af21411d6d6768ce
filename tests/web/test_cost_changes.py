"""What changed: in words a lead understands, in parts that finance can add up."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from urllib.parse import urlencode

import pytest

from llmtrack.web.ingest import INGEST
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client, application
from tests.web.people import sign_in
from tests.web.test_pages import get

DAY_MS = 86_400_000
USD = 10**12


async def two_weeks(client: Client) -> None:
    """Last week two requests of search at $10; this week six. Chat goes, mail comes."""
    events = []
    for age, feature, count, cost in (
        (9, "search", 2, 10 * USD),
        (2, "search", 6, 10 * USD),
        (9, "chat", 1, 3 * USD + 1),
        (2, "mail", 1, 7),
    ):
        events += [
            make_event(
                feature=feature,
                cost_pico=cost,
                timestamp_ms=NOW_MS - age * DAY_MS + place,
                received_ms=NOW_MS,
            )
            for place in range(count)
        ]
    assert client.app is not None
    await client.app[INGEST].add(events)


async def test_the_overview_says_why_in_a_sentence(client: Client, world: World) -> None:
    await two_weeks(client)
    await sign_in(client, "bob")

    _, text = await get(client, f"/w/{world.acme.public_id}/?period=7d")

    said = re.sub(r"<[^>]+>|\s+", " ", text[text.index("What changed</h2>") :])
    said = re.sub(" +", " ", said)
    assert "+$40.00 because feature search made 3.0 times the requests (2, then 6)" in said
    assert "\N{MINUS SIGN}$3.00 because feature chat made no requests any more" in said
    assert "because feature mail is new, with 1 request" in said


async def test_what_has_no_customer_is_not_a_customer_s(client: Client, world: World) -> None:
    await two_weeks(client)
    await sign_in(client, "bob")

    _, text = await get(client, f"/w/{world.acme.public_id}/changes?period=7d&by=customer")

    said = re.sub(r"(<[^>]+>|\s)+", " ", text)
    assert "because use without a customer made" in said
    assert "customer no customer" not in said


async def test_every_line_adds_up_to_the_pico(client: Client, world: World) -> None:
    await two_weeks(client)
    await sign_in(client, "bob")

    _, text = await get(client, f"/w/{world.acme.public_id}/changes?period=7d&by=feature")

    table = text[text.index('aria-label="Changes by feature"') :]
    lines = [
        [Decimal(amount) for amount in re.findall(r'title="(-?[\d.]+) US dollars"', line)]
        for line in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
    ]
    lines = [line for line in lines if line]
    assert len(lines) == 4
    for change, *parts in lines:
        assert change == sum(parts)
    *rows, total = lines
    assert [sum(column) for column in zip(*rows, strict=True)] == total
    assert total[0] == Decimal("36.999999999999") + Decimal("0.000000000007")


async def test_any_two_periods_can_be_compared(client: Client, world: World) -> None:
    await two_weeks(client)
    await sign_in(client, "bob")
    path = f"/w/{world.acme.public_id}/changes"

    query = "from=2026-11-18&to=2026-11-18&before_from=2026-11-11&before_to=2026-11-11"
    _, text = await get(client, f"{path}?{query}")
    assert "18 Nov 2026 compared with 11 Nov 2026" in text
    status, text = await get(client, f"{path}?before_from=never&before_to=x")
    assert status == 200
    assert "The period before" in text


def form_of(text: str, field: str) -> dict[str, str]:
    """What the form with that field sends when nothing in it is changed."""
    form = next(one for one in re.findall(r"<form.*?</form>", text, re.DOTALL) if field in one)
    sent = re.findall(r'<input [^>]*?name="([^"]+)"[^>]*? value="([^"]*)"', form)
    return {name: unescape(value) for name, value in sent}


@pytest.mark.parametrize("times", ["00:00Z 00:30Z", "01:00Z 01:30Z", "00:30Z 01:15Z"])
async def test_forms_keep_the_hour_that_comes_twice(
    client: Client, world: World, times: str
) -> None:
    await world.database.write(
        lambda connection: connection.execute("update workspace set time_zone = 'Europe/Berlin'")
    )
    hour_ms = int(datetime(2026, 10, 25, tzinfo=UTC).timestamp() * 1000)
    moments = [hour_ms + minutes * 60_000 for minutes in (10, 50, 70)]
    events = [make_event(timestamp_ms=moment, received_ms=NOW_MS) for moment in moments]
    await application(client)[INGEST].add(events)
    await sign_in(client, "bob")
    path = f"/w/{world.acme.public_id}/changes"
    first, last = (f"2026-10-25T{time}" for time in times.split())
    query = {"from": first, "to": last, "before_from": first, "before_to": last}

    _, asked = await get(client, f"{path}?{urlencode(query)}")
    said = re.search(r'<p class="muted">(.*) compared with \1, in days', asked)
    assert said
    assert ("CET" in said[1]) == (times != "00:00Z 00:30Z")
    for name in ("from", "before_from"):
        fields = form_of(asked, f'type="datetime-local" name="{name}"')
        assert fields[name] in {"2026-10-25T02:00", "2026-10-25T02:30"}
        _, answer = await get(client, f"{path}?{urlencode(fields)}")
        assert said[0] in answer
