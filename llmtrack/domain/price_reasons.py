"""How a name led to its price, in words: for the page, the command line and JSON."""

from collections.abc import Sequence

from llmtrack.domain.costs import RateCard
from llmtrack.domain.custom_prices import Alias, Override
from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.model_names import biller, model_names
from llmtrack.domain.price_match import Match
from llmtrack.domain.pricing import Lookup, PriceBook, Step

RATE_NAMES = {
    "input_mtok": "input",
    "cache_read_mtok": "cache read",
    "cache_write_mtok": "cache write",
    "cache_write_1h_mtok": "cache write, 1 hour",
    "input_audio_mtok": "audio input",
    "cache_audio_read_mtok": "cached audio",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "output_audio_mtok": "audio output",
    "web_searches_kcount": "web search",
    "requests_kcount": "request",
}
"""What each rate is for; `per_text` says for how many."""


def per_text(price_key: str) -> str:
    return "per million tokens" if price_key.endswith("_mtok") else "per thousand"


def step_text(step: Step, version: str) -> str:
    if isinstance(step, Override):
        return override_text(step)
    return alias_text(step) if isinstance(step, Alias) else match_text(step, version)


def lookup_text(lookup: Lookup, version: str, *, with_since: bool = False) -> str:
    """One sentence; `version` is that of the price list."""
    if not lookup.is_known:
        texts = [*(step_text(step, version) for step in lookup.steps), "no price is known"]
    else:
        texts = [step_text(step, version) for step in lookup.steps]
        if with_since and lookup.card is not None:
            texts += since_texts(lookup.card)
    return sentence(texts)


def since_texts(card: RateCard) -> list[str]:
    """What the list knows of the time of a price; an own price tells it in its own words."""
    if not card.origin.startswith("list:"):
        return []
    if not card.window:
        return ["the list does not say since when this price holds, so it holds for any past day"]
    if ":" in card.window:
        return [f"this price holds each day {card.window}"]
    return [f"this price holds since {card.window}"]


def sentence(texts: Sequence[str]) -> str:
    text = "; ".join(texts)
    return f"{text[0].upper()}{text[1:]}."


def override_text(override: Override) -> str:
    text = f"own price {override.id} for {override.provider}/{override.model}"
    if override.service_tier:
        text += f", service tier {override.service_tier}"
    if override.percent is not None:
        return f"{text}, {signed_percent(override.percent)} on what would hold otherwise"
    return f"{text}, free of charge" if override.free else text


def signed_percent(percent: str) -> str:
    return f"{percent if percent.startswith(('-', '+')) else f'+{percent}'}%"


def alias_text(alias: Alias) -> str:
    to = f"{alias.to_provider}/{alias.to_model}"
    return f"by alias {alias.id}, {alias.provider}/{alias.model} is {to}"


def match_text(match: Match, version: str) -> str:
    row = f"row {match.provider}/{match.model.id} of price list {version}"
    if match.pattern is None:
        why = f"which lists {match.name} by name"
    else:
        why = f"whose pattern “{match.pattern}” takes {match.name}"
    lent = "" if match.is_own else f", since this provider bills what {match.provider} does"
    return f"{row}, {why}{lent}"


def names_model(item: Alias | Override, provider: str, model: str) -> bool:
    """Whether an override or alias is for a model as an event names it."""
    found, name = biller(provider, model)
    own, own_name = biller(item.provider, item.model)
    if own not in {found, "*"}:
        return False
    shared = set(model_names(found, name)) & set(model_names(own, own_name))
    return item.model == "*" or bool(shared)


def price_text(override: Override) -> str:
    """The price alone: `input 2.5, output 10`, `-15%`, `free`."""
    if override.free:
        return "free"
    if override.percent is not None:
        return signed_percent(override.percent)
    rates = override.rates or {}
    return ", ".join(f"{name} {rates[key]}" for key, name in RATE_NAMES.items() if key in rates)


def require_price(book: PriceBook, provider: str, model: str, *, at_ms: int) -> None:
    """Raises InvalidValue: an alias of something unpriced would hide the lack of a price."""
    if book.lookup(provider, model, at_ms=at_ms).card is not None:
        return
    raise InvalidValue(
        "to_model",
        f"no price is known for {provider}/{model} itself",
        fix=f"find its name: llmtrack prices list --provider {provider}",
    )
