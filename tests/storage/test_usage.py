"""The write path: what a batch leaves behind, and that the rollups are its exact sums."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmtrack.domain.money import join_pico
from llmtrack.domain.pricing import CostStatus
from llmtrack.domain.usage import Usage
from tests.events import NOW_MS, make_event
from tests.storage.summed_store import Store, expected_rollups, random_event, stored_rollups


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "llmtrack.db")
    yield made
    made.connection.close()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 25), min_size=1, max_size=6))
def test_rollups_are_the_sums_of_the_events(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sizes: list[int]
) -> None:
    rng = random.Random(seed)  # noqa: S311 - examples
    store = Store(tmp_path_factory.mktemp("rollups") / "llmtrack.db")

    for size in sizes:
        store.add(*(random_event(rng) for _ in range(size)))

    assert stored_rollups(store) == expected_rollups(store)
    store.connection.close()


def test_sums_over_ten_million_dollars_stay_exact(store: Store) -> None:
    cost = 9_000_000 * 10**12 + 1
    store.add(*(make_event(cost_pico=cost) for _ in range(3)))
    store.add(make_event(cost_pico=cost))

    [row] = store.rows("select cost_micro, cost_rest from usage_day where kind = 0")
    assert join_pico(*row) == 4 * cost


def test_a_known_idempotency_key_stores_nothing(store: Store) -> None:
    first, same = store.add(make_event(idempotency_key="a"), make_event(idempotency_key="a"))
    [later] = store.add(make_event(idempotency_key="a"))
    [other_workspace] = store.add(make_event(2, idempotency_key="a"))

    assert [first.duplicate, same.duplicate, later.duplicate] == [False, True, True]
    assert not other_workspace.duplicate
    assert store.one("select count(*) from event") == 2


def test_a_header_that_is_not_utf_8_is_a_key_like_any_other(store: Store) -> None:
    key = b"caf\xe9".decode(errors="surrogateescape")

    assert not store.add(make_event(idempotency_key=key))[0].duplicate
    assert store.add(make_event(idempotency_key=key))[0].duplicate


@pytest.mark.parametrize("apart", [True, False], ids=["two transactions", "one transaction"])
def test_two_reports_of_one_response_are_one_event(store: Store, *, apart: bool) -> None:
    sparse = make_event(
        response_id="r", usage=Usage(), cost_pico=None, cost_status=CostStatus.NO_USAGE,
        latency_ms=None, model="gpt-4o",
    )  # fmt: skip
    full = make_event(response_id="r", feature="chat", customer_id="c", timestamp_ms=NOW_MS + 5)

    if apart:
        [first], [second] = store.add(sparse), store.add(full)
    else:
        first, second = store.add(sparse, full)

    assert second.merged
    assert (second.event_id, second.timestamp_ms) == (first.event_id, NOW_MS)
    [event] = store.rows("select * from event")
    assert (event["input_tokens"], event["cost_pico"]) == (120, 66_000_000)
    assert event["latency_ms"] == 420
    model = store.one("select text from name where id = ?", event["model_id"])
    assert model == "gpt-4o-mini", "usage, model and cost come from one report"
    assert stored_rollups(store) == expected_rollups(store)
    assert store.one("select events from quota_month") == 1


def test_a_poorer_second_report_takes_nothing_away(store: Store) -> None:
    store.add(make_event(response_id="r", feature="chat"))
    store.add(make_event(response_id="r", usage=Usage(), cost_pico=None, status=1))

    [event] = store.rows("select input_tokens, cost_pico, status from event")
    assert tuple(event) == (120, 66_000_000, 0)


def test_the_same_response_id_in_two_workspaces_is_two_events(store: Store) -> None:
    outcomes = store.add(make_event(1, response_id="r"), make_event(2, response_id="r"))

    assert [outcome.merged for outcome in outcomes] == [False, False]


def test_what_a_failed_transaction_named_is_forgotten(store: Store) -> None:
    nowhere = make_event(workspace_id=999)
    with pytest.raises(TypeError):
        store.add(make_event(model="new"), nowhere)
    store.usage.forget()

    store.add(make_event(model="new"))

    assert store.one("select count(*) from event join name on name.id = model_id") == 1


def test_a_customers_latest_name_is_its_label(store: Store) -> None:
    store.add(make_event(customer_id="c", customer_name="Old"))
    store.add(make_event(customer_id="c", customer_name="New"), make_event(customer_id="c"))

    assert store.one("select label from name where text = 'c'") == "New"
