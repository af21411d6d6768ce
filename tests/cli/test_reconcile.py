"""`llmtrack reconcile`: a bill against what was recorded, and what the difference comes from."""

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmtrack.domain.pricing import PriceBook
from llmtrack.domain.usage import Usage
from llmtrack.services.price_books import bundled_book
from llmtrack.storage.usage import PricedEvent
from tests.cli.conftest import Program
from tests.events import NOW_MS, make_event

USAGE = Usage(input_tokens=1_000, cache_read_tokens=200, output_tokens=500)
HEADER = "start_time_iso,num_model_requests,model,input_tokens,output_tokens,input_cached_tokens"
ARGS = ("reconcile", "--workspace", "Acme", "--provider", "openai", "--file")


def call(book: PriceBook, provider: str = "openai", model: str = "gpt-4o-mini") -> PricedEvent:
    cost = book.price(provider, model, USAGE, at_ms=NOW_MS)
    return make_event(
        provider=provider,
        model=model,
        usage=USAGE,
        cost_pico=cost.cost_pico,
        cost_status=cost.status,
    )


@pytest.fixture
def filled(program: Program) -> Program:
    """Eight calls of gpt-4o-mini on 24 November 2025, and one of another provider's model."""
    program.json("keys", "create", "--workspace", "Acme", "--name", "app")
    book = bundled_book()
    program.add([call(book) for _ in range(8)] + [call(book, "anthropic", "claude-haiku-4-5")])
    return program


def written(directory: Path, *lines: str) -> str:
    file = directory / "bill.csv"
    file.write_text("\ufeff" + "\r\n".join(lines) + "\r\n", "utf-8")
    return str(file)


def cost_of(calls: int) -> Decimal:
    return Decimal(calls) * (800 * Decimal("0.15") + 200 * Decimal("0.075") + 500 * Decimal("0.6"))


def test_missing_calls_are_found_by_a_cost_and_a_usage_export(
    filled: Program, tmp_path: Path
) -> None:
    header = "date,model,cost,num_model_requests,input_tokens,output_tokens,input_cached_tokens"
    amount = cost_of(10) / 10**6
    bill = written(
        tmp_path, header, f"2025-11-24,gpt-4o-mini-2024-07-18,${amount},10,10000,5000,2000"
    )

    found = filled.json(*ARGS, bill)

    assert found["total"]["coverage_percent"] == "80.00"
    assert found["total"]["difference_usd"] == f"{(cost_of(2) / 10**6).normalize():f}"
    assert found["total"]["by_calls_usd"] == found["total"]["difference_usd"]
    assert [line["mainly"] for line in found["lines"]] == ["calls that were not recorded"]


def test_a_usage_export_alone_is_compared_by_tokens(filled: Program, tmp_path: Path) -> None:
    bill = written(tmp_path, HEADER, "2025-11-24T00:00:00Z,8,gpt-4o-mini,8000,4400,1600")

    [line] = filled.json(*ARGS, bill)["lines"]

    assert line["billed_usd"] is None
    assert line["by_output_usd"] == "0.00024"
    assert line["mainly"] == "output tokens that were not recorded"


def test_the_parts_add_up_to_the_difference(filled: Program, tmp_path: Path) -> None:
    header = "date,model,cost,num_model_requests,input_tokens,output_tokens,input_cached_tokens"
    bill = written(
        tmp_path,
        header,
        "2025-11-24,gpt-4o-mini,0.123456789012,9,9100,4444,1234",
        "2025-11-23,o3,1.5,1,7,8,0",
    )

    found = filled.json(*ARGS, bill)

    for row in (*found["lines"], found["total"]):
        parts = sum(Decimal(row[name]) for name in row if name.startswith("by_"))
        assert parts == Decimal(row["difference_usd"])


def test_other_providers_calls_are_not_on_this_bill(filled: Program, tmp_path: Path) -> None:
    bill = written(tmp_path, "date,model,cost", "2025-11-24,gpt-4o-mini,1")

    assert [line["model"] for line in filled.json(*ARGS, bill)["lines"]] == ["gpt-4o-mini"]


def test_any_providers_bill_by_named_columns(filled: Program, tmp_path: Path) -> None:
    bill = written(tmp_path, "Tag;Modell;Betrag", "2025-11-24;claude-haiku-4-5;0,5")
    columns = ("--column", "day=Tag", "--column", "model=Modell", "--column", "cost=Betrag")

    found = filled.json(
        *("reconcile", "-w", "Acme", "--provider", "anthropic", "--file", bill, *columns)
    )

    assert found["total"]["billed_usd"] == "0.5"


def test_days_outside_of_from_and_to_are_left_out(filled: Program, tmp_path: Path) -> None:
    bill = written(
        tmp_path,
        "date,model,cost",
        "2025-11-23,o3,1",
        "2025-11-24,gpt-4o-mini,1",
        "2025-11-25,o3,9",
    )

    found = filled.json(*ARGS, bill, "--from", "2025-11-24", "--to", "2025-11-25")

    assert (found["first_day"], found["last_day"]) == ("2025-11-24", "2025-11-24")
    assert found["total"]["billed_usd"] == "1"
    assert "are all outside" in filled.fails(2, *ARGS, bill, "--from", "2026-01-01")


def test_a_table_ends_with_the_verdict(filled: Program, tmp_path: Path) -> None:
    shown = filled.ok(
        *ARGS, written(tmp_path, "date,model,cost", "2025-11-24,gpt-4o-mini,1")
    ).stdout

    assert "Covered     0.35% of the bill" in shown
    assert "Billed      1 USD" in shown


def test_csv_cannot_compute_anything(filled: Program, tmp_path: Path) -> None:
    bill = written(tmp_path, "date,model,cost", '2025-11-24,"=HYPERLINK(""x"")",-1')

    shown = filled.ok(*ARGS, bill, "--csv").stdout

    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(shown)))
    assert [row["model"] for row in rows] == ['\'=HYPERLINK("x")', "gpt-4o-mini"]
    assert rows[0]["billed_usd"] == "-1"


def test_what_is_wrong_with_the_file_is_one_line(filled: Program, tmp_path: Path) -> None:
    bill = written(tmp_path, "date,model,cost", "24.11.2025,gpt-4o-mini,1")

    assert "line 2, column 'date': '24.11.2025' is no date" in filled.fails(2, *ARGS, bill)
    filled.fails(3, *ARGS, str(tmp_path / "nowhere.csv"))
    assert "known names are day" in filled.fails(2, *ARGS, bill, "--column", "colour=x")
    assert "'mistral' are not known" in filled.fails(
        2, "reconcile", "-w", "Acme", "--provider", "mistral", "--file", bill
    ).replace("of mistral", "of 'mistral'")


def test_columns_that_nothing_was_taken_from_are_named(filled: Program, tmp_path: Path) -> None:
    bill = written(tmp_path, "date,model,cost,Team", "2025-11-24,o3,9,growth")

    assert filled.json(*ARGS, bill)["unused_columns"] == ["Team"]
    assert "Not used    columns Team" in filled.ok(*ARGS, bill).output
