"""Bills as consoles and spreadsheets write them: read whole and exactly, or refused by line."""

from datetime import date
from pathlib import Path

import pytest

from llmtrack.domain.bill_matching import BillEntry
from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.reconciliation import Tokens
from llmtrack.formats.provider_bills import parse_bill

DAY = date(2026, 11, 20)
BILLS = Path(__file__).parent / "bills"


def read(text: str, provider: str = "openai", **columns: str) -> list[BillEntry]:
    return parse_bill(text.encode(), provider, columns).entries


def exported(name: str, provider: str) -> list[BillEntry]:
    """A file in the order of columns in which the provider's console writes it."""
    return parse_bill((BILLS / f"{name}.csv").read_bytes(), provider).entries


def refused(text: str, provider: str = "openai", **columns: str) -> str:
    with pytest.raises(InvalidValue) as caught:
        read(text, provider, **columns)
    return f"{caught.value} {caught.value.fix or ''}".strip()


def simple(*lines: str, header: str = "date,model,cost") -> str:
    return "\n".join([header, *lines]) + "\n"


def test_openai_costs_have_amounts_and_quantities() -> None:
    first, cached, output = exported("openai_costs", "openai")

    name = "gpt-4o-2024-08-06"
    assert first == BillEntry(DAY, name, None, Tokens(input=1000), 2_500_000_000)
    assert cached == BillEntry(DAY, name, None, Tokens(cache_read=1000), 1_250_000_000)
    assert output == BillEntry(DAY, name, None, Tokens(output=1000), 10_000_000_000)


def test_openai_usage_counts_cached_input_inside_the_input() -> None:
    assert exported("openai_usage", "openai") == [
        BillEntry(DAY, "gpt-4o-mini-2024-07-18", 12, Tokens(1000, 200, 0, 960), None)
    ]


def test_anthropic_costs_are_a_line_for_each_class() -> None:
    assert [entry.cost_pico for entry in exported("anthropic_costs", "anthropic")] == [
        50_000_000_000,
        1_250_000_000_000,
    ]


def test_anthropic_usage_counts_the_cache_beside_the_input() -> None:
    [entry] = exported("anthropic_usage", "anthropic")

    assert entry.tokens == Tokens(input=100, cache_read=4000, cache_write=23, output=50)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + simple("2026-11-20,gpt-4o,1.50").encode(),
        simple("2026-11-20,gpt-4o,1.50").replace("\n", "\r\n").encode(),
        simple("2026-11-20,gpt-4o,1.50").encode("utf-16"),
        b"\r\n\r\n" + simple("", "2026-11-20,gpt-4o,1.50", "", ",,").encode(),
        b"sep=;\r\n" + simple("2026-11-20;gpt-4o;1,50", header="Date;Model;Cost").encode(),
        simple("2026-11-20\tgpt-4o\t1.50", header="Date\tModel\tCost").encode(),
        simple("2026-11-20,gpt-4o,1.50,x", header="date,model,cost,something new").encode(),
        simple('"2026-11-20","gpt-4o","1.50"', header='"date","model","cost"').encode(),
        simple("2026-11-20,gpt-4o,1.50").rstrip("\n").encode(),
    ],
    ids=["BOM", "CRLF", "UTF-16", "empty lines", "sep=", "tabs", "unknown column", "quotes", "end"],
)
def test_the_form_of_the_file_does_not_matter(data: bytes) -> None:
    expected = [BillEntry(DAY, "gpt-4o", None, None, 1_500_000_000_000)]

    assert parse_bill(data, "openai").entries == expected


@pytest.mark.parametrize(
    ("amount", "pico"),
    [
        ("0.000000000001", 1),
        ('"$1,234.56"', 1_234_560_000_000_000),
        ("US$ 12", 12_000_000_000_000),
        ("12.5 USD", 12_500_000_000_000),
        ("-$0.75", -750_000_000_000),
        ("($0.75)", -750_000_000_000),
        ("1 234.5", 1_234_500_000_000_000),
        ('"0,125"', 125_000_000_000),
        ('"1.234,5"', 1_234_500_000_000_000),
        ("1e-3", 1_000_000_000),
        ("", 0),
    ],
)
def test_amounts_are_read_as_spreadsheets_write_them(amount: str, pico: int) -> None:
    assert read(simple(f"2026-11-20,gpt-4o,{amount}"))[0].cost_pico == pico


@pytest.mark.parametrize(
    "day",
    ["2026-11-20", "2026/11/20", "2026-11-20T23:59:59Z", "2026-11-21T00:30:00+02:00", "1795132800",
     "2026-11-20 00:00:00 UTC"],
)  # fmt: skip
def test_days_are_utc_days(day: str) -> None:
    assert read(simple(f"{day},gpt-4o,1"))[0].day == DAY


