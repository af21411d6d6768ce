"""Every number on the Overview is the one that the command line says."""

import re
from decimal import Decimal
from fractions import Fraction
from urllib.parse import urlencode

import pytest

from llmtrack.domain.drivers import Cause, Driver, Figures, largest_drivers, split_change
from llmtrack.domain.periods import (
    DAY_MS,
    day_number,
    day_start_ms,
    local_date,
    month_start,
    next_month,
)
from llmtrack.domain.spans import Span, buckets_of
from llmtrack.domain.timeframes import Timeframe, custom_timeframe, named_timeframe
from llmtrack.web.change_words import signed_usd
from llmtrack.web.changes import Change, points_change, ratio_change
from llmtrack.web.numbers import NOTHING, milliseconds, percent, tokens_short, usd_short
from tests.conftest import NOW_MS, World
from tests.web.conftest import Client
from tests.web.overview_figures import ASKED, Asked, Figure, Row, Said, fill, pico_of
from tests.web.overview_page import OverviewPage
from tests.web.people import sign_in
from tests.web.test_pages import get


async def seen(client: Client, world: World, asked: Asked) -> tuple[OverviewPage, Timeframe, Said]:
    await world.database.write(
        lambda connection: connection.execute("update workspace set time_zone = ?", (asked.zone,))
    )
    await fill(client)
    await sign_in(client, "bob")
    query = urlencode({**asked.period, **asked.filters, "by": asked.by})
    status, text = await get(client, f"/w/{world.acme.public_id}/?{query}")
    assert status == 200
    if "from" in asked.period:
        ends = asked.period["from"], asked.period["to"]
        timeframe = custom_timeframe(*ends, NOW_MS, asked.zone)
    else:
        timeframe = named_timeframe(asked.period.get("period", "30d"), NOW_MS, asked.zone)
    return OverviewPage(text), timeframe, Said(world, asked)


def arrow(change: Change | None, otherwise: str = "") -> str:
    if change is None:
        return otherwise
    return "no change" if change.direction == "same" else f"{change.direction} {change.text}"


def compared(now: int, before: int, otherwise: str = "") -> str:
    change = ratio_change(now, before, less_is_better=None, before_text="")
    return arrow(change, otherwise)


