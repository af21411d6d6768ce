"""What a plan refuses on the write path, and what uses no quota."""

from typing import Any

import pytest

from llmtrack.domain.plans import Reason
from llmtrack.storage.usage import PricedEvent
from tests.events import make_event
from tests.storage.summed_store import Store
from tests.storage.test_usage import store

__all__ = ["store"]


def set_plan(store: Store, name: str, limit: int | None, billing: str = "active") -> None:
    store.connection.execute(
        "update workspace set plan_name = ?, plan_monthly_events = ?, plan_billing_status = ?"
        " where id = 1",
        (name, limit, billing),
    )
    store.usage.forget()


def arriving(received_ms: int) -> PricedEvent:
    """Of November 2025 by its own time."""
    return make_event(received_ms=received_ms)


def test_a_quota_counts_inside_one_batch_and_over_batches(store: Store) -> None:
    set_plan(store, "free", 3)
    store.add(make_event(), make_event())

    third, fourth = store.add(make_event(), make_event(idempotency_key="later"))

    assert third.refusal is None
    assert fourth.refusal is not None
    assert (fourth.refusal.reason, fourth.refusal.used) == (Reason.FREE_QUOTA, 3)
    set_plan(store, "free", 4)
    [again] = store.add(make_event(idempotency_key="later"))
    assert not again.duplicate, "a refused event may be sent again"
    assert store.one("select count(*) from event") == 4


def test_a_quota_starts_anew_with_the_utc_month_of_arrival(store: Store) -> None:
    set_plan(store, "free", 1)
    december_ms = 1_796_083_200_000  # 2026-12-01T00:00:00Z

    last, too_many = store.add(*(arriving(december_ms - 1) for _ in range(2)))
    [first] = store.add(arriving(december_ms))
    [second] = store.add(arriving(december_ms + 1))

    assert [last.refusal, first.refusal] == [None, None]
    assert too_many.refusal is not None
    assert second.refusal is not None


def test_a_replay_and_a_second_report_use_no_quota(store: Store) -> None:
    set_plan(store, "free", 1)
    store.add(make_event(idempotency_key="a", response_id="r"))

    replay, report = store.add(make_event(idempotency_key="a"), make_event(response_id="r"))

    assert replay.duplicate
    assert report.merged


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (("free", 0), Reason.FREE_QUOTA),
        (("Free", 0), Reason.FREE_QUOTA),
        (("pro", 0), Reason.USAGE_LIMIT),
        (("pro", None, "past_due"), Reason.INACTIVE),
        (("pro", None), None),
        (("free", None, "past_due"), None),
    ],
)
def test_plans_refuse_as_the_contract_says(store: Store, plan: Any, reason: Reason | None) -> None:
    set_plan(store, *plan)

    [outcome] = store.add(make_event())

    assert (outcome.refusal.reason if outcome.refusal else None) == reason
