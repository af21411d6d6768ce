"""`llmtrack prices currency`: the currency of a workspace's pages, entered by hand."""

from tests.cli.conftest import Program

ACME = ("prices", "currency", "--workspace", "Acme")


def test_a_currency_is_set_shown_audited_and_taken_back(program: Program) -> None:
    assert program.json(*ACME)["currency"] == "USD"

    made = program.json(*ACME, "--set", "eur", "--rate", "0.92", "--date", "2026-11-20")

    assert made == {
        "workspace": "Acme",
        "currency": "EUR",
        "usd_rate": "0.92",
        "rate_date": "2026-11-20",
    }
    assert program.json(*ACME) == made
    entries = program.json("audit", "list", "--workspace", "Acme")
    assert "display_currency.set" in {entry["action"] for entry in entries}
    assert program.json(*ACME, "--set", "USD")["currency"] == "USD"


def test_a_rate_is_needed_and_must_make_sense(program: Program) -> None:
    assert "rate" in program.fails(2, *ACME, "--set", "EUR")
    assert "rate" in program.fails(2, *ACME, "--set", "EUR", "--rate", "NaN")
    assert "--set" in program.fails(2, *ACME, "--rate", "0.92")
