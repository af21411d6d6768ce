"""The FOCUS export, column by column as the specification has them.

https://focus.finops.org/focus-specification/v1-2/: feature level, nullability, value format.
"""

import csv
import io
import json
import re
from decimal import Decimal

import pytest

from llmtrack.formats.csv_lines import csv_lines
from llmtrack.formats.focus import COLUMNS, FocusCharge, focus_row

INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
DECIMAL = r"-?\d+(\.\d+)?"
POSITIVE = r"(?!0+(\.0+)?$)\d+(\.\d+)?"
UNIT = r"[A-Z][a-z]+s"
TEXT = r".+"
MANDATORY = {
    "BilledCost": DECIMAL,
    "BillingAccountId": TEXT,
    "BillingAccountName": TEXT,
    "BillingCurrency": r"[A-Z]{3}",
    "BillingPeriodEnd": INSTANT,
    "BillingPeriodStart": INSTANT,
    "ChargeCategory": r"Usage|Purchase|Tax|Credit|Adjustment",
    "ChargeClass": r"|Correction",
    "ChargeDescription": TEXT,
    "ChargePeriodEnd": INSTANT,
    "ChargePeriodStart": INSTANT,
    "ContractedCost": DECIMAL,
    "EffectiveCost": DECIMAL,
    "InvoiceIssuerName": TEXT,
    "ListCost": DECIMAL,
    "PricingQuantity": DECIMAL,
    "PricingUnit": UNIT,
    "ProviderName": TEXT,
    "PublisherName": TEXT,
    "ServiceCategory": r"AI and Machine Learning",
    "ServiceName": TEXT,
}
FURTHER = {
    "ChargeFrequency": r"One-Time|Recurring|Usage-Based",
    "ConsumedQuantity": POSITIVE,
    "ConsumedUnit": UNIT,
    "ServiceSubcategory": r"Generative AI",
    "SkuId": TEXT,
    "SkuPriceId": TEXT,
    "Tags": r"(\{.+\})?",
}
"""Recommended columns, and those that a provider with usage and a price list has to have."""
OWN = {
    "x_CacheReadTokens": r"\d+",
    "x_InputTokens": r"\d+",
    "x_OutputTokens": r"\d+",
    "x_Requests": r"\d+",
    "x_TimeZone": TEXT,
    "x_UnpricedRequests": r"\d+",
}
NOVEMBER = (1_793_491_200_000, 1_796_083_200_000)  # 2026-11-01, 2026-12-01
DAY = (1_795_132_800_000, 1_795_219_200_000)


def charge(
    *,
    provider: str = "openai",
    model: str = "gpt-4o",
    cost_pico: int = 1,
    tokens: int = 30,
    **tags: str,
) -> FocusCharge:
    account = ("wsp_a", "Acme", "Asia/Kathmandu")
    counts = (tokens // 3, tokens // 6, tokens - tokens // 3, 2, 1)
    return FocusCharge(*account, *NOVEMBER, *DAY, provider, model, cost_pico, *counts, tags)


CHARGES = [
    charge(),
    charge(cost_pico=0, tokens=0),  # only failed requests
    charge(cost_pico=10**24 + 1, tokens=10**15),
    charge(provider="a b", model='=HYPERLINK("x"), "quoted"\nand broken'),
    charge(provider="x" * 200, model="شركة" * 50),
    charge(team='=1+1 "quoted"', tier="ذهب"),
]


def exported(charges: list[FocusCharge]) -> list[dict[str, str]]:
    text = csv_lines([COLUMNS, *map(focus_row, charges)]).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_mandatory_column_is_there_and_what_is_our_own_says_so() -> None:
    assert set(COLUMNS) == set(MANDATORY | FURTHER | OWN)
    assert len(COLUMNS) == len(set(COLUMNS))
    assert sorted(COLUMNS[: -len(OWN)]) == list(COLUMNS[: -len(OWN)])
    assert all(re.fullmatch(r"(x_)?[A-Z][A-Za-z]+", name) for name in COLUMNS)
    assert all(name.startswith("x_") == (name in OWN) for name in COLUMNS)


@pytest.mark.parametrize("place", range(len(CHARGES)))
def test_every_value_has_the_format_of_its_column(place: int) -> None:
    [row] = exported([CHARGES[place]])
    for name, form in (MANDATORY | FURTHER | OWN).items():
        assert re.fullmatch(form, row[name], re.DOTALL), (name, row[name])


def test_tags_are_an_object_of_texts() -> None:
    for row, made in zip(exported(CHARGES), CHARGES, strict=True):
        assert json.loads(row["Tags"] or "{}") == made.tags


def test_costs_are_one_exact_amount_and_periods_lie_in_each_other() -> None:
    for row, made in zip(exported(CHARGES), CHARGES, strict=True):
        for name in ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"):
            assert Decimal(row[name]) * 10**12 == made.cost_pico
        assert row["BillingPeriodStart"] <= row["ChargePeriodStart"]
        assert row["ChargePeriodStart"] < row["ChargePeriodEnd"] <= row["BillingPeriodEnd"]
        assert row["BillingPeriodStart"] == "2026-11-01T00:00:00Z"
        assert row["SkuId"] == row["SkuPriceId"]
