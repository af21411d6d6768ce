"""`llmtrack usage`: exact sums by every dimension, for any period."""

from typing import Any

import pytest

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.usage import Usage
from tests.cli.conftest import Program
from tests.events import make_event

PERIOD = ("--from", "2025-11-01", "--to", "2025-12-01")


@pytest.fixture
def key(program: Program) -> dict[str, Any]:
    made: dict[str, Any] = program.json("keys", "create", "--workspace", "Acme", "--name", "app")
    program.add(
        [
            make_event(cost_pico=9_000_000_000_000_000_000, customer_id="c", customer_name="Cora"),
            make_event(cost_pico=9_000_000_000_000_000_001, model="o3", status=1),
            make_event(cost_pico=1, model="o3", feature="search", status=3),
            make_event(
                provider="own",
                model="own\x1b[31m",
                cost_pico=None,
                cost_status=CostStatus.UNPRICED,
                usage=Usage(input_tokens=7),
            ),
        ]
    )
    return made


def rows(program: Program, by: str, *period: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = program.json(
        "usage", "--workspace", "Acme", *(period or PERIOD), "--by", by
    )
    return found


@pytest.mark.usefixtures("key")
def test_costs_are_exact_beyond_64_bits(program: Program) -> None:
    found = rows(program, "provider")

    assert [(row["provider"], row["events"], row["cost_usd"]) for row in found] == [
        ("openai", 3, "18000000.000000000002"),
        ("own", 1, "0"),
    ]
    assert found[1]["unpriced_events"] == 1


@pytest.mark.parametrize(
    ("by", "values"),
    [
        ("model", ["o3", "gpt-4o-mini", "own\x1b[31m"]),
        ("feature", ["unknown", "search"]),
        ("environment", ["production"]),
        ("status", ["error", "success", "cancelled"]),
        ("customer", ["c", None]),
        ("day", ["2025-11-24"]),
    ],
)
@pytest.mark.usefixtures("key")
def test_each_dimension_adds_up_to_the_same(
    program: Program, by: str, values: list[str | None]
) -> None:
    found = rows(program, by)

    assert [row[by] for row in found] == values
    assert sum(row["events"] for row in found) == 4
    assert sum(row["input_tokens"] for row in found) == 3 * 120 + 7


def test_keys_and_customers_have_their_names(program: Program, key: dict[str, Any]) -> None:
    [of_key] = rows(program, "key")
    customer = rows(program, "customer")[0]

    assert (of_key["key"], of_key["key_name"], of_key["key_prefix"]) == (
        key["id"],
        "app",
        key["prefix"],
    )
    assert (customer["customer"], customer["customer_name"]) == ("c", "Cora")


@pytest.mark.usefixtures("key")
def test_a_table_cannot_steer_the_terminal(program: Program) -> None:
    shown = program.ok("usage", "--workspace", "Acme", *PERIOD).stdout

    assert "\x1b" not in shown
    assert "own\N{REPLACEMENT CHARACTER}[31m" in shown


@pytest.mark.usefixtures("key")
def test_the_period_is_half_open_and_said(program: Program) -> None:
    assert rows(program, "model", "--from", "2025-11-24T16:00:00.001Z") == []
    assert rows(program, "model", "--from", "2025-11-01", "--to", "2025-11-24T16:00:00Z") == []

    said = program.ok("usage", "--workspace", "Acme", *PERIOD).stderr

    assert said == "Acme: 2025-11-01T00:00:00.000Z to 2025-12-01T00:00:00.000Z, UTC\n"


@pytest.mark.usefixtures("key")
def test_filters_narrow_what_is_added_up(program: Program) -> None:
    def events(*where: str) -> dict[str, int]:
        command = ("usage", "--workspace", "Acme", *PERIOD, *where)
        return {row["model"]: row["events"] for row in program.json(*command)}

    assert events("--where", "provider=openai") == {"gpt-4o-mini": 1, "o3": 2}
    assert events("--where", "model=o3", "--where", "status=error") == {"o3": 1}
    assert events("--where=customer=c") == {"gpt-4o-mini": 1}
    by_day = program.json(
        "usage", "-w", "Acme", *PERIOD, "--by", "day", "--where", "feature=search"
    )
    assert [row["events"] for row in by_day] == [1]
    at_risk = program.json("usage", "-w", "Acme", *PERIOD, "--at-risk", "--where", "model=o3")
    assert at_risk["rows"][0]["events"] == 2


@pytest.mark.parametrize(
    ("code", "where", "said"),
    [
        (2, ["colour=red"], "is not one of"),
        (2, ["model"], "is not one of"),
        (2, ["model="], "is not one of"),
        (2, ["model=o3", "model=o3"], "given twice"),
        (3, ["model=none such"], "there is no model 'none such' here"),
    ],
)
@pytest.mark.usefixtures("key")
def test_a_filter_that_means_nothing_is_refused(
    program: Program, code: int, where: list[str], said: str
) -> None:
    options = [f"--where={one}" for one in where]
    assert said in program.fails(code, "usage", "--workspace", "Acme", *PERIOD, *options)


def test_wrong_questions_are_usage_errors(program: Program) -> None:
    args = ("usage", "--workspace", "Acme")

    assert "is before --from" in program.fails(
        2, *args, "--from", "2026-02-01", "--to", "2026-01-01"
    )
    program.fails(2, *args, "--by", "colour")
    program.fails(2, "usage")
    program.fails(3, "usage", "--workspace", "Nope")


def test_nothing_is_no_error(program: Program) -> None:
    assert rows(program, "model") == []
    assert "no events in that time" in program.ok("usage", "--workspace", "Acme").stderr
