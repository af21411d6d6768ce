"""Which row of the price list a provider and model name mean, or none.

An exact name comes before a pattern, the provider's own rows before those of a provider that
the list says bills the same. The list's patterns are wide (`starts_with: gpt-5-nano-`); they
are taken at their word only where what they leave open is a date or a version, so that a
`gpt-5-nano-super` stays without a price instead of getting a wrong one.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from llmtrack.domain.model_names import biller, model_names, provider_id
from llmtrack.domain.price_list import Clause, ListedModel, ListedProvider, PriceList

CACHED_NAMES = 10_000
NAME_CHARS_MAX = 200
"""No listed name is longer; together they bound what the names of strangers can occupy."""

_MONTH, _DAY = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_DATE = rf"20\d\d(?:{_MONTH}{_DAY}|-{_MONTH}-{_DAY})"
_SHORT_DATE = rf"(?:{_MONTH}{_DAY}|2[3-9]{_MONTH})"  # OpenAI's MMDD, Mistral's YYMM
_PREVIEW = rf"-preview(?:-{_DATE}|-{_SHORT_DATE}|-{_MONTH}-(?:{_DAY}|20\d\d))?"
_WHEN = rf"(?:[-@]{_DATE}|-{_SHORT_DATE}|-0\d\d|[-@]latest|@default|-stable|{_PREVIEW})?"
_VERSION = re.compile(rf"{_WHEN}(?:-v\d+:\d+)?")
_AWS_VERSION = re.compile(rf"{_WHEN}(?:-v\d+)?(?::\d+)?")
_FINE_TUNE = re.compile(rf"(?:-{_DATE}|-{_SHORT_DATE})?(?::[\w.-]*){{0,5}}")
_AZURE_FINE_TUNE = re.compile(r"[0-9a-z]+")
_UNFINISHED = re.compile(r"(?:-preview-?|[-@]|-20\d\d-?|(?:(?<=[a-z])|(?<=^ft:gpt-4))-0)$")
"""Where a pattern ends inside the date or version that it means to leave open."""

_HEADS = {
    # Regions at the one price; `global.` is cheaper and always has rows of its own.
    "aws": re.compile(
        r"(?:(?:us|us-gov|eu|apac|jp|au|ca|sa|me|af|mx|in)\.)?(?:(?:anthropic|amazon)\.)?"
    ),
    "openai": re.compile(r"(?:omni-|text-)?"),  # the moderation models
}
_NO_HEAD = re.compile("")


class Found(NamedTuple):
    """A row, the spelling that led to it, and the open clause that let it in, None for a name."""

    model: ListedModel
    name: str
    clause: Clause | None = None


class Match(NamedTuple):
    provider: str
    model: ListedModel
    is_own: bool
    """False: the row of another provider, of which the list says that it bills the same."""
    name: str
    """The spelling of the asked name that the row is listed under, or that its pattern takes."""
    pattern: str | None = None
    """In words, None where the row is listed under that very name."""


class _Patterns(NamedTuple):
    model: ListedModel
    clauses: tuple[Clause, ...]


class _Rows:
    """One provider's rows, by name and by pattern."""

    def __init__(self, provider: ListedProvider) -> None:
        self.provider = provider
        self.by_name: dict[str, ListedModel] = {}
        self.patterns: list[_Patterns] = []
        for model in provider.models:
            clauses = tuple(_alternatives(model.match))
            for clause in clauses:
                if "equals" in clause:
                    self.by_name.setdefault(clause["equals"].lower(), model)
            if open_ended := tuple(clause for clause in clauses if "equals" not in clause):
                self.patterns.append(_Patterns(model, open_ended))
        for model in provider.models:
            self.by_name.setdefault(model.id.lower(), model)

    def find(self, names: tuple[str, ...]) -> Found | None:
        for name in names:
            if name in self.by_name:
                return Found(self.by_name[name], name)
        for name in names:
            for model, clauses in self.patterns:
                for clause in clauses:
                    if _accepts(self.provider.id, clause, name):
                        return Found(model, name, clause)
        return None


