"""`llmtrack prices recompute`, `runs`, `resume`, `undo`: previewed, applied, taken back."""

import signal
import time
from typing import Any

import pytest

from llmtrack.domain.events import UsageEvent
from llmtrack.domain.usage import ReportedUsage, canonical_usage
from llmtrack.services.price_books import bundled_book
from llmtrack.storage.usage import PricedEvent
from tests.cli.conftest import Processes, Program
from tests.events import NOW_MS

DAY_MS = 86_400_000
ACME = ("--workspace", "Acme")
PERIOD = ("--from", "2025-11-20", "--to", "2025-11-25")
MODELS = (("openai", "gpt-4o-mini"), ("azure", "our-deployment"))


def events(count: int) -> list[PricedEvent]:
    """Calls of both models, spread over four days."""
    book = bundled_book()
    found = []
    for place in range(count):
        provider, model = MODELS[place % 2]
        reported = ReportedUsage(provider=provider, input_tokens=1_000, output_tokens=100)
        at_ms = NOW_MS - place * 4 * DAY_MS // count
        event = UsageEvent(
            provider=provider, model=model, timestamp_ms=at_ms, received_ms=at_ms, reported=reported
        )
        usage = canonical_usage(reported)
        cost = book.price(provider, model, usage, at_ms=at_ms)
        found.append(PricedEvent(1, 1, "api", event, usage, cost))
    return found


@pytest.fixture
def filled(program: Program) -> Program:
    program.json("keys", "create", *ACME, "--name", "app")
    program.add(events(60))
    return program


def alias(program: Program) -> None:
    program.ok(
        *("prices", "alias", "our-deployment", *ACME, "--provider", "azure"),
        *("--to-provider", "azure", "--to-model", "gpt-4o-mini"),
    )


def set_price(program: Program) -> None:
    program.ok(
        *("prices", "set", "gpt-4o-mini", *ACME, "--provider", "openai"),
        *("--input", "1", "--output", "1"),
    )