def words(*parts: str) -> str:
    return " ".join(" ".join(parts).split())


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked.zone}-{asked.by}")
async def test_tiles_compare_two_periods_as_the_command_line_has_them(
    client: Client, world: World, asked: Asked
) -> None:
    page, timeframe, said = await seen(client, world, asked)
    now, before = await said.total(timeframe.span), await said.total(timeframe.previous)
    was = f"in {timeframe.previous_text}"

    cost = "unknown" if now.is_unknown else usd_short(now.pico)
    assert page.tile("Cost") == words(cost, compared(now.pico, before.pico, "no cost before"))
    if before.pico:
        assert f"{usd_short(before.pico)} {was}" in page.titles("Cost")
    requests = compared(now.events, before.events, "none before")
    assert page.tile("Requests") == words(tokens_short(now.events), requests)
    assert page.tile("Tokens") == words(
        *(tokens_short(now.tokens), compared(now.tokens, before.tokens)),
        *(percent(now.cache_read_tokens, now.input_tokens), "cached"),
        *(tokens_short(now.input_tokens), "in", tokens_short(now.output_tokens), "out"),
    )
    shares = [(one.failed, one.events) for one in (now, before)]
    points = arrow(points_change(*shares, before_text=""))
    failed = f"{tokens_short(now.failed)} failed"
    assert page.tile("Errors") == words(percent(*shares[0]), points, failed)
    kinds = f"errors {now.errors:,}, timeouts {now.timeouts:,}; cancelled ({now.cancelled:,})"
    assert any(title.startswith(kinds) for title in page.titles("Errors"))


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked.zone}-{asked.by}")
async def test_the_forecast_follows_from_the_days_of_the_command_line(
    client: Client, world: World, asked: Asked
) -> None:
    page, _, said = await seen(client, world, asked)
    zone = asked.zone
    today = local_date(NOW_MS, zone)
    first, midnight, end = (
        day_start_ms(day_number(day), zone)
        for day in (month_start(today), today, next_month(today))
    )
    month = await said("day", Span(first, NOW_MS))
    week_ms = day_start_ms(day_number(today) - 7, zone)
    spent = sum(map(pico_of, month))
    week = sum(map(pico_of, await said("day", Span(week_ms, midnight))))
    if not spent and not week:
        assert page.tile("Forecast this month").endswith("no known cost")
        return
    total = spent + week * (end - NOW_MS) // (7 * DAY_MS)
    assert page.tile("Forecast this month") == words(
        *(usd_short(total), usd_short(spent), "so far, then", usd_short(week // 7), "a day")
    )


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked.zone}-{asked.by}")
async def test_the_table_and_the_chart_have_the_command_lines_rows(
    client: Client, world: World, asked: Asked
) -> None:
    page, timeframe, said = await seen(client, world, asked)
    rows = await said(asked.by, timeframe.span)
    total = Figure(rows)
    table = page.table(asked.by)
    assert len(table) == len(rows) + (len(rows) > 1)
    for row in rows:
        expect_row(table[name_of(asked.by, row)], Figure([row]), total)
    if len(rows) > 1:
        expect_row(table["Total"], total, total)

    is_cost = total.pico > 0
    for name, amount in page.legend:
        figures = [Figure([row]) for row in rows if name_of(asked.by, row) == name]
        if name != "Other":
            [one] = figures
            cost = "unknown" if one.is_unknown else usd_short(one.pico)
            assert amount == (cost if is_cost else tokens_short(one.events))
    bars = page.bars
    assert len(bars) == len(buckets_of(timeframe.span, timeframe.step, asked.zone))
    full = [ends for ends, shown in bars.items() if shown not in {"$0.00", "0"}]
    for first, last in [*full[:4], next(iter(bars)), list(bars)[-1]]:
        bar = custom_timeframe(first, last, NOW_MS, asked.zone).span
        expect_total(bars[first, last], await said.total(bar), is_cost=is_cost)


def name_of(by: str, row: Row) -> str:
    return str((row["key_name"] if by == "key" else row[by]) or f"No {by}")


def expect_row(cells: list[str], one: Figure, total: Figure) -> None:
    """Cost, share, requests, input, output, cached, a thousand requests; last: errors."""
    more = " + ?" if one.unpriced_events and not one.is_unknown else ""
    part, whole = (one.pico, total.pico) if total.pico else (one.events, total.events)
    hidden = one.is_unknown and total.pico
    known = one.events - one.unpriced_events - one.unknown_usage_events
    assert cells[:7] == [
        "unknown" if one.is_unknown else usd_short(one.pico) + more,
        str(NOTHING) if hidden else percent(part, whole),
        tokens_short(one.events),
        tokens_short(one.input_tokens),
        tokens_short(one.output_tokens),
        percent(one.cache_read_tokens, one.input_tokens),
        str(NOTHING) if one.is_unknown else usd_short(round(Fraction(one.pico * 1000, known))),
    ]
    assert cells[-1] == percent(one.failed, one.events)


def expect_total(shown: str, bar: Figure, *, is_cost: bool) -> None:
    """Of one bar. What has no known cost is nothing, unless "Other" of 0 stands beside it."""
    if not is_cost:
        assert shown == tokens_short(bar.events)
    elif bar.is_unknown:
        assert shown in {str(NOTHING), "$0.00"}
    else:
        assert shown == usd_short(bar.pico)


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked.zone}-{asked.by}")
async def test_the_causes_of_a_change_follow_from_the_command_lines_rows(
    client: Client, world: World, asked: Asked
) -> None:
    page, timeframe, said = await seen(client, world, asked)
    best: tuple[int, str, list[Driver], dict[str, Figure], dict[str, Figure]]
    best = (0, "", [], {}, {})
    for by in ("feature", "model"):
        if by in asked.filters:
            continue
        before, now = [
            {name_of(by, row): Figure([row]) for row in await said(by, span)}
            for span in (timeframe.previous, timeframe.span)
        ]
        if not before:
            continue
        splits = split_change(*[
            {name: Figures(one.events, one.tokens, one.pico) for name, one in period.items()}
            for period in (before, now)
        ])  # fmt: skip
        drivers = largest_drivers(splits, 3)
        moved = sum(abs(driver.amount_pico) for driver in drivers)
        best = max(best, (moved, by, drivers, before, now), key=lambda one: one[0])
    _, by, drivers, before, now = best
    assert [shown[:3] for shown in page.drivers] == [
        (signed_usd(driver.amount_pico), by, str(driver.value)) for driver in drivers
    ]
    for driver, (*_, text) in zip(drivers, page.drivers, strict=True):
        counts = [one[str(driver.value)].events for one in (before, now) if driver.value in one]
        if driver.cause is Cause.REQUESTS and len(counts) == 2:
            assert f"({counts[0]:,}, then {counts[1]:,})" in text
    if drivers:
        assert page.compared_with == timeframe.previous_text


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked.zone}-{asked.by}")
async def test_what_has_no_cost_is_counted_as_the_command_line_counts_it(
    client: Client, world: World, asked: Asked
) -> None:
    page, timeframe, said = await seen(client, world, asked)
    both = await said("model", timeframe.span, "--at-risk")
    total, risk = Figure(both["rows"]), both["at_risk"]
    unpriced = [row["model"] for row in both["rows"] if row["unpriced_events"]]
    if total.unpriced_events:
        assert page.notice.startswith(f"{total.unpriced_events:,} request")
        assert f"of {len(unpriced):,} model" in page.notice
        assert all(name in page.notice for name in unpriced)
    else:
        assert page.notice == ""
    for count, text in (
        (total.partial_events, "(?:is|are) priced in part"),
        (total.unknown_usage_events, "told no usable token counts"),
    ):
        told = re.search(rf"([\d,]+) requests? {text}", page.text)
        assert (told[1] if told else "0") == f"{count:,}"
    if not risk["at_risk_events"]:
        assert page.at_risk == ""
        return
    assert f"at risk {risk['at_risk_events']:,} request" in page.at_risk
    if risk["at_risk_estimated_events"]:
        estimate = usd_short(int(Decimal(risk["at_risk_estimate_usd"]) * 10**12))
        assert f"{estimate} for {risk['at_risk_estimated_events']:,} of them" in page.at_risk
    if risk["at_risk_estimated_events"] and risk["at_risk_unestimated_events"]:
        assert f"For {risk['at_risk_unestimated_events']:,} there is no estimate" in page.at_risk


async def test_latencies_are_those_of_the_events(client: Client, world: World) -> None:
    page, timeframe, _ = await seen(client, world, ASKED[0])
    rows = await world.database.rows(
        "select latency_ms from event where timestamp_ms >= :start_ms and timestamp_ms < :end_ms "
        "order by 1",
        **timeframe.span._asdict(),
    )
    p95, _, p50 = page.tile("p95 latency").partition(" p50 ")
    for shown, share in ((p95, 0.95), (p50, 0.5)):
        exact = rows[int(share * len(rows))][0]
        nearby = {milliseconds(exact * part / 1000) for part in range(960, 1041)}
        assert any(shown.startswith(one) for one in nearby), (shown, exact)
