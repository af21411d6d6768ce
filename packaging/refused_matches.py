"""The names that the list's own patterns would price and we do not, as a golden file.

    PYTHONPATH=. python packaging/refused_matches.py --write

Asked are, at every provider with patterns, all names of the whole list (another provider's
model is the likeliest wrong one) and each pattern's text with made-up endings and beginnings.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from genai_prices.data import providers
from genai_prices.types import ModelInfo, Provider

from llmtrack.domain.listed_prices import ListedPrices
from llmtrack.domain.price_list import parse_price_list

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests/golden/refused_upstream_matches.txt"
MADE_UP = ("*-turbo", "*-pro", "*-9", "*-v9", "*-99999999", "*-tts", "*:x", "my-*", "some.*", "x/*")


class Refused(NamedTuple):
    kind: str
    provider: str
    name: str
    theirs: str
    ours: str


def refused_matches() -> list[Refused]:
    prices = ListedPrices(parse_price_list((ROOT / "llmtrack/prices.json").read_bytes()))
    found = []
    for provider in providers:
        patterns = _patterns(provider)
        if patterns:
            answers = (_refused(prices, provider, name) for name in _all_names())
            found += [refused for refused in answers if refused]
        for text in patterns:
            found += _refused_made_up(prices, provider, text)
    return sorted(found)


def report() -> str:
    found = refused_matches()
    counts = Counter(refused.kind for refused in found)
    lines = [f"# {kind}: {counts[kind]}" for kind in sorted(counts)]
    lines += ["# kind | provider | name | the row it would get | the row it gets", ""]
    lines += [" | ".join(refused) for refused in found]
    return "\n".join(lines) + "\n"


def _refused(prices: ListedPrices, provider: Provider, name: str) -> Refused | None:
    theirs = provider.find_model(name, all_providers=providers)
    if theirs is None:
        return None
    ours = prices.named(provider.id, name).match
    if ours is not None and ours.model.id == theirs.id:
        return None
    kind = "other row" if ours else _kind(theirs, name)
    return Refused(kind, provider.id, name, theirs.id, ours.model.id if ours else "unpriced")


def _refused_made_up(prices: ListedPrices, provider: Provider, text: str) -> list[Refused]:
    """One line for the names around one pattern that would all get the same row."""
    by_row: dict[tuple[str, str], list[str]] = {}
    for shape in MADE_UP:
        refused = _refused(prices, provider, shape.replace("*", text))
        if refused:
            by_row.setdefault((refused.theirs, refused.ours), []).append(shape)
    return [
        Refused("made-up names", provider.id, f"{text}: {' '.join(shapes)}", *rows)
        for rows, shapes in by_row.items()
    ]


def _kind(model: ModelInfo, name: str) -> str:
    """What the pattern left open and we do not grant."""
    texts = [text.lower() for kind, text in _leaves(model.match) if kind != "regex"]
    inside = [text for text in texts if text in name]
    if any(name.startswith(text) for text in inside):
        return "unknown ending"
    if any(name.endswith(text) for text in inside):
        return "unknown beginning"
    return "unknown beginning and ending" if inside else "open regular expression"


def _patterns(provider: Provider) -> list[str]:
    return sorted(
        {
            text.lower()
            for model in provider.models
            for kind, text in _leaves(model.match)
            if kind in {"starts_with", "ends_with", "contains"}
        }
    )


@cache
def _all_names() -> set[str]:
    names = set()
    for provider in providers:
        for model in provider.models:
            names.add(model.id.lower())
            names |= {text.lower() for kind, text in _leaves(model.match) if kind == "equals"}
    return names


def _leaves(clause: Any) -> Iterator[tuple[str, str]]:
    for name, value in vars(clause).items():
        if isinstance(value, list):
            for part in value:
                yield from _leaves(part)
        else:
            yield name, value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the golden file")
    text = report()
    if parser.parse_args().write:
        GOLDEN.write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