def recompute(program: Program, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = program.json("prices", "recompute", *ACME, *PERIOD, *more)
    return found


def cost(program: Program) -> list[tuple[str, str, int]]:
    rows = program.json("usage", *ACME, *PERIOD)
    return sorted((row["model"], row["cost_usd"], row["unpriced_events"]) for row in rows)


def test_a_dry_run_says_what_would_change_and_changes_nothing(filled: Program) -> None:
    set_price(filled)
    before = cost(filled)

    shown = recompute(filled, "--dry-run")["preview"]

    assert (shown["events"], shown["before_usd"], shown["after_usd"]) == (30, "0.0063", "0.033")
    assert shown["difference_usd"] == "0.0267"
    assert {row["model"] for row in shown["rows"]} == {"gpt-4o-mini"}
    assert sum(row["events"] for row in shown["rows"]) == 30
    assert cost(filled) == before
    assert filled.json("prices", "runs", *ACME) == []


def test_a_run_is_applied_kept_and_undone(filled: Program) -> None:
    set_price(filled)
    before = cost(filled)

    run = recompute(filled, "--yes", "--reason", "the contract of November")["run"]

    assert (run["state"], run["changed_events"], run["after_usd"]) == ("applied", 30, "0.033")
    assert ("gpt-4o-mini", "0.033", 0) in cost(filled)
    [kept] = filled.json("prices", "runs", *ACME)
    assert kept == run
    assert kept["reason"] == "the contract of November"
    assert kept["by"].startswith("command line (uid ")
    filled.ok("check", "data")

    undone = filled.json("prices", "undo", *ACME, run["id"], "--yes")

    assert (undone["state"], undone["restored_events"]) == ("undone", 30)
    assert cost(filled) == before
    assert "is undone" in filled.fails(5, "prices", "undo", *ACME, run["id"], "--yes")
    filled.ok("check", "data")


def test_only_unpriced_and_one_model(filled: Program) -> None:
    set_price(filled)
    alias(filled)  # which prices what had no price

    assert recompute(filled, "--dry-run", "--model", "gpt-4o-mini")["preview"]["events"] == 30
    assert recompute(filled, "--dry-run", "--model", "o3")["preview"]["events"] == 0
    only = recompute(filled, "--dry-run", "--only-unpriced")["preview"]
    assert {row["model"] for row in only["rows"]} <= {"our-deployment"}


def test_nothing_is_changed_without_a_yes(filled: Program) -> None:
    set_price(filled)
    before = cost(filled)

    said = filled.fails(5, "prices", "recompute", *ACME, *PERIOD)

    assert "Change the cost of 30 events?" in said
    assert cost(filled) == before


def test_the_preview_reads_well(filled: Program) -> None:
    set_price(filled)

    shown = filled.ok("prices", "recompute", *ACME, *PERIOD, "--dry-run").stdout

    assert "2025-11-24  gpt-4o-mini" in shown
    assert "30 of 60 events would change, 0 of them without a cost so far" in shown
    assert "Difference  0.0267 USD" in shown


def test_wrong_questions_are_answered(filled: Program) -> None:
    args = ("prices", "recompute", *ACME)
    filled.fails(2, *args)
    assert "is not after" in filled.fails(2, *args, "--from", "2026-01-01", "--to", "2026-01-01")
    assert "is no time" in filled.fails(2, *args, "--from", "then", "--to", "2026-01-01")
    filled.fails(3, "prices", "runs", *ACME, "run_aaaaaaaaaaaaaaaa")
    filled.fails(3, "prices", "undo", *ACME, "run_aaaaaaaaaaaaaaaa", "--yes")


def test_a_killed_run_goes_on_where_it_stopped(program: Program, processes: Processes) -> None:
    program.json("keys", "create", *ACME, "--name", "app")
    program.add(events(12_000))
    set_price(program)
    expected = recompute(program, "--dry-run")["preview"]
    process = processes.start(
        *("--data-dir", program.directory, "prices", "recompute", *ACME, *PERIOD, "--yes")
    )
    run = _begun(program)
    process.send_signal(signal.SIGKILL)
    process.wait()
    run = program.json("prices", "runs", *ACME, run["id"])
    assert run["state"] == "applying"
    assert 0 < run["changed_events"] < expected["events"]
    program.ok("check", "data")

    done = program.json("prices", "resume", *ACME, run["id"])

    assert (done["state"], done["changed_events"]) == ("applied", expected["events"])
    assert done["after_usd"] == expected["after_usd"]
    assert ("gpt-4o-mini", expected["after_usd"], 0) in cost(program)
    program.ok("check", "data")


def test_a_killed_undo_goes_on_where_it_stopped(program: Program, processes: Processes) -> None:
    program.json("keys", "create", *ACME, "--name", "app")
    program.add(events(12_000))
    set_price(program)
    before = cost(program)
    applied = recompute(program, "--yes")["run"]
    process = processes.start(
        *("--data-dir", program.directory, "prices", "undo", *ACME, applied["id"], "--yes")
    )
    _begun(program, "restored_events")
    process.send_signal(signal.SIGKILL)
    process.wait()
    run = program.json("prices", "runs", *ACME, applied["id"])
    assert run["state"] == "undoing"
    assert 0 < run["restored_events"] < applied["changed_events"]
    program.ok("check", "data")

    done = program.json("prices", "resume", *ACME, run["id"])

    assert (done["state"], done["restored_events"]) == ("undone", applied["changed_events"])
    assert cost(program) == before
    program.ok("check", "data")


def _begun(program: Program, counter: str = "changed_events") -> dict[str, Any]:
    """The run as soon as it has changed something."""
    for _ in range(600):
        runs: list[dict[str, Any]] = program.json("prices", "runs", *ACME)
        if runs and runs[0][counter]:
            return runs[0]
        time.sleep(0.01)
    raise AssertionError("the run never began")


def test_unpriced_models_are_listed(filled: Program) -> None:
    [found] = filled.json("prices", "unpriced")

    assert found["events"] == 30
    assert (found["provider"], found["model"]) == ("azure", "our-deployment")
    assert (found["tokens"], found["tokens_are_at_least"]) == (30 * 1_100, False)
    assert found["first_seen"] == "2025-11-20T17:36:00.000Z"
    assert found["last_seen"] == "2025-11-24T14:24:00.000Z"


def test_a_name_for_a_model_prices_its_events_at_once(filled: Program) -> None:
    before = cost(filled)
    assert ("our-deployment", "0", 30) in before

    alias(filled)

    assert ("our-deployment", "0.0063", 0) in cost(filled)
    assert filled.json("prices", "unpriced") == []
    [run] = filled.json("prices", "runs", *ACME)
    assert (run["only_unpriced"], run["newly_priced_events"]) == (True, 30)
    assert run["reason"] == "azure/our-deployment: as azure/gpt-4o-mini"
    filled.json("prices", "undo", *ACME, run["id"], "--yes")
    assert cost(filled) == before
    filled.ok("check", "data")


def test_a_price_of_the_instance_reaches_every_workspace(filled: Program) -> None:
    filled.ok("workspaces", "create", "Empty")
    made = filled.json(
        *("prices", "set", "our-deployment", "--global", "--provider", "azure", "--free")
    )

    assert made["repriced_events"] == 30
    assert ("our-deployment", "0", 0) in cost(filled)
    assert filled.json("prices", "runs", "--workspace", "Empty") == []


def test_tokens_of_days_with_priced_events_as_well(filled: Program) -> None:
    filled.ok(
        *("prices", "alias", "our-deployment", *ACME, "--provider", "azure"),
        *("--to-provider", "azure", "--to-model", "gpt-4o-mini"),
        *("--to", "2025-11-24T09:00:00Z"),
    )

    [found] = filled.json("prices", "unpriced", *ACME)

    assert 0 < found["events"] < 30
    assert found["tokens"] == found["events"] * 1_100
    assert found["first_seen"] >= "2025-11-24T09:00:00Z"
