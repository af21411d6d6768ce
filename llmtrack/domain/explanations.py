"""Why an event costs what it costs, in lines that add up and in words.

Everything comes from what is stored with the event: its usage, the card it was priced by, its
status and flags. Prices of today are not asked.
"""

from decimal import Decimal, localcontext

import msgspec

from llmtrack.domain.charges import CostLine, explain
from llmtrack.domain.costs import CostFlag, CostStatus, RateCard
from llmtrack.domain.money import PICO_MAX, PICO_PER_USD
from llmtrack.domain.pricing import billed_usage
from llmtrack.domain.usage import Convention, Usage

STATUS_TEXTS = {
    CostStatus.PRICED: "Everything that was reported has a price.",
    CostStatus.PARTIAL: "A lower bound: a count or a rate is missing, see below.",
    CostStatus.UNPRICED: "Nobody knows a price for this provider and model, so there is no cost.",
    CostStatus.NO_USAGE: "No count was reported, so there is nothing to price.",
    CostStatus.INSUFFICIENT_USAGE: (
        "What was reported is not what this model is billed by: only a total where input and "
        "output differ in price, or a model billed by hours, pages or characters."
    ),
    CostStatus.INVALID_USAGE: (
        "The counts contradict each other or are beyond any real call, so there is no cost."
    ),
}
FLAG_TEXTS = {
    CostFlag.RATE_FALLBACK: (
        "A part without a rate of its own took the rate of what it is a part of."
    ),
    CostFlag.TIER_IGNORED: (
        "There is no rate for the service tier that was asked for: the standard one was taken."
    ),
    CostFlag.BEFORE_FIRST_PRICE: (
        "The event is older than the first known price of the model, which was taken."
    ),
    CostFlag.RATE_MISSING: "Something that was counted has no rate at all and is not in the cost.",
    CostFlag.UNMETERED_PARTS: (
        "The model also charges for what events do not count, such as images."
    ),
    CostFlag.OVERLAP_ASSUMED: (
        "Cached audio: as many tokens as must be both were taken to be both."
    ),
    CostFlag.BEYOND_BOUND: (
        f"At the model's rates these counts cost more than {PICO_MAX // PICO_PER_USD:,} US dollars,"
        " which one event cannot hold and no real call costs: is a count in the wrong unit?"
    ),
}
_GROUNDS = (
    (Convention.BY_SENDER, "the sender said so (cache_accounting)"),
    (Convention.BY_TOTAL, "total_tokens proves it"),
    (Convention.BY_SOURCE, "the source is known for it"),
    (Convention.BY_SIZE, "the parts are larger than the whole"),
)


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The amounts of the lines and `rounding_pico` add up to `cost_pico` exactly."""

    lines: list[CostLine]
    rounding_pico: Decimal
    cost_pico: int | None
    client_cost_pico: int | None
    status: CostStatus
    flags: CostFlag
    convention: str

    @property
    def status_text(self) -> str:
        return STATUS_TEXTS[self.status]

    @property
    def flag_texts(self) -> list[str]:
        return [text for flag, text in FLAG_TEXTS.items() if flag & self.flags]

    @property
    def difference_pico(self) -> int | None:
        """What the client said minus what was computed."""
        if self.cost_pico is None or self.client_cost_pico is None:
            return None
        return self.client_cost_pico - self.cost_pico


def explained(
    usage: Usage,
    card: RateCard | None,
    *,
    cost_pico: int | None,
    client_cost_pico: int | None,
    status: CostStatus,
    flags: int,
) -> Explanation:
    lines = [] if card is None else explain(billed_usage(usage, card) or usage, card)
    with localcontext() as context:
        context.prec = 60
        rounding = (cost_pico or 0) - sum((line.amount_pico for line in lines), Decimal(0))
    return Explanation(
        lines=lines,
        rounding_pico=rounding,
        cost_pico=cost_pico,
        client_cost_pico=client_cost_pico,
        status=status,
        flags=CostFlag(flags),
        convention=convention_text(usage.convention),
    )


def convention_text(convention: Convention) -> str:
    """How the counts were read, and what told it."""
    cache = (
        "cached tokens were reported beside the input and are added to it"
        if convention & Convention.CACHE_BESIDE
        else "cached tokens are inside the input"
    )
    reasoning = (
        "reasoning tokens were reported beside the output and are added to it"
        if convention & Convention.REASONING_BESIDE
        else "reasoning tokens are inside the output"
    )
    grounds = [text for flag, text in _GROUNDS if convention & flag]
    why = " and ".join(grounds) or "nothing says otherwise"
    return f"{cache.capitalize()}; {reasoning}: {why}."


def amount_text(pico: Decimal) -> str:
    """US dollars, exact however small: 1500000.5 -> "0.0000015000005"."""
    with localcontext() as context:
        context.prec = 60
        text = format(pico / PICO_PER_USD, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
