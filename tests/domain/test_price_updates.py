"""A newer price list: what changes, what is held back, and that nothing is dropped."""

from copy import deepcopy
from datetime import date
from typing import Any

import msgspec
import pytest

from llmtrack.domain.money import usd_text
from llmtrack.domain.price_list import encode_price_list, parse_price_list, parse_upstream_list
from llmtrack.domain.price_updates import Update, newest_price_date, planned_update
from llmtrack.domain.pricing import ListedPrices, PriceBook
from llmtrack.domain.usage import Usage
from llmtrack.services.price_books import PRICES_FILE

DATA = PRICES_FILE.read_bytes()
LIST = parse_price_list(DATA)
TODAY = date(2026, 11, 20)
NOW = 1_795_176_000_000
Row = dict[str, Any]


def changed(**prices: Any) -> Row:
    """A list of two models in which gpt-x has other prices."""
    rows = {"gpt-x": {"input_mtok": "2", "output_mtok": "8"} | prices, "gpt-y": {"input_mtok": "1"}}
    return document(
        *(
            {"id": name, "match": {"equals": name}, "prices": _given(row)}
            for name, row in rows.items()
        )
    )


def _given(prices: dict[str, Any]) -> dict[str, Any]:
    return {key: rate for key, rate in prices.items() if rate is not None}


def document(*rows: Row, provider: str = "openai") -> Row:
    providers = [{"id": provider, "name": provider, "models": list(rows)}]
    head = {"format": 1, "source": "test", "version": "1", "date": "2026-11-20"}
    return head | {"providers": providers}


def update(before: Row, after: Row, *forced: str) -> Update:
    lists = [parse_price_list(msgspec.json.encode(found)) for found in (before, after)]
    return planned_update(lists[0], lists[1], today=TODAY, forced=forced)


def price_of(found: Update, model: str) -> str | None:
    book = PriceBook(ListedPrices(found.merged))
    usage = Usage(input_tokens=10**6, output_tokens=0)
    cost = book.price("openai", model, usage, at_ms=NOW).cost_pico
    return None if cost is None else usd_text(cost)


def test_a_list_survives_being_written_and_read() -> None:
    assert parse_price_list(encode_price_list(LIST)) == LIST


def test_the_same_list_changes_nothing() -> None:
    assert planned_update(LIST, LIST, today=TODAY).changes == ()


def test_the_published_array_of_the_same_prices_changes_nothing() -> None:
    providers = msgspec.json.encode(msgspec.json.decode(DATA)["providers"])

    found = planned_update(LIST, parse_upstream_list(providers, "v2", TODAY), today=TODAY)

    assert (found.changes, found.refused) == ((), ())


def test_a_plain_change_is_taken_over_and_told() -> None:
    found = update(changed(), changed(input_mtok="3"))

    [change] = found.changes
    assert (change.kind, change.name, change.held_back) == ("changed", "openai/gpt-x", None)
    [rate] = change.rates
    assert (rate.key, str(rate.before), str(rate.after)) == ("input_mtok", "2", "3")
    assert price_of(found, "gpt-x") == "3"


@pytest.mark.parametrize(
    ("prices", "why"),
    [
        ({"input_mtok": "0"}, "goes from 2 to 0"),
        ({"input_mtok": "20.1"}, "more than 10 times"),
        ({"input_mtok": "0.19"}, "more than 10 times"),
        ({"output_mtok": None}, "output_mtok is gone"),
        ({"input_mtok": {"base": "2", "tiers": [{"start": 9, "price": "90"}]}}, "more than 10"),
    ],
)
def test_a_doubtful_change_is_held_back_until_a_person_names_the_model(
    prices: dict[str, Any], why: str
) -> None:
    before, after = changed(), changed(**prices)

    found = update(before, after)
    assert found.held_back == ["openai/gpt-x"]
    assert why in str(found.changes[0].held_back)
    assert price_of(found, "gpt-x") == "2"

    forced = update(before, after, "openai/gpt-x")
    assert forced.held_back == []
    assert forced.merged.providers == parse_price_list(msgspec.json.encode(after)).providers


def test_every_doubt_about_a_model_is_told() -> None:
    found = update(changed(), changed(input_mtok="0", output_mtok=None))

    told = str(found.changes[0].held_back).split("; ")
    assert told == ["input_mtok goes from 2 to 0", "output_mtok is gone"]


