"""Usage as a FOCUS 1.2 cost and usage data set: what finance's tools read.

https://focus.finops.org/focus-specification/v1-2/. A row is the usage of one model on one
day. The spec wants a cost in every row, so a model without a price has 0 there, and
`x_UnpricedRequests` says how many requests that 0 knows nothing of.

Of the columns that are wanted only of a provider who has the thing, those that would have to be
made up are left out: a unit price (input, output and cached tokens have one each), invoices,
commitments, regions, resources.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from llmtrack.domain.money import usd_text
from llmtrack.formats.csv_lines import Cell

COLUMNS = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuPriceId",
    "Tags",
    "x_CacheReadTokens",
    "x_InputTokens",
    "x_OutputTokens",
    "x_Requests",
    "x_TimeZone",
    "x_UnpricedRequests",
)
_SAME: dict[str, Cell] = {
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargeClass": None,
    "ChargeFrequency": "Usage-Based",
    "ConsumedUnit": "Requests",
    "PricingUnit": "Tokens",
    "ServiceCategory": "AI and Machine Learning",
    "ServiceSubcategory": "Generative AI",
}
"""What every row has."""
_in_order: Callable[[Mapping[str, Cell]], tuple[Cell, ...]] = itemgetter(*COLUMNS)
_as_json = json.JSONEncoder(ensure_ascii=False).encode


class FocusCharge(NamedTuple):
    """One model's usage in one charge period; times are epoch ms, of whole seconds."""

    account_id: str
    account_name: str
    time_zone: str
    """Whose days the charge periods are."""
    billing_start_ms: int
    billing_end_ms: int
    charge_start_ms: int
    charge_end_ms: int
    provider: str
    model: str
    cost_pico: int
    input_tokens: int
    cache_read_tokens: int
    output_tokens: int
    requests: int
    unpriced_requests: int
    tags: Mapping[str, str]
    """The values of tracked tags that all of these requests have."""


def focus_row(charge: FocusCharge) -> tuple[Cell, ...]:
    """The cells of COLUMNS. What LLMtrack cannot know, such as a discount, is not claimed:
    list, contracted, effective and billed cost are the one cost it computes.
    """
    cost = usd_text(charge.cost_pico)
    tokens = charge.input_tokens + charge.output_tokens
    sku = f"{charge.provider}/{charge.model}"
    cells: dict[str, Cell] = {
        **_SAME,
        "BilledCost": cost,
        "BillingAccountId": charge.account_id,
        "BillingAccountName": charge.account_name,
        "BillingPeriodEnd": _instant(charge.billing_end_ms),
        "BillingPeriodStart": _instant(charge.billing_start_ms),
        "ChargeDescription": f"Requests to {charge.model} of {charge.provider}",
        "ChargePeriodEnd": _instant(charge.charge_end_ms),
        "ChargePeriodStart": _instant(charge.charge_start_ms),
        # Always more than 0, as it has to be: a failed request may have told no tokens.
        "ConsumedQuantity": charge.requests,
        "ContractedCost": cost,
        "EffectiveCost": cost,
        "InvoiceIssuerName": charge.provider,
        "ListCost": cost,
        "PricingQuantity": tokens,
        "ProviderName": charge.provider,
        "PublisherName": charge.provider,
        "ServiceName": charge.model,
        "SkuId": sku,
        "SkuPriceId": sku,
        "Tags": _as_json(charge.tags) if charge.tags else None,
        "x_CacheReadTokens": charge.cache_read_tokens,
        "x_InputTokens": charge.input_tokens,
        "x_OutputTokens": charge.output_tokens,
        "x_Requests": charge.requests,
        "x_TimeZone": charge.time_zone,
        "x_UnpricedRequests": charge.unpriced_requests,
    }
    return _in_order(cells)


@lru_cache(maxsize=64)
def _instant(moment_ms: int) -> str:
    """To the second, as the spec has it: "2026-11-20T12:00:00Z"."""
    return f"{datetime.fromtimestamp(moment_ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
