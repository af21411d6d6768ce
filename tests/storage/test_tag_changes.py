"""Sums by tracked tags under random changes of events, prices, zones and tags."""

import random
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmtrack.domain.errors import AlreadyExists, NotFound
from llmtrack.domain.periods import QUARTER_MS, day_of, day_start_ms
from llmtrack.domain.tags import tag_values
from llmtrack.services.inspection import recounted
from llmtrack.services.tag_counting import drive_tag_changes
from llmtrack.services.zone_changes import drive_zone_change
from llmtrack.storage import tag_counting, tag_sums
from llmtrack.storage.dimensions import Tag
from llmtrack.storage.event_rows import EventRow
from llmtrack.storage.questions import Question
from llmtrack.storage.recount_proof import draw_weights
from llmtrack.storage.recount_tag_proof import prove_tags
from llmtrack.storage.reports import usage_by_value
from llmtrack.storage.tag_values import told_value
from llmtrack.storage.tracked_tags import tags_of, track_tag, untrack_tag
from llmtrack.storage.workspaces import scope_for_admin
from llmtrack.storage.zone_changes import move_days, set_time_zone
from tests.storage.seeded import WORKSPACE_ID, Seeded, random_row, seeded
from tests.storage.tagged import (
    END_MS,
    OPERATOR,
    SPAN,
    START_MS,
    ZONE,
    change_events,
    expected,
    found,
    metadata_of,
    tag_all,
    track,
)

STEPS = st.sampled_from(
    ["add", "add", "change", "delete", "price", "zone", "move", "count", "track", "untrack"]
)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.lists(STEPS, min_size=3, max_size=14))
async def test_sums_by_tags_are_exact_under_random_changes(
    tmp_path_factory: pytest.TempPathFactory, seed: int, steps: list[str]
) -> None:
    source = random.Random(seed)  # noqa: S311 - examples
    path = tmp_path_factory.mktemp("tags") / "llmtrack.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tag_counting, "COUNT_EVENTS", 10)
        patch.setattr(tag_sums, "VALUES_MAX", 5)
        async with seeded(path, ZONE, START_MS, END_MS, 30) as store:
            await tag_all(store)
            await track(store, "team")
            for step in steps:
                await take(store, source, step)
            scope = await scope_for_admin(store.database, "wsp_1")
            await drive_zone_change(scope)
            await drive_tag_changes(scope)
            assert (await recounted(scope)).found == []
            async with scope.reading() as reading:
                for tag in await tags_of(reading):
                    assert tag.counted_quarter == 0
                    values = await usage_by_value(reading, Question(tag, SPAN, scope.time_zone))
                    named = {
                        value: sums
                        for value, sums in (await found(scope, tag.key)).items()
                        if value != "other values"
                    }
                    truth = expected(store.rows, tag.key)
                    assert {value: truth[value] for value in named} == named
                    total = sum(sums.events for sums in values.values())
                    assert total == len(store.rows)


def new_rows(
    store: Seeded, source: random.Random, step: str, some: list[EventRow]
) -> list[EventRow]:
    """What is there afterwards in place of some events."""
    if step == "add":
        some = [
            random_row(source, store.ids, WORKSPACE_ID, source.randrange(START_MS, END_MS))
            for _ in range(4)
        ]
    if step == "price":
        return [row._replace(cost_pico=source.randrange(10**15)) for row in some]
    if step == "delete":
        return []
    return [row._replace(metadata=metadata_of(source)) for row in some]


async def take(store: Seeded, source: random.Random, step: str) -> None:
    scope = await scope_for_admin(store.database, "wsp_1")
    some = source.sample(store.rows, min(3, len(store.rows)))
    if step == "zone":
        zone = source.choice(["Asia/Kathmandu", "America/New_York", "UTC"])
        await drive_zone_change(scope)
        await scope.write(set_time_zone, time_zone=zone, actor=OPERATOR, now_ms=END_MS)
    elif step == "move":
        await scope.write(move_days)
    elif step == "count":
        await scope.write(tag_counting.count_tags)
    elif step in {"track", "untrack"}:
        change = track_tag if step == "track" else untrack_tag
        try:
            key = source.choice(["team", "tier"])
            await scope.write(change, key=key, actor=OPERATOR, now_ms=END_MS)
        except (AlreadyExists, NotFound):
            return
    else:
        new = new_rows(store, source, step, some)
        gone = [] if step == "add" else some
        await store.database.write(change_events, new, gone)
        store.rows = [row for row in store.rows if row not in gone] + new


async def test_right_sums_are_proven_in_one_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_counting, "COUNT_EVENTS", 40)
    async with seeded(tmp_path / "llmtrack.db", ZONE, START_MS, END_MS, 200) as store:
        await tag_all(store)
        await track(store, "team", "tier", "other")
        first, last = (day_of(ms, ZONE) for ms in (START_MS, END_MS))
        while await store.scope.write(tag_counting.count_tags):
            async with store.scope.reading() as reading:
                tags = await tags_of(reading)
                for day in range(first, last + 1):
                    starts = (day_start_ms(number, ZONE) // QUARTER_MS for number in (day, day + 1))
                    which: Any = {"day": day, "quarters": range(*starts)}
                    assert await prove_tags(reading, draw_weights(), tags, **which)


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.one_of(
            st.text(max_size=5),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(allow_nan=False, allow_infinity=False),
            st.booleans(),
            st.none(),
            st.lists(st.integers(), max_size=1),
        ),
        max_size=3,
    ),
    st.sampled_from(["a", "b c", "é", "$", ".", "a.b", "[0]"]),
)
def test_sqlite_reads_the_same_values_as_python(members: dict[str, Any], key: str) -> None:
    members = {
        (key if place == 0 else name): value for place, (name, value) in enumerate(members.items())
    }
    try:
        text = msgspec.json.encode(members).decode()
    except UnicodeEncodeError:
        return
    sql = f"select {told_value(':path')} from (select :metadata as metadata)"  # noqa: S608
    connection = sqlite3.connect(":memory:")
    [row] = connection.execute(sql, {"metadata": text, "path": Tag(1, key).path}).fetchall()
    connection.close()
    assert [row[0]] == tag_values(text, [key])


@pytest.mark.parametrize("metadata", ["[]", "1", "null", '{"team"'])
def test_what_is_no_object_has_no_tags(metadata: str) -> None:
    assert tag_values(metadata, ["team", "tier"]) == [None, None]