def test_sums_of_other_lines_are_passed_over() -> None:
    found = read(
        simple("2026-11-20,gpt-4o,1", "2026-11-20,Total,1", "Total,,1", "Grand total:,,1", "totals")
    )

    assert len(found) == 1


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("20.11.26,gpt-4o,1", "line 3, column 'date': '20.11.26' is no date; write it as"),
        ("2026-13-01,gpt-4o,1", "line 3, column 'date': '2026-13-01' is no date"),
        (",gpt-4o,1", "line 3, column 'date': '' is no date"),
        ("2026-11-20,gpt-4o,free", "line 3, column 'cost': 'free' is no number"),
        ("2026-11-20,gpt-4o,€5", "line 3, column 'cost': '€5' is no number"),
        ("2026-11-20,gpt-4o,nan", "line 3, column 'cost': 'nan' is no number"),
        ("2026-11-20,gpt-4o,1e30", "line 3, column 'cost': '1e30' is out of range"),
        ("2026-11-20,gpt-4o,1,234.50", "line 3 has 4 cells, and there are 3 columns"),
        ("2026-11-20,gpt-4o", "line 3 ends before column 'cost'"),
        ('2026-11-20,"gpt-4o,1', "line 3: unexpected end of data"),
    ],
)
def test_what_cannot_be_read_is_named_by_line_and_column(line: str, error: str) -> None:
    assert refused(simple("2026-11-19,gpt-4o,1", line)).startswith(error)


def test_a_comma_that_may_mean_either_is_not_guessed() -> None:
    text = simple("2026-11-20;gpt-4o;1,234", header="date;model;cost")

    assert "may be a thousand times as much" in refused(text)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "the file is empty"),
        (b" \r\n \r\n", "the file is empty"),
        (b",,\n,,\n", "the file has no column names"),
        (b"PK\x03\x04\x00\x00", "the file is no text"),
        (simple("2026-11-20,gpt-4o,\xe9").encode("latin-1"), "line 2 is not utf-8-sig text"),
        (
            b"colour,size\nred,1\n",
            "this is no export of openai that is known: no column with a day",
        ),
        (b"date,model\n2026-11-20,gpt-4o\n", "this is no export of openai that is known"),
    ],
)
def test_what_is_no_bill_is_told_apart(data: bytes, error: str) -> None:
    with pytest.raises(InvalidValue, match=error):
        parse_bill(data, "openai")


def test_another_currency_is_not_taken_for_dollars() -> None:
    text = simple("2026-11-20,gpt-4o,1,eur", header="date,model,cost,currency")

    assert "line 2, column 'currency': 'eur' is not US dollars" in refused(text)


def test_cached_tokens_cannot_exceed_the_input() -> None:
    header = "date,model,input_tokens,input_cached_tokens"

    assert "is less than the cached tokens" in refused(simple("2026-11-20,x,5,6", header=header))


def test_counts_are_whole_numbers() -> None:
    header = "date,model,input_tokens"

    assert read(simple('2026-11-20,x,"1,200"', header=header))[0].tokens == Tokens(input=1200)
    assert "'1.5' is no count" in refused(simple("2026-11-20,x,1.5", header=header))
    assert "'-1' is no count" in refused(simple("2026-11-20,x,-1", header=header))


def test_any_columns_can_be_named() -> None:
    text = simple("2026-11-20,m,2.00,7", header="Tag,Modell,Betrag (USD),Aufrufe")
    columns = {"day": "Tag", "model": "modell", "cost": "Betrag (USD)", "requests": "Aufrufe"}

    assert parse_bill(text.encode(), "mistral", columns).entries == [
        BillEntry(DAY, "m", 7, None, 2_000_000_000_000)
    ]


def test_a_column_that_is_not_there_is_answered_with_those_that_are() -> None:
    said = refused(simple("2026-11-20,m,2"), "mistral", day="date", cost="amount")

    assert "the file has no column 'amount' for cost its columns are: date, model, cost" in said


def test_another_provider_needs_its_columns_named() -> None:
    assert "the columns of a bill of mistral are not known" in refused(simple(), "mistral")


def test_columns_that_were_not_used_are_named_as_the_file_names_them() -> None:
    text = "date,model,amount_value,project_id,Team Name,\n2026-11-01,gpt-4o,1.50,p1,x,\n"
    assert parse_bill(text.encode(), "openai").unused_columns == ["project_id", "Team Name"]
    text = "Date,Model,Cost\n2026-11-01,gpt-4o,1.50\n"
    assert parse_bill(text.encode(), "openai").unused_columns == []
