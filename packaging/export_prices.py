"""Write llmtrack/prices.json and its licence from the installed genai-prices.

    PYTHONPATH=. python packaging/export_prices.py --date 2026-11-09

The date says how old these prices are; the package does not tell it, so take the day of its
release or the newest price in force. Without it the committed file's date is kept.
"""

import argparse
import dataclasses
import json
from datetime import date, time
from decimal import Decimal
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

from genai_prices.data import providers
from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices

from llmtrack.domain.price_list import is_documented_free

PACKAGE = Path(__file__).resolve().parent.parent / "llmtrack"
PRICES = PACKAGE / "prices.json"
LICENSE = PACKAGE / "prices.LICENSE"

EXTRA_NAMES = {
    ("anthropic", "claude-2"): ("claude-2.0", "claude-2.1"),
    ("google", "claude-3-5-sonnet"): (
        "claude-3-5-sonnet-v2",
        "claude-3-5-sonnet-v2@20241022",
    ),
    ("google", "gemma-3"): tuple(f"gemma-3-{size}-it" for size in ("1b", "4b", "12b", "27b")),
    ("google", "gemma-3n"): ("gemma-3n-e2b-it", "gemma-3n-e4b-it"),
}
"""The real models behind a pattern of theirs that is too open for us, from the providers' pages."""


def exported(published: str) -> str:
    """The file's text: compact JSON with one model a line, so that a diff reads."""
    header = {
        "format": 1,
        "source": "genai-prices",
        "version": version("genai-prices"),
        "date": published,
    }
    blocks = ",\n".join(_provider_block(provider) for provider in providers)
    return f'{_compact(header)[:-1]},"providers":[\n{blocks}\n]}}\n'


def licence() -> str:
    texts = [file for file in distribution("genai-prices").files or () if file.name == "LICENSE"]
    return Path(str(texts[0].locate())).read_text()


def _provider_block(provider: Provider) -> str:
    head: dict[str, Any] = {"id": provider.id, "name": provider.name}
    if provider.provider_match is not None:
        head["provider_match"] = _plain(provider.provider_match)
    if provider.fallback_model_providers:
        head["fallback_model_providers"] = provider.fallback_model_providers
    lines = ",\n".join(_compact(_model(provider.id, model)) for model in provider.models)
    return f'{_compact(head)[:-1]},"models":[\n{lines}\n]}}'


def _model(provider_id: str, model: ModelInfo) -> dict[str, Any]:
    match = _plain(model.match)
    if names := EXTRA_NAMES.get((provider_id, model.id)):
        match = {"or": [*({"equals": name} for name in names), match]}
    row: dict[str, Any] = {
        "id": model.id,
        "match": match,
        "prices": _plain(model.prices),
    }
    if model.price_variants:
        row["price_variants"] = _plain(model.price_variants)
    if is_documented_free(provider_id, model.id, model.price_comments):
        row["free"] = True
    return row


def _plain(value: Any) -> Any:
    """Their objects as JSON values under their published names; what is None is left out."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, ModelPrice):
        fields = value.__dict__
    elif isinstance(value, TieredPrices):
        fields = {"base": value.base, "tiers": value.tiers}
    elif dataclasses.is_dataclass(value):
        fields = {name.rstrip("_"): field for name, field in vars(value).items()}
    elif isinstance(value, list):
        return [_plain(item) for item in value]
    else:
        return value
    return {name: _plain(field) for name, field in fields.items() if field is not None}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--date", help="the day of these prices, YYYY-MM-DD")
    published = parser.parse_args().date or json.loads(PRICES.read_text())["date"]
    PRICES.write_text(exported(date.fromisoformat(published).isoformat()))
    LICENSE.write_text(licence())
    print(f"{PRICES.name}: genai-prices {version('genai-prices')} of {published}")


if __name__ == "__main__":
    main()