def test_a_service_tier_that_is_gone_is_one_doubt_after_the_zeros() -> None:
    row = changed()["providers"][0]["models"][0]
    rates = {"input_mtok": "1", "output_mtok": "4", "cache_read_mtok": "0.1"}
    variants = [
        {"when": {"processing": "batch"}, "prices": rates},
        {"when": {"service_tier": "flex"}, "prices": rates},
    ]
    before = document(row | {"price_variants": variants})

    found = update(before, changed(output_mtok="0"))

    assert str(found.changes[0].held_back).split("; ") == [
        "output_mtok goes from 8 to 0",
        "service tier batch is gone",
        "service tier flex is gone",
    ]


def test_exactly_ten_times_is_taken_over() -> None:
    for rate in ("20", "0.2"):
        assert update(changed(), changed(input_mtok=rate)).held_back == []


def test_zero_that_is_a_price_no_more_is_held_back() -> None:
    found = update(changed(input_mtok="0"), changed())

    assert found.held_back == ["openai/gpt-x"]


def test_a_doubt_about_another_day_or_service_tier_counts() -> None:
    row = changed()["providers"][0]["models"][0]
    batch = {"when": {"processing": "batch"}, "prices": {"input_mtok": "1"}}
    before = document(row | {"price_variants": [batch]})
    batch_free = batch | {"prices": {"input_mtok": "0"}}
    later = [
        {"prices": row["prices"]},
        {"constraint": {"start_date": "2027-01-01"}, "prices": {"input_mtok": "99"}},
    ]

    assert update(before, document(row | {"price_variants": [batch_free]})).held_back
    found = update(document(row), document(row | {"prices": later}))
    assert found.held_back
    assert {str(rate.since) for rate in found.changes[0].rates} == {"2027-01-01"}


def test_rows_and_providers_that_are_gone_keep_their_price() -> None:
    after = changed()
    after["providers"][0]["models"].pop(0)
    found = update(changed(), after)
    assert [(change.kind, change.name) for change in found.changes] == [("removed", "openai/gpt-x")]
    assert price_of(found, "gpt-x") == "2"
    assert price_of(update(changed(), after, "openai/gpt-x"), "gpt-x") is None

    other = document(provider="mistral")
    found = update(changed(), other)
    assert found.held_back == ["openai/gpt-x", "openai/gpt-y"]
    assert price_of(found, "gpt-y") == "1"


def test_a_new_model_is_taken_over() -> None:
    after = changed()
    row = {"id": "new", "match": {"equals": "new"}, "prices": {"input_mtok": "5"}}
    after["providers"][0]["models"].append(row)

    found = update(changed(), after)

    assert [(change.kind, change.model) for change in found.changes] == [("added", "new")]
    assert price_of(found, "new") == "5"


def test_names_that_a_newer_row_lists_no_more_keep_their_price() -> None:
    before = changed()
    before["providers"][0]["models"][0]["match"] = {"or": [{"equals": "gpt-x"}, {"equals": "old"}]}

    assert price_of(update(before, changed()), "old") == "2"
    moved = changed()
    moved["providers"][0]["models"][1]["match"] = {"or": [{"equals": "gpt-y"}, {"equals": "old"}]}
    assert price_of(update(before, moved), "old") == "1"


@pytest.mark.parametrize(
    "broken",
    [
        {"prices": {"input_mtok": "3", "smells_kcount": "1"}},
        {"prices": {"input_mtok": "-3"}},
        {"prices": [{"constraint": {"weekday": "monday"}, "prices": {"input_mtok": "3"}}]},
        {"prices": {"input_mtok": {"base": "3", "curve": "steep"}, "x": "1"}},
        {"match": {"sounds_like": "gpt-x"}},
        {"match": {"regex": "("}},
    ],
)
def test_a_row_that_is_not_understood_is_listed_and_the_old_one_holds(broken: Row) -> None:
    after = deepcopy(changed(input_mtok="3"))
    after["providers"][0]["models"][0] |= broken

    found = update(changed(), after)

    [refused] = found.refused
    assert (refused.provider, refused.model) == ("openai", "gpt-x")
    assert found.changes == ()
    assert price_of(found, "gpt-x") == "2"


def test_the_newest_price_in_force_dates_a_feed() -> None:
    newest = newest_price_date(LIST, TODAY)

    assert newest is not None
    assert date(2026, 10, 1) < newest <= TODAY
    assert newest_price_date(LIST, date(2000, 1, 1)) is None
