"""Sums that are written after their events: nothing is lost or counted twice between the two."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmtrack.storage.database import Database
from llmtrack.storage.opening import connect_writer
from llmtrack.storage.pending_sums import PendingSums, settle
from llmtrack.storage.priced_events import PricedEvent
from llmtrack.storage.usage import Outcome
from llmtrack.storage.writer import transaction
from tests.events import make_event
from tests.storage.summed_store import Store, expected_rollups, random_event, stored_rollups


class LateStore(Store):
    """One that leaves sums for later, as the server does."""

    def __init__(self, path: Path) -> None:
        self.pending = PendingSums()
        super().__init__(path, self.pending)

    def add(self, *events: PricedEvent) -> list[Outcome]:
        outcomes = super().add(*events)
        self.pending.committed(self.connection)
        return outcomes

    def settle(self) -> None:
        with transaction(self.connection):
            self.pending.settle(self.connection)


@pytest.fixture
def store(tmp_path: Path) -> LateStore:
    return LateStore(tmp_path / "llmtrack.db")


def unsummed(store: Store) -> int:
    return int(store.one("select count(*) from unsummed"))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.lists(st.sampled_from("aaaasdf"), max_size=12))
def test_sums_are_exact_once_they_are_settled(
    tmp_path_factory: pytest.TempPathFactory, seed: int, steps: str
) -> None:
    """a: add a batch, s: settle, d: the process dies, f: a transaction fails."""
    rng = random.Random(seed)  # noqa: S311 - examples
    path = tmp_path_factory.mktemp("sums") / "llmtrack.db"
    store = LateStore(path)
    for step in steps:
        if step == "a":
            store.add(*(random_event(rng) for _ in range(rng.randrange(1, 20))))
        elif step == "s":
            store.settle()
        elif step == "d":
            store.usage.__init__(PendingSums())  # type: ignore[misc]
            store.pending = PendingSums()
            store.usage._pending = store.pending
        else:
            with pytest.raises(TypeError):
                Store.add(store, random_event(rng), make_event(workspace_id=999))
            store.usage.forget()
    store.settle()

    assert stored_rollups(store) == expected_rollups(store)
    assert unsummed(store) == 0
    store.connection.close()


def test_a_batch_is_noted_with_its_events_and_not_summed_yet(store: LateStore) -> None:
    store.add(make_event(), make_event())

    assert stored_rollups(store) == {}
    assert (unsummed(store), store.pending.events) == (1, 2)


def test_many_batches_are_summed_at_once(store: LateStore) -> None:
    for _ in range(5):
        store.add(make_event(), make_event())
    store.settle()

    assert stored_rollups(store) == expected_rollups(store)
    assert store.one("select events from usage_day where kind = 0") == 10


def test_what_another_process_has_summed_is_not_summed_again(store: LateStore) -> None:
    store.add(make_event())
    other = connect_writer(Path(store.one("select file from pragma_database_list")))
    with transaction(other):
        settle(other)
    other.close()
    store.add(make_event())
    store.settle()

    assert stored_rollups(store) == expected_rollups(store)


def test_a_settlement_that_fails_is_done_again(store: LateStore) -> None:
    store.add(make_event())
    store.connection.execute("begin")
    store.pending.settle(store.connection)
    store.connection.execute("rollback")
    store.add(make_event())
    store.settle()

    assert stored_rollups(store) == expected_rollups(store)


def test_a_second_report_of_an_unsummed_event_counts_once(store: LateStore) -> None:
    store.add(make_event(response_id="r", latency_ms=None))
    store.add(make_event(response_id="r", feature="chat"))
    store.settle()

    assert stored_rollups(store) == expected_rollups(store)
    assert store.one("select events from usage_day where kind = 0") == 1


async def test_opening_the_file_sums_what_a_dead_process_left(store: LateStore) -> None:
    store.add(make_event(), make_event())
    path = Path(store.one("select file from pragma_database_list"))
    store.connection.close()

    database = await Database.open(path)
    [row] = await database.rows("select sum(events) from usage_day where kind = 0")
    await database.close()

    assert row[0] == 2


def test_keys_of_second_reports_are_written_some_day_too(store: LateStore) -> None:
    store.add(make_event(response_id="r", idempotency_key="first"))
    store.settle()
    for number in range(5):
        store.add(make_event(response_id="r", idempotency_key=f"again {number}"))

    assert (store.pending.events, store.pending.noted) == (0, 5)
    assert store.add(make_event(idempotency_key="again 3"))[0].duplicate
    store.settle()
    assert (store.pending.noted, unsummed(store)) == (0, 0)
    assert store.add(make_event(idempotency_key="again 3"))[0].duplicate


@pytest.mark.parametrize("end", ["dies", "fails", "is settled elsewhere"])
def test_a_noted_key_is_known_whatever_happens_next(store: LateStore, end: str) -> None:
    store.add(make_event(idempotency_key="k", response_id="r"))
    if end == "dies":
        store.pending = PendingSums()
        store.usage.__init__(store.pending)  # type: ignore[misc]
    elif end == "fails":
        store.connection.execute("begin")
        store.pending.settle(store.connection)
        store.connection.execute("rollback")
    else:
        other = connect_writer(Path(store.one("select file from pragma_database_list")))
        with transaction(other):
            settle(other)
        other.close()

    assert store.add(make_event(idempotency_key="k"))[0].duplicate
    assert store.add(make_event(response_id="r", feature="chat"))[0].merged
    assert store.one("select count(*) from event") == 1
