"""Usage as a FOCUS 1.2 cost and usage data set: what finance's tools read.

https://focus.finops.org/focus-specification/v1-2/. A row is the usage of one model on one
day. The spec wants a cost in every row, so a model without a price has 0 there, and
`x_UnpricedRequests` says how many requests that 0 knows nothing of.
"""

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
    "x_CacheReadTokens",
    "x_InputTokens",
    "x_OutputTokens",
    "x_Requests",
    "x_TimeZone",
    "x_UnpricedRequests",
)


class FocusCharge(NamedTuple):
    """One model's usage in one charge period; times are RFC 3339 text in UTC."""

    account_id: str
    account_name: str
    time_zone: str
    """Whose days the charge periods are."""
    billing_start: str
    billing_end: str
    charge_start: str
    charge_end: str
    provider: str
    model: str
    cost_pico: int
    input_tokens: int
    cache_read_tokens: int
    output_tokens: int
    requests: int
    unpriced_requests: int


def focus_row(charge: FocusCharge) -> tuple[Cell, ...]:
    """The cells of COLUMNS. What LLMtrack cannot know, such as a discount, is not claimed:
    list, contracted, effective and billed cost are the one cost it computes.
    """
    cost = usd_text(charge.cost_pico)
    tokens = charge.input_tokens + charge.output_tokens
    cells: dict[str, Cell] = {
        "BilledCost": cost,
        "BillingAccountId": charge.account_id,
        "BillingAccountName": charge.account_name,
        "BillingCurrency": "USD",
        "BillingPeriodEnd": charge.billing_end,
        "BillingPeriodStart": charge.billing_start,
        "ChargeCategory": "Usage",
        "ChargeClass": None,
        "ChargeDescription": f"Requests to {charge.model} of {charge.provider}",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": charge.charge_end,
        "ChargePeriodStart": charge.charge_start,
        "ConsumedQuantity": tokens,
        "ConsumedUnit": "Tokens",
        "ContractedCost": cost,
        "EffectiveCost": cost,
        "InvoiceIssuerName": charge.provider,
        "ListCost": cost,
        "PricingQuantity": tokens,
        "PricingUnit": "Tokens",
        "ProviderName": charge.provider,
        "PublisherName": charge.provider,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": charge.model,
        "ServiceSubcategory": "Generative AI",
        "SkuId": f"{charge.provider}/{charge.model}",
        "x_CacheReadTokens": charge.cache_read_tokens,
        "x_InputTokens": charge.input_tokens,
        "x_OutputTokens": charge.output_tokens,
        "x_Requests": charge.requests,
        "x_TimeZone": charge.time_zone,
        "x_UnpricedRequests": charge.unpriced_requests,
    }
    return tuple(cells[name] for name in COLUMNS)