class PriceMatcher:
    def __init__(self, prices: PriceList) -> None:
        self._listed = {provider_id(provider.id): provider for provider in prices.providers}
        self._rows: dict[str, _Rows] = {}
        self._cached = lru_cache(CACHED_NAMES)(self._search)

    def find(self, provider: str, model: str) -> Match | None:
        if max(len(provider), len(model)) > NAME_CHARS_MAX or not model.isascii():
            return None
        found, name = biller(provider, model)
        return self._cached(found, name) if found in self._listed else None

    def _search(self, found_provider_id: str, model: str) -> Match | None:
        names = model_names(found_provider_id, model)
        provider = self._listed[found_provider_id]
        own = self._rows_of(provider).find(names)
        if own is not None:
            return _match(provider.id, own, is_own=True)
        for other in provider.fallback_model_providers or ():
            lender = self._listed.get(provider_id(other))
            found = self._rows_of(lender).find(names) if lender else None
            if found is not None:
                return _match(other, found, is_own=False)
        return None

    def _rows_of(self, provider: ListedProvider) -> _Rows:
        """Built when first asked for: most workspaces use a handful of the providers."""
        rows = self._rows.get(provider.id)
        if rows is None:
            rows = self._rows[provider.id] = _Rows(provider)
        return rows


def _match(provider: str, found: Found, *, is_own: bool) -> Match:
    pattern = None if found.clause is None else clause_text(found.clause)
    return Match(provider, found.model, is_own, found.name, pattern)


def clause_text(clause: Clause) -> str:
    """`starts with gpt-5-nano-`, for people."""
    ((kind, value),) = clause.items()
    if isinstance(value, list):
        return f" {kind} ".join(clause_text(part) for part in value)
    return f"{kind.replace('_', ' ')} {value}"


def _alternatives(clause: Clause) -> Iterator[Clause]:
    for part in clause.get("or", ()):
        yield from _alternatives(part)
    if "or" not in clause:
        yield clause


def _accepts(provider: str, clause: Clause, name: str) -> bool:
    ((kind, value),) = clause.items()
    if kind == "and":
        # The regular expressions of an `and` take names out; the other parts let names in.
        filters = [part["regex"] for part in value if "regex" in part]
        letting = [part for part in value if "regex" not in part]
        return all(re.search(regex, name) for regex in filters) and all(
            _accepts(provider, part, name) for part in letting
        )
    if kind == "or":
        return any(_accepts(provider, part, name) for part in value)
    if kind == "equals":
        return name == str(value).lower()
    if kind == "regex":
        return _regex_accepts(provider, value, name)
    return _text_accepts(provider, kind, value.lower(), name)


def _regex_accepts(provider: str, regex: str, name: str) -> bool:
    if regex.startswith("^") and regex.endswith("$"):
        return re.search(regex, name) is not None
    if not regex.startswith("^") or not regex.endswith(r"-\d"):
        return False
    stem = re.match(regex.removesuffix(r"-\d"), name)
    return stem is not None and bool(_version_of(provider, "").fullmatch(name, stem.end()))


def _text_accepts(provider: str, kind: str, text: str, name: str) -> bool:
    if kind == "ends_with":
        start = len(name) - len(text) if name.endswith(text) else -1
    elif kind == "contains":
        start = name.find(text)
    else:
        start = 0 if kind == "starts_with" and name.startswith(text) else -1
    if start < 0 or not _HEADS.get(provider, _NO_HEAD).fullmatch(name, 0, start):
        return False
    version = _version_of(provider, text)
    if version.fullmatch(name, start + len(text)):
        return True
    unfinished = _UNFINISHED.search(text)
    return bool(unfinished and version.fullmatch(name, start + unfinished.start()))


def _version_of(provider: str, text: str) -> re.Pattern[str]:
    """What may follow a pattern's text."""
    if text.startswith("ft:"):
        return _FINE_TUNE
    if text.endswith(".ft-"):
        return _AZURE_FINE_TUNE
    return _AWS_VERSION if provider == "aws" else _VERSION
