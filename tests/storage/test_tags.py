"""Sums by tracked tags are what the events add up to, and go with what they are sums of."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from llmtrack.domain.errors import AlreadyExists, InvalidValue, NotFound, Refused
from llmtrack.domain.periods import DAY_MS
from llmtrack.domain.tags import TAGS_MAX
from llmtrack.services.inspection import recounted
from llmtrack.services.tag_counting import drive_tag_changes, tag_counter
from llmtrack.storage import tag_counting, tag_sums
from llmtrack.storage.audit import list_entries
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.erasure import START, erase_customer_events, erase_customer_totals
from llmtrack.storage.event_pages import event_page
from llmtrack.storage.labels import choices, value_of
from llmtrack.storage.purge import purge_events
from llmtrack.storage.questions import Question, TooMuchToRead, route
from llmtrack.storage.reports import usage_by_value
from llmtrack.storage.tracked_tags import tags_of, tracked_tags, untrack_tag
from tests.storage.seeded import WORKSPACE_ID, Seeded, random_row, repeatable, seeded
from tests.storage.tagged import (
    END_MS,
    OPERATOR,
    SPAN,
    START_MS,
    ZONE,
    assert_right,
    change_events,
    expected,
    found,
    set_metadata,
    tag_all,
    told,
    track,
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Seeded]:
    async with seeded(tmp_path / "llmtrack.db", ZONE, START_MS, END_MS, 300) as store:
        yield store


async def test_events_that_were_there_are_counted_and_answers_are_exact_meanwhile(
    store: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_counting, "COUNT_EVENTS", 60)
    await tag_all(store)
    await track(store, "team", "tier")
    # The dictionary learns of a value when it is counted: until then it is one of the others.
    steps = 0
    while await store.scope.write(tag_counting.count_tags):
        steps += 1
        assert (await recounted(store.scope)).found == []
        total = sum(events for events, _ in (await found(store.scope, "team")).values())
        assert total == len(store.rows)
    assert steps > 4
    await assert_right(store)
    async with store.scope.reading() as reading:
        [team, tier] = await tags_of(reading)
        assert (team.counted_quarter, team.known_ms) == (0, None)
        assert route(Question(team, SPAN, ZONE, {Kind.MODEL: 1})) is not None
        assert route(Question(team, SPAN, ZONE, {tier: 1})) is not None


async def test_values_past_the_bound_count_as_other_values_and_nothing_is_lost(
    store: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_sums, "VALUES_MAX", 2)
    await tag_all(store)
    await track(store, "team")
    await drive_tag_changes(store.scope)

    values = await found(store.scope, "team")
    truth = expected(store.rows, "team")
    own = values.keys() - {"other values", None}
    assert len(own) == 2
    assert {value: values[value] for value in own} == {value: truth[value] for value in own}
    assert values[None] == truth[None]
    assert sum(events for events, _ in values.values()) == len(store.rows)
    assert (await recounted(store.scope)).found == []
    async with store.scope.reading() as reading:
        [shown] = await tracked_tags(reading)
        days = (START_MS // DAY_MS, END_MS // DAY_MS + 1)
        labels = await choices(reading, shown.tag, days, most=9)
    assert shown.values == 2
    assert {label.text for label in labels} == own


async def test_a_tag_that_is_tracked_no_more_leaves_nothing(store: Seeded) -> None:
    await tag_all(store)
    await track(store, "team", "tier")
    await drive_tag_changes(store.scope)
    await store.scope.write(untrack_tag, key="team", actor=OPERATOR, now_ms=END_MS)
    async with store.scope.reading() as reading:
        assert [tag.key for tag in await tags_of(reading)] == ["tier"]
    await tag_counter(store.database).work()

    def left(connection: Any) -> list[int]:
        kinds = "select count(*) from {} where kind >= 1024 and kind <> 1026"
        counts = [
            connection.execute(kinds.format(table)).fetchone()[0]
            for table in ("usage_quarter", "usage_day")
        ]
        pairs = "select count(*) from usage_pair_day where kind >= 1024 and kind / 16 <> 1026"
        values = "select count(*) from tag_value where number = 1"
        return [*counts, *(connection.execute(sql).fetchone()[0] for sql in (pairs, values))]

    assert await store.database.write(left) == [0, 0, 0, 0]
    assert (await recounted(store.scope)).found == []
    assert await found(store.scope, "tier") == expected(store.rows, "tier")
    actions = [entry.action for entry in await list_entries(store.scope)]
    assert actions == ["tag.untrack", "tag.track", "tag.track"]
    await track(store, "team")
    await drive_tag_changes(store.scope)
    await assert_right(store)


async def test_purged_events_keep_their_tags_and_a_later_tag_says_what_it_cannot_know(
    store: Seeded,
) -> None:
    await tag_all(store)
    await track(store, "team")
    await drive_tag_changes(store.scope)
    before = await found(store.scope, "team")
    while (await store.scope.write(purge_events, before_ms=START_MS + 2 * DAY_MS)).events:
        pass

    assert await found(store.scope, "team") == before
    await track(store, "tier")
    await drive_tag_changes(store.scope)
    assert await found(store.scope, "team") == before
    assert (await recounted(store.scope)).found == []
    async with store.scope.reading() as reading:
        [team, tier] = await tags_of(reading)
    assert team.known_ms is None
    assert tier.known_ms is not None
    assert START_MS < tier.known_ms <= START_MS + 2 * DAY_MS


async def name_customers(store: Seeded) -> None:
    """A tag `user` with the customer's id, or now and then another's."""
    source = repeatable("named")
    names = {number: text for (kind, text), number in store.ids.items() if kind is Kind.CUSTOMER}
    users = [names.get(row.customer_id or 0) or source.choice(["x", "acme"]) for row in store.rows]
    store.rows = [
        row._replace(metadata=f'{{"user":"{user}"}}')
        for row, user in zip(store.rows, users, strict=True)
    ]
    await store.database.write(set_metadata, store.rows)


async def test_erasing_a_customer_takes_its_pairs_and_a_value_that_names_it(store: Seeded) -> None:
    await name_customers(store)
    await track(store, "user")
    await drive_tag_changes(store.scope)
    before = await found(store.scope, "user")
    acme = store.ids[Kind.CUSTOMER, "acme"]

    def erase(connection: Any) -> None:
        place = START
        while True:
            count, place = erase_customer_events(connection, WORKSPACE_ID, acme, after=place)
            if not count:
                break
        erase_customer_totals(connection, WORKSPACE_ID, acme)

    await store.database.write(erase)
    after = await found(store.scope, "user")
    assert "acme" not in after
    assert after["other values"] == before["acme"]
    assert sum(events for events, _ in after.values()) == len(store.rows)
    late = random_row(repeatable(1), store.ids, WORKSPACE_ID, START_MS)._replace(
        metadata='{"user":"acme"}', customer_id=None
    )
    await store.database.write(change_events, [late], [])
    again = await found(store.scope, "user")
    assert again["other values"][0] == after["other values"][0] + 1
    assert (await recounted(store.scope)).found == []

    def left(connection: Any) -> int:
        sql = "select count(*) from usage_pair_day where kind = 1025 * 16 + 8 and other = ?"
        return int(connection.execute(sql, (acme,)).fetchone()[0])

    assert await store.database.write(left) == 0


async def test_a_wrong_row_by_a_tag_is_found(store: Seeded) -> None:
    await tag_all(store)
    await track(store, "team", "tier")
    await drive_tag_changes(store.scope)
    for table, kind, what in (
        ("usage_quarter", 1025, "tag team"),
        ("usage_day", 1026, "tag tier"),
        ("usage_pair_day", 1025 * 16 + 2, "tag team x model"),
        ("usage_pair_day", 1025 * 2**16 + 1026, "tag team x tag tier"),
    ):
        where = f"kind = {kind} and bucket = (select max(bucket) from {table} where kind = {kind})"  # noqa: S608

        def spoil(connection: Any, by: int, table: str = table, where: str = where) -> None:
            connection.execute(f"update {table} set events = events + ? where {where}", (by,))  # noqa: S608

        await store.database.write(spoil, 1)
        assert {(one.table, one.what) for one in (await recounted(store.scope)).found} == {
            (table, what)
        }
        await store.database.write(spoil, -1)
    assert (await recounted(store.scope)).found == []


async def test_events_are_listed_by_tags(store: Seeded) -> None:
    await tag_all(store)
    await track(store, "team", "tier")
    for _ in range(2):  # from events, then with the help of sums
        async with store.scope.reading() as reading:
            [team, tier] = await tags_of(reading)
            ids = [(team, "search"), (tier, "gold")]
            values = [await value_of(reading, tag, text) for tag, text in ids]
        if None not in values:
            for count in (1, 2):
                filters = {tag: value for (tag, _), value in zip(ids, values, strict=True)}
                filters = dict(list(filters.items())[:count])
                page = await event_page(store.scope, SPAN, filters=filters, most=1000)  # type: ignore[arg-type]
                wanted = [
                    row.id
                    for row in store.rows
                    if all(told(row, tag.key) == text for tag, text in ids[:count])
                ]
                assert sorted(event.id for event in page.events) == sorted(wanted)
                assert wanted
        await drive_tag_changes(store.scope)
    assert None not in values


async def test_what_is_not_counted_yet_is_read_within_the_bound(store: Seeded) -> None:
    await tag_all(store)
    await track(store, "team")
    async with store.scope.reading() as reading:
        [team] = await tags_of(reading)
        question = Question(team, SPAN, ZONE, read_events_max=10)
        with pytest.raises(TooMuchToRead):
            await usage_by_value(reading, question)
    await drive_tag_changes(store.scope)
    async with store.scope.reading() as reading:
        [team] = await tags_of(reading)
        assert await usage_by_value(reading, Question(team, SPAN, ZONE, read_events_max=0))


async def test_what_a_tag_may_be_called_and_how_many_there_may_be(store: Seeded) -> None:
    for wrong in ("", "x" * 65, 'a"b', "a\\b", "a\nb"):
        with pytest.raises(InvalidValue):
            await track(store, wrong)
    await track(store, *(f"tag {number}" for number in range(TAGS_MAX)))
    with pytest.raises(AlreadyExists):
        await track(store, " tag 1 ")
    with pytest.raises(Refused, match="no more can be"):
        await track(store, "one more")
    with pytest.raises(NotFound):
        await store.scope.write(untrack_tag, key="nothing", actor=OPERATOR, now_ms=END_MS)
