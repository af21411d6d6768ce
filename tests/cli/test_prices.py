"""`llmtrack prices`: what models cost, prices of one's own, and why an event cost what it did."""

import pytest

from llmtrack.domain.identifiers import event_row
from llmtrack.domain.pricing import PriceBook
from llmtrack.domain.usage import Usage
from llmtrack.services.price_books import PRICES_FILE
from llmtrack.storage.usage import PricedEvent
from tests.cli.conftest import Program
from tests.events import NOW_MS, make_event

USAGE = Usage(input_tokens=1000, output_tokens=100, total_tokens=1100, cache_read_tokens=600)


def priced_event() -> PricedEvent:
    book = PriceBook.bundled(PRICES_FILE.read_bytes())
    cost = book.price("openai", "gpt-4o-mini", USAGE, at_ms=NOW_MS)
    event = make_event(usage=USAGE, client_cost_pico=10**9)
    return PricedEvent(1, 1, "api", event.event, USAGE, cost)


def test_the_list_is_filtered_by_provider_and_name(program: Program) -> None:
    rows = program.json("prices", "list", "--provider", "azure_openai", "--search", "O4-MINI")

    assert {row["provider"] for row in rows} == {"azure"}
    assert all("o4-mini" in row["model"] for row in rows)
    table = program.ok("prices", "list", "--provider", "anthropic").stdout
    assert "claude-opus-4-1" in table


def test_show_names_rates_row_and_time(program: Program) -> None:
    shown = program.json("prices", "show", "gpt-4o-2024-11-20", "-p", "openai")
    assert (shown["status"], shown["input_mtok"], shown["output_mtok"]) == ("priced", "2.5", "10")
    assert "lists gpt-4o-2024-11-20 by name" in shown["why"]

    before = program.json("prices", "show", "o3", "-p", "openai", "--at", "2025-06-09")
    after = program.json("prices", "show", "o3", "-p", "openai", "--at", "2025-06-10")
    assert (before["input_mtok"], after["input_mtok"]) == ("10", "2")

    assert "since 2025-06-10" in after["why"]
    assert "does not say since when" in before["why"]

    told = program.fails(3, "prices", "show", "gpt-99", "-p", "openai", "--at", "2026-01-01")
    assert "openai/gpt-99 at 2026-01-01T00:00:00.000Z: no price is known" in told
    assert "llmtrack prices list -p openai" in told


def test_an_own_price_is_set_shown_listed_and_revoked(program: Program) -> None:
    made = program.json(
        *("prices", "set", "llama", "-p", "my-gateway", "--workspace", "Acme"),
        *("--input", "0.5", "--output", "1", "--from", "2026-01-01", "--reason", "contract 12"),
    )
    assert (made["price"], made["from"]) == ("input 0.5, output 1", "2026-01-01T00:00:00.000Z")

    as_acme = ("prices", "show", "llama", "-p", "my_gateway", "--workspace", "Acme")
    assert program.json(*as_acme)["origin"] == f"override:{made['id']}"
    assert "no price is known" in program.fails(3, *as_acme, "--at", "2025-12-31")
    assert "no price is known" in program.fails(3, *as_acme[:-2])
    [listed] = program.json("prices", "own", "--workspace", "Acme")
    assert (listed["reason"], listed["scope"]) == ("contract 12", "workspace")
    assert "command line" in listed["created_by"]

    assert program.json("prices", "revoke", made["id"], "-w", "Acme")["state"] == "revoked"
    assert "no price is known" in program.fails(3, *as_acme)
    assert program.json("prices", "own", "--workspace", "Acme") == []
    assert len(program.json("prices", "own", "--workspace", "Acme", "--all")) == 1
    program.fails(3, "prices", "revoke", made["id"], "-w", "Acme")


def test_an_alias_needs_a_model_that_has_a_price(program: Program) -> None:
    alias = ("prices", "alias", "our-prod", "-p", "azure", "--global", "--to-provider", "azure")

    assert "no price is known for azure/gpt-5-super" in program.fails(
        2, *alias, "--to-model", "gpt-5-super"
    )
    program.ok(*alias, "--to-model", "gpt-5")

    shown = program.json("prices", "show", "our-prod", "-p", "azure", "-w", "Acme")
    assert shown["input_mtok"] == "1.25"
    assert "azure/our-prod is azure/gpt-5" in shown["why"]
    program.fails(4, *alias, "--to-model", "gpt-5-mini")


@pytest.mark.parametrize(
    ("code", "told", "args"),
    [
        (2, "say for whom", ("set", "m", "-p", "x", "--free")),
        (2, "say for whom", ("set", "m", "-p", "x", "--free", "-w", "Acme", "--global")),
        (2, "either rates, or a percentage", ("set", "m", "-p", "x", "--global")),
        (2, "input_mtok: 'a' is no decimal", ("set", "m", "-p", "x", "--global", "--input", "a")),
        (
            2,
            "--from 'soon' is no time",
            ("set", "m", "-p", "x", "--from", "soon", "--global"),
        ),
        (3, "no workspace 'Nope'", ("set", "m", "-p", "x", "--free", "-w", "Nope")),
        (3, "no event", ("explain", "0199-nonsense")),
    ],
)
def test_mistakes_are_told(program: Program, code: int, told: str, args: tuple[str, ...]) -> None:
    assert told in program.fails(code, "prices", *args)


def test_an_event_s_cost_is_explained_line_by_line(program: Program) -> None:
    program.add([priced_event()])
    [line] = program.ok("events", "export", "--workspace", "Acme").stdout.splitlines()
    event_id = line.split('"id":"')[1][:36]
    assert event_row(event_id)[0] == NOW_MS

    told = program.json("prices", "explain", event_id)

    assert [(part["class"], part["count"], part["rate"]) for part in told["lines"]] == [
        ("input", 400, "0.15"),
        ("cache_read", 600, "0.075"),
        ("output", 100, "0.6"),
    ]
    assert told["cost_usd"] == "0.000165"
    assert told["client_minus_computed_usd"] == "0.000835"
    assert told["matched_by"] == "exact"
    text = program.ok("prices", "explain", event_id, "--workspace", "Acme").stdout
    assert "0.000045" in text
    assert "price list" in text


def test_a_percentage_of_a_percentage_is_explained_by_both(program: Program) -> None:
    program.add([priced_event()])
    [line] = program.ok("events", "export", "--workspace", "Acme").stdout.splitlines()
    event_id = line.split('"id":"')[1][:36]
    for percent, whose in (("-12.5", ["--global"]), ("-50", ["-w", "Acme"])):
        program.ok("prices", "set", "*", "-p", "openai", "--percent", percent, *whose)
    days = ("--from", "2025-11-01", "--to", "2025-12-01")
    program.ok("prices", "recompute", "-w", "Acme", *days, "--yes")

    told = program.json("prices", "explain", event_id)

    assert told["cost_usd"] == "0.0000721875"  # 0.000165 x 0.875 x 0.5
    assert "-50% on what would hold otherwise" in told["why"]
    assert "-12.5% on what would hold otherwise (of every workspace)" in told["why"]


def test_what_if_compares_what_was_recorded(program: Program) -> None:
    rows = program.json("prices", "what-if", "-w", "Acme", "openai/gpt-4o-mini")
    assert rows == []
    assert "no price" in program.fails(3, "prices", "what-if", "-w", "Acme", "nobody/nothing")
    assert "PROVIDER/MODEL" in program.fails(2, "prices", "what-if", "-w", "Acme", "gpt-4o-mini")
